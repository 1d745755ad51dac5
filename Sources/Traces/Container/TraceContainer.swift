public import Diagnostics
public import Quantities
public import Workloads

/// A trace in the native container, `.ltrace`, of which any part can be read without the rest.
///
/// The format is specified in `Traces/ltrace.md`. Nothing that the file says is believed before it is checked: a
/// damaged or hostile file gives a `corrupt-trace` diagnostic with the place and the field, and reading one block never
/// takes more than a bounded amount of memory.
public final class TraceContainer: Sendable {
  /// What messages call it.
  public let name: String
  /// Everything but the operators.
  public let header: Workload
  /// What was given up when it was written.
  public let precision: TracePrecision
  let entries: [BlockEntry]
  private let file: ContainerFile
  /// The whole stream where it is a single frame.
  private let only: [UInt8]?

  /// How many operators it has.
  public var operatorCount: Int { entries.last?.operators.upperBound ?? 0 }
  /// How many blocks hold them.
  public var blockCount: Int { entries.count }

  /// Opens a file and reads its header and index.
  /// - Throws: `unreadable-file` or `corrupt-trace`.
  public convenience init(path: String) throws(DiagnosticList) {
    try self.init(try ContainerFile(path: path))
  }

  /// Opens a container that is in memory.
  /// - Throws: `corrupt-trace`.
  public convenience init(bytes: [UInt8], name: String) throws(DiagnosticList) {
    try self.init(try ContainerFile(bytes: bytes, name: name))
  }

  private init(_ file: ContainerFile) throws(DiagnosticList) {
    self.file = file
    name = file.name
    do throws(ContainerDamage) {
      let head = try ContainerFormat.unpacked(try file.frame(0))
      var reader = ByteReader(head)
      let header = try Self.header(&reader)
      self.header = header.workload
      precision = header.precision
      let last = file.frames.count - 1
      only = last == 0 ? head : nil
      let tail = last == 0 ? head : try file.frame(last)
      entries = try Self.index(
        tail, from: last == 0 ? reader.position : 0, origin: file.starts[last],
        streamSize: last == 0 ? head.count : file.streamSize)
    } catch {
      throw DiagnosticList(error.diagnostic(file.name))
    }
  }

  /// Reads prologue and header from the start of a stream.
  static func header(_ reader: inout ByteReader) throws(ContainerDamage) -> ContainerHeader {
    let start = try reader.skip(ContainerFormat.prologue.count, "prologue")
    guard ContainerFormat.looksLikeContainer(Array(reader.bytes[start])) else {
      throw ContainerDamage(offset: 0, field: "prologue", reason: "it is not that of a trace container")
    }
    let version = reader.bytes[start.upperBound - 1]
    guard version == ContainerFormat.version else {
      throw ContainerDamage(
        offset: start.upperBound - 1, field: "version",
        reason: "it is \(version), but this build reads only version \(ContainerFormat.version)")
    }
    let (tag, range) = try section(&reader)
    guard tag == ContainerFormat.header else {
      throw ContainerDamage(offset: start.upperBound, field: "header", reason: "section \(tag) comes before it")
    }
    var body = ByteReader(reader.bytes, range, origin: reader.origin)
    return try ContainerHeader(&body)
  }

  /// The next section.
  static func section(_ reader: inout ByteReader) throws(ContainerDamage) -> (tag: UInt8, payload: Range<Int>) {
    let tag = try reader.byte("tag of a section")
    let count = try reader.count("length of a section", limit: ContainerFormat.largestSection)
    return (tag, try reader.skip(count, "section"))
  }

  /// The index, which ends the stream. One without content says that the blocks stand in `bytes` before it.
  private static func index(
    _ bytes: [UInt8], from start: Int, origin: Int, streamSize: Int
  ) throws(ContainerDamage) -> [BlockEntry] {
    var reader = ByteReader(bytes, start..<bytes.count, origin: origin)
    var entries: [BlockEntry] = []
    while !reader.isAtEnd {
      let begin = origin + reader.position
      let (tag, payload) = try section(&reader)
      var body = ByteReader(bytes, payload, origin: origin)
      switch tag {
      case ContainerFormat.index:
        return payload.isEmpty ? entries : try BlockEntry.readIndex(&body, streamSize: streamSize)
      case ContainerFormat.block:
        let operators = try body.count("operators of the block", limit: OperatorBlock.capacity)
        let first = entries.last?.operators.upperBound ?? 0
        let end = origin + reader.position
        entries.append(BlockEntry(operators: first..<first + operators, bytes: begin..<end, namesEnd: end))
      default: continue
      }
    }
    throw reader.damage("index", "there is none")
  }

  /// Frames, bytes of the stream, and bytes of the file with a seek table.
  var extent: (frames: Int, stream: Bytes, file: Bytes) {
    (
      file.frames.count, Bytes(Int64(file.streamSize)),
      Bytes(Int64(file.frames.reduce(0) { $0 + $1.compressed } + SeekTable(frames: file.frames).bytes.count))
    )
  }

  /// What the file takes.
  public var fileSize: Bytes { extent.file }

  // MARK: Parts

