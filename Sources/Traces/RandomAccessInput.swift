import Diagnostics
import SystemPackage

/// A file, or bytes in memory, of which any part can be read without the rest.
///
/// Files are read and not mapped: one that shrinks while it is read gives nil, not a signal.
final class RandomAccessInput: Sendable {
  private enum Storage: Sendable {
    case memory([UInt8])
    case file(FileDescriptor)
  }

  /// What the user calls it.
  let name: String
  /// Bytes it had when it was opened.
  let size: Int
  private let storage: Storage

  /// Opens a file.
  /// - Throws: `unreadable-file` or `is-directory`.
  init(path: String) throws(DiagnosticList) {
    let file = try InputFile.open(path)
    do {
      // Some systems give directories a size; none lets one be read.
      size = try Int(file.seek(offset: 0, from: .end))
      if size > 0 {
        var byte: UInt8 = 0
        _ = try unsafe withUnsafeMutableBytes(of: &byte) { try unsafe file.read(fromAbsoluteOffset: 0, into: $0) }
      }
    } catch {
      try? file.close()
      throw DiagnosticList(
        (error as? Errno) == .isDirectory
          ? Diagnostic(.isDirectory, "\(path) is a directory", help: "name a file in it")
          : Diagnostic(.unreadableFile, "\(path) cannot be read: \(error)"))
    }
    (name, storage) = (path, .file(file))
  }

  /// Bytes in memory.
  init(bytes: [UInt8], name: String) { (self.name, size, storage) = (name, bytes.count, .memory(bytes)) }

  deinit {
    if case .file(let file) = storage { try? file.close() }
  }

  /// A part, or nil where there are not so many bytes.
  func bytes(at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else { return nil }
    switch storage {
    case .memory(let bytes): return Array(bytes[offset..<offset + count])
    case .file(let file):
      var bytes = [UInt8](repeating: 0, count: count)
      var read = 0
      while read < count {
        let more = try? unsafe bytes.withUnsafeMutableBytes { buffer in
          try unsafe file.read(
            fromAbsoluteOffset: Int64(offset + read), into: UnsafeMutableRawBufferPointer(rebasing: buffer[read...]))
        }
        guard let more, more > 0 else { return nil }
        read += more
      }
      return bytes
    }
  }
}
