import Documents
import Workloads

// The keys of each kind, as ``TraceWriter`` writes them. Ranges are checked by `Operator.shapeProblems()`, where they
// hold for every importer.

extension OperatorKind {
  /// Reads the keys of the kind called `name`; nil after reporting what is missing.
  static func read(_ name: String, _ fields: inout Fields) -> OperatorKind? {
    switch name {
    case "gemm": gemm(&fields)
    case "grouped-gemm": groupedGEMM(&fields)
    case "convolution": convolution(&fields)
    case "attention": attention(&fields)
    case "elementwise": elementwise(&fields)
    case "normalization": normalization(&fields)
    case "softmax": both(fields.size("rows"), fields.size("width")).map { .softmax(Softmax(rows: $0, width: $1)) }
    case "reduction":
      both(fields.size("outputs"), fields.size("width")).map { .reduction(Reduction(outputs: $0, width: $1)) }
    case "pooling": pooling(&fields)
    case "embedding": embedding(&fields)
    case "update": update(&fields)
    case "pruning": pruning(&fields)
    default: nil
    }
  }

  private static func gemm(_ fields: inout Fields) -> OperatorKind? {
    let (m, n, k) = (fields.size("m"), fields.size("n"), fields.size("k"))
    let batch = fields.size("batch", default: 1)
    let hasWeights = fields.optional("weights", as: Bool.self) ?? true
    guard let m, let n, let k, let batch else { return nil }
    return .gemm(GEMM(m: m, n: n, k: k, batch: batch, hasWeights: hasWeights))
  }

  private static func groupedGEMM(_ fields: inout Fields) -> OperatorKind? {
    let (m, k) = (fields.size("m"), fields.size("k"))
    let columns = fields.requiredNode("columns").flatMap { node -> [Int]? in
      guard let elements = node.elements else {
        return fields.reader.mismatch(node, expected: "a list with the columns of each group")
      }
      let columns = elements.compactMap {
        fields.reader.integer($0, "columns", in: .min ... .max, form: .integer(0 ... .max))
      }
      return columns.count == elements.count ? columns : nil
    }
    guard let m, let k, let columns else { return nil }
    return .groupedGEMM(GroupedGEMM(m: m, k: k, columns: columns))
  }

  private static func convolution(_ fields: inout Fields) -> OperatorKind? {
    let batch = fields.size("batch", default: 1)
    let (inputs, outputs) = (fields.size("in_channels"), fields.size("out_channels"))
    let (height, width) = (fields.size("height"), fields.size("width"))
    let kernel = fields.requiredNode("kernel").flatMap { fields.reader.extent($0, "kernel") }
    let stride = fields.extent("stride")
    let padding = fields.padding()
    let dilation = fields.extent("dilation")
    let groups = fields.size("groups", default: 1)
    guard let batch, let inputs, let outputs, let height, let width, let kernel, let stride, let padding,
      let dilation, let groups
    else { return nil }
    return .convolution(
      Convolution(
        batch: batch, inputChannels: inputs, outputChannels: outputs, input: Extent(height, width),
        kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups))
  }

  private static func attention(_ fields: inout Fields) -> OperatorKind? {
    let batch = fields.size("batch", default: 1)
    let heads = fields.size("heads")
    let keyValueHeads = fields.size("kv_heads", default: heads)
    let queries = fields.size("query_length")
    let keys = fields.size("key_length", default: queries)
    let dimension = fields.size("head_dim")
    let values = fields.size("value_dim", default: dimension)
    let isLatent = fields.optional("latent", as: Bool.self) ?? false
    let isCausal = fields.optional("causal", as: Bool.self) ?? false
    let windowNode = fields.node("window")
    let window = windowNode.flatMap {
      fields.reader.integer($0, "window", in: .min ... .max, form: .integer(1 ... .max))
    }
    guard let batch, let heads, let keyValueHeads, let queries, let keys, let dimension, let values,
      windowNode == nil || window != nil
    else { return nil }
    return .attention(
      Attention(
        batch: batch, heads: heads, keyValueHeads: keyValueHeads, queryLength: queries, keyLength: keys,
        headDimension: dimension, valueDimension: values, isLatent: isLatent, isCausal: isCausal, window: window))
  }

  private static func elementwise(_ fields: inout Fields) -> OperatorKind? {
    let function = fields.word("function", Elementwise.Function.self)
    let elements = fields.size("elements")
    let inputs = fields.size("inputs", default: 1)
    guard let function, let elements, let inputs else { return nil }
    return .elementwise(Elementwise(function, elements: elements, inputs: inputs))
  }

