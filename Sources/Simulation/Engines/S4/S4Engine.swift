import Hardware
import Quantities
import Workloads

/// S4-like processors of bank-balanced sparse units. ``UnitSchedule`` holds the equations of the matrix side; vector
/// operators run on the chip's vector unit beside the matrix operator before them.
struct S4Engine: Engine {
  let chip: S4Processor
  /// Samples that can be taken through the network in turns.
  let samples: Int

  /// What the model leaves out beside the machine's own limits.
  let ignored: Set<LossCause>

  init(_ chip: S4Processor, samples: Int?, without causes: Set<LossCause> = []) {
    self.chip = chip.idealised(without: causes)
    ignored = causes
    self.samples = samples ?? 1
  }

  var dataTypes: DataTypeSupport { chip.dataTypes }

  /// Half of all shared buffers; the other half receives while it is worked on.
  private var bufferBytes: Double {
    Double(chip.l2Capacity.count) / 2 * Double(chip.cores * chip.chips)
  }

  /// Samples are taken through in turns, so an operator stays on chip if a turn of it fits: a sample in each core, or a
  /// single one spread over all cores.
  var residentCapacity: Int { Int(max(bufferBytes, Double(chip.l2Capacity.count) / 2 * Double(samples))) }

  var overlapsVectorWork: Bool { true }

  func adapt(_ op: Operator) -> Adaptation {
    var op = op
    var changes: [String] = []
    let pattern = op.sparsity.weights
    let hasWeights = op.matrixProblems.allSatisfy(\.hasWeights)
    switch pattern == .dense || hasWeights ? balance(pattern) : .dense("only weights are compressed") {
    case .asIs: break
    case .dense(let reason):
      changes.append("\(pattern) weights run dense: \(reason)")
      op.sparsity.weights = .dense
    case .rate(let rate):
      let used: SparsityPattern = rate == 1 ? .dense : .bank(size: chip.bankSize, rate: rate)
      if used != pattern { changes.append("\(pattern) weights run at the rate of \(rate)x") }
      op.sparsity.weights = used
    }
    if op.sparsity.activations != .dense {
      changes.append("\(op.sparsity.activations) activations run dense: only weights are compressed")
      op.sparsity.activations = .dense
    }
    if op.sparsity.scores != .dense {
      changes.append("\(op.sparsity.scores) scores run dense: products of activations are not compressed")
      op.sparsity.scores = .dense
    }
    return .runs(op, changes: changes)
  }

  /// How a weight pattern fits banks.
  private enum Balance {
    case asIs
    case rate(Int)
    case dense(String)
  }

  private func balance(_ pattern: SparsityPattern) -> Balance {
    switch pattern {
    case .unstructured(let zeros) where zeros == 0: return .rate(1)
    case .dense, .unstructured: return .asIs
    case .structured(let n, let m):
      guard chip.bankSize % m == 0 else { return .dense("groups of \(m) do not fill banks of \(chip.bankSize)") }
      return .rate(chip.rate(keeping: n * (chip.bankSize / m)))
    case .bank(let size, let rate):
      guard chip.bankSize % size == 0 else {
        return .dense("banks of \(size) do not divide the machine's banks of \(chip.bankSize)")
      }
      return .rate(chip.rate(keeping: size / rate * (chip.bankSize / size)))
    case .vectorStructured, .block, .tile, .wrapped, .fanIn, .mask:
      return .dense("its banks may keep any number of values")
    }
  }

  func estimate(_ task: Task) -> Estimate {
    switch task.kind {
    case .gemm, .groupedGEMM, .convolution, .attention: matrixEstimate(task)
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning:
      vectorEstimate(task)
    }
  }

  private func matrixEstimate(_ task: Task) -> Estimate {
    let op = task.asOperator
    guard let macRate = chip.dataTypes.rates[task.dataType] else {
      preconditionFailure("no rate for \(task.dataType.rawValue); adapt() lets only known types through")
    }
    let elementBytes = Double(task.dataType.bits) / 8
    var s = UnitSchedule(isFluid: ignored.contains(.tiling), countsIndices: !ignored.contains(.metadata))
    if case .bank(_, let rate) = task.sparsity.weights { s.rate = rate }
    for problem in op.matrixProblems {
      s.add(
        problem, pattern: problem.hasWeights ? task.sparsity.weights : .dense, rate: macRate,
        elementBytes: elementBytes, outputBytes: Double(task.outputType.bits) / 8, on: chip)
    }
    let footprint = Footprint(op)
    let activationBytes = Double((footprint.aIsWeights ? footprint.b : footprint.inputs).count)
    let resultBytes = Double(footprint.c.count)
    let passes = max(1, ((activationBytes + resultBytes) / bufferBytes).rounded(.up))
    let weightReads = s.weightBytes * min(passes, Double(max(1, samples))) * Double(chip.chips)
    let dramRead = weightReads + (task.inputsOnChip ? 0 : activationBytes)
    let dramWritten = task.outputOnChip ? 0 : resultBytes

    // The softmax between the two products of attention runs beside them.
    let softmax = arithmeticCycles(op.vectorWork)
    let network = s.weightBytes / (chip.network.value * Double(chip.chips))
    let demand = demand(
      cycles: max(s.core, s.l2, softmax), dramBytes: dramRead + dramWritten, network: network,
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
    let useful = Int(s.usefulMACs.rounded())
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
      isPowerCapped: point.isCapped, mapping: .rounds(s.rounds, rate: s.rate))
  }

  private func vectorEstimate(_ task: Task) -> Estimate {
    let op = task.asOperator
    let footprint = Footprint(op)
    let read = Double(footprint.b.count)
    let written = Double(footprint.c.count)
    let dramRead = task.inputsOnChip ? 0 : read
    let dramWritten = task.outputOnChip ? 0 : written
    let arithmetic = arithmeticCycles(op.vectorWork)
    let l2 = (read + written) / Double(chip.chips * chip.cores) / chip.l2Port.value
    let l2Energy = Joules((read + written) * chip.l2Energy.value)
    let demand = demand(
      cycles: max(arithmetic, l2), dramBytes: dramRead + dramWritten, network: 0,
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

  private func arithmeticCycles(_ work: VectorWork) -> Double {
    max(
      Double(work.operations) / chip.vector.operationsPerCycle,
      Double(work.transcendentals) / chip.vector.transcendentalsPerCycle) / Double(chip.chips)
  }

  private func vectorEnergy(_ work: VectorWork) -> Joules {
    chip.vector.energy * Double(work.operations + work.transcendentals)
  }

  /// Streams from off-chip memory are prefetched, so only their rate counts.
  private func demand(cycles: Double, dramBytes: Double, network: Double, dynamic: Joules) -> PowerDemand {
    PowerDemand(
      launch: chip.launch / chip.clock, cycles: cycles, memory: Seconds(max(memoryTime(dramBytes), network)),
      dynamicEnergy: dynamic, memoryEnergy: Joules(dramBytes * chip.dram.energy.value))
  }

  /// The chip has one voltage: past its limit it can only be slowed down.
  private func operatingPoint(_ demand: PowerDemand) -> OperatingPoint {
    OperatingPoint(
      demand,
      power: PowerModel(cap: chip.cap * Double(chip.chips), idle: idlePower, voltageFloor: 1),
      minimum: chip.clock * 0.01, maximum: chip.clock)
  }
}
