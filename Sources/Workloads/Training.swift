public import Diagnostics

/// Which operands a training method prunes to N:M, in which of the three products of a layer.
///
/// With C multiply-accumulates a product, s = N/M: dense 3C; one pruned product (s + 2)C; two (2s + 1)C; all three 3sC.
public enum TrainingMethod: String, CaseIterable, Hashable, Sendable {
  /// Nothing.
  case dense
  /// Weights in the forward product (Zhou et al., ICLR 2021).
  case srSTE = "sr-ste"
  /// Output gradients in the backward-data product (McDanel et al., 2022).
  case sdgp
  /// Weights in the backward-data product.
  case sdwp
  /// Weights in both, each grouped along its own reduction axis (Fang et al., arXiv 2309.13015).
  case bdwp
  /// Weights in both under separate masks; the backward one is found after its rows, the output channels, have been
  /// permuted (Zhang et al., ICML 2023). Output gradients are brought into that order by a copy of their own; the
  /// search for a permutation, once in many steps, is left out.
  case biMask = "bi-mask"
  /// Weights in both under one mask that holds along either axis (Hubara et al., NeurIPS 2021), pruned and stored
  /// once. What searching such a mask takes beyond one pruning pass is left out: it is kept for many steps.
  case transposable
  /// Weights in both, and output gradients in the backward-weight product, with operands in FP8 (Hu et al., S-STE,
  /// NeurIPS 2024).
  case sSTE = "s-ste"

  var prunesForwardWeights: Bool { self != .dense && self != .sdgp && self != .sdwp }
  var prunesBackwardWeights: Bool { self != .dense && self != .srSTE && self != .sdgp }
  var prunesDataGradients: Bool { self == .sdgp }
  var prunesWeightGradients: Bool { self == .sSTE }
  /// What operands of pruned products are converted to; nil keeps their type.
  var operandType: DataType? { self == .sSTE ? .fp8 : nil }
}

extension Workload {
  /// Whether it holds a backward pass.
  public var isTraining: Bool {
    operators.contains { $0.phase == .backwardData || $0.phase == .backwardWeight }
  }

  /// A training step of this workload under a method.
  ///
  /// A forward trace is expanded (``expandedToTraining(optimizer:)``); a recorded training trace is used as it ran.
  /// The rules give the weights' N:M pattern; the method says in which products it applies, and the pruning passes it
  /// needs are added: of weights after their update, of gradients before their use.
  /// - Parameter keepsTypes: whether a method that has a data type of its own leaves operands as they are.
  /// - Throws: `invalid-pattern` for a pattern that is not N:M, `matches-nothing`, `missing-key` without a rule.
  public func trained(
    by method: TrainingMethod, rules: [SparsityRule], optimizer: WeightUpdate.Optimizer = .momentum,
    keepsTypes: Bool = false
  ) throws(DiagnosticList) -> (workload: Workload, notes: [WorkloadNote]) {
    var result = isTraining ? self : expandedToTraining(optimizer: optimizer)
    guard method != .dense else { return (result, []) }
    // A later `dense` rule exempts what it names.
    let rules = rules.filter { $0.operand == .weights }
    guard rules.contains(where: { $0.pattern != .dense }) else {
      throw DiagnosticList(
        Diagnostic(
          .missingKey, "\(method.rawValue) needs the N:M pattern it prunes to",
          help: "add --sparsity weights=2:8"))
    }
    for rule in rules {
      guard rule.pattern == .dense || rule.pattern.isStructured else {
        throw DiagnosticList(
          Diagnostic(
            .invalidPattern, "\(method.rawValue) prunes to N:M; \(rule.pattern) is not an N:M pattern",
            help: "use a pattern such as weights=2:8"))
      }
      guard result.operators.contains(where: rule.coversWeights) else {
        throw DiagnosticList(rule.matchesNothing(in: self))
      }
    }

    var step = PruningStep(method: method, operandType: keepsTypes ? nil : method.operandType)
    for op in result.operators {
      if let rule = rules.last(where: { $0.coversWeights(of: op) }), case .structured(let n, let m) = rule.pattern {
        step.append(op, n, m)
      } else {
        step.append(op)
      }
    }
    result.operators = step.finished()
    return (result, step.notes.all)
  }
}

extension SparsityRule {
  /// Whether the rule speaks of a product that a layer's weights take part in or whose gradient it gives.
  fileprivate func coversWeights(of op: Operator) -> Bool {
    covers(op) || op.phase == .backwardWeight && op.kind.isMatrix && (operators.map(op.name.fits(glob:)) ?? true)
  }
}

