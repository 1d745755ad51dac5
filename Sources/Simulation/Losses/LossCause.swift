/// What keeps a sparse run from the speedup that its pattern promises.
///
/// The order of the cases is the order in which causes come back into the model, from one that has none of them to the
/// whole one. Those that bring a resource come before those that add work for it: metadata takes room on ports, in
/// the cache and in memory, so it follows all three.
public enum LossCause: String, CaseIterable, Hashable, Sendable {
  /// The machine multiplies kept values more slowly than values of a dense operand.
  case rate
  /// The port that feeds multipliers: of shared memory, or of a unit's local buffer.
  case operandBandwidth = "operand-bandwidth"
  /// Barriers, fills and drains, and the writing of results at a tile's end.
  case pipeline
  /// Part-filled tiles, waves, rounds and folds, and uneven zeros.
  case tiling
  /// Exponentials and sums within an attention operator.
  case softmax
  /// Pruning on the way into an array.
  case pruning
  /// The rate of the shared buffer or cache.
  case l2
  /// The network between cores.
  case network
  /// Rate and latency of off-chip memory.
  case dram
  /// The positions of kept values, which are moved with them.
  case metadata
  /// Starting and setting up kernels.
  case launch
  /// The power limit, which lowers the clock.
  case power
  /// Products that no pattern makes faster.
  case denseProducts = "dense-products"
  /// Operators without any product: vector work, optimizer steps, pruning passes.
  case vectorOperators = "vector-operators"

  /// The word files use.
  public var name: String { rawValue }

  /// A few words for tables.
  public var title: String {
    switch self {
    case .rate: "rate of sparse instructions"
    case .operandBandwidth: "operand bandwidth"
    case .pipeline: "pipeline overhead and fill"
    case .tiling: "tiles, waves and imbalance"
    case .softmax: "softmax within attention"
    case .pruning: "pruning on load"
    case .l2: "shared cache or buffer"
    case .network: "network between cores"
    case .dram: "off-chip memory"
    case .metadata: "metadata"
    case .launch: "launch and set-up"
    case .power: "power cap"
    case .denseProducts: "products that stay dense"
    case .vectorOperators: "vector operators"
    }
  }

  /// Why it costs speedup, as the end of a sentence.
  public var reason: String {
    switch self {
    case .rate: "kept values are multiplied more slowly than those of a dense operand"
    case .operandBandwidth: "the port that feeds the multipliers must deliver operands that zeros do not shrink"
    case .pipeline: "overheads of every step and tile stay as long while the multiplying gets shorter"
    case .tiling: "part-filled tiles and waves, or uneven zeros, leave multipliers idle"
    case .softmax: "exponentials and sums take as long as before or are no longer hidden"
    case .pruning: "operands are pruned more slowly than they are multiplied"
    case .l2: "the shared cache delivers tiles more slowly than they are multiplied"
    case .network: "the network between cores delivers weights more slowly than they are multiplied"
    case .dram: "off-chip memory moves activations and results that zeros do not shrink"
    case .metadata: "the positions of kept values are moved as well"
    case .launch: "starting a kernel takes as long as before, or longer for a sparse one"
    case .power: "the power limit sets different clocks for the sparse and the dense run"
    case .denseProducts: "these products take as long as before"
    case .vectorOperators: "operators without products take as long as before, or exist in the sparse run only"
    }
  }

  /// Whether it is the model of an operator that loses it, and not the operators that come in.
  var isOfOperators: Bool { self == .denseProducts || self == .vectorOperators }
}
