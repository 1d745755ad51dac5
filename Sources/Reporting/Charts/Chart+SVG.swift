import Quantities

extension Chart {
  /// The chart as one SVG element that needs nothing else, for a file or within a page; it ends in a newline.
  ///
  /// Colours follow the reader's light or dark scheme, every mark has a title, and equal charts give equal text.
  public func svg(width: Double = 860) -> String {
    SVGDrawing(self, width: width, isEmbedded: false).text
  }

  /// The same without title, notes and style, which the page around it has.
  var embedded: String { SVGDrawing(self, width: 520, isEmbedded: true).text }

  /// How charts look. It stands in every SVG file, and once in a page.
  static let style: String = {
    func colours(_ ink: String, _ soft: String, _ line: String, _ paper: String, _ hex: (Colour) -> String) -> String {
      ".lacuna{background:\(paper)}.lacuna text{fill:\(ink)}.lacuna text.soft{fill:\(soft)}.lacuna line{stroke:\(line)}"
        + ".lacuna rect,.lacuna circle{stroke:\(paper)}"
        + Colour.allCases.map {
          ".lacuna .f\($0.rawValue){fill:\(hex($0))}.lacuna .s\($0.rawValue){stroke:\(hex($0))}"
        }.joined()
    }
    return """
      .lacuna{font:12px system-ui,sans-serif}.lacuna rect,.lacuna circle{stroke-width:.75}.lacuna rect.b{stroke-width:0}\
      .lacuna polyline,.lacuna path{fill:none;stroke-width:2}.lacuna circle{fill-opacity:.8}\
      .lacuna path{stroke-width:4;stroke-linecap:round;stroke-opacity:.45}
      \(colours("#1f2328", "#59636e", "#d1d9e0", "#ffffff", \.hex.light))
      @media screen and (prefers-color-scheme:dark){\(colours("#f0f6fc", "#9198a1", "#3d444d", "#0d1117", \.hex.dark))}
      """
  }()
}

/// A chart laid out: margins are as wide as what stands in them.
private struct SVGDrawing {
  private let chart: Chart
  private let width: Double
  private let isEmbedded: Bool
  private let left: Double
  private let right: Double
  private var top: Double
  private let bottom: Double
  private var legend: [(x: Double, y: Double, colour: Chart.Colour, words: String)] = []
  private let notes: [String]

  private static let line = 18.0
  /// Widest a category's name gets.
  private static let longestName = 34

  /// Roughly how wide a text is; a little wider than it mostly is.
  private static func width(_ text: String) -> Double { Double(text.count) * 6.7 }

  init(_ chart: Chart, width: Double, isEmbedded: Bool) {
    (self.chart, self.width, self.isEmbedded) = (chart, width, isEmbedded)
    let names = chart.y.marks.map { Self.shortened(chart.y.text($0)) }
    left = 20 + (names.map(Self.width).max() ?? 0)
    right = 18 + (chart.marks.compactMap { $0.label.map(Self.width) }.max() ?? 8)
    notes = isEmbedded ? [] : chart.notes.flatMap { $0.lines(of: Int((width - 32) / 6.2)) }
    top = isEmbedded ? 8 : 34 + Double(notes.count) * Self.line
    let entries = chart.legend
    if entries.count > 1 {
      var x = 16.0
      for (colour, words) in entries {
        let room = 32 + 1.1 * Self.width(words)
        if x + room > width, x > 16 { (x, top) = (16, top + 20) }
        legend.append((x, top + 8, colour, words))
        x += room
      }
      top += 26
    }
    if chart.y.names == nil { top += 24 }
    let rows = chart.y.names.map { Double($0.count) * chart.rowHeight }
    bottom = top + (rows ?? (isEmbedded ? 270 : 340))
  }

  private static func shortened(_ name: String) -> String { name.cut(.middle, to: longestName) }

  private func x(_ value: Double) -> Double { left + (width - left - right) * chart.x.place(value) }

  /// Categories go down, numbers go up.
  private func y(_ value: Double) -> Double {
    let place = chart.y.place(value)
    return chart.y.names == nil ? bottom - (bottom - top) * place : top + (bottom - top) * place
  }

  var text: String {
    let height = bottom + (chart.x.title.isEmpty ? 26 : 46)
    let size = "viewBox=\"0 0 \(number(width)) \(number(height))\""
    var svg: String
    if isEmbedded {
      svg =
        "<svg class=\"lacuna\" role=\"group\" aria-label=\"\(Markup.escaped("\(chart.title). \(chart.summary)"))\" \(size)>\n"
    } else {
      svg = """
        <svg xmlns="http://www.w3.org/2000/svg" class="lacuna" role="img" \(size) width="\(number(width))" \
        height="\(number(height))">
        <title>\(Markup.escaped(chart.title))</title>
        <desc>\(Markup.escaped(chart.summary))</desc>
        <style>
        \(Chart.style)
        </style>
        <text x="16" y="24" font-weight="600">\(Markup.escaped(chart.title))</text>

        """
      for (index, words) in notes.enumerated() {
        svg += label(words, at: 16, 44 + Double(index) * Self.line, isSoft: true)
      }
    }
    for (x, y, colour, words) in legend {
      svg +=
        "<rect class=\"f\(colour.rawValue)\" x=\"\(number(x))\" y=\"\(number(y - 5))\" width=\"12\" height=\"12\" rx=\"2\"/>\n"
      svg += label(words, at: x + 17, y + 5)
    }
    let backgrounds = chart.marks.filter { $0.tip == nil && $0.group == nil && $0.colour == .band }
    for mark in backgrounds { svg += element(mark) }
    svg += axes
    for mark in chart.marks where !(mark.tip == nil && mark.group == nil && mark.colour == .band) {
      svg += element(mark)
    }
    return svg + ends + "</svg>\n"
  }

