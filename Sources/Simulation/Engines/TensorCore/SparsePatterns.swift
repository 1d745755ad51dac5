import Hardware
import Quantities
import RealModule
import Workloads

extension TensorCoreEngine {
  /// What an operator takes by itself with weights of a pattern that is run as it is.
  func elapsed(_ op: Operator, _ weights: SparsityPattern) -> Seconds {
    var (op, engine) = (op, self)
    op.sparsity = OperandSparsity(weights: weights)
    engine.fidelity = .analytic
    return engine.estimate(Task(op, inputsOnChip: false, outputOnChip: false)).elapsed
  }

  /// The schedule of a kernel that skips zeros itself, and the rate and energy of its multiplications; nil for patterns
  /// of the sparse instruction.
  func skippingSchedule(_ task: Task, rate: MACRate) -> (KernelSchedule, MACRate)? {
    guard let kernels = gpu.sparseKernels else { return nil }
    let work = MatrixWork(
      problems: task.placedProblems, rate: rate, elementBytes: Double(task.op.dataType.bits) / 8,
      outputBytes: Double(task.op.outputType.bits) / 8, isSparse: false, metadataBits: 0,
      inputsOnChip: task.inputsOnChip, outputOnChip: task.outputOnChip, weightStorage: task.op.weightStorage)
    switch task.op.sparsity.weights {
    case .block(let rows, let columns, let zeros):
      let blocks = BlockPattern(rows: rows, columns: columns, zeros: zeros)
      let tiles = KernelSchedule(work, blocks: blocks, pattern: task.op.sparsity.weights, kernels, gpu: gpu)
      guard rows == 1 else { return (tiles, rate) }
      let lanes = MACRate(perCycle: gpu.laneMACs, energy: gpu.vector.energy)
      let groups = KernelSchedule(work, groups: blocks, pattern: task.op.sparsity.weights, task, gpu: gpu)
      let isFaster = elapsedAlone(groups, rate: lanes) < elapsedAlone(tiles, rate: rate)
      return isFaster ? (groups, lanes) : (tiles, rate)
    case .unstructured(let zeros): return anywhere(zeros, work, kernels, rate: rate)
    case .mask(let mask):
      guard let zeros = mask.zeros else { return nil }
      // Compressed rows have one start for each row, and lanes take what is kept: all that counts is how many.
      var best = anywhere(1 - zeros.density, work, kernels, rate: rate)
      best.0.storedIndexBytes =
        best.0.storedIndexBytes
        ?? work.problems.reduce(0) {
          $0 + SparsityPattern.unstructured(zeros: 1 - zeros.density).indexBits(of: $1) / 8
        }
      guard work.problems.count == 1, work.problems[0].count == 1 else { return best }
      for size in [16, 32, 64, 128] {
        let counts = zeros.blocks(size, size)
        let blocks = BlockPattern(
          rows: size, columns: size, zeros: 1 - counts.density, fullestRow: counts.fullestRow)
        let pattern = SparsityPattern.block(rows: size, columns: size, zeros: blocks.zeros)
        var schedule = KernelSchedule(work, blocks: blocks, pattern: pattern, kernels, gpu: gpu)
        schedule.storedIndexBytes = pattern.indexBits(of: work.problems[0]) / 8
        if elapsedAlone(schedule, rate: rate) < elapsedAlone(best.0, rate: best.1) { best = (schedule, rate) }
      }
      return best
    default: return nil
    }
  }

  /// The faster of compressed rows and of tiles made dense on chip, for weights with zeros anywhere.
  private func anywhere(
    _ zeros: Double, _ work: MatrixWork, _ kernels: SparseKernels, rate: MACRate
  ) -> (KernelSchedule, MACRate) {
    let lanes = MACRate(perCycle: gpu.laneMACs, energy: gpu.vector.energy)
    let rows = KernelSchedule(work, compressedRows: 1 - zeros, pattern: .unstructured(zeros: zeros), gpu: gpu)
    guard let registers = kernels.registers else { return (rows, lanes) }
    var best = (schedule: rows, rate: lanes, elapsed: elapsedAlone(rows, rate: lanes))
    for splits in [1, 2, 4, 8] {
      let tiles = KernelSchedule(
        work, expanding: 1 - zeros, splits: splits, registers: registers, kernels, gpu: gpu)
      let elapsed = elapsedAlone(tiles, rate: rate)
      if elapsed < best.elapsed { best = (tiles, rate, elapsed) }
    }
    return (best.schedule, best.rate)
  }
}

