import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// A small random chip and product.
private struct Case {
  var chip: S4Processor
  var weights: BankedWeights
  var activations: [[Int]]
  var pattern: SparsityPattern

  enum Zeros: Sendable { case none, balanced, uneven }

  init(seed: Int, _ zeros: Zeros) throws {
    var generator = SeededGenerator(seed: seed)
    func pick(_ values: [Int]) -> Int { values.randomElement(using: &generator) ?? 1 }
    chip = try S4Tests.chip("s4")
    chip.lanes = pick([1, 2, 4])
    chip.columns = pick([2, 3, 4])
    chip.bankSize = pick([4, 8, 16])
    chip.cores = pick([1, 2])
    chip.unitsPerCore = pick([1, 2, 4])
    chip.dataTypes.rates[.int8]?.perCycle = Double(chip.lanes * chip.columns)
    let rows = pick(Array(1...24))
    // Balanced banks are whole; others end anywhere.
    let depth = zeros == .balanced ? chip.bankSize * pick([1, 2, 3, 5]) : pick(Array(1...50))
    let matrix = randomMatrix(rows, depth, &generator)
    activations = randomMatrix(depth, pick(Array(1...15)), &generator)
    var mask = [[Bool]](repeating: [Bool](repeating: true, count: depth), count: rows)
    switch zeros {
    case .none: pattern = .dense
    case .balanced:
      let rate = pick([2, 4, chip.bankSize])
      pattern = .bank(size: chip.bankSize, rate: rate)
      for row in 0..<rows {
        for start in stride(from: 0, to: depth, by: chip.bankSize) {
          let kept = (start..<start + chip.bankSize).shuffled(using: &generator).prefix(chip.bankSize / rate)
          for place in start..<start + chip.bankSize { mask[row][place] = kept.contains(place) }
        }
      }
    case .uneven:
      pattern = .unstructured(zeros: 0.5)
      for row in 0..<rows {
        for place in 0..<depth { mask[row][place] = Bool.random(using: &generator) }
      }
    }
    weights = BankedWeights(matrix, bankSize: chip.bankSize, isIndexed: zeros != .none, keeping: mask)
  }

  var loop: UnitLoop { UnitLoop(weights, activations, on: chip, elementBits: 8) }

  var op: Operator {
    gemm(weights.banks.count, activations[0].count, weights.depth, weights: pattern)
  }

  var schedule: UnitSchedule {
    get throws {
      var schedule = UnitSchedule()
      let rate = try #require(chip.dataTypes.rates[.int8])
      for problem in op.matrixProblems {
        schedule.add(problem, pattern: pattern, rate: rate, elementBytes: 1, outputBytes: 1, on: chip)
      }
      return schedule
    }
  }
}

@Suite("Sparse processing units beside a loop over their steps")
struct UnitLoopTests {
  @Test(arguments: [Case.Zeros.none, .balanced, .uneven])
  fileprivate func `units compute the product of the masked matrix`(_ zeros: Case.Zeros) throws {
    for seed in 1...200 {
      let it = try Case(seed: seed, zeros)
      #expect(it.loop.result == product(it.weights.masked, it.activations), "seed \(seed)")
    }
  }

