import Diagnostics

/// What a study is about to do, found without doing it.
public struct SpacePreview: Sendable {
  /// The study.
  public let study: DesignStudy
  /// Points that the sampler looks at; of a grid, those that repeat no other.
  public let points: Int
  /// Combinations of the space; nil where it is continuous.
  public let combinations: Int?
  /// Combinations that meet the constraints on parameters alone; nil where there are too many to count.
  public let allowed: Int?
  /// Points that were tried, evenly over the sampler's sequence.
  public let tried: Int
  /// Those of them that are feasible.
  public let feasible: Int
  /// Why the others are not.
  public let reasons: [(reason: String, count: Int)]
  /// What a point takes on one thread.
  public let secondsPerPoint: Double

  /// The most combinations that are counted one by one.
  public static let mostCounted = 1 << 20
  private static let mostTried = 64
}

extension Explorer {
  /// Looks at a study's size and tries a few of its points.
  public func preview() -> SpacePreview {
    let space = study.space
    let combinations = space.count
    var allowed: Int?
    var distinct: Int?
    if let combinations, combinations <= SpacePreview.mostCounted {
      var (inside, different) = (0, 0)
      for index in 0..<combinations {
        let coordinates = space.gridCoordinates(index)
        let values = space.values(at: coordinates)
        guard !space.isRepeated(coordinates, values) else { continue }
        different += 1
        if space.constraints.allSatisfy({ $0.expression.holds(values) }) { inside += 1 }
      }
      (allowed, distinct) = (inside, different)
    }
    let sample = previewPoints(most: 64)
    let clock = ContinuousClock()
    let evaluator = PointEvaluator(study)
    // The first runs make ready what later ones share.
    for (index, values) in sample.prefix(4) { _ = evaluator.result(index, values) }
    var results: [PointResult] = []
    let time = clock.measure { results = sample.map { evaluator.result($0.0, $0.1) } }
    var counts: [String: Int] = [:]
    for result in results where !result.verdict.isFeasible { counts[result.verdict.text, default: 0] += 1 }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    var points = total
    if case .grid = study.sampler, let distinct { points = distinct }
    return SpacePreview(
      study: study, points: points, combinations: combinations, allowed: allowed, tried: results.count,
      feasible: results.count { $0.verdict.isFeasible },
      reasons: counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) },
      secondsPerPoint: seconds / Double(max(1, results.count)))
  }

  private func previewPoints(most: Int) -> [(Int, [Value?])] {
    guard let sequence = PointSequence(study) else {
      var search = NSGA2(size: most, dimensions: study.space.free.count, seed: study.seed)
      return search.ask().enumerated().map { ($0.offset, study.space.values(at: $0.element)) }
    }
    let count = min(most, sequence.count)
    return (0..<count).compactMap { position in
      let index = position * sequence.count / count
      return sequence.values(at: index).map { (index, $0) }
    }
  }
}