  /// Reads one block.
  func block(_ index: Int) throws(DiagnosticList) -> OperatorBlock {
    try read(entries[index], upTo: entries[index].bytes.upperBound) { (reader) throws(ContainerDamage) in
      try OperatorBlock(&reader)
    }
  }

  /// Reads the names of one block and nothing else of it.
  func names(_ index: Int) throws(DiagnosticList) -> OperatorBlock {
    try read(entries[index], upTo: entries[index].namesEnd) { (reader) throws(ContainerDamage) in
      try OperatorBlock.names(&reader)
    }
  }

  private func read(
    _ entry: BlockEntry, upTo end: Int, _ body: (inout ByteReader) throws(ContainerDamage) -> OperatorBlock
  ) throws(DiagnosticList) -> OperatorBlock {
    try Self.located(name) { () throws(ContainerDamage) in
      let range = entry.bytes.lowerBound..<end
      let bytes = if let only { Array(only[range]) } else { try file.stream(range) }
      var reader = ByteReader(bytes, origin: entry.bytes.lowerBound)
      guard try reader.byte("tag of a block") == ContainerFormat.block else {
        throw ContainerDamage(offset: entry.bytes.lowerBound, field: "tag of a block", reason: "it is no block's")
      }
      let length = try reader.count("length of a section", limit: ContainerFormat.largestSection)
      guard reader.position + length == entry.bytes.count else {
        throw reader.damage("length of a section", "it is \(length), not as the index says")
      }
      let block = try body(&reader)
      guard block.first == entry.operators.lowerBound, block.count == entry.operators.count else {
        throw reader.damage(
          "operators of the block",
          "it holds \(block.first)..<\(block.first + block.count), but the index says \(entry.operators)")
      }
      return block
    }
  }

  /// The blocks that hold operators of a range.
  func blocks(of range: Range<Int>) -> [Int] { entries.indices.filter { entries[$0].operators.overlaps(range) } }

  /// Calls `body` with each operator of a range in order; what else is in the file is not read.
  /// - Throws: `corrupt-trace`, and what `body` throws.
  public func forEach(
    in range: Range<Int>, _ body: (Operator) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    for index in blocks(of: range) {
      let block = try block(index)
      var place = block.first
      try block.forEach { (op) throws(DiagnosticList) in
        if range.contains(place) { try body(op) }
        place += 1
      }
    }
  }

  /// Calls `body` with the name of each operator in order, as UTF-8. Only names are read.
  /// - Throws: `corrupt-trace`.
  public func forEachName(_ body: ([UInt8]) -> Void) throws(DiagnosticList) {
    var name: [UInt8] = []
    for index in entries.indices {
      var cursor = OperatorBlock.Cursor(try names(index))
      while !cursor.isAtEnd {
        name.removeAll(keepingCapacity: true)
        cursor.name(into: &name)
        body(name)
        cursor.advance()
      }
    }
  }

  /// Where operators stand whose names fit one of the globs. Only names are read.
  public func indices(named globs: [String], threads: Int? = nil) throws(DiagnosticList) -> [Int] {
    var next = 0
    var found: [Int] = []
    try InOrder.stream(
      threads: threads ?? InOrder.processors,
      next: { () throws(DiagnosticList) in
        defer { next += 1 }
        return next < entries.count ? next : nil
      },
      transform: { (index) throws(DiagnosticList) in try self.names(index).indices(named: globs) },
      consume: { (indices) throws(DiagnosticList) in found += indices })
    return found
  }

  /// The whole trace.
  /// - Throws: `corrupt-trace`, and `too-large` for one of more than 2²⁴ operators or 2 GiB of names and dependencies.
  public func workload() throws(DiagnosticList) -> Workload {
    var workload = header
    var budget = WorkloadBudget(name: name)
    workload.operators.reserveCapacity(min(operatorCount, ContainerFormat.mostOperators))
    for index in entries.indices {
      let block = try block(index)
      try budget.spend(block)
      block.forEach { workload.operators.append($0) }
    }
    return workload
  }

  /// Writes operators of a range as JSON Lines, on several threads; `consume` gets the text in order.
  public func writeJSONLines(
    _ range: Range<Int>, threads: Int? = nil, _ consume: ([UInt8]) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    try consume(Array(TraceWriter.headerLine(header).utf8))
    var waiting = blocks(of: range)[...]
    try InOrder.stream(
      threads: threads ?? InOrder.processors, next: { () throws(DiagnosticList) in waiting.popFirst() },
      transform: { (index) throws(DiagnosticList) in
        let block = try self.block(index)
        var text: [UInt8] = []
        let all = block.first..<block.first + block.count
        let wanted = range.clamped(to: all)
        block.writeJSONLines(
          wanted.lowerBound - block.first..<wanted.upperBound - block.first, origin: range.lowerBound, to: &text)
        return text
      }, consume: consume)
  }

  // MARK: Whole traces

  /// Writes a workload as a container; `sink` gets its bytes in order. Equal workloads give equal bytes.
  /// - Throws: what `sink` throws, and `too-large` if there is no memory.
  public static func write(
    _ workload: Workload, precision: TracePrecision = .exact, threads: Int? = nil,
    to sink: @escaping ([UInt8]) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    try write(workload, precision: precision, threads: threads, room: OperatorBlock.capacity, to: sink)
  }

