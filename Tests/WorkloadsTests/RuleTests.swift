import Diagnostics
import Testing
import Workloads

@Suite struct RuleTests {
  private static func gemm(_ name: String, k: Int = 64, phase: Phase = .inference) -> Operator {
    Operator(name: name, kind: .gemm(GEMM(m: 64, n: 16, k: k)), phase: phase, dataType: .fp16)
  }

  private static let attention = Operator(
    name: "encoder.1.attention",
    kind: .attention(Attention(batch: 1, heads: 2, queryLength: 16, headDimension: 64)), dataType: .fp16)

  private static let workload = Workload(
    name: "net", source: "test",
    operators: [
      gemm("encoder.0.fc1"), gemm("encoder.0.fc2"), gemm("encoder.10.fc1"), gemm("head", k: 30), attention,
      Operator(name: "scores", kind: .gemm(GEMM(m: 64, n: 16, k: 64, hasWeights: false)), dataType: .fp16),
      Operator(name: "encoder.0.act", kind: .elementwise(Elementwise(.gelu, elements: 64)), dataType: .fp16),
    ])

  /// Names of the operators that got a pattern for an operand.
  private func covered(_ rules: [String], _ operand: OperandSparsity.Operand = .weights) throws -> [String] {
    let rules = try rules.map { try SparsityRule(parsing: $0) }
    return try Self.workload.applying(rules).workload.operators.filter { $0.sparsity[operand] != .dense }.map(\.name)
  }

  @Test(arguments: [
    ("weights=2:4", ["encoder.0.fc1", "encoder.0.fc2", "encoder.10.fc1"]),
    ("*:weights=2:4", ["encoder.0.fc1", "encoder.0.fc2", "encoder.10.fc1"]),
    ("encoder.0.fc1:weights=2:4", ["encoder.0.fc1"]),
    ("encoder.0.*:weights=2:4", ["encoder.0.fc1", "encoder.0.fc2"]),
    ("*.fc1:weights=2:4", ["encoder.0.fc1", "encoder.10.fc1"]),
    ("encoder.*0.fc*:weights=2:4", ["encoder.0.fc1", "encoder.0.fc2", "encoder.10.fc1"]),
    ("e*.1*.*1:weights=2:4", ["encoder.10.fc1"]),
    ("**fc2**:weights=2:4", ["encoder.0.fc2"]),
  ])
  func `a star stands for any characters, none included`(rule: String, names: [String]) throws {
    #expect(try covered([rule]) == names)
  }

  @Test(arguments: [
    "encoder:weights=2:4", "fc1:weights=2:4", "encoder.0.fc?:weights=2:4", ":weights=2:4", "*.fc3:weights=2:4",
  ])
  func `a rule that no operator answers to is an error`(rule: String) throws {
    let error = #expect(throws: DiagnosticList.self) { try self.covered([rule]) }
    #expect(error?.diagnostics.map(\.code) == [.matchesNothing])
  }

  @Test func `scores belong to attention, activations to products with weights`() throws {
    #expect(try covered(["scores=block(16x16, 0.5)"], .scores) == ["encoder.1.attention"])
    #expect(
      try covered(["activations=unstructured(0.5)"], .activations)
        == ["encoder.0.fc1", "encoder.0.fc2", "encoder.10.fc1", "head"])
  }

  @Test func `a later rule wins over an earlier one`() throws {
    let rules = try ["weights=2:4", "*.fc1:weights=16x", "encoder.10.fc1:weights=dense"].map {
      try SparsityRule(parsing: $0)
    }
    let patterns = try Self.workload.applying(rules).workload.operators.prefix(3).map(\.sparsity.weights)
    #expect(patterns == [.bank(size: 64, rate: 16), .structured(n: 2, m: 4), .dense])
  }

  @Test func `an operator that a pattern does not divide stays dense with a note, or is refused by name`() throws {
    let (result, notes) = try Self.workload.applying([SparsityRule(.weights, .structured(n: 2, m: 4))])
    #expect(result.operators[3] == Self.workload.operators[3])
    #expect(notes.map(\.operators) == [["head"]])
    #expect(notes.map(\.message) == ["stays dense: its channels are not divisible into groups for 2:4"])
    let error = #expect(throws: DiagnosticList.self) { try self.covered(["head:weights=2:4"]) }
    #expect(error?.diagnostics.map(\.code) == [.indivisiblePattern])
    #expect(error?.diagnostics.first?.message.hasPrefix("'head': 2:4 needs groups of 4") == true)
  }

  @Test func `backward operators stay dense without a training method`() throws {
    var workload = Self.workload
    workload.operators = [Phase.forward, .backwardData, .backwardWeight].map { Self.gemm($0.rawValue, phase: $0) }
    let (result, notes) = try workload.applying([SparsityRule(.weights, .structured(n: 2, m: 4))])
    #expect(result.operators.map { $0.sparsity.weights == .dense } == [false, true, true])
    #expect(notes.map(\.operators) == [["backward-data", "backward-weight"]])
  }

  @Test func `all bad rules are told at once`() {
    let rules = [
      SparsityRule(operators: "nobody", .weights, .structured(n: 2, m: 4)),
      SparsityRule(.weights, .mask(MaskReference(file: "a", tensor: "b"))),
      SparsityRule(operators: "head", .weights, .structured(n: 2, m: 4)),
    ]
    let error = #expect(throws: DiagnosticList.self) { try Self.workload.applying(rules) }
    #expect(error?.diagnostics.map(\.code) == [.matchesNothing, .unsupportedPattern, .indivisiblePattern])
  }

  @Test func `only patterns change, and a workload without rules is itself`() throws {
    #expect(try Self.workload.applying([]).workload == Self.workload)
    var result = try Self.workload.applying([SparsityRule(.weights, .structured(n: 2, m: 4))]).workload
    for index in result.operators.indices { result.operators[index].sparsity = .dense }
    #expect(result == Self.workload)
  }

  @Test(arguments: ["2:4", "weights:2:4", "wieghts=2:4", "=2:4", "fc1:=2:4", "weights=", "weights=5:4"])
  func `what is no rule is refused`(text: String) {
    let error = #expect(throws: DiagnosticList.self) { try SparsityRule(parsing: text) }
    #expect(error?.diagnostics.count == 1)
  }

  @Test func `a name with a colon is split at its last one`() throws {
    let rule = try SparsityRule(parsing: "a:b:weights=64:2:8")
    #expect(rule == SparsityRule(operators: "a:b", .weights, .vectorStructured(v: 64, n: 2, m: 8)))
  }

  @Test(arguments: DataType.allCases, DataType.allCases)
  func `converting data types leaves indices alone`(old: DataType, new: DataType) throws {
    var workload = Self.workload
    workload.operators = [
      Operator(name: "a", kind: .gemm(GEMM(m: 4, n: 4, k: 4)), dataType: old, outputType: .int64),
      Operator(name: "b", kind: .gemm(GEMM(m: 4, n: 4, k: 4)), dataType: .fp32, outputType: old),
    ]
    let isIndex = [.int64, .int32, .int16].contains(old)
    let converted = workload.converting(to: new)
    #expect(converted.operators.map(\.dataType) == [isIndex ? old : new, new])
    #expect(converted.operators.map(\.outputType) == [.int64, isIndex ? old : new])
    #expect(converted.converting(to: new) == converted || isIndex || [.int64, .int32, .int16].contains(new))
    #expect(converted.denseMACs == workload.denseMACs)
  }
}
