import Quantities

/// Throughput over sparsity as a picture: one SVG element that needs nothing else, for a file or within a page.
///
/// The values stand at equal distances, rates on a logarithmic scale, so that a doubling is as high everywhere and
/// saturation is a line that bends. Colours follow the reader's light or dark scheme; every point has a title.
public enum SweepChart {
  private static let width = 860.0
  private static let height = 460.0
  private static let (left, right, top, bottom) = (70.0, 240.0, 64.0, 400.0)
  private static let light = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#9a6700", "#bf3989"]
  private static let dark = ["#4493f8", "#f0883e", "#3fb950", "#ab7df8", "#d29922", "#db61a2"]

  private static func style(_ colours: [String], ink: String, soft: String, line: String, paper: String) -> String {
    """
    .lacuna-sweep{background:\(paper)}.lacuna-sweep text{fill:\(ink)}.lacuna-sweep text.soft{fill:\(soft)}\
    .lacuna-sweep line{stroke:\(line)}
    """
      + colours.enumerated().map {
        ".lacuna-sweep polyline.s\($0.offset){stroke:\($0.element)}"
          + ".lacuna-sweep circle.s\($0.offset){fill:\($0.element)}"
      }.joined()
  }

  private static let style =
    ".lacuna-sweep{font:13px system-ui,sans-serif}.lacuna-sweep polyline{fill:none;stroke-width:2}\n"
    + style(light, ink: "#1f2328", soft: "#59636e", line: "#d1d9e0", paper: "#ffffff")
    + "\n@media (prefers-color-scheme:dark){"
    + style(dark, ink: "#f0f6fc", soft: "#9198a1", line: "#3d444d", paper: "#0d1117") + "}"

  /// The chart as text that ends in a newline. Equal reports give equal text.
  public static func text(_ sweep: SweepReport) -> String {
    let rates = sweep.series.flatMap(\.rates)
    let marks = marks(from: rates.min() ?? 1, to: rates.max() ?? 1)
    let (low, high) = (marks.first ?? 1, marks.last ?? 10)
    func y(_ rate: Double) -> Double { bottom - (bottom - top) * logarithm(rate / low) / logarithm(high / low) }
    func x(_ index: Int) -> Double {
      left + (width - left - right) * Double(index) / Double(max(1, sweep.values.count - 1))
    }
    let title = "Throughput over the sparsity of weights"
    let ends = sweep.series.map { "\($0.name): \($0.rates.map(rateText).joined(separator: ", "))" }
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" class="lacuna-sweep" role="img" viewBox="0 0 \(SVG.number(width)) \
      \(SVG.number(height))" width="\(SVG.number(width))" height="\(SVG.number(height))">
      <title>\(title)</title>
      <desc>\(SVG.escaped("Samples a second at \(sweep.values.joined(separator: ", ")). \(ends.joined(separator: "; "))."))</desc>
      <style>
      \(style)
      </style>
      <text x="16" y="24" font-weight="600">\(title)</text>

      """
    for mark in marks {
      let at = SVG.number(y(mark))
      svg += "<line x1=\"\(SVG.number(left))\" y1=\"\(at)\" x2=\"\(SVG.number(width - right))\" y2=\"\(at)\"/>\n"
      svg += SVG.text(rateText(mark), at: left - 8, y(mark) + 4, anchor: "end", isSoft: true)
    }
    for (index, value) in sweep.values.enumerated() {
      svg += SVG.text(value, at: x(index), bottom + 20, anchor: "middle", isSoft: true)
    }
    svg += SVG.text("sparsity of weights", at: (left + width - right) / 2, bottom + 44, anchor: "middle", isSoft: true)
    svg += SVG.text("samples/s", at: 16, top - 18, anchor: "start", isSoft: true)
    // Names stand at the ends of their lines, as far apart as they need.
    var labels = sweep.series.indices.map { (index: $0, y: y(sweep.series[$0].rates.last ?? low) + 4) }
    labels.sort { ($0.y, $0.index) < ($1.y, $1.index) }
    for position in labels.indices.dropFirst() {
      labels[position].y = max(labels[position].y, labels[position - 1].y + 16)
    }
    for (index, series) in sweep.series.enumerated() {
      let role = "s\(index % light.count)"
      let points = series.rates.enumerated().map { "\(SVG.number(x($0.offset))),\(SVG.number(y($0.element)))" }
      let dash = index < light.count ? "" : " stroke-dasharray=\"6 4\""
      svg += "<polyline class=\"\(role)\"\(dash) points=\"\(points.joined(separator: " "))\"/>\n"
      for (point, rate) in series.rates.enumerated() {
        svg +=
          "<circle class=\"\(role)\" cx=\"\(SVG.number(x(point)))\" cy=\"\(SVG.number(y(rate)))\" r=\"4\">"
          + "<title>\(SVG.escaped("\(series.name), \(sweep.values[point]): \(rateText(rate)) samples/s"))</title></circle>\n"
      }
      let place = labels.first { $0.index == index }?.y ?? top
      svg += SVG.text(
        "\(series.name) \(factorText(series.gain))", at: width - right + 10, place, anchor: "start")
    }
    return svg + "</svg>\n"
  }

  /// 1, 2 and 5 times powers of ten from the one below the least rate to the one above the most.
  private static func marks(from least: Double, to most: Double) -> [Double] {
    var marks: [Double] = []
    var scale = 1e-6
    while scale < 1e12 {
      for step in [1.0, 2, 5] {
        let mark = step * scale
        if mark <= least { marks = [mark] } else if marks.last ?? 0 < most { marks.append(mark) }
      }
      scale *= 10
    }
    return marks.count > 1 ? marks : [least / 2, least * 2]
  }

  /// A base-2 logarithm without Foundation: the exponent, and the rest by the series of artanh.
  private static func logarithm(_ value: Double) -> Double {
    let fraction = (value.significand - 1) / (value.significand + 1)
    var (sum, term) = (0.0, fraction)
    for order in stride(from: 1.0, through: 31, by: 2) {
      sum += term / order
      term *= fraction * fraction
    }
    return Double(value.exponent) + 2 * sum / 0.693_147_180_559_945_3
  }
}
