import Diagnostics
import Workloads

/// A block as it stands in a file.
struct CompressedBlock: Sendable {
  /// Its section in the stream.
  var section: [UInt8]
  var operators: Int
  /// Where in the section its names end.
  var namesEnd: Int
  /// Its frames, with what each holds.
  var frames: [(bytes: [UInt8], size: Int)]

  /// Sections from this size on have their names in a frame of their own.
  private static let splitSize = 1 << 14

  /// Codes and compresses a block.
  /// - Throws: `too-large` if there is no memory for it.
  init(_ block: OperatorBlock, level: ContainerLevel) throws(DiagnosticList) {
    let encoded = block.encoded()
    section = ContainerFormat.section(ContainerFormat.block, encoded.bytes)
    operators = encoded.operators
    namesEnd = section.count - encoded.bytes.count + encoded.nameBytes
    frames = []
    let cuts = section.count < Self.splitSize ? [0, section.count] : [0, namesEnd, section.count]
    for (start, end) in zip(cuts, cuts.dropFirst()) {
      frames.append((try level.frame(Array(section[start..<end])), end - start))
    }
  }
}

/// How much time compression may take.
struct ContainerLevel: Hashable, Sendable {
  /// Zstandard's level for what is small or compresses well. Noise gains nothing from it.
  var thorough: Int32 = 19
  /// Zstandard's level for long columns.
  var quick: Int32 = 6

  /// Frames from this size on are mostly noise: folding has left nothing that repeats.
  private static let longColumn = 1 << 17

  func frame(_ bytes: [UInt8]) throws(DiagnosticList) -> [UInt8] {
    guard let frame = Compression.zstandard(bytes, level: bytes.count < Self.longColumn ? thorough : quick) else {
      throw DiagnosticList(Diagnostic(.tooLarge, "no memory to compress a trace"))
    }
    return frame
  }
}

/// Puts a container together, block by block.
struct ContainerWriter {
  /// Takes the file's bytes in order.
  typealias Sink = ([UInt8]) throws(DiagnosticList) -> Void

  private let level: ContainerLevel
  private let sink: Sink
  private var table = SeekTable()
  private var entries: [BlockEntry] = []
  /// What is not yet in a frame: the header, and with it the first block until a second comes.
  private var pending: [UInt8]
  private var first: CompressedBlock?
  private var streamSize: Int

  init(_ header: ContainerHeader, level: ContainerLevel = ContainerLevel(), sink: @escaping Sink) {
    self.level = level
    self.sink = sink
    pending = ContainerFormat.prologue + ContainerFormat.section(ContainerFormat.header, header.bytes)
    streamSize = pending.count
  }

  mutating func append(_ block: CompressedBlock) throws(DiagnosticList) {
    let start = entries.last?.operators.upperBound ?? 0
    entries.append(
      BlockEntry(
        operators: start..<start + block.operators, bytes: streamSize..<streamSize + block.section.count,
        namesEnd: streamSize + block.namesEnd))
    streamSize += block.section.count
    if entries.count == 1 {
      first = block
      return
    }
    try flush()
    for frame in block.frames { try write(frame.bytes, frame.size) }
  }

  /// Writes the header and the first block in frames of their own.
  private mutating func flush() throws(DiagnosticList) {
    if !pending.isEmpty { try write(try level.frame(pending), pending.count) }
    pending = []
    for frame in first?.frames ?? [] { try write(frame.bytes, frame.size) }
    first = nil
  }

  private mutating func write(_ frame: [UInt8], _ size: Int) throws(DiagnosticList) {
    table.frames.append(SeekTable.Frame(compressed: frame.count, decompressed: size))
    try sink(frame)
  }

  /// Small traces are a single frame, so that what recurs in header and block is stored once.
  private static let singleFrame = 1 << 16

  mutating func finish() throws(DiagnosticList) {
    if !pending.isEmpty, streamSize <= Self.singleFrame {
      // Who reads this frame has all of it, and needs no index but its end.
      let index = ContainerFormat.section(ContainerFormat.index, [])
      let stream = ContainerFormat.packed(pending + (first?.section ?? []) + index)
      try write(try level.frame(stream), stream.count)
    } else {
      try flush()
      let index = ContainerFormat.section(ContainerFormat.index, BlockEntry.indexBytes(entries))
      try write(try level.frame(index), index.count)
    }
    try sink(table.bytes)
  }
}
