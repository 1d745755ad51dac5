import ArgumentParser
import Lacuna

struct ValidateCommand: LeafCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Holds the simulator against measurements of real machines.",
    discussion: """
      How far are decoding products in FP16 from those of a real H200?
        lacuna validate --group 'h200_gemm/fp16/*/decode'

      How far is a whole network, operator by operator, from its recording by torch.profiler?
        lacuna validate --trace Timed/bert-large.kineto.json.zst --hardware h200

      Without --data or --trace, all measurements of Configs/Reference are compared, each with the machine that its file is named \
      after. With --data, each row of a file is printed with the predictions beside its own columns, or with --format \
      table a summary; the file needs the columns of one of those in Configs/Reference.
      """)

  @Option(
    help: ArgumentHelp("A table of measurements in CSV; - for standard input.", valueName: "file"), completion: .file())
  var data: String?

  @Option(
    help: ArgumentHelp(
      "The machine that was measured: a name of 'lacuna hardware list', or a description.", valueName: "name|file"),
    completion: .machine)
  var hardware: String?

  @Option(
    help: ArgumentHelp(
      "Only groups of this name, FILE/TYPE/WEIGHTS/CLASS, or of this file or machine; * stands for any characters.",
      valueName: "glob"))
  var group: String?

  @Option(
    help: ArgumentHelp(
      "A trace whose operators were timed, such as one of torch.profiler; - for standard input.", valueName: "file"),
    completion: .file())
  var trace: String?

  @Option(help: "With --trace: how many kinds of operators the table lists.")
  var operators: Report.OperatorLimit = .first(15)

  @Option(
    help:
      "With --trace: whether a GPU's power limit holds for load without end, or for the first milliseconds, as of one step."
  )
  var power: SimulationOptions.Power = .burst

  @Option(help: "Closed forms, or tile by tile, with a level-two cache of sets; published figures are by closed forms.")
  var fidelity: SimulationOptions.Fidelity = .analytic

  @Option(help: "How the result is written (default: table; csv with --data).")
  var format: Format?

  @OptionGroup var console: ConsoleArguments

  /// How the result is written.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// For scripts, everything.
    case json
    /// For spreadsheets and data frames.
    case csv
    /// A page of documentation, which shows the picture `validation.svg` beside it.
    case markdown
    /// That picture.
    case svg
    /// The same for Vega-Lite.
    case vegaLite = "vega-lite"
  }

  /// Whether rows are asked for instead of groups.
  private var printsRows: Bool { data != nil && (format ?? .csv) == .csv }

  func validate() throws {
    if data != nil, hardware == nil { throw ValidationError("--data needs --hardware, the machine that was measured") }
    if trace != nil {
      if hardware == nil { throw ValidationError("--trace needs --hardware, the machine it was recorded on") }
      if fidelity != .analytic { throw ValidationError("a trace is compared with closed forms; leave --fidelity out") }
      if data != nil || group != nil { throw ValidationError("--trace goes with neither --data nor --group") }
      if let format, ![.table, .json, .csv].contains(format) {
        throw ValidationError("a trace is told as table, json or csv")
      }
    }
    if printsRows, group != nil {
      throw ValidationError("--group chooses groups of a summary; with --data it needs --format table or json")
    }
  }

  func run() throws {
    if let trace, let hardware { return try compare(trace, on: hardware) }
    if let data, let hardware {
      Console.progress("validating \(data)")
      let validated = try Self.validated(data, on: hardware, fidelity)
      if printsRows { return try Console.output(CSVReport.predictions(validated)) }
      return try show([validated])
    }
    var progress = Progress("validating", counting: "files")
    let paths = try ReferenceCatalog.paths()
    let files = try collectingProblems(Array(paths.enumerated())) { (file) throws(DiagnosticList) in
      defer { progress.show(file.offset + 1, of: paths.count) }
      return try Self.validated(file.element, on: hardware, fidelity)
    }
    try show(files)
  }

  private func compare(_ trace: String, on hardware: String) throws {
    let machine = try Machine(named: hardware)
    Console.progress("reading \(trace)")
    let imported = try TraceReader.read(trace)
    Console.progress("simulating on \(machine.name)")
    let validation = try TraceValidation(imported.workload, on: machine, power: power)
    Console.progress("")
    Console.show(imported.warnings)
    let format: Report.Format =
      switch format ?? .table {
      case .json: .json
      case .csv: .csv
      case .table, .markdown, .svg, .vegaLite: .table
      }
    try Console.output(Report.traceValidation(validation, operators: operators).text(as: format))
  }

  private func show(_ files: [ValidatedFile]) throws(DiagnosticList) {
    Console.progress("")
    var groups = files.flatMap(\.groups)
    if let group { groups = try groups.matching(group) }
    let report = Report.validation(groups)
    let text =
      switch format ?? .table {
      case .table: report.text(as: .table)
      case .json: report.text(as: .json)
      case .csv: report.text(as: .csv)
      case .markdown: MarkdownReport.validation(groups, plot: "validation.svg")
      case .svg: Chart.errors(groups).svg()
      case .vegaLite: Chart.errors(groups).vegaLite
      }
    try Console.output(text)
  }

  /// A file with its predictions; what is wrong with file and machine is told together.
  private static func validated(
    _ path: String, on hardware: String?, _ fidelity: SimulationOptions.Fidelity
  ) throws(DiagnosticList) -> ValidatedFile {
    var problems: [Diagnostic] = []
    var file: ReferenceFile?
    var machine: Machine?
    do throws(DiagnosticList) { file = try ReferenceFile(path: path) } catch { problems += error.diagnostics }
    if let name = hardware ?? file?.machineName {
      do throws(DiagnosticList) { machine = try Machine(named: name) } catch { problems += error.diagnostics }
    }
    guard let file, let machine else { throw DiagnosticList(problems) }
    return Validator.validate(file, on: machine, fidelity: fidelity)
  }
}
