import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

@Suite struct ExportTests {
  private func exported(_ operators: [Operator], as format: TraceExport.Format) throws -> (String, [String]) {
    let export = try TraceExport(Workload(name: "w", source: "s", operators: operators), as: format)
    return (String(decoding: export.bytes, as: UTF8.self), export.warnings.map(\.message))
  }

  /// What the arrays multiply: all pairs of an attention, whatever its mask.
  private func multiplied(_ operators: [Operator]) -> Int {
    operators.reduce(0) { sum, op in sum + op.repeats * op.matrixProblems.reduce(0) { $0 + $1.denseMACs } }
  }

  @Test func `a topology read again multiplies as much, whatever the shapes`() throws {
    var random = SeededGenerator(seed: 11)
    func size(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let phases: [Phase] = [.inference, .forward, .backwardData, .backwardWeight]
    for _ in 0..<200 {
      let groups = size(1...3)
      let kernel = Extent(size(1...3), size(1...4))
      let layer = Convolution(
        batch: size(1...2), inputChannels: groups * size(1...3), outputChannels: groups * size(1...4),
        input: Extent(size(7...9), size(7...12)), kernel: kernel, stride: Extent(size(1...2), size(1...2)),
        padding: Padding(top: size(0...2), bottom: size(0...2), left: size(0...2), right: size(0...2)),
        dilation: Extent(size(1...2), 1), groups: groups)
      var convolution = Operator(
        name: "conv, DP", kind: .convolution(layer), phase: phases[size(0...3)], dataType: .fp16, repeats: size(1...3))
      if layer.batch == 1 { convolution.phase = .inference }
      let operators = [
        convolution,
        Operator(
          name: "gemm", kind: .gemm(GEMM(m: size(1...9), n: size(1...9), k: 8, batch: size(1...3))), dataType: .fp16,
          sparsity: OperandSparsity(weights: size(0...1) == 0 ? .dense : .structured(n: 2, m: 4))),
        Operator(
          name: "experts", kind: .groupedGEMM(GroupedGEMM(m: 4, k: 5, columns: [3, 0, 2])), dataType: .fp16),
        Operator(
          name: "attention",
          kind: .attention(
            Attention(
              batch: 2, heads: 2, queryLength: 3, keyLength: 5, headDimension: size(1...4), valueDimension: size(1...4))
          ),
          dataType: .fp16),
      ]
      #expect(operators.allSatisfy { $0.shapeProblems().isEmpty })
      let (text, _) = try exported(operators, as: .scaleSim)
      let again = try read(text).workload.operators
      #expect(multiplied(again) == multiplied(operators), "\(layer) \(convolution.phase)")
      #expect(again.filter { $0.name.hasPrefix("gemm") }.allSatisfy { $0.sparsity == operators[1].sparsity })
    }
  }

  @Test func `plain convolutions stay convolutions, products of weights stay as they are`() throws {
    let layer = Convolution(
      inputChannels: 8, outputChannels: 16, input: Extent(9, 9), kernel: Extent(3, 3), stride: Extent(2, 2),
      padding: Padding(vertical: 1, horizontal: 1))
    let depthwise = Convolution(
      inputChannels: 8, outputChannels: 8, input: Extent(5, 5), kernel: Extent(3, 3), groups: 8)
    let operators = [
      Operator(
        name: "a b", kind: .convolution(layer), dataType: .int8,
        sparsity: OperandSparsity(weights: .structured(n: 1, m: 4))),
      Operator(name: "deep", kind: .convolution(depthwise), dataType: .int8),
      Operator(name: "fc", kind: .gemm(GEMM(m: 10, n: 3, k: 8)), dataType: .int8, repeats: 2),
      Operator(name: "relu", kind: .elementwise(Elementwise(.relu, elements: 4)), dataType: .int8),
    ]
    let (text, warnings) = try exported(operators, as: .scaleSim)
    #expect(
      text == """
        Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,
        a_b, 11, 11, 3, 3, 8, 16, 2, 1:4,
        deep_DP, 5, 5, 3, 3, 8, 1, 1, 4:4,
        fc_0, 3, 1, 1, 1, 8, 10, 1, 4:4,
        fc_1, 3, 1, 1, 1, 8, 10, 1, 4:4,

        """)
    #expect(warnings.count == 1 && warnings[0].hasPrefix("elementwise operators are left out"))
    let (product, _) = try exported([operators[2]], as: .scaleSim)
    #expect(product == "Layer, M, N, K,\nfc_0, 3, 10, 8,\nfc_1, 3, 10, 8,\n")
    let again = try read(product).workload.operators
    #expect(again.map(\.kind) == [operators[2].kind, operators[2].kind])
  }

