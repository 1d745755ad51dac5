import Quantities

/// A page that needs nothing else: no network, no other file. It follows the reader's light or dark scheme, fits phones and
/// paper, and works without its script, which adds searching, sorting and tooltips.
struct HTMLPage {
  var title: String
  /// A line above the title.
  var kicker: String
  /// What a reader should take away, a paragraph each.
  var lead: [String]
  private var sections: [(id: String, title: String, body: String)] = []

  init(title: String, kicker: String, lead: [String]) {
    self.title = title
    self.kicker = kicker
    self.lead = lead
  }

  /// Adds a part with a heading, unless it is empty.
  mutating func add(_ title: String, _ body: String) {
    guard !body.isEmpty else { return }
    let id = String(title.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" })
    sections.append((id, title, body))
  }

  /// The page as text that ends in a newline. Equal pages give equal text.
  var text: String {
    let links = sections.map { "<a href=\"#\($0.id)\">\(Markup.escaped($0.title))</a>" }.joined(separator: "\n")
    let body = sections.map {
      "<section id=\"\($0.id)\">\n<h2>\(Markup.escaped($0.title))</h2>\n\($0.body)</section>\n"
    }.joined()
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="lacuna \(Version.current)">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
      <title>\(Markup.escaped(title))</title>
      <style>
      \(Self.style)
      \(Chart.style)
      </style>
      </head>
      <body>
      <header>
      <p class="kicker">\(Markup.escaped(kicker))</p>
      <h1>\(Markup.escaped(title))</h1>
      \(lead.map { "<p class=\"lead\">\(Markup.escaped($0))</p>" }.joined(separator: "\n"))
      <nav aria-label="Parts of this page">
      \(links)
      </nav>
      </header>
      <main>
      \(body)</main>
      <footer><p>lacuna \(Version.current)</p></footer>
      <div id="tip" role="tooltip" hidden></div>
      <script>
      \(Self.script)
      </script>
      </body>
      </html>

      """
  }

  // MARK: Pieces

  /// Numbers that stand out, each with what it is and what there is to say beside it.
  static func figures(_ figures: [(title: String, value: String, note: String)]) -> String {
    let items = figures.map { title, value, note in
      "<div><dt>\(Markup.escaped(title))</dt><dd><b>\(Markup.escaped(value))</b>"
        + (note.isEmpty ? "" : " <span>\(Markup.escaped(note))</span>") + "</dd></div>\n"
    }
    return "<dl class=\"figures\">\n\(items.joined())</dl>\n"
  }

  /// Charts beside each other where there is room.
  static func charts(_ charts: [Chart]) -> String {
    guard !charts.isEmpty else { return "" }
    return "<div class=\"charts\">\n" + charts.map(figure).joined() + "</div>\n"
  }

  private static func figure(_ chart: Chart) -> String {
    let notes = chart.notes.map { "<p class=\"note\">\(Markup.escaped($0))</p>\n" }.joined()
    return """
      <figure id="chart-\(chart.name)">
      <figcaption><h3>\(Markup.escaped(chart.title))</h3>
      \(notes)</figcaption>
      <div class="wide" tabindex="0" role="region" aria-label="\(Markup.escaped("\(chart.title), chart"))">
      \(chart.embedded)</div>
      </figure>

      """
  }

  /// A paragraph.
  static func paragraph(_ text: String) -> String { "<p>\(Markup.escaped(text))</p>\n" }

  /// Lines with bullets.
  static func list(_ lines: [String]) -> String {
    lines.isEmpty ? "" : "<ul>\n" + lines.map { "<li>\(Markup.escaped($0))</li>\n" }.joined() + "</ul>\n"
  }

  /// Something that is looked at when it is opened.
  static func details(_ title: String, _ body: String) -> String {
    body.isEmpty ? "" : "<details>\n<summary>\(Markup.escaped(title))</summary>\n\(body)</details>\n"
  }
}

/// A table of a page.
struct HTMLTable {
  /// A cell.
  struct Cell {
    var text: String
    /// What it is sorted by, where it is a number.
    var value: Double?

    static func words(_ text: String) -> Cell { Cell(text: text) }
    static func number(_ text: String, _ value: Double?) -> Cell { Cell(text: text, value: value) }
  }

  var name: String
  var columns: [(title: String, isNumber: Bool)]
  var rows: [[Cell]] = []
  /// Whether it can be searched and sorted.
  var isSearchable = false

  init(_ name: String, _ columns: [(title: String, isNumber: Bool)], isSearchable: Bool = false) {
    (self.name, self.columns, self.isSearchable) = (name, columns, isSearchable)
  }

  mutating func add(_ cells: [Cell]) {
    precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
    rows.append(cells)
  }

  var html: String {
    guard !rows.isEmpty else { return "" }
    let id = String(name.map { $0.isLetter || $0.isNumber ? $0 : "-" })
    var html = ""
    if isSearchable {
      html += """
        <p class="search" hidden><label for="search-\(id)">Search</label>
        <input type="search" id="search-\(id)" data-table="\(id)" autocomplete="off">
        <output for="search-\(id)">\(plural(rows.count, "row"))</output></p>

        """
    }
    html += """
      <div class="wide\(isSearchable ? " tall" : "")" tabindex="0" role="region" aria-label="\(Markup.escaped(name))">
      <table id="\(id)"\(isSearchable ? " class=\"sortable\"" : "")>
      <thead><tr>
      """
    for column in columns {
      html += "<th scope=\"col\"\(column.isNumber ? " class=\"n\"" : "")>\(Markup.escaped(column.title))</th>"
    }
    html += "</tr></thead>\n<tbody>\n"
    for row in rows {
      html += "<tr>"
      for (cell, column) in zip(row, columns) {
        let sort = isSearchable && column.isNumber ? " data-v=\"\(cell.value.map { "\($0)" } ?? "")\"" : ""
        html += "<td\(column.isNumber ? " class=\"n\"" : "")\(sort)>\(Markup.escaped(cell.text))</td>"
      }
      html += "</tr>\n"
    }
    return html + "</tbody>\n</table>\n</div>\n"
  }
}
