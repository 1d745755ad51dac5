public import Diagnostics
public import Hardware
public import Reporting
public import Simulation
public import Traces
public import Workloads

/// A whole training run: a trace as one step, a method, and the patterns it prunes to over the run's phases.
public struct ScheduledStudy: Sendable {
  /// The phases.
  public let schedule: TrainingSchedule
  /// A step of each phase beside the dense one.
  public let steps: [Study]
  /// What there is to say about how the trace was read.
  public let warnings: [Diagnostic]
  /// What the trace was read from.
  public let format: TraceFormat

  /// Reads a trace and prepares a step of every phase.
  /// - Parameters:
  ///   - path: the trace; `-` is standard input.
  ///   - rules: which operators are pruned, as ``Study`` reads them; the pattern of a phase takes the place of theirs.
  ///     Without rules all weights are.
  ///   - method: what prunes; it must not be dense.
  ///   - schedule: what it prunes to, for how many steps.
  ///   - dataType: what all floating-point operands are converted to; nil keeps the trace's types.
  ///   - options: what a model description leaves open.
  /// - Throws: all problems of the trace, the rules and the patterns.
  public init(
    trace path: String, sparsity rules: [SparsityRule] = [], training method: TrainingMethod,
    schedule: TrainingSchedule, dataType: DataType? = nil, options: ImportOptions = ImportOptions()
  ) throws(DiagnosticList) {
    guard method != .dense else {
      throw DiagnosticList(
        Diagnostic(
          .unsupportedPattern, "dense training has no schedule of patterns",
          help: "choose a method that prunes, such as bdwp, or leave the schedule out"))
    }
    let trace = try TraceReader.read(path, options: options)
    self.schedule = schedule
    (warnings, format) = (trace.warnings, trace.format)
    var steps: [Study] = []
    for phase in schedule.phases {
      guard phase.pattern != .dense else {
        steps.append(try Study(trace.workload, training: .dense, dataType: dataType))
        continue
      }
      var phaseRules = rules.isEmpty ? [SparsityRule(.weights, phase.pattern)] : rules
      for index in phaseRules.indices where phaseRules[index].pattern != .dense {
        phaseRules[index].pattern = phase.pattern
      }
      steps.append(try Study(trace.workload, sparsity: phaseRules, training: method, dataType: dataType))
    }
    self.steps = steps
  }

  /// Simulates a step of every phase on a machine.
  /// - Throws: every operator or option that the machine cannot run.
  public func run(
    on machine: Machine, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> ScheduleReport {
    var phases: [ScheduleReport.Phase] = []
    for (phase, study) in zip(schedule.phases, steps) {
      phases.append(
        ScheduleReport.Phase(
          pattern: phase.pattern, steps: phase.steps, step: try study.run(on: machine, options: options)))
    }
    return ScheduleReport(phases: phases)
  }
}
