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
    ]
  }
}
