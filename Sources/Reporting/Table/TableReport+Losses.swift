import Quantities
import Simulation
import Workloads

extension TableReport {
  /// A ladder from the ideal to the prediction, a bar a step; then the chosen operators one by one.
  static func losses(_ losses: LossReport) -> String {
    let waterfall = losses.waterfall
    let run = losses.report.run
    let asked = losses.report.asked.isEmpty ? ["as recorded"] : losses.report.asked
    let chosen = losses.operators.map { ["\(waterfall.subject): \(plural($0.count, "operator"))"] } ?? []
    var text = heading([run.workload, run.machine] + asked + chosen) + "\n"

    var table = TextTable([.words("cause"), .number("factor"), .number("speedup"), .words("")])
    let widest = max(waterfall.ideal, waterfall.steps.map(\.speedup).max() ?? 0)
    table.add(["ideal of the pattern", "", factorText(waterfall.ideal), bar(waterfall.ideal, of: widest)])
    var before = waterfall.ideal
    var without: [String] = []
    for step in waterfall.steps {
      if (step.factor - 1).magnitude < 0.0005 {
        without.append(step.cause.title)
      } else {
        table.add([
          step.cause.title, stepText(step.factor), factorText(step.speedup),
          bar(step.speedup, of: widest, before: before),
        ])
      }
      before = step.speedup
    }
    table.add(["predicted", "", factorText(waterfall.predicted), bar(waterfall.predicted, of: widest)])
    text += table.text() + "\n" + wrapped(losses.summary)
    if !without.isEmpty { text += wrapped("Nothing to: \(without.joined(separator: ", ")).") }
    for (first, members, estimate) in losses.details.prefix(detailLimit) {
      text += "\n" + details(first, members, estimate)
    }
    let more = losses.details.count - detailLimit
    if more > 0 { text += "\n… \(more) more \(more == 1 ? "kind" : "kinds") of operator\n" }
    return text + notes(losses.report.workloadDifferences + losses.report.machineDifferences)
  }

  /// Kinds of operators that are told in full.
  private static let detailLimit = 3
  /// The longest bar: what the ladder's other columns leave.
  private static var barWidth: Int { min(48, max(8, TableWidth.current - 46)) }

  /// Three decimals where two would hide that anything is lost.
  private static func stepText(_ factor: Double) -> String {
    (factor - 1).magnitude < 0.005 ? "\(formatFixed(factor, decimals: 3))×" : factorText(factor)
  }

  /// A bar as long as its value; what was lost or gained since `before` is lighter.
  private static func bar(_ value: Double, of widest: Double, before: Double? = nil) -> String {
    guard widest > 0 else { return "" }
    func length(_ value: Double) -> Int { Int((value / widest * Double(barWidth)).rounded()) }
    let (now, then) = (length(value), length(before ?? value))
    return String(repeating: "█", count: min(now, then)) + String(repeating: "▒", count: max(0, now - then))
      + String(repeating: "░", count: max(0, then - now))
  }

  private static func details(_ first: RunResult.OperatorResult, _ members: Int, _ estimate: Estimate) -> String {
    var table = TextTable([.words(""), .words("", cut: .wrap)])
    let sparsity = first.sparsity == .dense ? "dense" : first.sparsity.text
    table.add(["operator", "\(first.kind) \(first.shape), \(first.phase.rawValue), \(sparsity)"])
    table.add(["mapping", estimate.mapping.description])
    let capped = estimate.isPowerCapped ? ", under the power cap" : ""
    table.add(["time", "\(estimate.elapsed) at \(estimate.clock)\(capped), bound by \(estimate.bound.name)"])
    for (name, unit) in [
      ("matrix unit", estimate.matrix), ("vector unit", estimate.vector), ("memory", estimate.memory),
    ] {
      table.add([name, unitText(unit)])
    }
    let traffic = estimate.traffic
    table.add(["DRAM", "\(bytesText(traffic.dramRead)) read, \(bytesText(traffic.dramWritten)) written"])
    table.add(["L2", "\(bytesText(traffic.l2Read)) read, \(bytesText(traffic.l2Written)) written"])
    table.add(["L1", "\(bytesText(traffic.l1Filled)) filled, \(bytesText(traffic.l1Read)) read"])
    if traffic.metadata > .zero { table.add(["metadata", bytesText(traffic.metadata)]) }
    let name = members > 1 ? "\(first.name) +\(members - 1)" : first.name
    return "\(name.printable)\n" + table.text(titles: false)
  }

  private static func unitText(_ unit: UnitTime) -> String {
    func share(_ time: Seconds) -> String { percentText(ratio(time.value, unit.total.value)) }
    let stalls = Bound.allCases.filter { unit.stalled[$0].value > 0.0005 * unit.total.value }
      .map { "\($0.name) \(share(unit.stalled[$0]))" }
    let waiting = stalls.isEmpty ? "" : ", waits for \(stalls.joined(separator: ", "))"
    return "busy \(share(unit.busy))\(waiting), idle \(share(unit.idle))"
  }
}
