import Diagnostics
import Hardware
import Quantities
import Workloads

/// What is simulated once for all operators that share it: an operator, whatever its name and place, and where its operands
/// are.
struct Task {
  /// The operator.
  let op: Operator
  /// The products it comes to, found once for all machines.
  let problems: [MatrixProblem]
  /// What its operands take.
  let footprint: Footprint
  /// Whether the activations it reads are still on chip.
  var inputsOnChip: Bool
  /// Whether its result stays on chip for its consumers.
  var outputOnChip: Bool
  /// Whether its weights wait in a GPU's cache.
  var weightsOnChip: Bool
  /// Equal parts of the step's samples that go through the network one after the other.
  var turns: Int

  init(_ op: Operator, inputsOnChip: Bool, outputOnChip: Bool, weightsOnChip: Bool = false, turns: Int = 1) {
    self.op = op
    problems = op.matrixProblems
    footprint = Footprint(op, problems)
    self.inputsOnChip = inputsOnChip
    self.outputOnChip = outputOnChip
    self.weightsOnChip = weightsOnChip
    self.turns = turns
  }

  /// The same with its operands elsewhere.
  func placed(inputsOnChip: Bool, outputOnChip: Bool, weightsOnChip: Bool, turns: Int) -> Task {
    var task = self
    (task.inputsOnChip, task.outputOnChip, task.turns) = (inputsOnChip, outputOnChip, turns)
    task.weightsOnChip = weightsOnChip
    return task
  }

  /// Its products; weights that wait on chip are as good as activations there.
  var placedProblems: [MatrixProblem] {
    guard weightsOnChip else { return problems }
    return problems.map { problem in
      var problem = problem
      problem.hasWeights = false
      return problem
    }
  }
}

/// One family's model.
///
/// An engine is a value made from a machine description. Its `fitting` says how operators run on such machines, and
/// may replace a pattern that they cannot exploit. `estimate` gets only what `fit` has let through. All are pure.
protocol Engine {
  associatedtype Fitting: OperatorFitting
  /// How operators fit machines of this kind, apart from what `refits` names.
  var fitting: Fitting { get }
  /// Whether the machine's numbers decide how an operator runs.
  func refits(_ op: Operator) -> Bool
  /// How an operator of which that is so runs, in a type that the machine has.
  func refit(_ op: Operator) -> Adaptation
  /// Why the machine's numbers keep it from running a task; nil where they do not.
  func refusal(of task: Task) -> (code: DiagnosticCode, reason: String, help: String)?
  /// The answer for one operator on its own.
  func estimate(_ task: Task) -> Estimate
  /// The answers for operators that run one after the other again and again, each as many times as given.
  func estimates(of tasks: [Task], times: [Double]) -> [Estimate]
  /// On-chip bytes in which a result can wait for its consumer.
  var residentCapacity: Int { get }
  /// The link over which a step's inputs come and its results go; nil where the model has none.
  var hostLink: BytesPerSecond? { get }
  /// What each unit does during one operator, whose answer is given, up to `limit` spans; nil where the model does not
  /// follow it.
  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)?
}

/// How operators fit the machines of a kind: in which types and patterns they run, and beside what.
///
/// A value of this type is all that these answers are made from, so machines with equal ones run the same operators,
/// whatever else they differ in.
protocol OperatorFitting: Hashable, Sendable {
  /// The types the machine multiplies.
  var types: MultipliedTypes { get }
  /// The operator, in one of those types, with the patterns the machine runs it with.
  func adapt(_ op: Operator) -> Adaptation
  /// Where results of a step of `samples` can wait, as far as capacity allows.
  func residency(of operators: [Operator], samples: Int?) -> ResidencyPlan
  /// Whether vector operators run beside matrix operators (``OperatorOverlap``), instead of after them.
  var overlapsVectorWork: Bool { get }
  /// Whether operators can run as one kernel (``FusedStages``).
  var fusesStages: Bool { get }
  /// Whether it widens weights that are stored in a narrower type than they are multiplied in.
  var widensWeights: Bool { get }
  /// Whether an operator runs beside earlier products that give weight gradients, instead of after them.
  func runsBesideWeightGradients(_ op: Operator) -> Bool
}

