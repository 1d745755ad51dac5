/// Finds stretches of a pipeline's run that happen again and again, and passes over them.
///
/// Where tiles repeat with a period, the state at two moments a whole number of periods apart may be the same but for the
/// time that has passed: then everything between them happens again for as long as the tiles repeat. Both states are
/// compared in full, in whole numbers, so the result is that of going through every tile. The state to compare with is
/// replaced after 1, 2, 4, … comparisons (Brent's method), which finds a repetition of any length.
struct RepetitionFinder {
  /// Time and tiles that were passed over.
  private(set) var time = Ticks.zero
  private(set) var tiles = 0

  private struct Moment {
    var made: Int
    var time: Ticks
    var outcome: PipelineOutcome
  }

  /// The moment to compare with, and its state.
  private var saved: Moment?
  private var state: [Int64] = []
  /// Storage for the next state.
  private var spare: [Int64] = []
  private var comparisons = 0
  private var limit = 1
  /// Tiles made when it was last looked at.
  private var checked = -1
  private var isOff = false

  /// Whether the state should be looked at: the first moment at which so many tiles are made, where it can repeat.
  mutating func isDue(made: Int, _ regularity: Regularity) -> Bool {
    guard made != checked, !isOff else { return false }
    checked = made
    guard regularity.until - made - tiles >= 2 * regularity.period else {
      saved = nil
      return false
    }
    return saved.map { (made - $0.made).isMultiple(of: regularity.period) } ?? true
  }

  /// An empty array for a state.
  mutating func emptyState() -> [Int64] {
    var empty: [Int64] = []
    swap(&empty, &spare)
    empty.removeAll(keepingCapacity: true)
    return empty
  }

  /// There never is a repetition.
  mutating func giveUp() { isOff = true }

  /// Compares the state of a moment with an earlier one; where they are equal, adds what happens again to `outcome`.
  /// - Returns: tiles to pass over.
  mutating func passOver(
    _ current: [Int64], made: Int, now: Ticks, _ regularity: Regularity, _ outcome: inout PipelineOutcome
  ) -> Int {
    let position = made + tiles
    if let before = saved, state == current {
      let period = made - before.made
      if position - period + regularity.period >= regularity.since {
        saved = nil
        let times = (regularity.until - position) / period
        guard times > 0 else { return 0 }
        outcome.addDifference(from: before.outcome, times: times)
        time += (now - before.time) * times
        tiles += period * times
        return period * times
      }
    }
    comparisons += 1
    guard saved == nil || comparisons >= limit else {
      spare = current
      return 0
    }
    limit = saved == nil ? 1 : limit * 2
    comparisons = 0
    spare = state
    state = current
    saved = Moment(made: made, time: now, outcome: outcome)
    return 0
  }
}

extension PipelineOutcome {
  /// Adds what has changed since an earlier moment, `times` times.
  fileprivate mutating func addDifference(from before: PipelineOutcome, times: Int) {
    for unit in units.indices {
      units[unit].busy += (units[unit].busy - before.units[unit].busy) * times
      units[unit].idle += (units[unit].idle - before.units[unit].idle) * times
      for cause in units[unit].stalled.indices {
        units[unit].stalled[cause] += (units[unit].stalled[cause] - before.units[unit].stalled[cause]) * times
      }
    }
    memoryBusy += (memoryBusy - before.memoryBusy) * times
    memoryWaiting += (memoryWaiting - before.memoryWaiting) * times
    bytesRead += (bytesRead - before.bytesRead) * Int64(times)
    bytesWritten += (bytesWritten - before.bytesWritten) * Int64(times)
  }
}
