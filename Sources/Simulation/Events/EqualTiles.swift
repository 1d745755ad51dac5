/// The tiles of an operator that streams: equal parts of what each of its stages has to do.
struct EqualTiles: TileSource {
  private let count: Int
  private let each: Tile
  private let last: Tile
  private var index = 0

  /// - Parameters:
  ///   - total: work of each stage, and the room it would take, for the whole operator.
  ///   - capacity: the most room that a tile takes of a buffer.
  init(_ total: Tile, count: Int, capacity: Int64) {
    precondition(count > 0, "an operator has a tile")
    self.count = count
    let parts = Int64(count)
    var (each, last) = (Tile(), Tile())
    for stage in 0..<8 {
      each.work[stage] = total.work[stage] / parts
      last.work[stage] = total.work[stage] - each.work[stage] * (parts - 1)
      let room = min((total.room[stage] + parts - 1) / parts, capacity)
      (each.room[stage], last.room[stage]) = (room, room)
    }
    (self.each, self.last) = (each, last)
  }

  /// 128 tiles, unless they would be shorter than 1 KiB or longer than there is room for.
  static func count(ofBytes most: Int64, capacity: Int64) -> Int {
    Int(max(1, min(128, most >> 10), (most + capacity - 1) / max(1, capacity)))
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard index < count else { return false }
    tile = index == count - 1 ? last : each
    index += 1
    return true
  }

  var regularity: Regularity { Regularity(period: 1, since: 1, until: max(0, count - 1)) }
  mutating func skip(_ count: Int) { index += count }
}
