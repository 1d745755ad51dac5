import RealModule
import Testing

@testable import Exploration

/// Problems whose fronts are known: E. Zitzler, K. Deb, L. Thiele, Evol. Comput. 8 (2000); K. Deb et al., CEC 2002.
enum Problem: String, CaseIterable {
  case zdt1, zdt2, zdt3, zdt6, dtlz2

  var dimensions: Int {
    switch self {
    case .zdt1, .zdt2, .zdt3: 30
    case .zdt6: 10
    case .dtlz2: 12
    }
  }

  func costs(_ x: [Double]) -> [Double] {
    let tail = x.dropFirst().reduce(0, +) / Double(x.count - 1)
    switch self {
    case .zdt1:
      let g = 1 + 9 * tail
      return [x[0], g * (1 - (x[0] / g).squareRoot())]
    case .zdt2:
      let g = 1 + 9 * tail
      return [x[0], g * (1 - (x[0] / g) * (x[0] / g))]
    case .zdt3:
      let g = 1 + 9 * tail
      return [x[0], g * (1 - (x[0] / g).squareRoot() - x[0] / g * .sin(10 * .pi * x[0]))]
    case .zdt6:
      let first = 1 - .exp(-4 * x[0]) * Double.pow(.sin(6 * .pi * x[0]), 6)
      let g = 1 + 9 * Double.pow(tail, 0.25)
      return [first, g * (1 - (first / g) * (first / g))]
    case .dtlz2:
      let g = x.dropFirst(2).reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) }
      let (a, b) = (x[0] * .pi / 2, x[1] * .pi / 2)
      return [(1 + g) * .cos(a) * .cos(b), (1 + g) * .cos(a) * .sin(b), (1 + g) * .sin(a)]
    }
  }

  /// Points of the true front, close together.
  var front: [[Double]] {
    let line = (0...500).map { Double($0) / 500 }
    switch self {
    case .zdt1: return line.map { [$0, 1 - $0.squareRoot()] }
    case .zdt2: return line.map { [$0, 1 - $0 * $0] }
    case .zdt3:
      var front = ParetoFront<Int>()
      for x in line { front.add(0, costs: [x, 1 - x.squareRoot() - x * .sin(10 * .pi * x)]) }
      return front.members().map(\.costs)
    case .zdt6: return line.map { 0.2807753191 + $0 * (1 - 0.2807753191) }.map { [$0, 1 - $0 * $0] }
    case .dtlz2:
      return (0...20).flatMap { i in
        (0...20).map { j in
          let (a, b) = (Double(i) / 20 * .pi / 2, Double(j) / 20 * .pi / 2)
          return [.cos(a) * .cos(b), .cos(a) * .sin(b), .sin(a)]
        }
      }
    }
  }
}

@Suite struct NSGA2Tests {
  private func run(
    _ size: Int, _ dimensions: Int, _ generations: Int, seed: UInt64 = 1,
    _ evaluate: ([Double]) -> NSGA2.Individual
  ) -> NSGA2 {
    var search = NSGA2(size: size, dimensions: dimensions, seed: seed)
    for _ in 0..<generations { search.tell(search.ask().map(evaluate)) }
    return search
  }

