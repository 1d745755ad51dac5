import Diagnostics
import Testing
import Traces
import Workloads

@Suite("Tensors bound to operators")
struct TensorBindingTests {
  private func product(_ name: String, _ m: Int = 2, _ k: Int = 4, phase: Phase = .inference) -> Operator {
    Operator(name: name, kind: .gemm(GEMM(m: m, n: 8, k: k)), phase: phase, dataType: .fp16)
  }

  private func file(_ tensors: [(String, [Int], [UInt8])]) throws -> [Tensor] {
    try TensorReader.read(
      SafetensorsFixture(tensors: tensors.map { ($0.0, "U8", $0.1, $0.2) }).bytes, name: "model.safetensors")
  }

  private func workload(_ operators: [Operator]) -> Workload {
    Workload(name: "net", source: "test", operators: operators)
  }

  private static let half: [UInt8] = [1, 0, 1, 0, 0, 1, 0, 1]

  @Test func `names fit exactly, with a suffix, in other spelling, or by the table`() throws {
    let names = try TensorNames(SourceText(name: "names.csv", text: "operator,tensor\nconv*.*,block.*.layer.*.w\n"))
    let tensors = try file([
      ("exact", [2, 4], Self.half), ("suffixed.weight", [2, 4], Self.half),
      ("model.Layer_0/fc1.weight", [2, 4], Self.half), ("block.3.layer.7.w", [2, 4], Self.half),
      ("full.weight", [2, 4], [UInt8](repeating: 1, count: 8)), ("idle.weight", [2, 4], Self.half),
      ("idle.bias", [2], [0, 0]),
    ])
    let operators = ["exact", "suffixed", "layer.0.fc1", "conv3.7", "full", "other"].map { product($0) }
    let binding = try TensorBinding(workload(operators), tensors, in: "model.safetensors", names: names)
    #expect(binding.workload.operators.map { $0.sparsity.weights.zeros?.kept } == [4, 4, 4, 4, nil, nil])
    #expect(
      binding.notes.map(\.operators) == [
        ["exact", "suffixed", "layer.0.fc1", "conv3.7"], ["full"], ["other"], ["idle.weight"],
      ])
    #expect(binding.workload.operators[0].sparsity.weights.description == "mask(model.safetensors#exact)")
  }

  @Test func `two tensors of like names bind nothing, nor do backward operators`() throws {
    let tensors = try file([("a.b.weight", [2, 4], Self.half), ("a_b", [2, 4], Self.half), ("c", [2, 4], Self.half)])
    let binding = try TensorBinding(
      workload([product("A.B"), product("c"), product("c", phase: .backwardData)]), tensors, in: "f")
    #expect(binding.workload.operators.map { $0.sparsity.weights == .dense } == [true, false, true])
  }

  @Test func `other shapes are told with both, all at once and where they stand`() throws {
    let tensors = try file([("a", [4, 2], Self.half), ("b", [2, 4], [UInt8](repeating: 0, count: 8))])
    let error = #expect(throws: DiagnosticList.self) {
      try TensorBinding(workload([product("a"), product("b")]), tensors, in: "f")
    }
    #expect(error?.diagnostics.map(\.code) == [.inconsistentShape, .invalidPattern])
    #expect(
      error?.diagnostics[0].message.contains("4×2") == true && error?.diagnostics[0].help == "store it transposed")
    #expect(error?.diagnostics.allSatisfy { $0.location?.file == "model.safetensors" } == true)
    let none = #expect(throws: DiagnosticList.self) {
      try TensorBinding(workload([product("x")]), tensors, in: "f")
    }
    #expect(none?.diagnostics.map(\.code) == [.matchesNothing])
    let names = try TensorNames(SourceText(name: "names.csv", text: "operator,tensor\nx,aa\n"))
    let unknown = #expect(throws: DiagnosticList.self) {
      try TensorBinding(workload([product("x")]), tensors, in: "f", names: names)
    }
    #expect(unknown?.diagnostics.map(\.code) == [.unknownTensor] && unknown?.diagnostics[0].location?.line == 2)
  }

  @Test func `a convolution takes its groups' filters as rows`() throws {
    let shape = Convolution(
      batch: 1, inputChannels: 4, outputChannels: 2, input: Extent(4, 4), kernel: Extent(2, 2), groups: 2)
    let op = Operator(name: "conv", kind: .convolution(shape), dataType: .fp16)
    let tensors = try file([("conv.weight", [2, 2, 2, 2], (0..<16).map { $0 % 3 == 0 ? 0 : 1 })])
    let mask = try #require(
      try TensorBinding(workload([op]), tensors, in: "f").workload.operators[0].sparsity.weights.zeros)
    #expect((mask.rows, mask.columns, mask.kept) == (2, 8, 10))
  }
}

@Suite("Tables beside a trace")
struct SideTableTests {
  private func product(_ name: String, deps: [Int] = []) -> Operator {
    Operator(name: name, kind: .gemm(GEMM(m: 64, n: 8, k: 64)), dataType: .fp16, dependencies: deps)
  }

  private func source(_ text: String, name: String = "table.csv") -> SourceText { SourceText(name: name, text: text) }

