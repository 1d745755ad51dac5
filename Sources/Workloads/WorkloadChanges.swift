public import Diagnostics

/// How a workload is changed before it runs.
public struct WorkloadChanges: Hashable, Sendable {
  /// Patterns of operands, in order.
  public var rules: [SparsityRule]
  /// The method of a training step; nil runs the workload as it is.
  public var training: TrainingMethod?
  /// What all floating-point operands are converted to; nil keeps their types.
  public var dataType: DataType?
  /// How weights are stored, to be widened on the way; nil keeps their types.
  public var weightType: DataType?

  /// Changes; none unless told otherwise.
  public init(
    rules: [SparsityRule] = [], training: TrainingMethod? = nil, dataType: DataType? = nil, weightType: DataType? = nil
  ) {
    self.rules = rules
    self.training = training
    self.dataType = dataType
    self.weightType = weightType
  }
}

extension Workload {
  /// The workload with the changes, and what they left as it was.
  /// - Throws: `matches-nothing`, `indivisible-pattern`, `unsupported-pattern` for a rule that a training method would
  ///   pass over in silence, and the like.
  public func changed(
    by changes: WorkloadChanges
  ) throws(DiagnosticList) -> (workload: Workload, notes: [WorkloadNote]) {
    try changes.checkRules()
    let typed = changes.dataType.map(converting(to:)) ?? self
    let stored = changes.weightType.map(typed.storingWeights(as:)) ?? typed
    guard let training = changes.training else { return try stored.applying(changes.rules) }
    return try stored.trained(by: training, rules: changes.rules, keepsTypes: changes.dataType != nil)
  }

  /// The workload with every operand dense.
  public var withoutPatterns: Workload {
    var result = self
    for index in operators.indices where operators[index].sparsity != .dense {
      result.operators[index].sparsity = .dense
    }
    return result
  }
}

extension WorkloadChanges {
  /// Refuses rules that a training method would pass over in silence.
  fileprivate func checkRules() throws(DiagnosticList) {
    guard let training else { return }
    let idle = rules.filter { $0.pattern != .dense && (training == .dense || $0.operand != .weights) }
    guard idle.isEmpty else {
      throw DiagnosticList(
        idle.map {
          Diagnostic(
            .unsupportedPattern, "training \(training.rawValue) has no use for \($0)",
            help: training == .dense
              ? "choose a method that prunes, such as bdwp, or leave the pattern out"
              : "give patterns for weights; the method decides what else is pruned")
        })
    }
  }
}

extension SparsityRule: CustomStringConvertible {
  /// The rule as it is read.
  public var description: String { (operators.map { "\($0):" } ?? "") + "\(operand.rawValue)=\(pattern)" }
}
