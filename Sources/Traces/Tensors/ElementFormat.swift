/// How an element of a stored tensor tells that it is zero: all of its significant bits are. Both signs of zero are.
struct ElementFormat: Hashable, Sendable {
  /// Bits of one element; elements follow each other without gaps, the lowest bits of a byte first.
  let bits: Int
  /// For each byte of an element, the bits that no zero has set. For elements of less than a byte, one.
  let significant: [UInt8]
  /// Whether any value is zero: not where only exponents are stored.
  var hasZero = true

  /// An integer, or a truth value.
  static func integer(bytes: Int) -> ElementFormat {
    ElementFormat(bits: 8 * bytes, significant: [UInt8](repeating: 0xFF, count: bytes))
  }

  /// A number whose highest bit is its sign.
  static func signed(bytes: Int) -> ElementFormat {
    ElementFormat(bits: 8 * bytes, significant: [UInt8](repeating: 0xFF, count: bytes - 1) + [0x7F])
  }

  /// Two such numbers, a complex one.
  static func complex(bytes: Int) -> ElementFormat {
    let part = signed(bytes: bytes / 2).significant
    return ElementFormat(bits: 8 * bytes, significant: part + part)
  }

  /// The same with the bytes of each of `parts` numbers in the other order.
  func swapped(parts: Int = 1) -> ElementFormat {
    let size = significant.count / parts
    return ElementFormat(
      bits: bits,
      significant: stride(from: 0, to: significant.count, by: size).flatMap { significant[$0..<$0 + size].reversed() })
  }

  /// The types of safetensors. `F8_E5M2FNUZ` and `F8_E4M3FNUZ` have one zero; the other 8-bit numbers have two;
  /// `F8_E8M0` holds exponents and has none.
  static let safetensors: [String: ElementFormat] = [
    "BOOL": .integer(bytes: 1), "U8": .integer(bytes: 1), "I8": .integer(bytes: 1),
    "F4": ElementFormat(bits: 4, significant: [0x07]),
    "F6_E2M3": ElementFormat(bits: 6, significant: [0x1F]), "F6_E3M2": ElementFormat(bits: 6, significant: [0x1F]),
    "F8_E5M2": .signed(bytes: 1), "F8_E4M3": .signed(bytes: 1),
    "F8_E8M0": ElementFormat(bits: 8, significant: [0xFF], hasZero: false),
    "F8_E5M2FNUZ": .integer(bytes: 1), "F8_E4M3FNUZ": .integer(bytes: 1),
    "I16": .integer(bytes: 2), "U16": .integer(bytes: 2), "F16": .signed(bytes: 2), "BF16": .signed(bytes: 2),
    "I32": .integer(bytes: 4), "U32": .integer(bytes: 4), "F32": .signed(bytes: 4),
    "I64": .integer(bytes: 8), "U64": .integer(bytes: 8), "F64": .signed(bytes: 8), "C64": .complex(bytes: 8),
  ]

  /// For each of `count` elements from the start of `bytes`, whether it is not zero.
  func kept(_ bytes: [UInt8], count: Int) -> [Bool] {
    precondition(count * bits <= 8 * bytes.count, "\(count) elements of \(bits) bits in \(bytes.count) bytes")
    guard hasZero else { return [Bool](repeating: true, count: count) }
    var kept = [Bool](repeating: false, count: count)
    switch bits {
    case 8:
      let mask = significant[0]
      for index in 0..<count { kept[index] = bytes[index] & mask != 0 }
    case 16:
      let (low, high) = (significant[0], significant[1])
      for index in 0..<count { kept[index] = bytes[2 * index] & low | bytes[2 * index + 1] & high != 0 }
    case let bits where bits < 8:
      let mask = UInt16(significant[0])
      for index in 0..<count {
        let (byte, shift) = (index * bits).quotientAndRemainder(dividingBy: 8)
        let next = byte + 1 < bytes.count ? UInt16(bytes[byte + 1]) << 8 : 0
        kept[index] = (UInt16(bytes[byte]) | next) >> UInt16(shift) & mask != 0
      }
    default:
      let size = significant.count
      for index in 0..<count {
        var any: UInt8 = 0
        for byte in 0..<size { any |= bytes[index * size + byte] & significant[byte] }
        kept[index] = any != 0
      }
    }
    return kept
  }
}
