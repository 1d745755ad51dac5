public import Hardware
public import Quantities

/// What an engine answers for one operator run on its own.
public struct Estimate: Sendable {
  /// How long it takes.
  public var elapsed: Seconds
  /// The same in cycles of ``clock``.
  public var cycles: Cycles
  /// The clock it runs at.
  public var clock: Hertz
  /// What limits it.
  public var bound: Bound
  /// The matrix unit's time.
  public var matrix: UnitTime
  /// The vector unit's time.
  public var vector: UnitTime
  /// The off-chip memory's time.
  public var memory: UnitTime
  /// Multiply-accumulates.
  public var macs: MACCount
  /// Bytes moved.
  public var traffic: Traffic
  /// Energy spent.
  public var energy: EnergyBreakdown
  /// Whether a power limit lowered the clock.
  public var isPowerCapped: Bool
  /// How it was laid out on the machine.
  public var mapping: Mapping
  /// What a systolic array and its buffers did; nil on other machines and for vector operators.
  public var array: ArrayActivity?
  /// What it moved, by operand and cause; nil for closed forms.
  public var movement: Movement?

  /// An answer.
  public init(
    elapsed: Seconds, cycles: Cycles, clock: Hertz, bound: Bound, matrix: UnitTime, vector: UnitTime,
    memory: UnitTime, macs: MACCount, traffic: Traffic, energy: EnergyBreakdown, isPowerCapped: Bool,
    mapping: Mapping, array: ArrayActivity? = nil
  ) {
    self.elapsed = elapsed
    self.cycles = cycles
    self.clock = clock
    self.bound = bound
    self.matrix = matrix
    self.vector = vector
    self.memory = memory
    self.macs = macs
    self.traffic = traffic
    self.energy = energy
    self.isPowerCapped = isPowerCapped
    self.mapping = mapping
    self.array = array
  }
}

extension Estimate {
  /// An answer for what takes only time, or none at all.
  init(_ mapping: Mapping, elapsed: Seconds = .zero, clock: Hertz = Hertz(1), bound: Bound) {
    self.init(
      elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock.value).rounded(.up))), clock: clock, bound: bound,
      matrix: UnitTime(idle: elapsed), vector: UnitTime(idle: elapsed), memory: UnitTime(idle: elapsed),
      macs: MACCount(), traffic: Traffic(), energy: EnergyBreakdown(), isPowerCapped: false, mapping: mapping)
  }
}

/// What a systolic array and its buffers did for one operator, in values and not in bytes: what SCALE-Sim counts.
public struct ArrayActivity: Hashable, Sendable {
  /// Cycles of the array, as if memory always answered in time.
  public var cycles = 0
  /// Cycles in which it waits for memory, or for pruning on the way in.
  public var stallCycles = 0
  /// Cycles until memory answers and the first filters are there.
  public var prefetchCycles = 0
  /// Elements of the array.
  public var elements = 0
  /// Values read from the buffer of inputs.
  public var inputReads = 0
  /// Values read from the buffer of filters.
  public var filterReads = 0
  /// Values written to the buffer of outputs.
  public var outputWrites = 0
  /// Inputs that come from off-chip memory.
  public var offChipInputReads = 0
  /// Filter values that come from off-chip memory.
  public var offChipFilterReads = 0
  /// Results that go to off-chip memory.
  public var offChipOutputWrites = 0
  /// Values of the filters, zeros among them.
  public var filterValues = 0
  /// Values of the filters that are stored.
  public var storedFilterValues = 0
  /// Bits of the position of each stored value.
  public var positionBits = 0

  /// Nothing yet.
  public init() {}
}

/// How an operator was laid out on a machine.
public enum Mapping: Hashable, Sendable {
  /// A matrix kernel of a GPU: its tile, the parts of the reduction, the tiles and the waves they take.
  case kernel(GEMMKernel, splits: Int, tiles: Int, waves: Int)
  /// Folds of a systolic array.
  case folds(SystolicArray.Dataflow, along: Int, across: Int)
  /// Folds of a systolic array in tiles that were searched for.
  case tiles(SystolicArray.Dataflow, along: Int, across: Int, ArrayTile)
  /// Rounds of sparse processing units at a compression rate.
  case rounds(Int, rate: Int, SplitOverCores)
  /// A fused attention kernel.
  case fusedAttention
  /// Constants, folded into the weights of the product before it.
  case folded
  /// The epilogue of the product before it.
  case epilogue
  /// The link to the host.
  case hostLink
  /// The vector unit.
  case vector
  /// The on-line pruner.
  case pruner
  /// The weight-update engine.
  case updater
}

/// A part of a product's result that an array works on with its operands in their buffers.
public struct ArrayTile: Hashable, Sendable {
  /// Rows of the moving operand.
  public var rows: Int
  /// Filters, in whole widths of the array.
  public var columns: Int
  /// Whether a tile's rows stay while all filters go by, or its filters while all rows do.
  public var rowsAreOuter: Bool
  /// Dense values that an element holds.
  public var held: Int
}

/// How the cores of a processor divide a matrix operator.
public enum SplitOverCores: String, CaseIterable, Hashable, Sendable {
  /// Each core has its samples or positions, and reads all weights from off-chip memory itself.
  case batch = "batch split"
  /// Each core has its samples or positions; weights are read once and cast to all cores over the network.
  case broadcast
  /// Each core has its output channels; activations and results cross the network.
  case outputs = "output split"
}

extension Mapping: CustomStringConvertible {
  /// A few words for a table.
  public var description: String {
    switch self {
    case .kernel(let kernel, let splits, let tiles, let waves):
      "\(kernel.m)x\(kernel.n)" + (splits > 1 ? " split-k \(splits)" : "")
        + ", \(tiles) tile\(tiles == 1 ? "" : "s") in \(waves) wave\(waves == 1 ? "" : "s")"
    case .folds(let dataflow, let along, let across): "\(dataflow.rawValue), \(along)×\(across) folds"
    case .tiles(let dataflow, let along, let across, let tile):
      "\(dataflow.rawValue), \(along)×\(across) folds, "
        + (tile.rowsAreOuter ? "\(tile.rows) rows stay" : "\(tile.columns) filters stay, by \(tile.rows) rows")
        + (tile.held > 1 ? ", \(tile.held) held" : "")
    case .rounds(let rounds, let rate, let split):
      "\(rate)x, \(split.rawValue), \(rounds) round\(rounds == 1 ? "" : "s")"
    case .folded: "folded"
    case .epilogue: "epilogue"
    case .hostLink: "host link"
    case .fusedAttention: "fused attention"
    case .vector: "vector unit"
    case .pruner: "pruner"
    case .updater: "update engine"
    }
  }
}
