public import Diagnostics
public import Hardware
import Quantities
public import Workloads

/// What a run may be told beside its workload and machine.
public struct SimulationOptions: Sendable {
  /// Forces a systolic array's dataflow instead of the faster one.
  public var dataflow: SystolicArray.Dataflow?
  /// Which mappings of an operator a systolic array chooses from.
  public var mapping: Mapping
  /// Where operands and results are between operators.
  public var residency: Residency
  /// What a power limit is averaged over.
  public var power: Power

  /// Whose kernels a GPU runs.
  public var library: Library
  /// How closely time is followed.
  public var fidelity: Fidelity

  /// How closely time is followed. Mapping, traffic and energy for each action are the same in both.
  public enum Fidelity: String, CaseIterable, Hashable, Sendable {
    /// Closed forms for each operator.
    case analytic
    /// Tile by tile: buffers, units and a memory of banks, from event to event.
    case event
  }

  /// Which mappings of an operator a systolic array chooses from. Other machines always take the best of their own.
  public enum Mapping: String, CaseIterable, Hashable, Sendable {
    /// Dataflows, with strips of rows that stay or pass.
    case usual = "default"
    /// All tiles that fit, orders of loops and numbers of held values beside them.
    case search
  }

  /// Whose kernels a GPU runs.
  public enum Library: Hashable, Sendable {
    /// The vendor's as measured, with what they fall short in.
    case measured
    /// Kernels that get all out of the hardware.
    case ideal
  }

  /// What a power limit is averaged over.
  public enum Power: String, CaseIterable, Hashable, Sendable {
    /// Load without end.
    case sustained
    /// The first milliseconds, before the controller settles.
    case burst
  }

  /// Where operands and results are between operators.
  public enum Residency: Hashable, Sendable {
    /// Results wait on chip for their consumers where they fit.
    case chained
    /// Every operator by itself: operands come from off-chip memory, results go there.
    case isolated
    /// Activations and results are on chip, whatever their size, and in a GPU's cache weights too, as in runs repeated
    /// on little data.
    case onChip
  }

  /// Options; nothing forced, results chained and load sustained unless told otherwise.
  public init(
    dataflow: SystolicArray.Dataflow? = nil, residency: Residency = .chained, power: Power = .sustained,
    library: Library = .measured, fidelity: Fidelity = .analytic, fusesEpilogues: Bool = false,
    fusedStages: [FusedStage] = [], isOneRequestAtATime: Bool = false, mapping: Mapping = .usual
  ) {
    self.dataflow = dataflow
    self.mapping = mapping
    self.residency = residency
    self.power = power
    self.library = library
    self.fidelity = fidelity
    self.fusesEpilogues = fusesEpilogues
    self.fusedStages = fusedStages
    self.isOneRequestAtATime = isOneRequestAtATime
  }

  /// Whether element-wise functions and normalizations with constants join the product before them, as deployment
  /// compilers have it, instead of running as they were recorded. Machines whose vector unit works beside the matrix
  /// units fold normalizations anyway.
  public var fusesEpilogues = false
  /// Operators that a GPU runs as one kernel, so that what passes between them stays on chip.
  public var fusedStages: [FusedStage] = []
  /// Whether one request follows the other, so that transfers between host and machine hide behind nothing.
  public var isOneRequestAtATime = false
  /// Whether a model larger than the machine's memory is refused. A dense baseline need not fit.
  public var checksMemory = true
}

extension SimulationOptions {
  /// The same for a dense baseline, which need not fit the machine's memory.
  public var ofBaseline: SimulationOptions {
    var options = self
    options.checksMemory = false
    return options
  }
}

