public import Diagnostics

/// Reads JSON (RFC 8259) into ``Node``s that know where they stand.
///
/// A pull parser over bytes: large arrays are read element by element with ``forEachElement(_:)``, so that memory
/// stays bounded by the largest element and not by the file.
public struct JSONParser {
  /// How deep arrays and objects may nest.
  public static let maximumDepth = 128

  let source: SourceText
  private var position: Int
  private var depth = 0

  /// A parser at the start of `source`, past a byte order mark.
  public init(_ source: SourceText) {
    self.source = source
    self.position = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// Parses a source that holds exactly one value.
  /// - Throws: a located `json-syntax` or `duplicate-key` diagnostic.
  public static func parse(_ source: SourceText) throws(DiagnosticList) -> Node {
    var parser = JSONParser(source)
    let node = try parser.parseValue()
    try parser.expectEnd()
    return node
  }

  /// Parses the value at the current position.
  public mutating func parseValue() throws(DiagnosticList) -> Node {
    skipSpace()
    let start = position
    guard let byte = peek() else { throw failure("the file ends where a value is expected", start) }
    switch byte {
    case UInt8(ascii: "{"):
      var entries: [Node.Entry] = []
      var keys: Set<String> = []
      try forEachMember { (parser, key, keyRange) throws(DiagnosticList) in
        guard keys.insert(key).inserted else {
          throw DiagnosticList(
            Diagnostic(
              .duplicateKey, "the key '\(key)' appears twice in this object",
              at: parser.source.location(of: keyRange), help: "keep one of them"))
        }
        entries.append(Node.Entry(key: key, keyRange: keyRange, value: try parser.parseValue()))
      }
      return Node(.mapping(entries), range: start..<position)
    case UInt8(ascii: "["):
      var elements: [Node] = []
      try forEachElement { (parser) throws(DiagnosticList) in elements.append(try parser.parseValue()) }
      return Node(.sequence(elements), range: start..<position)
    case UInt8(ascii: "\""):
      let text = try parseString()
      return Node(.string(text), range: start..<position)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let text = try parseNumber()
      return Node(.number(text), range: start..<position)
    default:
      for (word, content) in Self.words where source.bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return Node(content, range: start..<position)
      }
      throw failure("expected a JSON value here", start)
    }
  }

  private static let words: [(String, Node.Content)] = [
    ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
  ]

  /// Walks the array at the current position; `body` must read exactly one value from the parser it is given.
  public mutating func forEachElement(
    _ body: (inout JSONParser) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    try enclosed(open: "[", close: "]", "an array", body)
  }

  /// Walks the object at the current position; `body` gets each key and must read its value.
  public mutating func forEachMember(
    _ body: (inout JSONParser, String, Range<Int>) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    try enclosed(open: "{", close: "}", "an object") { (parser) throws(DiagnosticList) in
      parser.skipSpace()
      let start = parser.position
      guard parser.peek() == UInt8(ascii: "\"") else {
        throw parser.failure("expected a key in double quotes", start)
      }
      let key = try parser.parseString()
      let range = start..<parser.position
      parser.skipSpace()
      guard parser.peek() == UInt8(ascii: ":") else {
        throw parser.failure("expected ':' after the key \"\(key)\"", parser.position)
      }
      parser.position += 1
      try body(&parser, key, range)
    }
  }

  private mutating func enclosed(
    open: Unicode.Scalar, close: Unicode.Scalar, _ what: String,
    _ body: (inout JSONParser) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    skipSpace()
    let start = position
    guard peek() == UInt8(ascii: open) else { throw failure("expected \(what) here", start) }
    depth += 1
    guard depth <= Self.maximumDepth else {
      throw failure("nested deeper than \(Self.maximumDepth) levels", start)
    }
    position += 1
    skipSpace()
    if peek() == UInt8(ascii: close) {
      position += 1
    } else {
      while true {
        try body(&self)
        skipSpace()
        switch peek() {
        case UInt8(ascii: ","): position += 1
        case UInt8(ascii: close):
          position += 1
          depth -= 1
          return
        case nil:
          let opened = source.location(of: start..<start + 1)
          throw failure(
            "the file ends inside \(what)", position,
            notes: ["it begins at line \(opened.line), column \(opened.column)"],
            help: "the file looks truncated; copy it again")
        default: throw failure("expected ',' or '\(close)' here", position)
        }
      }
    }
    depth -= 1
  }

  /// Whether only white space is left.
  public mutating func isAtEnd() -> Bool {
    skipSpace()
    return position >= source.bytes.count
  }

  /// Requires that nothing but white space is left.
  public mutating func expectEnd() throws(DiagnosticList) {
    guard isAtEnd() else { throw failure("unexpected text after the end of the JSON value", position) }
  }

  private func peek() -> UInt8? { position < source.bytes.count ? source.bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func parseNumber() throws(DiagnosticList) -> String {
    let start = position
    func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
    if peek() == UInt8(ascii: "-") { position += 1 }
    let leading = peek()
    let first = position
    while isDigit(peek()) { position += 1 }
    guard position > first, !(leading == UInt8(ascii: "0") && position > first + 1) else {
      throw failure("not a JSON number", start)
    }
    if peek() == UInt8(ascii: ".") {
      position += 1
      guard isDigit(peek()) else { throw failure("digits must follow the decimal point", position) }
      while isDigit(peek()) { position += 1 }
    }
    if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
      position += 1
      if let sign = peek(), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { position += 1 }
      guard isDigit(peek()) else { throw failure("digits must follow the exponent", position) }
      while isDigit(peek()) { position += 1 }
    }
    return String(decoding: source.bytes[start..<position], as: UTF8.self)
  }

  private mutating func parseString() throws(DiagnosticList) -> String {
    let start = position
    position += 1
    var runStart = position
    var text = ""
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        text += try utf8(runStart..<position)
        position += 1
        return text
      case UInt8(ascii: "\\"):
        text += try utf8(runStart..<position)
        text.unicodeScalars.append(try parseEscape())
        runStart = position
      case 0..<0x20: throw failure("a control character must be escaped in a string", position)
      default: position += 1
      }
    }
    throw failure("the file ends inside a string", start, help: "the file looks truncated; copy it again")
  }

  private func utf8(_ range: Range<Int>) throws(DiagnosticList) -> String {
    guard let text = String(validating: source.bytes[range], as: UTF8.self) else {
      throw failure("the string is not valid UTF-8", range.lowerBound)
    }
    return text
  }

  private mutating func parseEscape() throws(DiagnosticList) -> Unicode.Scalar {
    let start = position
    position += 1
    guard let byte = peek() else { throw failure("the file ends inside a string", start) }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try parseHex(from: start)
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // A high surrogate must be followed by a low one.
      if unit < 0xDC00, source.bytes[position...].starts(with: Array("\\u".utf8)) {
        position += 2
        let low = try parseHex(from: start)
        if (0xDC00..<0xE000).contains(low),
          let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        {
          return scalar
        }
      }
      throw failure("half a surrogate pair is not a character", start)
    default: throw failure("unknown escape in a string", start)
    }
  }

  private mutating func parseHex(from start: Int) throws(DiagnosticList) -> UInt32 {
    let digits = source.bytes[position..<min(position + 4, source.bytes.count)]
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw failure("four hexadecimal digits must follow \\u", start) }
    position += 4
    return value
  }

  private func failure(
    _ message: String, _ offset: Int, notes: [String] = [], help: String? = nil
  ) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .jsonSyntax, message, at: source.location(of: offset..<offset + 1), notes: notes, help: help))
  }
}
