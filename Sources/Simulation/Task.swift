import Hardware
import Workloads

/// What is simulated once for all operators that share it: an operator without its name and place, and where its
/// operands are.
struct Task: Hashable {
  var kind: OperatorKind
  var phase: Phase
  var dataType: DataType
  var outputType: DataType
  var sparsity: OperandSparsity
  /// Whether the activations it reads are still on chip.
  var inputsOnChip: Bool
  /// Whether its result stays on chip for its consumers.
  var outputOnChip: Bool

  init(_ op: Operator, inputsOnChip: Bool, outputOnChip: Bool) {
    self.kind = op.kind
    self.phase = op.phase
    self.dataType = op.dataType
    self.outputType = op.outputType
    self.sparsity = op.sparsity
    self.inputsOnChip = inputsOnChip
    self.outputOnChip = outputOnChip
  }

  /// The operator this stands for, to lower it.
  var asOperator: Operator {
    Operator(
      name: "", kind: kind, phase: phase, dataType: dataType, outputType: outputType, sparsity: sparsity)
  }
}

/// One family's model.
///
/// An engine is a value made from a machine description. `adapt` is asked first and may replace a type or pattern
/// that the machine does not have; `estimate` then gets only what `adapt` has let through. Both are pure.
protocol Engine {
  /// The operator as the machine runs it.
  func adapt(_ op: Operator) -> Adaptation
  /// The answer for one operator on its own.
  func estimate(_ task: Task) -> Estimate
  /// On-chip bytes in which a result can wait for its consumer.
  var residentCapacity: Int { get }
  /// Whether vector operators run beside the matrix operator before them, instead of after it.
  var overlapsVectorWork: Bool { get }
}

/// An operator as a machine runs it, or why it cannot.
enum Adaptation {
  /// As it is, or changed for the reasons given.
  case runs(Operator, changes: [String])
  /// Not at all.
  case impossible(String, help: String)
}
