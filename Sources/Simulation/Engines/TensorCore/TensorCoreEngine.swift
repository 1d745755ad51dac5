import Hardware
import Quantities
import Workloads

/// GPUs with (sparse) tensor cores: kernels of tiles in waves over SMs, with shared memory, a level-two cache,
/// off-chip memory and a power limit. ``KernelSchedule`` and ``OperatingPoint`` hold the equations.
struct TensorCoreEngine: Engine {
  private(set) var gpu: TensorCoreGPU

  /// What the model leaves out beside the machine's own limits.
  let ignored: Set<LossCause>
  /// Closed forms, or turn by turn.
  var fidelity: SimulationOptions.Fidelity

  /// What dense products, and what others are allowed that run alone.
  private let alone: (dense: PowerModel, other: PowerModel)
  /// What different kernels in turn are allowed.
  private let inTurn: PowerModel
  /// Bits of results where a kernel knows no other.
  private var outputBits: Int?

  init(
    _ gpu: TensorCoreGPU, options: SimulationOptions = SimulationOptions(), without causes: Set<LossCause> = []
  ) {
    self.gpu = gpu.idealised(without: causes)
    if options.library == .ideal {
      (self.gpu.library, self.gpu.compression, self.gpu.tileScheduler) = (.ideal, nil, nil)
    }
    fidelity = options.fidelity
    ignored = causes
    let burst = options.power == .burst ? gpu.power.burst : 1
    alone = (
      self.gpu.power.settled(at: gpu.power.denseSettling * burst),
      self.gpu.power.settled(at: gpu.power.settling * burst)
    )
    inTurn = self.gpu.power.settled(at: gpu.power.mixedSettling * burst)
  }

  var fitting: TensorCoreFitting { TensorCoreFitting(gpu) }

  /// Half of the cache: the rest holds the operands that stream through.
  var residentCapacity: Int { Int(gpu.l2Capacity.count / 2) }

  /// Where there are kernels that skip zeros, real zeros run on whichever kernel is faster.
  func refits(_ op: Operator) -> Bool { op.sparsity.weights.zeros != nil && gpu.sparseKernels != nil }

  func refit(_ op: Operator) -> Adaptation {
    fitting.adapt(op) { mask, pattern in elapsed(op, .mask(mask)) < elapsed(op, pattern) }
  }

  func estimate(_ task: Task) -> Estimate { estimates(of: [task], times: [1])[0] }

  /// The power controller averages over milliseconds, most kernels take microseconds: these run at one clock, which
  /// holds the average over them at the limit. Light kernels so leave power to heavy ones. A kernel longer than the
  /// controller's window has a clock of its own.
  func estimates(of tasks: [Task], times: [Double]) -> [Estimate] {
    let kernels = tasks.map(kernels)
    func isLong(_ kernel: Kernel) -> Bool { kernel.demand.elapsed(gpu.maximumClock.value) > gpu.power.window.value }
    let shared = point(
      zip(kernels, times).flatMap { kernels, times in kernels.filter { !isLong($0) }.map { ($0, times) } })
    return kernels.map { kernels in
      let answers = kernels.map { kernel in
        let answer = kernel.answer((isLong(kernel) ? point([(kernel, 1)]) : shared).of(kernel.demand))
        return fidelity == .event ? turnByTurn(kernel, answer, probe: NoProbe()).estimate : answer
      }
      return answers[0].extended(by: answers.dropFirst())
    }
  }

  private func point(_ kernels: [(kernel: Kernel, times: Double)]) -> OperatingPoint {
    // Sums that do not depend on the order of operators.
    let kernels = kernels.sorted { a, b in
      let (x, y, clock) = (a.kernel.demand, b.kernel.demand, gpu.maximumClock.value)
      return (x.cycles, x.loadCycles, x.memory.value, x.dynamicEnergy.value, x.launch(clock), a.times)
        < (y.cycles, y.loadCycles, y.memory.value, y.dynamicEnergy.value, y.launch(clock), b.times)
    }
    return OperatingPoint(
      kernels.map { ($0.kernel.demand, $0.times) }, power: power(of: kernels), minimum: gpu.minimumClock,
      maximum: gpu.maximumClock)
  }

