import Bench
import Hardware
import Quantities
import SeededRandom
import Testing

@testable import Simulation

private let plain = Result { try array("systolic-32x32") }

/// A small random array with a random product on it.
private struct Case {
  var array: SystolicArray
  var stepped: SteppedArray
  var moving: [[Int]]
  var filters: SteppedArray.Filters
  /// Sums the output buffer collects.
  var capacity: Int
  /// Rows the input buffer keeps for all folds; nil streams them past each.
  var rowLimit: Int?

  /// Every pattern that is trained with or published for a machine, some between, and dense ones.
  static let patterns = [
    (1, 1), (1, 1), (1, 2), (2, 2), (1, 4), (2, 4), (3, 4), (4, 4), (1, 8), (2, 8), (4, 8), (5, 8), (8, 8), (1, 16),
    (2, 16), (4, 16), (8, 16), (16, 16),
  ]

  init(seed: Int) throws {
    var generator = SeededGenerator(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    array = try plain.get()
    array.rows = pick(1...8)
    array.columns = pick(1...8)
    array.accumulatorLatency = Cycles(Int64(pick(1...9)))
    array.interleaving = pick(1...6)
    array.sparseElement = seed.isMultiple(of: 2) ? .group : .value
    stepped = SteppedArray(
      height: array.rows, width: array.columns, latency: Int(array.accumulatorLatency.count),
      interleaving: array.interleaving, holdsGroups: array.sparseElement == .group)

    let (n, m) = Self.patterns[pick(0...Self.patterns.count - 1)]
    let groups = pick(1...max(2, 24 / m))
    // Dense filters need not fill their last group.
    let tail = n == m && stepped.holdsGroups ? pick(0...m - 1) : 0
    let depth = m * groups + tail
    moving = (0..<pick(1...17)).map { _ in (0..<depth).map { _ in pick(-9...9) } }
    let columns = (0..<pick(1...14)).map { _ in
      let positions = (0..<groups).flatMap { _ in
        Array(0..<m).shuffled(using: &generator).prefix(n).sorted()
      }
      return (positions + Array(0..<tail)).map { SteppedArray.Kept(value: pick(-9...9), position: $0) }
    }
    filters = SteppedArray.Filters(n: n, m: m, depth: depth, columns: columns)
    capacity = pick(1...80)
    rowLimit = seed.isMultiple(of: 3) ? pick(0...20) : nil
  }

  /// At least one row, in whole turns of the interleaving where one fits.
  func wholeTurns(_ rows: Int) -> Int {
    rows < array.interleaving ? max(1, rows) : rows / array.interleaving * array.interleaving
  }

  func folds(_ dataflow: SystolicArray.Dataflow) -> FoldedProduct {
    FoldedProduct(
      ArrayProduct(
        rows: moving.count, columns: filters.columns.count, depth: filters.depth, kept: filters.n,
        group: filters.m), on: array, dataflow: dataflow, outputCapacity: capacity, rowLimit: rowLimit)
  }

  func run(_ dataflow: SystolicArray.Dataflow) -> SteppedArray.Outcome {
    switch dataflow {
    case .weightStationary:
      stepped.weightStationary(
        moving, filters, sumRows: wholeTurns(capacity / array.columns), keptRows: rowLimit.map(wholeTurns))
    case .outputStationary: stepped.outputStationary(moving, filters)
    }
  }
}

@Suite("Closed forms beside the stepped array")
struct SteppedArrayTests {
  @Test(arguments: SystolicArray.Dataflow.allCases)
  func `the compressed product is the dense product of the masked filters`(_ dataflow: SystolicArray.Dataflow) throws {
    for seed in 1...300 {
      let it = try Case(seed: seed)
      let masked = it.filters.expanded
      let expected = it.moving.map { row in masked.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
      #expect(it.run(dataflow).result == expected, "seed \(seed)")
    }
  }

  @Test(arguments: SystolicArray.Dataflow.allCases)
  func `cycles, products and accesses are those of the stepped array`(_ dataflow: SystolicArray.Dataflow) throws {
    for seed in 1...3000 {
      let it = try Case(seed: seed)
      let outcome = it.run(dataflow)
      let folds = it.folds(dataflow)
      #expect(folds.cycles == outcome.cycles, "seed \(seed): cycles")
      #expect(folds.useful == outcome.macs, "seed \(seed): products")
      #expect(folds.slotCycles * it.array.rows * it.array.columns == outcome.slots, "seed \(seed): slots")
      #expect(folds.movingReads == outcome.movingReads, "seed \(seed): moving reads")
      #expect(folds.filterReads == outcome.filterReads, "seed \(seed): filter reads")
      #expect(folds.outputWrites == outcome.outputWrites, "seed \(seed): output writes")
      #expect(folds.outputReads == outcome.outputReads, "seed \(seed): output reads")
    }
  }

  @Test func `random cases cover strips, part-filled folds, waiting sums and cut groups`() throws {
    let cases = try (1...600).map { try Case(seed: $0) }
    #expect(cases.count { $0.folds(.weightStationary).strips > 1 } > 100)
    #expect(cases.count { !$0.filters.columns.count.isMultiple(of: $0.array.columns) } > 100)
    #expect(cases.count { $0.stepped.latency > $0.stepped.interleaving && $0.filters.n > 1 } > 50)
    #expect(cases.count { !$0.stepped.holdsGroups && !$0.array.rows.isMultiple(of: $0.filters.n) } > 50)
    for (n, m) in Case.patterns { #expect(cases.count { ($0.filters.n, $0.filters.m) == (n, m) } > 10, "\(n):\(m)") }
  }
}
