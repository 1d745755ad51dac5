import Bench
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

  private func engine(_ chip: S4Processor, samples: Int? = nil) -> S4Engine { S4Engine(chip, samples: samples) }

  private func rate(_ factor: Int) -> SparsityPattern { factor == 1 ? .dense : .bank(size: 64, rate: factor) }

  @Test(arguments: [1, 2, 4, 8, 16, 32])
  func `with nothing in the way, time is kept multiply-accumulates over the rate`(_ factor: Int) throws {
    let answer = engine(try idealChip()).answer(gemm(m, n, k, weights: rate(factor)))
    let macs = Double(m * n * k) / Double(factor)
    #expect(isClose(answer.elapsed.value, macs / (512 * 32 * clock)))
    #expect(answer.bound == .issue && answer.macs.padded == 0 && answer.macs.useful == m * n * k / factor)
    #expect(answer.mapping == .rounds(1024, rate: factor))
  }

  @Test func `bf16 takes its own rate`() throws {
    let chip = try idealChip()
    let ratio = engine(chip).answer(gemm(m, n, k, type: .bf16)).elapsed / engine(chip).answer(gemm(m, n, k)).elapsed
    #expect(isClose(ratio, 2))
    guard case .runs(let half, let changes) = engine(chip).fit(gemm(m, n, k, type: .fp16)) else { return }
    #expect(half.dataType == .bf16 && changes == ["fp16 runs as bf16"])
  }

  @Test func `the local port binds from the rate at which a bank's operands take longer than its products`() throws {
    var chip = try idealChip()
    chip.l1Port = try S4Tests.chip("s4").l1Port
    var bounds: [Int: Bound] = [:]
    for factor in chip.rates {
      let kept = 64.0 / Double(factor)
      let activations = 64.0 * 32
      let weights = kept * 16 * (factor == 1 ? 1 : 1.75)
      let port = (activations + weights) / chip.l1Port.value
      let answer = engine(chip).answer(gemm(m, n, k, weights: rate(factor)))
      let banks = 1024.0 / 32 * 64
      #expect(isClose(answer.elapsed.value, banks * max(kept, port) / clock), "\(factor)x")
      bounds[factor] = answer.bound
      #expect(answer.bound == (port > kept ? .localMemory : .issue), "\(factor)x")
    }
    // 64 kept values of 16 × 32 MACs at 512 a cycle are 64 cycles; their activations alone are 4.
    #expect(bounds[8] == .issue && bounds[16] == .localMemory)
  }

  @Test func `a slow shared buffer, network or memory sets the time`() throws {
    let weights = 512.0 * 4096
    let activations = 4096.0 * 1024
    let results = 512.0 * 1024
    let op = gemm(m, n, k)
    var chip = try idealChip()
    chip.l2Port = BytesPerCycle(100)
    // 32 groups of lanes, eight units a core: four passes over the activations; 32 groups of columns each load all
    // weights.
    let moved = 4 * activations + 32 * weights + results
    let buffer = engine(chip).answer(op)
    #expect(isClose(buffer.elapsed.value, moved / 4 / 100 / clock) && buffer.bound == .l2)

    chip = try idealChip()
    chip.network = BytesPerSecond(1e9)
    let network = engine(chip).answer(op)
    #expect(isClose(network.elapsed.value, weights / 1e9) && network.bound == .network)

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

  @Test func `a tiny operator is bound by its launch`() throws {
    var chip = try idealChip()
    chip.launch = Cycles(500)
    let answer = engine(chip).answer(gemm(16, 32, 64))
    #expect(answer.bound == .launch && isClose(answer.elapsed.value, (500 + 64) / clock))
  }

  @Test func `part-filled lanes, columns and banks are padded`() throws {
    let answer = engine(try idealChip()).answer(gemm(17, 33, 65))
    #expect(answer.macs.useful + answer.macs.padded == 2 * 2 * 16 * 32 * 128)
    // Four rounds for 32 units: as long as one.
    #expect(isClose(answer.elapsed.value, 128 / clock))
    // A reduction shorter than a bank takes only its own steps.
    #expect(isClose(engine(try idealChip()).answer(gemm(16, 32, 27)).elapsed.value, 27 / clock))
  }

  @Test func `samples taken in turns read the weights again`() throws {
    var chip = try idealChip()
    chip.l2Capacity = Bytes(1 << 20)
    // Half of four buffers holds 2 MiB; activations and results are 4.5 MiB: three turns.
    let op = gemm(m, n, k)
    func read(_ samples: Int?) -> Int64 {
      engine(chip, samples: samples).answer(op, inputsOnChip: true, outputOnChip: true).traffic.dramRead.count
    }
    let weights = Int64(512 * 4096)
    #expect(read(64) == 3 * weights)
    // One sample cannot be cut any further.
    #expect(read(1) == weights && read(2) == 2 * weights && read(nil) == weights)
    chip.l2Capacity = Bytes(1 << 30)
    #expect(read(64) == weights)
  }

  @Test func `what a turn holds stays on chip, and spills where a single sample does not fit`() throws {
    var chip = try idealChip()
    chip.l2Capacity = Bytes(1 << 20)
    func traffic(_ samples: Int, _ columns: Int) throws -> [Traffic] {
      let operators = (0..<3).map { _ in gemm(512, columns, 512) }
      let machine = Machine(name: "s4", title: "", architecture: .s4(chip))
      let run = try Simulator.simulate(
        Workload(name: "chain", source: "test", samples: samples, operators: operators), on: machine)
      return run.operators.map { run.estimate(of: $0).traffic }
    }
    // 1 MiB of activations and results in 2 MiB of buffers.
    let resident = try traffic(1, 1024)
    #expect(resident[0].dramRead == Bytes(512 * 512 + 512 * 1024) && resident[0].dramWritten == .zero)
    #expect(resident[1].dram == Bytes(512 * 512))
    #expect(resident[2].dramWritten == Bytes(512 * 1024))
    // 4 MiB of one sample do not fit and move twice.
    let spilled = try traffic(1, 4096)
    #expect(spilled[1].dram == Bytes(512 * 512 + 2 * 512 * 4096))
    // As many samples of that size together do, in turns.
    let turns = try traffic(16, 4096)
    #expect(turns[1].dram == Bytes(2 * 512 * 512))
  }

  @Test(arguments: [("s10", 2), ("s30", 3)])
  func `chips scale throughput`(_ name: String, _ chips: Int) throws {
    let (one, many) = (engine(try chip("s4"), samples: 96), engine(try chip(name), samples: 96))
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
    let engine = engine(chip, samples: 32)
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
