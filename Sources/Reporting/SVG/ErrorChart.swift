import Quantities
import RealModule
public import Validation

/// Predictions over measurements as a picture: one SVG element, a row a file, a dot a row of it.
///
/// Dots stand at predicted / measured, from half to twice on a logarithmic axis; what lies beyond stands at the edge.
public enum ErrorChart {
  private static let width = 860.0
  private static let left = 190.0
  private static let right = 90.0
  private static let top = 56.0
  private static let row = 46.0

  private static let style = """
    .lacuna-errors{--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--paper:#ffffff;--dot:#0969da;--near:#ddf4ff;\
    font:13px system-ui,sans-serif;background:var(--paper)}
    @media (prefers-color-scheme:dark){.lacuna-errors{--ink:#f0f6fc;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;\
    --dot:#4493f8;--near:#121d2f}}
    .lacuna-errors text{fill:var(--ink)}
    .lacuna-errors text.soft{fill:var(--soft)}
    .lacuna-errors line{stroke:var(--line)}
    .lacuna-errors rect{fill:var(--near)}
    .lacuna-errors path{stroke:var(--dot);stroke-width:4;stroke-linecap:round;stroke-opacity:.45;fill:none}
    """

  /// How dots look to readers that know no style sheets with variables.
  private static let dot =
    "fill=\"none\" stroke=\"#0969da\" stroke-width=\"4\" stroke-linecap=\"round\" stroke-opacity=\".45\""

  /// The chart as text that ends in a newline. Equal groups give equal text.
  public static func text(_ groups: [ErrorGroup]) -> String {
    var files: [String] = []
    for group in groups where !files.contains(group.file) { files.append(group.file) }
    let bottom = top + Double(files.count) * row
    let height = bottom + 52
    func x(_ ratio: Double) -> Double {
      let place = (Double.log2(min(max(ratio, 0.5), 2)) + 1) / 2
      return left + place * (width - left - right)
    }
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" class="lacuna-errors" role="img" viewBox="0 0 \(number(width)) \
      \(number(height))" width="\(number(width))" height="\(number(height))">
      <title>Predicted over measured</title>
      <style>
      \(style)
      </style>
      <text x="16" y="26" font-weight="600">Predicted over measured, each row of each file</text>
      <text class="soft" x="\(number(width - 16))" y="26" text-anchor="end">band: within 10 %</text>
      <rect fill="#ddf4ff" x="\(number(x(1 / 1.1)))" y="\(number(top))" width="\(number(x(1.1) - x(1 / 1.1)))" \
      height="\(number(bottom - top))"/>

      """
    for mark in [0.5, 0.667, 0.8, 1, 1.25, 1.5, 2] {
      let at = number(x(mark))
      svg += "<line stroke=\"#d1d9e0\" x1=\"\(at)\" y1=\"\(number(top))\" x2=\"\(at)\" y2=\"\(number(bottom))\"/>\n"
      svg +=
        "<text class=\"soft\" x=\"\(at)\" y=\"\(number(bottom + 18))\" text-anchor=\"middle\">"
        + "\(formatSignificant(mark, digits: 3))×</text>\n"
    }
    for (index, file) in files.enumerated() {
      let rows = groups.filter { $0.file == file }.flatMap(\.measurements).sorted { $0.row < $1.row }
      let pairs = rows.compactMap { $0.pair(.time) ?? $0.pairs.first }
      let middle = top + (Double(index) + 0.5) * row
      // Dots take turns on seven lines, so that those at one place show.
      let dots = pairs.enumerated().map { number, pair in
        "M\(self.number(x(pair.ratio))) \(self.number(middle + Double(number % 7 - 3) * 4))h0"
      }
      let mean = pairs.isEmpty ? nil : pairs.reduce(0) { $0 + $1.error.magnitude } / Double(pairs.count)
      svg += "<text x=\"\(number(left - 12))\" y=\"\(number(middle + 4))\" text-anchor=\"end\">\(file)</text>\n"
      svg +=
        "<text class=\"soft\" x=\"\(number(width - 16))\" y=\"\(number(middle + 4))\" text-anchor=\"end\">"
        + "\(percentText(mean))</text>\n"
      if !dots.isEmpty { svg += "<path \(Self.dot) d=\"\(dots.joined())\"/>\n" }
    }
    svg +=
      "<text class=\"soft\" x=\"\(number((left + width - right) / 2))\" y=\"\(number(bottom + 40))\" "
      + "text-anchor=\"middle\">predicted / measured time, or figure; on the right the mean error</text>\n"
    return svg + "</svg>\n"
  }

  private static func number(_ value: Double) -> String {
    let text = formatFixed(value, decimals: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
