import Workloads

extension TableReport {
  /// Groups that a table lists.
  private static let mostGroups = 8
  private static let mostSparse = 16

  /// What a trace holds: kinds, sparse layers, the largest operators, how it is stored, and what was skipped.
  static func trace(_ report: TraceReport) -> String {
    let workload = report.workload
    let summary = TraceSummary(workload)
    var text = heading(
      [workload.name, report.format] + (workload.samples.map { [plural($0, "sample")] } ?? []))
    text += wrapped("from \(workload.source)")
    if let storage = report.storage {
      let blocks = storage.blocks.map { " in \(plural($0, "block"))" } ?? ""
      text += wrapped(
        "stored in \(bytesText(storage.file))\(blocks): \(factorText(storage.ratio)) smaller than "
          + "\(bytesText(storage.text)) of JSON Lines")
    }
    text += "\n" + kinds(summary) + sparse(summary) + largest(summary)
    return text + skipped(workload.skipped)
  }

  private static func kinds(_ summary: TraceSummary) -> String {
    var table = TextTable([
      .words("kind"), .words("phase"), .words("types"), .number("in trace"), .number("unique"), .number("runs"),
      .number("MACs"), .number("share"), .number("bytes"),
    ])
    let total = Double(summary.macs)
    for row in summary.rows {
      table.add([
        row.kind, row.phase.rawValue, row.types.map(\.rawValue).joined(separator: ", "), "\(row.operators)",
        "\(row.unique)", countText(row.runs), row.macs == 0 ? "–" : countText(row.macs),
        row.macs == 0 ? "–" : percentText(ratio(Double(row.macs), total)), bytesText(row.bytes),
      ])
    }
    table.add([
      "total", "", "", "\(summary.operators)", "\(summary.unique)", countText(summary.runs), countText(summary.macs),
      "",
      bytesText(summary.bytes),
    ])
    return table.text() + "\n\(countText(summary.weights)) weights; bytes are operands and results, each once a run\n"
  }

  private static func sparse(_ summary: TraceSummary) -> String {
    let groups = summary.sparse
    guard !groups.isEmpty else { return "" }
    var table = TextTable([
      .words("sparse", cut: .middle), .words("pattern", cut: .end), .number("in trace"), .number("runs"),
      .number("share of MACs"), .number("weights kept"),
    ])
    for group in groups.prefix(mostSparse) {
      table.add([
        group.name, group.sparsity.text, "\(group.operators)", countText(group.runs),
        percentText(ratio(Double(group.macs), Double(summary.macs))),
        group.weights == 0 ? "–" : percentText(group.keptWeights.flatMap { ratio($0, Double(group.weights)) }),
      ])
    }
    let share = ratio(Double(groups.reduce(0) { $0 + $1.macs }), Double(summary.macs))
    let hidden = groups.count > mostSparse ? "… and \(groups.count - mostSparse) more\n" : ""
    return "\n" + table.text() + hidden + "\(percentText(share)) of the MACs have a sparse operand\n"
  }

  private static func largest(_ summary: TraceSummary) -> String {
    let groups = summary.largest.filter { $0.macs > 0 }
    guard groups.count > 1 else { return "" }
    var table = TextTable([
      .words("largest", cut: .middle), .words("shape", cut: .end), .number("in trace"), .number("runs"),
      .number("MACs"), .number("share"),
    ])
    for group in groups.prefix(mostGroups) {
      table.add([
        group.name, group.shape, "\(group.operators)", countText(group.runs), countText(group.macs),
        percentText(ratio(Double(group.macs), Double(summary.macs))),
      ])
    }
    let rest = groups.dropFirst(mostGroups)
    guard !rest.isEmpty else { return "\n" + table.text() }
    let macs = rest.reduce(0) { $0 + $1.macs }
    table.add([
      "\(rest.count) other\(rest.count == 1 ? "" : "s")", "", "\(rest.reduce(0) { $0 + $1.operators })",
      countText(rest.reduce(0) { $0 + $1.runs }), countText(macs),
      percentText(ratio(Double(macs), Double(summary.macs))),
    ])
    return "\n" + table.text()
  }
}
