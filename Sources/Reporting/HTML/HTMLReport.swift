import Hardware
import Quantities
import Simulation
import Workloads

/// Results as pages for a browser, to be read, printed and sent: values to text, nothing else.
public enum HTMLReport {
  /// The most operators that a page lists one by one; of a larger run, those that are alike share a row.
  public static let mostOperators = 2000

  /// One run beside its dense baseline.
  /// - Parameters:
  ///   - losses: where its speedup is lost, for its picture; nil leaves that out.
  ///   - effects: what each assumed constant does to it; nil lists the constants only.
  public static func text(
    _ report: RunReport, losses: LossReport? = nil, effects: [AssumptionEffect]? = nil
  ) -> String {
    let run = report.run
    var lead = [sentence(report)]
    if let losses, losses.waterfall.ideal > 1 { lead.append(losses.summary) }
    var page = HTMLPage(
      title: "\(run.workload) on \(run.machine)",
      kicker: ([report.machine.title] + (report.asked.isEmpty ? ["as recorded"] : report.asked)
        + (run.samples.map { [plural($0, "sample") + " a step"] } ?? [])).joined(separator: " · "), lead: lead)
    page.add("Summary", HTMLPage.figures(figures(report)))
    page.add("Where time and energy go", HTMLPage.charts(charts(report, losses)))
    page.add("Operators", operators(report))
    page.add("What ran differently", notes(report.workloadDifferences + report.machineDifferences))
    page.add("What was skipped", skipped(report))
    page.add("Assumptions", assumptions([report], effects))
    page.add("Repeat this", configuration([report]))
    return page.text
  }

  private static func charts(_ report: RunReport, _ losses: LossReport?) -> [Chart] {
    var charts = Chart.charts(of: report)
    if let losses, losses.waterfall.ideal > 1 {
      var waterfall = Chart.waterfall(losses)
      waterfall.title = "Where the speedup is lost"
      waterfall.notes = ["The factors multiply to the predicted speedup; each cause has what those above it leave."]
      charts.insert(waterfall, at: min(2, charts.count))
    }
    return charts
  }

  /// How fast it is, and what limits it most.
  static func sentence(_ report: RunReport) -> String {
    let (run, totals) = (report.run, report.run.totals)
    var text = "\(run.workload) takes \(totals.elapsed) on \(run.machine)"
    if report.hasBaseline { text += ", \(factorText(report.comparison.speedup)) the speed of the dense run" }
    guard let bound = totals.topBound else { return text + "." }
    let share = percentText(ratio(totals.byBound[bound].value, totals.elapsed.value))
    return text + ". What limits it most is \(bound.phrase): \(share) of the time."
  }

  private static func figures(_ report: RunReport) -> [(title: String, value: String, note: String)] {
    let (run, dense, totals) = (report.run, report.comparison.dense.totals, report.run.totals)
    let (speedup, gain) = (report.comparison.speedup, report.comparison.energyGain)
    func beside(_ text: String) -> String { report.hasBaseline ? "dense \(text)" : "" }
    var figures = [
      (title: "time of a step", value: totals.elapsed.description, note: beside(dense.elapsed.description))
    ]
    if report.hasBaseline, speedup.isFinite {
      figures.append(("speedup", factorText(speedup), "against dense"))
    }
    if let throughput = run.throughput {
      figures.append(("throughput", rateText(throughput), "samples a second"))
    }
    figures.append(("energy of a step", totals.energy.total.description, beside(dense.energy.total.description)))
    if report.hasBaseline, gain.isFinite { figures.append(("energy gain", factorText(gain), "against dense")) }
    figures.append(
      ("average power", totals.averagePower.description, report.machine.powerCap.map { "limit \($0)" } ?? ""))
    if totals.macs.dense > 0 {
      figures.append(
        (
          "efficiency", countText(Int(totals.operationsPerJoule.rounded()), unit: "OPS/W"),
          "operations of the dense step"
        ))
      figures.append(
        (
          "matrix units", "\(percentText(totals.matrixUtilisation)) busy",
          "\(countText(totals.macs.useful)) useful MACs"
        ))
    }
    if totals.elapsed > .zero {
      let rate = totals.traffic.dram / totals.elapsed
      figures.append(
        (
          "off-chip memory", rate.description,
          "\(percentText(rate / report.machine.memoryBandwidth)) of its \(report.machine.memoryBandwidth)"
        ))
    }
    if totals.powerCapped > .zero {
      figures.append(
        ("under the power cap", percentText(ratio(totals.powerCapped.value, totals.elapsed.value)), "of the time"))
    }
    return figures
  }

