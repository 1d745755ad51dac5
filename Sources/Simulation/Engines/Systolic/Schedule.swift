import Hardware
import Quantities
import Workloads

/// A matrix operator on an array under one dataflow.
struct Schedule {
  var dataflow: SystolicArray.Dataflow
  /// Whether weight-stationary folds take the rows in strips that stay in their buffer.
  var keepsRows = false
  /// The tile that was searched for; nil for what the engine takes by itself.
  var tile: ArrayTile?
  /// Folds of the first product.
  var along = 0
  var across = 0
  /// Cycles of the array, and those among them in which its elements could multiply.
  var cycles = 0
  var slotCycles = 0
  /// Multiply-accumulates of a dense run.
  var dense = 0
  /// Multiply-accumulates on kept values.
  var useful = 0
  var traffic = Traffic()
  /// Filters that must be there before the first fold can start.
  var firstFilters = Bytes.zero
  /// Cycles of pruning on the way into the array.
  var pruningCycles = 0
  /// The values that buffers and memory are asked for.
  var activity = ArrayActivity()

  /// What the array does, one after the other; nil where nobody asks.
  var parts: [FoldTiles.Part]?
  /// What moves, by operand and cause; nil where nobody asks.
  var movement: Movement?

  /// Time of the array, of pruning on load, and of memory at its stream rate.
  var compute = Seconds.zero
  var pruning = Seconds.zero
  var memory = Seconds.zero
  /// Until memory answers, and until the first filters are there.
  var latency = Seconds.zero
  var firstLoad = Seconds.zero
  /// Softmax of attention, between its products.
  var softmax = Seconds.zero

  /// The part in which array, memory and pruner work side by side.
  var body: Seconds { max(compute, max(pruning, memory - firstLoad)) }
  var elapsed: Seconds { latency + firstLoad + body + softmax }
}

/// Which of a product's operands move between the chip and its memory.
struct Placement {
  var readsMoving = true
  var readsFilters = true
  var writesResult = true

  init(readsMoving: Bool = true, readsFilters: Bool = true, writesResult: Bool = true) {
    (self.readsMoving, self.readsFilters, self.writesResult) = (readsMoving, readsFilters, writesResult)
  }

  /// Where the operands of a task's only kind of product are.
  init(_ problem: MatrixProblem, _ task: Task) {
    self.init(
      readsMoving: !task.inputsOnChip, readsFilters: problem.hasWeights || !task.inputsOnChip,
      writesResult: !task.outputOnChip)
  }

  /// The same for a product that is transposed.
  var transposed: Placement {
    Placement(readsMoving: readsFilters, readsFilters: readsMoving, writesResult: writesResult)
  }
}

/// A product as an array takes it, and what its operands are off chip.
struct ArrayOperands {
  /// Whether the pruned operand is the one that stays and so the product is transposed: with pruned gradients.
  var isTransposed: Bool
  var product: ArrayProduct
  var isPruned: Bool
  /// Bits of a value, and of the position of a stored one.
  var bits, positionBits: Int
  /// Whether filters come dense and are pruned on the way.
  var prunesInline: Bool
  /// Values of both operands, and those of the filters that are kept.
  var filterElements, movingElements, keptElements: Int
  /// Bits of both operands, positions among the filters', and the positions' own, of all products together.
  var movingBits, filterBits, metadata: Int
  /// Bytes of one product's.
  var movingBytes, filterBytes: Int
}

extension SystolicEngine {
  func schedule(
    _ task: Task, dataflow: SystolicArray.Dataflow,
    keepsRows: Bool = false, tile: ArrayTile? = nil, listsParts: Bool = false
  ) -> Schedule {
    var schedule = Schedule(dataflow: dataflow, keepsRows: keepsRows, tile: tile)
    if listsParts { (schedule.parts, schedule.movement) = ([], Movement()) }
    if case .attention(let attention) = task.op.kind, task.problems.count == 2 {
      addAttention(attention, task, to: &schedule)
    } else {
      for problem in task.problems { add(problem, task.op, Placement(problem, task), to: &schedule) }
    }
    let bandwidth = array.dram.streamBandwidth
    schedule.compute = Seconds(arrayCycles(schedule) / array.clock.value)
    schedule.pruning =
      ignored.contains(.pruning) ? .zero : Seconds(Double(schedule.pruningCycles) / array.clock.value)
    schedule.memory = schedule.traffic.dram / bandwidth
    schedule.latency = schedule.traffic.dram == .zero ? .zero : array.dram.latency
    schedule.firstLoad = schedule.firstFilters / bandwidth
    return schedule
  }

