import Bench
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

/// A small random chip and product.
private struct Case {
  var chip: S4Processor
  var weights: BankedWeights
  var activations: [[Int]]
  var pattern: SparsityPattern
  var split: SplitOverCores
  var along: Int

  enum Zeros: Sendable { case none, balanced, uneven, masked }

  /// - Parameter isEven: whether cores and units divide the product without remainder.
  init(seed: Int, _ zeros: Zeros, isEven: Bool = false) throws {
    var generator = SeededGenerator(seed: seed)
    func pick<T>(_ values: [T]) throws -> T { try #require(values.randomElement(using: &generator)) }
    chip = try S4Tests.chip("s4")
    chip.lanes = try pick([1, 2, 3, 4])
    chip.columns = try pick([2, 3, 4])
    chip.bankSize = try pick([4, 8, 16])
    chip.cores = try pick([1, 2])
    chip.unitsPerCore = try pick([1, 2, 4])
    chip.dataTypes.rates[.int8]?.perCycle = Double(chip.lanes * chip.columns)
    // Sums of one to three groups of lanes.
    chip.l1Capacity = Bytes(Int64(2 * 4 * chip.lanes * chip.columns * (try pick([1, 2, 3]))))
    split = try pick(SplitOverCores.allCases)
    let unitsPerCore = chip.unitsPerCore
    along = try pick([1, 2, 4].filter { unitsPerCore % $0 == 0 })
    let (rowCores, columnCores) = split == .outputs ? (chip.cores, 1) : (1, chip.cores)
    let across = chip.unitsPerCore / along
    let rows = try isEven ? chip.lanes * along * rowCores * pick([1, 2, 3]) : pick(Array(1...24))
    let columns = try isEven ? chip.columns * across * columnCores * pick([1, 2]) : pick(Array(1...15))
    // Balanced banks are whole; others end anywhere.
    let depth = try zeros == .balanced ? chip.bankSize * pick([1, 2, 3, 5]) : pick(Array(1...50))
    let matrix = randomMatrix(rows, depth, &generator)
    activations = randomMatrix(depth, columns, &generator)
    var mask = [[Bool]](repeating: [Bool](repeating: true, count: depth), count: rows)
    switch zeros {
    case .none: pattern = .dense
    case .balanced:
      let rate = try pick([2, 4, chip.bankSize])
      pattern = .bank(size: chip.bankSize, rate: rate)
      for row in 0..<rows {
        for start in stride(from: 0, to: depth, by: chip.bankSize) {
          let kept = (start..<start + chip.bankSize).shuffled(using: &generator).prefix(chip.bankSize / rate)
          for place in start..<start + chip.bankSize { mask[row][place] = kept.contains(place) }
        }
      }
    case .uneven, .masked:
      for row in 0..<rows {
        for place in 0..<depth { mask[row][place] = Bool.random(using: &generator) }
      }
      pattern =
        zeros == .uneven
        ? .unstructured(zeros: 0.5) : .mask(MaskReference(file: "random", zeros: ZeroMask(mask)))
    }
    let banks = (depth + chip.bankSize - 1) / chip.bankSize
    let size = zeros == .balanced ? chip.bankSize : (depth + banks - 1) / banks
    weights = BankedWeights(matrix, bankSize: size, isIndexed: zeros != .none, keeping: mask)
  }

  var loop: UnitLoop {
    UnitLoop(weights, activations, on: chip, split: split, along: along, elementBits: 8)
  }

  var schedule: UnitSchedule {
    get throws {
      var schedule = UnitSchedule(split: split, unitsAlongOutputs: along)
      let rate = try #require(chip.dataTypes.rates[.int8])
      let op = gemm(weights.banks.count, activations[0].count, weights.depth, weights: pattern)
      for problem in op.matrixProblems {
        schedule.add(
          problem, pattern: pattern, steps: chip.stepsPerRound(pattern, of: problem), rate: rate,
          elementBytes: 1, outputBytes: 1, on: chip)
      }
      return schedule
    }
  }

  var units: Int { chip.cores * chip.unitsPerCore }
}

@Suite("Sparse processing units beside a loop over their steps")
struct UnitLoopTests {
  @Test(arguments: [Case.Zeros.none, .balanced, .uneven, .masked])
  fileprivate func `units compute the product of the masked matrix, and no bank of a buffer is read twice in a step`(
    _ zeros: Case.Zeros
  ) throws {
    for seed in 1...200 {
      let it = try Case(seed: seed, zeros)
      let loop = it.loop
      #expect(loop.result == product(it.weights.masked, it.activations), "seed \(seed)")
      #expect(loop.conflicts == 0, "seed \(seed)")
    }
  }

