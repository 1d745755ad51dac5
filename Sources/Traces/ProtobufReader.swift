/// Why bytes are not the Protocol Buffers message they are taken for.
struct ProtobufProblem: Error, Hashable {
  /// Where in the file.
  var offset: Int
  /// What is wrong there.
  var reason: String
}

/// Walks over the fields of a Protocol Buffers message: the wire format, without schemas or generated code.
struct ProtobufReader {
  /// The value of a field.
  enum Value {
    /// Wire types 0, 1 and 5.
    case number(UInt64)
    /// Wire type 2: where in the bytes it stands.
    case bytes(Range<Int>)
  }

  let bytes: [UInt8]
  private(set) var position: Int
  let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    self.bytes = bytes
    position = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  /// The next field; nil at the end of the message.
  mutating func next() throws(ProtobufProblem) -> (field: Int, value: Value)? {
    guard position < end else { return nil }
    let start = position
    let key = try varint()
    guard key >> 3 > 0, key >> 3 < 1 << 29 else {
      throw ProtobufProblem(offset: start, reason: "a field has the number \(key >> 3)")
    }
    switch key & 7 {
    case 0: return (Int(key >> 3), .number(try varint()))
    case 1: return (Int(key >> 3), .number(try fixed(8)))
    case 2:
      let count = try varint()
      guard count <= UInt64(end - position) else {
        throw ProtobufProblem(
          offset: start, reason: "field \(key >> 3) takes \(count) bytes, but \(end - position) are left")
      }
      defer { position += Int(count) }
      return (Int(key >> 3), .bytes(position..<position + Int(count)))
    case 5: return (Int(key >> 3), .number(try fixed(4)))
    default: throw ProtobufProblem(offset: start, reason: "field \(key >> 3) has the wire type \(key & 7)")
    }
  }

  /// The next of messages that follow each other, each after its length.
  /// - Parameter longest: bytes; longer ones are refused.
  mutating func message(longest: Int) throws(ProtobufProblem) -> Range<Int> {
    let start = position
    let count = try varint()
    guard count <= UInt64(end - position) else {
      throw ProtobufProblem(offset: start, reason: "a message of \(count) bytes begins, but \(end - position) are left")
    }
    guard count <= UInt64(longest) else {
      throw ProtobufProblem(offset: start, reason: "a message has \(count) bytes, more than the \(longest) allowed")
    }
    defer { position += Int(count) }
    return position..<position + Int(count)
  }

  /// Whether nothing is left.
  var isAtEnd: Bool { position >= end }

  mutating func varint() throws(ProtobufProblem) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { throw ProtobufProblem(offset: start, reason: "the bytes end within a number") }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufProblem(offset: start, reason: "a number has more than 64 bits")
  }

  private mutating func fixed(_ count: Int) throws(ProtobufProblem) -> UInt64 {
    guard count <= end - position else {
      throw ProtobufProblem(offset: position, reason: "the bytes end within a number")
    }
    defer { position += count }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1)) }
  }
}