  /// The cycles of the array: those in which elements could multiply, or without tiling those that the useful products
  /// fill, and those of fills and drains.
  private func arrayCycles(_ schedule: Schedule) -> Double {
    let slots =
      ignored.contains(.tiling)
      ? Double(schedule.useful) / Double(array.rows * array.columns) : Double(schedule.slotCycles)
    return slots + (ignored.contains(.pipeline) ? 0 : Double(schedule.cycles - schedule.slotCycles))
  }

  /// Scores of a head stay on chip where they fit half of the buffers they pass through, and are spilled otherwise.
  /// The backward pass computes the scores again, then the gradients of scores and of all three inputs: two products
  /// like Q·Kᵀ, one like scores·V and two with the scores transposed.
  private func addAttention(
    _ attention: Attention, _ task: Task, to schedule: inout Schedule
  ) {
    let (op, problems) = (task.op, task.problems)
    let isBackward = op.phase == .backwardData
    let bits = Int64(op.dataType.bits)
    let headScores = Bytes(bits: Int64(attention.queryLength * attention.keyLength) * bits)
    let spills = headScores.count > Int64(residentCapacity)
    let scores = Placement(
      readsMoving: !task.inputsOnChip, readsFilters: !task.inputsOnChip, writesResult: spills)
    let output = Placement(
      readsMoving: spills, readsFilters: !task.inputsOnChip, writesResult: !task.outputOnChip)
    // Forward: scores in, probabilities out. Backward: that again, and both with their gradient.
    let all = spills ? Bytes(bits: Int64(problems[0].cElements) * bits) : .zero
    let spilled = (read: all * (isBackward ? 3 : 1), written: all * (isBackward ? 2 : 1))
    schedule.softmax = Seconds(vectorCycles(op.vectorWork) / array.clock.value)
    add(problems[0], op, scores, to: &schedule)
    schedule.parts?.append(.softmax(schedule.softmax, read: spilled.read, written: spilled.written))
    add(problems[1], op, output, to: &schedule)
    if isBackward {
      var transposed = problems[1]
      swap(&transposed.n, &transposed.k)
      transposed.aElements = problems[0].bElements
      transposed.cElements = problems[0].aElements
      add(problems[0], op, scores, to: &schedule)
      add(transposed, op, output, to: &schedule)
      add(transposed, op, output, to: &schedule)
    }
    schedule.movement?.add(.dramRead, .activations, .spill, Double(spilled.read.count))
    schedule.movement?.add(.dramWritten, .activations, .spill, Double(spilled.written.count))
    schedule.traffic.dramRead += spilled.read
    schedule.traffic.dramWritten += spilled.written
    // The mask's pairs are multiplied, but of no use.
    schedule.dense = op.denseMACs
    schedule.useful = schedule.dense
  }

  /// What a product's operands are.
  func operands(of problem: MatrixProblem, _ op: Operator) -> ArrayOperands {
    // The pruned operand is the one that stays.
    let isTransposed = op.sparsity.weights == .dense && op.sparsity.activations != .dense
    var product = ArrayProduct(
      rows: isTransposed ? problem.m : problem.n, columns: isTransposed ? problem.n : problem.m, depth: problem.k)
    if case .structured(let n, let m) = isTransposed ? op.sparsity.activations : op.sparsity.weights {
      (product.kept, product.group) = (n, m)
    }
    let isPruned = product.kept < product.group
    let bits = op.dataType.bits
    let positionBits = isPruned && !ignored.contains(.metadata) ? ceilLog2(product.group) : 0
    let filterElements = isTransposed ? problem.bElements : problem.aElements
    let movingElements = isTransposed ? problem.aElements : problem.bElements
    let prunesInline = isPruned && !isTransposed && prunesOnLoad(op.phase)
    let keptElements =
      isPruned ? (filterElements * product.kept).dividedRoundingUp(by: product.group) : filterElements
    let metadata = prunesInline ? 0 : keptElements * positionBits
    let filterBits = (prunesInline ? filterElements : keptElements) * bits + metadata
    let movingBits = movingElements * bits
    return ArrayOperands(
      isTransposed: isTransposed, product: product, isPruned: isPruned, bits: bits, positionBits: positionBits,
      prunesInline: prunesInline, filterElements: filterElements, movingElements: movingElements,
      keptElements: keptElements, movingBits: movingBits, filterBits: filterBits, metadata: metadata,
      movingBytes: (movingBits / 8).dividedRoundingUp(by: problem.count),
      filterBytes: (filterBits / 8).dividedRoundingUp(by: problem.count))
  }

  /// Sums that the half of the output buffer in use collects.
  func outputCapacity(_ type: DataType) -> Int { Int(array.outputBuffer.count) / 2 / (max(32, type.bits) / 8) }

