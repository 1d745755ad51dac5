import Documents
public import Validation

extension CSVReport {
  /// The rows of a file as they stand in it, each with the predictions beside its own columns.
  public static func predictions(_ validated: ValidatedFile) -> String {
    let file = validated.file
    var lines = [([file.header] + validated.addedColumns).joined(separator: ",")]
    for (index, row) in file.rows.enumerated() {
      let cells = validated.predictions[index].enumerated().map { column, value in
        validated.isCount(column: column) ? cell(value.map { Int($0) }) : cell(value)
      }
      lines.append(([row] + cells + [CSVTable.quoted(validated.reasons[index])]).joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A row for each metric of each group, or for each published figure; groups that were not predicted have one without
  /// a metric.
  static func errors(_ groups: [ErrorGroup]) -> String {
    var table = CSVTable([
      "schema_version", "group", "file", "machine", "data_type", "weights", "class", "rows", "not_modelled", "metric",
      "compared", "mean_error", "bias", "worst_error", "worst_row", "worst_line", "reasons", "published", "low", "high",
      "predicted", "certainty", "source",
    ])
    let noFigure = [String](repeating: "", count: 6)
    for group in groups {
      let reasons = group.notModelled
      let head = [
        cell(Version.reportSchema), group.name, group.file, group.machine, group.dataType, group.variant,
        group.category, cell(group.measurements.count), cell(reasons.reduce(0) { $0 + $1.count }),
      ]
      if group.isPublished {
        for row in group.measurements { if let figure = row.figure { table.add(head + cells(row, figure)) } }
        continue
      }
      let reason = reasons.map(\.reason).joined(separator: "; ")
      let metrics = group.metrics
      for (metric, errors) in metrics {
        table.add(
          head + [
            metric.rawValue, cell(errors.count), cell(errors.meanError), cell(errors.bias), cell(errors.worstError),
            errors.worst.label, cell(errors.worst.line), reason,
          ] + noFigure)
      }
      if metrics.isEmpty { table.add(head + ["", "0", "", "", "", "", "", reason] + noFigure) }
    }
    return table.text
  }

  private static func cells(_ row: Measurement, _ figure: PublishedFigure) -> [String] {
    let pair = row.pairs.first
    return [
      figure.metric.rawValue, pair == nil ? "0" : "1", cell(pair?.error.magnitude), cell(pair?.ratio),
      cell(pair?.error), row.label, cell(row.line), row.notModelled ?? "", cell(figure.value),
      cell(figure.spread?.lowerBound), cell(figure.spread?.upperBound),
      cell(pair.map { $0.predicted / figure.metric.scale }), figure.certainty.rawValue, figure.source,
    ]
  }
}

extension ErrorGroup {
  /// The metrics that were compared.
  var metrics: [(metric: Metric, errors: ErrorStatistics)] {
    Metric.allCases.compactMap { metric in statistics(metric).map { (metric, $0) } }
  }
}
