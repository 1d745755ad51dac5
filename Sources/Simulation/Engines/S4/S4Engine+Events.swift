import Hardware
import Quantities
import Workloads

/// One turn of an operator on one chip, tile by tile.
///
///     off-chip memory → (links between cores) → shared buffers → units' buffers → units → shared buffers → off-chip memory
///
/// Weights and activations stream: a stage works on a tile from its first data on and ends no earlier than what it is fed by.
/// Half of the shared buffers receives weights, a quarter each activations and results that leave; half of a unit's
/// buffer holds sums, half operands, of which one half is filled while the other is read. Special functions work beside
/// the units (``RoundTiles``); vector operators behind products, as in the closed forms. Launch, mapping, bytes and the
/// clock, which power may lower, are those of the closed forms; without limits beside the units both fidelities agree.
///
/// Left out: activations that do not fit the shared buffers for another pass; conflicts between a unit's banks, which its
/// order of work avoids (``UnitSchedule``); between operators, all but the weights that are loaded ahead.
extension S4Engine {
  /// - Parameter filling: what units wait for that are not filled in time: the shared buffer's port or their own.
  static func pipeline(_ chip: S4Processor, fillIs filling: Bound) -> PipelineDescription {
    let r = RoundTiles.self
    let shared = chip.l2Capacity.count * Int64(chip.cores)
    return PipelineDescription(
      stages: [
        .init(name: "load weights", place: .read, bound: .dram, buffer: 0),
        .init(name: "load activations", place: .read, bound: .dram, buffer: 1),
        .init(
          name: "cast", place: .unit(2), bound: .network, afterFirst: StageSet(r.weights, r.activations)),
        .init(
          name: "fill", place: .unit(1), bound: filling,
          afterFirst: StageSet(r.weights, r.activations, r.network), buffer: 2),
        .init(
          name: "multiply", place: .unit(0), bound: .issue,
          afterFirst: StageSet(r.weights, r.activations, r.network, r.filling), afterPrevious: StageSet(r.softmax),
          buffer: 3, releasesOnEnd: StageSet(r.weights, r.activations, r.filling)),
        .init(name: "softmax", place: .unit(3), bound: .vector, afterPrevious: StageSet(r.multiplying)),
        .init(
          name: "store results", place: .write, bound: .dram, afterEnd: StageSet(r.multiplying),
          releasesOnEnd: StageSet(r.multiplying)),
      ],
      units: ["units", "shared buffer", "network", "special functions"],
      buffers: [
        .init(name: "shared buffers, weights", capacity: shared / 2),
        .init(name: "shared buffers, activations", capacity: shared / 4),
        .init(name: "unit's buffer, operands", capacity: chip.l1Capacity.count / 2),
        .init(name: "shared buffers, results", capacity: shared / 4),
      ])
  }

  /// A vector operator: operands pass the shared buffer on their way to the vector unit.
  private static func stream(_ chip: S4Processor) -> PipelineDescription {
    let shared = chip.l2Capacity.count * Int64(chip.cores)
    return PipelineDescription(
      stages: [
        .init(name: "load", place: .read, bound: .dram, buffer: 0),
        .init(name: "read and write", place: .unit(1), bound: .l2, afterFirst: StageSet(0)),
        .init(
          name: "compute", place: .unit(0), bound: .vector, afterFirst: StageSet(0, 1), buffer: 1,
          releasesOnEnd: StageSet(0)),
        .init(name: "store", place: .write, bound: .dram, afterEnd: StageSet(2), releasesOnEnd: StageSet(2)),
      ],
      units: ["vector unit", "shared buffer"],
      buffers: [
        .init(name: "shared buffers, operands", capacity: shared / 4),
        .init(name: "shared buffers, results", capacity: shared / 4),
      ])
  }

