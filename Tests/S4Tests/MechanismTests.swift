import Bench
import Diagnostics
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Mechanisms of the S4, one at a time")
struct MechanismTests {
  private let clock = 0.9e9
  /// Whole rounds on all 32 units: 16 lanes × 32 columns each.
  private let m = 512
  private let n = 1024
  private let k = 4096

  private func engine(_ chip: S4Processor) -> S4Engine { S4Engine(chip) }

  private func rate(_ factor: Int) -> SparsityPattern { factor == 1 ? .dense : .bank(size: 64, rate: factor) }

  @Test(arguments: [1, 2, 4, 8, 16, 32])
  func `with nothing in the way, time is kept multiply-accumulates over the rate`(_ factor: Int) throws {
    let answer = engine(try idealChip()).answer(gemm(m, n, k, weights: rate(factor)))
    let macs = Double(m * n * k) / Double(factor)
    #expect(isClose(answer.elapsed.value, macs / (512 * 32 * clock)))
    #expect(answer.bound == .issue && answer.macs.padded == 0 && answer.macs.useful == m * n * k / factor)
    guard case .rounds(1024, rate: factor, _) = answer.mapping else {
      Issue.record("\(answer.mapping)")
      return
    }
  }

  @Test func `bf16 takes its own rate`() throws {
    let chip = try idealChip()
    let ratio = engine(chip).answer(gemm(m, n, k, type: .bf16)).elapsed / engine(chip).answer(gemm(m, n, k)).elapsed
    #expect(isClose(ratio, 2))
    guard case .runs(let half, let changes) = engine(chip).fit(gemm(m, n, k, type: .fp16)) else { return }
    #expect(half.dataType == .bf16 && changes == ["fp16 runs as bf16"])
  }

  @Test func `filling a unit takes longer than its products from some rate on`() throws {
    var chip = try idealChip()
    chip.l1Fill = try S4Tests.chip("s4").l1Fill
    // A reduction of 4096 and one group of lanes for each unit: nothing that is filled is used twice.
    var isFillBound: [Int: Bool] = [:]
    for factor in chip.rates {
      let steps = Double(k) / Double(factor)
      // Each core has 1024 positions: 32 groups of columns for all of its units, each with lanes of its own.
      let activations = Double(k) * 32
      let weights = steps * 16 * (factor == 1 ? 1 : 1.75)
      let fill = (activations + weights) / chip.l1Fill.value
      let schedule = try schedule(gemm(128, 4096, k, weights: rate(factor)), .broadcast, along: 8, on: chip)
      #expect(isClose(schedule.core, 32 * max(steps, fill)), "\(factor)x")
      #expect(isClose(schedule.feed, 32 * max(0, fill - steps)), "\(factor)x")
      isFillBound[factor] = schedule.fill > schedule.busiest
    }
    // 4096 × 32 bytes of activations take 323 cycles; at 8x the products take 512, at 16x 256.
    #expect(isFillBound[8] == false && isFillBound[16] == true)
  }

  private func schedule(
    _ op: Operator, _ split: SplitOverCores, along: Int, on chip: S4Processor
  ) throws -> UnitSchedule {
    let rate = try #require(chip.dataTypes.rates[.int8])
    var schedule = UnitSchedule(split: split, unitsAlongOutputs: along)
    for problem in op.matrixProblems {
      schedule.add(
        problem, pattern: op.sparsity.weights, steps: chip.stepsPerRound(op.sparsity.weights, of: problem), rate: rate,
        elementBytes: 1, outputBytes: 1, on: chip)
    }
    return schedule
  }

  @Test func `a unit that sums up fewer groups of lanes at once is filled more often`() throws {
    var chip = try idealChip()
    // 128 groups of lanes for eight units that all take the same columns: 16 for each. A sum is four bytes.
    let op = gemm(2048, 4 * 32, 64)
    for (groups, passes) in [(16, 1.0), (15, 2), (8, 2), (4, 4), (1, 16)] {
      chip.l1Capacity = Bytes(Int64(groups * 2 * 4 * 512))
      let schedule = try schedule(op, .broadcast, along: 8, on: chip)
      #expect(isClose(schedule.fill * chip.l1Fill.value, passes * 64 * 32 + 16 * 16 * 64), "\(groups)")
    }
    // Weights that do not fit half of the shared buffer pass group by group.
    chip.l1Capacity = Bytes(16 * 2 * 4 * 512)
    chip.l2Capacity = Bytes(2048 * 64)
    let streamed = try schedule(op, .broadcast, along: 8, on: chip)
    #expect(isClose(streamed.fill * chip.l1Fill.value, 16 * 64 * 32 + 16 * 16 * 64))
  }