  /// The kernels of a task, one after the other; multiply-accumulates of all but the first are not the task's own.
  func kernels(_ task: Task) -> [Kernel] {
    switch task.op.kind {
    case .gemm, .groupedGEMM, .convolution: wrappedParts(task)?.map(matrixKernel) ?? [matrixKernel(task)]
    case .attention(let attention): [attentionKernel(attention, task)]
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning:
      [vectorKernel(task)]
    }
  }

  /// What the controller allows.
  private func power(of kernels: [(kernel: Kernel, times: Double)]) -> PowerModel {
    guard kernels.count == 1 else { return inTurn }
    return kernels[0].kernel.isDenseProduct ? alone.dense : alone.other
  }
}

extension PowerModel {
  /// The same with a share of the cap.
  fileprivate func settled(at share: Double) -> PowerModel {
    var power = self
    power.cap = cap.map { $0 * share }
    return power
  }
}

extension TensorCoreEngine {
  /// A task's kernel, before its clock is known.
  struct Kernel {
    var demand: PowerDemand
    /// What it moves, and in how many turns.
    var turns: KernelTurns
    /// What it moves, by operand and cause, whose answer is given.
    var movement: (Estimate) -> Movement
    /// Whether it multiplies dense operands.
    var isDenseProduct = false
    /// The answer at a clock.
    var answer: (OperatingPoint) -> Estimate
  }
}

extension SparsityPattern {
  /// Whether no aligned group of four along K can keep more than two values.
  var conformsToTwoOfFour: Bool {
    switch self {
    case .structured(let n, let m): n <= 2 && m % 4 == 0 || n == 1 && m == 2
    case .bank(let size, let rate): size / rate <= 2 && size % 4 == 0
    case .dense, .vectorStructured, .unstructured, .block, .tile, .wrapped, .fanIn, .mask: false
    }
  }
}

extension TensorCoreEngine {
  private func matrixKernel(_ task: Task) -> Kernel {
    let op = task.op
    guard let rate = gpu.dataTypes.rates[op.dataType] else {
      preconditionFailure("no rate for \(op.dataType.rawValue); adapt() lets only known types through")
    }
    if let (schedule, rate) = skippingSchedule(task, rate: rate) {
      return kernel(schedule, task, rate: rate)
    }
    if let gap = gpu.library.gap(of: op) { return older(gap, rate).matrixKernel(task) }
    let problems = task.placedProblems
    let work = MatrixWork(
      problems: problems.map(op.sparsity.weights.multiplied), rate: rate,
      elementBytes: Double(op.dataType.bits) / 8,
      outputBytes: Double(outputBits ?? op.outputType.bits) / 8, isSparse: op.sparsity.weights != .dense,
      metadataBits: ignored.contains(.metadata) ? 0 : Double(op.sparsity.weights.metadataBitsPerValue),
      inputsOnChip: task.inputsOnChip, outputOnChip: task.outputOnChip, isFluid: ignored.contains(.tiling),
      weightStorage: op.weightStorage)

    // By time under the power limit, which is no less than at the highest clock.
    var best: KernelSchedule?
    var shortest = Seconds(.infinity)
    let power = work.isSparse ? alone.other : alone.dense
    func mayBeat(_ demand: PowerDemand) -> Bool {
      demand.mayBeat(shortest, power: power, maximum: gpu.maximumClock)
    }
    for kernel in gpu.kernels where kernel.takes(work) && op.sparsity.weights.fits(kernel, among: gpu.kernels) {
      // Splitting is for products with too few tiles and a long reduction.
      for splits in 1...kernel.mostSplits {
        guard
          splits == 1
            || (work.problems.count == 1 && work.problems[0].k >= splits * 512)
        else { break }
        var schedule = KernelSchedule(pacing: work, kernel: kernel, splits: splits, gpu: gpu)
        guard splits == 1 || schedule.waves == 1 else { break }
        // Traffic only adds to what the SMs take.
        guard mayBeat(demand(of: schedule, rate: rate)) else { continue }
        schedule.addTraffic(work, gpu: gpu)
        schedule.add(op.sparsity.weights, work, problems, gpu: gpu)
        schedule.addDequantisation(task, work, gpu: gpu)
        let demand = demand(of: schedule, rate: rate)
        guard mayBeat(demand) else { continue }
        let elapsed = elapsed(demand, power)
        if elapsed < shortest { (best, shortest) = (schedule, elapsed) }
      }
    }
    guard let best else { preconditionFailure("a GPU has at least one kernel for \(work.elementBytes) B") }
    // Of two formats' tiles only the sums are known.
    if case .tile = op.sparsity.weights { return kernel(best, task, rate: rate) }
    return fidelity == .event
      ? cachedKernel(best, work, task, rate: rate) : kernel(best, task, rate: rate)
  }

