import Hardware
import Quantities
import Simulation
import Workloads

/// Reports for scripts: every number in base units, its unit in its name.
public enum JSONReport {
  /// The report as one JSON object. `report` says which kind it is; absent numbers are null.
  public static func text(_ report: Report) -> String {
    let (kind, members): (String, [(String, JSONValue)]) =
      switch report {
      case .run(let report, _): ("run", run(report) + [("operators", operators(report.comparison))])
      case .comparison(let reports): ("comparison", comparison(reports))
      case .schedule(let report): ("schedule", schedule(report))
      case .sweep(let report): ("sweep", sweep(report))
      case .machines(let machines): ("machines", [("machines", .array(machines.map { .object(machine($0)) }))])
      case .machine(let one): ("machine", machine(one) + [("constants", .array(one.constants.map(constant)))])
      case .area(let one, let breakdown): ("area", area(one, breakdown))
      case .trace(let report): ("trace", trace(report))
      case .sparsity(let tensors, let others):
        ("sparsity", [("other_tensors", .integer(others)), ("tensors", .array(tensors.map { .object(sparsity($0)) }))])
      case .validation(let groups): ("validation", [("groups", .array(groups.map { .object(errors($0)) }))])
      case .traceValidation(let validation, _): ("trace_validation", trace(validation))
      case .losses(let report): ("losses", losses(report))
      }
    return JSONValue.object(header(kind) + members).text
  }

  static func header(_ kind: String) -> [(String, JSONValue)] {
    [
      ("schema_version", .integer(Version.reportSchema)), ("lacuna_version", .string(Version.current)),
      ("report", .string(kind)),
    ]
  }

  // MARK: Runs

  static func run(_ report: RunReport) -> [(String, JSONValue)] {
    let run = report.run
    return [
      ("workload", .string(run.workload)), ("machine", .string(run.machine)),
      ("asked", .array(report.asked.map(JSONValue.string))), ("samples", .optional(run.samples)),
      ("throughput_samples_per_s", .optional(run.throughput)),
      ("speedup", .number(report.comparison.speedup)), ("energy_gain", .number(report.comparison.energyGain)),
      ("totals", .object(totals(run.totals))), ("dense_totals", .object(totals(report.comparison.dense.totals))),
      (
        "by_kind",
        .array(
          run.totalsByKind.map { kind, sums in
            .object([("kind", .string(kind)), ("totals", .object(totals(sums)))])
          })
      ),
      (
        "notes",
        .array(
          (report.workloadDifferences + report.machineDifferences).map {
            counted("message", $0.message, $0.count, $0.examples)
          })
      ),
      ("skipped", skipped(report.skipped)),
      ("assumed_constants", .array(report.assumed.map { .string($0.path) })),
      ("configuration", configuration(report.configuration)),
      ("movement", movement(run.movement)),
    ]
  }

  private static func comparison(_ reports: [RunReport]) -> [(String, JSONValue)] {
    let reference = reports.first?.run.totals.elapsed
    return [
      ("reference", reports.first.map { .string($0.run.machine) } ?? .null),
      (
        "runs",
        .array(
          reports.map { report in
            .object(
              run(report) + [
                (
                  "speedup_over_reference",
                  .optional(reference.flatMap { ratio($0.value, report.run.totals.elapsed.value) })
                )
              ])
          })
      ),
    ]
  }

  private static func totals(_ totals: RunTotals) -> [(String, JSONValue)] {
    [
      ("operators", .integer(totals.operators)), ("elapsed_s", .number(totals.elapsed.value)),
      ("cycles", .integer(Int(totals.cycles.count))), ("average_power_w", .number(totals.averagePower.value)),
      ("dense_operations_per_j", .number(totals.operationsPerJoule)),
      ("power_capped_s", .number(totals.powerCapped.value)), ("matrix_busy_s", .number(totals.matrix.busy.value)),
      ("macs", macs(totals.macs)), ("traffic", traffic(totals.traffic)), ("energy", energy(totals.energy)),
      (
        "elapsed_by_bound",
        .object(
          Bound.allCases.map { ("\($0.name.replacingHyphens)_s", .number(totals.byBound[$0].value)) })
      ),
    ]
  }

  static func operators(_ comparison: Comparison) -> JSONValue {
    let dense = comparison.denseTimes
    return .array(
      comparison.run.operators.enumerated().map { index, result in
        let estimate = comparison.run.estimates[result.estimate]
        let exposed = result.exposed * Double(result.repeats)
        return .object([
          ("name", .string(result.name)), ("kind", .string(result.kind)), ("shape", .string(result.shape)),
          ("phase", .string(result.phase.rawValue)), ("sparsity", .string(result.sparsity.text)),
          ("repeats", .integer(result.repeats)), ("exposed_s", .number(exposed.value)),
          ("speedup", .optional(dense[index].flatMap { ratio($0.value, comparison.run.ownTime(of: result).value) })),
          ("once", .object(once(estimate))),
        ])
      })
  }

