import Hardware
import Quantities
import Workloads

extension Operator {
  /// Values along K that share a scale and a zero point: the run of a block of one row, otherwise 128.
  private var scaleGroup: Int {
    if case .block(1, let columns, _) = sparsity.weights { columns } else { 128 }
  }

  /// Bits of a stored weight with its part of scale and zero point, 16 bits each.
  var weightBits: Double {
    guard let weightType else { return Double(dataType.bits) }
    return Double(weightType.bits) + 32 / Double(scaleGroup)
  }

  /// Bytes of a stored weight over those of one that is multiplied.
  var weightStorage: Double { weightBits / Double(dataType.bits) }
}

extension KernelSchedule {
  /// Adds widening weights that are stored in fewer bits than they are multiplied in.
  ///
  /// Every tile widens its rows of A on the vector lanes before it multiplies. With v stored values, ⌈N/n⌉ tiles along N
  /// and w issue slots a value, that takes
  ///
  ///     v·⌈N/n⌉·w / (lanes·SMs)
  ///
  /// beside issue and operand feed; what is longer than those is waited for. At one token the lanes are the limit, not
  /// memory: 4-bit products in eager PyTorch on an H200 run at 45 % of its off-chip bandwidth.
  ///
  /// Left out: kernels that widen by table or by bit tricks in fewer slots.
  mutating func addDequantisation(_ task: Task, _ work: MatrixWork, gpu: TensorCoreGPU) {
    guard task.op.weightType != nil, let operations = gpu.vectorKernels.dequantisationOperations else { return }
    let values = work.problems.reduce(0.0) { sum, problem in
      let along = (problem.n + kernel.n - 1) / kernel.n
      return sum + Double(problem.aElements) * (work.isSparse ? 0.5 : 1) * Double(along)
    }
    let widening = values * operations / (gpu.vector.operationsPerCycle * Double(gpu.multiprocessors))
    let hidden = issue + feed
    if widening > hidden {
      feed += widening - hidden
      pace = .vector
    }
  }

  /// Weights whose rows keep whole runs of C values along K, for few columns (GQSA, arXiv 2412.17560): each warp takes
  /// the kept runs of a row, widens their values where they are quantised, and multiplies them on the vector lanes with
  /// activations that wait in shared memory.
  ///
  /// With v kept values, r = v/C runs and N columns, off-chip traffic is v values, 32 bits of index and start for each run,
  /// the activations and the results; the lanes take v·(w + N) slots, w being those of widening one value (none where
  /// values are stored as they are multiplied). Rows differ; the fullest of those that run together ends last.
  ///
  /// Left out: rows split over warps to even them out.
  init(_ work: MatrixWork, groups: BlockPattern, pattern: SparsityPattern, _ task: Task, gpu: TensorCoreGPU) {
    let warps = 4
    self.init(
      kernel: GEMMKernel(
        m: warps, n: work.problems[0].n, cluster: GEMMKernel.Cluster(m: 1, n: 1), tilesPerMultiprocessor: 1,
        mostSplits: 1), splits: 1)
    let sms = Double(gpu.multiprocessors)
    let widening = task.op.weightType == nil ? 0 : gpu.vectorKernels.dequantisationOperations ?? 0
    let kept = 1 - groups.zeros
    var slots = 0.0
    for problem in work.problems {
      let runs = (problem.k + groups.columns - 1) / groups.columns
      let values = Double(problem.aElements) * kept
      let across = (problem.m + warps - 1) / warps * problem.count
      tiles += across
      let index = pattern.indexBits(of: problem) / 8
      let activations = Double(problem.bElements) * work.elementBytes
      executedMACs += values * Double(problem.n)
      slots += values * (widening + Double(problem.n))
      let a = values * work.elementBytes * work.weightStorage
      l2ReadBytes += a + index + Double(across) / Double(problem.count) * activations
      addMemory(of: problem, work, kept: kept * work.weightStorage, index: index, b: activations)
      let fullest = Self.fullest(groups: min(problem.m, warps), size: runs, kept: kept)
      let excess = (fullest - Double(runs) * kept) * Double(groups.columns)
      imbalance += excess * (widening + Double(problem.n)) * Double(warps) / gpu.vector.operationsPerCycle
    }
    let all = slots / (gpu.vector.operationsPerCycle * sms)
    issue = executedMACs / (gpu.laneMACs * sms)
    feed = max(0, all - issue)
    let turns = (Double(tiles) / sms).rounded(.up)
    activeMultiprocessors = Double(tiles) / turns
    waves = Int(turns)
    pace = feed > issue ? .vector : .issue
    overlapsFully = true
    l1FilledBytes = l2ReadBytes
    l1ReadBytes = executedMACs * work.elementBytes
    l2 = (l2ReadBytes + l2WrittenBytes) / gpu.l2Bandwidth.value
  }
}
