import Diagnostics
import Hardware
import Quantities
import Workloads

/// S4-like processors of bank-balanced sparse units. ``UnitSchedule`` holds the equations of the matrix side; vector
/// operators run on the chip's vector unit beside the matrix operator before them.
struct S4Engine: Engine {
  let chip: S4Processor

  /// What the model leaves out beside the machine's own limits.
  let ignored: Set<LossCause>
  /// Closed forms, or tile by tile.
  let fidelity: SimulationOptions.Fidelity

  init(
    _ chip: S4Processor, fidelity: SimulationOptions.Fidelity = .analytic, without causes: Set<LossCause> = []
  ) {
    self.chip = chip.idealised(without: causes)
    self.fidelity = fidelity
    ignored = causes
  }

  var fitting: S4Fitting { S4Fitting(chip) }

  /// Half of all shared buffers; the other half receives weights.
  var residentCapacity: Int { Int(chip.l2Capacity.count) / 2 * chip.cores * chip.chips }

  var hostLink: BytesPerSecond? { chip.hostLink }

  func estimate(_ task: Task) -> Estimate {
    let analytic = analyticEstimate(task)
    return fidelity == .event ? tileByTile(task, analytic, probe: NoProbe()).estimate : analytic
  }

  private func analyticEstimate(_ task: Task) -> Estimate {
    switch task.op.kind {
    case .gemm, .groupedGEMM, .convolution, .attention: matrixEstimate(task)
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning:
      vectorEstimate(task)
    }
  }

  /// The fastest schedule of a turn over all ways to divide it; of equally fast ones, that which reads the fewest
  /// bytes of weights and shared buffers.
  func schedule(_ task: Task, rate: MACRate) -> UnitSchedule {
    var best: (schedule: UnitSchedule, cost: (Double, Double, Double))?
    let problems = task.problems.map { $0.turn(of: task.turns, task.op.kind) }
    let steps = problems.map { chip.stepsPerRound($0.hasWeights ? task.op.sparsity.weights : .dense, of: $0) }
    for split in SplitOverCores.allCases where split == .batch || problems.contains(where: \.hasWeights) {
      for along in 1...chip.unitsPerCore where chip.unitsPerCore % along == 0 {
        var s = UnitSchedule(isFluid: ignored.contains(.tiling), countsIndices: !ignored.contains(.metadata))
        (s.split, s.unitsAlongOutputs) = (split, along)
        if case .bank(_, let rate) = task.op.sparsity.weights { s.rate = rate }
        for (problem, steps) in zip(problems, steps) {
          s.add(
            problem, pattern: problem.hasWeights ? task.op.sparsity.weights : .dense, steps: steps, rate: rate,
            elementBytes: Double(task.op.dataType.bits) / 8, outputBytes: Double(task.op.outputType.bits) / 8, on: chip)
        }
        let outside = max(memoryTime(s.weightReads), s.networkBytes / chip.network.value)
        let cost = (max(max(s.core, s.l2) / chip.clock.value, outside), s.weightReads, s.l2ReadBytes)
        if best.map({ cost < $0.cost }) ?? true { best = (s, cost) }
      }
    }
    guard let best else { preconditionFailure("a core has at least one unit") }
    return best.schedule
  }