/// The data types a machine multiplies, and what stands in for others.
struct MultipliedTypes: Hashable, Sendable {
  private let known: Set<DataType>
  private let substitutes: [DataType: DataType]

  init(_ support: DataTypeSupport) {
    known = Set(support.rates.keys)
    substitutes = support.substitutes
  }

  /// The type that operands of `type` are multiplied in; nil where the machine has neither it nor a substitute.
  func resolve(_ type: DataType) -> DataType? {
    if known.contains(type) { return type }
    return substitutes[type].flatMap { known.contains($0) ? $0 : nil }
  }

  /// Whether the machine multiplies a type itself.
  func has(_ type: DataType) -> Bool { known.contains(type) }

  /// Their names, sorted.
  var names: String { known.map(\.rawValue).sorted().joined(separator: ", ") }
}

/// An operator as a machine runs it, or why it cannot.
enum Adaptation {
  /// As it is, or changed for the reasons given.
  case runs(Operator, changes: [String])
  /// Not at all.
  case impossible(DiagnosticCode, String, help: String)
}

extension Engine {
  /// Operators that do not change each other's answers.
  func estimates(of tasks: [Task], times: [Double]) -> [Estimate] { tasks.map(estimate) }

  func refits(_ op: Operator) -> Bool { false }
  func refit(_ op: Operator) -> Adaptation { fitting.adapt(op) }
  func refusal(of task: Task) -> (code: DiagnosticCode, reason: String, help: String)? { nil }

  /// Where results wait between the operators of a step of `samples`.
  func residency(of operators: [Operator], samples: Int?) -> Residency {
    fitting.residency(of: operators, samples: samples).residency(capacity: residentCapacity)
  }

  var hostLink: BytesPerSecond? { nil }
  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)? { nil }

  /// The operator in a type and with the patterns the machine has.
  func fit(_ op: Operator) -> Adaptation { fit(op, by: fitting) }

  /// The same for one of many operators: making the `fitting` takes a while.
  func fit(_ op: Operator, by fitting: Fitting) -> Adaptation {
    let adaptation = refits(op) ? fitting.fit(op, refit) : fitting.fit(op, fitting.adapt)
    guard case .runs(let fitted, _) = adaptation,
      let (code, reason, help) = refusal(of: Task(fitted, inputsOnChip: false, outputOnChip: false))
    else { return adaptation }
    return .impossible(code, reason, help: help)
  }
}

extension OperatorFitting {
  var fusesStages: Bool { false }
  var widensWeights: Bool { false }
  func runsBesideWeightGradients(_ op: Operator) -> Bool { false }
  func residency(of operators: [Operator], samples: Int?) -> ResidencyPlan { ResidencyPlan(operators) }

  /// The operator in a type and with the patterns the machine has.
  func fit(_ op: Operator, _ adapt: (Operator) -> Adaptation) -> Adaptation {
    guard let type = op.weightType, !widensWeights else { return fitted(op, adapt) }
    var widened = op
    widened.weightType = nil
    guard case .runs(let fitted, let changes) = fitted(widened, adapt) else { return fitted(widened, adapt) }
    return .runs(
      fitted, changes: ["\(type.rawValue) weights are stored as \(op.dataType.rawValue): nothing widens them"] + changes
    )
  }

  private func fitted(_ op: Operator, _ adapt: (Operator) -> Adaptation) -> Adaptation {
    guard let type = types.resolve(op.dataType) else {
      guard op.kind.isMatrix else { return .runs(op, changes: []) }
      return .impossible(
        .unsupportedDataType, "it does not multiply \(op.dataType.rawValue)",
        help: "use --data-type with one of: \(types.names)")
    }
    guard type != op.dataType else { return op.kind.isMatrix ? adapt(op) : .runs(op, changes: []) }
    var typed = op
    typed.dataType = type
    // Results follow, unless they were asked for in another type.
    if op.outputType == op.dataType { typed.outputType = type }
    let change = "\(op.dataType.rawValue) runs as \(type.rawValue)"
    guard op.kind.isMatrix, case .runs(let adapted, let changes) = adapt(typed) else {
      return op.kind.isMatrix ? adapt(typed) : .runs(typed, changes: [change])
    }
    return .runs(adapted, changes: [change] + changes)
  }
}
