/// Points that no other point beats: none is at least as good in every objective and better in one.
///
/// All costs are to be made small. Points of equal costs are all kept.
///
/// Newcomers are gathered until they are as many as the front, and then judged together with it by ``Unbeaten``: a number of
/// times that grows with the logarithm of the points.
struct ParetoFront<Point> {
  typealias Member = (point: Point, costs: [Double])

  private var settled: [Member] = []
  private var newcomers: [Member] = []
  private static var fewest: Int { 1024 }

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

  /// Adds a point, which may be beaten.
  mutating func add(_ point: Point, costs: [Double]) {
    newcomers.append((point, costs))
    if newcomers.count > max(Self.fewest, settled.count) { settle() }
  }

  /// The front of all points so far, by their costs, the first first; equal ones as they came.
  mutating func members() -> [Member] {
    settle()
    return settled
  }

  private mutating func settle() {
    guard !newcomers.isEmpty else { return }
    let all = settled + newcomers
    settled = Unbeaten.indices(all.map(\.costs)).map { all[$0] }
    newcomers = []
  }
}

/// Finds the points that no other beats.
///
/// One and two objectives take a sort and a sweep, n log n. More are divided (H. T. Kung, F. Luccio, F. P. Preparata, "On
/// finding the maxima of a set of vectors", JACM 22, 1975): the half that is better in the first objective cannot be beaten by the
/// other, of which those remain that it does not beat in the other objectives; n (log n)^(k−2) for k of them.
enum Unbeaten {
  /// The indices of the points that none beats, by their costs; equal ones as they stand.
  static func indices(_ costs: [[Double]]) -> [Int] {
    let order = costs.indices.sorted { a, b in
      for (x, y) in zip(costs[a], costs[b]) where x != y { return x < y }
      return a < b
    }
    // Points of equal costs stand together, and share the fate of the first of them.
    var different: [[Double]] = []
    var places: [Int] = []
    for index in order {
      if different.last != costs[index] { different.append(costs[index]) }
      places.append(different.count - 1)
    }
    var isKept = [Bool](repeating: false, count: different.count)
    for place in maxima(0..<different.count, different) { isKept[place] = true }
    return zip(order, places).filter { isKept[$0.1] }.map(\.0)
  }

  /// Of different points in order, those that none beats, in order.
  private static func maxima(_ points: Range<Int>, _ costs: [[Double]]) -> [Int] {
    guard points.count > 1 else { return Array(points) }
    if costs[points.lowerBound].count <= 2 {
      var least = Double.infinity
      return points.filter { point in
        // Of one objective only the first is best.
        let cost = costs[point].count == 2 ? costs[point][1] : point == points.lowerBound ? 0 : .infinity
        defer { least = min(least, cost) }
        return cost < least
      }
    }
    let middle = points.lowerBound + points.count / 2
    let low = maxima(points.lowerBound..<middle, costs)
    return low + unbeaten(maxima(middle..<points.upperBound, costs), by: low, from: 1, costs).sorted()
  }

  /// The points that no other is at least as good as in all objectives from one on.
  private static func unbeaten(_ points: [Int], by others: [Int], from first: Int, _ costs: [[Double]]) -> [Int] {
    guard !points.isEmpty, !others.isEmpty else { return points }
    let last = costs[points[0]].count - 1
    if first == last - 1 {
      let others = others.sorted { costs[$0][first] < costs[$1][first] }
      var least = Double.infinity
      var next = 0
      return points.sorted { costs[$0][first] < costs[$1][first] }.filter { point in
        while next < others.count, costs[others[next]][first] <= costs[point][first] {
          least = min(least, costs[others[next]][last])
          next += 1
        }
        return costs[point][last] < least
      }
    }
    // Between the two halves of the values; where there is one value, this objective decides nothing.
    let values = (points + others).map { costs[$0][first] }.sorted()
    var middle = values[(values.count - 1) / 2]
    if middle == values[values.count - 1] {
      guard let below = values.last(where: { $0 < middle }) else {
        return unbeaten(points, by: others, from: first + 1, costs)
      }
      middle = below
    }
    let isLow = { (point: Int) in costs[point][first] <= middle }
    let (low, high) = (points.filter(isLow), points.filter { !isLow($0) })
    let (lowOthers, highOthers) = (others.filter(isLow), others.filter { !isLow($0) })
    return unbeaten(low, by: lowOthers, from: first, costs)
      + unbeaten(
        unbeaten(high, by: lowOthers, from: first + 1, costs), by: highOthers, from: first, costs)
  }
}

/// What part of the space below a reference point some points beat.
enum Hypervolume {
  /// The volume of the union of the boxes between each point and `reference`, all costs to be made small. Points that
  /// are not better than the reference in every objective count for nothing.
  ///
  /// Three objectives are swept along the last one over the staircase of the other two (N. Beume et al., IEEE Trans.
  /// Evol. Comput. 13, 2009). More are sliced along the last (Zitzler 2001; Knowles 2002). Exact, n log n in two and three
  /// objectives but for moving the staircase's array, a factor of n more for each other one.
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
    if objective == 2 { return swept(sorted, reference) }
    var total = 0.0
    for index in sorted.indices {
      let top = index + 1 < sorted.count ? sorted[index + 1][objective] : last
      let height = top - sorted[index][objective]
      if height > 0 { total += height * volume(Array(sorted[...index]), reference.dropLast()) }
    }
    return total
  }

  /// The volume in three objectives of points sorted by the last.
  private static func swept(_ points: [[Double]], _ reference: ArraySlice<Double>) -> Double {
    let end = (x: reference[reference.startIndex], y: reference[reference.startIndex + 1])
    let last = reference[reference.startIndex + 2]
    // Corners that no other one is left of and below: x rises, y falls.
    var stairs: [(x: Double, y: Double)] = []
    var (area, total) = (0.0, 0.0)
    for (index, point) in points.enumerated() {
      let corner = (x: point[0], y: point[1])
      // The first stair that is not left of the corner.
      var (first, past) = (0, stairs.count)
      while first < past {
        let middle = (first + past) / 2
        if stairs[middle].x < corner.x { first = middle + 1 } else { past = middle }
      }
      let above = first > 0 ? stairs[first - 1].y : end.y
      if corner.y < above {
        // What the corner adds to the stairs that it covers, and to the one that ends beyond it.
        var next = first
        var (x, height) = (corner.x, above)
        while next < stairs.count, stairs[next].y >= corner.y {
          area += (stairs[next].x - x) * (height - corner.y)
          (x, height) = (stairs[next].x, stairs[next].y)
          next += 1
        }
        area += ((next < stairs.count ? stairs[next].x : end.x) - x) * (height - corner.y)
        stairs.replaceSubrange(first..<next, with: [corner])
      }
      total += area * ((index + 1 < points.count ? points[index + 1][2] : last) - point[2])
    }
    return total
  }
}
