public import Exploration
import Quantities

extension Chart {
  /// The designs of a study in the plane of its first two objectives; nil where it has only one, or no feasible design.
  ///
  /// Designs that others beat are dots, those on the front are circles joined by steps. An axis is logarithmic where its
  /// values span more than a factor of ten.
  public static func front(_ summary: StudySummary) -> Chart? {
    let columns = summary.columns
    let goals = columns.goals.prefix(2).compactMap { goal in
      columns.columns.firstIndex { $0.name == goal.column }.map { (goal: goal, column: $0) }
    }
    guard goals.count == 2, !summary.front.isEmpty else { return nil }
    func place(_ point: StoredResults.Point) -> Place? {
      guard case .number(let x)? = point.cells[goals[0].column], case .number(let y)? = point.cells[goals[1].column]
      else { return nil }
      return Place(x: x, y: y)
    }
    let samples = summary.samples.compactMap(place)
    let front = summary.front.compactMap { point in place(point).map { (point: point, place: $0) } }
    func axis(_ index: Int, _ value: (Place) -> Double) -> Axis {
      let goal = goals[index].goal
      return .fitting(
        "\(StudyReport.title(goal.name)), \(goal.isMaximised ? "more" : "less") is better",
        units: StudyReport.units(goal.column), (samples + front.map(\.place)).map(value))
    }
    var marks = [Mark(shape: .dots(samples), colour: .grey, group: "beaten by another")]
    // With more objectives the front is no line in this plane.
    if columns.goals.count == 2, let first = front.first {
      var line = [first.place]
      for next in front.dropFirst().map(\.place) { line += [Place(x: next.x, y: line[line.count - 1].y), next] }
      marks.append(Mark(shape: .line(line, isDashed: false), colour: .blue, group: "on the front"))
    }
    for (point, place) in front {
      let cells = zip(columns.columns, point.cells).filter { column, _ in
        column.role == .parameter || columns.goals.contains { $0.column == column.name }
      }
      let words = cells.map { "\(StudyReport.title($0.name)) \(StudyReport.shownText($1, $0.name))" }
      marks.append(
        Mark(
          shape: .point(place, radius: 4.5), colour: .blue, group: "on the front",
          tip: "point \(point.index): \(words.joined(separator: ", "))"))
    }
    return Chart(
      name: "front", title: "\(summary.name): designs that no other beats",
      notes: ["\(countText(summary.feasible)) feasible designs, \(summary.front.count) on the front"],
      summary: "\(summary.front.count) of \(summary.feasible) feasible designs. \(summary.title)", x: axis(0, \.x),
      y: axis(1, \.y), marks: marks)
  }
}