  @Test(arguments: [Case.Zeros.none, .balanced])
  fileprivate func `a schedule counts the rounds, steps and bytes of the loop`(_ zeros: Case.Zeros) throws {
    for seed in 1...200 {
      let it = try Case(seed: seed, zeros)
      let (loop, schedule) = (it.loop, try it.schedule)
      let units = it.chip.cores * it.chip.unitsPerCore
      #expect(schedule.rounds == loop.rounds, "seed \(seed)")
      #expect(isClose(schedule.issue * Double(units), Double(loop.steps)), "seed \(seed)")
      #expect(schedule.executedMACs == Double(loop.macs), "seed \(seed)")
      #expect(isClose(schedule.usefulMACs, Double(loop.usefulMACs)), "seed \(seed)")
      #expect(isClose(schedule.l1ReadBytes, Double(loop.localBits) / 8), "seed \(seed)")
      #expect(isClose(schedule.l2ReadBytes, Double(loop.sharedBits) / 8), "seed \(seed)")
      #expect(isClose(schedule.l1FilledBytes, Double(loop.filledBits) / 8), "seed \(seed)")
      let indexBits = zeros == .none ? 0 : ceilLog2(it.chip.bankSize)
      #expect(isClose(schedule.indexBytes, Double(it.weights.kept * indexBits) / 8), "seed \(seed)")
      #expect(isClose(schedule.weightBytes, Double(it.weights.kept * (8 + indexBits)) / 8), "seed \(seed)")
    }
  }

  @Test func `rounds are spread over the units, and the last ones leave units idle`() throws {
    for seed in 1...200 {
      var it = try Case(seed: seed, .balanced)
      it.chip.l1Port = BytesPerCycle(1e9)
      let (loop, schedule) = (it.loop, try it.schedule)
      let units = it.chip.cores * it.chip.unitsPerCore
      // Deal the rounds out, one after the other, to the unit that has the fewest.
      var busy = [Int](repeating: 0, count: units)
      for round in 0..<loop.rounds { busy[round % units] += loop.steps / loop.rounds }
      #expect(isClose(schedule.core, Double(busy.max() ?? 0)), "seed \(seed)")
    }
  }

  @Test func `random cases cover padding, several rounds a unit and shared activations`() throws {
    let cases = try (1...200).map { try Case(seed: $0, .balanced) }
    #expect(cases.count { $0.loop.rounds > $0.chip.cores * $0.chip.unitsPerCore } > 50)
    #expect(cases.count { $0.loop.macs > $0.loop.usefulMACs } > 50)
    #expect(cases.count { $0.loop.filledBits > $0.loop.sharedBits } > 50)
    #expect(cases.count { $0.weights.banks.count > $0.chip.lanes * $0.chip.unitsPerCore } > 25)
  }

  @Test(arguments: [(16, 64, 0.5), (16, 64, 0.9), (16, 32, 0.75), (4, 16, 0.6), (8, 64, 0.97)])
  func `uneven banks take as many steps as order statistics expect`(
    _ lanes: Int, _ bank: Int, _ zeros: Double
  ) throws {
    var chip = try chip("s4")
    chip.lanes = lanes
    chip.bankSize = bank
    chip.columns = 1
    let (rows, depth) = (lanes * 4, bank * 8)
    let kept = Int((Double(rows * depth) * (1 - zeros)).rounded())
    // The steps of a mask, a bank: means of masks are independent of each other, banks of one mask nearly so.
    var means: [Double] = []
    for seed in 1...40 {
      var generator = SeededGenerator(seed: seed)
      var places = [Bool](repeating: false, count: rows * depth)
      for index in places.indices { places[index] = index < kept }
      places.shuffle(using: &generator)
      var steps = 0
      for group in stride(from: 0, to: rows, by: lanes) {
        for start in stride(from: 0, to: depth, by: bank) {
          let counts = (group..<group + lanes).map { row in
            (start..<start + bank).count { places[row * depth + $0] }
          }
          steps += counts.max() ?? 0
        }
      }
      means.append(Double(steps) / 32)
    }
    let mean = means.reduce(0, +) / 40
    let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39
    let problem = try #require(gemm(rows, 1, depth, weights: .unstructured(zeros: zeros)).matrixProblems.first)
    let expected = chip.keptPerBank(.unstructured(zeros: zeros), of: problem)
    // Five standard errors, and a thousandth for taking lanes as independent.
    #expect(abs(mean - expected) < 5 * (variance / 40).squareRoot() + 1e-3 * expected, "\(mean), not \(expected)")
    #expect(expected > Double(bank) * (1 - zeros))
  }
}
