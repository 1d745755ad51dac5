import Quantities

extension Estimate {
  /// Which of a machine's units the first unit of a pipeline stands for.
  enum Worker { case matrix, vector }

  /// The same with the time of an outcome. The unit that works keeps what it lost of its own time; to it comes what it
  /// waited for.
  /// - Parameters:
  ///   - own: causes by which that unit itself is slower, which the pipeline counts as work or which come before it.
  ///   - interference: what the rest of the pipeline's work is lost to, more or less than in closed form; nil where there is
  ///     none.
  ///   - launch: time before the pipeline begins, which is among the unit's own.
  ///   - turns: how often the pipeline runs.
  func timed(
    by outcome: PipelineOutcome, _ worker: Worker, own: [Bound], interference: Bound? = nil, launch: Seconds = .zero,
    turns: Int = 1
  ) -> Estimate {
    var result = self
    let turns = Double(turns)
    let time = launch + outcome.elapsed.seconds * turns
    result.elapsed = time
    result.cycles = Cycles(Int64((time.value * clock.value * (1 - 1e-12)).rounded(.up)))
    let before = worker == .matrix ? matrix : vector
    var split = UnitTime(busy: before.busy)
    for cause in own { split.stalled[cause] = before.stalled[cause] }
    if let interference {
      let work = launch + outcome.units[0].busy.seconds * turns
      split.stalled[interference] = max(.zero, split.stalled[interference] + work - split.total)
    }
    for cause in Bound.allCases { split.stalled[cause] += outcome.units[0].stalled[cause.rawValue].seconds * turns }
    // What is left is idle; rounding must not make it less than nothing.
    split.idle = max(.zero, time - split.total)
    switch worker {
    case .matrix: (result.matrix, result.vector) = (split, UnitTime(busy: min(time, vector.busy), of: time))
    case .vector: (result.matrix, result.vector) = (UnitTime(idle: time), split)
    }
    result.memory = UnitTime(busy: outcome.memoryBusy.seconds * turns)
    result.memory.stalled[.dram] = outcome.memoryWaiting.seconds * turns
    result.memory.idle = max(.zero, time - result.memory.total)
    result.energy.idle = elapsed > .zero ? energy.idle * (time / elapsed) : .zero

    var largest = split.busy
    switch worker {
    case .matrix: result.bound = bound == .power ? .power : .issue
    case .vector: result.bound = [.dram, .l2, .launch].contains(bound) ? .vector : bound
    }
    for cause in Bound.allCases where split.stalled[cause] > largest {
      (result.bound, largest) = (cause, split.stalled[cause])
    }
    return result
  }
}