  @Test func `a schedule of real zeros counts the very steps of the loop`() throws {
    var uneven = 0
    for seed in 1...300 {
      let it = try Case(seed: seed, .masked)
      let (loop, schedule) = (it.loop, try it.schedule)
      #expect(schedule.rounds == loop.rounds, "seed \(seed)")
      #expect(isClose(schedule.busiest, Double(loop.steps.max() ?? 0)), "seed \(seed)")
      #expect(isClose(schedule.issue * Double(it.units), Double(loop.steps.reduce(0, +))), "seed \(seed)")
      #expect(isClose(schedule.executedMACs, Double(loop.macs)), "seed \(seed)")
      #expect(isClose(schedule.usefulMACs, Double(loop.usefulMACs)), "seed \(seed)")
      // Stored padded to the steps: no less than what is kept, no more than what is dense.
      let bits = Double(8 + ceilLog2(it.chip.bankSize))
      #expect(schedule.weightBytes * 8 >= Double(it.weights.kept) * bits * (1 - 1e-9), "seed \(seed)")
      #expect(
        schedule.weightBytes * 8 <= Double(it.weights.banks.count * it.weights.depth) * bits * (1 + 1e-9),
        "seed \(seed)")
      if schedule.imbalance > 0, it.weights.banks.count > it.chip.lanes { uneven += 1 }
    }
    #expect(uneven > 100)
  }

  @Test func `a balanced mask is a bank pattern, a full one is dense`() throws {
    for seed in 1...200 {
      let it = try Case(seed: seed, .balanced)
      let mask = it.weights.masked.enumerated().map { row, values in
        values.indices.map { place in
          it.weights.banks[row][place / it.weights.bankSize].contains { $0.index == place % it.weights.bankSize }
        }
      }
      var masked = it
      masked.pattern = .mask(MaskReference(file: "balanced", zeros: ZeroMask(mask)))
      let (a, b) = (try it.schedule, try masked.schedule)
      for field: KeyPath<UnitSchedule, Double> in [
        \.issue, \.busiest, \.read, \.fill, \.l2, \.executedMACs, \.usefulMACs, \.l1ReadBytes, \.l1FilledBytes,
        \.l2ReadBytes, \.l2WrittenBytes, \.weightBytes, \.indexBytes, \.weightReads, \.networkBytes,
      ] { #expect(isClose(a[keyPath: field], b[keyPath: field]), "seed \(seed), \(field)") }
    }
    let engine = S4Engine(try chip("s4"))
    let full = ZeroMask([[Bool]](repeating: [Bool](repeating: true, count: 200), count: 48))
    let op = gemm(48, 100, 200, weights: .mask(MaskReference(file: "full", zeros: full)))
    guard case .runs(let adapted, _) = engine.fit(op) else { return }
    #expect(adapted.sparsity.weights == .dense)
  }

  @Test func `random zeros take about as long as the expectation over such zeros`() throws {
    let chip = try idealChip()
    var generator = SeededGenerator(seed: 3)
    for zeros in [0.5, 0.8, 0.95] {
      let mask = (0..<256).map { _ in (0..<1024).map { _ in Double.random(in: 0..<1, using: &generator) >= zeros } }
      let real = ZeroMask(mask)
      let answers = [
        SparsityPattern.mask(MaskReference(file: "m", zeros: real)), .unstructured(zeros: 1 - real.density),
      ]
      .map { S4Engine(chip).answer(gemm(256, 1024, 1024, weights: $0)).elapsed.value }
      #expect(abs(answers[0] / answers[1] - 1) < 0.02, "\(zeros): \(answers)")
    }
  }

  @Test(arguments: [Case.Zeros.none, .balanced])
  fileprivate func `a schedule counts the rounds, steps and reads of the loop`(_ zeros: Case.Zeros) throws {
    for seed in 1...300 {
      let it = try Case(seed: seed, zeros)
      let (loop, schedule) = (it.loop, try it.schedule)
      // A dense operand's last bank may be shorter; its lanes wait for the others.
      #expect(schedule.rounds == loop.rounds, "seed \(seed)")
      #expect(isClose(schedule.busiest, Double(loop.steps.max() ?? 0)), "seed \(seed)")
      #expect(isClose(schedule.issue * Double(it.units), Double(loop.steps.reduce(0, +))), "seed \(seed)")
      #expect(schedule.executedMACs == Double(loop.macs), "seed \(seed)")
      #expect(isClose(schedule.usefulMACs, Double(loop.usefulMACs)), "seed \(seed)")
      #expect(isClose(schedule.l1ReadBytes, Double(loop.macs)), "seed \(seed)")
      let indexBits = zeros == .none ? 0 : ceilLog2(it.chip.bankSize)
      #expect(isClose(schedule.indexBytes, Double(it.weights.kept * indexBits) / 8), "seed \(seed)")
      #expect(isClose(schedule.weightBytes, Double(it.weights.kept * (8 + indexBits)) / 8), "seed \(seed)")
    }
  }

  @Test(arguments: [Case.Zeros.none, .balanced])
  fileprivate func `what buffers hand out is counted as it is shared`(_ zeros: Case.Zeros) throws {
    var shared = 0
    for seed in 1...300 {
      let it = try Case(seed: seed, zeros, isEven: true)
      let (loop, schedule) = (it.loop, try it.schedule)
      #expect(isClose(schedule.l2ReadBytes, Double(loop.sharedBits) / 8), "seed \(seed)")
      #expect(isClose(schedule.l1FilledBytes, Double(loop.filledBits) / 8), "seed \(seed)")
      // All units are filled alike.
      #expect(
        isClose(schedule.fill * it.chip.l1Fill.value * Double(it.units), Double(loop.filledBits) / 8), "seed \(seed)")
      if loop.filledBits > loop.sharedBits { shared += 1 }
      // Where cores and units do not divide the product, no byte goes uncounted.
      let (odd, counted) = (try Case(seed: seed, zeros).loop, try Case(seed: seed, zeros).schedule)
      #expect(counted.l2ReadBytes * 8 >= Double(odd.sharedBits) * (1 - 1e-9), "seed \(seed)")
      #expect(counted.l1FilledBytes * 8 >= Double(odd.filledBits) * (1 - 1e-9), "seed \(seed)")
    }
    #expect(shared > 150)
  }

