import Diagnostics
import Testing
import Workloads

@Suite struct ShapeTests {
  private static func op(_ kind: OperatorKind, sparsity: OperandSparsity = .dense, repeats: Int = 1) -> Operator {
    Operator(name: "op", kind: kind, dataType: .fp16, sparsity: sparsity, repeats: repeats)
  }

  private static func conv(
    _ channels: Int = 4, _ filters: Int = 4, _ input: Int = 8, _ kernel: Int = 3, stride: Int = 1,
    padding: Padding = Padding(), dilation: Int = 1, groups: Int = 1
  ) -> OperatorKind {
    .convolution(
      Convolution(
        inputChannels: channels, outputChannels: filters, input: Extent(input, input), kernel: Extent(kernel, kernel),
        stride: Extent(stride, stride), padding: padding, dilation: Extent(dilation, dilation), groups: groups))
  }

  private static func pool(_ channels: Int) -> Pooling {
    Pooling(batch: 1, channels: channels, input: Extent(4, 4), output: Extent(2, 2), kernel: Extent(2, 2))
  }

  /// One of each kind, all of whose sizes are right.
  static let kinds: [OperatorKind] = [
    .gemm(GEMM(m: 4, n: 4, k: 4)), .groupedGEMM(GroupedGEMM(m: 4, k: 4, columns: [2, 0])), conv(),
    .attention(Attention(batch: 1, heads: 4, keyValueHeads: 2, queryLength: 3, keyLength: 5, headDimension: 8)),
    .elementwise(Elementwise(.gelu, elements: 4)), .normalization(Normalization(.layer, rows: 2, width: 4)),
    .softmax(Softmax(rows: 2, width: 4)), .reduction(Reduction(outputs: 2, width: 4)), .pooling(pool(4)),
    .embedding(Embedding(rows: 2, width: 4, vocabulary: 8)), .update(WeightUpdate(parameters: 8, optimizer: .adam)),
    .pruning(Pruning(elements: 8, n: 2, m: 4)),
  ]

  @Test(arguments: kinds)
  func `a valid operator has no problems`(kind: OperatorKind) {
    #expect(Self.op(kind).shapeProblems().isEmpty)
  }

  @Test func `every kind is tried and named once`() {
    #expect(Self.kinds.map(\.name) == OperatorKind.names)
    #expect(Self.kinds.filter(\.isMatrix).allSatisfy { !Self.op($0).matrixProblems.isEmpty })
    #expect(Self.kinds.filter { !$0.isMatrix }.allSatisfy { Self.op($0).matrixProblems.isEmpty })
  }

  /// Every size of every kind set to a bad value, with the key it must be told under.
  private static func spoilt(_ bad: Int) -> [(key: String, kind: OperatorKind)] {
    let pooled = Pooling(batch: 1, channels: 1, input: Extent(4, 4), output: Extent(2, 2), kernel: Extent(2, 2))
    func pooling(_ change: (inout Pooling) -> Void) -> OperatorKind {
      var result = pooled
      change(&result)
      return .pooling(result)
    }
    func convolution(_ change: (inout Convolution) -> Void) -> OperatorKind {
      var result = Convolution(inputChannels: 4, outputChannels: 4, input: Extent(8, 8), kernel: Extent(3, 3))
      change(&result)
      return .convolution(result)
    }
    func attention(_ change: (inout Attention) -> Void) -> OperatorKind {
      var result = Attention(batch: 1, heads: 4, queryLength: 4, headDimension: 8)
      change(&result)
      return .attention(result)
    }
    return [
      ("m", .gemm(GEMM(m: bad, n: 1, k: 1))), ("n", .gemm(GEMM(m: 1, n: bad, k: 1))),
      ("k", .gemm(GEMM(m: 1, n: 1, k: bad))), ("batch", .gemm(GEMM(m: 1, n: 1, k: 1, batch: bad))),
      ("m", .groupedGEMM(GroupedGEMM(m: bad, k: 1, columns: [1]))),
      ("k", .groupedGEMM(GroupedGEMM(m: 1, k: bad, columns: [1]))),
      ("batch", convolution { $0.batch = bad }), ("in_channels", convolution { $0.inputChannels = bad }),
      ("out_channels", convolution { $0.outputChannels = bad }), ("height", convolution { $0.input.height = bad }),
      ("width", convolution { $0.input.width = bad }), ("kernel", convolution { $0.kernel.height = bad }),
      ("kernel", convolution { $0.kernel.width = bad }), ("stride", convolution { $0.stride.height = bad }),
      ("stride", convolution { $0.stride.width = bad }), ("dilation", convolution { $0.dilation.height = bad }),
      ("dilation", convolution { $0.dilation.width = bad }), ("groups", convolution { $0.groups = bad }),
      ("batch", attention { $0.batch = bad }), ("heads", attention { $0.heads = bad }),
      ("kv_heads", attention { $0.keyValueHeads = bad }), ("query_length", attention { $0.queryLength = bad }),
      ("key_length", attention { $0.keyLength = bad }), ("head_dim", attention { $0.headDimension = bad }),
      ("window", attention { $0.window = bad }),
      ("elements", .elementwise(Elementwise(.add, elements: bad))),
      ("inputs", .elementwise(Elementwise(.add, elements: 1, inputs: bad))),
      ("rows", .normalization(Normalization(.rms, rows: bad, width: 1))),
      ("width", .normalization(Normalization(.rms, rows: 1, width: bad))),
      ("rows", .softmax(Softmax(rows: bad, width: 1))), ("width", .softmax(Softmax(rows: 1, width: bad))),
      ("outputs", .reduction(Reduction(outputs: bad, width: 1))),
      ("width", .reduction(Reduction(outputs: 1, width: bad))),
      ("batch", pooling { $0.batch = bad }), ("channels", pooling { $0.channels = bad }),
      ("height", pooling { $0.input.height = bad }), ("width", pooling { $0.input.width = bad }),
      ("out_height", pooling { $0.output.height = bad }), ("out_width", pooling { $0.output.width = bad }),
      ("kernel", pooling { $0.kernel.height = bad }), ("kernel", pooling { $0.kernel.width = bad }),
      ("rows", .embedding(Embedding(rows: bad, width: 1, vocabulary: 1))),
      ("width", .embedding(Embedding(rows: 1, width: bad, vocabulary: 1))),
      ("vocabulary", .embedding(Embedding(rows: 1, width: 1, vocabulary: bad))),
      ("parameters", .update(WeightUpdate(parameters: bad, optimizer: .sgd))),
      ("elements", .pruning(Pruning(elements: bad, n: 1, m: 1))), ("n", .pruning(Pruning(elements: 1, n: bad, m: 1))),
      ("m", .pruning(Pruning(elements: 1, n: 1, m: bad))),
    ]
  }