/// Weights in blocks.
struct BlockPattern: Hashable {
  var rows: Int
  var columns: Int
  var zeros: Double
  /// Blocks kept in the fullest row of blocks, where they were counted.
  var fullestRow: Int?
}

extension SparsityPattern {
  /// Bits that say where kept blocks, values, columns or tiles of one product's weights are, beside the positions
  /// within groups: 32-bit indices of blocks and values and starts of rows; for each panel of V rows the four selected
  /// of M columns; a bit for each tile.
  func indexBits(of problem: MatrixProblem) -> Double {
    let (m, k, count) = (Double(problem.m), Double(problem.k), Double(problem.count))
    func parts(_ length: Double, _ size: Int) -> Double { (length / Double(size)).rounded(.up) }
    switch self {
    case .block(let rows, let columns, let zeros):
      let blockRows = parts(m, rows)
      return 32 * count * (blockRows * parts(k, columns) * (1 - zeros) + blockRows + 1)
    case .unstructured(let zeros): return 32 * count * (m * k * (1 - zeros) + m + 1)
    case .vectorStructured(let v, _, let m4):
      return count * parts(m, v) * parts(k, m4) * 4 * Double(ceilLog2(m4))
    case .tile(let rows, let columns, let fraction, _, _):
      // Dense tiles have no positions.
      let dense = Double(problem.aElements) * (1 - fraction) * Double(metadataBitsPerValue)
      return count * parts(m, rows) * parts(k, columns) - dense
    case .mask(let mask): return mask.zeros.map { Self.unstructured(zeros: 1 - $0.density).indexBits(of: problem) } ?? 0
    case .dense, .structured, .bank, .wrapped, .fanIn: return 0
    }
  }

  /// The product the sparse instruction is given.
  ///
  /// V:N:M multiplies the selected columns only: K′ = 4·⌈K/M⌉. (2w):(2w + 2), w = M/2 − 1, is cut into w overlapping
  /// windows of four with two values each, over the same values of B laid out anew: K′ = 4·w·⌈K/M⌉.
  func multiplied(_ problem: MatrixProblem) -> MatrixProblem {
    let depth: Int
    switch self {
    case .vectorStructured(_, _, let m): depth = 4 * ((problem.k + m - 1) / m)
    case .structured(_, let m) where m > 4: depth = 4 * (m / 2 - 1) * ((problem.k + m - 1) / m)
    default: return problem
    }
    let share = Double(depth) / Double(problem.k)
    var result = problem
    result.k = depth
    result.aElements = Int((Double(problem.aElements) * share).rounded())
    result.bElements = Int((Double(problem.bElements) * share).rounded())
    return result
  }

  /// Whether a kernel does this pattern. Panels of V:N:M select their own columns of A and rows of B, so a tile is no
  /// higher than a panel; kernels that are made for panels have tiles of just their height.
  func fits(_ kernel: GEMMKernel, among kernels: [GEMMKernel]) -> Bool {
    guard case .vectorStructured(let v, _, _) = self else { return !kernel.isForPanels }
    return kernels.contains(where: \.isForPanels) ? kernel.isForPanels && kernel.m == v : kernel.m <= v
  }
}

