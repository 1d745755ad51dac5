import Diagnostics
import Documents

/// A table that stands beside a trace: a header whose columns are known by name, then rows.
struct SideTable {
  let table: CSVDocument
  let sink = DiagnosticSink()
  private var columns: [String: Int] = [:]
  /// The rows below the header.
  private(set) var rows: [Row] = []

  /// A row, and how many lines stand before it.
  struct Row {
    var cells: [CSVDocument.Cell]
    var range: Range<Int>
    var precedingLines: Int
  }

  /// Reads the table and its header.
  /// - Parameters:
  ///   - required: columns that must be there, in lower case.
  ///   - optional: columns that may be.
  /// - Throws: `csv-syntax`, `missing-key`, `unknown-key` and `duplicate-key`, each at its place.
  init(
    _ source: SourceText, required: [String], optional: [String] = []
  ) throws(DiagnosticList) {
    try source.checkEncoding()
    table = CSVDocument(source)
    guard let header = table.rows.first else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds no table"))
    }
    let known = required + optional
    for (index, cell) in header.cells.enumerated().prefix(64) {
      let name = cell.text.lowercased()
      if !known.contains(name) {
        report(
          .unknownKey, "the column '\(cell.text)' is not read", at: cell.range,
          help: nearest(to: name, among: known).map { "did you mean '\($0)'?" }
            ?? "the columns are \(known.joined(separator: ", "))")
      } else if columns.updateValue(index, forKey: name) != nil {
        report(.duplicateKey, "the column '\(name)' appears twice", at: cell.range)
      }
    }
    for name in required where columns[name] == nil {
      report(
        .missingKey, "the column '\(name)' is missing", at: header.range,
        help: "the columns are \(known.joined(separator: ", "))")
    }
    try sink.throwIfErrors()
    var (line, start) = (0, 0)
    for row in table.rows.dropFirst() {
      line += source.bytes[start..<row.range.lowerBound].count { $0 == 0x0A }
      start = row.range.lowerBound
      rows.append(Row(cells: row.cells, range: row.range, precedingLines: line))
    }
  }

  /// Where a cell stands.
  /// - Complexity: linear in its row, not in the table.
  func location(of cell: CSVDocument.Cell, in row: Row) -> SourceLocation {
    let source = SourceText(
      name: table.source.name, bytes: Array(table.source.bytes[row.range]), precedingLines: row.precedingLines)
    let start = row.range.lowerBound
    return source.location(of: cell.range.lowerBound - start..<cell.range.upperBound - start)
  }

  /// The cell of a row in a column; nil where the row ends before, or the table has no such column.
  func cell(_ row: Row, _ column: String) -> CSVDocument.Cell? {
    columns[column].flatMap { $0 < row.cells.count ? row.cells[$0] : nil }
  }

  /// The same where something must stand.
  func required(_ row: Row, _ column: String) -> CSVDocument.Cell? {
    if let cell = cell(row, column), !cell.text.isEmpty { return cell }
    report(.missingKey, "the row has no '\(column)'", at: row.range)
    return nil
  }

  /// A number within a range.
  func number(_ cell: CSVDocument.Cell, _ what: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = Double(cell.text), range.contains(value) else {
      report(
        .outOfRange, "'\(cell.text)' is not \(what)", at: cell.range,
        help: "give a number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  func report(_ code: DiagnosticCode, _ message: String, at range: Range<Int>, help: String? = nil) {
    DocumentReader(table.source, sink: sink).report(code, message, at: range, help: help)
  }
}
