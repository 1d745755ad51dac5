import Diagnostics
import Workloads

/// Reads sparse matrices that are texts: `.smtx` of the Deep Learning Matrix Collection, and MatrixMarket.
///
/// A claimed size is believed up to 4096 elements for each byte of the text.
struct MatrixText {
  private let source: SourceText
  private var position = 0

  private init(_ source: SourceText) { self.source = source }

  /// Rows, columns and kept elements; where each row's elements begin; the column of each. Numbers are set apart by
  /// white space or commas.
  static func smtx(_ source: SourceText) throws(DiagnosticList) -> Tensor {
    var text = MatrixText(source)
    let rows = try text.count("rows", in: 1...Int.max)
    let columns = try text.count("columns", in: 1...Int.max)
    let sizes = 0..<text.position
    let kept = try text.count("kept elements", in: 0...Int.max)
    var builder = try text.builder(rows, columns, sizes)
    var starts = [try text.count("the first row's start", in: 0...0)]
    for _ in 0..<rows { starts.append(try text.count("a row's end", in: starts[starts.count - 1]...kept)) }
    guard starts[rows] == kept else {
      throw text.failure("rows hold \(starts[rows]) elements, but \(kept) are kept by the first line", text.last)
    }
    for row in 0..<rows {
      for _ in starts[row]..<starts[row + 1] {
        let column = try text.count("a column", in: 0...columns - 1)
        guard builder.keep(row, column) else {
          throw text.failure("column \(column) stands twice in row \(row)", text.last)
        }
      }
    }
    try text.expectEnd()
    return text.tensor(builder.finish(), sizes)
  }

  static let banner = "%%MatrixMarket"

  /// Coordinates or all elements, column by column; truth values, reals or integers; all, or the lower half of a
  /// symmetric matrix. A stored zero is a zero.
  static func matrixMarket(_ source: SourceText) throws(DiagnosticList) -> Tensor {
    var text = MatrixText(source)
    let words = text.line().split(separator: " ", omittingEmptySubsequences: true).map { $0.lowercased() }
    guard words.count == 5, words[0] == banner.lowercased(), words[1] == "matrix" else {
      throw text.failure("the first line must be '\(banner) matrix FORMAT FIELD SYMMETRY'", 0..<1)
    }
    func choice(_ index: Int, _ known: [String]) throws(DiagnosticList) {
      guard !known.contains(words[index]) else { return }
      throw DiagnosticList(
        Diagnostic(
          .unknownValue, "'\(words[index])' matrices are not read", at: source.location(of: 0..<1),
          notes: ["known: \(known.joined(separator: ", "))"]))
    }
    try choice(2, ["coordinate", "array"])
    try choice(3, words[2] == "array" ? ["real", "integer", "double"] : ["real", "integer", "double", "pattern"])
    try choice(4, ["general", "symmetric"])
    let isSymmetric = words[4] == "symmetric"
    while text.skipSpace() == UInt8(ascii: "%") { _ = text.line() }

    let start = text.position
    let rows = try text.count("rows", in: 1...Int.max)
    let columns = try text.count("columns", in: 1...Int.max)
    let sizes = start..<text.position
    guard !isSymmetric || rows == columns else {
      throw text.failure("a symmetric matrix of \(rows) × \(columns) cannot be", sizes)
    }
    if words[2] == "array" {
      var builder = try text.builder(rows, columns, sizes)
      for column in 0..<columns {
        for row in (isSymmetric ? column : 0)..<rows where try text.isNotZero() {
          builder.keep(row, column)
          if isSymmetric { builder.keep(column, row) }
        }
      }
      try text.expectEnd()
      return text.tensor(builder.finish(), sizes)
    }
    let entries = try text.count("entries", in: 0...Int.max)
    var builder = try text.builder(rows, columns, sizes)
    var seen = builder
    for _ in 0..<entries {
      let row = try text.count("a row", in: 1...rows) - 1
      let place = text.last
      let column = try text.count("a column", in: 1...(isSymmetric ? row + 1 : columns)) - 1
      guard seen.keep(row, column) else {
        throw text.failure("the element in row \(row + 1), column \(column + 1) stands twice", place)
      }
      if words[3] != "pattern", try !text.isNotZero() { continue }
      builder.keep(row, column)
      if isSymmetric { builder.keep(column, row) }
    }
    try text.expectEnd()
    return text.tensor(builder.finish(), sizes)
  }

