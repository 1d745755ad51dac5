import Hardware
import Quantities
import Workloads

extension KernelSchedule {
  /// Rows of A and depth of a tile that is made dense on chip.
  private static let expandedTile = (rows: 128, depth: 64)
  /// Operations on the vector lanes for each kept value: split value from position, form an address, store.
  private static let expansionOperations = 4.0
  /// Threads of a thread block, and the most registers that each may have.
  private static let expansionThreads = (count: 128, registers: 255)

  /// Weights with zeros anywhere, loaded compressed and multiplied dense (Flash-LLM, arXiv 2309.10285).
  ///
  /// A thread block computes 128 rows and 16, 32 or 64 columns of C in steps of 64 along K. For each step the values of
  /// A's tile, each with a 16-bit position, come to registers; the dense tile in shared memory is cleared and the values
  /// are stored where they belong, 32 a cycle when they are ordered so that banks do not clash; tensor cores then
  /// multiply the dense tile as if nothing were zero. With a share d of values kept and b bytes a value, a step of n
  /// columns asks for
  ///
  ///     off-chip and level-two bytes    128·64·d·(b + 2) + 4 of A, 64·n·b of B
  ///     port cycles    (128·64·b + 64·n·b + operand reads)/port + 128·64·d/32
  ///     lane cycles    4·128·64·d/lanes
  ///     tensor cores   128·n·64/rate
  ///
  /// c thread blocks share an SM, as many as its registers hold at 128 × 255 each; with demands Dᵢ a step takes
  ///
  ///     D_max + (ΣD − D_max)/c
  ///
  /// as for blocks. The reduction is split where that is faster.
  ///
  /// Left out: rows of uneven length, bank conflicts that the order leaves, padding of tiles to whole vectors.
  init(
    _ work: MatrixWork, expanding kept: Double, splits: Int, registers: Int, _ kernels: SparseKernels,
    gpu: TensorCoreGPU
  ) {
    let (rows, depth) = Self.expandedTile
    let narrowest = work.problems.map(\.n).max() ?? 1
    let columns = narrowest <= 16 ? 16 : narrowest <= 32 ? 32 : 64
    let sms = Double(gpu.multiprocessors)
    func count(_ problem: MatrixProblem) -> Int {
      ((problem.m + rows - 1) / rows) * ((problem.n + columns - 1) / columns) * problem.count
    }
    let unsplit = work.problems.reduce(0) { $0 + count($1) }
    self.init(
      kernel: GEMMKernel(
        m: rows, n: columns, cluster: GEMMKernel.Cluster(m: 1, n: 1), tilesPerMultiprocessor: 1,
        mostSplits: splits), splits: splits)
    tiles = unsplit * splits

    let element = work.elementBytes
    let (m, n, k) = (Double(rows), Double(columns), Double(depth))
    let values = m * k * kept
    let aBytes = values * (element + 2) + 4
    let slice = k * n * element
    let reads =
      m * k * element * (n / Double(gpu.columnsPerOperandPass)).rounded(.up)
      + slice * (m / Double(gpu.rowsPerOperandPass)).rounded(.up)
    let portBytes = m * k * element + slice + reads
    let port = portBytes / gpu.sharedMemoryPort.value + values / 32
    let lanes = Self.expansionOperations * values / gpu.vector.operationsPerCycle
    let stepIssue = m * n * k / work.rate.perCycle
    let multiply = stepIssue / (kernels.warpInstructionShare * gpu.issueEfficiency)

    var stepsOfAll = 0.0
    storedIndexBytes = 0
    for problem in work.problems {
      let across = Double((problem.m + rows - 1) / rows) * Double(problem.count)
      let along = Double((problem.n + columns - 1) / columns)
      let steps = (Double(problem.k) / k).rounded(.up)
      stepsOfAll += across * along * steps
      l2ReadBytes += across * along * steps * (aBytes + slice)
      let stored = Double(problem.aElements) * kept
      let index = stored * 2 + across * steps * 4
      storedIndexBytes = (storedIndexBytes ?? 0) + index
      addMemory(
        of: problem, work, kept: kept, index: index, b: Double(problem.bElements) * element)
      let partials = splits > 1 ? Double(problem.cElements) * 4 * Double(splits) : 0
      l2WrittenBytes += partials
      l2ReadBytes += partials
    }
    let turns = (Double(tiles) / sms).rounded(.up)
    let concurrent = max(
      1, min(Double(registers / (Self.expansionThreads.count * Self.expansionThreads.registers)), turns))
    let offChip =
      dramReadBytes / stepsOfAll * sms / gpu.dram.streamBandwidth.value * gpu.maximumClock.value
    let demands = [offChip, (aBytes + slice) / (gpu.l2Bandwidth.value / sms), port, lanes, multiply]
    let longest = demands.max() ?? 0
    let step = longest + (demands.reduce(0, +) - longest) / concurrent
    let tileFill = 2 * Double(kernels.gatherLatency) / concurrent + m * n * work.outputBytes / gpu.epiloguePort.value
    issue = stepsOfAll * stepIssue / sms
    feed = stepsOfAll * (step - stepIssue) / sms
    fill = Double(tiles) * tileFill / sms
    let stepsOfTile = stepsOfAll / Double(tiles)
    imbalance = max(0, turns - Double(tiles) / sms) * (stepsOfTile * step + tileFill)
    executedMACs = stepsOfAll * m * n * k
    l1ReadBytes = stepsOfAll * reads
    l1FilledBytes = l2ReadBytes
    pace = multiply == longest ? .issue : offChip == longest ? .dram : .localMemory
    overlapsFully = true
    activeMultiprocessors = Double(tiles) / turns
    waves = Int((turns / concurrent).rounded(.up))
    l2 = (l2ReadBytes + l2WrittenBytes) / gpu.l2Bandwidth.value
  }
}
