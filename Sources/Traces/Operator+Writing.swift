import Workloads

extension Operator {
  /// The members of its line, defaults left out.
  var jsonMembers: [(String, JSONText)] {
    var members: [(String, JSONText)] = [("name", .string(name))]
    members += shapeMembers
    if let sparsityMember { members.append(sparsityMember) }
    if !dependencies.isEmpty { members.append(("deps", .list(dependencies.map(JSONText.integer)))) }
    if let start = measured?.start { members.append(("start_ns", .integer(Int(start.nanoseconds)))) }
    if let duration = measured?.duration { members.append(("duration_ns", .integer(Int(duration.nanoseconds)))) }
    return members + closingMembers
  }

  /// The members between its name and its sparsity.
  var shapeMembers: [(String, JSONText)] {
    var members: [(String, JSONText)] = [("kind", .string(kind.name))]
    if phase != .inference { members.append(("phase", .string(phase.rawValue))) }
    members.append(("dtype", .string(dataType.rawValue)))
    if outputType != dataType { members.append(("out_dtype", .string(outputType.rawValue))) }
    if let weightType { members.append(("weight_dtype", .string(weightType.rawValue))) }
    return members + kind.jsonMembers
  }

  /// The member with its patterns; nil where all is dense.
  var sparsityMember: (String, JSONText)? {
    let patterns = OperandSparsity.Operand.allCases.filter { sparsity[$0] != .dense }
    guard !patterns.isEmpty else { return nil }
    return ("sparsity", .object(patterns.map { ($0.rawValue, .string(sparsity[$0].description)) }))
  }

  /// The members after its dependencies and measurements.
  var closingMembers: [(String, JSONText)] {
    var members: [(String, JSONText)] = []
    if repeats != 1 { members.append(("repeat", .integer(repeats))) }
    if let attributes { members.append(("attributes", .written(attributes))) }
    return members
  }
}

extension OperatorKind {
  /// The members that hold its shape, defaults left out.
  fileprivate var jsonMembers: [(String, JSONText)] {
    var members: [(String, JSONText)] = []
    func add(_ key: String, _ value: Int) { members.append((key, .integer(value))) }
    func add(_ key: String, _ value: Int, unless fallback: Int) { if value != fallback { add(key, value) } }
    func add(_ key: String, _ extent: Extent) { members.append((key, extent.jsonText)) }
    func add(_ key: String, _ word: String) { members.append((key, .string(word))) }
    switch self {
    case .gemm(let gemm):
      add("m", gemm.m)
      add("n", gemm.n)
      add("k", gemm.k)
      add("batch", gemm.batch, unless: 1)
      if !gemm.hasWeights { members.append(("weights", .bool(false))) }
    case .groupedGEMM(let grouped):
      add("m", grouped.m)
      add("k", grouped.k)
      members.append(("columns", .list(grouped.columns.map(JSONText.integer))))
    case .convolution(let convolution):
      add("batch", convolution.batch, unless: 1)
      add("in_channels", convolution.inputChannels)
      add("out_channels", convolution.outputChannels)
      add("height", convolution.input.height)
      add("width", convolution.input.width)
      add("kernel", convolution.kernel)
      if convolution.stride != Extent(1, 1) { add("stride", convolution.stride) }
      if convolution.padding != Padding() { members.append(("padding", convolution.padding.jsonText)) }
      if convolution.dilation != Extent(1, 1) { add("dilation", convolution.dilation) }
      add("groups", convolution.groups, unless: 1)
    case .attention(let attention):
      add("batch", attention.batch, unless: 1)
      add("heads", attention.heads)
      add("kv_heads", attention.keyValueHeads, unless: attention.heads)
      add("query_length", attention.queryLength)
      add("key_length", attention.keyLength, unless: attention.queryLength)
      add("head_dim", attention.headDimension)
      add("value_dim", attention.valueDimension, unless: attention.headDimension)
      if attention.isLatent { members.append(("latent", .bool(true))) }
      if attention.isCausal { members.append(("causal", .bool(true))) }
      if let window = attention.window { add("window", window) }
    case .elementwise(let elementwise):
      add("function", elementwise.function.rawValue)
      add("elements", elementwise.elements)
      add("inputs", elementwise.inputs, unless: 1)
    case .normalization(let normalization):
      add("function", normalization.function.rawValue)
      add("rows", normalization.rows)
      add("width", normalization.width)
    case .softmax(let softmax):
      add("rows", softmax.rows)
      add("width", softmax.width)
    case .reduction(let reduction):
      add("outputs", reduction.outputs)
      add("width", reduction.width)
    case .pooling(let pooling):
      add("batch", pooling.batch, unless: 1)
      add("channels", pooling.channels)
      add("height", pooling.input.height)
      add("width", pooling.input.width)
      add("out_height", pooling.output.height)
      add("out_width", pooling.output.width)
      add("kernel", pooling.kernel)
    case .embedding(let embedding):
      add("rows", embedding.rows)
      add("width", embedding.width)
      add("vocabulary", embedding.vocabulary)
    case .update(let update):
      add("parameters", update.parameters)
      add("optimizer", update.optimizer.rawValue)
    case .pruning(let pruning):
      add("elements", pruning.elements)
      add("n", pruning.n)
      add("m", pruning.m)
    }
    return members
  }
}

extension Extent {
  fileprivate var jsonText: JSONText {
    height == width ? .integer(height) : .list([.integer(height), .integer(width)])
  }
}

extension Padding {
  fileprivate var jsonText: JSONText {
    guard top == bottom, left == right else {
      return .list([top, bottom, left, right].map(JSONText.integer))
    }
    return top == left ? .integer(top) : .list([.integer(top), .integer(left)])
  }
}
