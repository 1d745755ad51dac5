public import Diagnostics
import Documents
import Quantities
import Traces

/// A table of measurements, read and checked.
///
/// Columns may stand in any order, and others than the needed ones are kept. A measured cell may be empty.
public struct ReferenceFile: Sendable {
  /// The file's name without folder and suffix, for example `h200_gemm`.
  public let name: String
  /// What was measured.
  public let kind: ReferenceKind
  /// The header line as it stands in the file.
  public let header: String
  /// The other lines that hold anything, as they stand in the file.
  public let rows: [String]
  /// What each row ran.
  let experiments: [ExperimentRow]
  /// The line each row stands on.
  let lines: [Int]

  /// The machine it was measured on, as the file's name tells: what stands before the first underscore.
  public var machineName: String { String(name.prefix { $0 != "_" }) }

  /// Reads a file, or standard input for `-`.
  /// - Throws: every problem of the file at once, located.
  public init(path: String) throws(DiagnosticList) {
    try self.init(try InputFile.load(path, limit: Bytes(1 << 26)))
  }

  /// Reads a table.
  /// - Throws: every problem of the table at once, located.
  public init(_ source: SourceText) throws(DiagnosticList) {
    try source.checkEncoding()
    let table = CSVDocument(source)
    let sink = DiagnosticSink()
    let reader = DocumentReader(source, sink: sink)
    guard let header = table.rows.first else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds no table"))
    }
    let kind = ReferenceKind.detect(header, reader)
    let positions = Self.positions(of: header, kind, reader)
    try sink.throwIfErrors()
    guard let kind else { preconditionFailure("a header of no kind was not reported") }
    guard table.rows.count > 1 else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds a header, but no row"))
    }

    var experiments: [ExperimentRow] = []
    // A file with that many problems is another file.
    for (index, row) in table.rows.dropFirst().enumerated() where sink.diagnostics.count < 1000 {
      guard row.cells.count == header.cells.count else {
        reader.report(
          .csvSyntax,
          "row \(index + 1) has \(row.cells.count) cells, but the header has \(header.cells.count) columns",
          at: row.range, help: "a text with commas needs double quotes around it")
        continue
      }
      let row = RowReader(reader: reader, row: row, number: index + 1, positions: positions)
      if let read = row.experiments(kind) { experiments.append(read) }
    }
    try sink.throwIfErrors()
    name = Self.stem(source.name)
    self.kind = kind
    self.header = Self.text(header, source)
    rows = table.rows.dropFirst().map { Self.text($0, source) }
    lines = Self.lines(of: table)
    self.experiments = experiments
  }

  private static func positions(
    of header: CSVDocument.Row, _ kind: ReferenceKind?, _ reader: DocumentReader
  ) -> [String: Int] {
    let added = (kind?.predictedColumns ?? []) + [ReferenceKind.reasonColumn]
    var positions: [String: Int] = [:]
    for (index, cell) in header.cells.enumerated() where !cell.text.isEmpty {
      if positions[cell.text] != nil {
        reader.report(
          .duplicateKey, "the column '\(cell.text)' appears twice", at: cell.range, help: "keep one of them")
      } else if added.contains(cell.text) {
        reader.report(
          .duplicateKey,
          "the column '\(cell.text)' is already there; predictions are written into a column of this name",
          at: cell.range, help: "leave it out")
      }
      positions[cell.text] = positions[cell.text] ?? index
    }
    return positions
  }

  private static func text(_ row: CSVDocument.Row, _ source: SourceText) -> String {
    String(decoding: source.bytes[row.range], as: UTF8.self)
  }

  private static func lines(of table: CSVDocument) -> [Int] {
    var (line, position) = (1, 0)
    return table.rows.dropFirst().map { row in
      while position < row.range.lowerBound {
        if table.source.bytes[position] == UInt8(ascii: "\n") { line += 1 }
        position += 1
      }
      return line
    }
  }

  private static func stem(_ path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    return file.hasSuffix(".csv") ? String(file.dropLast(4)) : String(file.prefix { $0 != "." })
  }
}

extension ReferenceKind {
  /// The columns that hold predictions, in the order they are written.
  public var predictedColumns: [String] { measuredColumns.map { Self.prefix + $0 } }
}

/// The measurements that come with the program, each `Reference/NAME.csv`; ``Traces/ShippedFolder`` says where they are
/// looked for.
public enum ReferenceCatalog {
  private static let folder = ShippedFolder("Reference", suffix: ".csv")

  /// The paths of all files, sorted by name.
  /// - Throws: `unreadable-file` where there is none.
  public static func paths() throws(DiagnosticList) -> [String] {
    let paths = folder.names().compactMap(folder.path)
    guard !paths.isEmpty else {
      throw DiagnosticList(
        Diagnostic(
          .unreadableFile, "no measurements were found in Configs/Reference",
          help: "name a file of your own with --data, or run lacuna from its checkout"))
    }
    return paths
  }
}
