import Diagnostics
import Documents
import Quantities
import Workloads

/// Reads the cells of one row by column; every problem names row and column and is told at its cell.
struct RowReader {
  /// Sizes that a file may hold; products of two of them fit an `Int`.
  static let largestSize = 1 << 31

  let reader: DocumentReader
  let row: CSVDocument.Row
  /// The row's number as people count, from one, without the header.
  let number: Int
  /// Where each column stands.
  let positions: [String: Int]

  /// What must fit a level-two cache for so many bytes to be there from run to run: twice as many. On an H200 products whose
  /// operands and results take half of it are as fast as with a single set of them, those that take all of it as slow as
  /// with many (`Configs/Reference/Repeats/sets.csv`).
  static func kept(_ bytes: Bytes) -> Bytes { Bytes(min(bytes.count, 1 << 60)) * 2 }

  /// A cell's text; a row is as long as its header.
  func text(_ column: String) -> String { cell(column).text }

  /// The text of a column that may be absent.
  func text(optional column: String) -> String { positions[column] == nil ? "" : text(column) }

  private func cell(_ column: String) -> CSVDocument.Cell {
    guard let position = positions[column] else { preconditionFailure("the header was checked for '\(column)'") }
    return row.cells[position]
  }

  /// A whole number of at least one.
  func size(_ column: String) -> Int? {
    let text = text(column)
    guard let value = Int(text) else {
      return problem(.wrongType, column, text.isEmpty ? "is empty; it must be a whole number" : "is not a whole number")
    }
    guard (1...Self.largestSize).contains(value) else {
      return problem(.outOfRange, column, "must be from 1 to \(Self.largestSize)")
    }
    return value
  }

  /// A measured value, above zero; nil where the cell is empty or the column absent: it was not measured.
  func measured(_ column: String) -> Double? {
    let text = text(optional: column)
    guard !text.isEmpty else { return nil }
    guard let value = Double(text), value.isFinite else { return problem(.wrongType, column, "is not a number") }
    guard value > 0 else { return problem(.outOfRange, column, "must be above 0") }
    // Far beyond what any unit measures; squares and products stay finite.
    guard (1e-12...1e18).contains(value) else { return problem(.outOfRange, column, "must be from 1e-12 to 1e18") }
    return value
  }

  /// A part of a whole, above zero.
  func fraction(_ column: String) -> Double? {
    guard let value = Double(text(column)), value.isFinite else {
      return problem(.wrongType, column, "is not a number")
    }
    guard value > 0, value <= 1 else { return problem(.outOfRange, column, "must be above 0 and at most 1") }
    return value
  }

  /// A word of a closed set.
  func choice<T>(_ column: String, _ choices: [(name: String, value: T)], what: String) -> T? {
    if let match = choices.first(where: { $0.name == text(column) }) { return match.value }
    let names = choices.map(\.name)
    return problem(
      .unknownValue, column, "is not \(what)", notes: ["known: \(names.joined(separator: ", "))"],
      help: nearest(to: text(column), among: names).map { "did you mean '\($0)'?" })
  }

  /// A data type.
  func dataType(_ column: String) -> DataType? {
    choice(column, DataType.allCases.map { ($0.rawValue, $0) }, what: "a data type")
  }

  /// The operators, or nil after reporting those that cannot exist.
  /// - Parameter columns: for a key of the trace format, the column its value comes from.
  func checked(_ operators: [Operator], columns: [String: String] = [:]) -> [Operator]? {
    var told: Set<DiagnosticCode> = []
    for problem in operators.flatMap({ $0.shapeProblems() }) where told.insert(problem.code).inserted {
      let column = [columns[problem.key], problem.key].compactMap(\.self).first { positions[$0] != nil }
      reader.report(
        problem.code, "row \(number)\(column.map { ", column '\($0)'" } ?? ""): \(problem.message)",
        at: column.map { cell($0).range } ?? row.range, help: problem.help)
    }
    return told.isEmpty ? operators : nil
  }

  /// Reports at a cell what is wrong with what it says.
  func relay(_ problems: DiagnosticList, _ column: String) {
    for problem in problems.diagnostics {
      reader.report(
        problem.code, "row \(number), column '\(column)': \(problem.message)", at: cell(column).range,
        help: problem.help)
    }
  }

  /// Reports a problem of a cell, and returns nil.
  func problem<T>(
    _ code: DiagnosticCode, _ column: String, _ message: String, notes: [String] = [], help: String? = nil
  ) -> T? {
    let cell = cell(column)
    let text = cell.text.isEmpty ? "" : " '\(cell.text)'"
    reader.report(
      code, "row \(number), column '\(column)':\(text) \(message)", at: cell.range, notes: notes, help: help)
    return nil
  }
}
