import ArgumentParser
import Lacuna

struct CompareCommand: LeafCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Runs traces on several machines, a row each.",
    discussion: """
      ResNet-50 with 16 times fewer weights on three machines, the first of which is the reference:
        lacuna compare resnet50.jsonl.zst --hardware s4,t4,h200 --sparsity weights=16x

      What does pruning further bring, and where does it stop? As a table, or as a chart:
        lacuna compare resnet50.jsonl.zst --hardware s4,t4 --sweep sparsity=1x..32x
        lacuna compare resnet50.jsonl.zst bert-large.jsonl.zst --hardware s4 --sweep sparsity=1x..32x --format svg
      """)

  @Argument(help: "Traces in any format that is read; - for standard input.", completion: .file())
  var traces: [String]

  @OptionGroup var changes: ChangeArguments

  @Option(
    help: ArgumentHelp("Machines or descriptions, separated by commas; may be repeated.", valueName: "names|files"),
    completion: .machines)
  var hardware: [String]

  @Option(
    help: ArgumentHelp(
      "Patterns of all weights, one after the other: sparsity=1x..32x doubles, sparsity=dense,2:4,16x are these.",
      valueName: "sweep"), completion: .list(["sparsity=1x..32x", "sparsity=dense,2:4"]))
  var sweep: Sweep?

  @Option(help: "How the result is written; svg for a sweep.")
  var format: PictureFormat = .table

  @OptionGroup var console: ConsoleArguments

  private var names: [String] { hardware.flatMap { $0.split(separator: ",").map(String.init) } }

  func validate() throws {
    guard !names.isEmpty else { throw ValidationError("--hardware names no machine") }
    guard traces.filter({ $0 == "-" }).count <= 1 else { throw ValidationError("standard input can be read once only") }
    if format == .svg, sweep == nil { throw ValidationError("--format svg draws a sweep; add --sweep") }
    if traces.contains("-"), sweep != nil { throw ValidationError("a sweep reads its traces again; name files") }
  }

  func run() throws {
    let machines = try collectingProblems(names) { (name) throws(DiagnosticList) in try Machine(named: name) }
    guard let sweep else {
      let runs = try traces.flatMap { trace in try reports(of: try changes.study(of: trace), on: machines) }
      Console.progress("")
      return try Console.output(text(.comparison(runs)))
    }
    var series: [SweepReport.Series] = []
    for trace in traces {
      let points = try sweep.values.enumerated().map { index, value in
        try reports(of: try changes.study(of: trace, rule: "weights=\(value)", isAgain: index > 0), on: machines)
      }
      series += machines.indices.map { index in SweepReport.Series(reports: points.map { $0[index] }) }
    }
    Console.progress("")
    let report = SweepReport(values: sweep.values, series: series)
    try Console.output(format == .svg ? SweepChart.text(report) : text(.sweep(report)))
  }

  /// A study on each machine.
  private func reports(of study: Study, on machines: [Machine]) throws(DiagnosticList) -> [RunReport] {
    let options = changes.simulation
    return try collectingProblems(Array(machines.enumerated())) { (entry) throws(DiagnosticList) in
      Console.progress("simulating on \(entry.element.name), \(entry.offset + 1) of \(machines.count)")
      return try study.run(on: entry.element, options: options)
    }
  }

  private func text(_ report: Report) -> String {
    switch format {
    case .table, .svg: report.text(as: .table)
    case .json: report.text(as: .json)
    case .csv: report.text(as: .csv)
    }
  }
}

/// Patterns of weights, one after the other: `sparsity=1x..32x`, or `sparsity=dense,2:4`.
struct Sweep: ExpressibleByArgument {
  var values: [String]

  init?(argument: String) {
    guard argument.hasPrefix("sparsity=") else { return nil }
    let list = argument.dropFirst("sparsity=".count)
    let ends = list.split(separator: ".", omittingEmptySubsequences: false)
    guard ends.count == 3, ends[1].isEmpty else {
      // Commas within parentheses belong to a pattern.
      var values: [String] = [""]
      var depth = 0
      for character in list {
        if character == "(" { depth += 1 } else if character == ")" { depth -= 1 }
        if character == ",", depth == 0 { values.append("") } else { values[values.count - 1].append(character) }
      }
      guard values.allSatisfy({ !$0.isEmpty }) else { return nil }
      self.values = values
      return
    }
    func rate(_ text: Substring) -> Int? { text.hasSuffix("x") ? Int(text.dropLast()) : nil }
    guard let low = rate(ends[0]), let high = rate(ends[2]), low >= 1, high >= low, high <= 1 << 20 else { return nil }
    var values: [String] = []
    var value = low
    while value <= high {
      values.append("\(value)x")
      value *= 2
    }
    self.values = values
  }
}