  @Test func `densities become patterns of the operands that they name`() throws {
    let table = try DensityTable.read(
      source(
        """
        Layer,Operand,Density,Structure,Source
        a,W,0.5,2:4,paper
        b*,w,0.25,block 4x4,"a, guess"
        b1,I,0.1,,
        a,O,0.3,unstructured,profile
        b2,W,0.0625,16x,
        c,W,1,,

        """))
    let workload = Workload(
      name: "net", source: "test",
      operators: [product("a"), product("b1", deps: [0]), product("b2", deps: [1]), product("c", deps: [0])])
    let rules = try workload.rules(from: table)
    let result = try workload.applying(rules).workload.operators
    #expect(
      result.map(\.sparsity.weights) == [
        .structured(n: 2, m: 4), .block(rows: 4, columns: 4, zeros: 0.75), .bank(size: 64, rate: 16), .dense,
      ])
    #expect(
      result.map(\.sparsity.activations) == [.dense, .unstructured(zeros: 0.7), .dense, .unstructured(zeros: 0.7)])
  }

  @Test(arguments: [
    ("layer,density\na,0.5\n", DiagnosticCode.missingKey), ("layer,operand,densty\n", .unknownKey),
    ("layer,operand,density\na,W\n", .missingKey), ("layer,operand,density\na,Q,0.5\n", .unknownValue),
    ("layer,operand,density\na,W,1.5\n", .outOfRange), ("layer,operand,density\na,W,nan\n", .outOfRange),
    ("layer,operand,density\na,W,0\n", .outOfRange),
    ("layer,operand,density,structure\na,W,0.5,2:5\n", .invalidPattern),
    ("layer,operand,density,structure\na,W,0.5,block 4y4\n", .invalidPattern),
    ("layer,operand,density,structure\na,W,0.5,mask(x#y)\n", .invalidPattern),
    ("layer,layer,operand,density\n", .duplicateKey), ("", .emptyFile),
  ])
  func `a bad cell is told with its place`(_ text: String, _ code: DiagnosticCode) {
    let error = #expect(throws: DiagnosticList.self) { try DensityTable.read(source(text)) }
    #expect(error?.diagnostics.first?.code == code, "\(text): \(String(describing: error))")
    #expect(text.isEmpty || error?.diagnostics.first?.location != nil, "\(text)")
  }

  @Test func `invalid UTF-8 is told with its line`() {
    let error = #expect(throws: DiagnosticList.self) {
      try DensityTable.read(SourceText(name: "d.csv", bytes: Array("layer,operand,density\n".utf8) + [0xFF, 0x0A]))
    }
    #expect(error?.diagnostics.first?.code == .invalidText && error?.diagnostics.first?.location?.line == 2)
  }

  @Test func `layers that are not there suggest the nearest, each at its row`() throws {
    let rows = try DensityTable.read(source("layer,operand,density\nencodr,W,0.5\n\nencoderx,O,0.5\n"))
    let workload = Workload(name: "net", source: "test", operators: [product("encoder")])
    let error = #expect(throws: DiagnosticList.self) { try workload.rules(from: rows) }
    #expect(
      error?.diagnostics.first?.help == "did you mean 'encoder'?" && error?.diagnostics.first?.location?.line == 4)
    let weights = #expect(throws: DiagnosticList.self) {
      try workload.applying(try workload.rules(from: [rows[0]]))
    }
    #expect(weights?.diagnostics.first?.help == "did you mean 'encoder'?")
    #expect(weights?.diagnostics.first?.location?.line == 2)
  }

  private func teal(_ layer: Int, _ zeros: Double) throws -> ActivationSparsityTable {
    let cells = (0..<7).map { "\(zeros + Double($0) / 100)" }.joined(separator: ",")
    return try ActivationSparsityTable(
      source(
        "Effective Sparsity,Activation Error,Baseline Error,q,k,v,o,gate,up,down\n0.1,0,0,0,0,0,0,0,0,0\n0.5,1e-3,0,\(cells)\n",
        name: "model-7B_layer-\(layer).csv"))
  }

  @Test func `projections take the activation sparsity of their layer, or the mean where they stand for all`() throws {
    let tables = [try teal(0, 0.2), try teal(15, 0.4)]
    #expect(tables.map(\.layer) == [0, 15])
    let workload = Workload(
      name: "net", source: "test",
      operators: ["layers.0.q_proj", "layers.15.down_proj", "layers.3.q_proj", "layer.up_proj", "head"].map {
        product($0)
      })
    let rules = try workload.rules(from: tables, effective: 0.5)
    let result = try workload.applying(rules).workload.operators.map(\.sparsity.activations)
    for (pattern, zeros) in zip(result, [0.2, 0.46, 0, 0.35, 0]) {
      #expect(abs(1 - (pattern.keptFraction(alongReduction: 64) ?? 0) - zeros) < 1e-12)
    }
    #expect(throws: DiagnosticList.self) { try workload.rules(from: tables, effective: 0.9) }
    #expect(throws: DiagnosticList.self) { try workload.rules(from: tables + tables, effective: 0.5) }
    #expect(throws: DiagnosticList.self) {
      try Workload(name: "n", source: "t", operators: [product("fc")]).rules(from: tables, effective: 0.5)
    }
  }
}
