import Quantities
import Validation

extension TableReport {
  /// A table for each file: a line a group.
  static func errors(_ groups: [ErrorGroup]) -> String {
    var files: [(file: String, machine: String)] = []
    for group in groups where !files.contains(where: { $0 == (group.file, group.machine) }) {
      files.append((group.file, group.machine))
    }
    var text = ""
    if groups.contains(where: { !$0.isPublished }) {
      text += wrapped(
        "Errors are means of |predicted / measured − 1|, bias is the geometric mean of predicted / measured, worst is one "
          + "row's time. Bars count rows by predicted / measured time: "
          + bars() + ".")
    }
    if groups.contains(where: \.isPublished) {
      text += wrapped(
        "Published figures stand one by one. Where their sources spread, 'within' is between them, and an error is the "
          + "distance to the nearer one.")
    }
    for (file, machine) in files {
      let members = groups.filter { $0.file == file && $0.machine == machine }
      let noun = members.contains(where: \.isPublished) ? "published figure" : "measurement"
      text +=
        "\n"
        + heading(
          [file, "simulated on \(machine)", plural(rows(members), noun)]
            + (commonMetric(members).map { [$0.rawValue] } ?? []))
      let predicted = members.filter { !$0.metrics.isEmpty }
      if members.contains(where: \.isPublished) {
        text += figures(members)
      } else if !predicted.isEmpty {
        text += table(predicted).text()
      }
      for group in members { text += notModelled(group) }
    }
    return text
  }

  private static func bars() -> String {
    let limits = ErrorGroup.histogramLimits.map { formatSignificant($0, digits: 3) }
    let between = zip(limits, limits.dropFirst()).map { "\($0)–\($1)" }
    return (["< \(limits.first ?? "")"] + between + ["> \(limits.last ?? "")"]).joined(separator: ", ")
  }

  private static func rows(_ groups: [ErrorGroup]) -> Int { groups.reduce(0) { $0 + $1.measurements.count } }

  private static func table(_ groups: [ErrorGroup]) -> TextTable {
    let measured = Metric.allCases.filter { metric in groups.contains { $0.statistics(metric) != nil } }
    // Energy is time × power.
    let others = measured.filter { $0 != .time && !($0 == .power && measured.contains(.energy)) }
    var table = TextTable(
      [
        .words("type"), .words("weights"), .words("class", cut: .end), .number("rows"), .number("time"),
        .number("bias"),
      ]
        + [.number("worst"), .words("in line", cut: .end), .words("")]
        + others.flatMap { [.number($0.title), TextTable.Column.number("bias")] })
    for group in groups {
      guard let time = group.statistics(.time) else { continue }
      let cells = others.flatMap { metric in
        let errors = group.statistics(metric)
        return [percentText(errors?.meanError), errors.map { factorText($0.bias) } ?? ""]
      }
      table.add(
        [
          group.dataType, group.variant, group.category, "\(time.count)", percentText(time.meanError),
          factorText(time.bias), signed(time.worstError), "\(time.worst.line): \(time.worst.label)",
          histogram(group.histogram),
        ] + cells)
    }
    return table
  }

  static func signed(_ error: Double) -> String {
    (error < 0 ? "−" : "+") + percentText(error.magnitude)
  }

  /// A bar a count, the highest one full.
  private static func histogram(_ counts: [Int]) -> String {
    let bars = Array("▁▂▃▄▅▆▇█")
    guard let highest = counts.max(), highest > 0 else { return "" }
    return String(
      counts.map { count in
        count == 0 ? "·" : bars[(count * (bars.count - 1) + highest / 2) / highest]
      })
  }

  private static func notModelled(_ group: ErrorGroup) -> String {
    let reasons = group.notModelled
    guard let first = reasons.first else { return "" }
    let count = reasons.reduce(0) { $0 + $1.count }
    let like = reasons.count > 1 ? " (and \(reasons.count - 1) reasons like it)" : ""
    return wrapped(
      "not modelled: \(plural(count, "measurement")) of \(group.dataType)/\(group.variant)/\(group.category): "
        + "\(first.reason.printable)\(like)")
  }
}

extension Metric {
  fileprivate var title: String {
    switch self {
    case .time, .power, .energy, .clock, .speedup, .throughput: rawValue
    case .l2Read: "L2 read"
    case .dramRead: "DRAM read"
    }
  }
}
