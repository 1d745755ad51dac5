public import Diagnostics
public import Hardware
import Quantities
public import Workloads

/// What a run may be told beside its workload and machine.
public struct SimulationOptions: Sendable {
  /// Forces a systolic array's dataflow instead of the faster one.
  public var dataflow: SystolicArray.Dataflow?
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
    /// Activations and results are on chip, whatever their size; weights come from off-chip memory.
    case onChip
  }

  /// Options; nothing forced, results chained and load sustained unless told otherwise.
  public init(
    dataflow: SystolicArray.Dataflow? = nil, residency: Residency = .chained, power: Power = .sustained,
    library: Library = .measured, fidelity: Fidelity = .analytic, fusesEpilogues: Bool = false,
    isOneRequestAtATime: Bool = false
  ) {
    self.dataflow = dataflow
    self.residency = residency
    self.power = power
    self.library = library
    self.fidelity = fidelity
    self.fusesEpilogues = fusesEpilogues
    self.isOneRequestAtATime = isOneRequestAtATime
  }

  /// Whether element-wise functions and normalizations with constants join the product before them, as deployment
  /// compilers have it, instead of running as they were recorded. Machines whose vector unit works beside the matrix
  /// units fold normalizations anyway.
  public var fusesEpilogues = false
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
          array, machine: machine.name, dataflow: options.dataflow, fidelity: options.fidelity, without: causes),
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
    var notes = NoteList()
    let operators = try adapt(workload.operators, to: engine, machine: machine.name, notes: &notes)
    if options.checksMemory { try StoredModel(operators).check(fits: machine) }
    let residency =
      switch options.residency {
      case .chained: engine.residency(of: operators, samples: workload.samples)
      case .isolated: Residency(operators, onChip: false)
      case .onChip: Residency(operators, onChip: true)
      }

    let fusion = Fusion(operators, engine.overlapsVectorWork ? .folding : options.fusesEpilogues ? .epilogues : .none)

    var indices: [Task: Int] = [:]
    var tasks: [Task] = []
    var times: [Double] = []
    /// For each operator its task, or what became of it that takes no time.
    var positions: [(task: Int?, mapping: Mapping)] = []
    positions.reserveCapacity(operators.count)
    for (index, op) in operators.enumerated() {
      var task = Task(
        op, inputsOnChip: residency.inputsOnChip[index], outputOnChip: residency.outputOnChip[index],
        turns: residency.turns)
      switch fusion.parts[index] {
      case .alone: break
      case .folded:
        notes.add("normalizations fold into the weights before them", op.name)
        positions.append((nil, .folded))
        continue
      case .epilogue:
        notes.add("element-wise functions join the product before them", op.name)
        guard let rest = task.inEpilogue else {
          positions.append((nil, .epilogue))
          continue
        }
        task = rest
      }
      let position = indices[task] ?? tasks.count
      if position == tasks.count {
        indices[task] = position
        tasks.append(task)
        times.append(0)
      }
      times[position] += Double(op.repeats)
      positions.append((position, .vector))
    }
    var estimates = engine.estimates(of: tasks, times: times)
    for (position, op) in zip(positions, operators) {
      if let task = position.task { checkIdentities(estimates[task], op) }
    }

    var results: [RunResult.OperatorResult] = []
    results.reserveCapacity(operators.count)
    /// Where the answer of what takes no time is.
    func place(_ mapping: Mapping) -> Int {
      if let index = estimates.firstIndex(where: { $0.mapping == mapping }) { return index }
      estimates.append(Estimate(mapping, bound: .vector))
      return estimates.count - 1
    }
    // Matrix time that vector work can still hide behind.
    var slack = Seconds.zero
    var beside = WeightGradientSlack()
    for (position, op) in zip(positions, operators) {
      guard let position = position.task else {
        results.append(OperatorResult(op, estimate: place(position.mapping), exposed: .zero))
        continue
      }
      var exposed = estimates[position].elapsed
      if engine.overlapsVectorWork {
        if op.kind.isMatrix {
          slack = exposed
        } else {
          let hidden = min(slack, exposed)
          slack = slack - hidden
          exposed = exposed - hidden
        }
      }
      if op.phase == .backwardWeight, op.kind.isMatrix {
        beside.open(estimates[position], repeats: op.repeats)
      } else if engine.runsBesideWeightGradients(op) {
        exposed = beside.exposed(estimates[position], repeats: op.repeats)
      }
      results.append(OperatorResult(op, estimate: position, exposed: exposed))
    }
    for (position, result) in zip(positions, results) {
      try timeline?.add(result, of: position.task.map { (tasks[$0], estimates[$0]) }, engine)
    }
    if let link = engine.hostLink {
      let transfer = Dependencies(operators).transferredBytes / link
      let rest = results.reduce(.zero) { $0 + $1.exposed * Double($1.repeats) }
      let exposed = options.isOneRequestAtATime ? transfer : transfer - rest
      if exposed > .zero {
        results.append(OperatorResult(transferOf: workload, estimate: estimates.count, exposed: exposed))
        estimates.append(Estimate(.hostLink, elapsed: transfer, bound: .host))
      }
    }
    return RunResult(
      workload: workload.name, machine: machine.name, samples: workload.samples, operators: results,
      estimates: estimates, notes: notes.notes)
  }

  private static func adapt<E: Engine>(
    _ operators: [Operator], to engine: E, machine: String, notes: inout NoteList
  ) throws(DiagnosticList) -> [Operator] {
    var problems = RefusalList()
    var adapted: [Operator] = []
    adapted.reserveCapacity(operators.count)
    for op in operators {
      switch engine.fit(op) {
      case .runs(let op, let changes):
        for change in changes { notes.add(change, op.name) }
        adapted.append(op)
      case .impossible(let code, let reason, let help):
        problems.add(op.name, code, reason, help: help)
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems.diagnostics(machine)) }
    return adapted
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

/// What products that give weight gradients leave free of the units beside the matrix unit, and of off-chip memory.
///
/// Nothing on the way back waits for a weight gradient, so those products can be put off and run beside later vector
/// work, updates and pruning. The units beside the array take turns; they and memory are each used for the sum of what is
/// asked of them:
///
///     Σ time = max over {units, memory} of what both kinds of operators need of it, and no less than the products
///
/// Left out: that the units could also run beside each other; that an update waits for its own gradient, which matters for the last layer of the way back only.
private struct WeightGradientSlack {
  private var units = Seconds.zero
  private var memory = Seconds.zero

  mutating func open(_ estimate: Estimate, repeats: Int) {
    units += estimate.elapsed * Double(repeats)
    memory += (estimate.elapsed - estimate.memory.busy) * Double(repeats)
  }

  /// What one run of an operator adds to the step.
  mutating func exposed(_ estimate: Estimate, repeats: Int) -> Seconds {
    let needed = (units: estimate.vector.busy * Double(repeats), memory: estimate.memory.busy * Double(repeats))
    let added = max(.zero, max(needed.units - units, needed.memory - memory))
    units = units + added - needed.units
    memory = memory + added - needed.memory
    return added / Double(repeats)
  }
}

/// Collects operators that a machine cannot run, those with the same reason together.
private struct RefusalList {
  private var refusals: [(first: String, others: Int, code: DiagnosticCode, reason: String, help: String)] = []

  var isEmpty: Bool { refusals.isEmpty }

  mutating func add(_ name: String, _ code: DiagnosticCode, _ reason: String, help: String) {
    if let index = refusals.firstIndex(where: { ($0.code, $0.reason, $0.help) == (code, reason, help) }) {
      refusals[index].others += 1
    } else {
      refusals.append((name, 0, code, reason, help))
    }
  }

  func diagnostics(_ machine: String) -> [Diagnostic] {
    refusals.map { refusal in
      let more = refusal.others == 0 ? "" : " and \(refusal.others) more"
      return Diagnostic(
        refusal.code, "\(machine) cannot run '\(refusal.first)'\(more): \(refusal.reason)", help: refusal.help)
    }
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
      repeats: op.repeats, estimate: estimate, exposed: exposed)
  }

  /// The transfers between host and machine, which no operator of the workload stands for.
  fileprivate init(transferOf workload: Workload, estimate: Int, exposed: Seconds) {
    self.init(
      name: "host transfer", kind: "transfer", shape: "", phase: workload.operators.last?.phase ?? .inference,
      sparsity: .dense, repeats: 1, estimate: estimate, exposed: exposed)
  }
}
