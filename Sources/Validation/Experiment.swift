import Quantities
import Simulation
import Workloads

/// What ran when a row was measured, ready to be simulated.
struct Experiment {
  /// How its weights or scores were stored.
  var variant = "dense"
  /// What it is grouped with.
  var category: String
  /// What it ran.
  var operators: [Operator]
  /// What runs after it, to make one token after the other.
  var decoding: Decoding?
  /// Independent samples that one run of them works on, where known.
  var samples: Int?
  /// Where operands and results were.
  var residency = SimulationOptions.Residency.isolated
  /// How long the load lasted.
  var power = SimulationOptions.Power.sustained
  /// The kernel it is known to have run.
  var kernel: KernelName?
  /// How it was compiled and asked for.
  var modes: Set<Mode> = []
  /// Operators that it ran as one kernel.
  var stages: [FusedStage] = []
  /// What must fit on chip for operands to be there from the run before; nil where they come from off-chip memory.
  var warmBytes: Bytes?
  /// The columns it is compared in.
  var readings: [Reading]
  /// The experiment of the same row that is this one without sparsity.
  var baseline: Int?

  /// Steps that make a token of every sample.
  struct Decoding {
    /// A step, with as many tokens before it as there are halfway.
    var operators: [Operator]
    var steps: Int
  }

  /// How a network was compiled and asked for.
  enum Mode: String, CaseIterable, Sendable {
    /// Normalizations folded, element-wise functions in epilogues.
    case fused
    /// The next request waits for the last one's results.
    case oneRequest = "one-request"
  }

  /// A measured column and its value in the metric's base unit, nil where it was not measured.
  struct Reading {
    var column: String
    var metric: Metric
    var scale: Double
    var value: Double?
  }
}

extension Experiment {
  /// The experiment as replays measure it: its time over a short one, its power over one that is long enough to read it.
  var replayed: [Experiment] {
    var (short, long) = (self, self)
    short.power = .burst
    short.readings.removeAll { $0.metric == .power }
    long.readings.removeAll { $0.metric != .power }
    return [short, long]
  }
}

/// All that one row measured.
struct ExperimentRow {
  var label: String
  var dataType: DataType
  var experiments: [Experiment]
  /// What was published of the experiments together.
  var figure: PublishedFigure?
}

extension RowReader {
  /// The row's experiments, or nil after reporting what is wrong with it.
  func experiments(_ kind: ReferenceKind) -> ExperimentRow? {
    switch kind {
    case .gemm: products(kind)
    case .gemmCounters: countedProduct(kind)
    case .attention: attention(kind)
    case .memory: memory(kind)
    case .sparseWeights: sparseWeights(kind)
    case .training: training(kind)
    case .stack: stack(kind)
    case .published: publishedFigure()
    }
  }

  /// The readings in columns that start with `prefix`.
  func readings(_ kind: ReferenceKind, _ prefix: String = "") -> [Experiment.Reading] {
    kind.columns.filter { $0.name.hasPrefix(prefix) }.compactMap { name, metric, scale in
      metric.map { metric in
        Experiment.Reading(column: name, metric: metric, scale: scale, value: measured(name).map { $0 * scale })
      }
    }
  }
}

extension SparsityPattern {
  /// What sparse tensor cores exploit.
  static let twoOfFour = SparsityPattern.structured(n: 2, m: 4)
}

extension Operator {
  /// A product of weights and activations; products of 8-bit operands are stored in 16 bits.
  static func product(_ name: String, _ shape: GEMM, _ type: DataType, weights: SparsityPattern = .dense) -> Operator {
    Operator(
      name: name, kind: .gemm(shape), dataType: type, outputType: type.bits == 8 ? .bf16 : type,
      sparsity: OperandSparsity(weights: weights))
  }
}

extension GEMM {
  /// What products are grouped by: up to 64 columns is decoding, three equal sides a square, the rest prefill.
  var category: String { n <= 64 ? "decode" : m == n && n == k ? "square" : "prefill" }
  /// The shape for a label.
  var text: String { OperatorKind.gemm(self).shapeDescription }
}