/// Simulates workloads on machines.
public enum Simulator {
  /// The answer for one step of `workload` on `machine`.
  ///
  /// Identical operators, on- and off-chip operands included, are simulated once.
  /// - Throws: `unsupported-operator`, `unsupported-data-type` and the like, all at once, for operators that the
  ///   machine cannot run in any way. Patterns it cannot exploit run dense and leave a note.
  public static func simulate(
    _ workload: Workload, on machine: Machine, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> RunResult {
    try simulate(workload, on: machine, options: options, without: [])
  }

  /// The answer of a model that lacks some causes of lost speedup.
  static func simulate(
    _ workload: Workload, on machine: Machine, options: SimulationOptions, without causes: Set<LossCause>
  ) throws(DiagnosticList) -> RunResult {
    var nobody: TimelineTeller?
    return try simulate(workload, on: machine, options: options, without: causes, timeline: &nobody)
  }

  static func simulate(
    _ workload: Workload, on machine: Machine, options: SimulationOptions, without causes: Set<LossCause>,
    timeline: inout TimelineTeller?
  ) throws(DiagnosticList) -> RunResult {
    try check(options.fidelity, without: causes)
    switch machine.architecture {
    case .tensorCore(let gpu):
      return try run(workload, machine, TensorCoreEngine(gpu, options: options, without: causes), options, &timeline)
    case .s4(let processor):
      return try run(
        workload, machine, S4Engine(processor, fidelity: options.fidelity, without: causes), options, &timeline)
    case .systolic(let array):
      return try run(
        workload, machine,
        try SystolicEngine(
          array, machine: machine.name, dataflow: options.dataflow, mapping: options.mapping,
          fidelity: options.fidelity, without: causes),
        options, &timeline)
    }
  }

  /// Refuses to take causes out of anything but the closed forms.
  private static func check(
    _ fidelity: SimulationOptions.Fidelity, without causes: Set<LossCause>
  ) throws(DiagnosticList) {
    guard fidelity == .event, !causes.isEmpty else { return }
    throw DiagnosticList(
      Diagnostic(
        .unsupportedOperator, "causes of loss are taken out of the closed forms, not of a simulation tile by tile",
        help: "leave the fidelity at analytic"))
  }

  private typealias OperatorResult = RunResult.OperatorResult

  private static func run<E: Engine>(
    _ workload: Workload, _ machine: Machine, _ engine: E, _ options: SimulationOptions,
    _ timeline: inout TimelineTeller?
  ) throws(DiagnosticList) -> RunResult {
    let adapted = try AdaptedWorkload(workload, to: engine, machine: machine.name, options: options)
    let operators = adapted.operators
    let placed = try adapted.placed(on: engine, machine, options: options)
    var estimates = engine.estimates(of: placed.tasks, times: placed.times)
    var results: [OperatorResult] = []
    results.reserveCapacity(operators.count)
    try adapted.forEachPart(of: placed, on: engine, options: options, &estimates) {
      (index, task, estimate, estimates, exposed) throws(DiagnosticList) in
      guard let index else {
        results.append(OperatorResult(transferOf: workload, estimate: estimate, exposed: exposed))
        return
      }
      if task != nil { checkIdentities(estimates[estimate], operators[index]) }
      let result = OperatorResult(operators[index], estimate: estimate, exposed: exposed)
      try timeline?.add(result, of: task.map { (placed.tasks[$0], estimates[$0]) }, engine)
      results.append(result)
    }
    return RunResult(
      workload: workload.name, machine: machine.name, samples: workload.samples, operators: results,
      estimates: estimates, notes: adapted.notes)
  }

  /// The identities every answer must hold; broken ones are errors of this program, not of its user.
  private static func checkIdentities(_ estimate: Estimate, _ op: Operator) {
    assert(
      estimate.elapsed.value.isFinite && estimate.elapsed > .zero,
      "'\(op.name)' takes \(estimate.elapsed)")
    for (unit, time) in [("matrix", estimate.matrix), ("vector", estimate.vector), ("memory", estimate.memory)] {
      assert(
        (time.total.value - estimate.elapsed.value).magnitude <= 1e-9 * estimate.elapsed.value,
        "'\(op.name)': \(unit) times add up to \(time.total), not \(estimate.elapsed)")
    }
    assert(
      estimate.macs.useful <= estimate.macs.dense,
      "'\(op.name)': \(estimate.macs.useful) useful of \(estimate.macs.dense) dense MACs")
  }
}

/// Collects notes, one for each distinct message.
struct NoteList {
  private(set) var notes: [RunResult.Note] = []

  mutating func add(_ message: String, _ name: String) {
    guard let index = notes.firstIndex(where: { $0.message == message }) else {
      notes.append(RunResult.Note(message: message, count: 1, examples: [name]))
      return
    }
    notes[index].count += 1
    if notes[index].examples.count < 3 { notes[index].examples.append(name) }
  }
}

extension RunResult.OperatorResult {
  fileprivate init(_ op: Operator, estimate: Int, exposed: Seconds) {
    self.init(
      name: op.name, kind: op.kind.name, shape: op.kind.shapeDescription, phase: op.phase, sparsity: op.sparsity,
      repeats: op.repeats, estimate: estimate, exposed: exposed, dataType: op.dataType)
  }

  /// The transfers between host and machine, which no operator of the workload stands for.
  fileprivate init(transferOf workload: Workload, estimate: Int, exposed: Seconds) {
    self.init(
      name: "host transfer", kind: "transfer", shape: "", phase: workload.operators.last?.phase ?? .inference,
      sparsity: .dense, repeats: 1, estimate: estimate, exposed: exposed)
  }
}