  private static func normalization(_ fields: inout Fields) -> OperatorKind? {
    let function = fields.word("function", Normalization.Function.self)
    let (rows, width) = (fields.size("rows"), fields.size("width"))
    guard let function, let rows, let width else { return nil }
    return .normalization(Normalization(function, rows: rows, width: width))
  }

  private static func pooling(_ fields: inout Fields) -> OperatorKind? {
    let batch = fields.size("batch", default: 1)
    let channels = fields.size("channels")
    let (height, width) = (fields.size("height"), fields.size("width"))
    let (outHeight, outWidth) = (fields.size("out_height"), fields.size("out_width"))
    let kernel = fields.requiredNode("kernel").flatMap { fields.reader.extent($0, "kernel") }
    guard let batch, let channels, let height, let width, let outHeight, let outWidth, let kernel else {
      return nil
    }
    return .pooling(
      Pooling(
        batch: batch, channels: channels, input: Extent(height, width), output: Extent(outHeight, outWidth),
        kernel: kernel))
  }

  private static func embedding(_ fields: inout Fields) -> OperatorKind? {
    let (rows, width, vocabulary) = (fields.size("rows"), fields.size("width"), fields.size("vocabulary"))
    guard let rows, let width, let vocabulary else { return nil }
    return .embedding(Embedding(rows: rows, width: width, vocabulary: vocabulary))
  }

  private static func update(_ fields: inout Fields) -> OperatorKind? {
    let parameters = fields.size("parameters")
    let optimizer = fields.word("optimizer", WeightUpdate.Optimizer.self)
    guard let parameters, let optimizer else { return nil }
    return .update(WeightUpdate(parameters: parameters, optimizer: optimizer))
  }

  private static func pruning(_ fields: inout Fields) -> OperatorKind? {
    let (elements, n, m) = (fields.size("elements"), fields.size("n"), fields.size("m"))
    guard let elements, let n, let m else { return nil }
    return .pruning(Pruning(elements: elements, n: n, m: m))
  }
}

private func both<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
  guard let a, let b else { return nil }
  return (a, b)
}

extension Fields {
  fileprivate mutating func size(_ key: String) -> Int? {
    requiredNode(key).flatMap { reader.integer($0, key, in: .min ... .max, form: .integer(1 ... .max)) }
  }

  /// An optional size: nil only where the value is there and wrong, or there is no default.
  fileprivate mutating func size(_ key: String, default value: Int?) -> Int? {
    guard let node = node(key) else { return value }
    return reader.integer(node, key, in: .min ... .max, form: .integer(1 ... .max))
  }

  fileprivate mutating func word<T: RawRepresentable & CaseIterable>(
    _ key: String, _ type: T.Type
  ) -> T? where T.RawValue == String {
    requiredNode(key).flatMap { reader.choice($0, T.allCases.map { ($0.rawValue, $0) }, what: "a known \(key)") }
  }

  fileprivate mutating func extent(_ key: String) -> Extent? {
    guard let node = node(key) else { return Extent(1, 1) }
    return reader.extent(node, key)
  }

  fileprivate mutating func padding() -> Padding? {
    guard let node = node("padding") else { return Padding() }
    guard let sizes = reader.sizes(node, "padding", counts: [1, 2, 4], least: 0) else { return nil }
    switch sizes.count {
    case 1: return Padding(vertical: sizes[0], horizontal: sizes[0])
    case 2: return Padding(vertical: sizes[0], horizontal: sizes[1])
    default: return Padding(top: sizes[0], bottom: sizes[1], left: sizes[2], right: sizes[3])
    }
  }
}

extension DocumentReader {
  /// An integer for both directions, or height and width.
  fileprivate func extent(_ node: Node, _ key: String) -> Extent? {
    sizes(node, key, counts: [1, 2], least: 1).map { Extent($0[0], $0.last ?? $0[0]) }
  }

  /// One integer, or a list of as many as `counts` allows.
  fileprivate func sizes(_ node: Node, _ key: String, counts: [Int], least: Int) -> [Int]? {
    let form = ValueForm.integer(least ... .max)
    if isRecording {
      for count in counts.dropFirst() { let _: Int? = mismatch(node, expected: "", .list(form, counts: [count])) }
      return mismatch(node, expected: "", form)
    }
    guard let elements = node.elements else { return integer(node, key, in: .min ... .max).map { [$0] } }
    guard counts.contains(elements.count), elements.count > 1 else {
      let known = counts.filter { $0 > 1 }.map(String.init).joined(separator: " or ")
      return mismatch(node, expected: "a whole number or a list of \(known)")
    }
    let sizes = elements.compactMap { integer($0, key, in: .min ... .max) }
    return sizes.count == elements.count ? sizes : nil
  }
}
