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
  /// Bytes an SM receives from the level-two cache in a cycle.
  public var fillPort: BytesPerCycle
  /// Off-chip data that one SM can draw, limited by the loads it keeps in flight.
  public var multiprocessorBandwidth: BytesPerSecond
  /// Level-two cache of the whole chip.
  public var l2Capacity: Bytes
  /// Bytes the level-two cache moves in a cycle of the highest clock, which it keeps when power lowers the SMs'.
  public var l2Bandwidth: BytesPerCycle
  /// What is left of neighbours' equal reads of the level-two cache.
  public var coalescing: ReadCoalescing
  /// Bytes of a wave's operands and results at which the next wave finds nothing of them in the level-two cache, over
  /// its capacity.
  public var reuseWindow: Double
  /// Off-chip memory.
  public var dram: DRAM
  /// The kernels its library picks from.
  public var kernels: [GEMMKernel]
  /// SMs that clusters of four and more thread blocks can use: a cluster stays within a processing cluster, whose SMs
  /// it may not divide.
  public var clusteredMultiprocessors: Int
  /// How well work on different resources overlaps: times tᵢ take (Σ tᵢᵖ)^(1/p) together, the longest alone for p = ∞.
  public var overlapExponent: Double
  /// Time from one kernel's end to the next one's work, back to back.
  public var launch: Seconds
  /// What a matrix kernel needs beyond that: descriptors, barriers, the last tiles' drain.
  public var matrixSetup: Seconds
  /// What a kernel with a sparse operand needs beyond that.
  public var sparseSetup: Seconds
  /// How its library hands out the tiles of kernels with a sparse operand; nil where that costs nothing.
  public var tileScheduler: TileScheduler?
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
  /// Bytes of results that an SM writes in a cycle at the end of a tile, for dense operands.
  public var epiloguePort: BytesPerCycle
  /// The same for kernels with sparse weights.
  public var sparseEpiloguePort: BytesPerCycle
  /// Vector arithmetic of one SM.
  public var vector: VectorUnit
  /// Multiply-accumulates that the vector lanes of one SM do in a cycle, for products that tensor cores cannot do: as many
  /// as they do operations.
  public var laneMACs: Double
  /// Kernels for everything that is not a product.
  public var vectorKernels: VectorKernels
  /// Kernels of fused attention.
  public var attentionKernels: AttentionKernels
  /// Where its kernel library falls short of it.
  public var library: KernelLibrary
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
  /// Energy of a cycle of an SM that works on a tile, whatever it does: clock tree, schedulers, barriers.
  public var clockEnergy: Joules
}

/// What is left of the reads of thread blocks that ask for the same lines at the same time, in the request coalescers
/// between SMs and the level-two cache.
///
/// Thread blocks that start together keep in step at first and drift apart later: of an operand that a cluster does not
/// share anyway, a share of s∞ − (s∞ − s₁)·(1 − dʷ)/(w·(1 − d)) of the reads is left on average over w waves.
public struct ReadCoalescing: Hashable, Sendable {
  /// s₁, the share left in the first wave, of kernels with dense operands, whose clusters share the other operand.
  public var denseFirst: Double
  /// s∞, the share left after many waves.
  public var denseSteady: Double
  /// s₁ of kernels with sparse weights, of the dense operand where no cluster shares it.
  public var sparseFirst: Double
  /// s∞ of kernels with sparse weights.
  public var sparseSteady: Double
  /// d, the part of the lockstep that is left from one wave to the next.
  public var decay: Double

  /// No coalescing.
  public static let none = ReadCoalescing(
    denseFirst: 1, denseSteady: 1, sparseFirst: 1, sparseSteady: 1, decay: 0)
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
  /// The most thread blocks that a tile's reduction is split over.
  public var mostSplits: Int
  /// Whether it multiplies dense operands.
  public var isForDense: Bool
  /// Whether it multiplies sparse weights.
  public var isForSparse: Bool
  /// The one size of operands' elements that it takes; nil for any.
  public var elementBits: Int?
  /// Whether it gathers for the panels of V:N:M weights, and does nothing else; a tile is as high as a panel.
  public var isForPanels: Bool

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
    m: Int, n: Int, cluster: Cluster, tilesPerMultiprocessor: Int, mostSplits: Int = 1, isForDense: Bool = true,
    isForSparse: Bool = true, isForPanels: Bool = false, elementBits: Int? = nil
  ) {
    self.m = m
    self.n = n
    self.cluster = cluster
    self.tilesPerMultiprocessor = tilesPerMultiprocessor
    self.mostSplits = mostSplits
    self.isForDense = isForDense
    self.isForSparse = isForSparse
    self.isForPanels = isForPanels
    self.elementBits = elementBits
  }
}

/// What limits the clock, and what energy costs at it.
///
/// Dynamic energy scales with the square of the supply voltage, V(f)/V(f_max) = floor + (1 − floor)·f/f_max.
///
/// Under sustained load the controller settles near the limit, not at it, and at a lower power where dense products
/// swing it more; kernels that take turns swing it as they do. It averages over milliseconds: a burst may draw more.
public struct PowerModel: Hashable, Sendable {
  /// The board's limit; nil lets the chip run at its highest clock always.
  public var cap: Watts?
  /// Average power under sustained load over the limit.
  public var settling: Double
  /// The same for products of dense matrices.
  public var denseSettling: Double
  /// The same for different kernels in turn.
  public var mixedSettling: Double
  /// Average power of the first milliseconds over that of sustained load.
  public var burst: Double
  /// The time the controller averages over.
  public var window: Seconds
  /// What is drawn whatever is done.
  public var idle: Watts
  /// The part of the highest voltage that remains as the clock goes to zero.
  public var voltageFloor: Double

  /// A power model.
  public init(
    cap: Watts?, idle: Watts, voltageFloor: Double, settling: Double = 1, denseSettling: Double = 1,
    mixedSettling: Double = 1, burst: Double = 1, window: Seconds = Seconds(0.01)
  ) {
    self.cap = cap
    self.settling = settling
    self.denseSettling = denseSettling
    self.mixedSettling = mixedSettling
    self.burst = burst
    self.window = window
    self.idle = idle
    self.voltageFloor = voltageFloor
  }
}
