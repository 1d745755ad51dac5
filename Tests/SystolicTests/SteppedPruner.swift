/// The on-line pruner cycle by cycle: each lane takes one value of its group a cycle and compares it with the values it
/// holds, the smallest of which gives way to a larger one. While the next groups come in, the values held from the last
/// ones leave, one a lane and cycle, in the order of their positions.
struct SteppedPruner {
  var lanes: Int
  var n: Int
  var m: Int

  /// A kept value and its position within its group.
  struct Kept: Hashable {
    var value: Int
    var position: Int
  }

  /// What is kept of each group, and the cycles until the last of it has left.
  func run(_ values: [Int]) -> (kept: [[Kept]], cycles: Int) {
    let groups = stride(from: 0, to: values.count, by: m).map { Array(values[$0..<min($0 + m, values.count)]) }
    var result = [[Kept]](repeating: [], count: groups.count)
    var leaving: [(group: Int, kept: [Kept])] = []
    var cycle = 0
    /// One value of every lane that still has some leaves.
    func drain() {
      for index in leaving.indices where !leaving[index].kept.isEmpty {
        result[leaving[index].group].append(leaving[index].kept.removeFirst())
      }
    }
    for first in stride(from: 0, to: groups.count, by: lanes) {
      let turn = first..<min(first + lanes, groups.count)
      var held = [[Kept]](repeating: [], count: turn.count)
      for position in 0..<m {
        for (lane, group) in turn.enumerated() where position < groups[group].count {
          held[lane].take(Kept(value: groups[group][position], position: position), limit: n)
        }
        drain()
        cycle += 1
      }
      precondition(leaving.allSatisfy(\.kept.isEmpty), "values are still leaving when the next ones are ready")
      leaving = turn.enumerated().map { ($1, held[$0].sorted { $0.position < $1.position }) }
    }
    // A lane leaves room for n values whether its group had as many or not.
    for _ in 0..<n {
      drain()
      cycle += 1
    }
    return (result, cycle)
  }
}

extension [SteppedPruner.Kept] {
  /// Holds a value if there is room, or if it is larger than the smallest one held, which then goes. Of equal
  /// magnitudes the earlier stays.
  fileprivate mutating func take(_ new: Element, limit: Int) {
    guard count == limit else { return append(new) }
    guard let smallest = indices.min(by: { (self[$0].value.magnitude, $1) < (self[$1].value.magnitude, $0) }),
      self[smallest].value.magnitude < new.value.magnitude
    else { return }
    remove(at: smallest)
    append(new)
  }
}