  /// The answer for an operator, tile by tile.
  /// - Parameter analytic: the answer in closed form.
  func tileByTile<Probe: PipelineProbe>(
    _ task: Task, _ analytic: Estimate, probe: Probe
  ) -> (estimate: Estimate, probe: Probe, description: PipelineDescription) {
    let op = task.op
    let launch = launch(task)
    let eachChip = Double(task.turns * chip.chips)
    guard op.kind.isMatrix, let rate = chip.dataTypes.rates[op.dataType] else {
      let ticks = 1e15 / analytic.clock.value
      var total = Tile()
      total.work[0] = Int64((Double(analytic.traffic.dramRead.count) / eachChip).rounded())
      let moved = Double((analytic.traffic.l2Read + analytic.traffic.l2Written).count)
      total.work[1] = Int64((moved / eachChip / Double(chip.cores) / chip.l2Port.value * ticks).rounded())
      // Moving is work, too.
      total.work[2] = max(1 << 10, Int64((analytic.vector.busy.value * 1e15 / Double(task.turns)).rounded(.up)))
      total.work[3] = Int64((Double(analytic.traffic.dramWritten.count) / eachChip).rounded())
      (total.room[0], total.room[2]) = (total.work[0], total.work[3])
      let capacity = chip.l2Capacity.count * Int64(chip.cores) / 8
      let description = Self.stream(chip)
      let count = EqualTiles.count(ofBytes: max(total.work[0], total.work[3]), capacity: capacity)
      let (outcome, probe) = description.run(
        EqualTiles(total, count: count, capacity: capacity), over: chip.dram, probe: probe)
      var answer = analytic.timed(by: outcome, .vector, own: [.launch], launch: launch, turns: task.turns)
      answer.movement = Movement(analytic.traffic, inputs: task.footprint.inputs)
      answer.movement?.add(outcome, description, over: chip.dram, runs: task.turns * chip.chips)
      return (answer, probe, description)
    }

    let best = schedule(task, rate: rate)
    let problems = task.problems.map { $0.turn(of: task.turns, op.kind) }
    let footprint = task.footprint
    let activations = Double(
      (task.inputsOnChip ? footprint.cached : footprint.aIsWeights ? footprint.b : footprint.inputs).count)
    let results = task.outputOnChip ? 0 : Double(footprint.c.count)
    let isAttention = if case .attention = op.kind { true } else { false }
    // Keys, values and queries by what each product multiplies; of several products, activations by columns.
    let read = problems.enumerated().map { index, p in
      Double(p.hasWeights ? p.bElements : p.aElements + (isAttention && index == 1 ? 0 : p.bElements))
    }
    let allRead = read.reduce(0, +)
    let allResults = problems.reduce(0) { $0 + Double($1.cElements) }
    var movement = Movement()
    let products = problems.enumerated().map { index, problem in
      let pattern = problem.hasWeights ? op.sparsity.weights : .dense
      var alone = UnitSchedule()
      (alone.split, alone.unitsAlongOutputs, alone.rate) = (best.split, best.unitsAlongOutputs, best.rate)
      alone.add(
        problem, pattern: pattern, steps: chip.stepsPerRound(pattern, of: problem), rate: rate,
        elementBytes: Double(op.dataType.bits) / 8, outputBytes: Double(op.outputType.bits) / 8, on: chip)
      // Scores stay on chip.
      let ofResults = isAttention ? Double(index) : Double(problem.cElements) / allResults
      movement.add(
        alone.repeated(task.turns), of: problem, turns: task.turns, activations: activations * read[index] / allRead,
        results: results * ofResults, on: chip)
      return RoundTiles.Product(
        alone, isBatch: problem.count > 1,
        activationBytes: activations / Double(task.turns) * read[index] / allRead,
        resultBytes: results / Double(task.turns) * ofResults, resultElements: Double(problem.cElements), on: chip,
        clock: analytic.clock.value)
    }
    let softmax = arithmeticCycles(op.vectorWork) * 1e15 / analytic.clock.value / Double(task.turns)
    let shared = chip.l2Capacity.count * Int64(chip.cores)
    let description = Self.pipeline(
      chip, fillIs: products.contains { $0.filling > 0 } && best.fill > best.l2 ? .localMemory : .l2)
    let (outcome, probe) = description.run(
      RoundTiles(
        products, softmax: softmax,
        capacities: (shared / 4, shared / 8, chip.l1Capacity.count / 4, shared / 8)), over: chip.dram, probe: probe)
    func addLinks(_ name: String, _ count: Int, _ bytes: (RoundTiles.Product) -> Double) {
      let busiest = products.reduce(0) { $0 + bytes($1) } * Double(task.turns)
      movement.add(Movement.Links(name: name, count: count, busiest: Bytes(Int64(busiest.rounded()))))
    }
    addLinks("\(chip.topology.rawValue) between cores", chip.topology.links(between: chip.cores), \.networkBytes)
    addLinks("fill ports of units", chip.cores * chip.unitsPerCore, \.filledBytes)
    movement.add(outcome, description, over: chip.dram, runs: task.turns * chip.chips)
    // Of waiting for their buffers, units' own is reading them; filling them is the pipeline's.
    var own = analytic
    let working = Seconds(products.reduce(0) { $0 + $1.multiplying } * 1e-15) * Double(task.turns)
    own.matrix.stalled[.localMemory] = max(.zero, working - own.matrix.busy - own.matrix.stalled[.imbalance])
    var answer = own.timed(
      by: outcome, .matrix, own: [.launch, .localMemory, .imbalance], launch: launch, turns: task.turns)
    answer.movement = movement
    return (answer, probe, description)
  }

  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)? {
    guard fidelity == .event else { return nil }
    let delay = launch(task) / Double(task.turns)
    let run = tileByTile(task, estimate, probe: TileRecording(limit: limit, from: delay))
    return (run.probe, run.description)
  }

  /// Before each turn units are launched.
  private func launch(_ task: Task) -> Seconds { chip.launch / chip.clock * Double(task.turns) }
}

