import Hardware
import Quantities
import Simulation
import Workloads

/// Reports for people.
public enum TableReport {
  /// The report in aligned columns with units, at most ``TableWidth`` wide.
  public static func text(_ report: Report) -> String {
    switch report {
    case .run(let report, let operators): run(report, operators)
    case .comparison(let reports): comparison(reports)
    case .schedule(let report): schedule(report)
    case .sweep(let report): sweep(report)
    case .machines(let machines): list(machines)
    case .machine(let machine): details(machine)
    case .area(let machine, let breakdown): area(machine, breakdown)
    case .trace(let report): trace(report)
    case .sparsity(let tensors, let others): sparsity(tensors, others)
    case .validation(let groups): errors(groups)
    case .traceValidation(let validation, let operators): trace(validation, operators)
    case .losses(let report): losses(report)
    }
  }

  // MARK: Machines

  private static func list(_ machines: [Machine]) -> String {
    var table = TextTable([
      .words("name"), .words("engine"), .words("title", cut: .end), .number("constants"), .number("assumed"),
    ])
    for machine in machines {
      table.add([
        machine.name, machine.architecture.name, machine.title, "\(machine.constants.count)",
        "\(machine.constants.count { $0.certainty == .assumed })",
      ])
    }
    return table.text()
  }

  private static func details(_ machine: Machine) -> String {
    var text = "\(machine.name): \(machine.title.printable) (\(machine.architecture.name))\n\n"
    // Everything is read in full.
    var table = TextTable([
      .words("constant"), .words("value", cut: .wrap), .words("kind"), .words("source", cut: .wrap),
    ])
    for constant in machine.constants {
      table.add([constant.path, constant.value, constant.certainty.rawValue, constant.source])
    }
    text += table.text()
    let counts = Certainty.allCases.compactMap { kind in
      let count = machine.constants.count { $0.certainty == kind }
      return count == 0 ? nil : "\(count) \(kind.rawValue)"
    }
    return text + "\n\(plural(machine.constants.count, "constant")): \(counts.joined(separator: ", "))\n"
      + unknowns(machine)
  }

  /// What is not known, with its alternatives.
  private static func unknowns(_ machine: Machine) -> String {
    guard !machine.variants.isEmpty else { return "" }
    return "\nunknown, and tried otherwise by 'lacuna validate'\n"
      + machine.variants.map { variant in
        wrapped(
          "\(variant.unknown): " + variant.values.map { "\($0.path) \($0.value)" }.joined(separator: ", "), indent: "  "
        )
      }.joined()
  }

  // MARK: Parts that several reports share

  static func heading(_ parts: [String]) -> String {
    parts.map(\.printable).joined(separator: " · ") + "\n"
  }

  static func notes(_ notes: [Difference]) -> String {
    section(
      "what ran differently from what was asked",
      notes.map { ($0.message, $0.count, $0.examples) })
  }

  static func skipped(_ parts: [Workload.Skipped]) -> String {
    section("parts of the trace that were skipped", parts.map { ($0.reason, $0.count, $0.examples) })
  }

  private static func section(_ title: String, _ lines: [(String, Int, [String])]) -> String {
    guard !lines.isEmpty else { return "" }
    return "\n\(title)\n"
      + lines.map { message, count, examples in
        let more = count > examples.count && !examples.isEmpty ? ", …" : ""
        let names = examples.isEmpty ? "" : " (\(examples.joined(separator: ", "))\(more))"
        return wrapped("\(message.printable), \(count)×\(names.printable)", indent: "  ")
      }.joined()
  }

  /// The text in lines of at most the table's width, indented, the later ones more.
  static func wrapped(_ text: String, indent: String = "") -> String {
    let lines = text.lines(of: TableWidth.current - indent.count - 2)
    return lines.enumerated().map { indent + ($0.offset == 0 ? "" : "  ") + $0.element + "\n" }.joined()
  }
}
