import Hardware
import Quantities
import RealModule
import Workloads

/// One matrix operator laid out with one kernel: the cycles of each resource and the bytes moved.
///
/// A thread block computes an m×n tile of C in steps of K that fill `stepBytes` of every row and column; the tiles of
/// all SMs at one time are a wave.
///
/// - Issue: a step takes m·n·k / rate cycles, with the rate of the 2:4 instruction for sparse weights. Rows of A come
///   in units of the instruction's 64 (Hopper) or 16 (Ampere); a narrow side may trade places with the other one when
///   A is dense.
/// - Operand feed: each pass of `rowsPerOperandPass` rows reads the step's slice of B from shared memory, and each
///   pass of `columnsPerOperandPass` columns its slice of A; 2:4 halves A and adds its metadata, and never touches B.
/// - Fill: an SM receives a step's rows of A, as they are stored, and its columns of B through its port to the
///   level-two cache, shared by multicast or not.
/// - Issue and feed sustain a share of their peak. A step takes the longest of the three and an overhead; a tile adds
///   its fill and the write of its result.
/// - Level-two cache: every tile reads its rows and columns once; blocks of a cluster share one side, and
///   ``ReadCoalescing`` says what is left of reads that neighbours have in common.
/// - Off-chip memory: each SM can draw so much and no more. A wave reads the rows and columns its tiles touch, laid out as nearly square as they can be. Of
///   what two waves have in common, 1 − W/(reuse window · capacity) is still in the cache, with W the bytes that a wave
///   reads and writes.
/// - Clusters of four and more use only the SMs that they divide processing clusters into; at the edges of a product
///   clusters are whole, with blocks that have no tile. Dense kernels have clusters along either side.
/// - Last turn: tiles are left over by full turns. Where ``TileScheduler`` shares their reductions between two blocks each,
///   the last turn takes half the steps, and writes and reads a tile in single precision.
///
/// The port and its effect, multicast, coalescing and re-reads are read off hardware counters
/// (Configs/Reference/h200_gemm_counters.csv): kernels with small tiles take 64 B a clock and SM, to a few percent.
///
/// Left out: bank conflicts, the order of tiles beyond one wave, the cache's two halves.
struct KernelSchedule {
  var kernel: GEMMKernel
  var splits: Int
  var isSparse = false
  var tiles = 0
  /// Blocks without a tile, of clusters at the edge.
  var idleBlocks = 0
  var waves = 0
  /// Cycles of one SM, averaged over all of them, in which its tensor cores work.
  var issue = 0.0
  /// The same, waiting for operands or for a step to begin.
  var feed = 0.0
  /// The same, filling pipelines and writing results.
  var fill = 0.0
  /// Cycles in which an average SM has no tile while others do, or shares one.
  var imbalance = 0.0
  /// The last turn's share of the cycles, of the blocks, and the SMs that it keeps busy.
  var lastTurn = (cycles: 1.0, blocks: 1.0, multiprocessors: Double.infinity)
  /// How often counters of tiles are cleared first.
  var clearings = 0
  /// Cycles of the level-two cache.
  var l2 = 0.0
  var l2ReadBytes = 0.0
  var l2WrittenBytes = 0.0
  var l1FilledBytes = 0.0
  var l1ReadBytes = 0.0
  var dramReadBytes = 0.0
  var dramWrittenBytes = 0.0
  /// Multiply-accumulates issued, padding included.
  var executedMACs = 0.0
  /// What sets the pace of a step: issue, shared memory's port, the level-two cache's, or off-chip memory where waiting
  /// for it shows within each step.
  var pace = Bound.issue
  /// Whether its cycles hold already what overlaps badly.
  var overlapsFully = false
  /// Bytes of indices, where they are not those of the pattern's usual format.
  var storedIndexBytes: Double?
  /// SMs that have a tile, in turns before the last one or on average.
  var activeMultiprocessors = Double.infinity

  /// Cycles from the first tile to the last.
  var core: Double { issue + feed + fill + imbalance }
}

