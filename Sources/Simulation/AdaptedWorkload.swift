import Diagnostics
import Hardware
import Quantities
import Workloads

/// A workload as machines of one kind run it: operators in the types and with the patterns that these have, those that
/// are equal found, what disappears into others left out. The machines' numbers have no part in it.
struct AdaptedWorkload: Sendable {
  /// The operators as they run.
  let operators: [Operator]
  /// What was done differently from what was asked.
  let notes: [RunResult.Note]
  /// For each operator what becomes of it.
  private let parts: [Part]
  /// Operators that differ in more than their name and place, with nothing on chip.
  private let distinct: [Task]
  private let model: StoredModel
  private let residency: ResidencyPlan
  /// Bytes that a step gets from and gives back to the host.
  let transferredBytes: Bytes
  /// What each operator depends on, where they may run beside each other.
  private let producers: [[Int]]

  private struct Part {
    var repeats: Int
    /// Its place among the distinct ones; nil where it takes no time.
    var place: Int?
    /// Its mapping where it takes no time.
    var mapping = Mapping.vector
    /// Whether its result stays on chip wherever it would wait.
    var leavesNothing = false
    /// Whether what it reads waits on chip wherever it would.
    var findsInputs = false
    var isMatrix: Bool
    var isWeightGradient: Bool
    var runsBesideWeightGradients: Bool
  }

  /// - Throws: everything that keeps such machines from running it.
  init<E: Engine>(
    _ workload: Workload, to engine: E, machine: String, options: SimulationOptions
  ) throws(DiagnosticList) {
    var notes = NoteList()
    let fitting = engine.fitting
    operators = try Self.adapt(workload.operators, to: engine, fitting, machine: machine, notes: &notes)
    let fusion = Fusion(operators, fitting.overlapsVectorWork ? .folding : options.fusesEpilogues ? .epilogues : .none)
    if !options.fusedStages.isEmpty, !fitting.fusesStages {
      notes.add("stages are fused on GPUs only", operators.first?.name ?? "")
    }
    let stages = try FusedStages(operators, fusion, fitting.fusesStages ? options.fusedStages : [])
    var places: [DistinctOperator: Int] = [:]
    var distinct: [Task] = []
    var parts: [Part] = []
    parts.reserveCapacity(operators.count)
    for (index, op) in operators.enumerated() {
      var part = Part(
        repeats: op.repeats, isMatrix: op.kind.isMatrix,
        isWeightGradient: op.phase == .backwardWeight && op.kind.isMatrix,
        runsBesideWeightGradients: fitting.runsBesideWeightGradients(op))
      (part.findsInputs, part.leavesNothing) = (stages[index].inputs, stages[index].output)
      var alone: Operator? = op
      switch fusion.parts[index] {
      case .alone: break
      case .folded:
        notes.add("normalizations fold into the weights before them", op.name)
        (alone, part.mapping) = (nil, .folded)
      case .epilogue:
        notes.add("element-wise functions join the product before them", op.name)
        (alone, part.mapping) = (part.findsInputs ? nil : op.inEpilogue, .epilogue)
        part.leavesNothing = true
      }
      if let alone {
        let key = DistinctOperator(alone)
        let place = places[key] ?? distinct.count
        if place == distinct.count {
          places[key] = place
          distinct.append(Task(key.op, inputsOnChip: false, outputOnChip: false))
        }
        part.place = place
      }
      parts.append(part)
    }
    (self.notes, self.distinct, self.parts) = (notes.notes, distinct, parts)
    model = StoredModel(operators)
    residency = fitting.residency(of: operators, samples: workload.samples)
    let graph = engine.hostLink != nil || fitting.overlapsVectorWork ? Dependencies(operators) : nil
    transferredBytes = engine.hostLink == nil ? .zero : graph?.transferredBytes ?? .zero
    var producers = fitting.overlapsVectorWork ? graph?.producers ?? [] : []
    // Updates wait for gradients, whether the trace says so or not.
    for index in producers.indices.dropFirst() where operators[index].phase == .update && producers[index].isEmpty {
      producers[index] = [index - 1]
    }
    self.producers = producers
  }