  @Test func `a slow shared buffer, network or memory sets the time`() throws {
    let weights = 512.0 * 4096
    let activations = 4096.0 * 1024
    let results = 512.0 * 1024
    let op = gemm(m, n, k)
    var chip = try idealChip()
    chip.l2Port = BytesPerCycle(10)
    // A core's 256 positions are a group of columns for each unit. A unit has all 32 groups of lanes, and sums up 13
    // at a time: three passes over the activations, one over the weights.
    let moved = 3 * activations / 4 + weights + results / 4
    let buffer = engine(chip).answer(op)
    #expect(isClose(buffer.elapsed.value, moved / 10 / clock) && buffer.bound == .l2)

    chip = try idealChip()
    (chip.network, chip.topology) = (BytesPerSecond(1e9), .bus)
    // Cores that read all weights themselves need no network, and no memory is ever short here.
    #expect(engine(chip).answer(op).bound == .issue)
    chip.dram.streamBandwidth = BytesPerSecond(1e9)
    // Activations and three quarters of results cross it where cores share the weights; that takes longer than casting
    // the weights to all.
    let network = engine(chip).answer(op, inputsOnChip: true, outputOnChip: true)
    #expect(isClose(network.elapsed.value, weights / 1e9))
    if case .rounds(_, _, .broadcast) = network.mapping {} else { Issue.record("\(network.mapping)") }
    // A ring has its links at once: of what all cast, three eighths on each.
    chip.topology = .ring
    let macs = try #require(chip.dataTypes.rates[.int8])
    let ring = engine(chip).schedule(Task(op, inputsOnChip: true, outputOnChip: true), rate: macs)
    #expect(isClose(ring.networkBytes, ring.split == .broadcast ? weights * 3 / 8 : activations * 3 / 8 + results / 8))

    chip = try idealChip()
    chip.dram.streamBandwidth = BytesPerSecond(1e9)
    let memory = engine(chip).answer(op)
    #expect(isClose(memory.elapsed.value, (weights + activations + results) / 1e9) && memory.bound == .dram)
    let resident = engine(chip).answer(op, inputsOnChip: true, outputOnChip: true)
    #expect(isClose(resident.elapsed.value, weights / 1e9))
    // Compressed weights come with six bits of index each.
    let sparse = engine(chip).answer(gemm(m, n, k, weights: rate(16)), inputsOnChip: true, outputOnChip: true)
    #expect(isClose(sparse.elapsed.value, weights / 16 * 1.75 / 1e9))
    #expect(sparse.traffic.metadata == Bytes(Int64(weights / 16 * 0.75)))
  }

  @Test func `the split over cores is the fastest one`() throws {
    var chip = try chip("s4")
    chip.dram.streamBandwidth = BytesPerSecond(1e15)
    func split(_ op: Operator) -> SplitOverCores? {
      guard case .rounds(_, _, let split) = engine(chip).answer(op, inputsOnChip: true, outputOnChip: true).mapping
      else { return nil }
      return split
    }
    // Many positions, few weights: weights go to everybody. One position, many weights: outputs are split.
    #expect(split(gemm(512, 65_536, 512)) == .broadcast)
    #expect(split(gemm(16_384, 1, 4096)) == .outputs)
    // Products of activations share nothing.
    #expect(split(gemm(384, 384, 64, batch: 48, hasWeights: false)) == .batch)
    for op in [gemm(512, 65_536, 512), gemm(16_384, 1, 4096), gemm(1000, 33, 2048, weights: rate(16))] {
      let rate = try #require(chip.dataTypes.rates[.int8])
      let task = Task(op, inputsOnChip: true, outputOnChip: true)
      let best = engine(chip).schedule(task, rate: rate)
      func time(_ s: UnitSchedule) -> Double {
        max(
          max(s.core, s.l2) / clock, s.weightReads / chip.dram.streamBandwidth.value,
          s.networkBytes / chip.network.value)
      }
      for split in SplitOverCores.allCases {
        for along in [1, 2, 4, 8] {
          #expect(time(best) <= time(try schedule(op, split, along: along, on: chip)))
        }
      }
    }
  }

