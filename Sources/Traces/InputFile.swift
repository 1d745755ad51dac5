public import Diagnostics
public import Quantities
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Inputs as bytes: files and standard input, compressed or not.
public enum InputFile {
  /// Reads a whole file, or standard input when `path` is `-`. Zstandard and gzip data are recognised by their first
  /// bytes and decompressed.
  ///
  /// No size that a file claims is believed: memory grows only with what is really there, up to `limit`.
  /// - Parameter limit: the most bytes the content may have, compressed and decompressed.
  /// - Returns: the content under the name the user typed.
  /// - Throws: `is-directory`, `unreadable-file`, `empty-file`, `too-large` or `corrupt-compression`.
  public static func load(_ path: String, limit: Bytes = Bytes(1 << 30)) throws(DiagnosticList) -> SourceText {
    let raw = try read(path, limit: Int(limit.count))
    guard !raw.isEmpty else {
      throw DiagnosticList(
        Diagnostic(
          .emptyFile, path == "-" ? "standard input ended without any data" : "\(path) is empty",
          help: path == "-" ? "check the command that feeds the pipe" : nil))
    }
    let bytes = try Compression.expand(raw, name: path, limit: Int(limit.count))
    guard !bytes.isEmpty else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(path) decompresses to nothing"))
    }
    return SourceText(name: path, bytes: bytes)
  }

  /// Reads a whole file as it is.
  static func raw(_ path: String, limit: Bytes = Bytes(1 << 30)) throws(DiagnosticList) -> [UInt8] {
    try read(path, limit: Int(limit.count))
  }

  private static func read(_ path: String, limit: Int) throws(DiagnosticList) -> [UInt8] {
    try reading(path) {
      if path == "-" { return try readToEnd(.standardInput, name: path, limit: limit) }
      let file = try open(path)
      return try file.closeAfter { try readToEnd(file, name: path, limit: limit) }
    }
  }

  /// Opens a file for reading.
  static func open(_ path: String) throws(DiagnosticList) -> FileDescriptor {
    try reading(path) { try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) }
  }

  /// The size of the file that ``TraceReader/read(_:options:)`` reads for a path, as it is stored; nil if there is none.
  public static func size(_ path: String) -> Bytes? {
    guard path != "-", let file = try? open(TraceReader.completed(path)) else { return nil }
    defer { try? file.close() }
    return (try? file.seek(offset: 0, from: .end)).map { Bytes(Int64($0)) }
  }

  /// The content of a file or of standard input as it arrives, decompressed.
  static func stream(_ path: String) throws(DiagnosticList) -> Decompressor {
    let file = path == "-" ? .standardInput : try open(path)
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    return Decompressor(name: path) { () throws(DiagnosticList) in
      let count = try reading(path) {
        try unsafe chunk.withUnsafeMutableBytes { buffer in try unsafe file.read(into: buffer) }
      }
      if count == 0, path != "-" { try? file.close() }
      return Array(chunk[..<count])
    }
  }

  private static func reading<T>(_ path: String, _ body: () throws -> T) throws(DiagnosticList) -> T {
    do { return try body() } catch let list as DiagnosticList {
      throw list
    } catch let error as Errno {
      throw DiagnosticList(unreadable(path, error))
    } catch {
      throw DiagnosticList(Diagnostic(.unreadableFile, "\(path) cannot be read: \(error)"))
    }
  }

  private static func readToEnd(_ file: FileDescriptor, name: String, limit: Int) throws -> [UInt8] {
    // Pipes have no size; they are stopped while reading.
    if let size = try? file.seek(offset: 0, from: .end) {
      // Directories may report absurd sizes here; reading one says what it is.
      if size > limit, size < .max { throw Compression.tooLarge(name, "holds", Int(size), limit: limit) }
      try file.seek(offset: 0, from: .start)
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try unsafe chunk.withUnsafeMutableBytes { buffer in try unsafe file.read(into: buffer) }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw Compression.tooLarge(name, "holds at least", bytes.count + count, limit: limit)
      }
      bytes += chunk[..<count]
    }
  }

  private static func unreadable(_ path: String, _ error: Errno) -> Diagnostic {
    if error == .isDirectory {
      return Diagnostic(.isDirectory, "\(path) is a directory", help: "name a file in it")
    }
    var help: String?
    if error == .noSuchFileOrDirectory {
      let file = FilePath(path)
      let folder = file.removingLastComponent()
      help = nearest(to: file.lastComponent?.string ?? "", among: names(inFolder: folder.isEmpty ? "." : folder.string))
        .map { "did you mean '\(folder.appending($0).string)'?" }
    }
    return Diagnostic(.unreadableFile, "\(path) cannot be read: \(error)", help: help)
  }

  /// The path, or the path with `ending` where a file of that name is in its folder and none of the path's own.
  static func completed(_ path: String, _ ending: String) -> String {
    let file = FilePath(path)
    guard path != "-", let name = file.lastComponent?.string, !name.contains(".") else { return path }
    let folder = file.removingLastComponent()
    let names = names(inFolder: folder.isEmpty ? "." : folder.string)
    return !names.contains(name) && names.contains(name + ending) ? path + ending : path
  }

  /// The path of a file that exists, absolute and without links; nil if there is none.
  static func canonical(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// The path without its last component.
  static func folder(of path: String) -> String {
    FilePath(path).removingLastComponent().string
  }

  /// The names in a directory, sorted; none if it cannot be listed.
  public static func names(inFolder folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while names.count < 1000, let entry = unsafe readdir(stream) {
      let bytes = unsafe withUnsafeBytes(of: entry.pointee.d_name) { name in unsafe Array(name.prefix { $0 != 0 }) }
      names.append(String(decoding: bytes, as: UTF8.self))
    }
    return names.sorted()
  }
}
