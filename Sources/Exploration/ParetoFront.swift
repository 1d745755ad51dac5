/// Points that no other point beats: none is at least as good in every objective and better in one.
///
/// All costs are to be made small. Points of equal costs are all kept.
struct ParetoFront<Point> {
  private(set) var members: [(point: Point, costs: [Double])] = []

  /// Whether `a` is nowhere worse than `b` and somewhere better.
  static func dominates(_ a: [Double], _ b: [Double]) -> Bool {
    var isBetter = false
    var index = 0
    while index < a.count {
      let (x, y) = (a[index], b[index])
      if x > y { return false }
      if x < y { isBetter = true }
      index += 1
    }
    return isBetter
  }

  /// Adds a point if nothing beats it, and drops what it beats.
  /// - Returns: whether it is on the front.
  /// - Complexity: linear in the front.
  @discardableResult
  mutating func add(_ point: Point, costs: [Double]) -> Bool {
    // What beats one newcomer often beats the next one too: it moves to the head.
    if let better = members.firstIndex(where: { Self.dominates($0.costs, costs) }) {
      if better > 0 { members.swapAt(better, better / 2) }
      return false
    }
    members.removeAll { Self.dominates(costs, $0.costs) }
    members.append((point, costs))
    return true
  }
}

/// What part of the space below a reference point some points beat.
enum Hypervolume {
  /// The volume of the union of the boxes between each point and `reference`, all costs to be made small. Points that
  /// are not better than the reference in every objective count for nothing.
  ///
  /// By slices along the last objective (hypervolume by slicing objectives: Zitzler 2001; Knowles 2002): exact,
  /// n log n in two objectives, a factor of n more for each other one.
  static func of(_ points: [[Double]], reference: [Double]) -> Double {
    let inside = points.filter { point in zip(point, reference).allSatisfy { $0 < $1 } }
    return volume(inside, reference[...])
  }

  private static func volume(_ points: [[Double]], _ reference: ArraySlice<Double>) -> Double {
    guard let last = reference.last, !points.isEmpty else { return 0 }
    let objective = reference.count - 1
    if objective == 0 { return last - (points.map { $0[0] }.min() ?? last) }
    let sorted = points.sorted { $0[objective] < $1[objective] }
    if objective == 1 {
      var (volume, least) = (0.0, reference[reference.startIndex])
      for point in sorted where point[0] < least {
        // A strip as high as the rest of the way, narrowed by what came before.
        volume += (least - point[0]) * (last - point[1])
        least = point[0]
      }
      return volume
    }
    var total = 0.0
    for index in sorted.indices {
      let top = index + 1 < sorted.count ? sorted[index + 1][objective] : last
      let height = top - sorted[index][objective]
      if height > 0 { total += height * volume(Array(sorted[...index]), reference.dropLast()) }
    }
    return total
  }
}
