import Hardware
import Quantities
import Workloads

/// Kernels for everything that is not a product.
///
/// Time = launch + (lanesᵖ + bytesᵖ)^(1/p): instructions at one a lane and cycle, and bytes from memory or the cache, whichever
/// is slower.
///
/// Kernels that give each row of n elements to a group of threads (``RowKernel``) add, for w = rows / groups at work, at
/// least one, waves: a first latency, w row latencies, and stream at no more than a row's own loads allow:
///
///     launch + latency(n) + w·rowLatency + (lanesᵖ + bytesᵖ + (w·stream(n))ᵖ)^(1/p)
///
/// Their instructions are elements × instructionsPerElement + threads × instructionsPerThread. An instruction costs the
/// same energy whatever it does, its registers and first-level accesses with it.
///
/// Launch and latencies are cycles: where a power limit takes the clock from 1980 to 1455 MHz a layer-norm of 4096×1024 takes
/// 1.33 times as long, an addition of 2 M values from the cache 1.24 times (`Configs/Reference/Repeats/clocks.csv`). The cache
/// keeps its clock, and with it its rate, which is a tenth too fast for sums there.
///
/// Rows that are read again after their statistics come from the cache, or from memory, as far as the first-level
/// cache cannot hold those at work. A reduction to one result ends with a step over all thread blocks.
/// Pruning that compresses takes what the library takes (``WeightCompression``), where that is known: measured passes of
/// 4 M to 105 M weights are met to 6 %.
///
/// Constants are measured on an H200 with eager PyTorch kernels. Left out: rows whose length no vector load divides
/// (up to 10 times slower), reductions along columns.
extension TensorCoreEngine {
  func vectorKernel(_ task: Task) -> Kernel {
    let op = task.op
    let kernels = gpu.vectorKernels
    let footprint = task.footprint
    let work = op.vectorWork
    let isBackward = op.phase == .backwardData || op.phase == .backwardWeight
    let sms = Double(gpu.multiprocessors)
    var read = Double(footprint.b.count)
    let written = Double(footprint.c.count)
    var setup = Seconds.zero
    var serialCycles = 0.0
    var streamCycles = 0.0
    var exponentials = Double(work.transcendentals)
    var instructions =
      kernels.instructionsPerOperation * Double(work.operations)
      + kernels.instructionsPerAccess * Double(work.elementsRead + work.elementsWritten)
    if let (kernel, rows, width) = rowKernel(op.kind) {
      let group = Double(kernel.groupSize(width: width))
      let concurrent = sms * (Double(kernels.residentThreads) / group).rounded(.down)
      let waves = max(1, Double(rows) / concurrent)
      serialCycles =
        Double(kernel.latency) + kernel.latencyPerElement * Double(width) + waves * Double(kernel.rowLatency)
      streamCycles = waves * (Double(kernel.streamLatency) + kernel.streamLatencyPerElement * Double(width))
      // Counted with their exponentials and roots.
      instructions =
        Double(rows) * (kernel.instructionsPerElement * Double(width) + kernel.instructionsPerThread * group)
        * (isBackward ? 2 : 1)
      exponentials = 0
      if kernel.readsTwice {
        let held = min(waves, 1) * concurrent / sms * Double(width * op.dataType.bits / 8)
        read *= 1 + min(1, held / Double(gpu.sharedMemory.count))
      }
    } else if case .reduction(let reduction) = op.kind, reduction.outputs == 1 {
      setup = kernels.reductionSetup
    }
    let dramRead = task.inputsOnChip ? 0 : read
    let dramWritten = task.outputOnChip ? 0 : written

    let arithmetic =
      (instructions / gpu.vector.operationsPerCycle
        + exponentials / gpu.vector.transcendentalsPerCycle) / sms
    // What comes from memory passes the cache on its way.
    let l2Read = max(read, op.scatteredSectorBytes)
    let cache = Seconds((l2Read + written) / (kernels.cacheBandwidth.value * gpu.maximumClock.value))
    let memory = memoryTime(dramRead + dramWritten)
    let compression =
      op.kind.isPruning ? gpu.compression.map { $0.setup + footprint.b / $0.rate } ?? .zero : .zero
    let bytes = max(memory, cache, compression)
    let vector = gpu.vector.energy * (instructions + exponentials)
    let l2Energy = Joules((l2Read + written) * gpu.l2Energy.value)
    let dram = gpu.dram.energy(read: dramRead, written: dramWritten)
    // Measured at the highest clock.
    let launchCycles = (gpu.launch + setup).value * gpu.maximumClock.value
    let demand = PowerDemand(
      launch: .zero, launchCycles: launchCycles + serialCycles, cycles: arithmetic, loadCycles: streamCycles,
      memory: bytes, dynamicEnergy: vector + l2Energy, memoryEnergy: dram, overlapExponent: gpu.overlapExponent)
    let turns = KernelTurns(read: dramRead, written: dramWritten, cache: cache)
    return Kernel(
      demand: demand, turns: turns, movement: { Movement($0.traffic, inputs: footprint.inputs) }
    ) { point in
      let clock = point.clock.value
      let elapsed = point.elapsed
      let (launch, serial) = (Seconds(launchCycles / clock), Seconds(serialCycles / clock))
      let (lanes, stream) = (Seconds(arithmetic / clock), Seconds(streamCycles / clock))

      let bound: Bound
      if launch > elapsed * 0.5 {
        bound = .launch
      } else if bytes >= max(lanes, stream, serial) {
        bound = bytes == compression ? .decode : memory >= cache ? .dram : .l2
      } else {
        bound = .vector
      }
      var unit = UnitTime(busy: lanes)
      unit.stalled[.launch] = launch
      unit.stalled[.fill] = serial
      unit.stalled[bytes == compression ? .decode : memory >= cache ? .dram : .l2] = max(
        .zero, elapsed - lanes - launch - serial)
      return Estimate(
        elapsed: elapsed, cycles: Cycles(Int64((elapsed.value * clock).rounded(.up))), clock: point.clock,
        bound: bound, matrix: UnitTime(idle: elapsed), vector: unit,
        memory: UnitTime(
          busy: min(elapsed, Seconds((dramRead + dramWritten) / gpu.dram.streamBandwidth.value)), of: elapsed),
        macs: MACCount(),
        traffic: Traffic(
          dramRead: Bytes(Int64(dramRead)), dramWritten: Bytes(Int64(dramWritten)), l2Read: Bytes(Int64(l2Read)),
          l2Written: footprint.c, l1Filled: Bytes(Int64(l2Read)), l1Read: Bytes(Int64(read))),
        energy: EnergyBreakdown(
          vector: vector * point.energyScale, l2: l2Energy * point.energyScale, dram: dram,
          idle: gpu.power.idle * elapsed),
        isPowerCapped: point.isCapped, mapping: .vector)
    }
  }

