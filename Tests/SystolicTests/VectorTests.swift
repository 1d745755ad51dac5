import Diagnostics
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Vector operators on systolic arrays")
struct VectorTests {
  private func op(_ kind: OperatorKind, _ phase: Phase = .inference, _ type: DataType = .fp16) -> Operator {
    Operator(name: "vector", kind: kind, phase: phase, dataType: type)
  }

  /// SAT with memory that never limits.
  private func compute() throws -> SystolicArray {
    var array = try array("sat")
    array.dram.latency = .zero
    array.vector.operationsPerCycle = 32
    array.dram.streamBandwidth = array.dram.streamBandwidth * 1e6
    return array
  }

  @Test func `arithmetic and special functions work side by side`() throws {
    let engine = try engine(compute())
    // 9 operations on 32 lanes take longer than one exponential on 8: 0.28 against 0.125 cycles an element.
    #expect(engine.answer(op(.elementwise(Elementwise(.gelu, elements: 1024)))).cycles == Cycles(288))
    #expect(engine.answer(op(.elementwise(Elementwise(.exp, elements: 1024)))).cycles == Cycles(128))
    #expect(engine.answer(op(.elementwise(Elementwise(.relu, elements: 1)))).cycles == Cycles(1))
    #expect(engine.answer(op(.elementwise(Elementwise(.relu, elements: 33)))).cycles == Cycles(2))
  }

  @Test func `a sum of two tensors is bound by memory`() throws {
    let array = try array("sat")
    let answer = try engine(array).answer(op(.elementwise(Elementwise(.add, elements: 1 << 20, inputs: 2))))
    #expect(answer.bound == .dram)
    #expect(answer.traffic.dram == Bytes(3 << 21))
    let expected = answer.traffic.dram / array.dram.streamBandwidth + array.dram.latency
    #expect(abs(answer.elapsed.value - expected.value) < 1e-12)
    #expect(abs(answer.vector.total.value - expected.value) < 1e-12)
  }

  @Test func `the pruner takes m cycles for as many groups as lanes, and n more for the last`() throws {
    let engine = try engine(compute())
    func cycles(_ elements: Int) -> Int64 {
      engine.answer(op(.pruning(Pruning(elements: elements, n: 2, m: 8)), .update)).cycles.count
    }
    #expect(cycles(8) == 10)
    #expect(cycles(32 * 8) == 10)
    #expect(cycles(32 * 8 + 1) == 18)
    #expect(cycles(11_700_000) == (11_700_000 / 8 + 31) / 32 * 8 + 2)
  }

  @Test func `without a pruner the vector unit compares`() throws {
    var array = try compute()
    array.pruner = nil
    let answer = try engine(array).answer(op(.pruning(Pruning(elements: 1024, n: 2, m: 8)), .update))
    #expect(answer.cycles == Cycles(1024 * 2 / 32) && answer.mapping == .vector)
  }

  @Test func `the updater takes a weight a lane and moves single-precision masters`() throws {
    let update = op(.update(WeightUpdate(parameters: 1000, optimizer: .momentum)), .update)
    let answer = try engine(compute()).answer(update)
    #expect(answer.cycles == Cycles(32) && answer.mapping == .updater)
    // Gradient, master and momentum in; master, momentum and working copy out.
    #expect(answer.traffic.dramRead == Bytes(1000 * (2 + 4 + 4)))
    #expect(answer.traffic.dramWritten == Bytes(1000 * (4 + 4 + 2)))
    #expect(try engine(array("sat")).answer(update).bound == .dram)
    var without = try compute()
    without.updater = nil
    #expect(try engine(without).answer(update).cycles == Cycles(6 * 1000 / 32 + 1))
  }

  @Test func `vector operators of any type run`() throws {
    let engine = try engine(array("sat"))
    guard
      case .runs(let same, let changes) = engine.fit(
        op(.embedding(Embedding(rows: 8, width: 8, vocabulary: 9)), .inference, .int64))
    else {
      Issue.record("an embedding is refused")
      return
    }
    #expect(same.dataType == .int64 && changes.isEmpty)
  }
}

@Suite("What systolic arrays adapt")
struct AdaptationTests {
  private func changes(_ array: SystolicArray, _ op: Operator) throws -> [String] {
    guard case .runs(_, let changes) = try engine(array).fit(op) else { return ["impossible"] }
    return changes
  }

  @Test func `patterns that bring nothing run dense and say why`() throws {
    let sat = try array("sat")
    #expect(try changes(sat, gemm(64, 8, 64, weights: .structured(n: 2, m: 8))) == [])
    #expect(
      try changes(sat, gemm(64, 8, 64, weights: .bank(size: 64, rate: 16)))
        == ["16x runs dense: the array exploits N:M only"])
    #expect(
      try changes(sat, gemm(64, 8, 64, weights: .structured(n: 2, m: 32)))
        == ["2:32 runs dense: the array's groups hold up to 16"])
    #expect(
      try changes(sat, gemm(64, 8, 27, weights: .structured(n: 2, m: 8)))
        == ["2:8 runs dense: the reduction is not divisible into groups of 8"])
    #expect(
      try changes(sat, gemm(64, 8, 64, weights: .structured(n: 2, m: 4), activations: .structured(n: 1, m: 4)))
        == ["1:4 runs dense: the array exploits one operand, the weights"])
    #expect(
      try changes(sat, gemm(64, 8, 64, weights: .structured(n: 2, m: 4), hasWeights: false))
        == ["2:4 runs dense: the product has no weights"])
    var plain = sat
    plain.sparseElement = .none
    #expect(
      try changes(plain, gemm(64, 8, 64, weights: .structured(n: 2, m: 4)))
        == ["2:4 runs dense: the array's elements are dense"])
  }

  @Test func `channels, not taps, are grouped`() throws {
    let stem = Convolution(inputChannels: 3, outputChannels: 64, input: Extent(32, 32), kernel: Extent(8, 8))
    let op = Operator(
      name: "stem", kind: .convolution(stem), dataType: .fp16,
      sparsity: OperandSparsity(weights: .structured(n: 2, m: 4)))
    #expect(try changes(array("sat"), op) == ["2:4 runs dense: the reduction is not divisible into groups of 4"])
  }

  @Test func `what cannot be counted exactly is refused`() throws {
    let engine = try engine(array("systolic-128x128"))
    guard case .impossible = engine.fit(gemm(1, 1, 1, batch: 1 << 50)) else {
      Issue.record("it runs")
      return
    }
    let large = engine.answer(gemm(1 << 16, 1 << 16, 1 << 16))
    #expect(large.macs.useful == 1 << 48 && large.macs.padded == 0)
  }

  @Test func `types are replaced where a substitute is named, and refused otherwise`() throws {
    let sat = try array("sat")
    guard case .runs(let op, let changes) = try engine(sat).fit(gemm(8, 8, 8, type: .bf16)) else { return }
    #expect(op.dataType == .fp16 && op.outputType == .fp16 && changes == ["bf16 runs as fp16"])
    guard case .impossible(let code, let reason, let help) = try engine(sat).fit(gemm(8, 8, 8, type: .fp64)) else {
      Issue.record("fp64 runs")
      return
    }
    #expect(code == .unsupportedDataType && reason == "it does not multiply fp64")
    #expect(help == "use --data-type with one of: fp16")
  }
}
