import Documents
import Hardware
import Quantities
import Simulation
import Workloads

/// Reports for data frames: one table, every number in base units, its unit in its column's name.
public enum CSVReport {
  /// The report's main table: operators of a run, machines of a comparison, phases of a training run, constants of a
  /// machine, components of its area, kinds of a trace, metrics of groups of measurements, operators of a timed trace, causes of lost speedup.
  public static func text(_ report: Report) -> String {
    switch report {
    case .run(let report, _): operators(report.comparison)
    case .comparison(let reports): runs(reports)
    case .schedule(let report): schedule(report)
    case .sweep(let report): sweep(report)
    case .machines(let machines): list(machines)
    case .machine(let machine): constants(machine)
    case .area(let machine, let breakdown): area(machine, breakdown)
    case .trace(let report): kinds(report.workload)
    case .sparsity(let tensors, _): sparsity(tensors)
    case .validation(let groups): errors(groups)
    case .traceValidation(let validation, _): trace(validation)
    case .losses(let report): losses(report)
    }
  }

  private static func operators(_ comparison: Comparison) -> String {
    let empty = RunTotals()
    var table = CSVTable(
      [
        "schema_version", "workload", "machine", "operator", "kind", "shape", "phase", "sparsity", "repeats",
        "exposed_s", "elapsed_s", "cycles", "clock_hz", "bound", "speedup", "power_capped", "mapping", "dense_macs",
        "useful_macs", "padded_macs", "energy_j",
      ] + empty.traffic.levels.map { "\($0.name)_bytes" } + empty.energy.components.map { "\($0.name)_energy_j" })
    let dense = comparison.denseTimes
    for (index, result) in comparison.run.operators.enumerated() {
      let estimate = comparison.run.estimates[result.estimate]
      var sums = RunTotals()
      sums.add(result, estimate)
      let elapsed = estimate.elapsed * Double(result.repeats)
      table.add(
        [
          cell(Version.reportSchema), comparison.run.workload, comparison.run.machine, result.name, result.kind,
          result.shape, result.phase.rawValue, result.sparsity.text, cell(result.repeats), cell(sums.elapsed.value),
          cell(elapsed.value), cell(Int(sums.cycles.count)), cell(estimate.clock.value), estimate.bound.name,
          cell(dense[index].flatMap { ratio($0.value, elapsed.value) }), "\(estimate.isPowerCapped)",
          estimate.mapping.description, cell(sums.macs.dense), cell(sums.macs.useful), cell(sums.macs.padded),
          cell(sums.energy.total.value),
        ] + quantities(sums))
    }
    return table.text
  }

  private static func runs(_ reports: [RunReport]) -> String {
    let empty = RunTotals()
    var table = CSVTable(
      [
        "schema_version", "workload", "machine", "asked", "samples", "elapsed_s", "throughput_samples_per_s",
        "speedup", "speedup_over_reference", "energy_gain", "energy_j", "energy_per_sample_j", "average_power_w",
        "power_capped_s", "matrix_busy_s", "top_bound", "dense_macs", "useful_macs", "padded_macs",
      ] + empty.traffic.levels.map { "\($0.name)_bytes" } + empty.energy.components.map { "\($0.name)_energy_j" })
    let reference = reports.first?.run.totals.elapsed
    for report in reports {
      let totals = report.run.totals
      let energy = totals.energy.total.value
      table.add(
        [
          cell(Version.reportSchema), report.run.workload, report.run.machine, report.asked.joined(separator: "; "),
          cell(report.run.samples), cell(totals.elapsed.value), cell(report.run.throughput),
          cell(report.comparison.speedup), cell(reference.flatMap { ratio($0.value, totals.elapsed.value) }),
          cell(report.comparison.energyGain), cell(energy), cell(report.run.samples.map { energy / Double($0) }),
          cell(totals.averagePower.value), cell(totals.powerCapped.value), cell(totals.matrix.busy.value),
          totals.topBound?.name ?? "", cell(totals.macs.dense), cell(totals.macs.useful), cell(totals.macs.padded),
        ] + quantities(totals))
    }
    return table.text
  }

  private static func quantities(_ totals: RunTotals) -> [String] {
    totals.traffic.levels.map { cell(Int($0.bytes.count)) } + totals.energy.components.map { cell($0.energy.value) }
  }

  private static func list(_ machines: [Machine]) -> String {
    var table = CSVTable(["schema_version", "machine", "engine", "title", "constants", "assumed"])
    for machine in machines {
      table.add([
        cell(Version.reportSchema), machine.name, machine.architecture.name, machine.title,
        cell(machine.constants.count), cell(machine.constants.count { $0.certainty == .assumed }),
      ])
    }
    return table.text
  }

  private static func constants(_ machine: Machine) -> String {
    var table = CSVTable(["schema_version", "machine", "constant", "value", "kind", "source"])
    for constant in machine.constants {
      table.add([
        cell(Version.reportSchema), machine.name, constant.path, constant.value, constant.certainty.rawValue,
        constant.source,
      ])
    }
    return table.text
  }

  private static func kinds(_ workload: Workload) -> String {
    var table = CSVTable([
      "schema_version", "workload", "kind", "phase", "data_types", "operators", "unique_operators", "runs",
      "dense_macs",
      "bytes",
    ])
    for row in TraceSummary(workload).rows {
      table.add([
        cell(Version.reportSchema), workload.name, row.kind, row.phase.rawValue,
        row.types.map(\.rawValue).joined(separator: " "), cell(row.operators), cell(row.unique), cell(row.runs),
        cell(row.macs), cell(Int(row.bytes.count)),
      ])
    }
    return table.text
  }
}
