import Lacuna
import Testing
import Workloads

/// How far the model may be from what an H200 did, in percent: what was found, and some room. Coverage is of every
/// file; what its library runs on older kernels has bounds of its own.
@Suite("Measurements of an H200")
struct MeasuredTests {
  struct Bound: Sendable, CustomTestStringConvertible {
    var groups: String
    var metric: Metric
    var mean: Double
    var testDescription: String { "\(groups), \(metric)" }

    init(_ groups: String, _ metric: Metric, _ mean: Double) {
      self.groups = groups
      self.metric = metric
      self.mean = mean
    }
  }

  private static let files = Result {
    try Samples.paths.filter { $0.contains("h200_") }.map { try Samples.validated(path: $0) }
  }

  @Test(arguments: [
    Bound("h200_gemm/fp16/dense/*", .time, 4.1), Bound("h200_gemm/fp16/2:4/*", .time, 3.4),
    Bound("h200_gemm/fp8/dense/*", .time, 3.9), Bound("h200_gemm/fp8/2:4/*", .time, 3),
    Bound("h200_gemm/bf16/dense/*", .time, 3.6), Bound("h200_gemm/bf16/2:4/*", .time, 6.5),
    Bound("h200_gemm/int8/dense/*", .time, 13), Bound("h200_gemm/int8/2:4/*", .time, 3),
    Bound("h200_gemm/fp16/dense/*", .energy, 4.8), Bound("h200_gemm/fp16/2:4/*", .energy, 3.5),
    Bound("h200_gemm/fp8/dense/*", .energy, 4.3), Bound("h200_gemm/fp8/2:4/*", .energy, 3.4),
    Bound("h200_gemm/int8/2:4/*", .energy, 3.3), Bound("h200_gemm/fp16/dense/*", .clock, 10),
    Bound("h200_gemm/fp16/2:4/*", .clock, 3.7), Bound("h200_gemm/fp8/dense/*", .clock, 9),
    Bound("h200_gemm/fp8/2:4/*", .clock, 3.1), Bound("h200_gemm/fp16/2:4/*", .speedup, 5.9),
    Bound("h200_gemm/fp8/2:4/*", .speedup, 4.8), Bound("h200_gemm_counters/*", .time, 10),
    Bound("h200_gemm_counters/*", .l2Read, 9), Bound("h200_gemm_counters/*", .dramRead, 9),
    Bound("h200_gemm_counters/*", .clock, 9), Bound("h200_attention/*/dense/*", .time, 10),
    Bound("h200_attention/*/block/*", .time, 6), Bound("h200_bdwp24_training/*/dense/*", .time, 8),
    Bound("h200_bdwp24_training/*/2:4/*", .time, 12), Bound("h200_bdwp24_training/*/dense/compress", .time, 4),
    Bound("h200_end_to_end/*/dense/*", .time, 2), Bound("h200_end_to_end/*/2:4/*", .time, 5),
    Bound("h200_end_to_end/*/dense/*", .energy, 3), Bound("h200_end_to_end/*/2:4/*", .energy, 9),
    Bound("h200_stacks/*/dense/*", .time, 2.4), Bound("h200_stacks/*/2:4/*", .time, 4),
    Bound("h200_end_to_end/*/2:4/*", .speedup, 5), Bound("h200_stacks/*/2:4/*", .speedup, 5),
    Bound("h200_stacks/*/dense/*", .energy, 4), Bound("h200_stacks/*/2:4/*", .energy, 5),
    Bound("h200_memops/*/add1_hot", .time, 4), Bound("h200_memops/*/layernorm", .time, 8),
    Bound("h200_memops/*/gelu", .time, 7), Bound("h200_memops/*/softmax", .time, 8.5),
    Bound("h200_memops/*/sum", .time, 11), Bound("h200_memops/*/add1", .time, 14),
    Bound("h200_vectors/*", .time, 9), Bound("h200_vectors/*", .power, 6.5), Bound("h200_attention_shapes/*", .time, 9),
    Bound("h200_spmm/*/bsr", .time, 13.5), Bound("h200_spmm/*/csr", .time, 7),
  ])
  func `the mean error stays where it was found`(_ bound: Bound) throws {
    let measurements = try Self.files.get().flatMap(\.groups).filter { $0.name.fits(glob: bound.groups) }
      .flatMap(\.measurements)
    let statistics = try #require(ErrorStatistics(bound.metric, measurements))
    let (mean, worst) = (100 * statistics.meanError, 100 * statistics.worstError)
    #expect(mean <= bound.mean, "mean \(mean) %, worst \(worst) % of \(statistics.count): \(statistics.worst.label)")
  }
}
