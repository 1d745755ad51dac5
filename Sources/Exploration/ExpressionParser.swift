import Diagnostics
import Quantities

/// Why a text is no expression.
struct ExpressionError: Error {
  var message: String
  /// Where, in bytes from its start.
  var range: Range<Int>
  var help: String?
}

/// Reads ``Expression``s.
struct ExpressionParser {
  private let text: [UInt8]
  private let names: [String]
  private var position = 0
  private var depth = 0

  /// Reads an expression over the given names.
  static func parse(_ text: String, names: [String]) throws(ExpressionError) -> Expression {
    var parser = ExpressionParser(text: Array(text.utf8), names: names)
    let root = try parser.disjunction()
    parser.skipSpace()
    guard parser.position == parser.text.count else {
      throw parser.failure("'\(parser.rest)' does not belong here", help: "join terms by an operator")
    }
    return Expression(text: text, root: root)
  }

  private init(text: [UInt8], names: [String]) {
    self.text = text
    self.names = names
  }

  private var rest: String { String(decoding: text[position...].prefix(20), as: UTF8.self) }

  private func failure(_ message: String, _ length: Int = 1, help: String? = nil) -> ExpressionError {
    ExpressionError(message: message, range: position..<position + max(1, length), help: help)
  }

  private mutating func skipSpace() {
    while position < text.count, text[position] == UInt8(ascii: " ") || text[position] == UInt8(ascii: "\n") {
      position += 1
    }
  }

  /// Takes a symbol, or a word that ends where it ends.
  private mutating func take(_ symbol: String) -> Bool {
    skipSpace()
    guard text[position...].starts(with: symbol.utf8) else { return false }
    let end = position + symbol.utf8.count
    if symbol.utf8.first.map(Self.isWord) == true, end < text.count, Self.isWord(text[end]) { return false }
    position = end
    return true
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private mutating func disjunction() throws(ExpressionError) -> Expression.Term {
    depth += 1
    defer { depth -= 1 }
    guard depth < 64 else { throw failure("parentheses nest deeper than 64") }
    var term = try conjunction()
    while take("or") { term = .binary(.or, term, try conjunction()) }
    return term
  }

  private mutating func conjunction() throws(ExpressionError) -> Expression.Term {
    var term = try inversion()
    while take("and") { term = .binary(.and, term, try inversion()) }
    return term
  }

  private mutating func inversion() throws(ExpressionError) -> Expression.Term {
    var isInverted = false
    while take("not") { isInverted.toggle() }
    let term = try comparison()
    return isInverted ? .inverted(term) : term
  }

  private mutating func comparison() throws(ExpressionError) -> Expression.Term {
    let term = try sum()
    for operation in [Expression.Operation.lessOrEqual, .greaterOrEqual, .equal, .unequal, .less, .greater]
    where take(operation.rawValue) {
      return .binary(operation, term, try sum())
    }
    if take("=") { throw failure("'=' compares nothing", help: "write == to compare") }
    return term
  }

  private mutating func sum() throws(ExpressionError) -> Expression.Term {
    var term = try product()
    while true {
      if take("+") {
        term = .binary(.plus, term, try product())
      } else if take("-") {
        term = .binary(.minus, term, try product())
      } else {
        return term
      }
    }
  }

  private mutating func product() throws(ExpressionError) -> Expression.Term {
    var term = try signed()
    while true {
      if take("*") {
        term = .binary(.times, term, try signed())
      } else if take("/") {
        term = .binary(.divided, term, try signed())
      } else if take("%") {
        term = .binary(.remainder, term, try signed())
      } else {
        return term
      }
    }
  }

  private mutating func signed() throws(ExpressionError) -> Expression.Term {
    var isNegative = false
    while take("-") { isNegative.toggle() }
    let term = try primary()
    return isNegative ? .negated(term) : term
  }

  private mutating func primary() throws(ExpressionError) -> Expression.Term {
    skipSpace()
    guard position < text.count else { throw failure("the expression ends where a value is expected") }
    if take("(") {
      let term = try disjunction()
      guard take(")") else { throw failure("a parenthesis is not closed", help: "add ')'") }
      return term
    }
    let byte = text[position]
    if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return try quoted(byte) }
    if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { return try number() }
    guard Self.isWord(byte), byte != UInt8(ascii: ".") else {
      throw failure("a value cannot begin with '\(rest.prefix(1))'")
    }
    return try word()
  }

  private mutating func quoted(_ quote: UInt8) throws(ExpressionError) -> Expression.Term {
    guard let end = text[(position + 1)...].firstIndex(of: quote) else { throw failure("a quote is not closed") }
    let content = String(decoding: text[position + 1..<end], as: UTF8.self)
    position = end + 1
    return .value(.text(content))
  }

  private mutating func number() throws(ExpressionError) -> Expression.Term {
    let start = position
    var isExponent = false
    while position < text.count {
      let byte = text[position]
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      let next = position + 1 < text.count ? text[position + 1] : 0
      let beginsExponent =
        (byte | 0x20) == UInt8(ascii: "e") && (Character(UnicodeScalar(next)).isNumber || next == 45 || next == 43)
      let isSign = isExponent && (byte == 43 || byte == 45)
      guard isDigit || byte == UInt8(ascii: ".") || beginsExponent || isSign else { break }
      isExponent = beginsExponent
      position += 1
    }
    let digits = String(decoding: text[start..<position], as: UTF8.self)
    guard let value = Double(digits), value.isFinite else {
      position = start
      throw failure("'\(digits)' is not a number", digits.utf8.count)
    }
    // A unit may follow, the longest that is one: `2 ms`, not `2 m`.
    let mark = position
    skipSpace()
    for unit in UnitTable.entries where text[position...].starts(with: unit.symbol.utf8) {
      let end = position + unit.symbol.utf8.count
      if end < text.count, Self.isWord(text[end]) { continue }
      position = end
      return .value(.number(value * unit.scale))
    }
    position = mark
    return .value(.number(value))
  }

  private mutating func word() throws(ExpressionError) -> Expression.Term {
    let start = position
    while position < text.count, Self.isWord(text[position]) { position += 1 }
    let word = String(decoding: text[start..<position], as: UTF8.self)
    if let index = names.firstIndex(of: word) { return .name(index) }
    switch word {
    case "true": return .value(.number(1))
    case "false": return .value(.number(0))
    default: break
    }
    let mark = position
    if take("(") {
      guard let function = Expression.Function(rawValue: word) else {
        position = start
        throw failure(
          "there is no function '\(word)'", word.utf8.count,
          help: "known: \(Expression.Function.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      var arguments = [try disjunction()]
      while take(",") { arguments.append(try disjunction()) }
      guard take(")") else { throw failure("a parenthesis is not closed", help: "add ')'") }
      guard function.arguments.contains(arguments.count) else {
        position = start
        throw failure("\(word) takes \(function.arguments.lowerBound) values, not \(arguments.count)", word.utf8.count)
      }
      return .call(function, arguments)
    }
    position = start
    throw ExpressionError(
      message: "there is no value '\(word)' here", range: start..<mark,
      help: nearest(to: word, among: names).map { "did you mean '\($0)'?" }
        ?? "known here: \(names.joined(separator: ", ")); texts stand in quotes")
  }
}