  // MARK: Operators

  static func operators(_ report: RunReport) -> String {
    let run = report.run
    let isFolded = run.operators.count > mostOperators
    let hasPhases = run.operators.contains { $0.phase != .inference }
    let hasSpeedup = report.hasBaseline
    let hasRepeats = run.operators.contains { $0.repeats > 1 } || isFolded
    let clocks = run.estimates.map(\.clock).filter { $0 > Hertz(1) }
    let hasClocks = clocks.min() != clocks.max()
    var columns: [(title: String, isNumber: Bool)] = [("operator", false), ("kind", false)]
    if hasPhases { columns.append(("phase", false)) }
    columns += [("shape", false), ("zeros", false)] + (hasRepeats ? [("runs", true)] : [])
    columns += [("time", true), ("share", true), ("bound", false)]
    if hasSpeedup { columns.append(("speedup", true)) }
    columns += [("energy", true), ("off-chip", true)] + (hasClocks ? [("clock", true)] : []) + [("mapping", false)]
    var table = HTMLTable("operators-table", columns, isSearchable: true)
    let total = run.totals.elapsed.value
    func add(
      _ name: String, _ first: RunResult.OperatorResult, count: Int, _ exposed: Seconds, speedup: Double?
    ) {
      let estimate = run.estimates[first.estimate]
      let (share, runs) = (ratio(exposed.value, total), Double(count))
      let (energy, bytes) = (estimate.energy.total * runs, Double(estimate.traffic.dram.count) * runs)
      var cells: [HTMLTable.Cell] = [.words(name), .words(first.kind)]
      if hasPhases { cells.append(.words(first.phase.shortName)) }
      cells += [
        .words(first.shape), .words(first.sparsity == .dense ? "" : first.sparsity.text),
      ]
      if hasRepeats { cells.append(.number("×\(count)", runs)) }
      cells += [
        .number(exposed.description, exposed.value),
        .number(percentText(share), share), .words(estimate.bound.name),
      ]
      if hasSpeedup { cells.append(.number(factorText(speedup), speedup)) }
      let hasClock = estimate.clock > Hertz(1)
      cells += [
        .number(energy.description, energy.value), .number(Quantity<ByteDimension>(bytes).description, bytes),
      ]
      if hasClocks {
        cells.append(.number(hasClock ? estimate.clock.description : "–", hasClock ? estimate.clock.value : nil))
      }
      table.add(cells + [.words(estimate.mapping.description)])
    }
    if isFolded {
      for group in report.comparison.groups {
        add(
          group.members > 1 ? "\(group.first.name) +\(group.members - 1)" : group.first.name, group.first,
          count: group.count, group.exposed, speedup: group.speedup)
      }
    } else {
      let dense = report.comparison.denseTimes
      for (index, result) in run.operators.enumerated() {
        add(
          result.name, result, count: result.repeats, result.exposed * Double(result.repeats),
          speedup: dense[index].flatMap { ratio($0.value, run.ownTime(of: result).value) })
      }
    }
    let folded = isFolded ? " Operators that are alike share a row." : ""
    return HTMLPage.paragraph(
      "\(plural(run.operators.count, "operator")), in the order of the trace. Times are what an operator adds to the step, "
        + "all its runs together; titles sort.\(folded)") + table.html
  }

  // MARK: What to know about a result

  static func notes(_ differences: [Difference]) -> String {
    HTMLPage.list(
      differences.map { difference in
        let examples = difference.examples.joined(separator: ", ")
        let more = difference.count > difference.examples.count ? ", …" : ""
        return "\(difference.message), \(difference.count)×" + (examples.isEmpty ? "" : " (\(examples)\(more))")
      })
  }

