import ArgumentParser
import Lacuna

struct LacunaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lacuna",
    abstract: "Simulates sparse accelerators: time, traffic and energy of real networks, and what limits them.",
    discussion: """
      What does 2:4 sparsity buy BERT on an H200?
        lacuna simulate bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4

      Results go to standard output, problems to standard error. The exit status is 0 when all went well, 1 when the \
      run failed and 2 for bad input or usage.
      """,
    version: "lacuna \(Version.current)",
    subcommands: [
      SimulateCommand.self, CompareCommand.self, ExplainCommand.self, ExploreCommand.self, HardwareCommand.self,
      ValidateCommand.self, SchemaCommand.self,
      TraceCommand.self,
    ])
}
