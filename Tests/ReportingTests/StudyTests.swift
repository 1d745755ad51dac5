import Lacuna
import Testing

/// The public library as its documentation shows it.
@Suite struct StudyTests {
  private static let workload = Workload(
    name: "net", source: "test",
    operators: [
      Operator(name: "fc1", kind: .gemm(GEMM(m: 64, n: 16, k: 64)), dataType: .fp16),
      Operator(name: "fc2", kind: .gemm(GEMM(m: 10, n: 16, k: 30)), dataType: .fp16, dependencies: [0]),
      Operator(name: "relu", kind: .elementwise(Elementwise(.relu, elements: 160)), dataType: .fp16, dependencies: [1]),
    ])

  /// What the documentation of `Study` shows; it need only compile.
  private func documented() throws {
    let study = try Study(trace: "Traces/bert-large.jsonl", sparsity: ["weights=2:4"])
    let report = try study.run(on: "h200")
    print(report.comparison.speedup, Report.run(report).text(as: .table))
  }

  @Test func `patterns go to the workload and not to its baseline`() throws {
    let study = try Study(Self.workload, sparsity: [try SparsityRule(parsing: "weights=2:4")])
    #expect(study.workload.operators[0].sparsity.weights == .structured(n: 2, m: 4))
    #expect(study.baseline == Self.workload)
    #expect(study.asked == ["weights=2:4"])
    #expect(study.notes.map(\.operators) == [["fc2"]])
  }

  @Test func `the baseline of recorded patterns is dense`() throws {
    var recorded = Self.workload
    recorded.operators[0].sparsity.weights = .structured(n: 1, m: 4)
    let study = try Study(recorded)
    #expect(study.workload == recorded)
    #expect(study.baseline == Self.workload)
  }

  @Test func `the baseline of a training method is the same step trained dense`() throws {
    let study = try Study(
      Self.workload, sparsity: [try SparsityRule(parsing: "weights=2:8")], training: .bdwp, dataType: .bf16)
    #expect(study.baseline == (try Study(Self.workload, training: .dense, dataType: .bf16)).workload)
    #expect(study.workload.operators.contains { $0.kind.name == "pruning" })
    #expect(!study.baseline.operators.contains { $0.kind.name == "pruning" })
    #expect(study.workload.operators.allSatisfy { $0.dataType == .bf16 })
    #expect(study.asked == ["weights=2:8", "training bdwp", "bf16"])
  }

  @Test func `all bad rules are told at once, before the trace is read`() {
    let error = #expect(throws: DiagnosticList.self) {
      try Study(trace: "absent.jsonl", sparsity: ["weights=5:4", "wieghts=2:4"])
    }
    #expect(error?.diagnostics.map(\.code) == [.invalidPattern, .unknownValue])
  }

  @Test(arguments: [(TrainingMethod.dense, "weights=2:8"), (.bdwp, "activations=2:8"), (.srSTE, "scores=2:8")])
  func `a rule that a training method has no use for is refused`(_ method: TrainingMethod, _ rule: String) throws {
    let rules = try [SparsityRule(parsing: "weights=2:8"), SparsityRule(parsing: rule)]
    let error = #expect(throws: DiagnosticList.self) { try Study(Self.workload, sparsity: rules, training: method) }
    #expect(error?.diagnostics.allSatisfy { $0.code == .unsupportedPattern } == true)
  }

  @Test func `a dataflow is refused by a machine that has none`() throws {
    let study = try Study(Self.workload)
    let error = #expect(throws: DiagnosticList.self) {
      try study.run(on: "h200", options: SimulationOptions(dataflow: .weightStationary))
    }
    #expect(error?.diagnostics.map(\.code) == [.unsupportedOperator])
  }

  @Test func `a part keeps the dependencies within it`() {
    let part = Self.workload.part(1..<3)
    #expect(part.operators.map(\.name) == ["fc2", "relu"])
    #expect(part.operators.map(\.dependencies) == [[], [0]])
    #expect(Self.workload.part(0..<3) == Self.workload)
    #expect(Self.workload.part(2..<2).operators.isEmpty)
  }

  @Test(arguments: ["weights=2:4", "encoder.*:weights=16x", "scores=unstructured(0.9)", "a:b:weights=64:2:8"])
  func `a rule prints as it is read`(_ text: String) throws {
    #expect(try SparsityRule(parsing: text).description == text)
  }
}
