import Workloads

/// What is given up when a container is written: nothing unless asked for.
public struct TracePrecision: Hashable, Sendable {
  /// Decimal places that measured densities keep; nil for all.
  public var densityDigits: Int?
  /// What begins and durations are rounded to; nil for nothing.
  public var time: Duration?

  /// Everything is kept unless told otherwise.
  public init(densityDigits: Int? = nil, time: Duration? = nil) {
    self.densityDigits = densityDigits
    self.time = time
  }

  /// Nothing is given up.
  public static let exact = TracePrecision()

  /// The operator as it is stored.
  func rounded(_ op: Operator) -> Operator {
    guard self != .exact else { return op }
    var op = op
    if let densityDigits, op.sparsity != .dense {
      let scale = DecimalScale.power(UInt8(densityDigits)) ?? 1
      for operand in OperandSparsity.Operand.allCases {
        guard let fraction = op.sparsity[operand].fraction else { continue }
        var rounded = (fraction * scale).rounded() / scale
        // What is not all zeros or all tiles does not become it.
        if rounded >= 1, fraction < 1 { rounded = (scale - 1) / scale }
        op.sparsity[operand].fraction = rounded
      }
    }
    if let unit = time?.nanoseconds, unit > 1, let measured = op.measured {
      func round(_ time: Duration) -> Duration {
        let nanoseconds = time.nanoseconds
        let down = nanoseconds - (nanoseconds % unit + unit) % unit
        return .nanoseconds(2 * (nanoseconds - down) >= unit ? down + unit : down)
      }
      op.measured = RecordedTime(start: measured.start.map(round), duration: measured.duration.map(round))
    }
    return op
  }
}

/// The parts of a container's decompressed stream.
enum ContainerFormat {
  /// What the stream begins with: a byte that is in no text, a name, the version.
  static let prologue: [UInt8] = [0x89] + Array("LTRACE".utf8) + [version]
  static let version: UInt8 = 1

  static let header = UInt8(ascii: "H")
  static let block = UInt8(ascii: "B")
  static let index = UInt8(ascii: "I")
  /// A small stream's other sections, mixed.
  static let mixed = UInt8(ascii: "M")

  /// The most bytes a section may have.
  static let largestSection = 1 << 28
  /// The most operators a trace that is held whole in memory may have.
  static let mostOperators = 1 << 24

  /// A section: what it is, how long it is, its bytes.
  static func section(_ tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.bytes.append(tag)
    writer.varint(payload.count)
    return writer.bytes + payload
  }

  /// A whole stream as it is stored: a small one's sections are mixed.
  static func packed(_ stream: [UInt8]) -> [UInt8] {
    let sections = Array(stream.dropFirst(prologue.count))
    guard sections.count <= ContextMixing.mostBytes else { return stream }
    var writer = ByteWriter()
    writer.varint(sections.count)
    return prologue + section(mixed, writer.bytes + ContextMixing.encoded(sections))
  }

  /// The inverse of ``packed(_:)``; what is not mixed stays as it is.
  static func unpacked(_ stream: [UInt8]) throws(ContainerDamage) -> [UInt8] {
    guard looksLikeContainer(stream), stream.count > prologue.count, stream[prologue.count] == mixed else {
      return stream
    }
    var reader = ByteReader(stream, prologue.count..<stream.count)
    let payload = try TraceContainer.section(&reader).payload
    guard reader.isAtEnd else { throw reader.damage("mixed section", "bytes follow it") }
    var body = ByteReader(stream, payload)
    let count = try body.count("bytes of the mixed section", limit: ContextMixing.mostBytes)
    guard let sections = ContextMixing.decoded(stream[body.position..<body.end], count: count) else {
      throw body.damage("mixed section", "it does not hold \(count) bytes")
    }
    return stream[..<prologue.count] + sections
  }

  static func looksLikeContainer(_ bytes: [UInt8]) -> Bool { bytes.starts(with: prologue.dropLast()) }
}