  private func tensor(_ zeros: ZeroMask, _ sizes: Range<Int>) -> Tensor {
    Tensor(
      name: TensorReader.stem(source.name), file: source.name, shape: [zeros.rows, zeros.columns],
      storage: .zeros(zeros),
      origin: (SourceText(name: source.name, bytes: Array(source.bytes[..<sizes.upperBound])), sizes))
  }

  /// An empty mask, if the text is long enough for its size to be meant.
  private func builder(
    _ rows: Int, _ columns: Int, _ sizes: Range<Int>
  ) throws(DiagnosticList) -> ZeroMask.Builder {
    try Tensor.checkRoom(rows, columns, source.name, at: source.location(of: sizes))
    guard rows * (columns / 64 + 1) * 64 <= 1 << 20 + 4096 * source.bytes.count else {
      throw DiagnosticList(
        Diagnostic(
          .tooLarge, "\(rows) × \(columns) elements are more than a text of \(source.bytes.count) bytes can mean",
          at: source.location(of: sizes)))
    }
    return ZeroMask.Builder(rows: rows, columns: columns)
  }

  // MARK: Words

  /// Where the last word stands.
  private var last = 0..<1

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0x2C }

  /// Goes to the next word and returns its first byte.
  private mutating func skipSpace() -> UInt8? {
    while position < source.bytes.count, Self.isSpace(source.bytes[position]) { position += 1 }
    return position < source.bytes.count ? source.bytes[position] : nil
  }

  private mutating func word(_ what: String) throws(DiagnosticList) -> Range<Int> {
    guard skipSpace() != nil else {
      throw failure("the text ends where \(what) is expected", position..<position, help: "the file looks truncated")
    }
    let start = position
    while position < source.bytes.count, !Self.isSpace(source.bytes[position]) { position += 1 }
    last = start..<position
    return last
  }

  private mutating func count(_ what: String, in range: ClosedRange<Int>) throws(DiagnosticList) -> Int {
    let word = try word(what)
    var value = 0
    for byte in source.bytes[word] {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte) - 0x30)
      guard (0x30...0x39).contains(byte), !overflow, !carry else {
        throw failure(
          "'\(String(decoding: source.bytes[word].prefix(40), as: UTF8.self))' is no count: \(what) is expected", word)
      }
      value = sum
    }
    guard range.contains(value) else {
      let most =
        range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw failure("\(what) is \(value); it must be \(most)", word, code: .outOfRange)
    }
    return value
  }

  private mutating func isNotZero() throws(DiagnosticList) -> Bool {
    let word = try word("a value")
    guard let value = Double(String(decoding: source.bytes[word], as: UTF8.self)) else {
      throw failure("'\(String(decoding: source.bytes[word].prefix(40), as: UTF8.self))' is no number", word)
    }
    return value != 0
  }

  /// The line that begins here, without its end.
  private mutating func line() -> String {
    let end = source.bytes[position...].firstIndex(of: 0x0A) ?? source.bytes.count
    defer { position = min(end + 1, source.bytes.count) }
    return String(decoding: source.bytes[position..<end].filter { $0 != 0x0D }, as: UTF8.self)
  }

  private mutating func expectEnd() throws(DiagnosticList) {
    guard skipSpace() != nil else { return }
    throw failure("text after the last element", position..<position + 1)
  }

  private func failure(
    _ message: String, _ range: Range<Int>, code: DiagnosticCode = .corruptTensor, help: String? = nil
  ) -> DiagnosticList {
    DiagnosticList(Diagnostic(code, message, at: source.location(of: range), help: help))
  }
}
