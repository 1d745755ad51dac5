import Diagnostics

/// The functions of a StableHLO program as text, each a list of statements. Types and attributes are read where they are
/// asked for; regions stay inside the statement that owns them.
struct StableHLOModule {
  /// `tensor<8x512xbf16>`.
  struct TensorType: Hashable {
    /// Extents; nil for one that is not static.
    var extents: [Int?]
    var element: String

    /// The extents where all are known.
    var shape: [Int]? { extents.contains(nil) ? nil : extents.compactMap(\.self) }
  }

  /// One operation.
  struct Statement {
    /// The first result without `%`; empty if there is none.
    var result: String
    /// For example `stablehlo.add`.
    var operation: String
    /// Names of the values it uses, without `%`, regions left out.
    var operands: [String]
    /// What stands between the operation's name and its types.
    var body: String
    var inputTypes: [TensorType]
    var outputTypes: [TensorType]
    /// Where it begins.
    var offset: Int
  }

  struct Function {
    var name: String
    var parameters: [String]
    var statements: [Statement] = []
    var isPublic: Bool
  }

  private(set) var functions: [Function] = []

  /// Whether the source is text with a function and operations of StableHLO.
  static func looksLikeModule(_ source: SourceText) -> Bool {
    let start = source.bytes.prefix(1 << 20)
    return start.firstRange(of: "stablehlo.".utf8) != nil && start.firstRange(of: "func.func".utf8) != nil
  }

  /// Splits a program.
  /// - Throws: `unknown-format` where a statement has no end.
  init(_ source: SourceText) throws(DiagnosticList) {
    let bytes = source.bytes
    var lineStart = 0
    while lineStart < bytes.count {
      var end = Self.lineEnd(bytes, lineStart)
      defer { lineStart = end + 1 }
      let start = bytes[lineStart..<end].firstIndex { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D } ?? end
      let line = bytes[start..<end]
      if line.isEmpty || line.starts(with: "//".utf8) || line.starts(with: "#".utf8) || line.starts(with: "module".utf8)
      {
        continue
      }
      if line.first == UInt8(ascii: "}") { continue }
      if line.starts(with: "func.func".utf8) {
        while bytes[start..<end].last(where: { $0 != 0x20 && $0 != 0x0D }) != UInt8(ascii: "{") {
          guard end < bytes.count else { throw Self.endless(source, start) }
          end = Self.lineEnd(bytes, end + 1)
        }
        functions.append(Self.function(String(decoding: bytes[start..<end], as: UTF8.self)))
        continue
      }
      guard !functions.isEmpty else { continue }
      // A statement ends with the line on which all its brackets are closed.
      var depth = Self.balance(bytes[start..<end])
      while depth > 0 {
        guard end < bytes.count else { throw Self.endless(source, start) }
        let next = Self.lineEnd(bytes, end + 1)
        depth += Self.balance(bytes[end + 1..<next])
        end = next
      }
      if let statement = Self.statement(bytes[start..<end], offset: start) {
        functions[functions.count - 1].statements.append(statement)
      }
    }
  }

