import Diagnostics
import SystemPackage

/// The frames of a container, found by its seek table and decompressed one at a time.
final class ContainerFile: Sendable {
  private enum Storage: Sendable {
    case memory([UInt8])
    case file(FileDescriptor)
  }

  let name: String
  let frames: [SeekTable.Frame]
  /// Where each frame's content begins in the stream, and where the last one's ends.
  let starts: [Int]
  private let offsets: [Int]
  private let storage: Storage

  var streamSize: Int { starts[frames.count] }

  convenience init(path: String) throws(DiagnosticList) {
    let file = try InputFile.open(path)
    do {
      let size = Int(try file.seek(offset: 0, from: .end))
      try self.init(.file(file), size: size, name: path)
    } catch let list as DiagnosticList {
      try? file.close()
      throw list
    } catch {
      try? file.close()
      throw DiagnosticList(Diagnostic(.unreadableFile, "\(path) cannot be read: \(error)"))
    }
  }

  convenience init(bytes: [UInt8], name: String) throws(DiagnosticList) {
    try self.init(.memory(bytes), size: bytes.count, name: name)
  }

  private init(_ storage: Storage, size: Int, name: String) throws(DiagnosticList) {
    func damaged(_ what: String) -> DiagnosticList {
      DiagnosticList(
        Diagnostic(
          .corruptTrace, "\(name) \(what)",
          help: "lacuna trace verify says what of it is intact; its --recover writes that to a new file"))
    }
    guard let footer = Self.read(storage, size - SeekTable.footerSize, SeekTable.footerSize),
      let tableSize = SeekTable.size(footer: footer), tableSize <= size,
      let bytes = Self.read(storage, size - tableSize, tableSize)
    else { throw damaged("does not end with a seek table: it is no trace container, or its end is missing") }
    guard let table = SeekTable(bytes, fileSize: size) else {
      throw damaged("has a seek table that does not fit its \(size) bytes")
    }
    self.storage = storage
    self.name = name
    frames = table.frames
    var (starts, offsets) = ([0], [0])
    for frame in frames {
      starts.append(starts[starts.count - 1] + frame.decompressed)
      offsets.append(offsets[offsets.count - 1] + frame.compressed)
    }
    self.starts = starts
    self.offsets = offsets
  }

  deinit {
    if case .file(let file) = storage { try? file.close() }
  }

  private static func read(_ storage: Storage, _ offset: Int, _ count: Int) -> [UInt8]? {
    guard offset >= 0 else { return nil }
    switch storage {
    case .memory(let bytes): return offset + count <= bytes.count ? Array(bytes[offset..<offset + count]) : nil
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

  /// The content of one frame.
  func frame(_ index: Int) throws(ContainerDamage) -> [UInt8] {
    let frame = frames[index]
    func damage(_ reason: String) -> ContainerDamage {
      ContainerDamage(
        offset: starts[index], field: "frame \(index), at byte \(offsets[index]) of the file", reason: reason)
    }
    guard frame.decompressed <= ContainerFormat.largestSection + 64 else {
      throw damage("it claims \(frame.decompressed) bytes, more than a frame may hold")
    }
    guard let bytes = Self.read(storage, offsets[index], frame.compressed) else {
      throw damage("its \(frame.compressed) bytes cannot be read")
    }
    guard let content = Compression.frame(bytes, size: frame.decompressed) else {
      throw damage("it does not decompress to \(frame.decompressed) bytes with its checksum")
    }
    return content
  }

  /// A part of the decompressed stream. Only the frames that hold it are read.
  func stream(_ range: Range<Int>) throws(ContainerDamage) -> [UInt8] {
    guard range.upperBound <= streamSize, range.count <= ContainerFormat.largestSection + 64 else {
      throw ContainerDamage(
        offset: range.lowerBound, field: "index", reason: "it speaks of bytes \(range) of \(streamSize)")
    }
    var result: [UInt8] = []
    for index in frames.indices where starts[index] < range.upperBound && range.lowerBound < starts[index + 1] {
      let content = try frame(index)
      let wanted = range.clamped(to: starts[index]..<starts[index + 1])
      result += content[wanted.lowerBound - starts[index]..<wanted.upperBound - starts[index]]
    }
    return result
  }
}
