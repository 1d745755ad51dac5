import RealModule

/// The non-dominated sorting genetic algorithm II (K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Trans. Evol.
/// Comput. 6, 2002) over the unit cube.
///
/// Individuals are ranked by the front they are on, and within a front by how far apart its members are around them.
/// Parents win binary tournaments; children come from simulated binary crossover (index 15, probability 0.9) and
/// polynomial mutation (index 20, one coordinate in each child on average). Parents and children together leave the
/// best half. An individual that breaks constraints loses against any that does not, and against one that breaks less
/// (constrained domination).
///
/// It asks for points and is told of them, and knows nothing of what they mean.
struct NSGA2: Sendable {
  /// A point that was evaluated.
  struct Individual: Sendable {
    /// Coordinates from 0 to 1.
    var genes: [Double]
    /// Objectives, all to be made small; empty where there are none.
    var costs: [Double]
    /// How far it is from being feasible; 0 for a feasible point.
    var violation: Double
    var rank = 0
    var crowding = 0.0

    init(genes: [Double], costs: [Double], violation: Double = 0) {
      self.genes = genes
      self.costs = costs
      self.violation = violation
    }
  }

  static let crossoverIndex = 15.0
  static let crossoverProbability = 0.9
  static let mutationIndex = 20.0

  let size: Int
  let dimensions: Int
  /// The survivors of all generations told of.
  private(set) var population: [Individual] = []
  private var random: SplitMix64

  init(size: Int, dimensions: Int, seed: UInt64) {
    precondition(size >= 4 && size.isMultiple(of: 2), "a population of \(size)")
    self.size = size
    self.dimensions = dimensions
    random = SplitMix64(state: seed)
  }

  /// The points of the next generation.
  mutating func ask() -> [[Double]] {
    guard !population.isEmpty else {
      return (0..<size).map { _ in (0..<dimensions).map { _ in random.unit() } }
    }
    var children: [[Double]] = []
    while children.count < size {
      var (a, b) = (tournament().genes, tournament().genes)
      if random.unit() < Self.crossoverProbability { cross(&a, &b) }
      mutate(&a)
      mutate(&b)
      children += [a, b]
    }
    return children
  }

  /// Takes the evaluated points of a generation.
  mutating func tell(_ generation: [Individual]) {
    var all = population + generation
    let fronts = Self.sort(&all)
    population = []
    for front in fronts {
      if population.count + front.count <= size {
        population += front.map { all[$0] }
      } else {
        // Ties in crowding go by position, so that equal inputs give equal populations.
        let rest = front.sorted { (all[$1].crowding, $0) < (all[$0].crowding, $1) }
        population += rest.prefix(size - population.count).map { all[$0] }
      }
      if population.count == size { break }
    }
  }

  // MARK: Ranking

  /// Whether `a` is better by constrained domination.
  static func dominates(_ a: Individual, _ b: Individual) -> Bool {
    if a.violation > 0 || b.violation > 0 { return a.violation < b.violation }
    return ParetoFront<Int>.dominates(a.costs, b.costs)
  }

  /// Sets ranks and crowding, and gives the fronts, best first: Deb's fast non-dominated sort.
  static func sort(_ individuals: inout [Individual]) -> [[Int]] {
    var beaten = [[Int]](repeating: [], count: individuals.count)
    var betters = [Int](repeating: 0, count: individuals.count)
    for a in individuals.indices {
      for b in individuals.indices where a < b {
        if dominates(individuals[a], individuals[b]) {
          beaten[a].append(b)
          betters[b] += 1
        } else if dominates(individuals[b], individuals[a]) {
          beaten[b].append(a)
          betters[a] += 1
        }
      }
    }
    var fronts: [[Int]] = []
    var front = individuals.indices.filter { betters[$0] == 0 }
    while !front.isEmpty {
      for index in front { individuals[index].rank = fronts.count }
      setCrowding(of: front, in: &individuals)
      fronts.append(front)
      var next: [Int] = []
      for index in front {
        for other in beaten[index] {
          betters[other] -= 1
          if betters[other] == 0 { next.append(other) }
        }
      }
      front = next.sorted()
    }
    return fronts
  }

  /// The sum over objectives of the distance between the two neighbours, as part of the front's extent; the ends are
  /// infinitely far from anything.
  private static func setCrowding(of front: [Int], in individuals: inout [Individual]) {
    for index in front { individuals[index].crowding = 0 }
    let objectives = front.map { individuals[$0].costs.count }.min() ?? 0
    for objective in 0..<objectives {
      let sorted = front.sorted {
        (individuals[$0].costs[objective], $0) < (individuals[$1].costs[objective], $1)
      }
      guard let first = sorted.first, let last = sorted.last else { continue }
      let extent = individuals[last].costs[objective] - individuals[first].costs[objective]
      individuals[first].crowding = .infinity
      individuals[last].crowding = .infinity
      guard extent > 0 else { continue }
      for position in sorted.indices.dropFirst().dropLast() {
        individuals[sorted[position]].crowding +=
          (individuals[sorted[position + 1]].costs[objective] - individuals[sorted[position - 1]].costs[objective])
          / extent
      }
    }
  }

  // MARK: Breeding

  private mutating func tournament() -> Individual {
    let a = population[Int(random.next() % UInt64(population.count))]
    let b = population[Int(random.next() % UInt64(population.count))]
    return (b.rank, -b.crowding) < (a.rank, -a.crowding) ? b : a
  }

  /// Simulated binary crossover, bounded (Deb and Agrawal 1995): children lie about their parents as those of one-point
  /// crossover of binary numbers would.
  private mutating func cross(_ a: inout [Double], _ b: inout [Double]) {
    for index in a.indices where random.unit() < 0.5 {
      let (low, high) = (min(a[index], b[index]), max(a[index], b[index]))
      guard high - low > 1e-14 else { continue }
      let u = random.unit()
      func spread(_ room: Double) -> Double {
        let beta = 1 + 2 * room / (high - low)
        let alpha = 2 - .pow(beta, -(Self.crossoverIndex + 1))
        let power = 1 / (Self.crossoverIndex + 1)
        return u <= 1 / alpha ? .pow(u * alpha, power) : .pow(1 / (2 - u * alpha), power)
      }
      let middle = (low + high) / 2
      let first = Self.clamped(middle - spread(low) * (high - low) / 2)
      let second = Self.clamped(middle + spread(1 - high) * (high - low) / 2)
      let swaps = random.unit() < 0.5
      (a[index], b[index]) = swaps ? (second, first) : (first, second)
    }
  }

  /// Polynomial mutation, bounded.
  private mutating func mutate(_ genes: inout [Double]) {
    for index in genes.indices where random.unit() < 1 / Double(dimensions) {
      let u = random.unit()
      let power = 1 / (Self.mutationIndex + 1)
      let x = genes[index]
      let step: Double
      if u < 0.5 {
        step = .pow(2 * u + (1 - 2 * u) * .pow(1 - x, Self.mutationIndex + 1), power) - 1
      } else {
        step = 1 - .pow(2 * (1 - u) + (2 * u - 1) * .pow(x, Self.mutationIndex + 1), power)
      }
      genes[index] = Self.clamped(x + step)
    }
  }

  private static func clamped(_ x: Double) -> Double { min(max(x, 0), 1) }
}
