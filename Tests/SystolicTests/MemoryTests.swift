import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Memory of systolic arrays")
struct MemoryTests {
  @Test func `operands that fit are moved once`() throws {
    let answer = try engine(array("sat")).answer(gemm(256, 256, 256))
    #expect(answer.traffic.dramRead == Bytes(2 * 256 * 256 * 2))
    #expect(answer.traffic.dramWritten == Bytes(256 * 256 * 2))
  }

  @Test func `compact weights take their values and the bits of a position within a group`() throws {
    let answer = try engine(array("sat")).answer(gemm(256, 256, 256, weights: .structured(n: 2, m: 8)))
    let kept = Int64(256 * 256 / 4)
    #expect(answer.traffic.dramRead == Bytes(256 * 256 * 2) + Bytes(bits: kept * (16 + 3)))
  }

  @Test func `what does not fit is read again for every fold or block of the other operand`() throws {
    let array = try array("systolic-32x32")
    // 1 MiB of rows and 8 MiB of filters beside halves of 256 KiB.
    let product = ArrayProduct(rows: 1024, columns: 8192, depth: 1024)
    func passes(_ dataflow: SystolicArray.Dataflow, _ moving: Int, _ filters: Int) -> OperandTraffic {
      OperandTraffic(
        movingBytes: moving, filterBytes: filters,
        folds: FoldedProduct(product, on: ArrayShape(array), dataflow: dataflow, outputCapacity: 65_536),
        array: ArrayShape(array))
    }
    let (mebibyte, kibibyte) = (1 << 20, 1 << 10)
    let stationary = passes(.weightStationary, mebibyte, 8 * mebibyte)
    #expect(stationary.moving == 256 && stationary.filters == 1)
    // Four blocks of rows stay while all filters pass: 1 + 4·8 MiB, against 8 + 32·1 MiB the other way round.
    let streaming = passes(.outputStationary, mebibyte, 8 * mebibyte)
    #expect(streaming.moving == 1 && streaming.filters == 4)
    let fitting = passes(.outputStationary, 256 * kibibyte, 8 * mebibyte)
    #expect(fitting.moving == 1 && fitting.filters == 1)
  }

  @Test func `rows whose sums do not fit are cut into strips`() throws {
    let array = try array("systolic-32x32")
    func folds(_ depth: Int) -> FoldedProduct {
      FoldedProduct(
        ArrayProduct(rows: 5000, columns: 32, depth: depth), on: ArrayShape(array), dataflow: .weightStationary,
        outputCapacity: 2048 * 32)
    }
    #expect(folds(32).strips == 1)
    #expect(folds(64).strips == 3 && folds(64).cycles == 2 * (5000 + 3 * 94))
  }

  @Test func `operands on chip move nothing and wait for nothing`() throws {
    let array = try array("sat")
    let op = gemm(64, 64, 64, hasWeights: false)
    let answer = try engine(array, .weightStationary).answer(op, inputsOnChip: true, outputOnChip: true)
    #expect(answer.traffic.dram == .zero)
    // Two folds along the columns, whose elements hold two values each.
    #expect(answer.cycles == Cycles(2 * (2 * 64 + 2 * 32 + 62)))
    let weights = try engine(array).answer(gemm(64, 64, 64), inputsOnChip: true, outputOnChip: true)
    #expect(weights.traffic.dram == Bytes(64 * 64 * 2))
  }

  @Test func `an operator starts when memory has answered and the first fold is loaded`() throws {
    let array = try array("sat")
    let answer = try engine(array, .weightStationary).answer(gemm(64, 4096, 64))
    let first = Double(2 * 32 * 32 * 2) / array.dram.streamBandwidth.value
    let compute = Double(2 * (2 * 4096 + 2 * 32 + 62)) / array.clock.value
    #expect(abs(answer.elapsed.value - (array.dram.latency.value + first + compute)) < 1e-12)
    #expect(answer.bound == .issue)
  }

  @Test func `activations are kept for the backward pass, and read again for weight gradients`() throws {
    let layers = (0..<3).map { index in
      Operator(
        name: "fc\(index)", kind: .gemm(GEMM(m: 64, n: 64, k: 64)), dataType: .fp16,
        dependencies: index == 0 ? [] : [index - 1])
    }
    let network = Workload(name: "net", source: "test", operators: layers)
    let machine = Machine(name: "sat", title: "", architecture: .systolic(try array("sat")))
    let operand = Bytes(64 * 64 * 2)
    // In inference the results between the layers stay on chip.
    let inference = try Simulator.simulate(network, on: machine).totals.traffic
    #expect(inference.dramRead == operand * (3 + 1) && inference.dramWritten == operand)
    let step = try Simulator.simulate(network.trained(by: .dense, rules: []).workload, on: machine)
    for result in step.operators {
      let traffic = step.estimate(of: result).traffic
      switch result.phase {
      case .forward: #expect(traffic.dramWritten == operand, "\(result.name)")
      case .backwardWeight: #expect(traffic.dramRead == operand * 2, "\(result.name)")
      default: break
      }
    }
  }

  @Test func `a product of one row is bound by memory`() throws {
    let array = try array("systolic-128x128")
    let answer = try engine(array).answer(gemm(4096, 1, 4096))
    #expect(answer.bound == .dram)
    let memory = answer.traffic.dram / array.dram.streamBandwidth
    #expect(answer.elapsed.value < memory.value + array.dram.latency.value + 1e-9)
  }

  @Test func `without pre-generation dense weights are loaded and pruned on the way`() throws {
    var array = try array("sat")
    array.pruner = SystolicArray.Pruner(lanes: 32, pregenerates: false)
    let engine = try engine(array)
    let pattern = SparsityPattern.structured(n: 2, m: 8)
    let inline = engine.answer(gemm(512, 16, 512, weights: pattern, phase: .forward))
    #expect(inline.traffic.dramRead == Bytes((512 * 512 + 512 * 16) * 2))
    #expect(inline.bound == .decode)
    #expect(inline.elapsed.value >= Double(512 * 512 / 32) / 200e6)
    let stored = engine.answer(gemm(512, 16, 512, weights: pattern))
    #expect(stored.elapsed < inline.elapsed)
    let pass = engine.answer(
      Operator(
        name: "prune", kind: .pruning(Pruning(elements: 512 * 512, n: 2, m: 8)), phase: .update, dataType: .fp16))
    #expect(pass.cycles == Cycles(1) && pass.traffic.dram == .zero)
  }
}
