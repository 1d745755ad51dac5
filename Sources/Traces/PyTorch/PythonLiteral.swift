import Documents

/// Reads what Python prints of numbers, texts, truth values, `None`, and lists and tuples of them.
///
/// Chakra keeps the operands of calls in this form, Kineto those that are no tensors. `nan` and `inf` are nothing here.
struct PythonLiteralParser {
  /// Why a text is none of that.
  struct Problem: Error {
    /// Where in the bytes.
    var offset: Int
    /// What is wrong there.
    var reason: String
  }

  /// How deep lists may nest.
  private static let maximumDepth = 16

  private let bytes: [UInt8]
  private let end: Int
  private var position: Int

  /// The value in a part of some bytes; nodes say where they stand among all of them.
  static func parse(_ bytes: [UInt8], _ range: Range<Int>) throws(Problem) -> Node {
    var parser = PythonLiteralParser(bytes: bytes, end: range.upperBound, position: range.lowerBound)
    let node = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == parser.end else {
      throw Problem(offset: parser.position, reason: "unexpected text after the value")
    }
    return node
  }

  /// The value of a text; nil where it is none.
  static func parse(_ text: String) -> Node? {
    let bytes = Array(text.utf8)
    return try? parse(bytes, bytes.indices)
  }

  private init(bytes: [UInt8], end: Int, position: Int) {
    self.bytes = bytes
    self.end = end
    self.position = position
  }

  private mutating func value(depth: Int) throws(Problem) -> Node {
    skipSpace()
    let start = position
    guard let byte = peek else { throw Problem(offset: start, reason: "the text ends where a value is expected") }
    switch byte {
    case UInt8(ascii: "["): return try list(closedBy: UInt8(ascii: "]"), depth: depth)
    case UInt8(ascii: "("): return try list(closedBy: UInt8(ascii: ")"), depth: depth)
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return try text(quote: byte)
    default: break
    }
    while let byte = peek, byte.isWordByte { position += 1 }
    let word = String(decoding: bytes[start..<position], as: UTF8.self)
    let content: Node.Content
    switch word {
    case "True": content = .bool(true)
    case "False": content = .bool(false)
    case "None", "nan", "inf", "-inf": content = .null
    default:
      guard Int(word) != nil || Double(word) != nil else {
        throw Problem(offset: start, reason: "'\(word)' is no Python value")
      }
      content = .number(word)
    }
    return Node(content, range: start..<position)
  }

  private mutating func list(closedBy close: UInt8, depth: Int) throws(Problem) -> Node {
    let start = position
    guard depth < Self.maximumDepth else {
      throw Problem(offset: start, reason: "lists nest deeper than \(Self.maximumDepth) levels")
    }
    position += 1
    var elements: [Node] = []
    while true {
      skipSpace()
      guard let byte = peek else { throw Problem(offset: start, reason: "the list that begins here does not end") }
      if byte == close {
        position += 1
        return Node(.sequence(elements), range: start..<position)
      }
      if !elements.isEmpty {
        guard byte == UInt8(ascii: ",") else { throw Problem(offset: position, reason: "a comma is missing") }
        position += 1
        skipSpace()
        // A tuple of one has a comma at its end.
        if peek == close { continue }
      }
      elements.append(try value(depth: depth + 1))
    }
  }

  private mutating func text(quote: UInt8) throws(Problem) -> Node {
    let start = position
    position += 1
    var content: [UInt8] = []
    while let byte = peek, byte != quote {
      if byte == UInt8(ascii: "\\"), position + 1 < end { position += 1 }
      content.append(bytes[position])
      position += 1
    }
    guard peek == quote else { throw Problem(offset: start, reason: "the text that begins here does not end") }
    position += 1
    return Node(.string(String(decoding: content, as: UTF8.self)), range: start..<position)
  }

  private var peek: UInt8? { position < end ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
  }
}

extension UInt8 {
  fileprivate var isWordByte: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
