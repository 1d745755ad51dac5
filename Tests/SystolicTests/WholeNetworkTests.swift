import Bench
import Foundation
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Whole networks on systolic arrays")
struct WholeNetworkTests {
  /// Layers of a small residual network, as convolutions with their normalizations and activations.
  static let network: Workload = {
    var operators: [Operator] = []
    var size = 32
    var channels = 3
    for (index, width) in [64, 64, 128, 128, 256, 256, 512, 512].enumerated() {
      let stride = index > 0 && width > channels ? 2 : 1
      let layer = Convolution(
        batch: 64, inputChannels: channels, outputChannels: width, input: Extent(size, size), kernel: Extent(3, 3),
        stride: Extent(stride, stride), padding: Padding(vertical: 1, horizontal: 1))
      size = layer.output.height
      channels = width
      let positions = 64 * size * size
      operators.append(Operator(name: "conv\(index)", kind: .convolution(layer), dataType: .fp16))
      operators.append(
        Operator(
          name: "bn\(index)", kind: .normalization(Normalization(.batch, rows: width, width: positions)),
          dataType: .fp16))
      operators.append(
        Operator(
          name: "relu\(index)", kind: .elementwise(Elementwise(.relu, elements: width * positions)), dataType: .fp16))
    }
    operators.append(Operator(name: "fc", kind: .gemm(GEMM(m: 200, n: 64, k: 512)), dataType: .fp16))
    return Workload(name: "residual", source: "test", samples: 64, operators: operators)
  }()

  @Test func `every machine of the repository reads`() throws {
    let folder = Bench.root.appending(path: "Configs/Hardware")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(files.count >= 3)
    for file in files {
      let machine = try Bench.machine(String(file.dropLast(5)))
      #expect(machine.name + ".yaml" == file)
      #expect(machine.constants.allSatisfy { !$0.source.isEmpty })
    }
  }

  @Test func `bidirectional pruning gains on SAT, but less than its products alone would`() throws {
    let sat = try Bench.machine("sat")
    let rules = [SparsityRule(.weights, .structured(n: 2, m: 8))]
    let dense = Self.network.expandedToTraining(optimizer: .momentum)
    let pruned = try Self.network.trained(by: .bdwp, rules: rules).workload
    let run = Comparison(
      run: try Simulator.simulate(pruned, on: sat), dense: try Simulator.simulate(dense, on: sat))
    #expect(run.speedup > 1.2 && run.speedup < 2)
    #expect(run.energyGain > 1)
    #expect(run.run.totals.macs.useful < run.dense.totals.macs.useful)
  }
}