  /// One run of an operator on its own.
  static func once(_ estimate: Estimate) -> [(String, JSONValue)] {
    [
      ("elapsed_s", .number(estimate.elapsed.value)), ("cycles", .integer(Int(estimate.cycles.count))),
      ("clock_hz", .number(estimate.clock.value)), ("bound", .string(estimate.bound.name)),
      ("power_capped", .bool(estimate.isPowerCapped)), ("mapping", .string(estimate.mapping.description)),
      ("matrix", unit(estimate.matrix)), ("vector", unit(estimate.vector)), ("memory", unit(estimate.memory)),
      ("macs", macs(estimate.macs)), ("traffic", traffic(estimate.traffic)), ("energy", energy(estimate.energy)),
      ("movement", movement(estimate.movement)),
    ]
  }

  private static func unit(_ time: UnitTime) -> JSONValue {
    let stalls = Bound.allCases.map { bound in
      (
        key: "stalled_\(bound.name.replacingHyphens)_s", value: JSONValue.number(time.stalled[bound].value),
        isThere: time.stalled[bound] > .zero
      )
    }
    return .sparse(
      [("busy_s", .number(time.busy.value), true)] + stalls + [("idle_s", .number(time.idle.value), true)])
  }

  private static func macs(_ macs: MACCount) -> JSONValue {
    .object([
      ("dense", .integer(macs.dense)), ("useful", .integer(macs.useful)), ("skipped", .integer(macs.skipped)),
      ("padded", .integer(macs.padded)),
    ])
  }

  private static func traffic(_ traffic: Traffic) -> JSONValue {
    .object(traffic.levels.map { ("\($0.name)_bytes", .integer(Int($0.bytes.count))) })
  }

  private static func energy(_ energy: EnergyBreakdown) -> JSONValue {
    .object(
      [("total_j", .number(energy.total.value))]
        + energy.components.map { ("\($0.name)_j", .number($0.energy.value)) })
  }

  // MARK: Machines and traces

  private static func machine(_ machine: Machine) -> [(String, JSONValue)] {
    [
      ("name", .string(machine.name)), ("title", .string(machine.title)),
      ("engine", .string(machine.architecture.name)),
      ("constant_count", .integer(machine.constants.count)),
      ("assumed_count", .integer(machine.constants.count { $0.certainty == .assumed })),
    ]
  }

  private static func constant(_ constant: Constant) -> JSONValue {
    .object([
      ("path", .string(constant.path)), ("value", .string(constant.value)),
      ("kind", .string(constant.certainty.rawValue)), ("source", .string(constant.source)),
    ])
  }

  private static func trace(_ report: TraceReport) -> [(String, JSONValue)] {
    let (workload, format) = (report.workload, report.format)
    let summary = TraceSummary(workload)
    func group(_ group: TraceSummary.Group) -> JSONValue {
      .object([
        ("name", .string(group.name)), ("shape", .string(group.shape)), ("sparsity", .string(group.sparsity.text)),
        ("operators", .integer(group.operators)), ("runs", .integer(group.runs)), ("dense_macs", .integer(group.macs)),
        ("weights", .integer(group.weights)), ("kept_weights", .optional(group.keptWeights.map { Int($0.rounded()) })),
      ])
    }
    return [
      ("name", .string(workload.name)), ("source", .string(workload.source)), ("format", .string(format)),
      ("samples", .optional(workload.samples)), ("operators", .integer(summary.operators)),
      ("unique_operators", .integer(summary.unique)), ("runs", .integer(summary.runs)),
      ("dense_macs", .integer(summary.macs)), ("weights", .integer(summary.weights)),
      ("bytes", .integer(Int(summary.bytes.count))),
      ("file_bytes", .optional(report.storage.map { Int($0.file.count) })),
      ("json_lines_bytes", .optional(report.storage.map { Int($0.text.count) })),
      ("blocks", .optional(report.storage?.blocks)),
      (
        "by_kind",
        .array(
          summary.rows.map { row in
            .object([
              ("kind", .string(row.kind)), ("phase", .string(row.phase.rawValue)),
              ("data_types", .array(row.types.map { .string($0.rawValue) })), ("operators", .integer(row.operators)),
              ("unique_operators", .integer(row.unique)), ("runs", .integer(row.runs)),
              ("dense_macs", .integer(row.macs)), ("bytes", .integer(Int(row.bytes.count))),
            ])
          })
      ),
      (
        "sparsity",
        .array(
          summary.patterns.map { .object([("pattern", .string($0.pattern)), ("operators", .integer($0.count))]) })
      ),
      ("groups", .array(summary.groups.map(group))), ("skipped", skipped(workload.skipped)),
    ]
  }

  static func skipped(_ parts: [Workload.Skipped]) -> JSONValue {
    .array(parts.map { counted("reason", $0.reason, $0.count, $0.examples) })
  }

  private static func counted(_ key: String, _ text: String, _ count: Int, _ examples: [String]) -> JSONValue {
    .object([
      (key, .string(text)), ("count", .integer(count)), ("examples", .array(examples.map(JSONValue.string))),
    ])
  }
}
