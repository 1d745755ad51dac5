import ArgumentParser
import Lacuna

struct SimulateCommand: LeafCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs a trace on one machine, beside the same trace without patterns.",
    discussion: """
      BERT with 2:4 weights on an H200:
        lacuna simulate bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4

      A training step with weights pruned in both directions:
        lacuna simulate resnet18.jsonl.zst --hardware sat --training bdwp --sparsity weights=2:8

      A whole run of them, dense at first:
        lacuna simulate resnet18.jsonl.zst --hardware sat --training bdwp --schedule dense=1000,2:8=9000
      """)

  @OptionGroup var workload: WorkloadArguments

  @Option(
    help: ArgumentHelp("A machine of 'lacuna hardware list', or a description.", valueName: "name|file"),
    completion: .machine)
  var hardware: String

  @Option(
    help: ArgumentHelp(
      "A whole training run: what to prune to, and for how many steps.",
      discussion: "\(TrainingSchedule.grammar); decay halves what is kept until N of M are left.",
      valueName: "phases"), completion: .list(["dense=1000,2:8=9000", "decay(2:8)=10000"]))
  var schedule: String?

  @Option(help: ArgumentHelp("How many kinds of operators the table lists.", valueName: "count|all"))
  var operators: Report.OperatorLimit = .first(15)

  @Option(
    help: ArgumentHelp(
      "Write what each unit does when, for ui.perfetto.dev; needs --fidelity event.", valueName: "file"),
    completion: .file())
  var timeline: String?

  @Option(
    help: ArgumentHelp(
      "On a systolic array: also write SCALE-Sim's report files, as far as they can be filled.", valueName: "folder"),
    completion: .directory)
  var scaleSim: String?

  @OptionGroup var output: FormatArguments

  @OptionGroup var console: ConsoleArguments

  func validate() throws {
    if timeline != nil, workload.simulation.fidelity != .event || schedule != nil {
      throw ValidationError("--timeline needs --fidelity event, and a single step")
    }
    if schedule != nil, scaleSim != nil { throw ValidationError("--scale-sim reports on one run, not on a --schedule") }
    if schedule != nil, workload.changes.training == nil {
      throw ValidationError("--schedule needs --training, what prunes")
    }
  }

  func run() throws {
    let machine = try Machine(named: hardware)
    if let schedule, let method = workload.changes.training {
      let study = try workload.changes.study(
        try TrainingSchedule(parsing: schedule), of: workload.trace, by: method)
      let report = try study.run(on: machine, options: workload.simulation)
      return try Console.output(Report.schedule(report).text(as: output.format))
    }
    let study = try workload.study()
    Console.progress("simulating on \(machine.name)")
    let report = try study.run(on: machine, options: workload.simulation)
    if let timeline {
      Console.progress("writing \(timeline)")
      let warnings = try study.writeTimeline(on: machine, options: workload.simulation, to: timeline)
      Console.progress("")
      Console.show(warnings)
    }
    Console.progress("")
    if let scaleSim {
      // SCALE-Sim runs every layer by itself.
      var options = workload.simulation
      options.residency = .isolated
      try writeScaleSim(try Simulator.simulate(study.workload, on: machine, options: options), scaleSim)
    }
    try Console.output(Report.run(report, operators: operators).text(as: output.format))
  }
}

private func writeScaleSim(_ run: RunResult, _ folder: String) throws(DiagnosticList) {
  guard let files = ScaleSimReport.files(run) else {
    throw DiagnosticList(
      Diagnostic(
        .unsupportedOperator, "\(run.machine) ran nothing on a systolic array, which is what SCALE-Sim reports on",
        help: "leave --scale-sim out, or take a systolic array"))
  }
  try OutputFile.makeFolder(folder)
  for file in files { try OutputFile.write(Array(file.text.utf8), to: folder + "/" + file.name) }
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
