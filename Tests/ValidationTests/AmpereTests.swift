import Lacuna
import Testing

/// What was published of GPUs before Hopper, and how close the model stays to it.
@Suite struct AmpereTests {
  private static func errors(_ file: String, where isMeant: (Measurement) -> Bool) throws -> [Double] {
    let path = try #require(Samples.paths.first { $0.hasSuffix("/\(file)_published.csv") })
    return try Samples.validated(path: path).measurements.filter(isMeant).compactMap { $0.pairs.first?.error.magnitude }
  }

  private static func check(_ errors: [Double], count: Int, mean: Double, worst: Double) {
    #expect(errors.count == count)
    #expect(errors.reduce(0, +) / Double(errors.count) <= mean, "\(errors)")
    #expect(errors.max() ?? 0 <= worst, "\(errors)")
  }

  @Test func `cuBLAS and cuSPARSELt on an RTX 3090`() throws {
    let errors = try Self.errors("rtx-3090") { ["dense", "2:4"].contains($0.variant) && !$0.label.contains("eager") }
    Self.check(errors, count: 66, mean: 0.07, worst: 0.22)
    // Sparse products wait for whole waves of one tile.
    Self.check(
      try Self.errors("rtx-3090") { $0.variant == "2:4" && $0.category == "time_us" }, count: 22, mean: 0.02,
      worst: 0.04)
  }

  @Test func `V:N:M of Spatha on an RTX 3090`() throws {
    let errors = try Self.errors("rtx-3090") { $0.variant.hasPrefix("128:") || $0.variant.hasPrefix("64:") }
    Self.check(errors, count: 34, mean: 0.06, worst: 0.15)
  }

  @Test func `networks with V:N:M weights on an RTX 3090`() throws {
    let speedups = try Self.errors("rtx-3090") {
      $0.variant.hasPrefix("linear*:weights=64:") && $0.category == "speedup"
    }
    Self.check(speedups, count: 9, mean: 0.05, worst: 0.1)
    let all = try Self.errors("rtx-3090") { $0.label.contains("eager") }
    Self.check(all, count: 39, mean: 0.1, worst: 0.25)
  }

  @Test func `dense products on an A100`() throws {
    Self.check(
      try Self.errors("a100") { $0.category == "tflops" && $0.variant == "dense" }, count: 26, mean: 0.08, worst: 0.2)
  }

  @Test func `2:4 on an A100 and tiles of it on an RTX A6000 stay near what sources span`() throws {
    Self.check(
      try Self.errors("a100") { $0.variant == "2:4" && $0.category == "speedup" }, count: 9, mean: 0.05, worst: 0.2)
    Self.check(try Self.errors("rtx-a6000") { _ in true }, count: 1, mean: 0.1, worst: 0.1)
  }
}
