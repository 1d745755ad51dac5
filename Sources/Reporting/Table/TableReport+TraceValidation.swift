import Quantities
import Validation
import Workloads

extension TableReport {
  /// A timed trace beside the simulation: operators that are alike, longest first, then kinds and what is not compared.
  static func trace(_ validation: TraceValidation, _ limit: Report.OperatorLimit) -> String {
    let compared = validation.longestFirst.filter { $0.times != nil }
    var text = heading(
      [
        validation.workload, "simulated on \(validation.machine)",
        plural(validation.total?.runs ?? 0, "timed operator"),
      ])
    text += wrapped("from \(validation.source.printable)") + "\n"
    let shown =
      switch limit {
      case .all: compared.count
      case .first(let count): min(count, compared.count)
      }
    var table = TextTable([
      .words("kind"), .words("phase"), .words("shape", cut: .end), .words("type"), .number("count"),
      .number("measured"), .number("predicted"), .number("error"),
    ])
    for signature in compared.prefix(shown) {
      guard let times = signature.times else { continue }
      let op = signature.example
      table.add([
        op.kind.name, op.phase.shortName, op.kind.shapeDescription, op.dataType.rawValue, "×\(times.runs)",
        times.measured.description, times.predicted.description, signed(times.error),
      ])
    }
    text += table.text()
    if shown < compared.count { text += "… \(plural(compared.count - shown, "more kind")) of operator\n" }
    text += "\n" + kinds(validation)
    let others = validation.longestFirst.filter { $0.times == nil }
    if !others.isEmpty {
      text += "\nnot compared: \(validation.notCompared) measured\n"
      for other in others {
        let op = other.example
        text += wrapped(
          "\(other.runs)× \(op.kind.name) \(op.kind.shapeDescription), \(op.dataType.rawValue) (\(op.name)): "
            .printable + (other.notCompared ?? "").printable, indent: "  ")
      }
    }
    return text + skipped(validation.skipped)
  }

  private static func kinds(_ validation: TraceValidation) -> String {
    var table = TextTable([
      .words("by kind"), .number("count"), .number("measured"), .number("predicted"), .number("error"),
      .number("mean |error|"), .number("by time"),
    ])
    func add(_ title: String, _ times: TraceValidation.Times) {
      table.add([
        title, "\(times.runs)", times.measured.description, times.predicted.description, signed(times.error),
        percentText(times.meanError), percentText(times.timeWeightedError),
      ])
    }
    for (kind, times) in validation.kinds { add(kind, times) }
    if let total = validation.total { add("total", total) }
    return table.text()
  }
}

extension TraceValidation {
  /// Its signatures, those with most measured time first.
  var longestFirst: [Signature] {
    signatures.enumerated().sorted { ($1.element.measured, $0.offset) < ($0.element.measured, $1.offset) }.map(
      \.element)
  }
}
