import Hardware
import Quantities
import Workloads

extension KernelSchedule {
  /// Weights in R×C blocks, times a dense matrix, as compiled block-sparse kernels do it.
  ///
  /// A thread block takes R rows and as many columns (16 to 128) of C through the kept blocks of its row, a step each.
  /// A step asks for the block and for the rows of B its index names, writes them to shared memory, reads them from
  /// there in four warps, two by two, and multiplies in units of 16 rows and 16 of K at the share of the peak that the
  /// warp-wide instruction reaches. Nothing of that overlaps within a thread block; what shares the SM overlaps.
  /// With demands Dᵢ on the SM's share of the level-two cache, its port and its tensor cores, a latency L and c
  /// thread blocks on the SM, a step takes
  ///
  ///     D_max + (L + ΣD − D_max)/c
  ///
  /// which is the bound of asymptotic analysis on a closed queue of c customers. c is limited by thread slots, shared
  /// memory for a step's operands, and how many thread blocks there are. A thread block begins with two dependent
  /// reads (its row's start, its first index) and ends writing its results. Rows differ: the fullest ends last.
  ///
  /// Left out: operands in the first-level cache, registers as a limit of c, the order of thread blocks.
  init(
    _ work: MatrixWork, blocks: BlockPattern, pattern: SparsityPattern, _ kernels: SparseKernels, gpu: TensorCoreGPU
  ) {
    func padded(_ size: Int) -> Double { Double((size + 15) / 16 * 16) }
    let columns = min(128, max(16, (blocks.rows + 15) / 16 * 16))
    self.init(
      kernel: GEMMKernel(
        m: blocks.rows, n: columns, cluster: GEMMKernel.Cluster(m: 1, n: 1), tilesPerMultiprocessor: 1,
        mostSplits: 1), splits: 1)
    overlapsFully = true
    let sms = Double(gpu.multiprocessors)
    let (rows, depth, width) = (padded(blocks.rows), padded(blocks.columns), Double(columns))
    let latency = Double(kernels.gatherLatency)
    let element = work.elementBytes
    let blockBytes = Double(blocks.rows * blocks.columns) * element
    let sliceBytes = depth * width * element
    let port = gpu.sharedMemoryPort.value
    let macs = rows * depth * width
    let readBytes = 2 * depth * (rows + width) * element
    let multiply = macs / (work.rate.perCycle * kernels.warpInstructionShare)
    let shared = (blockBytes + sliceBytes + readBytes) / port
    let slots = min(Double(kernels.threadBlocks), Double(gpu.sharedMemory.count) / (blockBytes + sliceBytes))

    var longestTile = 0.0
    var concurrent = 1.0
    for problem in work.problems {
      let count = Double(problem.count)
      let blockRows = (problem.m + blocks.rows - 1) / blocks.rows
      let blockColumns = (problem.k + blocks.columns - 1) / blocks.columns
      let across = (problem.n + columns - 1) / columns
      let kept = Double(blockRows * blockColumns) * (1 - blocks.zeros)
      let these = blockRows * across * problem.count
      tiles += these
      let steps = kept * Double(across) * count
      // Columns at the edge load only what is there.
      let bytes =
        count * kept * (Double(across) * (blockBytes + 4) + Double(blocks.columns * problem.n) * element)
      let l2Step = bytes / steps / (gpu.vectorKernels.cacheBandwidth.value / sms)
      let longest = max(l2Step, multiply, shared)
      concurrent = max(1, min(slots, (Double(these) / sms).rounded(.up)))
      let step = longest + (latency + l2Step + multiply + shared - longest) / concurrent
      let stepIssue = macs / work.rate.perCycle
      let results = Double(blocks.rows * columns) * work.outputBytes / gpu.epiloguePort.value
      let tileFill = 2 * latency / concurrent + results
      issue += steps * stepIssue / sms
      feed += steps * (step - stepIssue) / sms
      fill += Double(these) * tileFill / sms
      let fullest =
        blocks.fullestRow.map(Double.init)
        ?? Self.fullest(groups: blockRows, size: blockColumns, kept: 1 - blocks.zeros)
      let mean = kept / Double(blockRows)
      imbalance += (fullest - mean) * step
      longestTile = max(longestTile, mean * step + tileFill)
      executedMACs += steps * macs
      l1ReadBytes += steps * readBytes
      l2ReadBytes += bytes
      pace = step > 2 * stepIssue ? .localMemory : .issue

      // Rows of tiles at work together read the rows of B that any of them keeps.
      let b = Double(problem.bElements) * element
      var read = b
      if b > 0.8 * Double(gpu.l2Capacity.count) {
        let together = max(1, sms * concurrent / Double(across))
        let touched = 1 - (0..<Int(min(together, 1024))).reduce(1.0) { product, _ in product * blocks.zeros }
        read = max(b, b * Double(blockRows) / together * touched)
      }
      addMemory(of: problem, work, kept: 1 - blocks.zeros, index: pattern.indexBits(of: problem) / 8, b: read)
    }
    let turns = (Double(tiles) / sms).rounded(.up)
    imbalance += max(0, turns - Double(tiles) / sms) * longestTile
    waves = Int((turns / concurrent).rounded(.up))
    l1FilledBytes = l2ReadBytes
    l2 = (l2ReadBytes + l2WrittenBytes) / gpu.vectorKernels.cacheBandwidth.value
  }