  /// The mean distance from points of the true front to the nearest found one: it counts both nearness and spread.
  private func invertedDistance(_ found: [[Double]], _ front: [[Double]]) -> Double {
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      var squares = 0.0
      for (x, y) in zip(a, b) { squares += (x - y) * (x - y) }
      return squares.squareRoot()
    }
    let nearest = front.map { point in found.map { distance($0, point) }.min() ?? .infinity }
    return nearest.reduce(0, +) / Double(front.count)
  }

  @Test(arguments: Problem.allCases)
  func `the search reaches a front that is known, and covers it`(_ problem: Problem) {
    let search = run(48, problem.dimensions, 250) {
      NSGA2.Individual(genes: $0, costs: problem.costs($0))
    }
    let distance = invertedDistance(search.population.map(\.costs), problem.front)
    // 12 000 evaluations. Even points of the front are 1/48 apart on a line, and 0.18 on an eighth of a sphere.
    #expect(distance < (problem == .dtlz2 ? 0.15 : 0.03), "\(problem) \(distance)")
  }

  @Test func `random points are far from where the search gets`() {
    var random = SplitMix64(state: 1)
    let points = (0..<2_000).map { _ in (0..<30).map { _ in random.unit() } }.map(Problem.zdt1.costs)
    #expect(invertedDistance(points, Problem.zdt1.front) > 0.5)
  }

  @Test func `constraints are met where they can be`() {
    // ZDT1 where the first coordinate must be above a half.
    let search = run(40, 6, 60) { x in
      x[0] < 0.5
        ? NSGA2.Individual(genes: x, costs: [], violation: 0.5 - x[0])
        : NSGA2.Individual(genes: x, costs: Problem.zdt1.costs(x))
    }
    #expect(search.population.allSatisfy { $0.violation == 0 && $0.genes[0] >= 0.5 })
    let front = Problem.zdt1.front.filter { $0[0] >= 0.5 }
    #expect(invertedDistance(search.population.map(\.costs), front) < 0.05)
  }

  @Test func `a seed decides everything`() {
    func genes(_ seed: UInt64) -> [[Double]] {
      run(20, 5, 10, seed: seed) { NSGA2.Individual(genes: $0, costs: Problem.zdt1.costs($0)) }.population.map(\.genes)
    }
    #expect(genes(5) == genes(5))
    #expect(genes(5) != genes(6))
  }

  @Test func `fronts are those of peeling off what nothing beats`() {
    var random = SplitMix64(state: 11)
    var individuals = (0..<80).map { _ in
      NSGA2.Individual(
        genes: [], costs: (0..<3).map { _ in Double(random.next() % 6) }, violation: random.next() % 5 == 0 ? 1 : 0)
    }
    let fronts = NSGA2.sort(&individuals)
    var rest = Array(individuals.indices)
    for front in fronts {
      let best = rest.filter { a in !rest.contains { NSGA2.dominates(individuals[$0], individuals[a]) } }
      #expect(Set(front) == Set(best))
      rest.removeAll(where: best.contains)
    }
    #expect(rest.isEmpty)
  }
}

@Suite struct ParetoFrontTests {
  /// Few values make equal points and equal costs, many make large fronts.
  @Test(arguments: 1...6, [3, 12, 1 << 40])
  func `the front is what a comparison of all pairs leaves`(_ objectives: Int, _ values: UInt64) {
    var random = SplitMix64(state: UInt64(objectives) &+ values)
    let points = (0..<1500).map { _ in (0..<objectives).map { _ in Double(random.next() % values) } }
    var front = ParetoFront<Int>()
    for (index, costs) in points.enumerated() {
      front.add(index, costs: costs)
      // Asking on the way changes nothing.
      if index == 100 { #expect(front.members().count <= 101) }
    }
    let expected = points.indices.filter { a in
      !points.contains { ParetoFront<Int>.dominates($0, points[a]) }
    }
    #expect(front.members().map(\.point).sorted() == expected)
  }

  @Test(arguments: [2, 3, 4])
  func `a front that every point is on keeps them all, in order`(_ objectives: Int) {
    let count = 20_000
    var front = ParetoFront<Int>()
    for index in 0..<count {
      let place = (index * 7919) % count
      front.add(place, costs: (0..<objectives).map { Double($0 == objectives - 1 ? count - place : place) })
    }
    #expect(front.members().map(\.point) == Array(0..<count))
  }

  @Test func `a hypervolume is that of a union of boxes`() {
    #expect(Hypervolume.of([[1]], reference: [4]) == 3)
    #expect(Hypervolume.of([[1, 3], [2, 2], [3, 1]], reference: [4, 4]) == 6)
    #expect(Hypervolume.of([[1, 1], [2, 2], [5, 0]], reference: [4, 4]) == 9)
    #expect(Hypervolume.of([[0, 0, 0]], reference: [2, 3, 4]) == 24)
    #expect(Hypervolume.of([], reference: [2, 3]) == 0)
  }

  @Test(arguments: 2...5)
  func `a hypervolume on a lattice is the number of cells that a point beats`(_ objectives: Int) {
    var random = SplitMix64(state: UInt64(objectives) &+ 9)
    let side = 5
    for _ in 0..<20 {
      let points = (0..<6).map { _ in (0..<objectives).map { _ in Double(random.next() % UInt64(side + 1)) } }
      var cells = 0
      var total = 1
      for _ in 0..<objectives { total *= side }
      for cell in 0..<total {
        var (rest, corner) = (cell, [Double]())
        for _ in 0..<objectives {
          corner.append(Double(rest % side))
          rest /= side
        }
        if points.contains(where: { zip($0, corner).allSatisfy { $0 <= $1 } }) { cells += 1 }
      }
      #expect(Hypervolume.of(points, reference: [Double](repeating: Double(side), count: objectives)) == Double(cells))
    }
  }
}