  @Test func `what a topology cannot hold is said`() throws {
    let causal = Operator(
      name: "attention",
      kind: .attention(Attention(batch: 1, heads: 2, queryLength: 4, headDimension: 8, isCausal: true)), dataType: .fp16
    )
    let product = Operator(
      name: "fc", kind: .gemm(GEMM(m: 8, n: 8, k: 64)), dataType: .fp16,
      sparsity: OperandSparsity(weights: .unstructured(zeros: 0.5), activations: .unstructured(zeros: 0.5)))
    let (text, warnings) = try exported([causal, product], as: .scaleSim)
    #expect(text.split(separator: "\n").count == 1 + 4 + 1)
    #expect(
      warnings.map { String($0.prefix { $0 != ":" }) } == [
        "masks of attention are left out", "zeros of activations and scores are left out",
        "patterns other than N",
      ])
    let bank = Operator(
      name: "fc", kind: .gemm(GEMM(m: 8, n: 8, k: 64)), dataType: .fp16,
      sparsity: OperandSparsity(weights: .bank(size: 64, rate: 16)))
    #expect(try exported([bank], as: .scaleSim).0.contains("4:64"))
  }

  @Test func `a table without end is refused`() {
    for repeats in [1 << 30, 1 << 52] {
      let many = Operator(name: "fc", kind: .gemm(GEMM(m: 1, n: 1, k: 1)), dataType: .fp16, repeats: repeats)
      #expect(throws: DiagnosticList.self) { try exported([many], as: .scaleSim) }
    }
    let heads = Operator(name: "fc", kind: .gemm(GEMM(m: 1, n: 1, k: 1, batch: 1 << 40)), dataType: .fp16)
    #expect(throws: DiagnosticList.self) { try exported([heads], as: .scaleSim) }
    let relu = Operator(name: "relu", kind: .elementwise(Elementwise(.relu, elements: 4)), dataType: .int8)
    #expect(throws: DiagnosticList.self) { try exported([relu], as: .scaleSim) }
  }

  @Test func `the table has an operator a line, names quoted where they must be`() throws {
    let operators = [
      Operator(
        name: "fc, \"1\"", kind: .gemm(GEMM(m: 2, n: 3, k: 4, batch: 5)), dataType: .fp16, weightType: .int4,
        sparsity: OperandSparsity(weights: .structured(n: 2, m: 4)), repeats: 7),
      Operator(
        name: "norm", kind: .normalization(Normalization(.rms, rows: 2, width: 3)), phase: .forward, dataType: .bf16,
        outputType: .fp32, dependencies: [0],
        measured: RecordedTime(start: .nanoseconds(5), duration: .nanoseconds(8))),
    ]
    let (text, warnings) = try exported(operators, as: .csv)
    #expect(
      text == #"""
        index,name,kind,phase,shape,data_type,output_type,weight_type,repeats,products,m,n,k,macs,weight_elements,elements_read,elements_written,operations,weights_sparsity,activations_sparsity,scores_sparsity,dependencies,start_ns,duration_ns
        0,"fc, ""1""",gemm,inference,5·2×3×4,fp16,fp16,int4,7,5,2,3,4,120,40,100,30,0,2:4,,,,,
        1,norm,normalization,forward,rms 2×3,bf16,fp32,,1,,,,,0,0,6,6,30,,,,0,5,8

        """#)
    #expect(warnings.isEmpty)
  }
}
