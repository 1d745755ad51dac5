import Hardware
import Quantities
import Workloads

/// GPUs with (sparse) tensor cores: kernels of tiles in waves over SMs, with shared memory, a level-two cache,
/// off-chip memory and a power limit. ``KernelSchedule`` and ``OperatingPoint`` hold the equations.
struct TensorCoreEngine: Engine {
  let gpu: TensorCoreGPU

  /// What the model leaves out beside the machine's own limits.
  let ignored: Set<LossCause>

  init(_ gpu: TensorCoreGPU, without causes: Set<LossCause> = []) {
    self.gpu = gpu.idealised(without: causes)
    ignored = causes
  }

  var dataTypes: DataTypeSupport { gpu.dataTypes }

  /// Half of the cache: the rest holds the operands that stream through.
  var residentCapacity: Int { Int(gpu.l2Capacity.count / 2) }
  var overlapsVectorWork: Bool { false }

  func adapt(_ op: Operator) -> Adaptation {
    var op = op
    var changes: [String] = []
    let weights = op.sparsity.weights
    if weights != .dense {
      let (pattern, change) = runnable(weights, op)
      op.sparsity.weights = pattern
      if let change { changes.append("\(weights) weights \(change)") }
    }
    if op.sparsity.activations != .dense {
      changes.append("\(op.sparsity.activations) activations run dense: only weights can be sparse operands")
      op.sparsity.activations = .dense
    }
    switch op.sparsity.scores {
    case .dense, .block: break
    default:
      changes.append("\(op.sparsity.scores) scores run dense: only whole blocks can be skipped")
      op.sparsity.scores = .dense
    }
    return .runs(op, changes: changes)
  }

  func estimate(_ task: Task) -> Estimate {
    switch task.kind {
    case .gemm, .groupedGEMM, .convolution: matrixEstimate(task)
    case .attention(let attention): attentionEstimate(attention, task)
    case .pruning: compressed(vectorEstimate(task), task)
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update: vectorEstimate(task)
    }
  }
}

extension SparsityPattern {
  /// Whether no aligned group of four along K can keep more than two values.
  var conformsToTwoOfFour: Bool {
    switch self {
    case .structured(let n, let m): n <= 2 && m % 4 == 0 || n == 1 && m == 2
    case .bank(let size, let rate): size / rate <= 2 && size % 4 == 0
    case .dense, .vectorStructured, .unstructured, .block, .tile, .fanIn, .mask: false
    }
  }
}

extension TensorCoreEngine {
  private func matrixEstimate(_ task: Task) -> Estimate {
    let op = task.asOperator
    guard let rate = gpu.dataTypes.rates[task.dataType] else {
      preconditionFailure("no rate for \(task.dataType.rawValue); adapt() lets only known types through")
    }
    if let (schedule, rate) = skippingSchedule(task, op, rate: rate) {
      return finish(schedule, operatingPoint(of: schedule, rate: rate), task, op, rate: rate)
    }
    let work = MatrixWork(
      problems: op.matrixProblems.map(task.sparsity.weights.multiplied), rate: rate,
      elementBytes: Double(task.dataType.bits) / 8,
      outputBytes: Double(task.outputType.bits) / 8, isSparse: task.sparsity.weights != .dense,
      metadataBits: ignored.contains(.metadata) ? 0 : Double(task.sparsity.weights.metadataBitsPerValue),
      inputsOnChip: task.inputsOnChip, outputOnChip: task.outputOnChip, isFluid: ignored.contains(.tiling))

    let machine = task.sparsity.weights.passes(on: gpu)
    var best: (schedule: KernelSchedule, point: OperatingPoint)?
    for kernel in gpu.kernels where work.isSparse ? kernel.isForSparse : kernel.isForDense {
      guard task.sparsity.weights.fits(kernel, on: gpu) else { continue }
      for splits in [1, 2, 4, 8] where splits == 1 || kernel.splitsReduction {
        // Splitting is for products with too few tiles and a long reduction.
        guard splits == 1 || (work.problems.count == 1 && work.problems[0].k >= splits * 512) else { continue }
        var schedule = KernelSchedule(work, kernel: kernel, splits: splits, gpu: machine)
        schedule.add(task.sparsity.weights, work, op.matrixProblems, gpu: gpu)
        guard splits == 1 || schedule.waves == 1 else { continue }
        let point = operatingPoint(of: schedule, rate: rate)
        if point.elapsed < best?.point.elapsed ?? Seconds(.infinity) { best = (schedule, point) }
      }
    }
    guard let best else { preconditionFailure("a GPU has at least one kernel") }
    return finish(best.schedule, best.point, task, op, rate: rate)
  }

