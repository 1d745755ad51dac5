import ArgumentParser
import Lacuna

extension ExploreCommand {
  struct StoreArguments: ParsableArguments {
    @Argument(help: "A store of results.", completion: .file())
    var store: String
  }

  struct ShowCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Says what a study has found, or everything about one of its points.",
      discussion: """
        What came out, and one of the designs as a description:
          lacuna explore show results.sqlite
          lacuna explore show results.sqlite --point 3 --machine > mine.yaml
        """)

    @OptionGroup var arguments: StoreArguments

    @Option(help: ArgumentHelp("Only this point.", valueName: "index"))
    var point: Int?

    @Flag(help: "Print the point's machine as a description that --hardware takes.")
    var machine = false

    @Option(help: "How the result is written: table or json.")
    var format: Report.Format = .table

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      if machine, point == nil { throw ValidationError("--machine prints the machine of a point; add --point") }
      if format == .csv { throw ValidationError("'lacuna explore export' prints the points as CSV") }
    }

    func run() throws {
      let results = try StoredResults(arguments.store)
      guard let index = point else {
        let summary = try StudySummary(results)
        return try Console.output(format == .json ? StudyReport.json(summary) : StudyReport.text(summary))
      }
      guard let point = try results.point(at: index) else {
        throw DiagnosticList(
          Diagnostic(
            .outOfRange, "\(arguments.store) has no point \(index)", help: "lacuna explore export lists all of them"))
      }
      if machine { return try Console.output(try results.machineText(of: point)) }
      try Console.output(
        format == .json
          ? StudyReport.json([point], results.columns) : StudyReport.text(point, of: results.columns))
    }
  }

  struct ParetoCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "pareto", abstract: "Prints the designs that no other beats in every objective.",
      discussion: """
        As a table, and as a picture:
          lacuna explore pareto results.sqlite
          lacuna explore pareto results.sqlite --format svg > front.svg
        """)

    @OptionGroup var arguments: StoreArguments

    @Option(help: "How the result is written.")
    var format: PictureFormat = .table

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let summary = try StudySummary(try StoredResults(arguments.store))
      let columns = summary.columns
      switch format {
      case .table: try Console.output(StudyReport.text(summary.front, columns))
      case .json: try Console.output(StudyReport.json(summary.front, columns))
      case .csv:
        try Console.output(StudyReport.csvHeader(columns) + summary.front.map(StudyReport.csvLine).joined())
      case .svg:
        guard columns.goals.count > 1 else {
          throw DiagnosticList(
            Diagnostic(
              .unsupportedOperator, "a front of one objective is a point, not a picture",
              help: "use 'lacuna explore best', or give the study a second objective"))
        }
        try Console.output(FrontChart.text(summary))
      }
    }
  }

  struct BestCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "best", abstract: "Prints the best designs by one objective.",
      discussion: """
        The five fastest designs:
          lacuna explore best results.sqlite --objective time --count 5
        """)

    @OptionGroup var arguments: StoreArguments

    @Option(help: ArgumentHelp("The objective (default: the first).", valueName: "name"))
    var objective: String?

    @Option(help: ArgumentHelp("How many.", valueName: "count"))
    var count = 10

    @Option(help: "How the result is written.")
    var format: Report.Format = .table

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      guard (1...100_000).contains(count) else { throw ValidationError("--count goes from 1 to 100000") }
    }

    func run() throws {
      let results = try StoredResults(arguments.store)
      let points = try results.best(count, by: objective)
      switch format {
      case .table: try Console.output(StudyReport.text(points, results.columns))
      case .json: try Console.output(StudyReport.json(points, results.columns))
      case .csv:
        try Console.output(StudyReport.csvHeader(results.columns) + points.map(StudyReport.csvLine).joined())
      }
    }
  }

  struct ExportCommand: LeafCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Prints all points with their results as CSV.",
      discussion: """
        All points for a data frame:
          lacuna explore export results.sqlite > results.csv
        """)

    @OptionGroup var arguments: StoreArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let results = try StoredResults(arguments.store)
      var text = StudyReport.csvHeader(results.columns)
      try results.forEachPoint { point in
        text += StudyReport.csvLine(point)
        guard text.utf8.count > 1 << 16 else { return }
        try Console.output(text)
        text = ""
      }
      try Console.output(text)
    }
  }
}
