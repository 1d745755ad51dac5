import Bench
import Foundation
import Lacuna
import Testing

/// What the maker has published of whole networks.
@Suite("Published results of the S4 family")
struct PublishedTests {
  /// Images a second of ResNet-50 in INT8.
  private func throughput(_ machine: String, _ sparsity: [String]) throws -> Double {
    let trace = Bench.root.appending(path: "Traces/resnet50.jsonl.zst").path
    let study = try Study(trace: trace, sparsity: sparsity, dataType: .int8)
    return try #require(try study.run(on: Bench.machine(machine)).comparison.run.throughput)
  }

  /// MLPerf Inference v2.1, open division, offline: 31,679 images a second at a sparsity that is not stated. Eight times
  /// the dense peak is not enough for that, stem included, so the answer must be above 8x. The model gives 20,747 at 8x,
  /// 28,614 at 16x and 29,079 at 32x: within a tenth at 32x, but below, on 32 images a step, a dense stem, and a clock
  /// and ports that nobody has published.
  @Test func `resnet-50 reaches what was published at a rate above 8x, but for a tenth`() throws {
    let published = 31_678.6
    let rates = try [8, 16, 32].map { try throughput("s4", ["weights=\($0)x"]) }
    #expect(rates == rates.sorted())
    #expect(rates[0] < 0.8 * published && rates[0] > 0.5 * published, "\(rates)")
    #expect(rates[2] > 0.9 * published && rates[2] < 2 * published, "\(rates)")
  }

  /// MLPerf has 95,784 images a second on the S30, 3.02 times the S4's. With 32 images a step the model's last rounds
  /// are emptier on three chips: it gives 2.93 dense and 2.81 at 32x.
  @Test(arguments: [[], ["weights=8x"], ["weights=32x"]])
  func `three chips are nearly three times one`(_ sparsity: [String]) throws {
    let gain = try throughput("s30", sparsity) / throughput("s4", sparsity)
    #expect(gain > 2.75 && gain <= 3, "\(gain)")
  }
}
