import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct PyTorchTests {
  typealias Tensor = PyTorchFixture.Tensor

  /// A linear layer that runs `t` and `addmm`, a view, and a GELU of what the view shows.
  private func layers(schema: String) -> PyTorchFixture {
    var trace = PyTorchFixture(schema: schema)
    let (x, w, wt, b) = (
      Tensor(shape: [2, 5, 16], storage: 10), Tensor(shape: [32, 16], storage: 11),
      Tensor(shape: [16, 32], storage: 11),
      Tensor(shape: [32], storage: 12)
    )
    let y = Tensor(shape: [2, 5, 32], storage: 13)
    let linear = trace.call(
      "aten::linear", [.tensor(x), .tensor(w), .tensor(b)], [y], signature: PyTorchFixture.linearSignature)
    let t = trace.call("aten::t", in: linear, [.tensor(w)], [wt])
    trace.call("aten::transpose", in: t, [.tensor(w), .integer(0), .integer(1)], [wt])
    trace.call(
      "aten::addmm", in: linear,
      [.tensor(b), .tensor(Tensor(shape: [10, 16], storage: 10)), .tensor(wt), .integer(1), .integer(1)],
      [Tensor(shape: [10, 32], storage: 13)])
    let seen = Tensor(shape: [10, 32], storage: 13)
    let reshape = trace.call("aten::reshape", [.tensor(y), .integers([10, 32])], [seen])
    trace.call("aten::view", in: reshape, [.tensor(y), .integers([10, 32])], [seen])
    trace.call("aten::gelu", [.tensor(seen)], [Tensor(shape: [10, 32], storage: 14)])
    return trace
  }

  @Test(arguments: ["1.0.1", "1.0.2-chakra.0.0.4", "1.1.1-chakra.0.0.4"])
  func `nested calls count once and views carry dependencies, in every layout`(schema: String) throws {
    let trace = try read(layers(schema: schema).text, name: "net.pytorch_et.json")
    #expect(trace.format == .pytorchExecutionTrace && trace.warnings.isEmpty)
    #expect(trace.workload.name == "net")
    #expect(trace.workload.samples == 2)
    #expect(
      trace.workload.operators == [
        Operator(name: "linear.0", kind: .gemm(GEMM(m: 32, n: 10, k: 16)), dataType: .fp16),
        Operator(
          name: "gelu.0", kind: .elementwise(Elementwise(.gelu, elements: 320)), dataType: .fp16, dependencies: [0]),
      ])
    #expect(
      trace.workload.skipped == [
        Workload.Skipped(reason: "moves no data", count: 1, examples: ["aten::reshape"])
      ])
  }

  @Test(arguments: ["1.2.0-chakra.0.0.4", "9.9"]) func `a newer schema is read with a warning`(schema: String) throws {
    let trace = try read(layers(schema: schema).text)
    #expect(trace.warnings.map(\.code) == [.unknownSchema])
    #expect(trace.warnings[0].location?.line == 1)
    #expect(trace.workload.operators.count == 2)
  }

  @Test func `autocast's inner call counts, with its casts`() throws {
    var trace = PyTorchFixture()
    let (x, w) = (Tensor(shape: [4, 8], storage: 1, type: "float"), Tensor(shape: [6, 8], storage: 2, type: "float"))
    let (xh, y) = (Tensor(shape: [4, 8], storage: 3), Tensor(shape: [4, 6], storage: 4))
    let outer = trace.call(
      "aten::linear", [.tensor(x), .tensor(w), .none], [y], signature: PyTorchFixture.linearSignature)
    let to = trace.call("aten::to", in: outer, [.tensor(x), .integer(5)], [xh])
    trace.call("aten::_to_copy", in: to, [.tensor(x), .integer(5)], [xh])
    trace.call(
      "aten::linear", in: outer, [.tensor(xh), .tensor(Tensor(shape: [6, 8], storage: 5)), .none], [y],
      signature: PyTorchFixture.linearSignature)
    let operators = try read(trace.text).workload.operators
    #expect(operators.map(\.name) == ["to_copy.0", "linear.0"])
    #expect(operators[0].kind == .elementwise(Elementwise(.cast, elements: 32)))
    #expect((operators[0].dataType, operators[0].outputType) == (.fp32, .fp16))
    #expect(operators[1].dependencies == [0] && operators[1].dataType == .fp16)
  }

  @Test func `arguments are found by the schema's names, whatever their order`() throws {
    let (x, w, y) = (
      Tensor(shape: [2, 8, 9, 11], storage: 1), Tensor(shape: [16, 4, 3, 3], storage: 2),
      Tensor(shape: [2, 16, 5, 11], storage: 3)
    )
    var trace = PyTorchFixture()
    trace.call(
      "aten::conv2d",
      [.tensor(x), .tensor(w), .none, .integers([2, 1]), .integers([1, 1]), .integers([1, 1]), .integer(2)], [y],
      signature: PyTorchFixture.convolutionSignature)
    trace.call(
      "aten::cudnn_convolution",
      [
        .tensor(x), .tensor(w), .integers([1, 1]), .integers([2, 1]), .integers([1, 1]), .integer(2), .bool(true),
        .bool(false), .bool(true),
      ], [y], signature: PyTorchFixture.cudnnSignature)
    let expected = Convolution(
      batch: 2, inputChannels: 8, outputChannels: 16, input: Extent(9, 11), kernel: Extent(3, 3),
      stride: Extent(2, 1), padding: Padding(vertical: 1, horizontal: 1), groups: 2)
    #expect(expected.output == Extent(5, 11))
    #expect(try read(trace.text).workload.operators.map(\.kind) == [.convolution(expected), .convolution(expected)])
  }

  /// A convolution and a product, forward and backward, and the optimizer's step.
  @Test(arguments: ["1.0.1", "1.1.1-chakra.0.0.4"]) func `backward calls get their phases`(schema: String) throws {
    var trace = PyTorchFixture(schema: schema)
    let (image, filter, features) = (
      Tensor(shape: [3, 2, 6, 6], storage: 1), Tensor(shape: [4, 2, 3, 3], storage: 2),
      Tensor(shape: [3, 4, 4, 4], storage: 3)
    )
    let (flat, weight, bias, logits) = (
      Tensor(shape: [3, 64], storage: 3), Tensor(shape: [64, 10], storage: 4), Tensor(shape: [10], storage: 5),
      Tensor(shape: [3, 10], storage: 6)
    )
    let ones: PyTorchFixture.Argument = .integers([1, 1])
    trace.call(
      "aten::conv2d", [.tensor(image), .tensor(filter), .none, ones, .integers([0, 0]), ones, .integer(1)], [features],
      signature: PyTorchFixture.convolutionSignature)
    trace.call(
      "aten::addmm", [.tensor(bias), .tensor(flat), .tensor(weight), .integer(1), .integer(1)], [logits],
      signature: "aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor")
    // Backward: the two gradients of the product, then those of the convolution.
    let gradient = Tensor(shape: [3, 10], storage: 7)
    var engine = trace.call("autograd::engine::evaluate_function: AddmmBackward0")
    var node = trace.call("AddmmBackward0", in: engine, [.tensor(gradient)])
    let mm = "aten::mm(Tensor self, Tensor mat2) -> Tensor"
    trace.call(
      "aten::mm", in: node, [.tensor(gradient), .tensor(Tensor(shape: [10, 64], storage: 4))],
      [Tensor(shape: [3, 64], storage: 8)], signature: mm)
    trace.call(
      "aten::mm", in: node, [.tensor(Tensor(shape: [64, 3], storage: 3)), .tensor(gradient)],
      [Tensor(shape: [64, 10], storage: 9)], signature: mm)
    engine = trace.call("autograd::engine::evaluate_function: ConvolutionBackward0")
    node = trace.call("ConvolutionBackward0", in: engine)
    trace.call(
      "aten::convolution_backward", in: node,
      [
        .tensor(Tensor(shape: [3, 4, 4, 4], storage: 8)), .tensor(image), .tensor(filter), .none, ones,
        .integers([0, 0]), ones, .bool(false), .integers([0, 0]), .integer(1), .bools([true, true, false]),
      ], [Tensor(shape: [3, 2, 6, 6], storage: 20), Tensor(shape: [4, 2, 3, 3], storage: 21)],
      signature: PyTorchFixture.backwardSignature)
    engine = trace.call("autograd::engine::evaluate_function: torch::autograd::AccumulateGrad")
    let accumulated = Tensor(shape: [4, 2, 3, 3], storage: 22)
    trace.call(
      "aten::add_", in: engine,
      [.tensor(accumulated), .tensor(Tensor(shape: [4, 2, 3, 3], storage: 21)), .integer(1)],
      [accumulated])
    let step = trace.call("Optimizer.step#SGD.step")
    trace.call(
      "aten::_foreach_add_", in: step,
      [.tensors([filter, weight, bias]), .tensors([accumulated, Tensor(shape: [64, 10], storage: 9), bias])])

    let operators = try read(trace.text).workload.operators
    #expect(
      operators.map { "\($0.name) \($0.phase.rawValue) \($0.dependencies)" } == [
        "conv2d.0 forward []", "addmm.0 forward [0]", "mm.0 backward-data []", "mm.1 backward-weight [0]",
        "convolution_backward.0.data backward-data [2]", "convolution_backward.0.weight backward-weight [2]",
        "add.0 backward-weight [5]", "optimizer.0 update [3, 6]",
      ])
    #expect(operators[1].kind == .gemm(GEMM(m: 10, n: 3, k: 64)))
    #expect(operators[2].kind == .gemm(GEMM(m: 64, n: 3, k: 10)))
    #expect(operators[3].kind == .gemm(GEMM(m: 10, n: 64, k: 3, hasWeights: false)))
    #expect(operators[4].kind == operators[0].kind && operators[5].kind == operators[0].kind)
    #expect(operators[7].kind == .update(WeightUpdate(parameters: 72 + 640 + 10, optimizer: .sgd)))
  }

  @Test func `attention takes heads, mask and grouping from its arguments`() throws {
    var trace = PyTorchFixture()
    let (q, k) = (Tensor(shape: [2, 8, 5, 16], storage: 1), Tensor(shape: [2, 4, 7, 16], storage: 2))
    trace.call(
      "aten::scaled_dot_product_attention",
      [.tensor(q), .tensor(k), .tensor(k), .none, .integer(0), .bool(true), .none, .bool(true)],
      [Tensor(shape: [2, 8, 5, 16], storage: 3)],
      signature: "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
        + "float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor")
    #expect(
      try read(trace.text).workload.operators.map(\.kind) == [
        .attention(
          Attention(
            batch: 2, heads: 8, keyValueHeads: 4, queryLength: 5, keyLength: 7, headDimension: 16, isCausal: true))
      ])
  }

  @Test func `a product is of weights where nothing computed an operand`() throws {
    var trace = PyTorchFixture()
    let (x, w, y) = (
      Tensor(shape: [4, 8], storage: 1), Tensor(shape: [8, 6], storage: 2), Tensor(shape: [4, 6], storage: 3)
    )
    trace.call("aten::relu", [.tensor(x)], [x])
    trace.call("aten::matmul", [.tensor(x), .tensor(w)], [y])
    trace.call("aten::mm", [.tensor(x), .tensor(y)], [Tensor(shape: [4, 6], storage: 4)])
    trace.call(
      "aten::bmm", [.tensor(Tensor(shape: [3, 4, 8], storage: 1)), .tensor(Tensor(shape: [3, 8, 5], storage: 9))],
      [Tensor(shape: [3, 4, 5], storage: 5)])
    #expect(
      try read(trace.text).workload.operators.dropFirst().map(\.kind) == [
        .gemm(GEMM(m: 6, n: 4, k: 8)), .gemm(GEMM(m: 6, n: 4, k: 8, hasWeights: false)),
        .gemm(GEMM(m: 5, n: 4, k: 8, batch: 3, hasWeights: false)),
      ])
  }

  @Test func `what is left out is counted by reason`() throws {
    var trace = PyTorchFixture()
    let (x, y) = (Tensor(shape: [4, 8], storage: 1), Tensor(shape: [4, 8], storage: 2))
    trace.call("aten::relu", [.tensor(x)], [x])
    trace.call("aten::view", [.tensor(x)], [x])
    trace.call("aten::dropout", [.tensor(x), .integer(0), .bool(false)], [x])
    trace.call("aten::item", [.tensor(x)])
    let unknown = trace.call("custom::fused_thing", [.tensor(x)], [y])
    trace.call("aten::empty", in: unknown, [.integers([4, 8])], [y])
    trace.call(
      "aten::softmax", [.tensor(Tensor(shape: [], storage: 3)), .integer(-1)], [Tensor(shape: [], storage: 3)])
    trace.call("aten::relu", [.tensor(Tensor(shape: [0, 8], storage: 4))], [Tensor(shape: [0, 8], storage: 4)])
    trace.call("aten::relu", [.tensor(Tensor(shape: [1 << 31, 1 << 40], storage: 5))])
    trace.call("aten::gelu", [.tensor(y)], [y])
    let workload = try read(trace.text).workload
    // The GELU follows the ReLU through the unknown call between them.
    #expect(workload.operators.map(\.name) == ["relu.0", "gelu.0"])
    #expect(workload.operators[1].dependencies == [0])
    #expect(
      workload.skipped.map { "\($0.count) \($0.reason) \($0.examples)" } == [
        #"1 moves no data ["aten::view"]"#, #"1 does nothing in evaluation ["aten::dropout"]"#,
        #"1 reads a value back to the host ["aten::item"]"#, #"1 unknown operator ["custom::fused_thing"]"#,
        #"1 no shapes in the trace ["aten::softmax"]"#, #"1 empty tensors ["aten::relu"]"#,
        #"1 sizes that cannot be: size-overflow ["aten::relu"]"#,
      ])
  }

  @Test func `a trace without work says what it skipped`() {
    var trace = PyTorchFixture()
    trace.call("custom::thing", [.tensor(Tensor(shape: [4], storage: 1))])
    let found = problems(trace.text)
    #expect(found.map(\.code) == [.emptyTrace])
    #expect(found[0].notes == ["1 skipped: unknown operator (custom::thing)"])
  }

  @Test func `nodes without id or name are located`() {
    let found = problems(#"{"schema": "1.0.1", "nodes": [{"id": 1}, {"name": "a"}, 7, {"id": "x", "name": "b"}]}"#)
    #expect(found.map(\.code) == [.missingKey, .missingKey, .wrongType, .wrongType])
    #expect(found.map { $0.location?.column } == [31, 42, 57, 67])
  }
}