  /// The GPU as an older kernel uses it.
  private func older(_ gap: LibraryGap, _ rate: MACRate) -> TensorCoreEngine {
    var engine = self
    engine.gpu.library = .ideal
    engine.outputBits = gap.outputBits
    if let bandwidth = gap.streamBandwidth { engine.gpu.dram.streamBandwidth = bandwidth }
    var rate = rate
    if let macs = gap.macsPerCycle { if gap.isSparse { rate.sparsePerCycle = macs } else { rate.perCycle = macs } }
    if let energy = gap.macEnergy { rate.energy = energy }
    engine.gpu.dataTypes.rates[gap.dataType] = rate
    return engine
  }

  func kernel(_ s: KernelSchedule, _ task: Task, rate: MACRate) -> Kernel {
    let footprint = task.footprint
    return Kernel(
      demand: demand(of: s, rate: rate), turns: KernelTurns(s, gpu: gpu),
      movement: { Movement(skipping: $0.traffic, footprint, inputsOnChip: task.inputsOnChip) },
      isDenseProduct: !s.isSparse
    ) { point in
      answer(s, point, task, rate: rate)
    }
  }

  /// Energy of a schedule's actions at the highest voltage.
  private func dynamicEnergy(
    of s: KernelSchedule, rate: MACRate
  ) -> (mac: Joules, clock: Joules, l1: Joules, l2: Joules) {
    (
      rate.energy * s.executedMACs, gpu.clockEnergy * (s.core * Double(gpu.multiprocessors)),
      gpu.sharedMemoryEnergy.value * Joules(s.l1ReadBytes + s.l1FilledBytes),
      gpu.l2Energy.value * Joules(s.l2ReadBytes + s.l2WrittenBytes)
    )
  }

  private func demand(of s: KernelSchedule, rate: MACRate) -> PowerDemand {
    let energy = dynamicEnergy(of: s, rate: rate)
    let memory = memoryTime(of: s)
    return PowerDemand(
      launch: launch(of: s), cycles: s.core, cache: Seconds(s.l2 / gpu.maximumClock.value), memory: memory.total,
      dynamicEnergy: energy.mac + energy.clock + energy.l1 + energy.l2,
      memoryEnergy: gpu.dram.energy(read: s.dramReadBytes, written: s.dramWrittenBytes),
      overlapExponent: s.overlapsFully ? .infinity : gpu.overlapExponent,
      lastTurn: TurnShares(cycles: s.lastTurn.cycles, cache: s.lastTurn.blocks, memory: memory.lastTurn))
  }

  /// What a schedule takes that runs alone.
  func elapsedAlone(_ s: KernelSchedule, rate: MACRate) -> Seconds {
    elapsed(demand(of: s, rate: rate), s.isSparse ? alone.other : alone.dense)
  }

  private func elapsed(_ demand: PowerDemand, _ power: PowerModel) -> Seconds {
    OperatingPoint(demand, power: power, minimum: gpu.minimumClock, maximum: gpu.maximumClock).elapsed
  }

  /// The time of a schedule's off-chip traffic, and its last turn's share of it.
  private func memoryTime(of s: KernelSchedule) -> (total: Seconds, lastTurn: Double) {
    let bytes = s.dramReadBytes + s.dramWrittenBytes
    guard s.lastTurn.blocks < 1 else { return (memoryTime(bytes, active: s.activeMultiprocessors), 1) }
    let full = memoryTime(bytes * (1 - s.lastTurn.blocks), active: s.activeMultiprocessors)
    let both = full + memoryTime(bytes * s.lastTurn.blocks, active: s.lastTurn.multiprocessors) - gpu.dram.latency
    return (max(full, both), both > full ? 1 - full / both : 0)
  }

