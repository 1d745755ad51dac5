import ArgumentParser
import Lacuna

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Imports and exports traces, and shows what they hold.",
    discussion: """
      From a recorded PyTorch run to a trace of lacuna's own, and a look into it:
        lacuna trace import recorded.json -o model.ltrace
        lacuna trace info model.ltrace
      """,
    subcommands: [
      Import.self, Export.self, Info.self, Cat.self, Compress.self, Decompress.self, Verify.self, Slice.self,
      Merge.self, Diff.self, Stats.self, Sparsity.self,
    ])

  /// Reads a trace; warnings go to standard error.
  private static func read(_ path: String, _ model: ModelArguments) throws(DiagnosticList) -> ImportedTrace {
    Console.progress("reading \(path)")
    let trace = try TraceReader.read(path, options: model.options)
    Console.progress("")
    Console.show(trace.warnings)
    return trace
  }

  struct Import: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Converts a trace or a model description into lacuna's own format.",
      discussion: """
        One decoded token after 4096 others:
          lacuna trace import config.json --phase decode --context 4096 -o llama-decode.jsonl

        An output that ends in .ltrace is a container, one that ends in .zst is compressed text. What was read is then shown as by 'trace info'.
        """)

    @Argument(help: "The input in any format that is read; - for standard input.", completion: .file())
    var input: String

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The file to write; - for standard output.", valueName: "file"),
      completion: .file())
    var output: String

    @Option(help: "Expand a forward pass into a training step with this optimizer.")
    var optimizer: WeightUpdate.Optimizer?

    @OptionGroup(title: "Model descriptions")
    var model: ModelArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      var trace = try TraceCommand.read(input, model)
      if let optimizer {
        guard !trace.workload.isTraining else {
          throw DiagnosticList(
            Diagnostic(
              .unsupportedOperator, "'\(trace.workload.name)' is a training step already: it holds a backward pass",
              help: "leave --optimizer out"))
        }
        trace.workload = trace.workload.expandedToTraining(optimizer: optimizer)
      }
      if output == "-" {
        try Console.output(TraceWriter.jsonLines(trace.workload))
      } else {
        try TraceWriter.write(trace.workload, to: output)
        try Console.output(Report.trace(TraceReport(trace)).text(as: .table))
      }
    }
  }

  struct Export: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a trace in a format that others read.",
      discussion: """
        A table for a data frame, and a topology that SCALE-Sim runs:
          lacuna trace export resnet50.jsonl.zst --format csv -o resnet50.csv
          lacuna trace export resnet50.jsonl.zst --format scale-sim -o resnet50-topology.csv

        What a format cannot hold is said.
        """)

    @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
    var trace: String

    @Option(help: "The format to write.")
    var format: TraceExport.Format

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The file to write; - for standard output.", valueName: "file"),
      completion: .file())
    var output: String

    @OptionGroup(title: "Model descriptions")
    var model: ModelArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let export = try TraceExport(try TraceCommand.read(trace, model).workload, as: format)
      Console.show(export.warnings)
      guard output != "-" else { return try Console.output(export.bytes) }
      try OutputFile.write(export.bytes, to: output)
      try Console.output("\(export.rows) rows\n")
    }
  }

  struct Info: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows what a trace holds: its kinds, its sparse layers, its largest operators.",
      discussion: """
        How many multiply-accumulates does a trace have?
          lacuna trace info bert-large.jsonl.zst --format json | jq .dense_macs
        """)

    @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
    var trace: String

    @OptionGroup(title: "Model descriptions")
    var model: ModelArguments

    @OptionGroup var output: FormatArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let imported = try TraceCommand.read(trace, model)
      try Console.output(Report.trace(TraceReport(imported, path: trace)).text(as: output.format))
    }
  }

  struct Cat: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the operators of a trace as JSON Lines.",
      discussion: """
        The third to fifth operator:
          lacuna trace cat bert-large.jsonl.zst --range '2..<5'

        Dependencies on operators outside of the range are left out.
        """)

    @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
    var trace: String

    @Option(help: ArgumentHelp("Only these operators, counted from 0.", valueName: "a..<b"))
    var range: OperatorRange?

    @Option(help: ArgumentHelp("Only the first operators.", valueName: "count"))
    var head: Int?

    @OptionGroup(title: "Model descriptions")
    var model: ModelArguments

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      if range != nil, head != nil { throw ValidationError("give either --range or --head") }
      if let head, head < 0 { throw ValidationError("--head is \(head); it must be at least 0") }
    }

    func run() throws {
      // Of a container, only what is asked for is read.
      guard let container = try? TraceContainer(path: trace) else {
        let workload = try TraceCommand.read(trace, model).workload
        let wanted = try wanted(workload.operators.count)
        return try Console.output(TraceWriter.jsonLines(workload.part(wanted)))
      }
      try container.writeJSONLines(try wanted(container.operatorCount)) { (text) throws(DiagnosticList) in
        try Console.output(text)
      }
    }

    private func wanted(_ count: Int) throws(DiagnosticList) -> Range<Int> {
      let wanted = range?.indices ?? 0..<(head ?? count)
      try TraceCommand.check(wanted, of: count, in: trace)
      return wanted.clamped(to: 0..<count)
    }
  }
}

/// Operators counted from 0, as `2..<5`.
struct OperatorRange: ExpressibleByArgument {
  var indices: Range<Int>

  init?(argument: String) {
    let parts = argument.split(separator: "..<", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let lower = parts[0], let upper = parts[1], 0 <= lower, lower <= upper else { return nil }
    indices = lower..<upper
  }
}
