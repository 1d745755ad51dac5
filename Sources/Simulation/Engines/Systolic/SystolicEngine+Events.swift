import Hardware
import Quantities
import Workloads

extension SystolicEngine {
  /// What an array does with every tile: filters and moving rows come from off-chip memory into the free halves of their
  /// buffers, weights are pruned on their way where that is asked for, the array computes, and results collect in one
  /// half of the output buffer while the other goes to memory. Filters must be there before a weight-stationary fold
  /// starts; moving rows, and both operands of output-stationary folds, stream.
  static func pipeline(_ array: SystolicArray, _ dataflow: SystolicArray.Dataflow) -> PipelineDescription {
    typealias Stage = PipelineDescription.Stage
    let isStationary = dataflow == .weightStationary
    return PipelineDescription(
      stages: [
        Stage(name: "load filters", place: .read, bound: .dram, buffer: 0),
        Stage(name: "prune", place: .unit(2), bound: .decode, afterFirst: StageSet(FoldTiles.filters)),
        Stage(name: "load rows", place: .read, bound: .dram, buffer: 1),
        Stage(
          name: "softmax", place: .unit(1), bound: .vector, afterFirst: StageSet(FoldTiles.moving),
          afterPrevious: StageSet(FoldTiles.array)),
        Stage(
          name: "multiply", place: .unit(0), bound: .issue,
          afterEnd: isStationary
            ? StageSet(FoldTiles.filters, FoldTiles.pruning, FoldTiles.vector)
            : StageSet(FoldTiles.pruning, FoldTiles.vector),
          afterFirst: isStationary
            ? StageSet(FoldTiles.moving) : StageSet(FoldTiles.filters, FoldTiles.moving),
          buffer: 2, releasesOnBegin: StageSet(FoldTiles.filters, FoldTiles.moving)),
        Stage(
          name: "store results", place: .write, bound: .dram, afterEnd: StageSet(FoldTiles.array),
          releasesOnEnd: StageSet(FoldTiles.array)),
      ],
      units: ["array", "vector unit", "pruner"],
      buffers: [
        .init(name: "weight buffer's free half", capacity: array.weightBuffer.count / 2),
        .init(name: "input buffer's free half", capacity: array.inputBuffer.count / 2),
        .init(name: "output buffer", capacity: array.outputBuffer.count),
      ])
  }

  /// The answer for an operator, tile by tile: with the mapping and the bytes of the closed forms, and the time of a
  /// ``TilePipeline`` over the machine's memory.
  ///
  /// Left out: what runs beside an operator of another one; a tile is computed from the buffers without conflicts.
  func eventEstimate(_ task: Task) -> Estimate { tileByTile(task, probe: NoProbe()).estimate }

  func recording(of task: Task, limit: Int) -> (TileRecording, PipelineDescription)? {
    guard fidelity == .event else { return nil }
    let run = tileByTile(task, probe: TileRecording(limit: limit))
    return (run.probe, run.description)
  }

  private func tileByTile<Probe: PipelineProbe>(
    _ task: Task, probe: Probe
  ) -> (estimate: Estimate, probe: Probe, description: PipelineDescription) {
    let op = task.asOperator
    guard op.kind.isMatrix else {
      let analytic = estimateVector(op, task)
      let source = StreamTiles(
        read: analytic.traffic.dramRead.count, work: Ticks(analytic.vector.busy).count,
        written: analytic.traffic.dramWritten.count,
        capacity: min(array.inputBuffer, array.outputBuffer).count / 2)
      let description = Self.stream(array)
      let (outcome, probe) = run(description, source, probe)
      return (analytic.timed(by: outcome, unit: nil), probe, description)
    }
    let problems = op.matrixProblems
    let best = bestSchedule(op, problems, task)
    let listed = schedule(
      op, problems, task, dataflow: best.dataflow, keepsRows: best.keepsRows, listsParts: true)
    let description = Self.pipeline(array, best.dataflow)
    let (outcome, probe) = run(description, FoldTiles(listed.parts ?? [], on: array), probe)
    return (estimate(op, best).timed(by: outcome, unit: 0), probe, description)
  }

  /// A vector operator streams its operands through the input buffer and its results through the output buffer.
  private static func stream(_ array: SystolicArray) -> PipelineDescription {
    PipelineDescription(
      stages: [
        .init(name: "load", place: .read, bound: .dram, buffer: 0),
        .init(
          name: "compute", place: .unit(0), bound: .vector, afterFirst: StageSet(0), buffer: 1,
          releasesOnBegin: StageSet(0)),
        .init(
          name: "store", place: .write, bound: .dram, afterEnd: StageSet(1), releasesOnEnd: StageSet(1)),
      ],
      units: ["vector unit"],
      buffers: [
        .init(name: "input buffer's free half", capacity: array.inputBuffer.count / 2),
        .init(name: "output buffer", capacity: array.outputBuffer.count),
      ])
  }

