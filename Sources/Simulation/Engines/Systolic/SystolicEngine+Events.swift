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

  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)? {
    guard fidelity == .event else { return nil }
    let run = tileByTile(task, probe: TileRecording(limit: limit))
    return (run.probe, run.description)
  }

  private func tileByTile<Probe: PipelineProbe>(
    _ task: Task, probe: Probe
  ) -> (estimate: Estimate, probe: Probe, description: PipelineDescription) {
    guard task.op.kind.isMatrix else {
      let analytic = estimateVector(task)
      var total = Tile()
      (total.work[0], total.work[2]) = (analytic.traffic.dramRead.count, analytic.traffic.dramWritten.count)
      total.work[1] = Ticks(analytic.vector.busy).count
      (total.room[0], total.room[1]) = (total.work[0], total.work[2])
      let capacity = min(array.inputBuffer, array.outputBuffer).count / 2
      let tiles = EqualTiles.count(ofBytes: max(total.work[0], total.work[2]), capacity: capacity)
      let description = Self.stream(array)
      let (outcome, probe) = description.run(
        EqualTiles(total, count: tiles, capacity: capacity), over: array.dram, probe: probe)
      var answer = analytic.timed(by: outcome, .vector, own: [])
      answer.movement = Movement(analytic.traffic, inputs: task.footprint.inputs)
      answer.movement?.add(outcome, description, over: array.dram)
      return (answer, probe, description)
    }
    let best = bestSchedule(task)
    let listed = schedule(
      task, dataflow: best.dataflow, keepsRows: best.keepsRows, tile: best.tile, listsParts: true)
    let description = Self.pipeline(array, best.dataflow)
    let (outcome, probe) = description.run(
      FoldTiles(listed.parts ?? [], on: array), over: array.dram, probe: probe)
    var answer = estimate(task.op, best).timed(by: outcome, .matrix, own: [.imbalance, .fill])
    answer.movement = listed.movement
    answer.movement?.add(outcome, description, over: array.dram)
    return (answer, probe, description)
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
}