  static func skipped(_ report: RunReport) -> String {
    notes(report.skipped.map { Difference(message: $0.reason, count: $0.count, examples: $0.examples) })
  }

  /// The constants that nobody verified, what is not known, and behind it everything of the machines.
  static func assumptions(_ reports: [RunReport], _ effects: [AssumptionEffect]? = nil) -> String {
    var machines: [RunReport] = []
    for report in reports where !machines.contains(where: { $0.run.machine == report.run.machine }) {
      machines.append(report)
    }
    return machines.map { report in
      let (name, constants) = (report.run.machine, report.machine.constants)
      func table(_ title: String, _ constants: [Hardware.Constant]) -> String {
        var table = HTMLTable(
          "\(title) of \(name)", [("constant", false), ("value", true), ("kind", false), ("source", false)])
        for constant in constants {
          table.add([
            .words(constant.path), .number(constant.value, nil), .words(constant.certainty.rawValue),
            .words(constant.source),
          ])
        }
        return table.html
      }
      var html: String
      if let effects {
        html = assumptions(report, effects)
      } else {
        let count = report.assumed.count
        html =
          HTMLPage.paragraph(
            count == 0
              ? "No constant of \(name) is assumed: all are measured, published or derived."
              : "\(plural(count, "constant")) of \(name) \(count == 1 ? "is" : "are") assumed: nobody verified "
                + "\(count == 1 ? "it" : "them").") + table("assumed constants", report.assumed)
      }
      var unknowns: [String] = []
      for variant in report.machine.variants where !unknowns.contains(variant.unknown) {
        unknowns.append(variant.unknown)
      }
      if !unknowns.isEmpty {
        html += HTMLPage.paragraph(
          "Not published, and tried otherwise by 'lacuna validate': \(unknowns.joined(separator: ", ")).")
      }
      return html
        + HTMLPage.details("All \(plural(constants.count, "constant")) of \(name)", table("constants", constants))
    }.joined()
  }

  /// What was read, and how it was run.
  static func configuration(_ reports: [RunReport]) -> String {
    var inputs = HTMLTable("inputs", [("input", false), ("file", false), ("SHA-256 of the content", false)])
    var seen: [RunConfiguration.Input] = []
    for input in reports.flatMap(\.configuration.inputs) where !seen.contains(input) {
      seen.append(input)
      inputs.add([.words(input.role), .words(input.name), .words(input.sha256 ?? "–")])
    }
    let commands = reports.compactMap(\.configuration.command)
    let command =
      commands.isEmpty ? "" : "<pre class=\"command\">\(Markup.escaped(commands.joined(separator: "\n")))</pre>\n"
    var options = HTMLTable("options", [("option", false), ("value", false)])
    if reports.count == 1 {
      for option in reports[0].configuration.options {
        options.add([.words("--\(option.name)"), .words(option.value.text)])
      }
    }
    guard !command.isEmpty || !inputs.rows.isEmpty else { return "" }
    return HTMLPage.paragraph(
      "With the same files, options and version (\(Version.current)) the results are the same to the last bit. Hashes are of "
        + "what files hold when decompressed: zstd -dc FILE | sha256sum.") + command + inputs.html
      + HTMLPage.details("All options", options.html)
  }
}

extension RunConfiguration.Value {
  /// For a table.
  fileprivate var text: String {
    switch self {
    case .words(let words): words ?? "–"
    case .choice(let word, _): word
    case .list(let words): words.isEmpty ? "–" : words.joined(separator: " ")
    case .flag(let isSet): isSet ? "yes" : "no"
    }
  }
}

extension Bound {
  /// What it is, within a sentence.
  var phrase: String {
    switch self {
    case .issue: "the rate of the matrix units"
    case .localMemory: "the ports that feed the multipliers"
    case .l2: "the shared cache or buffer"
    case .network: "the network between cores"
    case .dram: "off-chip memory"
    case .decode: "metadata and pruning"
    case .imbalance: "tiles that are uneven or filled in part"
    case .fill: "filling and draining pipelines"
    case .vector: "vector arithmetic"
    case .launch: "starting kernels"
    case .power: "the power limit"
    case .host: "the link to the host"
    }
  }
}