extension Movement {
  /// Adds one product of an operator, all its turns together.
  ///
  /// Weights that are read once a turn, or once for each core or chip, are so again; what activations the shared buffers hand out
  /// after the first pass, and weights after the first columns, they hand out again.
  fileprivate mutating func add(
    _ s: UnitSchedule, of problem: MatrixProblem, turns: Int, activations: Double, results: Double, on chip: S4Processor
  ) {
    let loops = s.loops
    let indexed = s.weightBytes > 0 ? s.indexBytes / s.weightBytes : 0
    // Cores that take what comes once.
    let cast = s.split == .broadcast ? Double(chip.cores) : 1
    let once = s.weightBytes / Double(turns)
    add(.dramRead, .weights, once: once * (1 - indexed), of: s.weightReads * (1 - indexed), multicast: cast)
    add(.dramRead, .metadata, once: once * indexed, of: s.weightReads * indexed, multicast: cast)
    add(
      .dramRead, .activations, .compulsory, activations, multicast: s.split == .outputs ? Double(chip.cores) : 1)
    let fromShared = s.l2ReadBytes * loops.activationShare
    let a = s.l2ReadBytes - fromShared
    add(
      .l2Read, .activations, once: fromShared / Double(loops.activationPasses), of: fromShared,
      multicast: Double(loops.activationCopies))
    let values: Operand = problem.hasWeights ? .weights : .activations
    let copies = Double(loops.weightCopies)
    add(.l2Read, values, once: a * (1 - indexed) / loops.weightPasses, of: a * (1 - indexed), multicast: copies)
    add(.l2Read, .metadata, once: a * indexed / loops.weightPasses, of: a * indexed, multicast: copies)
    add(.l2Written, .outputs, .compulsory, s.l2WrittenBytes)
    add(.dramWritten, .outputs, .compulsory, results)
  }
}
