#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The sizes of files.
enum FileSize {
  /// The bytes in a file; 0 where there is none.
  static func of(_ path: String) -> Int {
    var information = stat()
    guard unsafe stat(path, &information) == 0 else { return 0 }
    return Int(information.st_size)
  }
}