  /// Energy of a schedule's actions at the highest voltage.
  private func dynamicEnergy(of s: KernelSchedule, rate: MACRate) -> (mac: Joules, l1: Joules, l2: Joules) {
    (
      rate.energy * s.executedMACs, gpu.sharedMemoryEnergy.value * Joules(s.l1ReadBytes + s.l1FilledBytes),
      gpu.l2Energy.value * Joules(s.l2ReadBytes + s.l2WrittenBytes)
    )
  }

  func operatingPoint(of s: KernelSchedule, rate: MACRate) -> OperatingPoint {
    let energy = dynamicEnergy(of: s, rate: rate)
    let dramBytes = s.dramReadBytes + s.dramWrittenBytes
    return OperatingPoint(
      PowerDemand(
        launch: launch(of: s), cycles: max(s.core, s.l2),
        memory: Seconds(memoryTime(dramBytes, active: s.activeMultiprocessors)),
        dynamicEnergy: energy.mac + energy.l1 + energy.l2,
        memoryEnergy: Joules(dramBytes * gpu.dram.energy.value)),
      power: gpu.power, minimum: gpu.minimumClock, maximum: gpu.maximumClock)
  }

  /// The time of off-chip traffic that `active` SMs share.
  private func memoryTime(_ bytes: Double, active: Double? = nil) -> Double {
    guard bytes > 0 else { return 0 }
    let rate = min(
      gpu.dram.streamBandwidth.value, (active ?? .infinity) * gpu.multiprocessorBandwidth.value)
    return bytes / rate + gpu.dram.latency.value
  }

  /// The launch of a matrix kernel; adding up a split reduction is a kernel of its own.
  private func launch(of s: KernelSchedule) -> Seconds {
    gpu.launch * (s.splits > 1 ? 2 : 1) + gpu.matrixSetup + (s.isSparse ? gpu.sparseSetup : .zero)
  }

  func finish(
    _ s: KernelSchedule, _ point: OperatingPoint, _ task: Task, _ op: Operator, rate: MACRate
  ) -> Estimate {
    let (mac, l1, l2) = dynamicEnergy(of: s, rate: rate)
    let dramBytes = s.dramReadBytes + s.dramWrittenBytes
    let dram = Joules(dramBytes * gpu.dram.energy.value)
    let launch = launch(of: s)
    let memory = Seconds(memoryTime(dramBytes, active: s.activeMultiprocessors))

    let clock = point.clock.value
    var matrix = UnitTime(busy: Seconds(s.issue / clock))
    matrix.stalled[.localMemory] = Seconds(s.feed / clock)
    matrix.stalled[.fill] = Seconds(s.fill / clock)
    matrix.stalled[.imbalance] = Seconds(s.imbalance / clock)
    matrix.stalled[.launch] = launch
    let isMemoryBound = memory.value >= s.l2 / clock
    let isCoreBound = s.core / clock >= max(memory.value, s.l2 / clock)
    matrix.stalled[isMemoryBound ? .dram : .l2] = max(.zero, point.elapsed - launch - Seconds(s.core / clock))

    let bound: Bound
    if launch > point.elapsed * 0.5 {
      bound = .launch
    } else if !isCoreBound {
      bound = isMemoryBound ? .dram : .l2
    } else if point.isCapped {
      bound = .power
    } else {
      let causes: [(Bound, Double)] = [
        (s.isFeedBound ? .localMemory : .issue, s.issue + (s.isFeedBound ? s.feed : 0)), (.fill, s.fill),
        (.imbalance, s.imbalance),
      ]
      bound = causes.max { $0.1 < $1.1 }?.0 ?? .issue
    }
    let kept = op.sparsity.weights.keptFraction(alongReduction: op.matrixProblems[0].k) ?? 1
    // Expected counts are fractions; what is useful was executed.
    let useful = min(Int((Double(op.denseMACs) * kept).rounded()), Int(s.executedMACs + 1e-6))
    let footprint = Footprint(op)
    return Estimate(
      elapsed: point.elapsed, cycles: Cycles(Int64((point.elapsed.value * clock).rounded(.up))),
      clock: point.clock, bound: bound, matrix: matrix, vector: UnitTime(idle: point.elapsed),
      memory: UnitTime(
        busy: min(point.elapsed, Seconds(dramBytes / gpu.dram.streamBandwidth.value)), of: point.elapsed),
      macs: MACCount(
        dense: op.denseMACs, useful: useful, padded: max(0, Int(s.executedMACs.rounded()) - useful)),
      traffic: Traffic(
        dramRead: Bytes(Int64(s.dramReadBytes.rounded())), dramWritten: Bytes(Int64(s.dramWrittenBytes.rounded())),
        l2Read: Bytes(Int64(s.l2ReadBytes.rounded())), l2Written: Bytes(Int64(s.l2WrittenBytes.rounded())),
        l1Filled: Bytes(Int64(s.l1FilledBytes.rounded())), l1Read: Bytes(Int64(s.l1ReadBytes.rounded())),
        metadata: footprint.aMetadata),
      energy: EnergyBreakdown(
        mac: mac * point.energyScale, l1: l1 * point.energyScale, l2: l2 * point.energyScale, dram: dram,
        idle: gpu.power.idle * point.elapsed),
      isPowerCapped: point.isCapped,
      mapping: .kernel(s.kernel, splits: s.splits, tiles: s.tiles, waves: s.waves))
  }