  private static func endless(_ source: SourceText, _ start: Int) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .unknownFormat, "the operation that begins here has no end: its brackets are not closed",
        at: source.location(of: start..<start + 1)))
  }

  private static func lineEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    var end = min(start, bytes.count)
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    return end
  }

  /// Brackets opened less brackets closed, those in quotes left out.
  private static func balance(_ line: ArraySlice<UInt8>) -> Int {
    var depth = 0
    var isQuoted = false
    for byte in line {
      switch byte {
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): if !isQuoted { depth += 1 }
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): if !isQuoted { depth -= 1 }
      default: break
      }
    }
    return depth
  }

  private static func function(_ text: String) -> Function {
    let name = text.split(separator: "@").dropFirst().first?.prefix { $0 != "(" } ?? ""
    // Parameters end where the results begin.
    let parameters = text.split(separator: "->", maxSplits: 1).first ?? ""
    return Function(
      name: String(name), parameters: values(in: parameters), isPublic: text.contains("public") || name == "main")
  }

  private static func statement(_ bytes: ArraySlice<UInt8>, offset: Int) -> Statement? {
    // Constants may be megabytes of digits; only their type, at the end, is asked for.
    let isLong = bytes.count > 1 << 16
    let text = isLong ? bytes.prefix(256) + bytes.suffix(1 << 12) : bytes
    var rest = String(decoding: text, as: UTF8.self)[...]
    if let location = rest.range(of: " loc(", isLast: true) { rest = rest[..<location.lowerBound] }
    var result = ""
    if rest.first == "%", let equals = rest.range(of: " = ") {
      result = values(in: rest[..<equals.lowerBound]).first ?? ""
      rest = rest[equals.upperBound...]
    }
    let isGeneric = rest.first == "\""
    if isGeneric { rest = rest.dropFirst() }
    let operation = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    guard !operation.isEmpty else { return nil }
    rest = rest.dropFirst(operation.count)
    var (inputs, outputs): ([TensorType], [TensorType]) = ([], [])
    var body = rest
    if let colon = rest.range(of: " : ", isLast: true) {
      body = rest[..<colon.lowerBound]
      let types = rest[colon.upperBound...]
      if let arrow = types.range(of: "->") {
        (inputs, outputs) = (tensors(in: types[..<arrow.lowerBound]), tensors(in: types[arrow.upperBound...]))
      } else {
        // One type for all, or those of the operands with the result's last.
        inputs = tensors(in: types)
        outputs = Array(inputs.suffix(1))
      }
    }
    let head = body.range(of: "({").map { body[..<$0.lowerBound] } ?? body
    return Statement(
      result: result, operation: String(operation), operands: values(in: head), body: String(body),
      inputTypes: inputs, outputTypes: outputs, offset: offset)
  }

  /// The names behind each `%`, without the number of a result among several.
  private static func values(in text: Substring) -> [String] {
    text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().map { part in
      String(part.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "$" || $0 == "." })
    }
  }

  private static func tensors(in text: Substring) -> [TensorType] {
    var types: [TensorType] = []
    var rest = text
    while let start = rest.range(of: "tensor<") {
      rest = rest[start.upperBound...]
      var extents: [Int?] = []
      while let first = rest.first, first.isNumber || first == "?" {
        let digits = rest.prefix { $0.isNumber || $0 == "?" }
        guard rest.dropFirst(digits.count).first == "x" else { break }
        extents.append(Int(digits))
        rest = rest.dropFirst(digits.count + 1)
      }
      let element = rest.prefix { $0 != ">" && $0 != "," }
      rest = rest.dropFirst(element.count)
      types.append(TensorType(extents: extents, element: String(element)))
    }
    return types
  }
}

extension StableHLOModule.Statement {
  /// The whole numbers of an attribute: `key = [1, 2]`, `array<i64: 1, 2>`, `dense<1>` or `1 : i64`.
  func integers(_ keys: String...) -> [Int]? {
    for key in keys {
      guard let found = body[...].range(of: key + " = ") else { continue }
      var value = body[found.upperBound...]
      if value.hasPrefix("array<") {
        value = value.drop { $0 != ":" && $0 != ">" }
        value = value.prefix { $0 != ">" }
      } else if value.hasPrefix("dense<") {
        value = value.dropFirst(6).prefix { $0 != ">" }
      } else if value.first == "[" {
        var depth = 0
        value = value.prefix { character in
          if character == "[" { depth += 1 }
          defer { if character == "]" { depth -= 1 } }
          return depth > 0
        }
      } else {
        value = value.prefix { $0.isNumber || $0 == "-" }
      }
      return value.split { !$0.isNumber && $0 != "-" }.compactMap { Int($0) }
    }
    return nil
  }

  /// The words of each list in `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`.
  var convolutionDimensions: (input: [String], kernel: [String], output: [String])? {
    guard let cross = body[...].range(of: "]x["), let arrow = body[cross.upperBound...].range(of: "]->[") else {
      return nil
    }
    func words(_ text: Substring) -> [String] { text.split { ", []".contains($0) }.map(String.init) }
    guard let start = body[..<cross.lowerBound].lastIndex(of: "["),
      let end = body[arrow.upperBound...].firstIndex(of: "]")
    else { return nil }
    return (
      words(body[start..<cross.lowerBound]), words(body[cross.upperBound..<arrow.lowerBound]),
      words(body[arrow.upperBound..<end])
    )
  }

  /// The lists of `contracting_dims = [1] x [0]`.
  func pair(_ key: String) -> (left: [Int], right: [Int])? {
    guard let found = body[...].range(of: key + " = ["), let left = body[found.upperBound...].firstIndex(of: "]") else {
      return nil
    }
    let rest = body[left...].drop { $0 != "[" }
    func numbers(_ text: Substring) -> [Int] { text.split { !$0.isNumber }.compactMap { Int($0) } }
    return (numbers(body[found.upperBound..<left]), numbers(rest.prefix { $0 != "]" }))
  }
}

extension Substring {
  /// Where `part` first, or last, stands.
  fileprivate func range(of part: String, isLast: Bool = false) -> Range<Index>? {
    isLast ? ranges(of: part).last : firstRange(of: part)
  }
}
