public import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Files that are written at once.
public enum OutputFile {
  /// Writes a file whole, or not at all.
  /// - Throws: `unwritable-file`.
  public static func write(_ bytes: [UInt8], to path: String) throws(DiagnosticList) {
    let file = try ReplacementFile(path)
    try file.write(bytes)
    try file.commit()
  }

  /// Makes a folder, unless it is there; the one above it must be.
  /// - Throws: `unwritable-file`.
  public static func makeFolder(_ path: String) throws(DiagnosticList) {
    guard unsafe mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    throw DiagnosticList(
      Diagnostic(
        .unwritableFile, "\(path) cannot be made: \(Errno(rawValue: errno))",
        help: "check that the folder above it exists and may be written"))
  }
}

/// A file that replaces another whole or not at all: it is written beside its place, flushed to disk and renamed.
/// Without ``commit()`` nothing is left of it, and what was there before stays.
final class ReplacementFile {
  private let path: FilePath
  private let temporary: FilePath
  private let file: FileDescriptor
  private var isOpen = true

  /// Begins a file that will appear at `path`.
  /// - Throws: `unwritable-file`.
  init(_ path: String) throws(DiagnosticList) {
    self.path = FilePath(path)
    // A name of its own for each process and moment keeps two writers apart.
    var temporary = self.path.removingLastComponent()
    temporary.append(".\(self.path.lastComponent?.string ?? "trace").\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp")
    self.temporary = temporary
    do {
      file = try FileDescriptor.open(
        temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw Self.unwritable(path, error)
    }
  }

  deinit {
    if isOpen {
      try? file.close()
      unsafe unlink(temporary.string)
    }
  }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(DiagnosticList) {
    do { _ = try file.writeAll(bytes) } catch { throw Self.unwritable(path.string, error) }
  }

  /// Puts the file in its place.
  func commit() throws(DiagnosticList) {
    do {
      guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
      guard unsafe rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
      isOpen = false
      try file.close()
      // The new name itself is safe once its folder is.
      let folder = path.removingLastComponent()
      if let folder = try? FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly) {
        fsync(folder.rawValue)
        try? folder.close()
      }
    } catch {
      throw Self.unwritable(path.string, error)
    }
  }

  private static func unwritable(_ path: String, _ error: any Error) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .unwritableFile, "\(path) cannot be written: \(error)",
        help: "check that its folder exists and may be written"))
  }
}