  /// Weights with zeros anywhere, as compressed rows (CSR), on the vector lanes: each warp computes 32 columns of a
  /// row of C.
  ///
  /// Every kept value costs a warp a read of 32 neighbouring values of a row of B, which takes one or more whole lines
  /// (128 B) of the level-two cache's time however little of them is used, a read of the value and its 32-bit column,
  /// and 32 multiply-accumulates on lanes that do as many a cycle as they do other operations.
  ///
  /// Left out: rows of uneven length, the first-level cache, conversions of 16-bit values; all hide behind the reads.
  init(_ work: MatrixWork, compressedRows kept: Double, pattern: SparsityPattern, gpu: TensorCoreGPU) {
    let warp = 32
    let line = 128.0
    self.init(
      kernel: GEMMKernel(
        m: 1, n: warp, cluster: GEMMKernel.Cluster(m: 1, n: 1), tilesPerMultiprocessor: 1, mostSplits: 1),
      splits: 1)
    overlapsFully = true
    let sms = Double(gpu.multiprocessors)
    var lineBytes = 0.0
    for problem in work.problems {
      let values = Double(problem.m * problem.k) * Double(problem.count) * kept
      let across = (problem.n + warp - 1) / warp
      tiles += problem.m * across * problem.count
      let reads = values * Double(across)
      let entry = work.elementBytes + 4
      lineBytes += reads * ((Double(warp) * work.elementBytes / line).rounded(.up) * line + entry)
      l2ReadBytes += values * Double(problem.n) * work.elementBytes + reads * entry
      executedMACs += reads * Double(warp)
      addMemory(
        of: problem, work, kept: kept, index: pattern.indexBits(of: problem) / 8,
        b: Double(problem.bElements) * work.elementBytes)
    }
    issue = executedMACs / (gpu.laneMACs * sms)
    let turns = (Double(tiles) / sms).rounded(.up)
    waves = Int(turns)
    l1FilledBytes = l2ReadBytes
    l2 = (lineBytes + l2WrittenBytes) / gpu.vectorKernels.cacheBandwidth.value
  }

  /// Off-chip traffic of one product and its results, with a share `kept` of A, its `index` bytes, and `b` bytes of B.
  mutating func addMemory(
    of problem: MatrixProblem, _ work: MatrixWork, kept: Double, index: Double, b: Double
  ) {
    let a = Double(problem.aElements) * kept * work.elementBytes + index
    dramReadBytes += work.inputsOnChip ? (problem.hasWeights ? a : 0) : a + b
    let c = Double(problem.cElements) * work.outputBytes
    l2WrittenBytes += c
    if !work.outputOnChip { dramWrittenBytes += c }
  }
}
