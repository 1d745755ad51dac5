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

  /// A row for each metric of each group; groups that were not predicted have one without a metric.
  static func errors(_ groups: [ErrorGroup]) -> String {
    var table = CSVTable([
      "schema_version", "group", "file", "machine", "data_type", "weights", "class", "rows", "not_modelled", "metric",
      "compared", "mean_error", "bias", "worst_error", "worst_row", "worst_line", "reasons",
    ])
    for group in groups {
      let reasons = group.notModelled
      let head = [
        cell(Version.reportSchema), group.name, group.file, group.machine, group.dataType, group.variant,
        group.category, cell(group.measurements.count), cell(reasons.reduce(0) { $0 + $1.count }),
      ]
      let reason = reasons.map(\.reason).joined(separator: "; ")
      let metrics = group.metrics
      for (metric, errors) in metrics {
        table.add(
          head + [
            metric.rawValue, cell(errors.count), cell(errors.meanError), cell(errors.bias), cell(errors.worstError),
            errors.worst.label, cell(errors.worst.line), reason,
          ])
      }
      if metrics.isEmpty { table.add(head + ["", "0", "", "", "", "", "", reason]) }
    }
    return table.text
  }
}

extension ErrorGroup {
  /// The metrics that were compared.
  var metrics: [(metric: Metric, errors: ErrorStatistics)] {
    Metric.allCases.compactMap { metric in statistics(metric).map { (metric, $0) } }
  }
}
