import Diagnostics
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// A machine on which nothing but one cause keeps 2:4 from 2×.
struct LossCorner: Sendable, CustomTestStringConvertible {
  let cause: LossCause
  /// Puts the cause into an ideal machine and an operator that fills it.
  let put: @Sendable (inout TensorCoreGPU, inout [Operator]) -> Void
  var testDescription: String { cause.name }

  static let all = [
    LossCorner(cause: .rate) { gpu, _ in gpu.dataTypes.rates[.fp16]?.sparsePerCycle = 3072 },
    LossCorner(cause: .operandBandwidth) { gpu, _ in gpu.sharedMemoryPort = BytesPerCycle(128) },
    LossCorner(cause: .pipeline) { gpu, _ in gpu.stepOverhead = Cycles(200) },
    LossCorner(cause: .tiling) { gpu, operators in
      gpu.kernels[0].isForSparse = false
      var large = kernel(256, 256)
      large.isForDense = false
      gpu.kernels.append(large)
      operators = [gemm(128, 256 * 128, 4096, weights: .twoOfFour)]
    },
    LossCorner(cause: .softmax) { _, operators in
      // So many tiles of queries that the end of the last one is nothing.
      let attention = Attention(batch: 1024, heads: 128, queryLength: 2048, headDimension: 64)
      operators = [
        Operator(
          name: "attention", kind: .attention(attention), dataType: .fp16,
          sparsity: OperandSparsity(scores: .block(rows: 128, columns: 128, zeros: 0.5)))
      ]
    },
    LossCorner(cause: .l2) { gpu, _ in gpu.l2Bandwidth = BytesPerCycle(500) },
    LossCorner(cause: .dram) { gpu, _ in gpu.dram.streamBandwidth = BytesPerSecond(1e11) },
    LossCorner(cause: .launch) { gpu, _ in gpu.launch = Seconds(20e-6) },
    LossCorner(cause: .power) { gpu, _ in gpu.power.cap = Watts(400) },
    LossCorner(cause: .denseProducts) { _, operators in operators.append(gemm(8192, 512, 4096)) },
    LossCorner(cause: .vectorOperators) { _, operators in
      operators.append(
        Operator(name: "gelu", kind: .elementwise(Elementwise(.gelu, elements: 1 << 24)), dataType: .fp16))
    },
  ]
}

@Suite struct LossCauseTests {
  /// 128 multiprocessors, whose one kernel divides the operator into as many tiles, in one wave.
  private func waterfall(_ corner: LossCorner? = nil) throws -> SpeedupWaterfall {
    var gpu = try idealGPU()
    gpu.multiprocessors = 128
    gpu.dataTypes.rates[.fp16] = MACRate(perCycle: 2048, sparsePerCycle: 4096, energy: Joules(1e-12))
    var operators = [gemm(8192, 512, 4096, weights: .twoOfFour)]
    corner?.put(&gpu, &operators)
    let workload = Workload(name: "corner", source: "made by hand", operators: operators)
    var baseline = workload
    for index in operators.indices { baseline.operators[index].sparsity = .dense }
    return try SpeedupWaterfall(
      of: workload, baseline: baseline, on: Machine(name: "ideal", title: "", architecture: .tensorCore(gpu)),
      options: SimulationOptions(residency: .isolated))
  }

  @Test func `without any cause the speedup is the pattern's ideal`() throws {
    let waterfall = try waterfall()
    #expect(waterfall.ideal == 2)
    #expect(isClose(waterfall.predicted, 2))
    #expect(waterfall.largestLoss == nil)
    #expect(waterfall.steps.map(\.cause) == LossCause.allCases.filter { ![.pruning, .network].contains($0) })
  }

  @Test(arguments: LossCorner.all)
  func `all that a lone cause takes is put down to it`(_ corner: LossCorner) throws {
    let waterfall = try waterfall(corner)
    #expect(isClose(waterfall.ideal, 2))
    for step in waterfall.steps {
      // Metadata has no resource of its own: it takes part of whichever is short.
      if step.cause == corner.cause {
        #expect(step.factor < 0.98 || corner.cause == .power && !isClose(step.factor, 1, 1e-3), "\(step)")
      } else if step.cause == .metadata {
        #expect(step.factor <= 1 + 1e-9 && step.factor > 0.8, "\(step)")
      } else {
        #expect(isClose(step.factor, 1, corner.cause == .softmax ? 1e-4 : 1e-9), "\(corner.cause.name): \(step)")
      }
    }
  }

  @Test func `metadata costs what it adds to a resource that is short, and nothing else`() throws {
    let short = try waterfall(LossCorner(cause: .dram) { gpu, _ in gpu.dram.streamBandwidth = BytesPerSecond(1e11) })
    let metadata = try #require(short.steps.first { $0.cause == .metadata })
    // Bytes of A (halved, with 2 bits for 16), B and C, all at the same rate.
    let (a, rest) = (8192.0 * 4096 * 2 / 2, (512.0 * 4096 + 8192 * 512) * 2)
    #expect(isClose(metadata.factor, (a + rest) / (a * (1 + 2.0 / 16) + rest), 1e-6))
    let ample = try waterfall()
    #expect(ample.steps.first { $0.cause == .metadata }.map { isClose($0.factor, 1) } == true)
  }

  @Test func `an operator that is not there is told, with the nearest name`() throws {
    let workload = Workload(name: "w", source: "", operators: [gemm(64, 64, 64)])
    let machine = Machine(name: "ideal", title: "", architecture: .tensorCore(try idealGPU()))
    do {
      _ = try SpeedupWaterfall(of: workload, baseline: workload, on: machine, operators: "gmem")
      Issue.record("it was found")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.matchesNothing])
      #expect(error.diagnostics.first?.help == "did you mean 'gemm'?")
    }
  }
}
