/// The points of a study whose sampler does not learn: each can be had by its index.
struct PointSequence: Sendable {
  let space: DesignSpace
  /// How many indices there are.
  let count: Int
  private let source: Source

  private enum Source: Sendable {
    case grid
    case random(UInt64)
    case sobol(SobolSequence)
  }

  /// The points of a study; nil where each generation depends on the answers of the one before it.
  init?(_ study: DesignStudy) {
    space = study.space
    switch study.sampler {
    case .grid: (count, source) = (study.space.count ?? 0, .grid)
    case .random(let points): (count, source) = (points, .random(study.seed))
    case .sobol(let points):
      (count, source) = (points, .sobol(SobolSequence(dimensions: study.space.free.count, seed: study.seed)))
    case .nsga2: return nil
    }
  }

  /// The values at an index; nil where the point repeats another one of the grid.
  func values(at index: Int) -> [Value?]? {
    switch source {
    case .grid:
      let coordinates = space.gridCoordinates(index)
      let values = space.values(at: coordinates)
      return space.isRepeated(coordinates, values) ? nil : values
    case .random(let seed):
      // A stream of its own for each point, so that any point can be had without those before it.
      var seeds = SplitMix64(state: seed)
      var random = SplitMix64(state: seeds.next() ^ UInt64(index) &* 0xD134_2543_DE82_EF95)
      return space.values(at: space.free.map { _ in random.unit() })
    case .sobol(let sequence): return space.values(at: sequence.point(index))
    }
  }
}