  @Test(arguments: [0, -1, Int.min])
  func `a size of zero or less is told under its key`(bad: Int) {
    for (key, kind) in Self.spoilt(bad) {
      let problems = Self.op(kind).shapeProblems()
      #expect(problems.map(\.key) == [key], "\(kind.name)")
      #expect(problems.map(\.code) == [.outOfRange], "\(kind.name)")
      #expect(problems.first?.message == "'\(key)' is \(bad); it must be at least 1")
    }
    #expect(Self.op(.gemm(GEMM(m: 1, n: 1, k: 1)), repeats: bad).shapeProblems().map(\.key) == ["repeat"])
    #expect(Set(Self.spoilt(bad).map(\.kind.name)) == Set(OperatorKind.names))
  }

  /// Sizes that make no sense of their own but only together, or that a kind's rule forbids, are left out.
  @Test(arguments: [Int.max, 1 << 62, 1 << 54])
  func `a size beyond all counting is told and never traps`(huge: Int) {
    for (key, kind) in Self.spoilt(huge) where !["window", "stride", "kv_heads", "groups", "n"].contains(key) {
      let problems = Self.op(kind).shapeProblems()
      #expect(problems.count == 1, "\(kind.name) \(key)")
      #expect(
        problems.allSatisfy { [.sizeOverflow, .outOfRange, .inconsistentShape].contains($0.code) },
        "\(kind.name) \(key)")
    }
    for (_, kind) in Self.spoilt(huge) { _ = Self.op(kind).shapeProblems() }
    #expect(Self.op(.gemm(GEMM(m: 1, n: 1, k: 1)), repeats: huge).shapeProblems().map(\.code) == [.sizeOverflow])
  }

  @Test func `the most that is counted is two to the 53rd multiply-accumulates`() {
    let side = 1 << 17
    let fits = GEMM(m: side, n: side, k: 1 << 19)
    #expect(Self.op(.gemm(fits)).shapeProblems().isEmpty)
    #expect(Self.op(.gemm(fits)).denseMACs == Operator.largestCount)
    #expect(Self.op(.gemm(GEMM(m: side, n: side, k: 1 << 19 + 1))).shapeProblems().map(\.code) == [.sizeOverflow])
    #expect(Self.op(.gemm(fits), repeats: 2).shapeProblems().map(\.code) == [.sizeOverflow])
  }

  @Test(arguments: [
    ("in_channels", conv(6, 8, groups: 4)), ("out_channels", conv(8, 6, groups: 4)), ("kernel", conv(4, 4, 2, 3)),
    ("kernel", conv(4, 4, 4, 3, dilation: 2)),
    ("kernel", conv(4, 4, 1, 4, padding: Padding(top: 1, bottom: 1, left: 1, right: 1))),
    ("kv_heads", .attention(Attention(batch: 1, heads: 6, keyValueHeads: 4, queryLength: 4, headDimension: 8))),
    (
      "key_length",
      .attention(Attention(batch: 1, heads: 6, queryLength: 4, keyLength: 3, headDimension: 8, isCausal: true))
    ),
    ("columns", .groupedGEMM(GroupedGEMM(m: 4, k: 4, columns: []))),
    ("columns", .groupedGEMM(GroupedGEMM(m: 4, k: 4, columns: [0, 0]))),
  ])
  func `sizes that contradict each other are told under one of them`(key: String, kind: OperatorKind) {
    let problems = Self.op(kind).shapeProblems()
    #expect(problems.map(\.code) == [.inconsistentShape])
    #expect(problems.map(\.key) == [key])
    #expect(problems.allSatisfy { $0.help != nil })
  }

  @Test(arguments: [
    ("columns", .groupedGEMM(GroupedGEMM(m: 4, k: 4, columns: [1, -1]))),
    ("padding", conv(padding: Padding(top: -1))), ("padding", conv(padding: Padding(right: Int.max))),
    ("padding", conv(4, 4, 1 << 31, 3)),
  ])
  func `sizes outside their range are told`(key: String, kind: OperatorKind) {
    #expect(Self.op(kind).shapeProblems().map(\.key) == [key])
    #expect(Self.op(kind).shapeProblems().map(\.code) == [.outOfRange])
  }

  @Test func `a filter as large as its padded input gives one output`() {
    let kind = Self.conv(4, 4, 1, 3, padding: Padding(vertical: 1, horizontal: 1))
    #expect(Self.op(kind).shapeProblems().isEmpty)
    #expect(Self.op(kind).denseMACs == 4 * 4 * 9)
  }

  @Test(arguments: [
    (SparsityPattern.structured(n: 2, m: 4), 30, 32), (.bank(size: 64, rate: 16), 100, 128),
    (.vectorStructured(v: 64, n: 2, m: 8), 20, 24), (.tile(rows: 8, columns: 8, fraction: 0.5, n: 2, m: 4), 6, 8),
  ])
  func `a group that does not divide K is refused, with what to pad to`(
    pattern: SparsityPattern, k: Int, padded: Int
  ) throws {
    func problems(_ k: Int, _ sparsity: OperandSparsity) -> [ShapeProblem] {
      Self.op(.gemm(GEMM(m: 8, n: 8, k: k)), sparsity: sparsity).shapeProblems()
    }
    for sparsity in [OperandSparsity(weights: pattern), OperandSparsity(activations: pattern)] {
      let problem = try #require(problems(k, sparsity).first)
      #expect(problem.code == .indivisiblePattern && problem.key == "sparsity")
      #expect(problem.help?.hasSuffix("pad it to \(padded)") == true)
      #expect(problems(padded, sparsity).isEmpty)
    }
  }

  @Test(arguments: [Phase.forward, .backwardData])
  func `a convolution's groups lie along the channels of its product`(phase: Phase) {
    func problems(_ m: Int) -> [DiagnosticCode] {
      var op = Self.op(Self.conv(8, 12), sparsity: OperandSparsity(weights: .structured(n: 1, m: m)))
      op.phase = phase
      return op.shapeProblems().map(\.code)
    }
    // Eight input channels, twelve output channels; 9·8 and 9·12 weights a row.
    #expect(problems(4).isEmpty)
    #expect(problems(8) == (phase == .forward ? [] : [.indivisiblePattern]))
    #expect(problems(12) == (phase == .forward ? [.indivisiblePattern] : []))
    #expect(problems(9) == [.indivisiblePattern])
  }

  @Test func `a row cannot keep more than it has`() {
    func codes(_ kept: Int) -> [DiagnosticCode] {
      Self.op(.gemm(GEMM(m: 8, n: 8, k: 30)), sparsity: OperandSparsity(weights: .fanIn(kept))).shapeProblems()
        .map(\.code)
    }
    #expect(codes(30).isEmpty)
    #expect(codes(31) == [.invalidPattern])
    #expect(Self.op(.pruning(Pruning(elements: 8, n: 5, m: 4))).shapeProblems().map(\.code) == [.invalidPattern])
  }

  @Test(arguments: kinds.filter { !$0.isMatrix }, OperandSparsity.Operand.allCases)
  func `vector operators have no sparse operands`(kind: OperatorKind, operand: OperandSparsity.Operand) {
    var sparsity = OperandSparsity.dense
    sparsity[operand] = .structured(n: 2, m: 4)
    #expect(Self.op(kind, sparsity: sparsity).shapeProblems().map(\.code) == [.invalidPattern])
  }
}