  private var axes: String {
    var svg = ""
    for mark in thinned(chart.x.marks, room: width - left - right, { Self.width(chart.x.text($0)) + 10 }) {
      let at = number(x(mark))
      if chart.x.names == nil {
        svg += "<line x1=\"\(at)\" y1=\"\(number(top))\" x2=\"\(at)\" y2=\"\(number(bottom))\"/>\n"
      }
      svg += label(chart.x.text(mark), at: x(mark), bottom + 18, anchor: "middle", isSoft: true)
    }
    for mark in chart.y.marks {
      if chart.y.names == nil {
        let at = number(y(mark))
        svg += "<line x1=\"\(number(left))\" y1=\"\(at)\" x2=\"\(number(width - right))\" y2=\"\(at)\"/>\n"
      }
      svg += label(
        Self.shortened(chart.y.text(mark)), at: left - 10, y(mark) + 4, anchor: "end", isSoft: chart.y.names == nil)
    }
    svg += label(chart.x.heading, at: (left + width - right) / 2, bottom + 38, anchor: "middle", isSoft: true)
    if chart.y.names == nil { svg += label(chart.y.heading, at: 16, top - 14, isSoft: true) }
    return svg
  }

  /// As many marks as have room, evenly.
  private func thinned(_ marks: [Double], room: Double, _ width: (Double) -> Double) -> [Double] {
    let needed = (marks.map(width).max() ?? 0) * Double(marks.count)
    let stride = max(1, Int((needed / room).rounded(.up)))
    return marks.indices.filter { $0 % stride == 0 }.map { marks[$0] }
  }

  private func element(_ mark: Chart.Mark) -> String {
    let title = mark.tip.map { "<title>\(Markup.escaped($0))</title>" }
    let role = mark.tip == nil ? "" : " m"
    let fill = "class=\"f\(mark.colour.rawValue)\(chart.y.names == nil ? " b" : "")\(role)\""
    let stroke = "class=\"s\(mark.colour.rawValue)\(role)\""
    func closed(_ name: String) -> String { title.map { ">\($0)</\(name)>\n" } ?? "/>\n" }
    switch mark.shape {
    case .rect(let horizontal, let vertical):
      let (x0, x1) = (x(horizontal.lowerBound), x(horizontal.upperBound))
      let (y0, y1) = (
        min(y(vertical.lowerBound), y(vertical.upperBound)), max(y(vertical.lowerBound), y(vertical.upperBound))
      )
      // What is too thin to be seen still leaves a line where it stands.
      let wide = max(2, x1 - x0)
      let rectangle =
        "<rect \(fill) x=\"\(number(x1 - x0 < 2 ? (x0 + x1) / 2 - 1 : x0))\" y=\"\(number(y0))\" width=\"\(number(wide))\" "
        + "height=\"\(number(y1 - y0))\"" + closed("rect")
      return rectangle + (mark.label.map { label($0, at: free(from: x1, vertical, $0), (y0 + y1) / 2 + 4) } ?? "")
    case .point(let place, let radius):
      return "<circle \(fill) cx=\"\(number(x(place.x)))\" cy=\"\(number(y(place.y)))\" r=\"\(number(radius))\""
        + closed("circle")
    case .line(let places, let isDashed):
      let points = places.map { "\(number(x($0.x))),\(number(y($0.y)))" }.joined(separator: " ")
      return "<polyline \(stroke)\(isDashed ? " stroke-dasharray=\"6 4\"" : "") points=\"\(points)\""
        + closed("polyline")
    case .dots(let places):
      let dots = places.map { "M\(number(x($0.x))) \(number(y($0.y)))h0" }.joined()
      guard let first = places.first else { return "" }
      let row = chart.y.names == nil ? y(first.y) : y(first.y.rounded())
      return "<path \(stroke) d=\"\(dots)\"" + closed("path")
        + (mark.label.map { label($0, at: width - right + 8, row + 4, isSoft: true) } ?? "")
    }
  }

  /// Where there is room for words behind a bar: past the marks of its row that they would cover.
  private func free(from end: Double, _ row: ClosedRange<Double>, _ words: String) -> Double {
    var start = end
    for mark in chart.marks {
      guard case .rect(let horizontal, let vertical) = mark.shape, vertical.overlaps(row) else { continue }
      let edge = x(horizontal.upperBound)
      if edge > start, edge < start + 12 + Self.width(words) { start = edge }
    }
    return start + 8
  }

  /// What lines are called stands at their ends, as far apart as it needs.
  private var ends: String {
    var labels: [(x: Double, y: Double, words: String)] = []
    for mark in chart.marks {
      if case .line(let places, _) = mark.shape, let last = places.last, let words = mark.label {
        labels.append((x(last.x) + 10, y(last.y) + 4, words))
      }
    }
    labels.sort { ($0.y, $0.words) < ($1.y, $1.words) }
    for index in labels.indices.dropFirst() {
      labels[index].y = max(labels[index].y, labels[index - 1].y + 15)
    }
    return labels.map { label($0.words, at: $0.x, $0.y) }.joined()
  }

  private func label(_ text: String, at x: Double, _ y: Double, anchor: String = "", isSoft: Bool = false) -> String {
    guard !text.isEmpty else { return "" }
    let place = anchor.isEmpty ? "" : " text-anchor=\"\(anchor)\""
    return
      "<text x=\"\(number(x))\" y=\"\(number(y))\"\(place)\(isSoft ? " class=\"soft\"" : "")>\(Markup.escaped(text))</text>\n"
  }

  private func number(_ value: Double) -> String {
    let text = formatFixed(value, decimals: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// Text within XML and HTML.
enum Markup {
  /// The text as a document may hold it, in elements and in quoted attributes.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.printable.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