/// What a schedule is made for.
struct MatrixWork {
  var problems: [MatrixProblem]
  var rate: MACRate
  /// Bytes of an operand's element.
  var elementBytes: Double
  /// Bytes of a result's element.
  var outputBytes: Double
  /// Whether A is 2:4.
  var isSparse: Bool
  /// Bits of metadata for each kept value of A.
  var metadataBits: Double
  var inputsOnChip: Bool
  var outputOnChip: Bool
  /// Whether tiles and steps divide the product without remainder and SMs share them evenly: a model without tiling.
  var isFluid = false
  /// Bytes of a stored value of A, scales with it, over those of an element that is multiplied.
  var weightStorage = 1.0

  /// Bytes of A over those of a dense A of elements.
  var compression: Double {
    isSparse ? 0.5 * (weightStorage + metadataBits / (8 * elementBytes)) : weightStorage
  }
}

extension KernelSchedule {
  /// Lays `work` out with `kernel` on `gpu`.
  init(_ work: MatrixWork, kernel: GEMMKernel, splits: Int, gpu: TensorCoreGPU) {
    self.init(pacing: work, kernel: kernel, splits: splits, gpu: gpu)
    addTraffic(work, gpu: gpu)
  }

  /// The cycles of its SMs and what passes between them and their shared memory; ``addTraffic(_:gpu:)`` counts the rest.
  init(pacing work: borrowing MatrixWork, kernel: GEMMKernel, splits: Int, gpu: borrowing TensorCoreGPU) {
    self.init(kernel: kernel, splits: splits, isSparse: work.isSparse)
    let multiprocessors = Double(gpu.multiprocessors)
    tiles = work.problems.reduce(0) { $0 + kernel.tiles(of: $1) * splits }
    idleBlocks = work.problems.reduce(0) { $0 + kernel.blocks(of: $1, isSparse: work.isSparse) * splits } - tiles
    // The tiles of the SM that gets most of them.
    let exactTurns = Double(tiles + idleBlocks) / Double(kernel.multiprocessors(of: gpu))
    let turns = exactTurns.rounded(.up)
    var sharesLastTiles = false
    if let scheduler = gpu.tileScheduler, work.isSparse, !work.isFluid {
      let depth = work.problems.reduce(0) { max($0, $1.k) }
      sharesLastTiles = scheduler.sharesRest(of: exactTurns, row: Double(depth) * work.elementBytes)
      clearings = scheduler.clearings(of: exactTurns, sharesRest: sharesLastTiles)
    }
    // Tiles that share an SM share its tensor cores and its port, and hide each other's barriers, fills and writes.
    let sharing = min(Double(kernel.tilesPerMultiprocessor), turns)
    let rate = work.isSparse ? (work.rate.sparsePerCycle ?? work.rate.perCycle) : work.rate.perCycle
    let stepK = max(16, Double(gpu.stepBytes.count) / work.elementBytes)

    // A dense product may be computed transposed, so that the narrow side is the instruction's fine one.
    let isTransposed = !work.isSparse && kernel.m < gpu.rowsPerOperandPass && kernel.n >= gpu.rowsPerOperandPass
    let (rows, columns) = isTransposed ? (kernel.n, kernel.m) : (kernel.m, kernel.n)
    let passRows = (rows + gpu.rowsPerOperandPass - 1) / gpu.rowsPerOperandPass
    let passColumns = (columns + gpu.columnsPerOperandPass - 1) / gpu.columnsPerOperandPass
    let paddedRows = Double(work.isFluid ? rows : passRows * gpu.rowsPerOperandPass)
    let stepIssue = paddedRows * Double(columns) * stepK / rate
    let stepReadBytes =
      stepK * work.elementBytes
      * (Double(passRows * columns) + Double(rows * passColumns) * work.compression)
    let stepRead = stepReadBytes / (gpu.sharedMemoryPort.value * gpu.portEfficiency)
    // Rows and columns past the edge are zeros that nobody sends.
    let (mostRows, mostColumns) = work.problems.reduce((0, 0)) { (max($0.0, $1.m), max($0.1, $1.n)) }
    let stepFill =
      stepK * work.elementBytes
      * (Double(min(kernel.m, mostRows)) * work.compression + Double(min(kernel.n, mostColumns))) / gpu.fillPort.value
    let stepMultiply = stepIssue / gpu.issueEfficiency
    let longest = max(stepMultiply, stepRead, stepFill)
    pace = longest == stepMultiply ? .issue : longest == stepFill ? .l2 : .localMemory
    let overhead = Double(gpu.stepOverhead.count) / sharing
    let step = longest + overhead
    let epiloguePort = work.isSparse ? gpu.sparseEpiloguePort : gpu.epiloguePort
    let tileFill =
      (Double(gpu.pipelineFill.count) + Double(kernel.m * kernel.n) * work.outputBytes / epiloguePort.value) / sharing

    var (tileCycles, sharedTileCycles) = (0.0, 0.0)
    for problem in work.problems {
      let count = kernel.tiles(of: problem) * splits
      let reduction = work.isFluid ? Double(problem.k) / Double(splits) : Double((problem.k + splits - 1) / splits)
      let steps = work.isFluid ? reduction / stepK : (reduction / stepK).rounded(.up)
      let tileCount =
        work.isFluid
        ? Double(problem.m * problem.n * problem.count * splits) / Double(kernel.m * kernel.n) : Double(count)
      issue += tileCount * steps * stepIssue
      feed += tileCount * steps * (step - stepIssue)
      fill += tileCount * tileFill
      tileCycles = max(tileCycles, steps * step + tileFill)
      sharedTileCycles = max(sharedTileCycles, (steps / 2).rounded(.up) * step + tileFill)
      executedMACs += tileCount * steps * stepK * paddedRows * Double(columns) * (work.isSparse ? 0.5 : 1)
      l1ReadBytes += tileCount * steps * stepReadBytes
    }
    activeMultiprocessors = Double(tiles) / max(1, exactTurns)
    waves = Int((turns / Double(kernel.tilesPerMultiprocessor)).rounded(.up))
    let perMultiprocessor = 1 / multiprocessors
    issue *= perMultiprocessor
    feed *= perMultiprocessor
    fill *= perMultiprocessor
    guard !work.isFluid else { return }
    // Full turns keep every SM busy; in the last one some wait for as long as a tile takes.
    let partials = 2 * 4 * Double(kernel.m * kernel.n) / epiloguePort.value / sharing
    let lastTurnCycles = sharesLastTiles ? sharedTileCycles + partials : tileCycles
    imbalance = max(0, (turns - 1) * tileCycles + lastTurnCycles - Double(tiles) / multiprocessors * tileCycles)
    let rest = exactTurns - turns + 1
    lastTurn = (
      min(1, lastTurnCycles / core), rest / exactTurns,
      (sharesLastTiles ? 2 : 1) * rest / exactTurns * Double(tiles)
    )
  }

