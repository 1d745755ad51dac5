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
      /// It goes on below.
      case wrap
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

  /// The titles and rows, each line with its newline. Where not even columns that give way make a table narrow enough,
  /// it loses columns, those first that would have given way, and says so.
  func text(titles: Bool = true) -> String {
    let lines = (titles ? [columns.map(\.title)] : []) + rows
    var shown = Array(columns.indices)
    var widths = widths(of: lines, in: shown)
    while width(of: widths) > TableWidth.current, let least = leastNeeded(of: shown) {
      shown.removeAll { $0 == least }
      widths = self.widths(of: lines, in: shown)
    }
    let text = lines.map { cells in
      let parts = zip(shown, widths).map { part($0, cells[$0], width: $1) }
      return (0..<(parts.map(\.count).max() ?? 0)).map { line in
        var text = zip(zip(shown, parts), widths).map { column, width in
          let cell = column.1.indices.contains(line) ? column.1[line] : ""
          let padding = String(repeating: " ", count: max(0, width - cell.count))
          return columns[column.0].isNumber ? padding + cell : cell + padding
        }.joined(separator: Self.gap)
        while text.last == " " { text.removeLast() }
        return text + "\n"
      }.joined()
    }.joined()
    let lost = columns.indices.filter { !shown.contains($0) && !columns[$0].title.isEmpty }.map { columns[$0].title }
    guard !lost.isEmpty else { return text }
    return text + TableReport.wrapped("(too narrow for: \(lost.joined(separator: ", ")))")
  }

  /// A cell as the lines that its column has room for.
  private func part(_ column: Int, _ cell: String, width: Int) -> [String] {
    switch columns[column].cut {
    case .wrap where cell.count > width: cell.lines(of: width).flatMap { $0.pieces(of: width) }
    case let cut: [cell.cut(cut, to: width)]
    }
  }

  /// What goes first where there is no room: the last column that gives way, then the last of all. The first column
  /// says what a row is, and those that go on below have all that is left.
  private func leastNeeded(of shown: [Int]) -> Int? {
    let losable = shown.dropFirst().filter { columns[$0].cut != .wrap }
    return losable.last { columns[$0].cut != .never } ?? losable.last
  }

  private func width(of widths: [Int]) -> Int { widths.reduce(Self.gap.count * (widths.count - 1), +) }

  private func widths(of lines: [[String]], in shown: [Int]) -> [Int] {
    var widths = shown.map { column in lines.map { $0[column].count }.max() ?? 0 }
    while width(of: widths) > TableWidth.current {
      let candidates = widths.indices.filter { index in
        switch columns[shown[index]].cut {
        case .never: false
        case .end, .middle, .wrap: widths[index] > Self.narrowest
        }
      }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
    }
    return widths
  }
}

/// The most characters of a line in a table, which texts for people keep to.
public enum TableWidth {
  /// It is 120 unless someone who knows the reader's terminal says otherwise:
  /// `TableWidth.$current.withValue(80) { report.text(as: .table) }`.
  @TaskLocal public static var current = 120
}

extension String {
  /// The text in at most `width` characters, an ellipsis where it is cut.
  func cut(_ cut: TextTable.Column.Cut, to width: Int) -> String {
    guard count > width, width > 0 else { return self }
    let tail = cut == .middle ? (width - 1) / 2 : 0
    return prefix(width - 1 - tail) + "…" + suffix(tail)
  }

  /// The text in pieces of `width` characters, the last with what is left.
  func pieces(of width: Int) -> [String] {
    stride(from: 0, to: count, by: width).map { String(dropFirst($0).prefix(width)) }
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