  /// A vector kernel: bytes over the memory or cache they come from, or arithmetic over its rate, and a launch.
  private func vectorEstimate(_ task: Task) -> Estimate {
    let op = task.asOperator
    let footprint = Footprint(op)
    let work = op.vectorWork
    let read = Double(footprint.b.count)
    let written = Double(footprint.c.count)
    let dramRead = task.inputsOnChip ? 0 : read
    let dramWritten = task.outputOnChip ? 0 : written
    let sms = Double(gpu.multiprocessors)
    let instructions = gpu.vectorInstructions * Double(work.operations + work.elementsRead + work.elementsWritten)
    let arithmetic =
      (instructions / gpu.vector.operationsPerCycle
        + Double(work.transcendentals) / gpu.vector.transcendentalsPerCycle) / sms
    let l2 = (read + written) / gpu.l2Bandwidth.value
    let vector = gpu.vector.energy * (instructions + Double(work.transcendentals))
    let l2Energy = Joules((read + written) * gpu.l2Energy.value)
    let dram = Joules((dramRead + dramWritten) * gpu.dram.energy.value)
    let memory = Seconds(memoryTime(dramRead + dramWritten))
    let point = OperatingPoint(
      PowerDemand(
        launch: gpu.launch, cycles: max(arithmetic, l2), memory: memory, dynamicEnergy: vector + l2Energy,
        memoryEnergy: dram),
      power: gpu.power, minimum: gpu.minimumClock, maximum: gpu.maximumClock)
    let clock = point.clock.value
    let elapsed = point.elapsed

    let bound: Bound
    if gpu.launch > elapsed * 0.5 {
      bound = .launch
    } else if memory.value >= max(arithmetic, l2) / clock {
      bound = .dram
    } else {
      bound = l2 > arithmetic ? .l2 : .vector
    }
    var unit = UnitTime(busy: Seconds(arithmetic / clock))
    unit.stalled[.launch] = gpu.launch
    unit.stalled[bound == .vector || bound == .launch ? .dram : bound] =
      max(.zero, elapsed - unit.busy - gpu.launch)
    return Estimate(
      elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock).rounded(.up))), clock: point.clock,
      bound: bound, matrix: UnitTime(idle: elapsed), vector: unit,
      memory: UnitTime(
        busy: min(elapsed, Seconds((dramRead + dramWritten) / gpu.dram.streamBandwidth.value)), of: elapsed),
      macs: MACCount(),
      traffic: Traffic(
        dramRead: Bytes(Int64(dramRead)), dramWritten: Bytes(Int64(dramWritten)), l2Read: footprint.b,
        l2Written: footprint.c, l1Filled: footprint.b, l1Read: footprint.b),
      energy: EnergyBreakdown(
        vector: vector * point.energyScale, l2: l2Energy * point.energyScale, dram: dram,
        idle: gpu.power.idle * elapsed),
      isPowerCapped: point.isCapped, mapping: .vector)
  }
}
