public import ArgumentParser
public import Lacuna
import Synchronization

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Searches the designs of a machine for the best ones.",
    discussion: """
      What would a run of this study do, and how long would it take?
        lacuna explore study.yaml --dry-run

      Runs it into a store of results; after a kill, the same with --resume goes on:
        lacuna explore study.yaml -o results.sqlite
        lacuna explore study.yaml -o results.sqlite --resume

      What came out?
        lacuna explore show results.sqlite
        lacuna explore pareto results.sqlite --format svg > front.svg

      The same points on many machines, and their results together again:
        lacuna explore study.yaml --shard 3/16 > part3.jsonl
        lacuna explore merge study.yaml part*.jsonl -o together.sqlite
      """,
    subcommands: [
      RunCommand.self, PlanCommand.self, MergeCommand.self, ShowCommand.self, ParetoCommand.self, BestCommand.self,
      ExportCommand.self,
    ], defaultSubcommand: RunCommand.self)
}

extension ExploreCommand {
  struct StudyArguments: ParsableArguments {
    @Argument(help: "The study, a YAML file.", completion: .file())
    var study: String

    @Option(help: ArgumentHelp("Points evaluated at once (default: one for each processor).", valueName: "count"))
    var threads: Int?

    func explorer() throws(DiagnosticList) -> Explorer {
      Explorer(try DesignStudy(path: study), program: Version.current, threads: threads)
    }

    func validate() throws {
      if let threads, !(1...4096).contains(threads) { throw ValidationError("--threads goes from 1 to 4096") }
    }
  }

  struct RunCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "run", abstract: "Evaluates the points of a study (default).",
      discussion: """
        What would a run do, and how long would it take?
          lacuna explore run study.yaml --dry-run

        Into a store of results, and on with it after a kill:
          lacuna explore run study.yaml -o designs.sqlite
          lacuna explore run study.yaml -o designs.sqlite --resume
        """)

    @OptionGroup var arguments: StudyArguments

    @Option(
      name: [.customShort("o"), .long], help: ArgumentHelp("The store of results to fill.", valueName: "file"),
      completion: .file())
    var output: String?

    @Flag(help: "Go on with the store of an earlier run.")
    var resume = false

    @Flag(help: "Say what a run would do, and do nothing.")
    var dryRun = false

    @Option(
      help: ArgumentHelp("Evaluate only this part of the points, and print a line of JSON for each.", valueName: "i/n"))
    var shard: Explorer.Shard?

    @Option(
      help: ArgumentHelp(
        "Evaluate the points of a plan, - for standard input, and print a line of JSON for each.", valueName: "file"),
      completion: .file())
    var points: String?

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      let ways = [output != nil, dryRun, shard != nil, points != nil].count { $0 }
      guard ways == 1 else {
        throw ValidationError("give one of -o, --dry-run, --shard and --points")
      }
      if resume, output == nil { throw ValidationError("--resume goes on with the store that -o names") }
    }

    func run() throws {
      Console.progress("reading \(arguments.study)")
      let explorer = try arguments.explorer()
      Console.progress("")
      if shard != nil { try explorer.checkDivides() }
      if dryRun { return try Console.output(StudyReport.text(explorer.preview())) }
      if let output { return try fill(output, explorer) }
      try Console.output(PointLine.header(explorer))
      var waiting: [(index: Int, values: [Value?])] = []
      if let points {
        try PointLine.forEachPoint(in: try InputFile.load(points), of: explorer) { index, values, _ in
          waiting.append((index, values))
        }
      }
      var progress = Progress("evaluating", counting: "points")
      var done = 0
      let total = shard.map { explorer.total / $0.count } ?? waiting.count
      let print = { (results: [PointResult]) throws(DiagnosticList) in
        try Console.output(results.map { PointLine.line($0, in: explorer.study) }.joined())
        done += results.count
        progress.show(done, of: max(done, total))
      }
      if let shard { try explorer.run(shard, print) } else { try explorer.run(waiting, print) }
      Console.progress("")
    }

    private func fill(_ path: String, _ explorer: Explorer) throws(DiagnosticList) {
      let store = try ResultStore(path, for: explorer.study, identity: explorer.identity, resumes: resume)
      let progress = Mutex(Progress("evaluating", counting: "points"))
      try explorer.run(into: store) { state in
        progress.withLock { $0.show(state.done, of: state.total, worked: state.evaluated) }
      }
      Console.progress("")
      try store.close()
    }
  }

  struct PlanCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "plan", abstract: "Prints the points of a study, a line of JSON for each.",
      discussion: """
        The points as lines, and their results as lines:
          lacuna explore plan study.yaml | lacuna explore run study.yaml --points - > results.jsonl
        """)

    @OptionGroup var arguments: StudyArguments

    @Option(help: ArgumentHelp("Only this part of the points.", valueName: "i/n"))
    var shard: Explorer.Shard?

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let explorer = try arguments.explorer()
      try explorer.checkDivides()
      try Console.output(PointLine.header(explorer))
      guard let shard = shard ?? Explorer.Shard(1, of: 1) else { return }
      var text = ""
      try explorer.forEachPoint(of: shard) { (index, values) throws(DiagnosticList) in
        text += PointLine.line(index, values, in: explorer.study)
        guard text.utf8.count > 1 << 16 else { return }
        try Console.output(text)
        text = ""
      }
      try Console.output(text)
    }
  }

  struct MergeCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "merge", abstract: "Puts the results of all parts into one store.",
      discussion: """
        What four processes found, in one store:
          lacuna explore merge study.yaml part1.jsonl part2.jsonl part3.jsonl part4.jsonl -o merged.sqlite
        """)

    @OptionGroup var arguments: StudyArguments

    @Argument(help: "What the parts printed, in any order; - for standard input.", completion: .file())
    var parts: [String]

    @Option(
      name: [.customShort("o"), .long], help: ArgumentHelp("The store of results to make.", valueName: "file"),
      completion: .file())
    var output: String

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let explorer = try arguments.explorer()
      let sources = try collectingProblems(parts) { (path) throws(DiagnosticList) in try InputFile.load(path) }
      try explorer.merge(sources) { () throws(DiagnosticList) in
        try ResultStore(output, for: explorer.study, identity: explorer.identity, resumes: false)
      }
    }
  }
}

extension Explorer.Shard: ExpressibleByArgument {
  /// Reads `3/16`.
  public init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1] else { return nil }
    self.init(index, of: count)
  }
}
