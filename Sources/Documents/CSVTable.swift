/// A table as RFC 4180 has it, but with plain newlines: a header, then rows of as many cells; an empty cell is a
/// value that is not known.
public struct CSVTable {
  private var lines: [String]
  private let width: Int

  /// A table with these columns.
  public init(_ header: [String]) {
    width = header.count
    lines = [header.map(Self.quoted).joined(separator: ",")]
  }

  /// Adds a row with a cell for each column.
  public mutating func add(_ cells: [String]) {
    precondition(cells.count == width, "\(cells.count) cells for \(width) columns")
    lines.append(cells.map(Self.quoted).joined(separator: ","))
  }

  /// The whole table.
  public var text: String { lines.joined(separator: "\n") + "\n" }

  /// The cell, in quotes where it needs them.
  public static func quoted(_ cell: String) -> String {
    let special: Set<Character> = [",", "\"", "\n", "\r", "\r\n"]
    guard cell.contains(where: special.contains) else { return cell }
    return "\"" + cell.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
  }
}

/// A number as a cell: the fewest digits that read back as the same; empty where it is none.
public func cell(_ value: Double?) -> String { value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "" }
/// A count as a cell.
public func cell(_ value: Int?) -> String { value.map(String.init) ?? "" }
