import Bench
import SeededRandom
import Simulation
import Testing

@Suite("Outer products that skip zeros of both operands")
struct OuterProductTests {
  /// Cycles by kept fractions of A and B, from the figure of the Sparseloop artifact (micro22-sparseloop-artifact,
  /// fig. 13 and 15; the design is DSTC's, its figure 21). Nothing is fitted.
  @Test(arguments: [
    (1, 0.4, 2500.0), (0.5, 1, 2690), (0.5, 0.4, 1480), (0.3, 1, 1930), (0.3, 0.4, 1100),
  ])
  func `published cycles are met to 6 %`(_ a: Double, _ b: Double, _ cycles: Double) {
    let predicted = 4600 * OuterProductSkipping().relativeSteps(keptOfA: a, keptOfB: b)
    #expect(abs(predicted / cycles - 1) < 0.06, "\(predicted), not \(cycles)")
  }

  @Test func `dense takes all steps, empty none, and zeros never cost`() {
    let core = OuterProductSkipping()
    #expect(core.relativeSteps(keptOfA: 1, keptOfB: 1) == 1)
    #expect(core.relativeSteps(keptOfA: 0, keptOfB: 1) == 0)
    for (a, b) in [(0.2, 0.3), (0.3, 0.3), (0.3, 0.9), (0.95, 0.95)] {
      let here = core.relativeSteps(keptOfA: a, keptOfB: b)
      #expect(here <= core.relativeSteps(keptOfA: a + 0.05, keptOfB: b) && here >= a * b)
    }
  }

  /// Random tiles, packed and multiplied step by step, with their products checked.
  @Test(arguments: [(0.5, 0.4), (0.3, 1.0), (0.1, 0.7)])
  func `a loop over random tiles takes as many steps`(_ a: Double, _ b: Double) {
    let core = OuterProductSkipping()
    var generator = SeededGenerator(seed: 7)
    let depth = 4000
    var steps = 0
    var sums = [[Int]](repeating: [Int](repeating: 0, count: core.columns), count: core.rows)
    var expected = sums
    for _ in 0..<depth {
      func values(_ count: Int, _ kept: Double) -> [Int] {
        (0..<count).map { _ in
          Double.random(in: 0..<1, using: &generator) < kept ? Int.random(in: 1...9, using: &generator) : 0
        }
      }
      let (column, row) = (values(core.rows, a), values(core.columns, b))
      let (rows, columns) = (column.indices.filter { column[$0] != 0 }, row.indices.filter { row[$0] != 0 })
      for top in stride(from: 0, to: rows.count, by: core.stepRows) {
        for left in stride(from: 0, to: columns.count, by: core.stepColumns) {
          steps += 1
          for i in rows[top..<min(top + core.stepRows, rows.count)] {
            for j in columns[left..<min(left + core.stepColumns, columns.count)] { sums[i][j] += column[i] * row[j] }
          }
        }
      }
      for i in column.indices { for j in row.indices { expected[i][j] += column[i] * row[j] } }
    }
    #expect(sums == expected)
    let relative = Double(steps) / Double(8 * depth)
    #expect(abs(relative / core.relativeSteps(keptOfA: a, keptOfB: b) - 1) < 0.02, "\(relative)")
  }
}
