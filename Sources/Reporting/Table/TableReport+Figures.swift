import Quantities
import Validation

extension TableReport {
  /// A line a figure in the order of the file, then the mean error.
  static func figures(_ groups: [ErrorGroup]) -> String {
    let rows = groups.flatMap(\.measurements).sorted { $0.row < $1.row }.filter { !$0.pairs.isEmpty }
    guard !rows.isEmpty else { return "" }
    let hasBands = rows.contains { $0.band != nil }
    // What all rows have in common stands in the heading.
    let hasMetrics = commonMetric(groups) == nil
    var table = TextTable(
      [.words("workload", cut: .middle), .words("type"), .words("weights", cut: .middle)]
        + (hasMetrics ? [.words("metric")] : [])
        + [.number("published"), .number("predicted"), .number("error"), .words("certainty")]
        + (hasBands ? [.number("over unknowns"), .words("moved by", cut: .end)] : []))
    var errors: [Double] = []
    for row in rows {
      guard let figure = row.figure, let pair = row.pairs.first else { continue }
      errors.append(pair.error)
      table.add(
        [row.label, row.dataType, row.variant] + (hasMetrics ? [figure.metric.rawValue] : [])
          + [
            published(figure), number(pair.predicted / figure.metric.scale), errorText(pair), figure.certainty.rawValue,
          ] + (hasBands ? [band(row, figure), row.band?.mover ?? "nothing"] : []))
    }
    let mean = errors.reduce(0) { $0 + $1.magnitude } / Double(errors.count)
    let worst = errors.max { $0.magnitude < $1.magnitude } ?? 0
    return table.text() + "mean error \(percentText(mean)), worst \(signed(worst))\n"
  }

  /// The metric of all figures, where there is one.
  static func commonMetric(_ groups: [ErrorGroup]) -> PublishedFigure.Unit? {
    let metrics = Set(groups.flatMap(\.measurements).compactMap(\.figure?.metric))
    return metrics.count == 1 ? metrics.first : nil
  }

  private static func band(_ row: Measurement, _ figure: PublishedFigure) -> String {
    guard let range = row.band?.range else { return "–" }
    return "\(number(range.lowerBound / figure.metric.scale))–\(number(range.upperBound / figure.metric.scale))"
  }

  /// The figure, or what its sources span.
  static func published(_ figure: PublishedFigure) -> String {
    figure.spread.map { "\(number($0.lowerBound))–\(number($0.upperBound))" } ?? number(figure.value)
  }

  static func number(_ value: Double) -> String {
    value < 10_000 ? formatSignificant(value, digits: 3) : formatGrouped(Int64(value.rounded()))
  }

  /// The error, or that the prediction is within what sources span.
  static func errorText(_ pair: Pair) -> String {
    pair.spread != nil && pair.error == 0 ? "within" : signed(pair.error)
  }
}