  private func matrixEstimate(_ task: Task) -> Estimate {
    let op = task.op
    guard let macRate = chip.dataTypes.rates[op.dataType] else {
      preconditionFailure("no rate for \(op.dataType.rawValue); adapt() lets only known types through")
    }
    let s = schedule(task, rate: macRate).repeated(task.turns)
    let footprint = task.footprint
    let activationBytes = Double((footprint.aIsWeights ? footprint.b : footprint.inputs).count)
    let resultBytes = Double(footprint.c.count)
    let dramRead = s.weightReads + (task.inputsOnChip ? Double(footprint.cached.count) : activationBytes)
    let dramWritten = task.outputOnChip ? 0 : resultBytes

    // The softmax between the two products of attention runs beside them.
    let softmax = arithmeticCycles(op.vectorWork)
    let network = s.networkBytes / chip.network.value
    let demand = demand(
      turns: task.turns, cycles: max(s.core, s.l2, softmax), read: dramRead, written: dramWritten, network: network,
      dynamic: Joules(s.executedMACs * macRate.energy.value)
        + Joules((s.l1ReadBytes + s.l1FilledBytes) * chip.l1Energy.value)
        + Joules((s.l2ReadBytes + s.l2WrittenBytes) * chip.l2Energy.value) + vectorEnergy(op.vectorWork))
    let point = operatingPoint(demand)
    let clock = point.clock.value
    let elapsed = point.elapsed
    let launch = demand.launch

    var matrix = UnitTime(busy: Seconds(s.issue / clock))
    matrix.stalled[.localMemory] = Seconds(s.feed / clock)
    matrix.stalled[.imbalance] = Seconds(s.imbalance / clock)
    matrix.stalled[.launch] = launch
    let limits: [(Bound, Double)] = [
      (.dram, memoryTime(dramRead + dramWritten)), (.network, network), (.l2, s.l2 / clock),
      (.vector, softmax / clock),
    ]
    let outer = limits.max { $0.1 < $1.1 } ?? (.dram, 0)
    let exposed = max(.zero, elapsed - matrix.total)
    matrix.stalled[outer.0] = exposed

    let bound: Bound
    if launch > elapsed * 0.5 {
      bound = .launch
    } else if outer.1 > s.core / clock {
      bound = outer.0
    } else if point.isCapped {
      bound = .power
    } else {
      let isFed = s.feed == 0
      bound = s.imbalance > s.issue + s.feed ? .imbalance : isFed ? .issue : .localMemory
    }
    // Of the whole operator: turns round their shares up.
    let useful = task.problems.reduce(0) { sum, problem in
      let pattern = problem.hasWeights ? op.sparsity.weights : .dense
      let kept = pattern.keptFraction(alongReduction: problem.k) ?? 1
      return sum + Int((Double(problem.denseMACs) * kept).rounded())
    }
    // The engine multiplies whole tiles of attention; what a mask hides is padding to it.
    let dense = op.denseMACs
    return Estimate(
      elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock).rounded(.up))), clock: point.clock,
      bound: bound, matrix: matrix,
      vector: UnitTime(busy: min(elapsed, Seconds(softmax / clock)), of: elapsed),
      memory: UnitTime(busy: min(elapsed, Seconds(memoryTime(dramRead + dramWritten))), of: elapsed),
      macs: MACCount(
        dense: dense, useful: min(useful, dense),
        padded: max(0, Int(s.executedMACs.rounded()) - min(useful, dense))),
      traffic: Traffic(
        dramRead: Bytes(Int64(dramRead.rounded())), dramWritten: Bytes(Int64(dramWritten.rounded())),
        l2Read: Bytes(Int64(s.l2ReadBytes.rounded())), l2Written: Bytes(Int64(s.l2WrittenBytes.rounded())),
        l1Filled: Bytes(Int64(s.l1FilledBytes.rounded())), l1Read: Bytes(Int64(s.l1ReadBytes.rounded())),
        metadata: Bytes(Int64(s.indexBytes.rounded()))),
      energy: EnergyBreakdown(
        mac: Joules(s.executedMACs * macRate.energy.value), vector: vectorEnergy(op.vectorWork),
        l1: Joules((s.l1ReadBytes + s.l1FilledBytes) * chip.l1Energy.value),
        l2: Joules((s.l2ReadBytes + s.l2WrittenBytes) * chip.l2Energy.value), dram: demand.memoryEnergy,
        idle: idlePower * elapsed),
      isPowerCapped: point.isCapped, mapping: .rounds(s.rounds, rate: s.rate, s.split))
  }

  private func vectorEstimate(_ task: Task) -> Estimate {
    let op = task.op
    let footprint = task.footprint
    let read = Double(footprint.b.count)
    let written = Double(footprint.c.count)
    let dramRead = task.inputsOnChip ? 0 : read
    let dramWritten = task.outputOnChip ? 0 : written
    let arithmetic = arithmeticCycles(op.vectorWork)
    let l2 = (read + written) / Double(chip.chips * chip.cores) / chip.l2Port.value
    let l2Energy = Joules((read + written) * chip.l2Energy.value)
    let demand = demand(
      turns: task.turns, cycles: max(arithmetic, l2), read: dramRead, written: dramWritten, network: 0,
      dynamic: vectorEnergy(op.vectorWork) + l2Energy)
    let point = operatingPoint(demand)
    let clock = point.clock.value
    let elapsed = point.elapsed
    var vector = UnitTime(busy: Seconds(arithmetic / clock))
    vector.stalled[.launch] = demand.launch
    let outer: Bound = memoryTime(dramRead + dramWritten) > l2 / clock ? .dram : .l2
    let exposed = max(.zero, elapsed - vector.total)
    vector.stalled[outer] = exposed
    let isOuterBound = max(memoryTime(dramRead + dramWritten), l2 / clock) > arithmetic / clock
    let bound: Bound = demand.launch > elapsed * 0.5 ? .launch : isOuterBound ? outer : .vector
    return Estimate(
      elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock).rounded(.up))), clock: point.clock,
      bound: bound, matrix: UnitTime(idle: elapsed), vector: vector,
      memory: UnitTime(busy: min(elapsed, Seconds(memoryTime(dramRead + dramWritten))), of: elapsed),
      macs: MACCount(),
      traffic: Traffic(
        dramRead: Bytes(Int64(dramRead)), dramWritten: Bytes(Int64(dramWritten)), l2Read: footprint.b,
        l2Written: footprint.c, l1Filled: footprint.b, l1Read: footprint.b),
      energy: EnergyBreakdown(
        vector: vectorEnergy(op.vectorWork), l2: l2Energy, dram: demand.memoryEnergy, idle: idlePower * elapsed),
      isPowerCapped: point.isCapped, mapping: .vector)
  }

  // MARK: Shared terms

  private var idlePower: Watts { chip.idle * Double(chip.chips) }

  private func memoryTime(_ bytes: Double) -> Double {
    bytes / (chip.dram.streamBandwidth.value * Double(chip.chips))
  }

  func arithmeticCycles(_ work: VectorWork) -> Double {
    max(
      Double(work.operations) / chip.vector.operationsPerCycle,
      Double(work.transcendentals) / chip.vector.transcendentalsPerCycle) / Double(chip.chips)
  }

  private func vectorEnergy(_ work: VectorWork) -> Joules {
    chip.vector.energy * Double(work.operations + work.transcendentals)
  }

  /// Streams from off-chip memory are prefetched, so only their rate counts.
  private func demand(
    turns: Int, cycles: Double, read: Double, written: Double, network: Double, dynamic: Joules
  ) -> PowerDemand {
    PowerDemand(
      launch: chip.launch / chip.clock * Double(turns), cycles: cycles,
      memory: Seconds(max(memoryTime(read + written), network)),
      dynamicEnergy: dynamic, memoryEnergy: chip.dram.energy(read: read, written: written))
  }

  /// The chip has one voltage: past its limit it can only be slowed down.
  private func operatingPoint(_ demand: PowerDemand) -> OperatingPoint {
    OperatingPoint(
      demand,
      power: PowerModel(cap: chip.cap * Double(chip.chips), idle: idlePower, voltageFloor: 1),
      minimum: chip.clock * 0.01, maximum: chip.clock)
  }
}
