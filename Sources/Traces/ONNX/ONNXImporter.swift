import Diagnostics
import Workloads

/// Reads the graph of an ONNX model, with shapes inferred from its inputs where the file does not give them.
///
/// - A dimension that the model leaves open is the batch where it comes first; any other leaves the shape unknown, and
///   what needs it is skipped.
/// - Weights may be absent (external or made of `ConstantOfShape`): their shapes are enough. Where their values are in
///   the file, or as a sparse initializer, and 1 % of them or more are zero, the operator's weights are `unstructured`
///   with that fraction.
/// - `LRN` counts as a function of each element. Control flow, recurrent layers and `ConvTranspose` are skipped.
struct ONNXImporter {
  private let model: ONNXModel
  private let batch: Int
  private let sink: DiagnosticSink
  private let source: String

  var shapes: [String: [Int]] = [:]
  var types: [String: Int] = [:]
  /// Integer values that are known before the model runs, such as the target of a `Reshape`.
  var constants: [String: [Int]] = [:]
  /// Tensors that are parameters or made of constants.
  var parameters: Set<String> = []
  /// Which operators a tensor comes from.
  private var producers: [String: [Int]] = [:]
  private var operators: [Operator] = []
  private var skipped: [Workload.Skipped] = []
  /// Whether the first dimension of an input is open, so that the batch is put there.
  private var isBatchOpen = false
  /// The first dimension that inputs which are no parameters agree on.
  private var samples: Int?

  /// Whether bytes look like a ModelProto: its first field is the version of the format, and a graph follows.
  static func looksLikeModel(_ bytes: [UInt8]) -> Bool {
    guard bytes.first == 0x08 else { return false }
    var reader = ProtobufReader(bytes)
    while let next = try? reader.next() {
      if next.field == 7, case .bytes = next.value { return true }
      if next.field > 25 { return false }
    }
    return false
  }

  /// Reads a model.
  /// - Throws: `unknown-format` with the offset of what is no Protocol Buffers message.
  static func read(
    _ bytes: [UInt8], name: String, options: ImportOptions, sink: DiagnosticSink
  ) throws(DiagnosticList) -> Workload {
    let model: ONNXModel
    do throws(ProtobufProblem) { model = try ONNXModel(bytes) } catch {
      throw DiagnosticList(
        Diagnostic(.unknownFormat, "\(name) is no ONNX model: at byte \(error.offset), \(error.reason)"))
    }
    var importer = ONNXImporter(model: model, batch: options.batch ?? 1, sink: sink, source: name)
    importer.run()
    options.reportUnused(
      besides: importer.isBatchOpen ? [.batch] : [],
      importer.isBatchOpen ? "an ONNX model leaves only the batch open" : "the sizes of this ONNX model are fixed", sink
    )
    return Workload(
      name: TraceReader.stem(name), source: "ONNX model \(name)", samples: importer.samples,
      operators: importer.operators, skipped: importer.skipped)
  }

  private init(model: ONNXModel, batch: Int, sink: DiagnosticSink, source: String) {
    self.model = model
    self.batch = batch
    self.sink = sink
    self.source = source
    for (name, tensor) in model.initializers {
      if tensor.dimensions.count <= Self.mostAxes { shapes[name] = tensor.dimensions }
      types[name] = tensor.type
      constants[name] = tensor.integers
      parameters.insert(name)
    }
    for info in model.values + model.inputs where shapes[info.name] == nil {
      types[info.name] = info.type
      guard let shape = info.shape, shape.count <= Self.mostAxes else { continue }
      let known = shape.enumerated().map { index, size in (size ?? 0) > 0 ? size : index == 0 ? batch : nil }
      if let first = shape.first, (first ?? 0) <= 0 { isBatchOpen = true }
      if !known.contains(nil) { shapes[info.name] = known.compactMap(\.self) }
    }
    let firsts = Set(model.inputs.filter { !parameters.contains($0.name) }.compactMap { shapes[$0.name]?.first })
    samples = firsts.count == 1 ? firsts.first : nil
  }

  private mutating func run() {
    for node in model.nodes {
      let isConstant = !node.inputs.isEmpty && node.inputs.allSatisfy { $0.isEmpty || parameters.contains($0) }
      if follow(node) {
        if isConstant || node.inputs.isEmpty { parameters.formUnion(node.outputs) }
        continue
      }
      if isConstant {
        parameters.formUnion(node.outputs)
        skip(node, "is known before the model runs")
        continue
      }
      switch kind(of: node) {
      case .success(let kind): append(node, kind)
      case .failure(let problem): skip(node, problem.reason)
      }
    }
  }

