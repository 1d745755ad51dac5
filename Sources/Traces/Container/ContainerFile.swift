import Diagnostics

/// The frames of a container, found by its seek table and decompressed one at a time.
final class ContainerFile: Sendable {
  let name: String
  let frames: [SeekTable.Frame]
  /// Where each frame's content begins in the stream, and where the last one's ends.
  let starts: [Int]
  private let offsets: [Int]
  private let input: RandomAccessInput

  var streamSize: Int { starts[frames.count] }

  convenience init(path: String) throws(DiagnosticList) { try self.init(try RandomAccessInput(path: path)) }

  convenience init(bytes: [UInt8], name: String) throws(DiagnosticList) {
    try self.init(RandomAccessInput(bytes: bytes, name: name))
  }

  private init(_ input: RandomAccessInput) throws(DiagnosticList) {
    let (name, size) = (input.name, input.size)
    func damaged(_ what: String) -> DiagnosticList {
      DiagnosticList(
        Diagnostic(
          .corruptTrace, "\(name) \(what)",
          help: "lacuna trace verify says what of it is intact; its --recover writes that to a new file"))
    }
    guard let footer = input.bytes(at: size - SeekTable.footerSize, count: SeekTable.footerSize),
      let tableSize = SeekTable.size(footer: footer), tableSize <= size,
      let bytes = input.bytes(at: size - tableSize, count: tableSize)
    else { throw damaged("does not end with a seek table: it is no trace container, or its end is missing") }
    guard let table = SeekTable(bytes, fileSize: size) else {
      throw damaged("has a seek table that does not fit its \(size) bytes")
    }
    self.input = input
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
    guard let bytes = input.bytes(at: offsets[index], count: frame.compressed) else {
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