  @Test func `random cases cover padding, idle units and several passes`() throws {
    let cases = try (1...200).map { try Case(seed: $0, .balanced) }
    #expect(cases.count { $0.loop.macs > $0.loop.usefulMACs } > 50)
    #expect(cases.count { $0.loop.steps.contains(0) } > 25)
    #expect(cases.count { $0.weights.banks.count > $0.chip.lanes * $0.along * $0.chip.laneGroupsInFlight } > 25)
    #expect(cases.count { $0.weights.banks[0].count % $0.chip.lanes != 0 } > 25)
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
      let matrix = [[Int]](repeating: [Int](repeating: 1, count: depth), count: rows)
      let mask = (0..<rows).map { row in Array(places[row * depth..<(row + 1) * depth]) }
      let weights = BankedWeights(matrix, bankSize: bank, isIndexed: true, keeping: mask)
      var unit = SparseUnit(chip: chip)
      var result = [[Int]](repeating: [0], count: rows)
      let ones = [[Int]](repeating: [1], count: depth)
      for group in stride(from: 0, to: rows, by: lanes) {
        unit.round(weights, ones, rows: group..<group + lanes, columns: 0..<1, into: &result)
      }
      let steps = unit.steps
      means.append(Double(steps) / 32)
    }
    let mean = means.reduce(0, +) / 40
    let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39
    let problem = try #require(gemm(rows, 1, depth, weights: .unstructured(zeros: zeros)).matrixProblems.first)
    let expected = chip.stepsPerRound(.unstructured(zeros: zeros), of: problem).mean / 8
    // Five standard errors, and a thousandth for taking lanes as independent.
    #expect(abs(mean - expected) < 5 * (variance / 40).squareRoot() + 1e-3 * expected, "\(mean), not \(expected)")
    #expect(expected > Double(bank) * (1 - zeros))
  }
}