  /// Writes blocks of at most `room` operators.
  private static func write(
    _ workload: Workload, precision: TracePrecision, threads: Int?, room: Int,
    to sink: @escaping ([UInt8]) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    let level = ContainerLevel()
    var writer = ContainerWriter(ContainerHeader(workload, precision: precision), level: level, sink: sink)
    var next = 0
    try InOrder.stream(
      threads: threads ?? InOrder.processors,
      next: { () throws(DiagnosticList) -> OperatorBlock? in
        guard next < workload.operators.count else { return nil }
        var block = OperatorBlock(first: next, room: room)
        while next < workload.operators.count, !block.isFull {
          block.append(precision.rounded(workload.operators[next]))
          next += 1
        }
        return block
      },
      transform: { (block) throws(DiagnosticList) in try CompressedBlock(block, level: level) },
      consume: { (block) throws(DiagnosticList) in try writer.append(block) })
    try writer.finish()
  }

  /// A workload as the bytes of a container.
  public static func bytes(
    _ workload: Workload, precision: TracePrecision = .exact, threads: Int? = nil
  ) throws(DiagnosticList) -> [UInt8] {
    try bytes(workload, precision: precision, threads: threads, room: OperatorBlock.capacity)
  }

  /// A container with blocks of at most `room` operators.
  static func bytes(
    _ workload: Workload, precision: TracePrecision = .exact, threads: Int? = nil, room: Int
  ) throws(DiagnosticList) -> [UInt8] {
    var bytes: [UInt8] = []
    try withoutActuallyEscaping({ (part: [UInt8]) throws(DiagnosticList) in bytes += part }) {
      (sink) throws(DiagnosticList) in
      try write(workload, precision: precision, threads: threads, room: room, to: sink)
    }
    return bytes
  }

  /// Reads a whole decompressed stream, section by section.
  static func workload(stream: [UInt8], name: String) throws(DiagnosticList) -> Workload {
    let stream = try located(name) { () throws(ContainerDamage) in try ContainerFormat.unpacked(stream) }
    var reader = ByteReader(stream)
    var budget = WorkloadBudget(name: name)
    var workload = try located(name) { () throws(ContainerDamage) in try header(&reader).workload }
    var isComplete = false
    while !reader.isAtEnd {
      let block = try located(name) { () throws(ContainerDamage) -> OperatorBlock? in
        let (tag, payload) = try section(&reader)
        if tag == ContainerFormat.index { isComplete = true }
        guard tag == ContainerFormat.block else { return nil }
        var body = ByteReader(stream, payload)
        let block = try OperatorBlock(&body)
        guard block.first == workload.operators.count else {
          throw ContainerDamage(
            offset: payload.lowerBound, field: "first operator",
            reason: "it is \(block.first), but \(workload.operators.count) operators come before")
        }
        return block
      }
      guard let block else { continue }
      try budget.spend(block)
      block.forEach { workload.operators.append($0) }
    }
    guard isComplete else {
      throw DiagnosticList(reader.damage("index", "the stream ends before it").diagnostic(name))
    }
    return workload
  }

  /// Turns damage into a diagnostic.
  private static func located<T>(
    _ name: String, _ body: () throws(ContainerDamage) -> T
  ) throws(DiagnosticList) -> T {
    do throws(ContainerDamage) { return try body() } catch { throw DiagnosticList(error.diagnostic(name)) }
  }
}

/// Stops a trace that a few bytes of a file would make huge.
private struct WorkloadBudget {
  let name: String
  private var operators = 0
  private var bytes = 0
  private static let mostBytes = 1 << 31

  init(name: String) { self.name = name }

  mutating func spend(_ block: OperatorBlock) throws(DiagnosticList) {
    operators += block.count
    bytes += block.expandedBytes
    guard operators <= ContainerFormat.mostOperators, bytes <= Self.mostBytes else {
      throw DiagnosticList(
        Diagnostic(
          .tooLarge,
          "\(name) has more than the \(ContainerFormat.mostOperators) operators, or than the 2 GiB of names and dependencies, that are held at once",
          help: "take a part of it with lacuna trace slice"))
    }
  }
}

extension OperatorBlock {
  /// Where in the trace operators stand whose names fit one of the globs.
  func indices(named globs: [String]) -> [Int] {
    var found: [Int] = []
    var cursor = Cursor(self)
    var name: [UInt8] = []
    while !cursor.isAtEnd {
      name.removeAll(keepingCapacity: true)
      cursor.name(into: &name)
      let text = String(decoding: name, as: UTF8.self)
      if globs.contains(where: text.fits(glob:)) { found.append(first + cursor.index) }
      cursor.advance()
    }
    return found
  }
}

extension ContainerDamage {
  func diagnostic(_ name: String) -> Diagnostic {
    Diagnostic(
      .corruptTrace, "\(name) is damaged at byte \(offset) of its decompressed stream: \(field): \(reason)",
      help: "lacuna trace verify says what of it is intact")
  }
}
