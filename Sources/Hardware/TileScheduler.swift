public import Quantities

/// How a library hands tiles to the thread blocks of its kernels for sparse weights, where it costs time.
///
/// Tiles left over by full turns share their reductions between thread blocks, two to a tile, where they fill no more than
/// a part of the SMs and the reduction is long; thread blocks take tiles off a counter, which is cleared before kernels of
/// many turns, and another before those that share reductions.
public struct TileScheduler: Hashable, Sendable {
  /// The part of the SMs up to which what is left over is shared.
  public var sharedRest: Double
  /// The shortest row of dense weights, in bytes, whose reduction is shared.
  public var sharedRow: Bytes
  /// The same where a product takes less than a turn.
  public var sharedRowOfOneTurn: Bytes
  /// The most turns of kernels that need no counter.
  public var uncountedTurns: Int
  /// What clearing a counter takes, beside a launch.
  public var clearing: Seconds

  /// A scheduler.
  public init(
    sharedRest: Double, sharedRow: Bytes, sharedRowOfOneTurn: Bytes, uncountedTurns: Int, clearing: Seconds
  ) {
    self.sharedRest = sharedRest
    self.sharedRow = sharedRow
    self.sharedRowOfOneTurn = sharedRowOfOneTurn
    self.uncountedTurns = uncountedTurns
    self.clearing = clearing
  }
}

extension TileScheduler {
  /// Reads a section that may be absent.
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.optionalSection("tile_scheduler") else { return nil }
    let rest = fields.number("shared_rest", in: 0...1)
    let row = fields.quantity("shared_row", as: Bytes.self)
    let rowOfOneTurn = fields.quantity("shared_row_of_one_turn", as: Bytes.self)
    let turns = fields.count("uncounted_turns")
    let clearing = fields.quantity("clearing", as: Seconds.self)
    fields.finish()
    guard let rest, let row, let rowOfOneTurn, let turns, let clearing else { return nil }
    self.init(
      sharedRest: rest, sharedRow: row, sharedRowOfOneTurn: rowOfOneTurn, uncountedTurns: turns, clearing: clearing)
  }

  /// Whether blocks share the tiles left over.
  /// - Parameters:
  ///   - turns: blocks over those that run at a time.
  ///   - row: bytes of a row of dense weights.
  public func sharesRest(of turns: Double, row: Double) -> Bool {
    let rest = turns - turns.rounded(.down)
    return rest > 0 && rest <= sharedRest && row >= Double((turns > 1 ? sharedRow : sharedRowOfOneTurn).count)
  }

  /// How many counters are cleared first.
  public func clearings(of turns: Double, sharesRest: Bool) -> Int {
    (turns > Double(uncountedTurns) ? 1 : 0) + (sharesRest ? 1 : 0)
  }
}