/// Rewrites a training step operator by operator and keeps its dependencies right while passes are inserted.
private struct PruningStep {
  let method: TrainingMethod
  let operandType: DataType?
  private(set) var notes = WorkloadNotes()
  private var operators: [Operator] = []
  /// Where each operator of the input went.
  private var positions: [Int] = []
  private var weightPasses: [Operator] = []

  init(method: TrainingMethod, operandType: DataType?) {
    self.method = method
    self.operandType = operandType
  }

  /// Weights are pruned after their update, at the end of the step.
  func finished() -> [Operator] { operators + weightPasses }

  mutating func append(_ op: Operator) {
    var op = op
    op.dependencies = op.dependencies.map { positions[$0] }
    positions.append(operators.count)
    operators.append(op)
  }

  /// Adds an operator whose layer is pruned to n of m, with what its method does to it.
  mutating func append(_ op: Operator, _ n: Int, _ m: Int) {
    let pattern = SparsityPattern.structured(n: n, m: m)
    var pruned = op
    /// What is pruned before the operator, or after the update where it is weights.
    var pass: (suffix: String, elements: Int)?
    switch op.phase {
    case .forward, .inference:
      guard method.prunesForwardWeights else { return append(op) }
      pruned.sparsity.weights = pattern
      pass = (method == .transposable ? "prune_transposable" : "prune_forward", op.weightElements)
    case .backwardData where method.prunesDataGradients:
      pruned.sparsity.activations = pattern
      pass = ("prune_gradient", op.matrixProblems.reduce(0) { $0 + $1.bElements })
    case .backwardData:
      guard method.prunesBackwardWeights else { return append(op) }
      pruned.sparsity.weights = pattern
      if method != .transposable { pass = ("prune_backward", op.weightElements) }
    case .backwardWeight:
      guard method.prunesWeightGradients else { return append(op) }
      pruned.sparsity.weights = pattern
      pass = ("prune_gradient", op.matrixProblems.reduce(0) { $0 + $1.aElements })
    case .update: return append(op)
    }
    let divides = pruned.shapeProblems().isEmpty && (method != .transposable || op.channelsDivide(by: m))
    guard divides else {
      notes.add("stays dense: its channels are not divisible into groups for \(pattern)", op.name)
      return append(op)
    }
    if let operandType, op.dataType.bits > operandType.bits { pruned.dataType = operandType }
    let isGradient = pass?.suffix == "prune_gradient"
    let pruning = pass.map {
      Operator(
        name: "\(op.name).\($0.suffix)", kind: .pruning(Pruning(elements: $0.elements, n: n, m: m)),
        phase: isGradient ? op.phase : .update, dataType: op.dataType, outputType: pruned.dataType,
        repeats: op.repeats)
    }
    if let pruning, isGradient { return insert(pruning, before: pruned) }
    if let pruning { weightPasses.append(pruning) }
    guard method == .biMask, op.phase == .backwardData else { return append(pruned) }
    let gradients = op.matrixProblems.reduce(0) { $0 + $1.bElements }
    insert(
      Operator(
        name: "\(op.name).permute_gradient", kind: .elementwise(Elementwise(.copy, elements: gradients)),
        phase: op.phase, dataType: op.dataType, repeats: op.repeats), before: pruned)
  }

  /// Adds an operator that works on the operands of `op`, and then `op`, which uses its result as well.
  private mutating func insert(_ inserted: Operator, before op: Operator) {
    var inserted = inserted
    inserted.dependencies = op.dependencies.map { positions[$0] }
    operators.append(inserted)
    append(op)
    operators[operators.count - 1].dependencies.append(operators.count - 2)
  }
}
extension Operator {
  /// Whether groups of `m` divide the channels on both sides of a layer.
  fileprivate func channelsDivide(by m: Int) -> Bool {
    switch kind {
    case .gemm(let g): g.m.isMultiple(of: m) && g.k.isMultiple(of: m)
    case .groupedGEMM(let g): g.m.isMultiple(of: m) && g.k.isMultiple(of: m)
    case .convolution(let c):
      (c.inputChannels / c.groups).isMultiple(of: m) && (c.outputChannels / c.groups).isMultiple(of: m)
    case .attention, .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning:
      false
    }
  }
}

extension SparsityPattern {
  /// Whether it is N:M.
  fileprivate var isStructured: Bool {
    if case .structured = self { true } else { false }
  }
}
