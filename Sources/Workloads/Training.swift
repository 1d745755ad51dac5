public import Diagnostics

/// Which operands a training method prunes to N:M, in which of the three products of a layer.
///
/// With C multiply-accumulates a product, s = N/M: dense 3C; one pruned product (s + 2)C; BDWP (2s + 1)C.
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

  var prunesForwardWeights: Bool { self == .srSTE || self == .bdwp }
  var prunesBackwardWeights: Bool { self == .sdwp || self == .bdwp }
  var prunesGradients: Bool { self == .sdgp }
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
  /// - Throws: `invalid-pattern` for a pattern that is not N:M, `matches-nothing`, `missing-key` without a rule.
  public func trained(
    by method: TrainingMethod, rules: [SparsityRule], optimizer: WeightUpdate.Optimizer = .momentum
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
      guard result.operators.contains(where: rule.covers) else {
        throw DiagnosticList(rule.matchesNothing(in: self))
      }
    }

    var notes = WorkloadNotes()
    var pass = PruningPass(method: method)
    for var op in result.operators {
      if let rule = rules.last(where: { $0.covers(op) }), case .structured(let n, let m) = rule.pattern {
        pass.apply(n, m, rule.pattern, to: &op, notes: &notes)
      }
      pass.append(op)
    }
    result.operators = pass.finished()
    return (result, notes.all)
  }
}

/// Rewrites a training step operator by operator and keeps its dependencies right while pruning passes are inserted.
private struct PruningPass {
  let method: TrainingMethod
  private var operators: [Operator] = []
  /// Where each operator of the input went.
  private var positions: [Int] = []
  private var weightPasses: [Operator] = []
  /// The pass that prunes a gradient for the operator that comes next.
  private var gradientPass: Int?

  init(method: TrainingMethod) { self.method = method }

  mutating func apply(
    _ n: Int, _ m: Int, _ pattern: SparsityPattern, to op: inout Operator, notes: inout WorkloadNotes
  ) {
    let isForward = op.phase == .forward || op.phase == .inference
    let prunesWeights =
      isForward
      ? method.prunesForwardWeights : op.phase == .backwardData && method.prunesBackwardWeights
    let prunesGradient = op.phase == .backwardData && method.prunesGradients
    guard prunesWeights || prunesGradient else { return }
    var pruned = op
    if prunesWeights { pruned.sparsity.weights = pattern } else { pruned.sparsity.activations = pattern }
    guard pruned.shapeProblems().isEmpty else {
      notes.add("stays dense: its channels are not divisible into groups for \(pattern)", op.name)
      return
    }
    op = pruned
    let elements = prunesWeights ? op.weightElements : op.matrixProblems.reduce(0) { $0 + $1.bElements }
    let suffix = prunesGradient ? "gradient" : isForward ? "forward" : "backward"
    let pass = Operator(
      name: "\(op.name).prune_\(suffix)", kind: .pruning(Pruning(elements: elements, n: n, m: m)),
      phase: prunesGradient ? .backwardData : .update, dataType: op.dataType, repeats: op.repeats)
    if prunesGradient {
      var pass = pass
      pass.dependencies = op.dependencies.map { positions[$0] }
      gradientPass = operators.count
      operators.append(pass)
    } else {
      weightPasses.append(pass)
    }
  }

  mutating func append(_ op: Operator) {
    var op = op
    op.dependencies = op.dependencies.map { positions[$0] }
    if let pass = gradientPass { op.dependencies.append(pass) }
    gradientPass = nil
    positions.append(operators.count)
    operators.append(op)
  }

  /// Weights are pruned after their update, at the end of the step.
  func finished() -> [Operator] { operators + weightPasses }
}

