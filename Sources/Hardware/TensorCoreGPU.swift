public import Quantities

/// A GPU whose streaming multiprocessors (SMs) have tensor cores, with or without 2:4 weights.
public struct TensorCoreGPU: Sendable {
  /// Streaming multiprocessors.
  public var multiprocessors: Int
  /// The highest SM clock.
  public var maximumClock: Hertz
  /// The lowest SM clock the power controller goes to.
  public var minimumClock: Hertz
  /// Multiply-accumulates of one SM.
  public var dataTypes: DataTypeSupport
  /// Shared-memory bytes an SM reads or writes in a cycle.
  public var sharedMemoryPort: BytesPerCycle
  /// Shared memory of one SM.
  public var sharedMemory: Bytes
  /// Rows of A that one pass over a slice of B from shared memory feeds: 64 for a Hopper warpgroup instruction, the
  /// warp tile's rows for Ampere's, where registers hold what is reused.
  public var rowsPerOperandPass: Int
  /// Columns of B that one pass over a slice of A feeds.
  public var columnsPerOperandPass: Int
  /// Off-chip data that one SM can draw, limited by the loads it keeps in flight.
  public var multiprocessorBandwidth: BytesPerSecond
  /// Level-two cache of the whole chip.
  public var l2Capacity: Bytes
  /// Bytes the level-two cache delivers to all SMs in a cycle.
  public var l2Bandwidth: BytesPerCycle
  /// Off-chip memory.
  public var dram: DRAM
  /// The kernels its library picks from.
  public var kernels: [GEMMKernel]
  /// Time from one kernel's end to the next one's work, back to back.
  public var launch: Seconds
  /// What a matrix kernel needs beyond that: descriptors, barriers, the last tiles' drain.
  public var matrixSetup: Seconds
  /// What a kernel with a sparse operand needs beyond that.
  public var sparseSetup: Seconds
  /// Cycles from a tile's first load to its first multiply, where the previous tile does not hide them.
  public var pipelineFill: Cycles
  /// Cycles each step of the main loop spends on barriers and addresses.
  public var stepOverhead: Cycles
  /// The share of its peak that a tensor core sustains within a step.
  public var issueEfficiency: Double
  /// The share of its peak that the shared-memory port sustains while tiles are written beside the reads.
  public var portEfficiency: Double
  /// Bytes of each operand's row or column that one step of the main loop covers.
  public var stepBytes: Bytes
  /// Bytes of results that an SM writes in a cycle at the end of a tile.
  public var epiloguePort: BytesPerCycle
  /// Vector arithmetic of one SM.
  public var vector: VectorUnit
  /// Multiply-accumulates that the vector lanes of one SM do in a cycle, for products that tensor cores cannot do: as many
  /// as they do operations.
  public var laneMACs: Double
  /// Instructions that a vector kernel issues for each operation and each element it moves: conversions, addresses,
  /// loads and stores with it.
  public var vectorInstructions: Double
  /// Kernels for weights in blocks or with zeros anywhere; nil where there are none.
  public var sparseKernels: SparseKernels?
  /// How its library compresses weights to 2:4; nil does it as fast as vector work.
  public var compression: WeightCompression?
  /// Power and voltage.
  public var power: PowerModel
  /// Energy of a byte through shared memory.
  public var sharedMemoryEnergy: JoulesPerByte
  /// Energy of a byte from the level-two cache to an SM.
  public var l2Energy: JoulesPerByte
}

/// A tile shape of the library's matrix kernels.
public struct GEMMKernel: Hashable, Sendable {
  /// Rows of C a thread block computes.
  public var m: Int
  /// Columns of C a thread block computes.
  public var n: Int
  /// Thread blocks that share loads through multicast, along M times along N.
  public var cluster: Cluster
  /// Tiles an SM works on at once.
  public var tilesPerMultiprocessor: Int
  /// Whether the reduction may be split over thread blocks.
  public var splitsReduction: Bool
  /// Whether it multiplies dense operands.
  public var isForDense: Bool
  /// Whether it multiplies sparse weights.
  public var isForSparse: Bool

  /// Thread blocks along each side.
  public struct Cluster: Hashable, Sendable {
    /// Along M.
    public var m: Int
    /// Along N.
    public var n: Int
    /// A cluster.
    public init(m: Int, n: Int) {
      self.m = m
      self.n = n
    }
  }

  /// A kernel.
  public init(
    m: Int, n: Int, cluster: Cluster, tilesPerMultiprocessor: Int, splitsReduction: Bool, isForDense: Bool = true,
    isForSparse: Bool = true
  ) {
    self.m = m
    self.n = n
    self.cluster = cluster
    self.tilesPerMultiprocessor = tilesPerMultiprocessor
    self.splitsReduction = splitsReduction
    self.isForDense = isForDense
    self.isForSparse = isForSparse
  }
}

/// What limits the clock, and what energy costs at it.
///
/// Dynamic energy scales with the square of the supply voltage, V(f)/V(f_max) = floor + (1 − floor)·f/f_max.
public struct PowerModel: Hashable, Sendable {
  /// The board's limit; nil lets the chip run at its highest clock always.
  public var cap: Watts?
  /// What is drawn whatever is done.
  public var idle: Watts
  /// The part of the highest voltage that remains as the clock goes to zero.
  public var voltageFloor: Double

  /// A power model.
  public init(cap: Watts?, idle: Watts, voltageFloor: Double) {
    self.cap = cap
    self.idle = idle
    self.voltageFloor = voltageFloor
  }
}