/// What a container says of the whole trace.
struct ContainerHeader: Sendable {
  /// Without operators.
  var workload: Workload
  var precision: TracePrecision

  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.text(workload.name)
    writer.text(workload.source)
    writer.varint(workload.samples ?? 0)
    writer.varint(workload.skipped.count)
    for skipped in workload.skipped {
      writer.text(skipped.reason)
      writer.varint(skipped.count)
      writer.varint(skipped.examples.count)
      for example in skipped.examples { writer.text(example) }
    }
    writer.text(workload.attributes ?? "")
    writer.varint(precision.densityDigits.map { $0 + 1 } ?? 0)
    writer.varint(Int(precision.time?.nanoseconds ?? 0))
    return writer.bytes
  }

  init(_ workload: Workload, precision: TracePrecision) {
    self.workload = workload
    self.workload.operators = []
    self.precision = precision
  }

  init(_ reader: inout ByteReader) throws(ContainerDamage) {
    let left = reader.end - reader.position
    workload = Workload(name: try reader.text("name"), source: try reader.text("source"), operators: [])
    let samples = try reader.count("samples", limit: 1 << 53)
    workload.samples = samples == 0 ? nil : samples
    for _ in 0..<(try reader.count("skipped", limit: left)) {
      let reason = try reader.text("reason")
      let count = try reader.count("count of skipped", limit: 1 << 53)
      guard count > 0 else { throw reader.damage("count of skipped", "it is 0") }
      var examples: [String] = []
      for _ in 0..<(try reader.count("examples", limit: left)) { examples.append(try reader.text("example")) }
      workload.skipped.append(Workload.Skipped(reason: reason, count: count, examples: examples))
    }
    let attributes = try reader.text("attributes of the trace")
    if !attributes.isEmpty {
      guard Attributes.isObject(Array(attributes.utf8)) else {
        throw reader.damage("attributes of the trace", "they are no JSON object on one line")
      }
      workload.attributes = attributes
    }
    let digits = try reader.count("precision of densities", limit: 16)
    let nanoseconds = try reader.count("precision of times", limit: .max)
    precision = TracePrecision(
      densityDigits: digits == 0 ? nil : digits - 1, time: nanoseconds == 0 ? nil : .nanoseconds(nanoseconds))
  }
}

/// Where a block stands in the stream.
struct BlockEntry: Hashable, Sendable {
  /// Operators in it.
  var operators: Range<Int>
  /// Its section, tag and length included.
  var bytes: Range<Int>
  /// Where in the stream its names end.
  var namesEnd: Int
}

extension BlockEntry {
  /// The payload of the index.
  static func indexBytes(_ entries: [BlockEntry]) -> [UInt8] {
    var writer = ByteWriter()
    writer.varint(entries.count)
    writer.varint(entries.first?.bytes.lowerBound ?? 0)
    for entry in entries {
      writer.varint(entry.operators.count)
      writer.varint(entry.bytes.count)
      writer.varint(entry.namesEnd - entry.bytes.lowerBound)
    }
    return writer.bytes
  }

  /// Reads the index; a stream of `streamSize` bytes holds what it speaks of.
  static func readIndex(_ reader: inout ByteReader, streamSize: Int) throws(ContainerDamage) -> [BlockEntry] {
    let count = try reader.count("blocks", limit: reader.end - reader.position)
    var offset = try reader.count("first block", limit: streamSize)
    var first = 0
    var entries: [BlockEntry] = []
    for _ in 0..<count {
      let operators = try reader.count("operators of a block", limit: OperatorBlock.capacity)
      let bytes = try reader.count("bytes of a block", limit: min(streamSize - offset, ContainerFormat.largestSection))
      let names = try reader.count("bytes of names", limit: bytes)
      entries.append(
        BlockEntry(
          operators: first..<first + operators, bytes: offset..<offset + bytes, namesEnd: offset + names))
      first += operators
      offset += bytes
    }
    return entries
  }
}
