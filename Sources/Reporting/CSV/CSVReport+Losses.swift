import Documents
import Simulation

extension CSVReport {
  /// A row for the ideal, which has no factor, and one for each cause.
  static func losses(_ losses: LossReport) -> String {
    var table = CSVTable([
      "schema_version", "workload", "machine", "asked", "operator", "step", "cause", "factor", "speedup",
    ])
    let waterfall = losses.waterfall
    let head = [
      cell(Version.reportSchema), losses.report.run.workload, waterfall.machine,
      losses.report.asked.joined(separator: "; "), losses.operators == nil ? "" : waterfall.subject,
    ]
    table.add(head + ["0", "ideal", "", cell(waterfall.ideal)])
    for (index, step) in waterfall.steps.enumerated() {
      table.add(
        head + [cell(index + 1), step.cause.name.replacingHyphens, cell(step.factor), cell(step.speedup)])
    }
    return table.text
  }
}