  private struct Unreadable: Error { var reason: String }

  mutating func skip(_ node: ONNXModel.Node, _ reason: String) {
    let position = skipped.firstIndex { $0.reason == reason } ?? skipped.count
    if position == skipped.count { skipped.append(Workload.Skipped(reason: reason, count: 0, examples: [])) }
    skipped[position].count += 1
    if skipped[position].examples.count < 8, !skipped[position].examples.contains(node.type) {
      skipped[position].examples.append(node.type)
    }
    let sources = producers(of: node)
    for output in node.outputs { producers[output] = sources }
  }

  private func producers(of node: ONNXModel.Node) -> [Int] {
    Set(node.inputs.flatMap { producers[$0] ?? [] }).sorted()
  }

  private mutating func append(_ node: ONNXModel.Node, _ kind: OperatorKind) {
    let type = node.inputs.first.flatMap { types[$0] } ?? 1
    var op = Operator(
      name: node.name.isEmpty ? node.outputs.first ?? node.type : node.name, kind: kind,
      dataType: Self.dataType(type) ?? .fp32, dependencies: producers(of: node))
    if kind.isMatrix, let zeros = node.inputs.dropFirst().first.flatMap({ model.initializers[$0]?.zeros }),
      zeros >= 0.01, zeros < 1
    {
      op.sparsity.weights = .unstructured(zeros: zeros)
    }
    if let problem = op.shapeProblems().first {
      sink.report(
        Diagnostic(
          problem.code, "\(source), node '\(op.name)' at byte \(node.offset): \(problem.message)", help: problem.help))
      return
    }
    for output in node.outputs {
      producers[output] = [operators.count]
      if types[output] == nil { types[output] = type }
    }
    operators.append(op)
  }

  private static func dataType(_ type: Int) -> DataType? {
    switch type {
    case 1: .fp32
    case 10: .fp16
    case 16: .bf16
    case 11: .fp64
    case 2, 3, 9: .int8
    case 4, 5: .int16
    case 6, 12: .int32
    case 7, 13: .int64
    case 17, 18, 19, 20: .fp8
    default: nil
    }
  }

  /// The product of sizes; nil if there is none, or one too large to count.
  static func product(_ sizes: some Sequence<Int>) -> Int? {
    var total = 1
    for size in sizes {
      let (next, overflow) = total.multipliedReportingOverflow(by: size)
      guard !overflow, next <= Operator.largestCount, size >= 0 else { return nil }
      total = next
    }
    return total
  }

  private mutating func kind(of node: ONNXModel.Node) -> Result<OperatorKind, Unreadable> {
    guard let function = Self.elementwise[node.type] else { return structured(node) }
    var largest: [Int]?
    for input in node.inputs {
      guard let shape = shapes[input] else { continue }
      largest = largest.map { Self.broadcast($0, shape) } ?? shape
    }
    guard let shape = largest ?? node.outputs.first.flatMap({ shapes[$0] }), let elements = Self.product(shape) else {
      return .failure(Unreadable(reason: "its shape is not known"))
    }
    set(shape, node)
    let inputs = node.inputs.count { shapes[$0].flatMap(Self.product) == elements }
    return .success(.elementwise(Elementwise(function, elements: elements, inputs: max(1, inputs))))
  }

  /// No tensor has more axes; what says otherwise is not followed.
  private static let mostAxes = 16

  mutating func set(_ shape: [Int], _ node: ONNXModel.Node) {
    guard shape.count <= Self.mostAxes, let output = node.outputs.first, shapes[output] == nil else { return }
    shapes[output] = shape
  }

  private static let elementwise: [String: Elementwise.Function] = [
    "Relu": .relu, "LeakyRelu": .relu, "PRelu": .relu, "Clip": .relu, "Elu": .exp, "Sigmoid": .sigmoid,
    "HardSigmoid": .sigmoid, "HardSwish": .silu, "Tanh": .tanh, "Exp": .exp, "Log": .exp, "Sqrt": .sqrt, "Gelu": .gelu,
    "Erf": .gelu, "Add": .add, "Sub": .add, "Sum": .add, "Mul": .multiply, "Div": .multiply, "Pow": .exp,
    "Neg": .multiply,
    "Max": .relu, "Min": .relu, "Where": .copy, "Cast": .cast, "LRN": .multiply, "QuantizeLinear": .cast,
    "DequantizeLinear": .cast,
  ]