  /// Counts what its tiles read and write of the level-two cache and of off-chip memory.
  mutating func addTraffic(_ work: MatrixWork, gpu: TensorCoreGPU) {
    for problem in work.problems { addTraffic(of: problem, work, gpu: gpu) }
    l2 = (l2ReadBytes + l2WrittenBytes) / gpu.l2Bandwidth.value
  }

  private mutating func addTraffic(of problem: MatrixProblem, _ work: MatrixWork, gpu: TensorCoreGPU) {
    let bytes = operandBytes(of: problem, work, gpu: gpu)
    l1FilledBytes += bytes.filledOfA + bytes.filledOfB
    l2ReadBytes += bytes.l2OfA + bytes.l2OfB
    l2WrittenBytes += bytes.results + bytes.partials
    l2ReadBytes += bytes.partials
    l1FilledBytes += bytes.partials
    dramReadBytes += bytes.read
    if !work.outputOnChip { dramWrittenBytes += bytes.results }
  }

  /// What one product's operands are read, and its results written.
  func operandBytes(of problem: MatrixProblem, _ work: MatrixWork, gpu: TensorCoreGPU) -> OperandBytes {
    let across = (problem.m + kernel.m - 1) / kernel.m
    let along = (problem.n + kernel.n - 1) / kernel.n
    let aBytes = work.elementBytes * work.compression
    let bBytes = work.elementBytes
    let perRound = Double(across * along)

    // Edge tiles load only what is there.
    let depth = Double(problem.k * problem.count)
    let rowsOfA = Double(problem.m) * depth * aBytes
    let columnsOfB = Double(problem.n) * depth * bBytes
    let (filledOfA, filledOfB) = (Double(along) * rowsOfA, Double(across) * columnsOfB)
    // One of a cluster's blocks loads for all; the last cluster of a row may hold fewer. What a cluster does not share,
    // neighbours in step do; kernels with sparse weights so load their dense side only.
    let loadsOfA = Double((along + kernel.cluster.n - 1) / kernel.cluster.n)
    let loadsOfB = Double((across + kernel.cluster.m - 1) / kernel.cluster.m)
    let left = gpu.coalescing.left(isSparse: work.isSparse, waves: Double(tiles) / Double(gpu.multiprocessors))
    let leftOfA = work.isSparse || kernel.cluster.n > 1 ? 1 : left
    let leftOfB = kernel.cluster.m > 1 ? 1 : left
    let (l2OfA, l2OfB) = (max(1, loadsOfA * leftOfA) * rowsOfA, max(1, loadsOfB * leftOfB) * columnsOfB)
    let c = Double(problem.cElements)
    // Parts of a split reduction are written and added up in single precision.
    let partials = splits > 1 ? c * 4 * Double(splits) : 0

    let a = Double(problem.aElements) * aBytes
    let b = Double(problem.bElements) * bBytes
    let compulsory = a + b
    let waveTiles = min(perRound, Double(kernel.multiprocessors(of: gpu) * kernel.tilesPerMultiprocessor))
    let square = (waveTiles * Double(kernel.n) / Double(kernel.m)).squareRoot()
    var blockRows = min(max(1, square), Double(across))
    let blockColumns = min(waveTiles / blockRows, Double(along))
    blockRows = min(Double(across), waveTiles / blockColumns)
    // Fractions of the whole operands, so that a convolution's overlapping windows count once.
    let perWave = a * blockRows / Double(across) + b * blockColumns / Double(along)
    let waves = perRound / waveTiles
    let ofOneWave = (perWave + c * work.outputBytes / waves) / Double(problem.count)
    let gone = min(1, ofOneWave / (gpu.reuseWindow * Double(gpu.l2Capacity.count)))
    var read = compulsory + max(0, perWave * waves - compulsory) * gone
    if work.inputsOnChip { read -= min(problem.hasWeights ? b : a + b, read) }
    return OperandBytes(
      a: a, b: b, filledOfA: filledOfA, filledOfB: filledOfB, l2OfA: l2OfA, l2OfB: l2OfB, partials: partials,
      results: c * work.outputBytes, read: read)
  }
}

