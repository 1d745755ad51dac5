public import Diagnostics
public import Hardware
public import Reporting
public import Simulation
public import Traces
public import Workloads

/// A trace as someone wants it run, beside its dense baseline: patterns, training method and data type applied once,
/// ready for any number of machines.
///
/// ```swift
/// import Lacuna
///
/// let study = try Study(trace: "Traces/bert-large.jsonl", sparsity: ["weights=2:4"])
/// let report = try study.run(on: "h200")
/// print(report.comparison.speedup, Report.run(report).text(as: .table))
/// ```
///
/// The baseline is the same operators without any pattern; for a training method, the same step trained dense. Both
/// have the same data type.
public struct Study: Sendable {
  /// The workload as it is simulated.
  public let workload: Workload
  /// The same without patterns.
  public let baseline: Workload
  /// What was asked for beside the trace, in the words of the command line.
  public let asked: [String]
  /// What applying it left as it was, and why.
  public let notes: [WorkloadNote]
  /// What there is to say about how the trace was read.
  public let warnings: [Diagnostic]
  /// What the trace was read from; nil for a workload that was in memory.
  public let format: TraceFormat?

  /// Reads a trace in any format and prepares it.
  /// - Parameters:
  ///   - path: the trace; `-` is standard input.
  ///   - rules: patterns as the command line writes them, such as `weights=2:4` or `encoder.*:weights=16x`.
  ///   - training: the method of a training step; nil runs the trace as it is.
  ///   - dataType: what all floating-point operands are converted to; nil keeps the trace's types.
  ///   - weightType: how weights are stored, to be widened on the way; nil keeps the trace's.
  ///   - files: files that say where operands are zero; rules come after them.
  ///   - options: what a model description leaves open.
  /// - Throws: all problems of the trace, of the files, or of the rules.
  public init(
    trace path: String, sparsity rules: [String] = [], training: TrainingMethod? = nil, dataType: DataType? = nil,
    weightType: DataType? = nil, files: SparsityFiles = SparsityFiles(), options: ImportOptions = ImportOptions()
  ) throws(DiagnosticList) {
    // Rules are judged first: a slip in one should not wait for a long trace.
    let rules = try Self.rules(rules)
    let trace = try TraceReader.read(path, options: options)
    try self.init(
      trace.workload, rules, training, dataType, weightType, files, warnings: trace.warnings, format: trace.format)
  }

  /// Prepares a workload that is in memory.
  /// - Throws: `matches-nothing`, `indivisible-pattern` and the like.
  public init(
    _ workload: Workload, sparsity rules: [SparsityRule] = [], training: TrainingMethod? = nil,
    dataType: DataType? = nil, weightType: DataType? = nil, files: SparsityFiles = SparsityFiles()
  ) throws(DiagnosticList) {
    try self.init(workload, rules, training, dataType, weightType, files, warnings: [], format: nil)
  }

  private init(
    _ workload: Workload, _ rules: [SparsityRule], _ training: TrainingMethod?, _ dataType: DataType?,
    _ weightType: DataType?, _ files: SparsityFiles, warnings: [Diagnostic], format: TraceFormat?
  ) throws(DiagnosticList) {
    try Self.check(files, for: training)
    var masks = MaskResolver()
    let rules = try masks.resolve(rules)
    let resolved = try masks.resolve(workload)
    let told = try files.apply(to: resolved)
    let changed = try told.workload.changed(
      by: WorkloadChanges(rules: rules, training: training, dataType: dataType, weightType: weightType))
    (self.workload, notes) = (changed.workload, told.notes + changed.notes)
    baseline = try resolved.changed(
      by: WorkloadChanges(training: training.map { _ in .dense }, dataType: dataType)
    ).workload.withoutPatterns
    asked =
      files.asked + rules.map(\.description) + (training.map { ["training \($0.rawValue)"] } ?? [])
      + (dataType.map { [$0.rawValue] } ?? []) + (weightType.map { ["\($0.rawValue) weights"] } ?? [])
    self.warnings = warnings
    self.format = format
  }

  private static func check(_ files: SparsityFiles, for training: TrainingMethod?) throws(DiagnosticList) {
    guard let training, !files.isEmpty else { return }
    throw DiagnosticList(
      Diagnostic(
        .unsupportedPattern,
        "training \(training.rawValue) prunes as it goes, so no file can say where the zeros are",
        help: "leave the files of weights and densities out, or the training method"))
  }

  private static func rules(_ texts: [String]) throws(DiagnosticList) -> [SparsityRule] {
    var rules: [SparsityRule] = []
    var problems: [Diagnostic] = []
    for text in texts {
      do {
        rules.append(try SparsityRule(parsing: text))
      } catch {
        problems += error.diagnostics
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return rules
  }

  /// Simulates it on a machine of the catalog, or on one that a file describes.
  /// - Parameters:
  ///   - name: a name such as `h200`, or the path of a description.
  ///   - options: how it is run.
  /// - Throws: `unknown-hardware`, all problems of the description, or of running the workload on it.
  public func run(
    on name: String, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> RunReport {
    try run(on: try Machine(named: name), options: options)
  }

  /// Finds where the speedup that its patterns promise is lost on a machine.
  /// - Parameters:
  ///   - machine: the machine.
  ///   - glob: names of the operators to look at, `*` standing for any characters; nil for all.
  ///   - options: how it is run.
  /// - Throws: `matches-nothing`, and every operator or option that the machine cannot run.
  public func losses(
    on machine: Machine, operators glob: String? = nil, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> LossReport {
    let report = try run(on: machine, options: options)
    let waterfall = try SpeedupWaterfall(
      of: workload, baseline: baseline, on: machine, operators: glob, options: options)
    let chosen = glob.map { glob in
      workload.operators.indices.filter { workload.operators[$0].name.fits(glob: glob) }
    }
    return LossReport(waterfall: waterfall, report: report, operators: chosen)
  }

  /// Simulates it on a machine.
  /// - Throws: every operator or option that the machine cannot run.
  public func run(
    on machine: Machine, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> RunReport {
    if options.dataflow != nil, machine.architecture.name != "systolic" {
      throw DiagnosticList(
        Diagnostic(
          .unsupportedOperator, "\(machine.name) has no dataflow to force: it is no systolic array",
          help: "leave the dataflow out"))
    }
    let run = try Simulator.simulate(workload, on: machine, options: options)
    let dense = workload == baseline ? run : try Simulator.simulate(baseline, on: machine, options: options.ofBaseline)
    return RunReport(
      comparison: Comparison(run: run, dense: dense), machine: machine,
      asked: asked + (options.fidelity == .event ? ["event fidelity"] : []), notes: notes,
      skipped: workload.skipped)
  }
}
