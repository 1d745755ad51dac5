/// Which part of a network's work an operator belongs to.
public enum Phase: String, CaseIterable, Hashable, Sendable {
  /// A forward pass that keeps nothing.
  case inference
  /// A forward pass that keeps its activations for the backward pass.
  case forward
  /// The gradient with respect to an operator's input.
  case backwardData = "backward-data"
  /// The gradient with respect to an operator's weights.
  case backwardWeight = "backward-weight"
  /// Weights and their compact copies after the gradients are known.
  case update
}

/// What an operator computes, with its shape.
public enum OperatorKind: Hashable, Sendable {
  /// A matrix product, also batched.
  case gemm(GEMM)
  /// Matrix products of different widths.
  case groupedGEMM(GroupedGEMM)
  /// A convolution.
  case convolution(Convolution)
  /// Attention.
  case attention(Attention)
  /// A function of each element.
  case elementwise(Elementwise)
  /// A normalization.
  case normalization(Normalization)
  /// A softmax.
  case softmax(Softmax)
  /// A reduction.
  case reduction(Reduction)
  /// A pooling.
  case pooling(Pooling)
  /// An embedding or another gather.
  case embedding(Embedding)
  /// An optimizer step.
  case update(WeightUpdate)
  /// A pruning pass.
  case pruning(Pruning)

  /// The kind's name in traces and tables.
  public var name: String {
    switch self {
    case .gemm: "gemm"
    case .groupedGEMM: "grouped-gemm"
    case .convolution: "convolution"
    case .attention: "attention"
    case .elementwise: "elementwise"
    case .normalization: "normalization"
    case .softmax: "softmax"
    case .reduction: "reduction"
    case .pooling: "pooling"
    case .embedding: "embedding"
    case .update: "update"
    case .pruning: "pruning"
    }
  }

  /// Every kind's name.
  public static let names = [
    "gemm", "grouped-gemm", "convolution", "attention", "elementwise", "normalization", "softmax", "reduction",
    "pooling", "embedding", "update", "pruning",
  ]

  /// Whether its operands are multiplied on a machine's matrix unit.
  public var isMatrix: Bool {
    switch self {
    case .gemm, .groupedGEMM, .convolution, .attention: true
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning: false
    }
  }
}

/// Patterns of an operator's operands.
public struct OperandSparsity: Hashable, Sendable {
  /// The operand that holds weights (A).
  public var weights: SparsityPattern
  /// The operand that holds activations or gradients (B).
  public var activations: SparsityPattern
  /// The scores of an attention operator.
  public var scores: SparsityPattern

  /// Dense unless told otherwise.
  public init(
    weights: SparsityPattern = .dense, activations: SparsityPattern = .dense, scores: SparsityPattern = .dense
  ) {
    self.weights = weights
    self.activations = activations
    self.scores = scores
  }

  /// Everything dense.
  public static let dense = OperandSparsity()

  /// An operand's name in rules and traces.
  public enum Operand: String, CaseIterable, Sendable {
    /// The operand that holds weights.
    case weights
    /// The operand that holds activations or gradients.
    case activations
    /// Attention scores.
    case scores
  }

  /// The pattern of one operand.
  public subscript(operand: Operand) -> SparsityPattern {
    get {
      switch operand {
      case .weights: weights
      case .activations: activations
      case .scores: scores
      }
    }
    set {
      switch operand {
      case .weights: weights = newValue
      case .activations: activations = newValue
      case .scores: scores = newValue
      }
    }
  }
}

/// When an operator ran where its trace was recorded. It is kept beside the simulation and never moves it.
public struct RecordedTime: Hashable, Sendable {
  /// Begin, from an origin that all operators of the trace share.
  public var start: Duration?
  /// How long its kernels ran on the device, gaps between them left out: one run, or the mean of its repeats.
  public var duration: Duration?

  /// A measurement; what was not measured is nil.
  public init(start: Duration? = nil, duration: Duration? = nil) {
    self.start = start
    self.duration = duration
  }
}

/// One operator of a real run.
public struct Operator: Hashable, Sendable {
  /// Unique within its trace where the source has names, for example `encoder.0.fc1`.
  public var name: String
  /// What it computes.
  public var kind: OperatorKind
  /// Which part of the run it belongs to.
  public var phase: Phase
  /// How its operands are stored.
  public var dataType: DataType
  /// How its result is stored.
  public var outputType: DataType
  /// How its weights are stored where that is not how they are multiplied: widened on the way, with a 16-bit scale and
  /// zero point for each group of 128 along K, or for each run of a block of one row.
  public var weightType: DataType?
  /// Where its operands are zero.
  public var sparsity: OperandSparsity
  /// Indices of earlier operators whose results it uses.
  public var dependencies: [Int]
  /// How often it runs.
  public var repeats: Int
  /// When it ran, where the trace says so.
  public var measured: RecordedTime?
  /// What the trace says of it beside that: the text of a JSON object, kept as it is and never interpreted.
  public var attributes: String?

  /// An operator of an inference run, dense and run once unless told otherwise; the result has the operands' type.
  public init(
    name: String, kind: OperatorKind, phase: Phase = .inference, dataType: DataType,
    outputType: DataType? = nil, weightType: DataType? = nil, sparsity: OperandSparsity = .dense,
    dependencies: [Int] = [], repeats: Int = 1, measured: RecordedTime? = nil, attributes: String? = nil
  ) {
    self.name = name
    self.kind = kind
    self.phase = phase
    self.dataType = dataType
    self.outputType = outputType ?? dataType
    self.weightType = weightType == dataType ? nil : weightType
    self.sparsity = sparsity
    self.dependencies = dependencies
    self.repeats = repeats
    self.measured = measured
    self.attributes = attributes
  }
}

extension OperatorKind {
  /// The shape in a few characters, for tables.
  public var shapeDescription: String {
    func times(_ count: Int) -> String { count == 1 ? "" : "\(count)·" }
    switch self {
    case .gemm(let g): return "\(times(g.batch))\(g.m)×\(g.n)×\(g.k)"
    case .groupedGEMM(let g): return "\(g.columns.count)·\(g.m)×(\(g.columns.reduce(0, +)))×\(g.k)"
    case .convolution(let c):
      let groups = c.groups == 1 ? "" : " g\(c.groups)"
      return
        "\(times(c.batch))\(c.inputChannels)×\(c.input.height)×\(c.input.width)→\(c.outputChannels) "
        + "\(c.kernel.height)×\(c.kernel.width)/\(c.stride.height)\(groups)"
    case .attention(let a):
      let causal = a.isCausal ? " causal" : ""
      let values = a.valueDimension == a.headDimension ? "" : "/\(a.valueDimension)"
      return "\(times(a.batch))\(a.heads)h \(a.queryLength)×\(a.keyLength)×\(a.headDimension)\(values)\(causal)"
    case .elementwise(let e): return "\(e.function.rawValue) \(e.elements)"
    case .normalization(let n): return "\(n.function.rawValue) \(n.rows)×\(n.width)"
    case .softmax(let s): return "\(s.rows)×\(s.width)"
    case .reduction(let r): return "\(r.outputs)×\(r.width)"
    case .pooling(let p):
      return "\(times(p.batch))\(p.channels)×\(p.input.height)×\(p.input.width) \(p.kernel.height)×\(p.kernel.width)"
    case .embedding(let e): return "\(e.rows)×\(e.width) of \(e.vocabulary)"
    case .update(let u): return "\(u.optimizer.rawValue) \(u.parameters)"
    case .pruning(let p): return "\(p.n):\(p.m) of \(p.elements)"
    }
  }
}
