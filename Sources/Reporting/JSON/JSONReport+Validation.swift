import Validation

extension JSONReport {
  static func errors(_ group: ErrorGroup) -> [(String, JSONValue)] {
    [
      ("group", .string(group.name)), ("file", .string(group.file)), ("machine", .string(group.machine)),
      ("data_type", .string(group.dataType)), ("weights", .string(group.variant)), ("class", .string(group.category)),
      ("rows", .integer(group.measurements.count)),
      (
        "metrics",
        .object(
          group.metrics.map { metric, errors in
            (
              metric.rawValue.replacingHyphens,
              .object([
                ("compared", .integer(errors.count)), ("mean_error", .number(errors.meanError)),
                ("bias", .number(errors.bias)), ("worst_error", .number(errors.worstError)),
                ("worst_row", .string(errors.worst.label)), ("worst_line", .integer(errors.worst.line)),
              ])
            )
          })
      ),
      (
        "time_histogram",
        .object([
          ("limits", .array(ErrorGroup.histogramLimits.map(JSONValue.number))),
          ("counts", .array(group.histogram.map(JSONValue.integer))),
        ])
      ),
      (
        "not_modelled",
        .array(
          group.notModelled.map { reason, count in
            .object([("reason", .string(reason)), ("rows", .integer(count))])
          })
      ),
      ("figures", .array(group.measurements.compactMap { row in row.figure.map { figure(row, $0) } })),
    ]
  }

  /// A published figure and what is predicted for it, in the figure's own unit.
  private static func figure(_ row: Measurement, _ figure: PublishedFigure) -> JSONValue {
    .object([
      ("row", .string(row.label)), ("line", .integer(row.line)), ("metric", .string(figure.metric.rawValue)),
      ("published", .number(figure.value)), ("low", .optional(figure.spread?.lowerBound)),
      ("high", .optional(figure.spread?.upperBound)),
      ("predicted", .optional(row.pairs.first.map { $0.predicted / figure.metric.scale })),
      ("error", .optional(row.pairs.first?.error)), ("certainty", .string(figure.certainty.rawValue)),
      ("source", .string(figure.source)), ("not_modelled", row.notModelled.map(JSONValue.string) ?? .null),
    ])
  }
}
