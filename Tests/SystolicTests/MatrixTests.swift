import Bench
import Diagnostics
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

@Suite("Matrix operators on systolic arrays")
struct MatrixTests {
  /// Random products of all shapes and patterns that the machines meet.
  static func operators(_ count: Int) -> [Operator] {
    var generator = SeededGenerator(seed: 7)
    func pick(_ values: [Int]) -> Int { values.randomElement(using: &generator) ?? 1 }
    return (0..<count).map { _ in
      let pattern: SparsityPattern = [.dense, .structured(n: 2, m: 4), .structured(n: 2, m: 8)][pick([0, 1, 2])]
      let isGradient = pick([0, 1, 2]) == 0
      return gemm(
        pick([1, 8, 64, 100, 512, 3072]), pick([1, 16, 49, 784, 4096, 50_176]), pick([8, 64, 576, 1000, 4608]),
        batch: pick([1, 1, 12]), weights: isGradient ? .dense : pattern, activations: isGradient ? pattern : .dense,
        phase: [.inference, .forward, .backwardData][pick([0, 1, 2])])
    }
  }

  @Test func `a fold of a dense array takes the moving rows plus two heights and a width`() throws {
    let folds = FoldedProduct(
      ArrayProduct(rows: 1000, columns: 32, depth: 32), on: try array("sat"), dataflow: .weightStationary,
      outputCapacity: 1)
    #expect(folds.cycles == 1000 + 2 * 32 + 32 - 2)
  }

  @Test func `a fold of group elements takes n cycles a row and a register`() throws {
    let folds = FoldedProduct(
      ArrayProduct(rows: 1000, columns: 64, depth: 512, kept: 2, group: 8), on: try array("sat"),
      dataflow: .weightStationary, outputCapacity: 1 << 20)
    #expect(folds.along == 2 && folds.across == 2)
    #expect(folds.cycles == 4 * (2 * 1000 + 32 + 32 - 2 + 2 * 32))
  }

  @Test func `dense filters fill the registers of group elements where that saves folds`() throws {
    let engine = try engine(array("sat"), .weightStationary)
    func folds(_ depth: Int) -> Mapping { engine.answer(gemm(32, 1024, depth)).mapping }
    #expect(folds(32) == .folds(.weightStationary, along: 1, across: 1))
    #expect(folds(512) == .folds(.weightStationary, along: 1, across: 1))
    // 18 folds of one value, 9 of two; with four or more the last fold would be part-filled.
    #expect(folds(576) == .folds(.weightStationary, along: 9, across: 1))
  }

  @Test func `without interleaving a dependent addition waits for the accumulator`() throws {
    var array = try array("sat")
    let product = ArrayProduct(rows: 64, columns: 32, depth: 256, kept: 2, group: 8)
    func cycles(_ dataflow: SystolicArray.Dataflow) -> Int {
      FoldedProduct(product, on: array, dataflow: dataflow, outputCapacity: 1 << 20).cycles
    }
    #expect(cycles(.weightStationary) == 64 + 62 + 64 * 2)
    #expect(cycles(.outputStationary) == 2 * (64 + 62))
    array.interleaving = 1
    #expect(cycles(.weightStationary) == 64 + 62 + 64 * (4 + 1))
    #expect(cycles(.outputStationary) == 2 * (63 * 4 + 1 + 62))
  }

  @Test(arguments: [(2, 4), (4, 8), (2, 8), (2, 16), (1, 16)])
  func `compute of a pruned product tends to n of m of the dense one`(_ n: Int, _ m: Int) throws {
    let sat = try array("sat")
    for dataflow in SystolicArray.Dataflow.allCases {
      func cycles(_ kept: Int, _ group: Int) -> Int {
        FoldedProduct(
          ArrayProduct(rows: 1 << 20, columns: 64, depth: 1 << 16, kept: kept, group: group), on: sat,
          dataflow: dataflow, outputCapacity: 1 << 30
        ).cycles
      }
      let speedup = Double(cycles(1, 1)) / Double(cycles(n, m))
      let ideal = Double(m) / Double(n)
      #expect(speedup > 0.98 * ideal && speedup < 1.001 * ideal, "\(dataflow)")
    }
  }

