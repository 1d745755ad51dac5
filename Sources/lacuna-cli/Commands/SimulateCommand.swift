import ArgumentParser
import Lacuna

struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs a trace on one machine, beside the same trace without patterns.",
    discussion: """
      BERT with 2:4 weights on an H200:
        lacuna simulate bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4

      A training step with weights pruned in both directions:
        lacuna simulate resnet18.jsonl.zst --hardware sat --training bdwp --sparsity weights=2:8
      """)

  @OptionGroup var workload: WorkloadArguments

  @Option(help: ArgumentHelp("A machine of 'lacuna hardware list', or a description.", valueName: "name|file"))
  var hardware: String

  @Option(help: ArgumentHelp("How many kinds of operators the table lists.", valueName: "count|all"))
  var operators: Report.OperatorLimit = .first(15)

  @OptionGroup var output: FormatArguments

  func run() throws {
    let machine = try Machine(named: hardware)
    let study = try workload.study()
    Console.progress("simulating on \(machine.name)")
    let report = try study.run(on: machine, options: workload.simulation)
    Console.progress("")
    try Console.output(Report.run(report, operators: operators).text(as: output.format))
  }
}

/// What `body` makes of each input, or the problems of all inputs together.
func collectingProblems<Input, Output>(
  _ inputs: [Input], _ body: (Input) throws(DiagnosticList) -> Output
) throws(DiagnosticList) -> [Output] {
  var outputs: [Output] = []
  var problems: [Diagnostic] = []
  for input in inputs {
    do {
      outputs.append(try body(input))
    } catch {
      problems += error.diagnostics
    }
  }
  guard problems.isEmpty else { throw DiagnosticList(problems) }
  return outputs
}