  @Test func `a tiny operator is bound by its launch`() throws {
    var chip = try idealChip()
    chip.launch = Cycles(500)
    let answer = engine(chip).answer(gemm(16, 32, 64))
    #expect(answer.bound == .launch && isClose(answer.elapsed.value, (500 + 64) / clock))
  }

  @Test func `part-filled lanes, columns and banks are padded`() throws {
    let answer = engine(try idealChip()).answer(gemm(17, 33, 65))
    // Two groups of lanes, two of columns; two banks of 33.
    #expect(answer.macs.useful + answer.macs.padded == 2 * 2 * 16 * 32 * 66)
    // Fewer rounds than units: as long as one.
    #expect(isClose(answer.elapsed.value, 66 / clock))
    // A reduction shorter than a bank takes only its own steps.
    #expect(isClose(engine(try idealChip()).answer(gemm(16, 32, 27)).elapsed.value, 27 / clock))
  }

  @Test func `samples taken in turns read the weights again, and launch again`() throws {
    var chip = try idealChip()
    chip.launch = Cycles(500)
    let op = gemm(m, n, k)
    let weights = Int64(512 * 4096)
    for turns in [1, 2, 4] {
      let answer = engine(chip).answer(op, inputsOnChip: true, outputOnChip: true, turns: turns)
      #expect(answer.traffic.dramRead.count >= Int64(turns) * weights)
      #expect(answer.traffic.dramRead.count <= Int64(4 * turns) * weights)
      #expect(isClose(answer.elapsed.value, (500 * Double(turns) + 4096 * 1024 / 32) / clock))
    }
    // Part-filled groups of columns, turn after turn: 49 positions take as many steps as 64.
    let small = gemm(512, 4 * 4 * 49, 512)
    let (whole, parts) = (engine(chip).answer(small), engine(chip).answer(small, turns: 4))
    #expect(parts.macs.padded > whole.macs.padded)
  }

  /// A chain of products whose results all have 512 features.
  private func chain(_ samples: Int, _ columns: Int, capacity: Int) throws -> RunResult {
    var chip = try idealChip()
    chip.l2Capacity = Bytes(Int64(capacity))
    let operators = (0..<3).map { _ in gemm(512, columns, 512) }
    let machine = Machine(name: "s4", title: "", architecture: .s4(chip))
    return try Simulator.simulate(
      Workload(name: "chain", source: "test", samples: samples, operators: operators), on: machine)
  }

  @Test func `what a turn holds stays on chip, and spills where a single sample does not fit`() throws {
    func traffic(_ samples: Int, _ columns: Int) throws -> [Traffic] {
      let run = try chain(samples, columns, capacity: 1 << 20)
      return run.operators.prefix(3).map { run.estimate(of: $0).traffic }
    }
    func rounded(_ bytes: Bytes, _ unit: Int) -> Int { Int(bytes.count) / unit }
    // 1 MiB of activations and results in 2 MiB of buffers: inputs and results of the network move, nothing else.
    let resident = try traffic(1, 1024)
    #expect(resident[0].dramWritten == .zero && resident[1].dramWritten == .zero)
    #expect(resident[2].dramWritten == Bytes(512 * 1024))
    #expect(resident[0].dramRead == resident[1].dramRead + Bytes(512 * 1024))
    // 4 MiB of one sample do not fit and move.
    let spilled = try traffic(1, 4096)
    #expect(spilled[1].dramWritten + spilled[0].dramWritten >= Bytes(512 * 4096))
    #expect(spilled[1].dramRead > resident[1].dramRead)
    // As many samples of that size together do, in turns.
    let turns = try traffic(16, 4096)
    #expect(turns[0].dramWritten == .zero && turns[1].dramWritten == .zero)
    #expect(turns[1].dramRead == resident[1].dramRead * 2)
  }

