import Hardware
import Quantities
import Simulation
import Workloads

extension TableReport {
  /// One run: its operators, where the time went, totals, and what to know about them.
  static func run(_ report: RunReport, _ limit: Report.OperatorLimit) -> String {
    let run = report.run
    let totals = run.totals
    let asked = report.asked.isEmpty ? ["as recorded"] : report.asked
    let samples = run.samples.map { [plural($0, "sample")] } ?? []
    var text = heading([run.workload, run.machine] + asked + samples) + "\n"
    text += operators(report.comparison, totals, limit)
    text += "\n" + byKind(run, totals)
    text += "\n" + byBound(totals)
    text += "\n" + summary(report.comparison, totals)
    if let moved = run.movement { text += movement(moved) }
    text += notes(report.workloadDifferences + report.machineDifferences) + skipped(report.skipped)
    let assumed = report.assumed.count
    if assumed > 0 {
      text +=
        "\n\(plural(assumed, "constant")) of \(run.machine) \(assumed == 1 ? "is" : "are") assumed: "
        + "see 'lacuna hardware show \(run.machine)'\n"
    }
    return text
  }

  private static func operators(
    _ comparison: Comparison, _ totals: RunTotals, _ limit: Report.OperatorLimit
  ) -> String {
    let groups = comparison.groups
    let shown =
      switch limit {
      case .all: groups.count
      case .first(let count): min(count, groups.count)
      }
    let hasPhases = groups.contains { $0.first.phase != .inference }
    var table = TextTable(
      [.words("operator", cut: .middle), .words("kind")] + (hasPhases ? [.words("phase")] : [])
        + [
          .words("shape", cut: .end), .number("count"), .number("time"), .number("share"), .words("bound"),
          .number("speedup"), .words("mapping", cut: .end),
        ])
    for group in groups.prefix(shown) {
      let estimate = comparison.run.estimates[group.first.estimate]
      let more = group.members > 1 ? " +\(group.members - 1)" : ""
      table.add(
        [group.first.name + more, group.first.kind] + (hasPhases ? [group.first.phase.shortName] : [])
          + [
            group.first.shape, "×\(group.count)", group.exposed.description,
            percentText(ratio(group.exposed.value, totals.elapsed.value)), estimate.bound.name,
            factorText(group.speedup), estimate.mapping.description,
          ])
    }
    guard shown < groups.count else { return table.text() }
    let rest = groups.dropFirst(shown)
    let share = ratio(rest.reduce(0) { $0 + $1.exposed.value }, totals.elapsed.value)
    let noun = rest.count == 1 ? "kind" : "kinds"
    return table.text() + "… \(rest.count) more \(noun) of operator, \(percentText(share)) of the time\n"
  }

  private static func byKind(_ run: RunResult, _ totals: RunTotals) -> String {
    var table = TextTable([
      .words("by kind"), .number("count"), .number("time"), .number("share"), .number("useful MACs"), .number("energy"),
    ])
    let kinds = run.totalsByKind.enumerated().sorted { a, b in
      (b.element.totals.elapsed, a.offset) < (a.element.totals.elapsed, b.offset)
    }
    for (_, (kind, sum)) in kinds {
      table.add([
        kind, "\(sum.operators)", sum.elapsed.description, percentText(ratio(sum.elapsed.value, totals.elapsed.value)),
        sum.macs.useful == 0 ? "–" : countText(sum.macs.useful), sum.energy.total.description,
      ])
    }
    return table.text()
  }

  private static func byBound(_ totals: RunTotals) -> String {
    var table = TextTable([.words("by bound"), .number("time"), .number("share")])
    let bounds = Bound.allCases.filter { totals.byBound[$0] > .zero }
      .sorted { (totals.byBound[$1], $0.rawValue) < (totals.byBound[$0], $1.rawValue) }
    for bound in bounds {
      let time = totals.byBound[bound]
      table.add([bound.name, time.description, percentText(ratio(time.value, totals.elapsed.value))])
    }
    return table.text()
  }