  @Test(arguments: ["systolic-32x32", "systolic-128x128", "sat"])
  func `a pattern that keeps everything is dense`(_ name: String) throws {
    let engine = try engine(array(name))
    let dense = engine.answer(gemm(256, 128, 256))
    let full = engine.answer(gemm(256, 128, 256, weights: .structured(n: 4, m: 4)))
    #expect(full.cycles == dense.cycles && full.traffic == dense.traffic && full.macs == dense.macs)
    guard case .runs(_, let changes) = engine.fitting.adapt(gemm(8, 8, 8, weights: .structured(n: 4, m: 4))) else {
      return
    }
    #expect(changes.isEmpty)
    // And the closed form itself, whatever the adaptation does.
    let array = try array("systolic-32x32")
    for dataflow in SystolicArray.Dataflow.allCases {
      let pair = [(1, 1), (4, 4)].map { kept, group in
        FoldedProduct(
          ArrayProduct(rows: 100, columns: 70, depth: 200, kept: kept, group: group), on: array, dataflow: dataflow,
          outputCapacity: 1 << 20)
      }
      #expect(pair[0] == pair[1])
    }
  }

  @Test(arguments: ["systolic-32x32", "systolic-128x128", "sat"])
  func `times add up, nothing beats its roofline and accesses are consistent`(_ name: String) throws {
    let array = try array(name)
    let engine = try engine(array)
    for op in Self.operators(300) {
      let answer = engine.answer(op)
      let elapsed = answer.elapsed.value
      for time in [answer.matrix, answer.vector, answer.memory] {
        #expect(abs(time.total.value - elapsed) <= 1e-12 * elapsed)
        for bound in Bound.allCases { #expect(time.stalled[bound] >= Seconds(-1e-12 * elapsed)) }
      }
      let peak = Double(array.rows * array.columns) * array.clock.value
      #expect(elapsed >= Double(answer.macs.useful + answer.macs.padded) / peak * (1 - 1e-12))
      #expect(elapsed >= (answer.traffic.dram / array.dram.streamBandwidth).value)
      #expect(answer.macs.dense == op.denseMACs && answer.macs.useful <= answer.macs.dense)
      #expect(answer.macs.useful > 0 && answer.macs.padded >= 0)
      #expect(answer.traffic.l1Filled >= answer.traffic.l2Read - answer.traffic.l2Written)
      #expect(answer.energy.total.value > 0)
      let whole = Double(answer.cycles.count) / array.clock.value
      #expect(whole >= elapsed * (1 - 1e-9) && whole <= elapsed + 1 / array.clock.value)
    }
  }

  @Test(arguments: ["systolic-32x32", "systolic-128x128", "sat"])
  func `twice the bandwidth is never slower`(_ name: String) throws {
    let array = try array(name)
    var faster = array
    faster.dram.peakBandwidth = array.dram.peakBandwidth * 2
    faster.dram.streamBandwidth = array.dram.streamBandwidth * 2
    let (slowEngine, fastEngine) = (try engine(array), try engine(faster))
    for op in Self.operators(300) {
      #expect(fastEngine.answer(op).elapsed <= slowEngine.answer(op).elapsed)
    }
  }

  @Test func `each operator takes the faster dataflow`() throws {
    let array = try array("sat")
    let both = try engine(array)
    let forced = try SystolicArray.Dataflow.allCases.map { try engine(array, $0) }
    var chosen: Set<String> = []
    for op in Self.operators(300) {
      let answer = both.answer(op)
      #expect(answer.elapsed == forced.map { $0.answer(op).elapsed }.min())
      if case .folds(let dataflow, _, _) = answer.mapping { chosen.insert(dataflow.rawValue) }
    }
    #expect(chosen == ["ws", "os"])
  }

  @Test func `a dataflow the array lacks is refused by name`() throws {
    var array = try array("sat")
    array.dataflows = [.weightStationary]
    let error = #expect(throws: DiagnosticList.self) {
      try SystolicEngine(array, machine: "sat", dataflow: .outputStationary)
    }
    #expect(error?.diagnostics.map(\.code) == [.unsupportedOperator])
    #expect(error?.diagnostics.first?.message == "sat has no dataflow 'os'; it has ws")
  }

