/// Rows of text in aligned columns.
struct TextTable {
  /// One column.
  struct Column {
    /// How a cell gives way when the table is too wide.
    enum Cut {
      /// Not at all.
      case never
      /// It loses its end.
      case end
      /// It loses its middle: names are told apart by their ends.
      case middle
    }

    var title: String
    /// Numbers stand right, words left.
    var isNumber: Bool
    var cut: Cut

    static func words(_ title: String, cut: Cut = .never) -> Column {
      Column(title: title, isNumber: false, cut: cut)
    }

    static func number(_ title: String) -> Column { Column(title: title, isNumber: true, cut: .never) }
  }

  /// The widest a table gets where its columns can give way.
  static let width = 120
  /// The narrowest a column that gives way becomes.
  private static let narrowest = 8
  private static let gap = "  "

  var columns: [Column]
  private var rows: [[String]] = []

  init(_ columns: [Column]) { self.columns = columns }

  var isEmpty: Bool { rows.isEmpty }

  /// Adds a row with a cell for each column.
  mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
    rows.append(cells.map(\.printable))
  }

  /// The titles and rows, each line with its newline.
  func text(titles: Bool = true) -> String {
    let lines = (titles ? [columns.map(\.title)] : []) + rows
    let widths = widths(of: lines)
    return lines.map { cells in
      var line = zip(zip(cells, columns), widths).map { pair, width in
        let (cell, column) = (pair.0.cut(pair.1.cut, to: width), pair.1)
        let padding = String(repeating: " ", count: width - cell.count)
        return column.isNumber ? padding + cell : cell + padding
      }.joined(separator: Self.gap)
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private func widths(of lines: [[String]]) -> [Int] {
    var widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    let gaps = Self.gap.count * (columns.count - 1)
    while widths.reduce(gaps, +) > Self.width {
      let candidates = columns.indices.filter { columns[$0].cut != .never && widths[$0] > Self.narrowest }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
    }
    return widths
  }
}

extension String {
  /// The text in at most `width` characters, an ellipsis where it is cut.
  func cut(_ cut: TextTable.Column.Cut, to width: Int) -> String {
    guard count > width, width > 0 else { return self }
    let tail = cut == .middle ? (width - 1) / 2 : 0
    return prefix(width - 1 - tail) + "…" + suffix(tail)
  }

  /// The words in lines of at most `width` characters; a longer word has a line of its own.
  func lines(of width: Int) -> [String] {
    var lines: [String] = []
    for word in split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// The text without the control characters that a file can smuggle into a terminal.
  var printable: String {
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    return String(String.UnicodeScalarView(unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
  }
}