extension Workload {
  /// The training step of a forward trace: its operators in the forward phase, then for each, last to first, the
  /// gradient of its input and of its weights, then an update of all weights.
  ///
  /// The first operator with weights gets no input gradient: nobody needs the gradient of the data. Additions and
  /// copies pass gradients on without work.
  public func expandedToTraining(optimizer: WeightUpdate.Optimizer) -> Workload {
    var result = self
    for index in result.operators.indices { result.operators[index].phase = .forward }
    let firstWeights = operators.firstIndex { $0.weightElements > 0 }

    // What gave the gradient that the next operator, going back, receives.
    var gradient = result.operators.count - 1
    for (index, op) in operators.enumerated().reversed() {
      let received = gradient
      for var backward in op.backward(includingInput: index != firstWeights) {
        backward.dependencies = [received]
        if backward.phase == .backwardData { gradient = result.operators.count }
        result.operators.append(backward)
      }
    }
    for op in operators where op.weightElements > 0 {
      result.operators.append(
        Operator(
          name: op.name + ".update",
          kind: .update(WeightUpdate(parameters: op.weightElements, optimizer: optimizer)), phase: .update,
          dataType: op.dataType, repeats: op.repeats))
    }
    return result
  }
}

extension Operator {
  /// The operators of its backward pass.
  func backward(includingInput: Bool) -> [Operator] {
    func make(_ suffix: String, _ kind: OperatorKind, _ phase: Phase) -> Operator {
      Operator(
        name: name + suffix, kind: kind, phase: phase, dataType: dataType, outputType: outputType,
        repeats: repeats)
    }
    let input: [OperatorKind]
    var weights: [OperatorKind] = []
    switch kind {
    case .gemm(let g) where g.hasWeights:
      input = [.gemm(GEMM(m: g.k, n: g.n, k: g.m, batch: g.batch))]
      weights = [.gemm(GEMM(m: g.m, n: g.k, k: g.n, batch: g.batch, hasWeights: false))]
    case .gemm(let g):
      input = [
        .gemm(GEMM(m: g.m, n: g.k, k: g.n, batch: g.batch, hasWeights: false)),
        .gemm(GEMM(m: g.k, n: g.n, k: g.m, batch: g.batch, hasWeights: false)),
      ]
    case .groupedGEMM(let g):
      input = [.groupedGEMM(GroupedGEMM(m: g.k, k: g.m, columns: g.columns))]
      // The reduction runs over each group's own columns; groups of equal width are one batch.
      let widths = g.columns.filter { $0 > 0 }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      weights = widths.sorted { $0.key < $1.key }.map { width, count in
        .gemm(GEMM(m: g.m, n: g.k, k: width, batch: count, hasWeights: false))
      }
    case .convolution(let convolution):
      input = [.convolution(convolution)]
      weights = [.convolution(convolution)]
    case .elementwise(let e):
      switch e.function {
      case .add, .copy, .cast: input = []
      case .transpose: input = [kind]
      case .multiply, .relu, .gelu, .silu, .tanh, .sigmoid, .exp, .sqrt:
        input = [.elementwise(Elementwise(e.function, elements: e.elements, inputs: e.inputs + 1))]
      }
    case .embedding(let e):
      input = []
      weights = [.embedding(e)]
    case .reduction(let r):
      input = [.elementwise(Elementwise(.copy, elements: r.outputs * r.width))]
    case .attention, .normalization, .softmax, .pooling: input = [kind]
    case .update, .pruning: input = []
    }
    var result: [Operator] = []
    if includingInput {
      for (index, kind) in input.enumerated() {
        result.append(make(input.count == 1 ? ".backward_data" : ".backward_data.\(index)", kind, .backwardData))
      }
    }
    for (index, kind) in weights.enumerated() {
      result.append(
        make(weights.count == 1 ? ".backward_weight" : ".backward_weight.\(index)", kind, .backwardWeight))
    }
    return result
  }
}

extension SparsityPattern {
  /// Whether it is N:M.
  fileprivate var isStructured: Bool {
    if case .structured = self { true } else { false }
  }
}
