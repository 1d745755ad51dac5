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

  /// Where operands and results are between operators.
  public enum Residency: Hashable, Sendable {
    /// Results wait on chip for their consumers where they fit.
    case chained
    /// Every operator by itself: operands come from off-chip memory, results go there.
    case isolated
    /// Activations and results are on chip, whatever their size; weights come from off-chip memory.
    case onChip
  }

  /// Whether element-wise functions and normalizations with constants join the product before them, as deployment
  /// compilers have it, instead of running as they were recorded. Machines whose vector unit works beside the matrix
  /// units fold normalizations anyway.
  public var fusesEpilogues = false
  /// Whether one request follows the other, so that transfers between host and machine hide behind nothing.
  public var isOneRequestAtATime = false
  /// Whether a model larger than the machine's memory is refused. A dense baseline need not fit.
  public var checksMemory = true

  /// Options; nothing forced and results chained unless told otherwise.
  public init(
    dataflow: SystolicArray.Dataflow? = nil, residency: Residency = .chained, fusesEpilogues: Bool = false,
    isOneRequestAtATime: Bool = false
  ) {
    self.dataflow = dataflow
    self.residency = residency
    self.fusesEpilogues = fusesEpilogues
    self.isOneRequestAtATime = isOneRequestAtATime
  }
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
    switch machine.architecture {
    case .tensorCore(let gpu): try run(workload, machine, TensorCoreEngine(gpu, without: causes), options)
    case .s4(let processor):
      try run(workload, machine, S4Engine(processor, without: causes), options)
    case .systolic(let array):
      try run(
        workload, machine,
        try SystolicEngine(array, machine: machine.name, dataflow: options.dataflow, without: causes), options)
    }
  }

  private typealias OperatorResult = RunResult.OperatorResult

  private static func run<E: Engine>(
    _ workload: Workload, _ machine: Machine, _ engine: E, _ options: SimulationOptions
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
    var estimates: [Estimate] = []
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
    for (index, op) in operators.enumerated() {
      var task = Task(
        op, inputsOnChip: residency.inputsOnChip[index], outputOnChip: residency.outputOnChip[index],
        turns: residency.turns)
      switch fusion.parts[index] {
      case .alone: break
      case .folded:
        notes.add("normalizations fold into the weights before them", op.name)
        results.append(OperatorResult(op, estimate: place(.folded), exposed: .zero))
        continue
      case .epilogue:
        notes.add("element-wise functions join the product before them", op.name)
        guard let rest = task.inEpilogue else {
          results.append(OperatorResult(op, estimate: place(.epilogue), exposed: .zero))
          continue
        }
        task = rest
      }
      let position: Int
      if let known = indices[task] {
        position = known
      } else {
        position = estimates.count
        indices[task] = position
        let estimate = engine.estimate(task)
        checkIdentities(estimate, op)
        estimates.append(estimate)
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
      results.append(OperatorResult(op, estimate: position, exposed: exposed))
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
    // One for each reason, with the operators it concerns.
    var problems: [(code: DiagnosticCode, reason: String, help: String, names: [String])] = []
    var adapted: [Operator] = []
    adapted.reserveCapacity(operators.count)
    for op in operators {
      switch engine.fit(op) {
      case .runs(let op, let changes):
        for change in changes { notes.add(change, op.name) }
        adapted.append(op)
      case .impossible(let code, let reason, let help):
        if let index = problems.firstIndex(where: { ($0.code, $0.reason) == (code, reason) }) {
          problems[index].names.append(op.name)
        } else {
          problems.append((code, reason, help, [op.name]))
        }
      }
    }
    guard problems.isEmpty else {
      throw DiagnosticList(
        problems.map { code, reason, help, names in
          let others = names.count > 1 ? " and \(names.count - 1) more" : ""
          return Diagnostic(code, "\(machine) cannot run '\(names[0])'\(others): \(reason)", help: help)
        })
    }
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