  /// Over banks where the memory's technology has a table, over a plain interface otherwise.
  private func run<Source: TileSource, Probe: PipelineProbe>(
    _ description: PipelineDescription, _ source: Source, _ probe: Probe
  ) -> (PipelineOutcome, Probe) {
    guard let technology = DRAMTechnology.named(array.dram.technology) else {
      let memory = FlatMemory(bandwidth: array.dram.streamBandwidth, latency: array.dram.latency)
      return run(TilePipeline(description, memory: memory, source: source, probe: probe))
    }
    let memory = BankedMemory(
      technology, peak: array.dram.peakBandwidth, latency: array.dram.latency, streams: description.stages.count)
    return run(TilePipeline(description, memory: memory, source: source, probe: probe))
  }

  private func run<Memory: TileMemory, Source: TileSource, Probe: PipelineProbe>(
    _ pipeline: TilePipeline<Memory, Source, Probe>
  ) -> (PipelineOutcome, Probe) {
    var pipeline = pipeline
    do {
      return (try pipeline.run(), pipeline.probe)
    } catch {
      // Tiles are cut so that each has room.
      preconditionFailure("\(error)")
    }
  }
}

/// The tiles of an operator that streams: equal parts of what it reads, does and writes, 128 of them unless they would
/// be shorter than 1 KiB or longer than there is room for.
struct StreamTiles: TileSource {
  private let count: Int
  private let each: Tile
  private let last: Tile
  private var index = 0

  /// - Parameter capacity: bytes that a tile may read or write.
  init(read: Int64, work: Int64, written: Int64, capacity: Int64) {
    let most = max(read, written)
    count = Int(max(1, min(128, most >> 10), (most + capacity - 1) / max(1, capacity)))
    func tile(_ part: (Int64) -> Int64) -> Tile {
      var tile = Tile()
      (tile.work[0], tile.work[1], tile.work[2]) = (part(read), part(work), part(written))
      (tile.room[0], tile.room[1]) = (min(tile.work[0], capacity), min(tile.work[2], capacity))
      return tile
    }
    let parts = Int64(count)
    each = tile { $0 / parts }
    last = tile { $0 - $0 / parts * (parts - 1) }
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard index < count else { return false }
    index += 1
    tile = index == count ? last : each
    return true
  }

  var regularity: Regularity { Regularity(period: 1, since: 1, until: max(0, count - 1)) }
  mutating func skip(_ count: Int) { index += count }
}

extension Estimate {
  /// The same with the time of an outcome. The unit that works keeps what of its own time it lost; to it comes what it
  /// waited for.
  /// - Parameter unit: the array among the pipeline's units; nil for a vector operator, whose only unit is the vector
  ///   unit.
  func timed(by outcome: PipelineOutcome, unit: Int?) -> Estimate {
    var result = self
    let time = outcome.elapsed.seconds
    result.elapsed = time
    result.cycles = Cycles(Int64((time.value * clock.value * (1 - 1e-12)).rounded(.up)))
    let worker = outcome.units[0]
    var split = unit == nil ? UnitTime(busy: vector.busy) : UnitTime(busy: matrix.busy)
    if unit != nil {
      for cause in [Bound.imbalance, .fill] { split.stalled[cause] = matrix.stalled[cause] }
    }
    for cause in Bound.allCases { split.stalled[cause] += worker.stalled[cause.rawValue].seconds }
    // What is left is idle; rounding must not make it less than nothing.
    split.idle = max(.zero, time - split.total)
    if unit == nil {
      (result.matrix, result.vector) = (UnitTime(idle: time), split)
    } else {
      (result.matrix, result.vector) = (split, UnitTime(busy: vector.busy, of: time))
    }
    result.memory = UnitTime(busy: outcome.memoryBusy.seconds)
    result.memory.stalled[.dram] = outcome.memoryWaiting.seconds
    result.memory.idle = max(.zero, time - result.memory.total)
    result.energy.idle = elapsed > .zero ? energy.idle * (time / elapsed) : .zero

    var largest = split.busy
    result.bound = unit == nil ? bound == .dram ? .vector : bound : .issue
    for cause in [Bound.imbalance, .fill, .decode, .dram, .vector] where split.stalled[cause] > largest {
      (result.bound, largest) = (cause, split.stalled[cause])
    }
    return result
  }
}
