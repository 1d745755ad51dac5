public import Diagnostics

/// A table of comma-separated values whose cells know where they stand.
///
/// Lines end with a newline, a carriage return, or both. A cell in double quotes may hold commas, and quotes that are
/// written twice; it ends on its line.
public struct CSVDocument: Sendable {
  /// A cell without its quotes and the white space around it.
  public struct Cell: Sendable {
    /// What it says.
    public var text: String
    /// Where it stands; an empty cell takes one byte.
    public var range: Range<Int>
  }

  /// A line.
  public struct Row: Sendable {
    /// Its cells.
    public var cells: [Cell]
    /// The whole line without its end.
    public var range: Range<Int>
    /// Where the line ends.
    public var end: Range<Int> { range.upperBound..<range.upperBound + 1 }
  }

  /// What was read.
  public let source: SourceText
  /// Every line that holds more than commas, the header among them.
  public private(set) var rows: [Row] = []

  /// Reads a table, or its first rows.
  public init(_ source: SourceText, rowLimit: Int = .max) {
    self.source = source
    let bytes = source.bytes
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < bytes.count, rows.count < rowLimit {
      var end = start
      while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
      let cells = Self.cells(bytes, start..<end)
      if cells.contains(where: { !$0.text.isEmpty }) { rows.append(Row(cells: cells, range: start..<end)) }
      start = end + 1
    }
  }

  private static func cells(_ bytes: [UInt8], _ line: Range<Int>) -> [Cell] {
    var cells: [Cell] = []
    var start = line.lowerBound
    var isQuoted = false
    for index in line.lowerBound...line.upperBound {
      if index < line.upperBound, bytes[index] == UInt8(ascii: "\"") {
        // Quotes count only where they open a cell; written twice they close it and open it again.
        let opens =
          index == start || bytes[index - 1] == UInt8(ascii: "\"") || bytes[start..<index].allSatisfy { $0 == 0x20 }
        if isQuoted || opens { isQuoted.toggle() }
      }
      guard index == line.upperBound || (bytes[index] == UInt8(ascii: ",") && !isQuoted) else { continue }
      cells.append(cell(bytes, start..<index))
      start = index + 1
      isQuoted = false
    }
    return cells
  }

  /// Space, tab, and the no-break space that spreadsheets leave behind.
  private static func isSpace(_ bytes: [UInt8], at index: Int, in range: Range<Int>) -> Bool {
    switch bytes[index] {
    case 0x20, 0x09: true
    case 0xC2: index + 1 < range.upperBound && bytes[index + 1] == 0xA0
    case 0xA0: index > range.lowerBound && bytes[index - 1] == 0xC2
    default: false
    }
  }

  private static func cell(_ bytes: [UInt8], _ range: Range<Int>) -> Cell {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isSpace(bytes, at: start, in: range) { start += 1 }
    while start < end, isSpace(bytes, at: end - 1, in: range) { end -= 1 }
    let quote = UInt8(ascii: "\"")
    let isQuoted = end - start >= 2 && bytes[start] == quote && bytes[end - 1] == quote
    return Cell(
      text: isQuoted ? unquoted(bytes[start + 1..<end - 1]) : String(decoding: bytes[start..<end], as: UTF8.self),
      range: start..<max(end, start + 1))
  }

  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> String {
    var text: [UInt8] = []
    var isFirst = false
    for byte in bytes {
      isFirst = byte == UInt8(ascii: "\"") && !isFirst
      if byte != UInt8(ascii: "\"") || isFirst { text.append(byte) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
