import Testing
import Workloads

@Suite struct OrderStatisticsTests {
  /// The distribution of kept elements in the first `size` of a population, over all ways to choose the kept ones.
  private static func distribution(size: Int, kept: Int, population: Int) -> [Double] {
    var counts = [Double](repeating: 0, count: size + 1)
    var total = 0.0
    for choice in 0..<(1 << population) where choice.nonzeroBitCount == kept {
      counts[(choice & ((1 << size) - 1)).nonzeroBitCount] += 1
      total += 1
    }
    return counts.map { $0 / total }
  }

  /// E[max] of independent groups, summed over every combination of their counts.
  private static func expectedMaximum(_ distribution: [Double], groups: Int) -> Double {
    func sum(_ left: Int, _ largest: Int, _ probability: Double) -> Double {
      guard left > 0 else { return probability * Double(largest) }
      return distribution.enumerated().reduce(0) {
        $0 + sum(left - 1, max(largest, $1.offset), probability * $1.element)
      }
    }
    return sum(groups, 0, 1)
  }

  private static let cases: [(size: Int, kept: Int, population: Int)] = [
    (1, 1, 2), (2, 3, 8), (4, 5, 12), (4, 8, 12), (5, 2, 10), (8, 3, 9), (3, 0, 6), (3, 6, 6), (4, 11, 12),
  ]

  @Test(arguments: cases)
  func `probabilities are those of counting every choice`(size: Int, kept: Int, population: Int) {
    let exact = Self.distribution(size: size, kept: kept, population: population)
    for (count, probability) in exact.enumerated() {
      let modelled = OrderStatistics.probability(of: count, size: size, kept: kept, population: population)
      #expect((modelled - probability).magnitude < 1e-12)
    }
  }

  @Test(arguments: cases, [1, 2, 3, 5])
  func `the expected maximum is the sum over all combinations`(
    _ shape: (size: Int, kept: Int, population: Int), groups: Int
  ) {
    let (size, kept, population) = shape
    let exact = Self.expectedMaximum(
      Self.distribution(size: size, kept: kept, population: population), groups: groups)
    let modelled = OrderStatistics.expectedMaximum(groups: groups, size: size, kept: kept, population: population)
    #expect((modelled - exact).magnitude < 1e-11)
  }

  @Test(arguments: [(64, 100, 1000), (32, 5000, 10_000), (128, 1, 1 << 20), (64, 400_000, 1 << 20)])
  func `a single group has the mean of its draw`(size: Int, kept: Int, population: Int) {
    let mean = Double(size) * Double(kept) / Double(population)
    let modelled = OrderStatistics.expectedMaximum(groups: 1, size: size, kept: kept, population: population)
    #expect((modelled - mean).magnitude < 1e-6 * max(1, mean))
  }

  @Test(arguments: [1, 16, 1000])
  func `full groups are full, and empty ones empty`(groups: Int) {
    #expect(OrderStatistics.expectedMaximum(groups: groups, size: 64, kept: 4096, population: 4096) == 64)
    #expect(OrderStatistics.expectedMaximum(groups: groups, size: 64, kept: 0, population: 4096) < 1e-9)
  }

  @Test(arguments: [0.05, 0.3, 0.7, 0.95])
  func `more groups or more kept values make a fuller fullest group`(density: Double) {
    let population = 1 << 16
    let kept = Int(Double(population) * density)
    func maximum(_ groups: Int, _ kept: Int) -> Double {
      OrderStatistics.expectedMaximum(groups: groups, size: 64, kept: kept, population: population)
    }
    let byGroups = [1, 2, 4, 16, 64, 1024].map { maximum($0, kept) }
    #expect(zip(byGroups, byGroups.dropFirst()).allSatisfy { $0 < $1 })
    #expect(byGroups.allSatisfy { $0 <= 64 })
    let byKept = [0.5, 0.8, 1, 1.04].map { maximum(16, Int(Double(kept) * $0)) }
    #expect(zip(byKept, byKept.dropFirst()).allSatisfy { $0 < $1 })
  }
}
