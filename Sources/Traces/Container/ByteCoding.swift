/// Why bytes are no container, or no longer the one that was written.
struct ContainerDamage: Error, Hashable {
  /// Where in the decompressed stream.
  var offset: Int
  /// Which field of the format.
  var field: String
  /// What is wrong with it.
  var reason: String
}

/// Appends numbers and texts to bytes.
struct ByteWriter {
  var bytes: [UInt8] = []

  /// A whole number, seven bits a byte, the low ones first; the top bit says that more follow (LEB128).
  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func varint(_ value: Int) { varint(UInt64(bitPattern: Int64(value))) }

  /// A text, its length in bytes before it.
  mutating func text(_ text: String) {
    varint(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  static func length(ofVarint value: UInt64) -> Int { max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7) }
}

/// Takes numbers and texts from a part of some bytes, and never more than are there.
struct ByteReader {
  let bytes: [UInt8]
  private(set) var position: Int
  let end: Int
  /// Where `bytes` begin in the stream: what offsets in messages count from.
  let origin: Int

  /// A reader of all of `bytes` or of a part of them.
  init(_ bytes: [UInt8], _ range: Range<Int>? = nil, origin: Int = 0) {
    self.bytes = bytes
    position = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
    self.origin = origin
  }

  var isAtEnd: Bool { position == end }

  func damage(_ field: String, _ reason: String) -> ContainerDamage {
    ContainerDamage(offset: origin + position, field: field, reason: reason)
  }

  mutating func byte(_ field: String) throws(ContainerDamage) -> UInt8 {
    guard position < end else { throw damage(field, "the bytes end before it") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func varint(_ field: String) throws(ContainerDamage) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < end else { throw damage(field, "the bytes end within it") }
      let byte = bytes[position]
      guard shift < 63 || (shift == 63 && byte <= 1) else { throw damage(field, "it has more than 64 bits") }
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  /// A number of things, of which there may be `limit`.
  mutating func count(_ field: String, limit: Int) throws(ContainerDamage) -> Int {
    let start = position
    let value = try varint(field)
    guard value <= UInt64(limit) else {
      throw ContainerDamage(
        offset: origin + start, field: field, reason: "it is \(value), more than the \(limit) that are possible")
    }
    return Int(value)
  }

  /// The place of the next `count` bytes, which are passed over.
  mutating func skip(_ count: Int, _ field: String) throws(ContainerDamage) -> Range<Int> {
    guard count <= end - position else {
      throw damage(field, "it takes \(count) bytes, but \(end - position) are left")
    }
    defer { position += count }
    return position..<position + count
  }

  mutating func text(_ field: String) throws(ContainerDamage) -> String {
    let range = try skip(try count(field, limit: end - position), field)
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw ContainerDamage(offset: origin + range.lowerBound, field: field, reason: "it is not valid UTF-8")
    }
    return text
  }
}

/// Signed numbers as unsigned ones: 0, −1, 1, −2 … become 0, 1, 2, 3 …
func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

/// The inverse of ``zigzag(_:)``.
func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