  private func add(
    _ problem: MatrixProblem, _ op: Operator, _ placement: Placement, to schedule: inout Schedule
  ) {
    let it = operands(of: problem, op)
    let (bits, positionBits, metadata) = (it.bits, it.positionBits, it.metadata)
    let (movingBits, filterBits) = (it.movingBits, it.filterBits)
    let sumBits = max(32, bits)
    let outputCapacity = outputCapacity(op.dataType)
    var product = it.product
    let held = schedule.tile?.held ?? 1
    if held > 1 { (product.kept, product.group) = (held, held) }
    let rowLimit =
      schedule.tile.map { $0.rows < product.rows ? $0.rows : nil }
      ?? (schedule.keepsRows ? Int(array.inputBuffer.count / 2) * 8 / (product.depth * bits) : nil)
    var folds = FoldedProduct(
      product, on: shape, dataflow: schedule.dataflow, outputCapacity: outputCapacity, rowLimit: rowLimit)
    if schedule.tile == nil, !it.isPruned, array.sparseElement == .group, schedule.dataflow == .weightStationary {
      // Dense filters may fill an element's registers too, which saves folds: as many as pay.
      var held = product
      while held.group * 2 <= array.largestGroup {
        (held.kept, held.group) = (held.group * 2, held.group * 2)
        let other = FoldedProduct(
          held, on: shape, dataflow: schedule.dataflow, outputCapacity: outputCapacity, rowLimit: rowLimit)
        if other.cycles < folds.cycles { (folds, product) = (other, held) }
      }
    }

    // Off-chip traffic.
    let passes =
      if let tile = schedule.tile {
        OperandTraffic(tile, it, folds: folds, array: shape)
      } else {
        OperandTraffic(movingBytes: it.movingBytes, filterBytes: it.filterBytes, folds: folds, array: shape)
      }
    let moved = it.isTransposed ? placement.transposed : placement
    let (readsMoving, readsFilters) = (moved.readsMoving, moved.readsFilters)
    if readsMoving { schedule.activity.offChipInputReads += it.movingElements * passes.moving }
    if readsFilters {
      schedule.activity.offChipFilterReads += (it.prunesInline ? it.filterElements : it.keptElements) * passes.filters
    }
    if placement.writesResult { schedule.activity.offChipOutputWrites += problem.cElements }
    schedule.activity.filterValues += it.filterElements
    schedule.activity.storedFilterValues += it.keptElements
    schedule.activity.positionBits = max(schedule.activity.positionBits, positionBits)
    schedule.activity.inputReads += folds.movingReads * problem.count
    schedule.activity.filterReads += folds.filterReads * problem.count
    schedule.activity.outputWrites += folds.outputWrites * problem.count
    if readsMoving { schedule.traffic.dramRead += Bytes(bits: Int64(movingBits)) * Int64(passes.moving) }
    if readsFilters {
      schedule.traffic.dramRead += Bytes(bits: Int64(filterBits)) * Int64(passes.filters)
      if schedule.cycles == 0, schedule.dataflow == .weightStationary {
        let registers = array.rows * array.columns * (array.sparseElement == .group ? product.kept : 1)
        schedule.firstFilters = Bytes(
          bits: Int64(min(registers * (bits + positionBits), filterBits.dividedRoundingUp(by: problem.count))))
      }
    }
    if placement.writesResult {
      schedule.traffic.dramWritten += Bytes(bits: Int64(problem.cElements * op.outputType.bits))
    }
    var pruningCycles = 0
    if it.prunesInline, let pruner = array.pruner {
      pruningCycles =
        passes.filters * pruner.cycles(Pruning(elements: it.filterElements, n: product.kept, m: product.group))
      schedule.pruningCycles += pruningCycles
    }
    schedule.parts?.append(
      .product(
        FoldTiles.Product(
          product, folds, passes, count: problem.count, movingBits: readsMoving ? movingBits : 0,
          filterBits: readsFilters ? filterBits : 0,
          resultBits: placement.writesResult ? problem.cElements * op.outputType.bits : 0,
          pruningCycles: pruningCycles, array: shape)))

    // Buffers (level two) to element registers (level one). A read goes to every element with work that it passes.
    let results = product.rows * product.columns
    let filterValueBits = bits + positionBits
    let filterCopies =
      folds.dataflow == .weightStationary ? folds.filterReads : folds.filterReads / folds.along * product.rows
    let buffered = Traffic(
      l2Read: Bytes(
        bits: Int64(folds.movingReads * bits + folds.filterReads * filterValueBits + folds.outputReads * sumBits)),
      l2Written: Bytes(
        bits: Int64((folds.outputWrites - results) * sumBits + results * op.outputType.bits)),
      l1Filled: Bytes(
        bits: Int64(folds.movingReads / folds.across * product.columns * bits + filterCopies * filterValueBits)),
      l1Read: Bytes(bits: Int64(folds.slotCycles * array.rows * array.columns) * Int64(2 * bits)),
      metadata: Bytes(bits: Int64(folds.filterReads * positionBits)))
    schedule.traffic.add(buffered, times: problem.count)
    if schedule.movement != nil {
      let weights: Movement.Operand = problem.hasWeights ? .weights : .activations
      schedule.movement?.add(
        OperandFlows(
          moving: it.isTransposed ? weights : .activations, filters: it.isTransposed ? .activations : weights,
          movingBits: movingBits, filterBits: filterBits, metadataBits: metadata, passes: passes,
          readsMoving: readsMoving, readsFilters: readsFilters,
          written: placement.writesResult ? problem.cElements * op.outputType.bits : 0,
          movingRead: folds.movingReads * problem.count * bits,
          movingFilled: folds.movingReads / folds.across * product.columns * problem.count * bits,
          filtersRead: folds.filterReads * problem.count * filterValueBits,
          filtersFilled: filterCopies * problem.count * filterValueBits,
          positions: Double(positionBits) / Double(filterValueBits),
          sumsRead: folds.outputReads * problem.count * sumBits,
          sumsWritten: (folds.outputWrites - results) * problem.count * sumBits,
          results: results * problem.count * op.outputType.bits))
    }

    if schedule.cycles == 0 { (schedule.along, schedule.across) = (folds.along, folds.across) }
    schedule.cycles += folds.cycles * problem.count
    schedule.slotCycles += folds.slotCycles * problem.count
    schedule.useful += folds.useful * problem.count
    schedule.dense += problem.denseMACs
  }

