import Diagnostics
import Testing
import Workloads

@Suite struct SampleTests {
  private func workload(_ operators: [Operator], samples: Int? = 4) -> Workload {
    Workload(name: "net", source: "test", samples: samples, operators: operators)
  }

  private func op(_ kind: OperatorKind, _ phase: Phase = .inference) -> Operator {
    Operator(name: "op", kind: kind, phase: phase, dataType: .fp16)
  }

  @Test func `what grows with samples grows in proportion, weights do not`() throws {
    let convolution = Convolution(
      batch: 4, inputChannels: 3, outputChannels: 8, input: Extent(8, 8), kernel: Extent(3, 3))
    var grown = convolution
    grown.batch = 12
    let cases: [(Operator, OperatorKind)] = [
      (op(.gemm(GEMM(m: 8, n: 20, k: 16))), .gemm(GEMM(m: 8, n: 60, k: 16))),
      (
        op(.gemm(GEMM(m: 8, n: 20, k: 16, batch: 8, hasWeights: false))),
        .gemm(GEMM(m: 8, n: 20, k: 16, batch: 24, hasWeights: false))
      ),
      (
        op(.gemm(GEMM(m: 8, n: 16, k: 20, hasWeights: false)), .backwardWeight),
        .gemm(GEMM(m: 8, n: 16, k: 60, hasWeights: false))
      ),
      (op(.convolution(convolution)), .convolution(grown)),
      (op(.elementwise(Elementwise(.gelu, elements: 10))), .elementwise(Elementwise(.gelu, elements: 30))),
      (
        op(.normalization(Normalization(.layer, rows: 4, width: 16))),
        .normalization(Normalization(.layer, rows: 12, width: 16))
      ),
      (
        op(.normalization(Normalization(.batch, rows: 16, width: 4))),
        .normalization(Normalization(.batch, rows: 16, width: 12))
      ),
      (op(.reduction(Reduction(outputs: 4, width: 8))), .reduction(Reduction(outputs: 12, width: 8))),
      (op(.reduction(Reduction(outputs: 4, width: 8)), .backwardData), .reduction(Reduction(outputs: 4, width: 24))),
      (
        op(.update(WeightUpdate(parameters: 64, optimizer: .sgd)), .update),
        .update(WeightUpdate(parameters: 64, optimizer: .sgd))
      ),
    ]
    let scaled = try workload(cases.map(\.0)).withSamples(12)
    #expect(scaled.samples == 12)
    #expect(scaled.operators.map(\.kind) == cases.map(\.1))
    #expect(scaled.denseMACs == 3 * workload(cases.map(\.0)).denseMACs)
  }

  @Test func `the recorded number changes nothing, and there and back is the same`() throws {
    let all = workload([op(.gemm(GEMM(m: 8, n: 20, k: 16))), op(.softmax(Softmax(rows: 8, width: 3)))])
    #expect(try all.withSamples(4) == all)
    #expect(try all.withSamples(20).withSamples(4) == all)
  }

  @Test func `sizes that samples do not divide are told, all at once`() {
    var second = op(.gemm(GEMM(m: 8, n: 7, k: 16)))
    second.name = "other"
    let error = #expect(throws: DiagnosticList.self) {
      try workload([op(.gemm(GEMM(m: 8, n: 5, k: 16))), second]).withSamples(6)
    }
    #expect(error?.diagnostics.map(\.code) == [.inconsistentShape, .inconsistentShape])
    #expect(throws: DiagnosticList.self) { try workload([], samples: nil).withSamples(2) }
  }
}
