public import ArgumentParser
public import Lacuna

/// A command that does something, rather than holding others.
protocol LeafCommand: ParsableCommand {
  /// How much it tells.
  var console: ConsoleArguments { get }
}

/// How much is told beside results.
struct ConsoleArguments: ParsableArguments {
  @Flag var verbosity: Verbosity?
}

/// How much is told beside results.
enum Verbosity: String, EnumerableFlag {
  /// Neither warnings nor progress.
  case quiet
  /// Every step, with the time at which it begins.
  case verbose

  static func name(for value: Verbosity) -> NameSpecification { .shortAndLong }

  static func help(for value: Verbosity) -> ArgumentHelp? {
    switch value {
    case .quiet: "Tell neither warnings nor progress, only errors."
    case .verbose: "Tell each step with the time at which it begins, on standard error."
    }
  }
}

/// What to run: a trace and how it is changed before it runs.
struct WorkloadArguments: ParsableArguments {
  @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
  var trace: String

  @OptionGroup var changes: ChangeArguments

  /// Reads and prepares the workload; warnings go to standard error.
  func study() throws(DiagnosticList) -> Study { try changes.study(of: trace) }

  var simulation: SimulationOptions { changes.simulation }
}

/// How a trace is changed before it runs, and how it is run.
struct ChangeArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where operands are zero, such as weights=2:4 or 'encoder.*:weights=16x'; may be repeated.",
      discussion: "Patterns: \(SparsityPattern.grammar).", valueName: "rule"), completion: .rule)
  var sparsity: [String] = []

  @Option(
    help: ArgumentHelp(
      "Weights whose zeros count: .safetensors, its index.json, or a folder of .npy, .smtx or .mtx, by name.",
      valueName: "file|folder"), completion: .file())
  var weights: String?

  @Option(
    help: ArgumentHelp("Which tensor is whose: a CSV with operator,tensor; * in names.", valueName: "file"),
    completion: .file())
  var weightNames: String?

  @Option(
    help: ArgumentHelp("Densities by layer: a CSV with layer,operand,density,structure,source.", valueName: "file"),
    completion: .file())
  var densities: String?

  @Option(
    help: ArgumentHelp(
      "A TEAL table of activation sparsity for a decoder's layer; may be repeated.", valueName: "file"),
    completion: .file())
  var activations: [String] = []

  @Option(help: ArgumentHelp("The effective sparsity at which those tables are read.", valueName: "fraction"))
  var effectiveSparsity: Double = 0.5

  @Option(help: ArgumentHelp("Run a training step by this method.", valueName: "method"))
  var training: TrainingMethod?

  @Option(help: ArgumentHelp("Convert all floating-point operands to this type.", valueName: "type"))
  var dataType: DataType?

  @Option(help: ArgumentHelp("Store weights in this type, and widen them on the way.", valueName: "type"))
  var weightType: DataType?

  @Option(help: ArgumentHelp("Force a systolic array's dataflow.", valueName: "ws|os"))
  var dataflow: SystolicArray.Dataflow?

  @Option(help: "On a systolic array: its usual mappings of an operator, or the best of all tiles and loop orders.")
  var mapping: SimulationOptions.Mapping = .usual

  @Option(help: "Whether a GPU's power limit holds for load without end, or for its first milliseconds.")
  var power: SimulationOptions.Power = .sustained

  @Flag(help: "Leave out where a GPU's kernel library falls short of the hardware.")
  var idealLibrary = false

  @Option(help: "Closed forms, or tile by tile with buffers and banks of memory.")
  var fidelity: SimulationOptions.Fidelity = .analytic

  @Flag(help: "Fold normalizations into weights and element-wise functions into epilogues, as compilers do.")
  var fuse = false

  @Option(
    name: .customLong("fuse-stage"),
    help: ArgumentHelp(
      "Operators that a GPU runs as one kernel, from one to another, such as conv2d.1..relu.9; may be repeated.",
      valueName: "first..last"))
  var fusedStages: [FusedStage] = []

  @Flag(help: "One request at a time: transfers from and to the host hide behind nothing.")
  var oneRequest = false

  @OptionGroup(title: "Model descriptions")
  var model: ModelArguments

  private var files: SparsityFiles {
    SparsityFiles(
      weights: weights, weightNames: weightNames, densities: densities, activations: activations,
      effectiveSparsity: effectiveSparsity)
  }

  func validate() throws {
    guard training == nil || files.isEmpty else {
      throw ValidationError("--training prunes as it goes; leave --weights, --densities and --activations out")
    }
    guard weightNames == nil || weights != nil else { throw ValidationError("--weight-names needs --weights") }
    guard (0..<1).contains(effectiveSparsity) else {
      throw ValidationError("--effective-sparsity is \(effectiveSparsity); it must be from 0 to below 1")
    }
  }

  /// Reads and prepares a training run of several phases; warnings go to standard error.
  func study(
    _ schedule: TrainingSchedule, of trace: String, by method: TrainingMethod
  ) throws(DiagnosticList) -> ScheduledStudy {
    let rules = try collectingProblems(sparsity) { (text) throws(DiagnosticList) in try SparsityRule(parsing: text) }
    Console.progress("reading \(trace)")
    let study = try ScheduledStudy(
      trace: trace, sparsity: rules, training: method, schedule: schedule, dataType: dataType, options: model.options)
    Console.progress("")
    Console.show(study.warnings)
    return study
  }

  /// Reads and prepares the workload; warnings go to standard error.
  /// - Parameters:
  ///   - rule: a pattern after those that were asked for.
  ///   - isAgain: whether its warnings were told before.
  func study(of trace: String, rule: String? = nil, isAgain: Bool = false) throws(DiagnosticList) -> Study {
    Console.progress("reading \(trace)")
    let study = try Study(
      trace: trace, sparsity: sparsity + (rule.map { [$0] } ?? []), training: training, dataType: dataType,
      weightType: weightType, files: files, options: model.options)
    Console.progress("")
    if !isAgain { Console.show(study.warnings) }
    return study
  }

  var simulation: SimulationOptions {
    SimulationOptions(
      dataflow: dataflow, power: power, library: idealLibrary ? .ideal : .measured, fidelity: fidelity,
      fusesEpilogues: fuse, fusedStages: fusedStages, isOneRequestAtATime: oneRequest, mapping: mapping)
  }
}

