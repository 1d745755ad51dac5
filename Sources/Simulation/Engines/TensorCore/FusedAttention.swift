import Hardware
import Quantities
import Workloads

extension TensorCoreEngine {
  /// Queries and keys a thread block handles in one step.
  private static let tile = 128

  /// Fused attention: a thread block takes a tile of queries of one head through all keys its mask shows, or as many
  /// tiles as `queriesPerBlock` says, with keys and values that it loads once.
  ///
  /// A step multiplies twice (five times in the backward pass) on the tensor cores, and takes an exponential of every
  /// score on the special-function units. The measured kernels hide neither behind the other: a step takes both, and
  /// so heads of 64 and of 128 features differ by the products only. Kernels for block masks (compiled FlexAttention)
  /// overlap them and are limited by the vector instructions they spend on a score. Scores stay in registers; keys and
  /// values come from the level-two cache once for every tile of queries. Masked blocks are skipped whole.
  ///
  /// Tiles of queries that see different numbers of keys (causal and block masks) start in any order: at the end half
  /// of the longest one is waited for. A causal tile masks its diagonal step, which takes another step.
  ///
  /// Multiply-accumulates cost a share of what they cost in products: probabilities are positive and small, so that
  /// fewer bits switch.
  ///
  /// Left out: the rescaling of partial sums, uneven lengths within a batch.
  func attentionKernel(_ attention: Attention, _ task: Task) -> Kernel {
    let op = task.op
    guard let rate = gpu.dataTypes.rates[op.dataType] else {
      preconditionFailure("no rate for \(op.dataType.rawValue); adapt() lets only known types through")
    }
    let tile = Self.tile
    let isBackward = op.phase == .backwardData
    let heads = attention.batch * attention.heads
    let queryTiles = (attention.queryLength + tile - 1) / tile
    let keyTiles = (attention.keyLength + tile - 1) / tile
    let blockDensity = op.sparsity.scores.keptFraction(alongReduction: attention.keyLength) ?? 1

    // Whole tiles the mask leaves: the diagonal ones are computed in full.
    let visible = Double(attention.visiblePairs) / Double(attention.queryLength * attention.keyLength)
    let diagonal = attention.isCausal ? 0.5 / Double(keyTiles) : 0
    let queryTilesPerBlock = min(queryTiles, max(1, (gpu.attentionKernels.queriesPerBlock ?? tile) / tile))
    let perBlock = Double(queryTilesPerBlock)
    let tilesPerQueryTile = Double(keyTiles) * min(1, visible + diagonal) * blockDensity
    let tilesPerBlock = perBlock * tilesPerQueryTile
    let blocks = heads * queryTiles.dividedRoundingUp(by: queryTilesPerBlock)
    let isFluid = ignored.contains(.tiling)
    let queryRows = Double(min(tile, max(attention.queryLength, min(gpu.rowsPerOperandPass, tile))))
    let pairs = queryRows * Double(tile)
    // Without tiling, just the pairs that the masks leave.
    let steps =
      isFluid
      ? Double(heads * attention.visiblePairs) * blockDensity / pairs
      : Double(heads * queryTiles) * tilesPerQueryTile

    let kernels = gpu.attentionKernels
    let products = Double(attention.productsPerPair(isBackward: isBackward))
    let issue = products * pairs / rate.perCycle
    let passes = pairs * (isBackward ? 2 : 1)
    let exponentials = passes / gpu.vector.transcendentalsPerCycle
    let hasBlockMask = op.sparsity.scores != .dense
    let softmax =
      exponentials
      + (hasBlockMask ? kernels.blockInstructionsPerScore * passes / gpu.vector.operationsPerCycle : 0)
    let multiply = issue / gpu.issueEfficiency
    let step = hasBlockMask ? max(multiply, softmax) : multiply + softmax
    let sms = Double(gpu.multiprocessors)
    let waves = (Double(blocks) / sms).rounded(.up)
    let fillOfBlock = ignored.contains(.pipeline) ? 0 : Double(hasBlockMask ? kernels.blockFill : kernels.fill)
    let fill = fillOfBlock * waves
    let balanced = steps / sms * step
    let isUneven = attention.isCausal || hasBlockMask
    let isWhole = queryTilesPerBlock == queryTiles && queryTiles > 1
    let longest =
      (attention.isCausal && !isWhole ? Double(keyTiles) * blockDensity * perBlock : tilesPerBlock) * step
    let diagonals = attention.isCausal ? Double(heads * queryTiles) / sms * step : 0
    let rounds = isUneven ? balanced + diagonals + longest / 2 : waves * tilesPerBlock * step
    let core = (isFluid ? balanced : max(rounds, longest)) + fill

    let footprint = task.footprint
    let element = Double(op.dataType.bits) / 8
    let keyFeatures = attention.headDimension + (attention.isLatent ? 0 : attention.valueDimension)
    let keyBytes = steps * Double(tile * keyFeatures) * element / perBlock
    let queryBytes = Double(footprint.b.count)
    let l2Read = keyBytes + queryBytes
    let l2Written = Double(footprint.c.count) * (isBackward ? 3 : 1)
    let dramRead = task.inputsOnChip ? 0 : Double(footprint.inputs.count)
    let dramWritten = task.outputOnChip ? 0 : l2Written
    let cache = Seconds((l2Read + l2Written) / (gpu.l2Bandwidth.value * gpu.maximumClock.value))

    let executed = steps * products * pairs
    // Rows beyond a sequence's end and masked pairs are zeros, which switch nothing.
    let shown = Double(heads * attention.visiblePairs) * blockDensity * products
    let mac = Joules(shown * kernels.activity * rate.energy.value)
    let l1Read = executed / Double(gpu.rowsPerOperandPass) * element
    let l1 = Joules((l1Read + l2Read) * gpu.sharedMemoryEnergy.value)
    let l2 = Joules((l2Read + l2Written) * gpu.l2Energy.value)
    let vector = Joules(steps * pairs * kernels.instructionsPerScore * gpu.vector.energy.value)
    let dram = gpu.dram.energy(read: dramRead, written: dramWritten)
    let clockEnergy = gpu.clockEnergy * (core * sms)
    let launch = gpu.launch + kernels.setup
    let memory = memoryTime(dramRead + dramWritten)
    let demand = PowerDemand(
      launch: launch, cycles: core, cache: cache, memory: memory,
      dynamicEnergy: mac + clockEnergy + l1 + l2 + vector, memoryEnergy: dram, overlapExponent: gpu.overlapExponent)
    let turns = KernelTurns(turns: Int(waves), read: dramRead, written: dramWritten, cache: cache)
    return Kernel(
      demand: demand, turns: turns, movement: { Movement($0.traffic, inputs: footprint.inputs) }
    ) { point in
      let clock = point.clock.value
      let elapsed = point.elapsed

      var matrix = UnitTime(busy: Seconds(steps * issue / sms / clock))
      matrix.stalled[.launch] = launch
      matrix.stalled[.fill] = Seconds(fill / clock)
      matrix.stalled[.vector] = Seconds(steps * (step - issue) / sms / clock)
      matrix.stalled[.imbalance] = Seconds(max(0, core - fill - balanced) / clock)
      let exposed = max(.zero, elapsed - matrix.total)
      let isMemoryBound = memory >= cache
      matrix.stalled[isMemoryBound ? .dram : .l2] = exposed

      let bound: Bound
      if launch > elapsed * 0.5 {
        bound = .launch
      } else if max(cache, memory).value > core / clock {
        bound = isMemoryBound ? .dram : .l2
      } else if point.isCapped {
        bound = .power
      } else {
        bound = softmax > issue ? .vector : core - fill - balanced > balanced ? .imbalance : .issue
      }
      let useful = Int((Double(op.denseMACs) * blockDensity).rounded())
      return Estimate(
        elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock).rounded(.up))), clock: point.clock,
        bound: bound, matrix: matrix,
        vector: UnitTime(busy: min(elapsed, Seconds(steps * softmax / sms / clock)), of: elapsed),
        memory: UnitTime(
          busy: min(elapsed, Seconds((dramRead + dramWritten) / gpu.dram.streamBandwidth.value)), of: elapsed),
        macs: MACCount(dense: op.denseMACs, useful: useful, padded: max(0, Int(executed.rounded()) - useful)),
        traffic: Traffic(
          dramRead: Bytes(Int64(dramRead)), dramWritten: Bytes(Int64(dramWritten)),
          l2Read: Bytes(Int64(l2Read.rounded())), l2Written: Bytes(Int64(l2Written.rounded())),
          l1Filled: Bytes(Int64(l2Read.rounded())), l1Read: Bytes(Int64(l1Read.rounded()))),
        energy: EnergyBreakdown(
          mac: mac * point.energyScale, vector: vector * point.energyScale, clock: clockEnergy * point.energyScale,
          l1: l1 * point.energyScale,
          l2: l2 * point.energyScale, dram: dram, idle: gpu.power.idle * elapsed),
        isPowerCapped: point.isCapped, mapping: .fusedAttention)
    }
  }
}
