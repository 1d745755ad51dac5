import Diagnostics
import Hardware
import Quantities
import Workloads

/// What is simulated once for all operators that share it: an operator without its name and place, and where its
/// operands are.
struct Task: Hashable {
  var kind: OperatorKind
  var phase: Phase
  var dataType: DataType
  var outputType: DataType
  var weightType: DataType?
  var sparsity: OperandSparsity
  /// Whether the activations it reads are still on chip.
  var inputsOnChip: Bool
  /// Whether its result stays on chip for its consumers.
  var outputOnChip: Bool
  /// Equal parts of the step's samples that go through the network one after the other.
  var turns: Int

  init(_ op: Operator, inputsOnChip: Bool, outputOnChip: Bool, turns: Int = 1) {
    self.kind = op.kind
    self.phase = op.phase
    self.dataType = op.dataType
    self.outputType = op.outputType
    self.weightType = op.weightType
    self.sparsity = op.sparsity
    self.inputsOnChip = inputsOnChip
    self.outputOnChip = outputOnChip
    self.turns = turns
  }

  /// The operator this stands for, to lower it.
  var asOperator: Operator {
    Operator(
      name: "", kind: kind, phase: phase, dataType: dataType, outputType: outputType, weightType: weightType,
      sparsity: sparsity)
  }
}

/// One family's model.
///
/// An engine is a value made from a machine description. Operators reach `adapt` in a type of `dataTypes`; it may
/// replace a pattern that the machine cannot exploit. `estimate` gets only what `adapt` has let through. All are pure.
protocol Engine {
  /// The types the machine multiplies.
  var dataTypes: DataTypeSupport { get }
  /// The operator with the patterns the machine runs it with.
  func adapt(_ op: Operator) -> Adaptation
  /// The answer for one operator on its own.
  func estimate(_ task: Task) -> Estimate
  /// The answers for operators that run one after the other again and again, each as many times as given.
  func estimates(of tasks: [Task], times: [Double]) -> [Estimate]
  /// On-chip bytes in which a result can wait for its consumer.
  var residentCapacity: Int { get }
  /// Where results wait between the operators of a step of `samples`.
  func residency(of operators: [Operator], samples: Int?) -> Residency
  /// Whether vector operators run beside the matrix operator before them, instead of after it.
  var overlapsVectorWork: Bool { get }
  /// Whether it widens weights that are stored in a narrower type than they are multiplied in.
  var widensWeights: Bool { get }
  /// Whether an operator runs beside earlier products that give weight gradients, instead of after them.
  func runsBesideWeightGradients(_ op: Operator) -> Bool
  /// The link over which a step's inputs come and its results go; nil where the model has none.
  var hostLink: BytesPerSecond? { get }
  /// What each unit does during one operator, whose answer is given, up to `limit` spans; nil where the model does not
  /// follow it.
  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)?
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

  var widensWeights: Bool { false }

  func runsBesideWeightGradients(_ op: Operator) -> Bool { false }
  func residency(of operators: [Operator], samples: Int?) -> Residency {
    Residency(operators, capacity: residentCapacity)
  }

  var hostLink: BytesPerSecond? { nil }
  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)? { nil }

  /// The operator in a type and with the patterns the machine has.
  func fit(_ op: Operator) -> Adaptation {
    guard let type = op.weightType, !widensWeights else { return fitted(op) }
    var widened = op
    widened.weightType = nil
    guard case .runs(let fitted, let changes) = fitted(widened) else { return fitted(widened) }
    return .runs(
      fitted, changes: ["\(type.rawValue) weights are stored as \(op.dataType.rawValue): nothing widens them"] + changes
    )
  }

  private func fitted(_ op: Operator) -> Adaptation {
    guard let (type, _) = dataTypes.resolve(op.dataType) else {
      guard op.kind.isMatrix else { return .runs(op, changes: []) }
      let known = dataTypes.rates.keys.map(\.rawValue).sorted().joined(separator: ", ")
      return .impossible(
        .unsupportedDataType, "it does not multiply \(op.dataType.rawValue)",
        help: "use --data-type with one of: \(known)")
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