  @Test func `each of a layer's three products gains from a pruned operand`() throws {
    let engine = try engine(array("sat"))
    let layer = Convolution(
      batch: 16, inputChannels: 256, outputChannels: 256, input: Extent(28, 28), kernel: Extent(3, 3),
      padding: Padding(vertical: 1, horizontal: 1))
    func answer(_ phase: Phase, _ weights: SparsityPattern) -> Estimate {
      engine.answer(
        Operator(
          name: "conv", kind: .convolution(layer), phase: phase, dataType: .fp16,
          sparsity: OperandSparsity(weights: weights)))
    }
    let pattern = SparsityPattern.structured(n: 2, m: 8)
    for phase in [Phase.forward, .backwardData, .backwardWeight] {
      let gain = answer(phase, .dense).elapsed / answer(phase, pattern).elapsed
      #expect(gain > 3.2 && gain <= 4.01, "\(phase) gains \(gain)")
    }
  }

  @Test func `pruned gradients stay in place, so that the product is the transposed one with pruned weights`() throws {
    let engine = try engine(array("sat"))
    let pattern = SparsityPattern.structured(n: 2, m: 8)
    let gradients = engine.answer(gemm(576, 784, 128, activations: pattern, phase: .backwardData))
    let weights = engine.answer(gemm(784, 576, 128, weights: pattern, phase: .backwardData))
    #expect(gradients.elapsed == weights.elapsed)
    #expect(gradients.traffic == weights.traffic)
    #expect(gradients.macs == weights.macs)
  }

  @Test func `equal products run one after another`() throws {
    let engine = try engine(array("systolic-32x32"), .weightStationary)
    let depthwise = Convolution(
      inputChannels: 96, outputChannels: 96, input: Extent(14, 14), kernel: Extent(3, 3),
      padding: Padding(vertical: 1, horizontal: 1), groups: 96)
    let answer = engine.answer(Operator(name: "dw", kind: .convolution(depthwise), dataType: .int8))
    #expect(answer.macs.useful == 96 * 196 * 9)
    // Each channel is a fold of its own on one column and nine rows.
    #expect(answer.macs.useful + answer.macs.padded == 96 * 196 * 1024)
    let compute = answer.matrix.busy + answer.matrix.stalled[.imbalance] + answer.matrix.stalled[.fill]
    #expect(abs(compute.value * 1e9 - Double(96 * (196 + 2 * 32 + 32 - 2))) < 1e-3)
  }

  @Test func `attention is its products with the softmax between them`() throws {
    var array = try array("sat")
    array.dram.latency = .zero
    let engine = try engine(array, .outputStationary)
    let attention = Attention(
      batch: 1, heads: 2, keyValueHeads: 2, queryLength: 256, keyLength: 256, headDimension: 64, isCausal: false)
    func answer(_ phase: Phase) -> Estimate {
      engine.answer(Operator(name: "a", kind: .attention(attention), phase: phase, dataType: .fp16))
    }
    let forward = answer(.inference)
    let softmax = 256.0 * 256 * 2 / 8 / 200e6
    let cycles = 2 * (8 * 8 * (64 + 62) + 8 * 2 * (256 + 62))
    #expect(abs(forward.elapsed.value - (Double(cycles) / 200e6 + softmax)) < 1e-9)
    // Scores of 128 KiB a head stay on chip: what moves is Q, K, V and the result.
    #expect(forward.traffic.dram == Bytes(4 * 2 * 256 * 64 * 2))
    #expect(answer(.backwardData).macs.useful == forward.macs.useful * 5 / 2)
    array.outputBuffer = Bytes(64 * 1024)
    let spilled = try SystolicTests.engine(array, .outputStationary).answer(
      Operator(name: "a", kind: .attention(attention), dataType: .fp16))
    #expect(spilled.traffic.dram.count >= forward.traffic.dram.count + 4 * 2 * 256 * 256 * 2)
  }
}