  /// The time of off-chip traffic that `active` SMs share.
  func memoryTime(_ bytes: Double, active: Double = .infinity) -> Seconds {
    guard bytes > 0 else { return .zero }
    let rate = min(gpu.dram.streamBandwidth.value, active * gpu.multiprocessorBandwidth.value)
    return Seconds(bytes / rate) + gpu.dram.latency
  }

  /// The launch of a matrix kernel; adding up a split reduction is a kernel of its own, and so is clearing counters.
  private func launch(of s: KernelSchedule) -> Seconds {
    let clearing = s.clearings > 0 ? gpu.launch + (gpu.tileScheduler?.clearing ?? .zero) * Double(s.clearings) : .zero
    return (gpu.launch + gpu.matrixSetup) * (s.splits > 1 ? 2 : 1) + (s.isSparse ? gpu.sparseSetup : .zero) + clearing
  }

  private func answer(
    _ s: KernelSchedule, _ point: OperatingPoint, _ task: Task, rate: MACRate
  ) -> Estimate {
    let (mac, clockEnergy, l1, l2) = dynamicEnergy(of: s, rate: rate)
    let dramBytes = s.dramReadBytes + s.dramWrittenBytes
    let dram = gpu.dram.energy(read: s.dramReadBytes, written: s.dramWrittenBytes)
    let launch = launch(of: s)
    let memory = memoryTime(of: s).total
    let cache = Seconds(s.l2 / gpu.maximumClock.value)

    let clock = point.clock.value
    var matrix = UnitTime(busy: Seconds(s.issue / clock))
    matrix.stalled[s.pace == .issue ? .localMemory : s.pace] = Seconds(s.feed / clock)
    matrix.stalled[.fill] += Seconds(s.fill / clock)
    matrix.stalled[.imbalance] += Seconds(s.imbalance / clock)
    matrix.stalled[.launch] += launch
    let isMemoryBound = memory >= cache
    let isCoreBound = s.core / clock >= max(memory, cache).value
    matrix.stalled[isMemoryBound ? .dram : .l2] += max(.zero, point.elapsed - launch - Seconds(s.core / clock))

    let bound: Bound
    if launch > point.elapsed * 0.5 {
      bound = .launch
    } else if !isCoreBound {
      bound = isMemoryBound ? .dram : .l2
    } else if point.isCapped {
      bound = .power
    } else {
      let causes: [(Bound, Double)] = [
        (s.pace, s.issue + (s.pace == .issue ? 0 : s.feed)), (.fill, s.fill),
        (.imbalance, s.imbalance),
      ]
      bound = causes.max { $0.1 < $1.1 }?.0 ?? .issue
    }
    let op = task.op
    let kept = op.sparsity.weights.keptFraction(alongReduction: task.problems[0].k) ?? 1
    // Expected counts are fractions; what is useful was executed.
    let useful = min(Int((Double(op.denseMACs) * kept).rounded()), Int(s.executedMACs + 1e-6))
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
        metadata: s.storedIndexBytes.map { Bytes(Int64($0.rounded(.up))) } ?? task.footprint.aMetadata),
      energy: EnergyBreakdown(
        mac: mac * point.energyScale, clock: clockEnergy * point.energyScale, l1: l1 * point.energyScale,
        l2: l2 * point.energyScale, dram: dram,
        idle: gpu.power.idle * point.elapsed),
      isPowerCapped: point.isCapped,
      mapping: .kernel(s.kernel, splits: s.splits, tiles: s.tiles, waves: s.waves))
  }
}

extension GEMMKernel {
  /// Whether it multiplies such operands.
  fileprivate func takes(_ work: MatrixWork) -> Bool {
    (work.isSparse ? isForSparse : isForDense) && (elementBits.map { Double($0) == 8 * work.elementBytes } ?? true)
  }
}