  private static func summary(_ comparison: Comparison, _ totals: RunTotals) -> String {
    let dense = comparison.dense.totals
    let (macs, traffic, energy) = (totals.macs, totals.traffic, totals.energy)
    var lines: [(String, String)] = []
    lines.append(("time", "\(totals.elapsed) (dense \(dense.elapsed))"))
    if let throughput = comparison.run.throughput { lines.append(("throughput", rateText(throughput) + " samples/s")) }
    lines.append(("speedup", "\(factorText(finite(comparison.speedup))) against dense on the same machine"))
    lines.append(
      ("energy", "\(energy.total) (dense \(dense.energy.total), gain \(factorText(finite(comparison.energyGain))))"))
    let parts = energy.components.filter { $0.energy > .zero }
      .map { "\($0.name) \(percentText(ratio($0.energy.value, energy.total.value)))" }
    if !parts.isEmpty { lines.append(("  by component", parts.joined(separator: ", "))) }
    if macs.dense > 0 {
      lines.append(
        (
          "efficiency",
          "\(efficiencyText(totals.operationsPerJoule)) (dense \(efficiencyText(dense.operationsPerJoule)))"
        ))
    }
    lines.append(("average power", totals.averagePower.description))
    lines.append(
      ("under power cap", "\(percentText(ratio(totals.powerCapped.value, totals.elapsed.value))) of the time"))
    lines.append(
      (
        "MACs",
        "\(countText(macs.dense)) dense, \(countText(macs.useful)) useful, \(countText(macs.padded)) padded"
      ))
    lines.append(("matrix unit", "\(percentText(totals.matrixUtilisation)) busy"))
    lines.append(("DRAM", "\(bytesText(traffic.dramRead)) read, \(bytesText(traffic.dramWritten)) written"))
    lines.append(("L2", "\(bytesText(traffic.l2Read)) read, \(bytesText(traffic.l2Written)) written"))
    lines.append(("L1", "\(bytesText(traffic.l1Filled)) filled, \(bytesText(traffic.l1Read)) read"))
    if traffic.metadata > .zero { lines.append(("metadata", bytesText(traffic.metadata))) }
    var table = TextTable([.words("total"), .words("", cut: .wrap)])
    for (name, value) in lines { table.add([name, value]) }
    return table.text()
  }

  /// The same workload on several machines, a row each.
  static func comparison(_ reports: [RunReport]) -> String {
    guard let first = reports.first else { return "no machines\n" }
    let samples = first.run.samples.map { [plural($0, "sample")] } ?? []
    let asked = first.asked.isEmpty ? ["as recorded"] : first.asked
    var text = heading([first.run.workload] + asked + samples) + "\n"
    var table = TextTable([
      .words("machine"), .number("time"), .number("samples/s"), .number("vs dense"),
      .number("vs \(first.run.machine)"), .number("energy"), .number("per sample"), .number("power"),
      .number("DRAM"), .words("top bound"),
    ])
    let reference = first.run.totals.elapsed
    for report in reports {
      let totals = report.run.totals
      let energy = totals.energy.total
      table.add([
        report.run.machine, totals.elapsed.description,
        report.run.throughput.map(rateText) ?? "–",
        factorText(finite(report.comparison.speedup)), factorText(ratio(reference.value, totals.elapsed.value)),
        energy.description, report.run.samples.map { (energy / Double($0)).description } ?? "–",
        totals.averagePower.description, bytesText(totals.traffic.dram), totals.topBound?.name ?? "–",
      ])
    }
    text += table.text()
    let differences = reports.flatMap { report in
      report.machineDifferences.map { difference in
        var difference = difference
        difference.message = "on \(report.run.machine): \(difference.message)"
        return difference
      }
    }
    text += notes(first.workloadDifferences + differences)
    return text + skipped(first.skipped)
  }

  /// Operations for each joule, as a rate for each watt.
  private static func efficiencyText(_ operations: Double) -> String {
    countText(Int(operations.rounded()), unit: "OPS/W")
  }

  private static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}

extension RunTotals {
  /// The bound of the operators that take the most time together.
  var topBound: Bound? {
    guard elapsed > .zero else { return nil }
    return Bound.allCases.max { (byBound[$0], $1.rawValue) < (byBound[$1], $0.rawValue) }
  }
}

extension Phase {
  /// The name that fits a narrow column.
  var shortName: String {
    switch self {
    case .inference, .forward, .update: rawValue
    case .backwardData: "bwd-data"
    case .backwardWeight: "bwd-weight"
    }
  }
}