  @Test(arguments: [1 << 18, 1 << 20, 3 << 20, 1 << 26])
  func `a turn never holds more than there is room for`(_ capacity: Int) throws {
    for (samples, columns) in [(1, 64), (8, 4096), (32, 3 * 4096), (5, 1000)] {
      let operators = (0..<6).map { index in
        Operator(
          name: "\(index)", kind: .gemm(GEMM(m: 512, n: columns, k: 512)), dataType: .int8,
          // Every third result is needed twice.
          dependencies: index == 0 ? [] : index % 3 == 2 ? [index - 1, index - 2] : [index - 1])
      }
      let residency = ResidencyPlan(turning: operators, samples: samples).residency(capacity: capacity)
      let graph = Dependencies(operators)
      let outputs = operators.map { Int(Footprint($0).c.count) }
      for step in graph.steps(outputs) {
        // External inputs stream; only results are held.
        let held = (step.alive + step.operators.filter { graph.lastUse[$0] != nil })
          .filter { residency.outputOnChip[$0] }.reduce(0) { $0 + outputs[$1] }
        #expect(held <= capacity * residency.turns, "\(samples) samples of \(columns)")
      }
      #expect(residency.turns <= samples)
      for (index, op) in operators.enumerated() {
        #expect(
          residency.inputsOnChip[index] == (index > 0 && op.dependencies.allSatisfy { residency.outputOnChip[$0] }))
      }
    }
  }

  @Test func `keys and values of earlier steps come from off-chip memory`() throws {
    func traffic(_ queries: Int, _ keys: Int) throws -> Traffic {
      let attention = Attention(batch: 4, heads: 8, queryLength: queries, keyLength: keys, headDimension: 64)
      let op = Operator(name: "attention", kind: .attention(attention), dataType: .int8)
      return engine(try idealChip()).answer(op, inputsOnChip: true, outputOnChip: true).traffic
    }
    #expect(try traffic(128, 128).dramRead == .zero)
    #expect(try traffic(1, 1024).dramRead == Bytes(2 * 4 * 8 * 64 * 1023))
  }

  @Test func `a model, its tables and its cache must fit the memory, but a dense baseline need not`() throws {
    let weights = gemm(1 << 15, 16, 1 << 15)
    let table = Operator(
      name: "table", kind: .embedding(Embedding(rows: 16, width: 1 << 15, vocabulary: 1 << 15)), dataType: .int8)
    func problem(_ operators: [Operator], _ capacity: Int64, chips: Int = 1) throws -> Diagnostic? {
      var chip = try idealChip()
      (chip.dram.capacity, chip.chips) = (Bytes(capacity), chips)
      do {
        _ = try Simulator.simulate(
          Workload(name: "net", source: "test", operators: operators),
          on: Machine(name: "s4", title: "", architecture: .s4(chip)))
        return nil
      } catch { return error.diagnostics.first }
    }
    for operators in [[weights], [table]] {
      #expect(try problem(operators, 1 << 30) == nil)
      #expect(try problem(operators, 1 << 30 - 1)?.code == .exceedsMemory)
    }
    var layers = weights
    layers.repeats = 3
    #expect(try problem([layers], 3 << 30) == nil && problem([layers], 3 << 30 - 1) != nil)
    var pruned = weights
    pruned.sparsity.weights = rate(16)
    // A value and six bits of index for each of 16.
    let stored: Int64 = (1 << 30) / 16 * 14 / 8
    #expect(try problem([pruned], stored) == nil && problem([pruned], stored - 1) != nil)
    // Every chip has all weights, and the keys and values of its samples.
    let attention = Operator(
      name: "attention",
      kind: .attention(Attention(batch: 4, heads: 8, queryLength: 1, keyLength: 1025, headDimension: 64)),
      dataType: .int8)
    for chips in [1, 2, 4] {
      let needed = Int64((1 << 30) + 2 * 4 * 8 * 64 * 1024 / chips)
      #expect(try problem([weights, attention], needed, chips: chips) == nil)
      #expect(try problem([weights, attention], needed - 1, chips: chips)?.code == .exceedsMemory)
    }
  }

  @Test func `folded normalizations take no time, and epilogues only what they read beside their product`() throws {
    let product = gemm(m, n, k)
    func op(_ name: String, _ kind: OperatorKind, _ dependencies: [Int]) -> Operator {
      Operator(name: name, kind: kind, dataType: .int8, dependencies: dependencies)
    }
    var first = product
    first.name = "first"
    let operators = [
      first, op("bn", .normalization(Normalization(.batch, rows: m, width: n)), [0]),
      op("relu", .elementwise(Elementwise(.relu, elements: m * n)), [1]),
      op("layer", .normalization(Normalization(.layer, rows: n, width: m)), [2]),
      // Needed by two: stays alone.
      op("shared", .elementwise(Elementwise(.relu, elements: m * n)), [3]),
      op("add", .elementwise(Elementwise(.add, elements: m * n, inputs: 2)), [3, 4]),
    ]
    #expect(Fusion(operators, .none).parts.allSatisfy { $0 == .alone })
    #expect(Fusion(operators, .folding).parts == [.alone, .folded, .alone, .alone, .alone, .alone])
    #expect(Fusion(operators, .epilogues).parts == [.alone, .folded, .epilogue, .alone, .alone, .alone])
    let run = try Simulator.simulate(
      Workload(name: "block", source: "test", operators: operators),
      on: Machine(name: "s4", title: "", architecture: .s4(try idealChip())))
    #expect(run.operators[1].exposed == .zero && run.estimate(of: run.operators[1]).mapping == .folded)
  }

  @Test func `a rate that the units have not got is refused, with one that would fit`() throws {
    let engine = engine(try chip("s4"))
    for (factor, fits) in [(64, "32x"), (3, "2x"), (5, "4x")] {
      guard
        case .impossible(.unsupportedPattern, let reason, let help) = engine.fit(
          gemm(m, n, k, weights: .bank(size: 960, rate: factor)))
      else {
        Issue.record("\(factor)x runs")
        continue
      }
      #expect(reason.contains("no rate of \(factor)x") && help.hasPrefix("\(fits) would fit"))
    }
  }

  @Test func `transfers hide behind the step, or follow it`() throws {
    let chip = try idealChip()
    let op = gemm(m, n, k)
    func run(_ link: Double, _ isOne: Bool) throws -> Double {
      var chip = chip
      chip.hostLink = BytesPerSecond(link)
      let machine = Machine(name: "s4", title: "", architecture: .s4(chip))
      return try Simulator.simulate(
        Workload(name: "one", source: "test", operators: [op]), on: machine,
        options: SimulationOptions(isOneRequestAtATime: isOne)
      ).totals.elapsed.value
    }
    let bytes = Double(k * n + m * n)
    let alone = engine(chip).answer(op).elapsed.value
    #expect(isClose(try run(1e9, false), bytes / 1e9))
    #expect(isClose(try run(1e15, false), alone))
    #expect(isClose(try run(1e9, true), alone + bytes / 1e9))
  }

  @Test(arguments: [("s10", 2), ("s30", 3)])
  func `chips scale throughput`(_ name: String, _ chips: Int) throws {
    let (one, many) = (engine(try chip("s4")), engine(try chip(name)))
    for factor in [1, 8, 32] {
      let op = gemm(512, 96 * 1024, 2048, weights: rate(factor))
      let (a, b) = (one.answer(op, inputsOnChip: true), many.answer(op, inputsOnChip: true))
      let launch = 500 / clock
      #expect(isClose((a.elapsed.value - launch) / (b.elapsed.value - launch), Double(chips), 0.01), "\(factor)x")
      #expect(a.macs == b.macs)
    }
  }

  @Test func `at the power limit the clock falls until power is the limit`() throws {
    var chip = try idealChip()
    let op = gemm(m, n, k)
    let free = engine(chip).answer(op)
    #expect(free.clock == chip.clock && !free.isPowerCapped)
    // Half of what it draws beyond idling, and no voltage to lower: half the clock.
    let draw = free.energy.total / free.elapsed - chip.idle
    chip.cap = chip.idle + draw / 2
    let capped = engine(chip).answer(op)
    #expect(capped.isPowerCapped && capped.bound == .power)
    #expect(isClose(capped.clock.value, chip.clock.value / 2, 1e-6))
    #expect(isClose((capped.energy.total / capped.elapsed).value, chip.cap.value, 1e-6))
    #expect(capped.energy.mac == free.energy.mac)
  }

  @Test(arguments: [
    (SparsityPattern.structured(n: 2, m: 4), 2), (.structured(n: 1, m: 4), 4), (.structured(n: 2, m: 8), 4),
    (.structured(n: 3, m: 8), 2), (.structured(n: 2, m: 16), 8), (.structured(n: 1, m: 32), 32),
    (.bank(size: 32, rate: 8), 8),
  ])
  func `groups that fill banks run at the fastest rate that keeps them`(
    _ pattern: SparsityPattern, _ factor: Int
  ) throws {
    let engine = engine(try idealChip())
    guard case .runs(let op, let changes) = engine.fit(gemm(m, n, k, weights: pattern)) else { return }
    #expect(op.sparsity.weights == rate(factor))
    #expect(changes == ["\(pattern) weights run at the rate of \(factor)x"])
    #expect(engine.answer(op).elapsed == engine.answer(gemm(m, n, k, weights: rate(factor))).elapsed)
  }

  @Test(arguments: [
    (SparsityPattern.structured(n: 2, m: 6), "groups of 6 do not fill banks of 64"),
    (.bank(size: 128, rate: 4), "banks of 128 do not divide the machine's banks of 64"),
    (.fanIn(8), "its banks may keep any number of values"),
    (.block(rows: 16, columns: 16, zeros: 0.5), "its banks may keep any number of values"),
    (.vectorStructured(v: 64, n: 2, m: 8), "its banks may keep any number of values"),
  ])
  func `patterns that fit no bank run dense and say why`(_ pattern: SparsityPattern, _ reason: String) throws {
    let engine = engine(try idealChip())
    let op = gemm(m, n, k, weights: pattern)
    guard case .runs(_, let changes) = engine.fit(op) else { return }
    #expect(changes == ["\(pattern) weights run dense: \(reason)"])
    #expect(engine.answer(op).elapsed == engine.answer(gemm(m, n, k)).elapsed)
  }

  @Test func `sparse activations and scores bring nothing`() throws {
    let engine = engine(try idealChip())
    var op = gemm(m, n, k)
    op.sparsity.activations = .structured(n: 2, m: 4)
    guard case .runs(let adapted, let changes) = engine.fit(op) else { return }
    #expect(adapted.sparsity == .dense)
    #expect(changes == ["2:4 activations run dense: only weights are compressed"])
  }

  @Test func `vector work hides behind the product before it, but not for longer than that takes`() throws {
    var chip = try idealChip()
    let product = gemm(m, n, k)
    func relu(_ elements: Int) -> Operator {
      Operator(name: "relu", kind: .elementwise(Elementwise(.relu, elements: elements)), dataType: .int8)
    }
    func exposed(_ operators: [Operator]) throws -> [Double] {
      let machine = Machine(name: "s4", title: "", architecture: .s4(chip))
      return try Simulator.simulate(Workload(name: "chain", source: "test", operators: operators), on: machine)
        .operators.map(\.exposed.value)
    }
    let matrix = engine(chip).answer(product).elapsed.value
    // As much vector work as fills 0.4 of the product.
    let elements = Int(0.4 * matrix * clock * chip.vector.operationsPerCycle)
    let part = try exposed([relu(elements)])[0]
    #expect(isClose(part, 0.4 * matrix, 1e-3))
    let chain = try exposed([product, relu(elements), relu(elements), relu(elements), product, relu(elements)])
    #expect(chain[0] == matrix && chain[1] == 0 && chain[2] == 0)
    #expect(isClose(chain[3], 3 * part - matrix, 1e-6))
    #expect(chain[4] == matrix && chain[5] == 0)
    chip.vector.operationsPerCycle /= 1000
    #expect(isClose(try exposed([product, relu(elements)])[1], 1000 * part - matrix, 1e-6))
  }

  @Test(arguments: ["s4", "s10", "s30"])
  func `times add up and nothing beats its rooflines`(_ name: String) throws {
    let chip = try chip(name)
    let engine = engine(chip)
    let peak = 512 * Double(chip.cores * chip.unitsPerCore * chip.chips) * chip.clock.value
    for m in [1, 64, 1000] {
      for n in [1, 196, 25_088] {
        for k in [27, 576, 4608] {
          for weights in [rate(1), rate(8), rate(32), .unstructured(zeros: 0.8)] {
            let answer = engine.answer(gemm(m, n, k, weights: weights))
            let elapsed = answer.elapsed.value
            for time in [answer.matrix, answer.vector, answer.memory] {
              #expect(isClose(time.total.value, elapsed))
              for bound in Bound.allCases { #expect(time.stalled[bound] >= Seconds(-1e-12 * elapsed)) }
            }
            let executed = Double(answer.macs.useful + answer.macs.padded)
            #expect(elapsed * (1 + 1e-9) >= executed / peak)
            let memory = (answer.traffic.dram / chip.dram.streamBandwidth).value / Double(chip.chips)
            #expect(elapsed * (1 + 1e-9) >= memory)
            #expect(answer.traffic.l1Filled >= answer.traffic.l2Read)
          }
        }
      }
    }
  }
}