  private static func adapt<E: Engine>(
    _ operators: [Operator], to engine: E, _ fitting: E.Fitting, machine: String, notes: inout NoteList
  ) throws(DiagnosticList) -> [Operator] {
    var problems = RefusalList()
    var adapted: [Operator] = []
    adapted.reserveCapacity(operators.count)
    for op in operators {
      switch engine.fit(op, by: fitting) {
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
}

/// An operator without its name and place.
private struct DistinctOperator: Hashable {
  let op: Operator

  init(_ op: Operator) {
    self.op = Operator(
      name: "", kind: op.kind, phase: op.phase, dataType: op.dataType, outputType: op.outputType,
      weightType: op.weightType, sparsity: op.sparsity)
  }
}

/// An adapted workload on one machine: the tasks that its engine answers for.
struct PlacedWorkload {
  /// Distinct operators with their operands where they are.
  fileprivate(set) var tasks: [Task] = []
  /// How often each runs.
  fileprivate(set) var times: [Double] = []
  /// For each operator its task; negative for those that take no time.
  fileprivate var places: [Int] = []
}

extension AdaptedWorkload {
  /// The tasks for a machine with such an engine.
  /// - Throws: what the machine's numbers keep from running.
  func placed<E: Engine>(
    on engine: E, _ machine: Machine, options: SimulationOptions
  ) throws(DiagnosticList) -> PlacedWorkload {
    try checkRefusals(engine, machine)
    if options.checksMemory { try model.check(fits: machine) }
    let residency =
      switch options.residency {
      case .chained: residency.residency(capacity: engine.residentCapacity)
      case .isolated: Residency(operators.count, onChip: false)
      case .onChip: Residency(operators.count, onChip: true)
      }
    var placed = PlacedWorkload()
    placed.places.reserveCapacity(parts.count)
    placed.tasks.reserveCapacity(2 * distinct.count)
    placed.times.reserveCapacity(2 * distinct.count)
    // The tasks of each distinct operator, by where its operands are.
    var known = [Int](repeating: -1, count: 4 * distinct.count)
    for index in parts.indices {
      guard let place = parts[index].place else {
        placed.places.append(-1)
        continue
      }
      let inputs = residency.inputsOnChip[index] || parts[index].findsInputs
      let output = residency.outputOnChip[index] || parts[index].leavesNothing
      let key = 4 * place + (inputs ? 2 : 0) + (output ? 1 : 0)
      if known[key] < 0 {
        known[key] = placed.tasks.count
        placed.tasks.append(
          distinct[place].placed(
            inputsOnChip: inputs, outputOnChip: output, weightsOnChip: options.residency == .onChip,
            turns: residency.turns))
        placed.times.append(0)
      }
      placed.times[known[key]] += Double(parts[index].repeats)
      placed.places.append(known[key])
    }
    return placed
  }

  private func checkRefusals<E: Engine>(_ engine: E, _ machine: Machine) throws(DiagnosticList) {
    var refused: [Int: (code: DiagnosticCode, reason: String, help: String)] = [:]
    for (place, task) in distinct.enumerated() {
      if let refusal = engine.refusal(of: task) { refused[place] = refusal }
    }
    guard !refused.isEmpty else { return }
    var problems = RefusalList()
    for (part, op) in zip(parts, operators) {
      guard let refusal = part.place.flatMap({ refused[$0] }) else { continue }
      problems.add(op.name, refusal.code, refusal.reason, help: refusal.help)
    }
    throw DiagnosticList(problems.diagnostics(machine.name))
  }

  /// What each operator adds to the step, in order; at the end the transfers between host and machine, where nothing
  /// hides them.
  /// - Parameters:
  ///   - estimates: the answers for the tasks; those for what takes no time are appended.
  ///   - body: takes the operator, or nil for the transfers, its task where it has one, its answer and its time.
  func forEachPart<E: Engine>(
    of placed: PlacedWorkload, on engine: E, options: SimulationOptions, _ estimates: inout [Estimate],
    _ body: (_ index: Int?, _ task: Int?, _ estimate: Int, _ estimates: [Estimate], _ exposed: Seconds)
      throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    /// Where the answer of what takes no time is.
    func place(_ mapping: Mapping) -> Int {
      if let index = estimates.indices.dropFirst(placed.tasks.count).first(where: { estimates[$0].mapping == mapping })
      {
        return index
      }
      estimates.append(Estimate(mapping, bound: .vector))
      return estimates.count - 1
    }
    var overlap = engine.fitting.overlapsVectorWork ? OperatorOverlap(operators: parts.count) : nil
    var beside = WeightGradientSlack()
    var all = Seconds.zero
    for index in parts.indices {
      let part = parts[index]
      let task = placed.places[index]
      guard task >= 0 else {
        overlap?.pass(after: producers[index])
        try body(index, nil, place(part.mapping), estimates, .zero)
        continue
      }
      var exposed = estimates[task].elapsed
      if let added = overlap?.add(
        estimates[task], isMatrix: part.isMatrix, repeats: part.repeats, after: producers[index])
      {
        exposed = added
      }
      if part.isWeightGradient {
        beside.open(estimates[task], repeats: part.repeats)
      } else if part.runsBesideWeightGradients {
        exposed = beside.exposed(estimates[task], repeats: part.repeats)
      }
      all = all + exposed * Double(part.repeats)
      try body(index, task, task, estimates, exposed)
    }
    guard let link = engine.hostLink else { return }
    let transfer = transferredBytes / link
    let exposed = options.isOneRequestAtATime ? transfer : transfer - all
    guard exposed > .zero else { return }
    estimates.append(Estimate(.hostLink, elapsed: transfer, bound: .host))
    try body(nil, nil, estimates.count - 1, estimates, exposed)
  }

  /// Sums over a run.
  /// - Throws: what the machine's numbers keep from running.
  func totals<E: Engine>(
    on engine: E, _ machine: Machine, options: SimulationOptions
  ) throws(DiagnosticList) -> RunTotals {
    let placed = try placed(on: engine, machine, options: options)
    var estimates = engine.estimates(of: placed.tasks, times: placed.times)
    var totals = RunTotals()
    try forEachPart(of: placed, on: engine, options: options, &estimates) {
      (index, _, estimate, estimates, exposed) throws(DiagnosticList) in
      totals.add(estimates[estimate], repeats: index.map { parts[$0].repeats } ?? 1, exposed: exposed)
    }
    return totals
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
