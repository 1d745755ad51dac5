public import Exploration
import Quantities
import Simulation

extension HTMLReport {
  /// Runs side by side, the first of them the reference.
  public static func text(_ reports: [RunReport]) -> String {
    guard let first = reports.first else { return HTMLPage(title: "no machines", kicker: "", lead: []).text }
    let fastest = reports.min { $0.run.totals.elapsed < $1.run.totals.elapsed } ?? first
    let thriftiest = reports.min { $0.run.totals.energy.total < $1.run.totals.energy.total } ?? first
    var workloads: [String] = []
    for report in reports where !workloads.contains(report.run.workload) { workloads.append(report.run.workload) }
    var page = HTMLPage(
      title: "\(workloads.joined(separator: ", ")) on \(plural(Set(reports.map(\.run.machine)).count, "machine"))",
      kicker: (first.asked.isEmpty ? ["as recorded"] : first.asked).joined(separator: " · "),
      lead: [
        "\(fastest.label(among: reports)) is fastest with \(fastest.run.totals.elapsed); "
          + "\(thriftiest.label(among: reports)) needs the least energy, \(thriftiest.run.totals.energy.total)."
      ] + reports.map(sentence))
    page.add("Summary", summary(reports))
    var charts = Chart.charts(of: reports)
    for index in charts.indices {
      charts[index].title = charts[index].name == "time" ? "Time by what limits it" : "Energy by component"
    }
    page.add("Where time and energy go", HTMLPage.charts(charts + reports.compactMap(roofline)))
    page.add("Operators side by side", operators(reports))
    page.add(
      "What ran differently",
      notes(
        first.workloadDifferences
          + reports.flatMap { report in
            report.machineDifferences.map {
              Difference(
                message: "on \(report.run.machine): \($0.message)", count: $0.count, examples: $0.examples)
            }
          }))
    page.add("What was skipped", skipped(first))
    page.add("Assumptions", assumptions(reports))
    page.add("Repeat this", configuration(reports))
    return page.text
  }

  private static func roofline(_ report: RunReport) -> Chart? {
    var chart = Chart.roofline(report)
    chart?.title = "Roofline of \(report.run.workload) on \(report.run.machine)"
    return chart
  }

  private static func summary(_ reports: [RunReport]) -> String {
    guard let reference = reports.first else { return "" }
    var table = HTMLTable(
      "runs",
      [
        ("workload", false), ("machine", false), ("time", true), ("samples/s", true), ("vs dense", true),
        ("vs \(reference.label(among: reports))", true), ("energy", true), ("energy a sample", true), ("power", true),
        ("off-chip", true), ("limited most by", false),
      ])
    for report in reports {
      let (totals, run) = (report.run.totals, report.run)
      let energy = totals.energy.total
      let (speedup, against) = (
        report.comparison.speedup, ratio(reference.run.totals.elapsed.value, totals.elapsed.value)
      )
      let each = run.samples.map { energy / Double($0) }
      table.add([
        .words(run.workload), .words(run.machine), .number(totals.elapsed.description, totals.elapsed.value),
        .number(run.throughput.map(rateText) ?? "–", run.throughput), .number(factorText(speedup), speedup),
        .number(factorText(against), against), .number(energy.description, energy.value),
        .number(each?.description ?? "–", each?.value),
        .number(totals.averagePower.description, totals.averagePower.value),
        .number(bytesText(totals.traffic.dram), Double(totals.traffic.dram.count)),
        .words(
          totals.topBound.map { "\($0.name) \(percentText(ratio(totals.byBound[$0].value, totals.elapsed.value)))" }
            ?? "–"),
      ])
    }
    return table.html
  }

  /// The times of operators on each machine; empty where the runs are not of the same operators.
  private static func operators(_ reports: [RunReport]) -> String {
    guard let first = reports.first, reports.count > 1, first.run.operators.count <= mostOperators,
      reports.allSatisfy({ $0.run.workload == first.run.workload && $0.asked == first.asked })
    else { return "" }
    // Transfers to a host that one machine has and another has not come after the workload's operators.
    let count = reports.map { $0.run.operators.filter { $0.dataType != nil }.count }.min() ?? 0
    guard
      reports.allSatisfy({ $0.run.operators.prefix(count).map(\.name) == first.run.operators.prefix(count).map(\.name) }
      )
    else { return "" }
    var table = HTMLTable(
      "operators-table",
      [("operator", false), ("kind", false), ("shape", false)] + reports.map { ($0.run.machine, true) }
        + reports.map { ("\($0.run.machine) bound", false) }, isSearchable: true)
    for index in 0..<count {
      let one = first.run.operators[index]
      let times = reports.map { report in
        report.run.operators[index].exposed * Double(report.run.operators[index].repeats)
      }
      table.add(
        [.words(one.name), .words(one.kind), .words(one.shape)] + times.map { .number($0.description, $0.value) }
          + reports.map { .words($0.run.estimate(of: $0.run.operators[index]).bound.name) })
    }
    return HTMLPage.paragraph("What each operator adds to the step, all its runs together; titles sort.") + table.html
  }

