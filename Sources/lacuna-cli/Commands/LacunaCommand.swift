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
    version: version,
    subcommands: [
      SimulateCommand.self, CompareCommand.self, ExplainCommand.self, ExploreCommand.self, HardwareCommand.self,
      ValidateCommand.self, SchemaCommand.self,
      TraceCommand.self,
    ])

  /// The version, and the commit where an installation has it beside the program.
  private static var version: String {
    let commit = ShippedFolder("Build", suffix: "", in: nil).path(of: "commit").flatMap { try? InputFile.load($0) }
    let name = commit.map { String(decoding: $0.bytes, as: UTF8.self).filter { !$0.isWhitespace } }
    return "lacuna \(Version.current)" + (name.map { " (\($0))" } ?? "")
  }
}