  /// Whether weights come dense and are pruned on their way into the array; trained networks are stored pruned.
  private func prunesOnLoad(_ phase: Phase) -> Bool {
    guard let pruner = array.pruner, !pruner.pregenerates else { return false }
    return phase == .forward || phase == .backwardData
  }

  /// Puts together the answer for a matrix operator.
  func estimate(_ op: Operator, _ schedule: Schedule) -> Estimate {
    let elapsed = schedule.elapsed
    let elements = array.rows * array.columns
    let executed = schedule.slotCycles * elements
    let busy = Seconds(Double(schedule.slotCycles) / array.clock.value) * (Double(schedule.useful) / Double(executed))
    let slots = min(schedule.compute, Seconds(Double(schedule.slotCycles) / array.clock.value))
    let wait = schedule.body - schedule.compute
    let isPruningBound = schedule.pruning >= schedule.body && wait > .zero

    // Busy is the time the useful products would take on all elements at once.
    var stalled = TimeByBound()
    stalled[.imbalance] = slots - busy
    stalled[.fill] = schedule.compute - slots
    stalled[.dram] = schedule.latency + schedule.firstLoad
    stalled[isPruningBound ? .decode : .dram] += wait
    stalled[.vector] = schedule.softmax

    var bound = Bound.issue
    var largest = busy
    for cause in [Bound.imbalance, .fill, .decode, .dram, .vector] where stalled[cause] > largest {
      (bound, largest) = (cause, stalled[cause])
    }
    if wait > .zero, bound != .vector { bound = isPruningBound ? .decode : .dram }

    let work = op.vectorWork
    let rate = array.dataTypes.resolve(op.dataType)?.rate.energy ?? .zero
    let buffers = schedule.traffic.l2Read + schedule.traffic.l2Written
    var activity = schedule.activity
    activity.elements = elements
    activity.cycles = Int((schedule.compute.value * array.clock.value).rounded())
    activity.stallCycles = Int(wholeCycles(wait).count)
    activity.prefetchCycles = Int(wholeCycles(schedule.latency + schedule.firstLoad).count)
    return Estimate(
      elapsed: elapsed, cycles: wholeCycles(elapsed), clock: array.clock, bound: bound,
      matrix: UnitTime(busy: busy, stalled: stalled), vector: UnitTime(busy: schedule.softmax, of: elapsed),
      memory: UnitTime(busy: schedule.memory, of: elapsed),
      macs: MACCount(dense: schedule.dense, useful: schedule.useful, padded: executed - schedule.useful),
      traffic: schedule.traffic,
      energy: EnergyBreakdown(
        mac: Double(executed) * rate, vector: Double(work.operations + work.transcendentals) * array.vector.energy,
        l2: buffers * array.bufferEnergy,
        dram: array.dram.energy(
          read: Double(schedule.traffic.dramRead.count), written: Double(schedule.traffic.dramWritten.count)),
        idle: array.idle * elapsed),
      isPowerCapped: false,
      mapping: schedule.tile.map {
        Mapping.tiles(schedule.dataflow, along: schedule.along, across: schedule.across, $0)
      } ?? .folds(schedule.dataflow, along: schedule.along, across: schedule.across), array: activity)
  }
}
