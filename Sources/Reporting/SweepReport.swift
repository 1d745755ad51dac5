import Documents
import Quantities
import Simulation
import Workloads

/// Workloads on machines at one sparsity after the other.
public struct SweepReport: Sendable {
  /// What varies, in the words it was asked for, for example `1x`, `2x`, `4x`.
  public var values: [String]
  /// One line of the sweep: a workload on a machine.
  public var series: [Series]

  /// A workload on a machine, at every value.
  public struct Series: Sendable {
    /// The runs, in the order of the values.
    public var reports: [RunReport]

    /// A series.
    public init(reports: [RunReport]) { self.reports = reports }

    var name: String { reports.first.map { "\($0.run.workload) on \($0.run.machine)" } ?? "" }
    /// Samples, or where their number is not known runs, a second.
    var rates: [Double] {
      reports.map { report in report.run.throughput ?? 1 / report.run.totals.elapsed.value }
    }
    /// The last rate over the first.
    var gain: Double? { rates.first.flatMap { first in rates.last.flatMap { ratio($0, first) } } }
    /// The last rate over the one before it.
    var lastGain: Double? { rates.count < 2 ? nil : ratio(rates[rates.count - 1], rates[rates.count - 2]) }
  }

  /// A sweep; every series has a report for each value.
  public init(values: [String], series: [Series]) {
    precondition(series.allSatisfy { $0.reports.count == values.count }, "a report for each of \(values.count) values")
    self.values = values
    self.series = series
  }
}

extension TableReport {
  /// A line a series, its throughput at every value, and what limits the last.
  static func sweep(_ sweep: SweepReport) -> String {
    let asked = (sweep.series.first?.reports.first?.asked ?? []).filter { $0 != "weights=\(sweep.values[0])" }
    var table = TextTable(
      [.words("samples/s", cut: .middle), .words("machine")] + sweep.values.map { .number($0) }
        + [.number("gain"), .number("last step"), .words("then limited by", cut: .end)])
    for series in sweep.series {
      guard let last = series.reports.last else { continue }
      let totals = last.run.totals
      let limits = Bound.allCases.filter { totals.byBound[$0] > .zero }
        .sorted { (totals.byBound[$1], $0.rawValue) < (totals.byBound[$0], $1.rawValue) }
        .prefix(2).map { "\($0.name) \(percentText(ratio(totals.byBound[$0].value, totals.elapsed.value)))" }
      table.add(
        [last.run.workload, last.run.machine] + series.rates.map(rateText) + [
          factorText(series.gain), factorText(series.lastGain), limits.joined(separator: ", "),
        ])
    }
    let notes = sweep.series.flatMap { series in
      (series.reports.last?.machineDifferences ?? []).map { difference in
        var difference = difference
        difference.message = "\(series.name): \(difference.message)"
        return difference
      }
    }
    var text = heading(["throughput over the sparsity of weights"] + asked) + "\n" + table.text()
    for series in sweep.series { if let last = series.reports.last { text += saturation(series, last) } }
    return text + Self.notes(notes)
  }

  /// Where the time of the last value goes that no more sparsity takes away.
  private static func saturation(_ series: SweepReport.Series, _ last: RunReport) -> String {
    let (run, total) = (last.run, last.run.totals.elapsed.value)
    var dense = 0.0
    var vector = 0.0
    var launch = 0.0
    for result in run.operators {
      let estimate = run.estimate(of: result)
      let time = result.exposed.value * Double(result.repeats)
      if estimate.bound == .launch { launch += time; continue }
      if estimate.macs.dense == 0 { vector += time } else if result.sparsity == .dense { dense += time }
    }
    let parts = [("dense products", dense), ("vector operators", vector), ("launches", launch)].filter {
      $0.1 > 0.005 * total
    }
    .map { "\($0.0) \(percentText(ratio($0.1, total)))" }
    guard !parts.isEmpty, run.operators.contains(where: { $0.sparsity != .dense }) else { return "" }
    return wrapped("\(series.name): of the time at the last value, \(parts.joined(separator: ", ")).")
  }
}

extension JSONReport {
  static func sweep(_ sweep: SweepReport) -> [(String, JSONValue)] {
    [
      ("values", .array(sweep.values.map(JSONValue.string))),
      (
        "series",
        .array(
          sweep.series.map { series in
            .object([
              ("workload", series.reports.first.map { .string($0.run.workload) } ?? .null),
              ("machine", series.reports.first.map { .string($0.run.machine) } ?? .null),
              ("gain", .optional(series.gain)), ("last_gain", .optional(series.lastGain)),
              (
                "runs",
                .array(
                  zip(sweep.values, series.reports).map { value, report in
                    .object([("value", .string(value))] + run(report))
                  })
              ),
            ])
          })
      ),
    ]
  }
}

extension CSVReport {
  /// A row for each value of each series.
  static func sweep(_ sweep: SweepReport) -> String {
    var table = CSVTable([
      "schema_version", "workload", "machine", "asked", "weights", "samples", "elapsed_s", "throughput_samples_per_s",
      "speedup", "energy_j", "top_bound",
    ])
    for series in sweep.series {
      for (value, report) in zip(sweep.values, series.reports) {
        let totals = report.run.totals
        table.add([
          cell(Version.reportSchema), report.run.workload, report.run.machine, report.asked.joined(separator: "; "),
          value, cell(report.run.samples), cell(totals.elapsed.value), cell(report.run.throughput),
          cell(report.comparison.speedup), cell(totals.energy.total.value), totals.topBound?.name ?? "",
        ])
      }
    }
    return table.text
  }
}
