/// Texts numbered in the order in which they first appear.
struct ByteTable: Sendable {
  /// All texts, one after another.
  private(set) var bytes: [UInt8] = []
  /// Where each ends.
  private(set) var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// Open addressing over `hashes`; −1 is free.
  private var slots = [Int32](repeating: -1, count: 64)

  var count: Int { ends.count }

  func range(_ id: Int) -> Range<Int> { (id == 0 ? 0 : ends[id - 1])..<ends[id] }

  subscript(id: Int) -> ArraySlice<UInt8> { bytes[range(id)] }

  /// The number of `text`, a new one if it is new.
  mutating func insert(_ text: [UInt8]) -> Int { insert(text[...]) }

  mutating func insert(_ text: ArraySlice<UInt8>) -> Int {
    let hash = Self.hash(text)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let id = Int(slots[slot])
      if hashes[id] == hash, self[id] == text { return id }
      slot = (slot + 1) & (slots.count - 1)
    }
    let id = ends.count
    slots[slot] = Int32(id)
    bytes += text
    ends.append(bytes.count)
    hashes.append(hash)
    if 2 * ends.count > slots.count { grow() }
    return id
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for (id, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(id)
    }
  }

  private static func hash(_ text: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash ^ (hash >> 29)
  }
}

/// Names without their numbers: `layers.0.fc1` and `layers.31.fc1` are one template.
enum NameTemplate {
  /// Stands for a number; no UTF-8 text holds this byte.
  static let slot: UInt8 = 0xFF
  /// Ends a template in a container; no UTF-8 text holds this byte.
  static let end: UInt8 = 0xFE
  /// The longest number that is taken out: all of 18 digits fit 64 bits.
  private static let mostDigits = 18

  /// Takes the numbers out of a name. A number is a run of at most 18 digits without a leading zero; other digits
  /// stay, so that the name can be put together again.
  static func split(_ name: ArraySlice<UInt8>, template: inout [UInt8], numbers: inout [UInt64]) {
    var index = name.startIndex
    while index < name.endIndex {
      let byte = name[index]
      guard byte &- 0x30 < 10 else {
        template.append(byte)
        index += 1
        continue
      }
      let start = index
      var value: UInt64 = 0
      while index < name.endIndex, name[index] &- 0x30 < 10 {
        value = value &* 10 &+ UInt64(name[index] &- 0x30)
        index += 1
      }
      if index - start > mostDigits || (byte == 0x30 && index - start > 1) {
        template += name[start..<index]
      } else {
        template.append(slot)
        numbers.append(value)
      }
    }
  }

  /// Puts a name together, `numbers` from `cursor` on.
  static func join(_ template: ArraySlice<UInt8>, _ numbers: [UInt64], _ cursor: Int, into name: inout [UInt8]) {
    var cursor = cursor
    for byte in template {
      if byte == slot {
        append(decimal: numbers[cursor], to: &name)
        cursor += 1
      } else {
        name.append(byte)
      }
    }
  }

  /// Appends a number in decimal.
  static func append(decimal value: UInt64, to bytes: inout [UInt8]) {
    if value < 10 { return bytes.append(0x30 + UInt8(value)) }
    let start = bytes.count
    var rest = value
    while rest > 0 {
      bytes.append(0x30 + UInt8(rest % 10))
      rest /= 10
    }
    bytes[start...].reverse()
  }
}