extension KernelSchedule {
  /// What a pattern adds to a kernel of the sparse instruction.
  ///
  /// - V:N:M: tiles load the indices of their columns, and cannot load B before they have them. p panels, each of which
  ///   selects four of M rows of B anywhere, want a share 1 − (1 − 4/M)^p of B between them, which comes from off-chip
  ///   memory.
  /// - Tiles, a fraction f of them 2:4: cycles and bytes are f times those of 2:4 and 1 − f times the dense ones of the
  ///   same kernel. Thread blocks of one row of tiles meet the same dense tiles; the slowest row ends last, by the
  ///   dense tiles it has above the average.
  ///
  /// Left out: bank conflicts of gathered rows, changing instructions between tiles.
  mutating func add(_ pattern: SparsityPattern, _ work: MatrixWork, _ problems: [MatrixProblem], gpu: TensorCoreGPU) {
    switch pattern {
    case .vectorStructured(let v, _, _):
      let sharing = Double(kernel.tilesPerMultiprocessor)
      fill += Double(tiles) / Double(gpu.multiprocessors) * Double(gpu.sparseKernels?.gatherLatency ?? 0) / sharing
      for (whole, selected) in zip(problems, work.problems) {
        let index = pattern.indexBits(of: whole) / 8
        let along = Double((whole.n + kernel.n - 1) / kernel.n)
        l2ReadBytes += along * index
        l1FilledBytes += along * index
        dramReadBytes += index
        if !work.inputsOnChip {
          let share = Double(selected.bElements) / Double(whole.bElements)
          let wanted = 1 - Double.pow(1 - min(1, share), Double((whole.m + v - 1) / v))
          dramReadBytes += (wanted - share) * Double(whole.bElements) * work.elementBytes
        }
      }
      l2 = (l2ReadBytes + l2WrittenBytes) / gpu.l2Bandwidth.value
    case .tile(let rows, let columns, let fraction, _, _):
      var dense = work
      dense.isSparse = false
      mix(KernelSchedule(dense, kernel: kernel, splits: splits, gpu: gpu), 1 - fraction)
      let perBlock = max(1, kernel.m / rows) * max(1, work.problems[0].k / columns)
      let panels = max(1, work.problems[0].m / max(kernel.m, rows))
      let all = Double(perBlock)
      let excess = Self.fullest(groups: panels, size: perBlock, kept: 1 - fraction) / all - (1 - fraction)
      // A tile's worth of the difference between the formats; `issue` and `feed` are averages over SMs.
      let perTile = Double(gpu.multiprocessors) / Double(tiles)
      imbalance += max(0, excess) * max(0, difference(to: dense, gpu: gpu)) * perTile
    default: break
    }
  }

  private func difference(to dense: MatrixWork, gpu: TensorCoreGPU) -> Double {
    var sparse = dense
    sparse.isSparse = true
    let (a, b) = (
      KernelSchedule(pacing: dense, kernel: kernel, splits: splits, gpu: gpu),
      KernelSchedule(pacing: sparse, kernel: kernel, splits: splits, gpu: gpu)
    )
    return a.issue + a.feed - b.issue - b.feed
  }

  private mutating func mix(_ other: KernelSchedule, _ share: Double) {
    func blend(_ path: WritableKeyPath<KernelSchedule, Double>) {
      self[keyPath: path] = self[keyPath: path] * (1 - share) + other[keyPath: path] * share
    }
    for path: WritableKeyPath<KernelSchedule, Double> in [
      \.issue, \.feed, \.fill, \.imbalance, \.l2, \.l2ReadBytes, \.l2WrittenBytes, \.l1FilledBytes, \.l1ReadBytes,
      \.dramReadBytes, \.dramWrittenBytes, \.executedMACs,
    ] { blend(path) }
  }

  /// The expected count of the fullest of `groups` groups of `size`, a share `kept` of all being kept anywhere; large
  /// groups are taken as normally distributed.
  static func fullest(groups: Int, size: Int, kept: Double) -> Double {
    let mean = Double(size) * kept
    guard groups > 1 else { return mean }
    guard size <= 2048, groups <= 1 << 20 else {
      let deviation = (mean * (1 - kept)).squareRoot()
      return min(Double(size), mean + deviation * (2 * Double.log(Double(groups))).squareRoot())
    }
    let population = groups * size
    let all = Int((Double(population) * kept).rounded())
    return max(mean, OrderStatistics.expectedMaximum(groups: groups, size: size, kept: all, population: population))
  }
}
