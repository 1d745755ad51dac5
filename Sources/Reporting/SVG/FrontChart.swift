public import Exploration
import Quantities
import RealModule

/// The designs of a study in the plane of its first two objectives as a picture: one SVG element that needs nothing
/// else, for a file or within a page.
///
/// Designs that others beat are dots, those on the front are circles joined by steps; every circle has a title with its parameters. An axis
/// is logarithmic where its values span more than a factor of ten.
public enum FrontChart {
  private static let (width, height) = (860.0, 520.0)
  private static let (left, right, top, bottom) = (96.0, 32.0, 84.0, 456.0)

  private static func style(ink: String, soft: String, line: String, paper: String, mark: String) -> String {
    """
    .lacuna-front{background:\(paper)}.lacuna-front text{fill:\(ink)}.lacuna-front text.soft{fill:\(soft)}\
    .lacuna-front line{stroke:\(line)}.lacuna-front .dot{fill:\(soft)}.lacuna-front .best{fill:\(mark)}\
    .lacuna-front polyline{stroke:\(mark)}
    """
  }

  private static let style =
    ".lacuna-front{font:13px system-ui,sans-serif}.lacuna-front polyline{fill:none;stroke-width:1.5}"
    + ".lacuna-front .dot{fill-opacity:.35}\n"
    + style(ink: "#1f2328", soft: "#59636e", line: "#d1d9e0", paper: "#ffffff", mark: "#0969da")
    + "\n@media (prefers-color-scheme:dark){"
    + style(ink: "#f0f6fc", soft: "#9198a1", line: "#3d444d", paper: "#0d1117", mark: "#4493f8") + "}"

  /// One axis.
  private struct Axis {
    let goal: ResultColumns.Goal
    let column: Int
    let low: Double
    let high: Double
    let isLogarithmic: Bool

    init?(_ goal: ResultColumns.Goal, _ summary: StudySummary) {
      guard let column = summary.columns.columns.firstIndex(where: { $0.name == goal.column }) else { return nil }
      let values = (summary.samples + summary.front).compactMap { Self.number($0.cells[column]) }
      guard let least = values.min(), let most = values.max() else { return nil }
      self.goal = goal
      self.column = column
      isLogarithmic = least > 0 && most / least > 10
      let room = isLogarithmic ? 0 : max((most - least) * 0.05, most.magnitude * 1e-6)
      low = isLogarithmic ? least / 1.1 : least - room
      high = isLogarithmic ? most * 1.1 : most + room
    }

    static func number(_ cell: Value?) -> Double? { if case .number(let number)? = cell { number } else { nil } }

    /// From 0 at the low end to 1 at the high one.
    func place(_ value: Double) -> Double {
      guard high > low else { return 0.5 }
      return isLogarithmic ? .log(value / low) / .log(high / low) : (value - low) / (high - low)
    }

    /// About five round numbers.
    var marks: [Double] {
      guard high > low else { return [low] }
      if isLogarithmic {
        let first = Int(Double.log10(low).rounded(.down)), last = Int(Double.log10(high).rounded(.up))
        let steps = last - first > 3 ? [1.0] : [1.0, 2, 5]
        return (first...last).flatMap { power in steps.map { $0 * .pow(10, Double(power)) } }
          .filter { $0 >= low && $0 <= high }
      }
      let rough = (high - low) / 5
      let power = Double.pow(10, Double.log10(rough).rounded(.down))
      let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
      return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map { $0 }
    }
  }

  /// The chart as text that ends in a newline; a page without designs where none is feasible. Equal summaries give
  /// equal text.
  public static func text(_ summary: StudySummary) -> String {
    let title = "\(summary.name): designs that no other beats"
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" class="lacuna-front" role="img" viewBox="0 0 \(SVG.number(width)) \
      \(SVG.number(height))" width="\(SVG.number(width))" height="\(SVG.number(height))">
      <title>\(SVG.escaped(title))</title>
      <desc>\(SVG.escaped("\(summary.front.count) of \(summary.feasible) feasible designs. \(summary.title)"))</desc>
      <style>
      \(style)
      </style>
      <text x="16" y="24" font-weight="600">\(SVG.escaped(title))</text>
      \(SVG.text("\(countText(summary.feasible)) feasible designs, \(summary.front.count) on the front", at: 16, 44, anchor: "start", isSoft: true))
      """
    let goals = summary.columns.goals
    guard goals.count > 1, let across = Axis(goals[0], summary), let up = Axis(goals[1], summary) else {
      return svg + "</svg>\n"
    }
    func x(_ value: Double) -> Double { left + (width - left - right) * across.place(value) }
    func y(_ value: Double) -> Double { bottom - (bottom - top) * up.place(value) }
    func place(_ point: StoredResults.Point) -> (x: Double, y: Double)? {
      guard let a = Axis.number(point.cells[across.column]), let b = Axis.number(point.cells[up.column]) else {
        return nil
      }
      return (x(a), y(b))
    }
    for mark in across.marks {
      let at = SVG.number(x(mark))
      svg += "<line x1=\"\(at)\" y1=\"\(SVG.number(top))\" x2=\"\(at)\" y2=\"\(SVG.number(bottom))\"/>\n"
      svg += SVG.text(
        StudyReport.shownText(.number(mark), across.goal.column), at: x(mark), bottom + 18, anchor: "middle",
        isSoft: true)
    }
    for mark in up.marks {
      let at = SVG.number(y(mark))
      svg += "<line x1=\"\(SVG.number(left))\" y1=\"\(at)\" x2=\"\(SVG.number(width - right))\" y2=\"\(at)\"/>\n"
      svg += SVG.text(
        StudyReport.shownText(.number(mark), up.goal.column), at: left - 8, y(mark) + 4, anchor: "end", isSoft: true)
    }
    func label(_ goal: ResultColumns.Goal) -> String {
      goal.name + (goal.isMaximised ? ", more is better" : ", less is better")
    }
    svg += SVG.text(label(goals[0]), at: (left + width - right) / 2, bottom + 44, anchor: "middle")
    svg += SVG.text(label(goals[1]), at: 16, top - 6, anchor: "start")
    for point in summary.samples {
      guard let (x, y) = place(point) else { continue }
      svg += "<circle class=\"dot\" cx=\"\(SVG.number(x))\" cy=\"\(SVG.number(y))\" r=\"2\"/>\n"
    }
    // With more objectives the front is no line in this plane.
    let places = summary.front.compactMap(place)
    if goals.count == 2, !places.isEmpty {
      var line = [places[0]]
      for next in places.dropFirst() { line += [(next.x, line[line.count - 1].y), next] }
      let points = line.map { "\(SVG.number($0.x)),\(SVG.number($0.y))" }.joined(separator: " ")
      svg += "<polyline points=\"\(points)\"/>\n"
    }
    for point in summary.front {
      guard let (x, y) = place(point) else { continue }
      let cells = zip(summary.columns.columns, point.cells).filter { column, _ in
        column.role == .parameter || goals.contains { $0.column == column.name }
      }
      let words = cells.map { "\(StudyReport.title($0.name)) \(StudyReport.shownText($1, $0.name))" }
      svg +=
        "<circle class=\"best\" cx=\"\(SVG.number(x))\" cy=\"\(SVG.number(y))\" r=\"4\"><title>"
        + SVG.escaped("point \(point.index): \(words.joined(separator: ", "))") + "</title></circle>\n"
    }
    return svg + "</svg>\n"
  }
}
