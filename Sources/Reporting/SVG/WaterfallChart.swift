import Quantities
import Simulation

/// A waterfall as a picture: one SVG element that needs nothing else, for a file or within a page.
///
/// Bars hang from the speedup before a cause to the one after it. Colours follow the reader's light or dark scheme;
/// every bar has a title, and all numbers are written out.
public enum WaterfallChart {
  private static let width = 860.0
  private static let left = 230.0
  private static let right = 84.0
  /// Where the summary begins, a line of it, and the room after it.
  private static let summaryTop = 44.0
  private static let line = 18.0
  private static let row = 30.0

  private static let style = """
    .lacuna-waterfall{--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--paper:#ffffff;--keep:#0969da;--loss:#bc4c00;\
    --gain:#1a7f37;font:13px system-ui,sans-serif;background:var(--paper)}
    @media (prefers-color-scheme:dark){.lacuna-waterfall{--ink:#f0f6fc;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;\
    --keep:#4493f8;--loss:#f0883e;--gain:#3fb950}}
    .lacuna-waterfall text{fill:var(--ink)}
    .lacuna-waterfall .soft,.lacuna-waterfall text.soft{fill:var(--soft)}
    .lacuna-waterfall line{stroke:var(--line)}
    .lacuna-waterfall .keep{fill:var(--keep)}
    .lacuna-waterfall .loss{fill:var(--loss)}
    .lacuna-waterfall .gain{fill:var(--gain)}
    """

  /// The chart as text that ends in a newline. Equal reports give equal text.
  public static func text(_ losses: LossReport) -> String {
    let waterfall = losses.waterfall
    let bars = bars(of: waterfall)
    let summary = losses.summary.lines(of: 116)
    let top = summaryTop + Double(summary.count) * line
    let bottom = top + Double(bars.count) * row
    let height = bottom + 52
    let longest = bars.map { max($0.from, $0.to) }.max() ?? 1
    let tick = step(longest)
    let end = max(1, (longest / tick).rounded(.up)) * tick
    func x(_ speedup: Double) -> Double { left + speedup / end * (width - left - right) }

    let subject = losses.operators == nil ? losses.report.run.workload : waterfall.subject
    let title = ([subject, waterfall.machine] + losses.report.asked).joined(separator: " · ")
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" class="lacuna-waterfall" role="img" viewBox="0 0 \(SVG.number(width)) \
      \(SVG.number(height))" width="\(SVG.number(width))" height="\(SVG.number(height))">
      <title>\(SVG.escaped("Where the speedup of \(title) is lost"))</title>
      <desc>\(SVG.escaped(description(losses)))</desc>
      <style>
      \(style)
      </style>
      <text x="16" y="24" font-weight="600">\(SVG.escaped(title))</text>

      """
    for (index, words) in summary.enumerated() {
      svg += SVG.text(words, at: 16, summaryTop + Double(index) * line, anchor: "start", isSoft: true)
    }
    var mark = 0.0
    while mark <= end + tick / 2 {
      let at = SVG.number(x(mark))
      svg += "<line x1=\"\(at)\" y1=\"\(SVG.number(top))\" x2=\"\(at)\" y2=\"\(SVG.number(bottom))\"/>\n"
      svg += SVG.text(markText(mark, tick), at: x(mark), bottom + 18, anchor: "middle", isSoft: true)
      mark += tick
    }
    svg += SVG.text(
      "speedup over the dense run (×)", at: (left + width - right) / 2, bottom + 40, anchor: "middle", isSoft: true)
    for (index, bar) in bars.enumerated() {
      let y = top + Double(index) * row
      let (low, high) = (min(bar.from, bar.to), max(bar.from, bar.to))
      svg += SVG.text(bar.title, at: left - 10, y + 20, anchor: "end")
      // A step that changes nothing still leaves a line where it stands.
      svg +=
        "<rect class=\"\(bar.role)\" x=\"\(SVG.number(x(low)))\" y=\"\(SVG.number(y + 6))\" "
        + "width=\"\(SVG.number(max(1.5, x(high) - x(low))))\" height=\"\(SVG.number(row - 12))\" rx=\"2\">"
        + "<title>\(SVG.escaped("\(bar.title): \(bar.label)"))</title></rect>\n"
      svg += SVG.text(bar.label, at: x(high) + 8, y + 20, anchor: "start")
    }
    return svg + "</svg>\n"
  }

  private struct Bar {
    var title: String
    var from: Double
    var to: Double
    var role: String
    var label: String
  }

  private static func bars(of waterfall: SpeedupWaterfall) -> [Bar] {
    var bars = [
      Bar(title: "ideal of the pattern", from: 0, to: waterfall.ideal, role: "keep", label: factorText(waterfall.ideal))
    ]
    var before = waterfall.ideal
    for step in waterfall.steps {
      let role = (step.factor - 1).magnitude < 0.0005 ? "soft" : step.factor < 1 ? "loss" : "gain"
      bars.append(
        Bar(title: step.cause.title, from: before, to: step.speedup, role: role, label: "×\(factor(step.factor))"))
      before = step.speedup
    }
    let predicted = waterfall.predicted
    return bars + [Bar(title: "predicted", from: 0, to: predicted, role: "keep", label: factorText(predicted))]
  }

  private static func description(_ losses: LossReport) -> String {
    let steps = losses.waterfall.steps.map { "\($0.cause.title) \(factor($0.factor))" }.joined(separator: ", ")
    let waterfall = losses.waterfall
    return "Ideal \(factorText(waterfall.ideal)), predicted \(factorText(waterfall.predicted)). Factors: \(steps)."
  }

  private static func factor(_ factor: Double) -> String { formatFixed(factor, decimals: 3) }

  /// Between marks: 1, 2 or 5 times a power of ten, at most eight of them.
  private static func step(_ longest: Double) -> Double {
    var scale = 0.01
    while scale < 1e12 {
      for step in [1.0, 2, 5] where longest / (step * scale) <= 8 { return step * scale }
      scale *= 10
    }
    return scale
  }

  private static func markText(_ value: Double, _ tick: Double) -> String {
    "\(formatFixed(value, decimals: tick < 0.1 ? 2 : tick < 1 ? 1 : 0))×"
  }
}