/// Bytes that a product's operands and results move.
struct OperandBytes {
  /// Each operand, once.
  var a, b: Double
  /// Into shared memory.
  var filledOfA, filledOfB: Double
  /// From the level-two cache.
  var l2OfA, l2OfB: Double
  /// Parts of a split reduction, written and read.
  var partials: Double
  var results: Double
  /// From off-chip memory.
  var read: Double
}

extension ReadCoalescing {
  /// The share of reads left of an operand that no cluster shares, on average over all waves.
  func left(isSparse: Bool, waves: Double) -> Double {
    let (first, steady) = isSparse ? (sparseFirst, sparseSteady) : (denseFirst, denseSteady)
    let count = max(1, waves)
    return steady - (steady - first) * (1 - Double.pow(decay, count)) / (count * (1 - decay))
  }
}

extension GEMMKernel {
  /// SMs that its clusters can use.
  func multiprocessors(of gpu: TensorCoreGPU) -> Int {
    cluster.m * cluster.n < 4 ? gpu.multiprocessors : gpu.clusteredMultiprocessors
  }

  /// Blocks of the clusters that a product's tiles fill. There are dense kernels with clusters along either side.
  fileprivate func blocks(of problem: MatrixProblem, isSparse: Bool) -> Int {
    let asNamed = tiles(of: problem, by: cluster.m, cluster.n)
    return isSparse ? asNamed : min(asNamed, tiles(of: problem, by: cluster.n, cluster.m))
  }

  /// Tiles of a product's results, all of its equal products together, in whole groups of so many along M and along N.
  fileprivate func tiles(of problem: MatrixProblem, by rows: Int = 1, _ columns: Int = 1) -> Int {
    problem.m.dividedRoundingUp(by: m * rows) * rows * problem.n.dividedRoundingUp(by: n * columns) * columns
      * problem.count
  }
}