/// What a model's configuration leaves open.
struct ModelArguments: ParsableArguments {
  @Option(help: "For a config.json: all tokens of a prompt (the default), or one token after a context.")
  var phase: ImportOptions.Phase?

  @Option(help: ArgumentHelp("For a config.json: tokens of each sequence (default: 512).", valueName: "tokens"))
  var sequence: Int?

  @Option(help: ArgumentHelp("For a config.json: tokens that a decoded one attends to.", valueName: "tokens"))
  var context: Int?

  @Option(
    help: ArgumentHelp(
      "For a config.json, or an ONNX model that leaves it open: sequences or images (default: 1).", valueName: "count"))
  var batch: Int?

  var options: ImportOptions {
    ImportOptions(phase: phase, sequenceLength: sequence, contextLength: context, batch: batch)
  }

  func validate() throws {
    for case (let name, let value?) in [("sequence", sequence), ("context", context), ("batch", batch)]
    where !(1...1 << 30).contains(value) {
      throw ValidationError("--\(name) is \(value); it must be from 1 to 2^30")
    }
  }
}

/// How a result is told.
struct FormatArguments: ParsableArguments {
  @Option(help: "How the result is written.")
  var format: Report.Format = .table
}

/// How the result of a run is told, and drawn.
struct PictureArguments: ParsableArguments {
  @Option(help: "How the result is written; svg and vega-lite draw a chart.")
  var format: PictureFormat = .table

  @Option(help: "Which chart (default: time).")
  var chart: ChartName?

  @Option(help: ArgumentHelp("Also write a page for a browser, complete in one file.", valueName: "file"))
  var report: String?

  func validate() throws {
    if chart != nil, !format.isPicture { throw ValidationError("--chart needs --format svg or vega-lite") }
    if report == "-" { throw ValidationError("--report names a file; the result itself goes to standard output") }
  }

  /// The report, or the chart that was asked for.
  /// - Throws: `matches-nothing` for a chart that a run has not got.
  func text(_ report: Report, charts: @autoclosure () -> [Chart]) throws(DiagnosticList) -> String {
    guard format.isPicture else { return report.text(as: format.report) }
    let (name, charts) = ((chart ?? .time).rawValue, charts())
    if let chart = charts.first(where: { $0.name == name }), let text = format.text(chart) { return text }
    throw DiagnosticList(
      Diagnostic(
        .matchesNothing, "this result has no chart '\(name)'",
        help: "it has: \(charts.map(\.name).joined(separator: ", "))"))
  }

  /// Writes the page, if one was asked for.
  func write(_ page: () throws(DiagnosticList) -> String) throws(DiagnosticList) {
    guard let report else { return }
    try OutputFile.write(Array(try page().utf8), to: report)
  }
}

/// The charts of runs.
enum ChartName: String, CaseIterable, ExpressibleByArgument {
  case time, energy, roofline, traffic, power, clock
}

/// How a result that has a picture is told.
enum PictureFormat: String, CaseIterable, ExpressibleByArgument {
  case table
  case json
  case csv
  case svg
  case vegaLite = "vega-lite"

  var isPicture: Bool { self == .svg || self == .vegaLite }

  /// The way to write a report that is no picture.
  var report: Report.Format {
    switch self {
    case .table, .svg, .vegaLite: .table
    case .json: .json
    case .csv: .csv
    }
  }

  /// A chart as this format draws it; nil for formats of reports.
  func text(_ chart: Chart) -> String? {
    switch self {
    case .svg: chart.svg()
    case .vegaLite: chart.vegaLite
    case .table, .json, .csv: nil
    }
  }
}

extension FileSchema: ExpressibleByArgument {}
extension FusedStage: ExpressibleByArgument {
  /// As `first..last`.
  public init?(argument: String) { self.init(parsing: argument) }
}
extension TrainingMethod: ExpressibleByArgument {}
extension DataType: ExpressibleByArgument {}
extension WeightUpdate.Optimizer: ExpressibleByArgument {}
extension SystolicArray.Dataflow: ExpressibleByArgument {}
extension SimulationOptions.Power: ExpressibleByArgument {}
extension SimulationOptions.Mapping: ExpressibleByArgument {}
extension SimulationOptions.Fidelity: ExpressibleByArgument {}
extension ImportOptions.Phase: ExpressibleByArgument {}
extension Report.Format: ExpressibleByArgument {}
extension TraceExport.Format: ExpressibleByArgument {}

extension Report.OperatorLimit: ExpressibleByArgument {
  /// Reads a count or `all`.
  public init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let count = Int(argument), count >= 0 {
      self = .first(count)
    } else {
      return nil
    }
  }

  /// As help texts show it.
  public var defaultValueDescription: String {
    switch self {
    case .all: "all"
    case .first(let count): "\(count)"
    }
  }
}