  private static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
    let count = max(a.count, b.count)
    return (0..<count).map { place in
      let (i, j) = (place - (count - a.count), place - (count - b.count))
      return max(i < 0 ? 1 : a[i], j < 0 ? 1 : b[j])
    }
  }

  private mutating func structured(_ node: ONNXModel.Node) -> Result<OperatorKind, Unreadable> {
    guard let input = node.inputs.first.flatMap({ shapes[$0] }), let elements = Self.product(input), elements > 0 else {
      return .failure(Unreadable(reason: "its shape is not known"))
    }
    switch node.type {
    case "Conv", "QLinearConv", "ConvInteger": return convolution(node, input)
    case "Gemm": return product(node, input)
    case "MatMul", "MatMulInteger": return matrixProduct(node, input)
    case "MaxPool", "AveragePool", "LpPool": return pooling(node, input)
    case "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax":
      let axes =
        node.type.hasPrefix("Global")
        ? Array(2..<max(2, input.count))
        : (node.integers("axes") ?? node.inputs.dropFirst().first.flatMap { constants[$0] } ?? Array(input.indices))
          .map { $0 < 0 ? $0 + input.count : $0 }
      let shape = input.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
      guard let outputs = Self.product(shape), outputs > 0 else { break }
      let keeps = node.type.hasPrefix("Global") || node.integer("keepdims", default: 1) != 0
      set(keeps ? shape : input.enumerated().filter { !axes.contains($0.offset) }.map(\.element), node)
      return .success(.reduction(Reduction(outputs: outputs, width: elements / outputs)))
    case "BatchNormalization":
      set(input, node)
      let channels = input.count > 1 ? input[1] : 1
      return .success(.normalization(Normalization(.batch, rows: channels, width: elements / channels)))
    case "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization":
      set(input, node)
      let width =
        node.type == "InstanceNormalization"
        ? elements / (input[0] * max(1, input.dropFirst().first ?? 1)) : input.last ?? 1
      let function: Normalization.Function = node.type == "RMSNormalization" ? .rms : .layer
      return .success(.normalization(Normalization(function, rows: elements / max(1, width), width: max(1, width))))
    case "Softmax", "LogSoftmax":
      set(input, node)
      let axis = node.integer("axis", default: -1)
      let place = axis < 0 ? axis + input.count : axis
      guard input.indices.contains(place) else { break }
      return .success(.softmax(Softmax(rows: elements / input[place], width: input[place])))
    case "Concat":
      let axis = node.integer("axis", default: 0)
      let place = axis < 0 ? axis + input.count : axis
      let parts = node.inputs.map { shapes[$0] }
      guard input.indices.contains(place), parts.allSatisfy({ $0?.count == input.count }) else { break }
      var shape = input
      shape[place] = parts.reduce(0) { $0 &+ ($1?[place] ?? 0) }
      guard let total = Self.product(shape) else { break }
      set(shape, node)
      return .success(.elementwise(Elementwise(.copy, elements: total)))
    case "Gather":
      guard node.inputs.count > 1, parameters.contains(node.inputs[0]), input.count == 2,
        let indices = shapes[node.inputs[1]], let rows = Self.product(indices)
      else { return .failure(Unreadable(reason: "moves no data")) }
      set(indices + [input[1]], node)
      return .success(.embedding(Embedding(rows: rows, width: input[1], vocabulary: input[0])))
    default: return .failure(Unreadable(reason: "is an operator that is not read"))
    }
    return .failure(Unreadable(reason: "its shape is not known"))
  }

  /// Kernel, strides and padding of a window over the last two axes.
  private func window(
    _ node: ONNXModel.Node, _ input: Extent, kernel: Extent
  ) -> (stride: Extent, padding: Padding, dilation: Extent)? {
    func pair(_ name: String) -> Extent? {
      let sizes = node.integers(name) ?? [1, 1]
      guard (1...2).contains(sizes.count), sizes.allSatisfy({ (1...1 << 20).contains($0) }) else { return nil }
      return sizes.count == 1 ? Extent(1, sizes[0]) : Extent(sizes[0], sizes[1])
    }
    guard let stride = pair("strides"), let dilation = pair("dilations") else { return nil }
    var padding = Padding()
    let automatic = node.attributes["auto_pad"]?.text ?? "NOTSET"
    if automatic.hasPrefix("SAME") {
      func total(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> (Int, Int) {
        let outputs = (size + stride - 1) / stride
        let all = max(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - size)
        return automatic == "SAME_LOWER" ? (all - all / 2, all / 2) : (all / 2, all - all / 2)
      }
      (padding.top, padding.bottom) = total(input.height, kernel.height, stride.height, dilation.height)
      (padding.left, padding.right) = total(input.width, kernel.width, stride.width, dilation.width)
    } else if let pads = node.integers("pads") {
      guard pads.allSatisfy({ (0...1 << 20).contains($0) }) else { return nil }
      if pads.count == 4 { padding = Padding(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3]) }
      if pads.count == 2 { padding = Padding(top: 0, bottom: 0, left: pads[0], right: pads[1]) }
    }
    return (stride, padding, dilation)
  }

  /// The last two axes of an image, or of a sequence as an image of height 1.
  private static func extent(_ shape: [Int]) -> Extent? {
    guard (3...4).contains(shape.count), shape.allSatisfy({ (1...1 << 31).contains($0) }) else { return nil }
    return shape.count == 4 ? Extent(shape[2], shape[3]) : Extent(1, shape[2])
  }

  private mutating func convolution(
    _ node: ONNXModel.Node, _ input: [Int]
  ) -> Result<OperatorKind, Unreadable> {
    let place = node.type == "QLinearConv" ? 3 : 1
    guard node.inputs.count > place, let weights = shapes[node.inputs[place]], weights.count == input.count,
      let extent = Self.extent(input), let kernel = Self.extent(weights),
      let window = window(node, extent, kernel: kernel)
    else { return .failure(Unreadable(reason: "its shape is not known")) }
    let convolution = Convolution(
      batch: input[0], inputChannels: input[1], outputChannels: weights[0], input: extent, kernel: kernel,
      stride: window.stride, padding: window.padding, dilation: window.dilation,
      groups: max(1, node.integer("group", default: 1)))
    let output = convolution.output
    set([input[0], weights[0]] + (input.count == 4 ? [output.height] : []) + [output.width], node)
    return .success(.convolution(convolution))
  }

  private mutating func pooling(_ node: ONNXModel.Node, _ input: [Int]) -> Result<OperatorKind, Unreadable> {
    guard let sizes = node.integers("kernel_shape"), let extent = Self.extent(input),
      let kernel = Self.extent([1, 1] + sizes), let window = window(node, extent, kernel: kernel)
    else { return .failure(Unreadable(reason: "its shape is not known")) }
    func positions(_ size: Int, _ kernel: Int, _ stride: Int) -> Int {
      let span = size - kernel
      return (node.integer("ceil_mode", default: 0) != 0 ? (span + stride - 1) / stride : span / stride) + 1
    }
    let output = Extent(
      positions(extent.height + window.padding.top + window.padding.bottom, kernel.height, window.stride.height),
      positions(extent.width + window.padding.left + window.padding.right, kernel.width, window.stride.width))
    set([input[0], input[1]] + (input.count == 4 ? [output.height] : []) + [output.width], node)
    return .success(
      .pooling(Pooling(batch: input[0], channels: input[1], input: extent, output: output, kernel: kernel)))
  }

  /// `Gemm`: Y = A·B; B holds the weights, which are the first operand here.
  private mutating func product(_ node: ONNXModel.Node, _ input: [Int]) -> Result<OperatorKind, Unreadable> {
    guard node.inputs.count > 1, let other = shapes[node.inputs[1]], input.count == 2, other.count == 2 else {
      return .failure(Unreadable(reason: "its shape is not known"))
    }
    let (rows, k) = node.integer("transA", default: 0) == 0 ? (input[0], input[1]) : (input[1], input[0])
    let columns = node.integer("transB", default: 0) == 0 ? other[1] : other[0]
    set([rows, columns], node)
    return .success(
      .gemm(GEMM(m: columns, n: rows, k: k, hasWeights: parameters.contains(node.inputs[1]))))
  }

  private mutating func matrixProduct(
    _ node: ONNXModel.Node, _ input: [Int]
  ) -> Result<OperatorKind, Unreadable> {
    guard node.inputs.count > 1, let other = shapes[node.inputs[1]], input.count >= 2, other.count >= 2,
      let k = input.last, let columns = other.last
    else { return .failure(Unreadable(reason: "its shape is not known")) }
    let rows = input[input.count - 2]
    let batch = Self.broadcast(Array(input.dropLast(2)), Array(other.dropLast(2)))
    guard let batches = Self.product(batch), let all = Self.product([batches, rows]) else {
      return .failure(Unreadable(reason: "its shape is not known"))
    }
    set(batch + [rows, columns], node)
    let hasWeights = parameters.contains(node.inputs[1])
    return .success(
      .gemm(
        hasWeights && other.count == 2
          ? GEMM(m: columns, n: all, k: k)
          : GEMM(m: columns, n: rows, k: k, batch: batches, hasWeights: hasWeights)))
  }
}
