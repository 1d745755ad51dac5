import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Compression of weights on tensor cores")
struct CompressionTests {
  private static func pass(_ elements: Int, on gpu: TensorCoreGPU) -> Estimate {
    let op = Operator(
      name: "prune", kind: .pruning(Pruning(elements: elements, n: 2, m: 4)), phase: .update, dataType: .fp16)
    return TensorCoreEngine(gpu).estimate(Task(op, inputsOnChip: false, outputOnChip: false))
  }

  @Test func `both copies of a layer's weights take as long as was measured`() throws {
    let gpu = try TensorCoreTests.gpu("h200")
    let rows = try Bench.measurements("h200_bdwp24_training")
    #expect(rows.count == 3)
    for row in rows {
      let sizes = try ["d", "ffn"].map { try #require(Int(row[$0] ?? "")) }
      let measured = try #require(Double(row["compress_us"] ?? ""))
      let predicted = 2 * Self.pass(sizes[0] * sizes[1], on: gpu).elapsed.value * 1e6
      #expect((predicted / measured - 1).magnitude < 0.08, "\(sizes): \(predicted) µs, measured \(measured)")
    }
  }

  @Test(arguments: [4096, 1 << 22, 1 << 30])
  func `the library's pass is no faster than the vector kernel, and its times add up`(elements: Int) throws {
    var gpu = try TensorCoreTests.gpu("h200")
    let slow = Self.pass(elements, on: gpu)
    gpu.compression = nil
    let fast = Self.pass(elements, on: gpu)
    #expect(slow.elapsed >= fast.elapsed && slow.bound == .decode)
    for unit in [slow.matrix, slow.vector, slow.memory] {
      #expect((unit.total / slow.elapsed - 1).magnitude < 1e-12)
    }
    #expect(slow.energy.dram == fast.energy.dram && slow.energy.idle > fast.energy.idle)
  }
}
