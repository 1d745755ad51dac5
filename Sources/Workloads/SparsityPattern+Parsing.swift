import Diagnostics
public import Documents

/// Why a text is not a sparsity pattern.
public struct SparsityPatternError: Error, Hashable, Sendable {
  /// What is wrong.
  public var message: String
  /// What would be right.
  public var help: String
}

extension SparsityPattern {
  /// The grammar in one line, for help texts.
  public static let grammar =
    "dense, N:M, V:N:M, unstructured(ZEROS), block(RxC, ZEROS), bank(SIZE, Rx), Rx, tile(RxC, FRACTION, N:M), "
    + "wrapped(BLOCK, N:M), fan-in(K) or mask(FILE#TENSOR)"

  /// Reads a pattern, for example `2:4`, `16x` or `unstructured(0.7)`.
  /// - Throws: ``SparsityPatternError`` for unknown forms and for patterns that cannot exist.
  public init(parsing text: String) throws(SparsityPatternError) {
    let text = text.trimmed
    let (head, arguments) = Self.call(text)
    guard !arguments.contains("") else { throw Self.malformed(text) }
    switch (head, arguments.count) {
    case ("dense", 0): self = .dense
    case ("unstructured", 1): self = .unstructured(zeros: try Self.zeros(arguments[0]))
    case ("block", 2):
      let (rows, columns) = try Self.extent(arguments[0])
      self = .block(rows: rows, columns: columns, zeros: try Self.zeros(arguments[1]))
    case ("bank", 2):
      guard let size = Int(arguments[0]), size > 0 else { throw Self.malformed(text) }
      self = try Self.bank(size: size, arguments[1], in: text)
    case ("tile", 3):
      let (rows, columns) = try Self.extent(arguments[0])
      guard let fraction = Double(arguments[1]), (0...1).contains(fraction) else {
        throw SparsityPatternError(
          message: "'\(arguments[1])' is not a fraction of tiles", help: "give a number from 0 to 1")
      }
      guard case .structured(let n, let m) = try SparsityPattern(parsing: arguments[2]) else {
        throw Self.malformed(text)
      }
      self = .tile(rows: rows, columns: columns, fraction: fraction, n: n, m: m)
    case ("wrapped", 2):
      guard let block = Int(arguments[0]), (1...Self.largestGroup).contains(block),
        case .structured(let n, let m) = try SparsityPattern(parsing: arguments[1])
      else { throw Self.malformed(text) }
      self = .wrapped(block: block, n: n, m: m)
    case ("fan-in", 1):
      guard let kept = Int(arguments[0]), kept > 0 else { throw Self.malformed(text) }
      self = .fanIn(kept)
    case ("mask", 1):
      let parts = arguments[0].split(separator: "#", maxSplits: 1)
      guard let file = parts.first, parts.count == 2 || !arguments[0].contains("#") else { throw Self.malformed(text) }
      self = .mask(MaskReference(file: String(file), tensor: parts.count == 2 ? String(parts[1]) : ""))
    case (_, 0) where text.hasSuffix("x"):
      self = try Self.bank(size: Self.defaultBankSize, text, in: text)
    case (_, 0) where text.contains(":"):
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      let numbers = parts.compactMap { Int($0) }
      guard numbers.count == parts.count else { throw Self.malformed(text) }
      switch numbers.count {
      case 2:
        try Self.checkRatio(numbers[0], numbers[1], text)
        self = .structured(n: numbers[0], m: numbers[1])
      case 3:
        let (v, n, m) = (numbers[0], numbers[1], numbers[2])
        try Self.checkRatio(n, m, text)
        guard v > 0, n <= 4, m >= 4 else {
          throw SparsityPatternError(
            message: "'\(text)' cannot exist: V:N:M selects four of M columns and keeps N of those four",
            help: "use V ≥ 1, N ≤ 4 and M ≥ 4, for example 64:2:8")
        }
        self = .vectorStructured(v: v, n: n, m: m)
      default: throw Self.malformed(text)
      }
    default: throw Self.malformed(text)
    }
  }

  /// The largest group or bank; real ones are far smaller, and sums of sizes stay far from overflow.
  private static let largestGroup = 1024

  private static func malformed(_ text: String) -> SparsityPatternError {
    SparsityPatternError(message: "'\(text)' is not a sparsity pattern", help: "write \(grammar)")
  }

  private static func checkRatio(_ n: Int, _ m: Int, _ text: String) throws(SparsityPatternError) {
    guard n > 0, m > 0, n <= m else {
      throw SparsityPatternError(
        message: "'\(text)' cannot exist: of \(m) elements, \(n) cannot be kept",
        help: "N:M needs 1 ≤ N ≤ M, for example 2:4")
    }
    guard m <= largestGroup else {
      throw SparsityPatternError(
        message: "'\(text)' has groups of \(m)", help: "use groups of at most \(largestGroup)")
    }
  }

  private static func bank(
    size: Int, _ rateText: String, in text: String
  ) throws(SparsityPatternError) -> SparsityPattern {
    guard rateText.hasSuffix("x"), let rate = Int(rateText.dropLast()), rate > 0 else { throw malformed(text) }
    guard size <= largestGroup else {
      throw SparsityPatternError(
        message: "'\(text)' has banks of \(size)", help: "use banks of at most \(largestGroup)")
    }
    guard size % rate == 0 else {
      throw SparsityPatternError(
        message: "'\(text)' cannot exist: a bank of \(size) cannot keep exactly \(size)/\(rate) values",
        help: "the rate must divide the bank: 1x, 2x, 4x, 8x, 16x, 32x for a bank of 64")
    }
    return .bank(size: size, rate: rate)
  }

  private static func zeros(_ text: String) throws(SparsityPatternError) -> Double {
    guard let zeros = Double(text), zeros >= 0, zeros < 1 else {
      throw SparsityPatternError(
        message: "'\(text)' is not a fraction of zeros", help: "give a number from 0 to below 1, such as 0.7")
    }
    return zeros
  }

  private static func extent(_ text: String) throws(SparsityPatternError) -> (Int, Int) {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard parts.count == 2, numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else {
      throw SparsityPatternError(
        message: "'\(text)' is not an extent", help: "write rows and columns like 32x32")
    }
    return (numbers[0], numbers[1])
  }

  /// Splits `name(a, b)` into `name` and `[a, b]`; an empty argument stays empty.
  private static func call(_ text: String) -> (String, [String]) {
    guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return (text, []) }
    let inside = text[text.index(after: open)...].dropLast()
    let arguments = inside.split(separator: ",", omittingEmptySubsequences: false)
    return (String(text[..<open]).trimmed, arguments.map { String($0).trimmed })
  }
}

extension SparsityPattern: DocumentReadable {
  /// Reads a pattern in its grammar.
  public static func read(_ node: Node, _ reader: DocumentReader) -> SparsityPattern? {
    // YAML 1.1 reads 2:4 as a base-60 number; its text is what was meant.
    let text: String
    switch node.content {
    case .string(let string): text = string
    case .number(let number): text = number
    default: return reader.mismatch(node, expected: "a sparsity pattern such as 2:4", .text)
    }
    do {
      return try SparsityPattern(parsing: text)
    } catch {
      reader.report(.invalidPattern, error.message, at: node.range, help: error.help)
      return nil
    }
  }
}

extension String {
  var trimmed: String {
    var slice = self[...]
    while slice.first?.isWhitespace == true { slice.removeFirst() }
    while slice.last?.isWhitespace == true { slice.removeLast() }
    return String(slice)
  }
}