  /// Throughput over sparsity.
  public static func text(_ sweep: SweepReport) -> String {
    let last = sweep.series.compactMap(\.reports.last)
    var page = HTMLPage(
      title: "Throughput over the sparsity of weights",
      kicker: Set(sweep.series.compactMap { $0.reports.first?.run.workload }).sorted().joined(separator: ", "),
      lead: sweep.series.map { series in
        "\(series.name): \(factorText(series.gain)) from \(sweep.values.first ?? "") to \(sweep.values.last ?? ""), "
          + "of that \(factorText(series.lastGain)) in the last step."
      })
    var chart = Chart.sweep(sweep)
    chart.title = "Samples a second"
    var table = HTMLTable(
      "rates",
      [("workload", false), ("machine", false)] + sweep.values.map { ($0, true) }
        + [("gain", true), ("then limited most by", false)])
    for series in sweep.series {
      guard let run = series.reports.last?.run else { continue }
      table.add(
        [.words(run.workload), .words(run.machine)] + series.rates.map { .number(rateText($0), $0) }
          + [.number(factorText(series.gain), series.gain), .words(run.totals.topBound?.phrase ?? "–")])
    }
    page.add("Summary", HTMLPage.charts([chart]) + table.html)
    page.add("At \(sweep.values.last ?? "the last value")", HTMLPage.charts(endCharts(last)))
    page.add("What ran differently", notes(last.flatMap(\.machineDifferences)))
    page.add("Assumptions", assumptions(last))
    page.add("Repeat this", configuration(sweep.series.flatMap(\.reports)))
    return page.text
  }

  private static func endCharts(_ reports: [RunReport]) -> [Chart] {
    guard reports.count > 1 else { return reports.flatMap { Chart.charts(of: $0) } }
    return Chart.charts(of: reports)
  }

  /// What a study has found.
  public static func text(_ summary: StudySummary) -> String {
    var page = HTMLPage(
      title: summary.name, kicker: "Search through designs",
      lead: [
        summary.title,
        "\(countText(summary.feasible)) of \(plural(summary.points, "point")) are feasible, "
          + "and \(summary.front.count) of them are not beaten in every objective by another.",
      ].filter { !$0.isEmpty })
    let columns = summary.columns
    let shown = columns.columns.indices.filter { index in
      columns.columns[index].role == .parameter || columns.goals.contains { $0.column == columns.columns[index].name }
    }
    if var chart = Chart.front(summary) {
      chart.title = "Designs in the plane of the first two objectives"
      page.add("The front", HTMLPage.charts([chart]))
    }
    var designs = HTMLTable(
      "designs",
      [("point", true)]
        + shown.map { index in
          let isNumber = summary.front.allSatisfy { if case .text? = $0.cells[index] { false } else { true } }
          return (StudyReport.title(columns.columns[index].name), isNumber)
        },
      isSearchable: true)
    for point in summary.front {
      designs.add(
        [.number("\(point.index)", Double(point.index))]
          + shown.map { index in
            let cell = point.cells[index]
            let number: Double? = if case .number(let value)? = cell { value } else { nil }
            return .number(StudyReport.shownText(cell, columns.columns[index].name), number)
          })
    }
    page.add("Designs on the front", designs.html)
    if let first = summary.effects.first {
      var effects = HTMLTable(
        "effects", [("parameter", false)] + summary.effects.map { ($0.goal, true) })
      for (row, part) in first.parts.enumerated() {
        effects.add(
          [.words(part.parameter)]
            + summary.effects.map { .number(percentText($0.parts[row].fraction), $0.parts[row].fraction) })
      }
      page.add(
        "What matters",
        HTMLPage.paragraph("How much of each objective's variance a parameter explains by itself.") + effects.html)
    }
    page.add(
      "Why points are not feasible", HTMLPage.list(summary.reasons.map { "\($0.reason): \(countText($0.count))" }))
    return page.text
  }
}