  private func rowKernel(_ kind: OperatorKind) -> (RowKernel, rows: Int, width: Int)? {
    let kernels = gpu.vectorKernels
    switch kind {
    case .normalization(let op) where op.function == .layer: return (kernels.layerNormalization, op.rows, op.width)
    case .normalization(let op) where op.function == .rms: return (kernels.rmsNormalization, op.rows, op.width)
    case .softmax(let op):
      guard let kernel = kernels.softmax.first(where: { op.width <= $0.widestRow ?? .max }) else {
        preconditionFailure("no softmax takes rows of \(op.width)")
      }
      return (kernel, op.rows, op.width)
    default: return nil
    }
  }
}

extension RowKernel {
  /// Threads that share a row.
  fileprivate func groupSize(width: Int) -> Int {
    guard let elementsPerThread else { return threads }
    return min(1024, max(threads, width / elementsPerThread / 32 * 32))
  }
}

extension Operator {
  /// Bytes that a transposition reads from the level-two cache: neighbours on one side are apart on the other, so every
  /// element costs a whole sector of 32 bytes. Copies of 2 M to 200 M elements on an H200 take 1.4 to 1.6 times as long as
  /// that alone.
  ///
  /// Left out: sectors that stay in the first-level cache until a neighbour needs them; kernels that turn tiles in shared
  /// memory, which cost no more than a copy.
  fileprivate var scatteredSectorBytes: Double {
    guard case .elementwise(let operation) = kind, operation.function == .transpose else { return 0 }
    return 32 * Double(operation.elements)
  }
}

extension OperatorKind {
  fileprivate var isPruning: Bool {
    guard case .pruning = self else { return false }
    return true
  }
}
