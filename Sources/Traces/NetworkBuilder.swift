import Diagnostics
import Documents
import Workloads

/// Puts a transformer's operators together, one layer with a repeat count.
struct NetworkBuilder {
  /// Sizes every transformer has.
  struct Shape {
    var hidden: Int
    var layers: Int
    var heads: Int
    var keyValueHeads: Int
    var headDimension: Int
    var feedForward: Int
  }

  /// Sizes are bounded so that the product of any two of them is exact.
  static let sizes = 1...(1 << 24)

  let options: ImportOptions
  let dataType: DataType
  /// What operands of products with weights are quantised to; their results have the model's own type.
  let quantisedType: DataType?
  /// Whether the product with the vocabulary is quantised too.
  let quantisesHead: Bool
  private(set) var sparsity: WeightSparsity
  private(set) var operators: [Operator] = []
  /// Tokens of each sequence that pass through the layers.
  var positions: Int
  /// The operator whose result flows on; nil at the input.
  var last: Int?
  /// How often the operators being added run.
  var repeats = 1

  init(
    options: ImportOptions, dataType: DataType, quantisedType: DataType?, quantisesHead: Bool, sparsity: WeightSparsity
  ) {
    self.options = options
    self.dataType = dataType
    self.quantisedType = quantisedType
    self.quantisesHead = quantisesHead
    self.sparsity = sparsity
    self.positions = options.phase == .decode ? 1 : options.sequenceLength ?? 512
  }

  var phase: ImportOptions.Phase { options.phase ?? .prefill }
  var batch: Int { options.batch ?? 1 }
  var sequenceLength: Int { options.sequenceLength ?? 512 }
  var contextLength: Int { options.contextLength ?? sequenceLength }

  /// Tokens of all sequences.
  var tokens: Int { saturating(batch, positions) }

  /// Adds an operator after `inputs`, or after the last one, and makes it the last.
  @discardableResult
  mutating func add(
    _ name: String, _ kind: OperatorKind, after inputs: [Int?]? = nil, isSparse: Bool = false,
    dataType: DataType? = nil
  ) -> Int {
    let type = dataType ?? self.dataType
    let isHead = name == "lm_head"
    let dense = Operator(
      name: name, kind: kind, dataType: isSparse && (!isHead || quantisesHead) ? quantisedType ?? type : type,
      outputType: type, dependencies: Set((inputs ?? [last]).compactMap(\.self)).sorted(), repeats: repeats)
    let pruned = isSparse ? sparsity.layers(of: name, repeats) : 0
    // What is pruned in some of the layers only is written twice.
    if pruned < repeats {
      var part = dense
      part.repeats = repeats - pruned
      if pruned > 0 { part.name += ".dense" }
      operators.append(part)
    }
    if pruned > 0 {
      var part = dense
      (part.repeats, part.sparsity.weights) = (pruned, sparsity.pattern)
      operators.append(part)
    }
    last = operators.count - 1
    return operators.count - 1
  }

  /// A product with weights over all tokens.
  @discardableResult
  mutating func linear(_ name: String, _ outputs: Int, _ inputs: Int, after input: [Int?]? = nil) -> Int {
    add(name, .gemm(GEMM(m: outputs, n: tokens, k: inputs)), after: input, isSparse: true)
  }

  /// A function of `width` features of every token.
  @discardableResult
  mutating func map(
    _ name: String, _ function: Elementwise.Function, width: Int, inputs: Int = 1, after operands: [Int?]? = nil
  ) -> Int {
    add(
      name, .elementwise(Elementwise(function, elements: saturating(tokens, width), inputs: inputs)), after: operands)
  }

  /// A normalization of every token's features.
  @discardableResult
  mutating func norm(_ name: String, _ function: Normalization.Function, width: Int, after input: [Int?]? = nil) -> Int
  {
    add(name, .normalization(Normalization(function, rows: tokens, width: width)), after: input)
  }

  /// Rows of a table for every token.
  @discardableResult
  mutating func embedding(_ name: String, width: Int, vocabulary: Int) -> Int {
    add(name, .embedding(Embedding(rows: tokens, width: width, vocabulary: vocabulary)), after: [])
  }

  /// Attention over the context of every sequence.
  mutating func attention(_ shape: Shape, isCausal: Bool, window: Int? = nil, after inputs: [Int?]) {
    let isDecoding = phase == .decode
    add(
      "layer.attention",
      .attention(
        Attention(
          batch: batch, heads: shape.heads, keyValueHeads: shape.keyValueHeads, queryLength: positions,
          keyLength: isDecoding ? contextLength : positions,
          headDimension: shape.headDimension, isCausal: isCausal, window: window)), after: inputs)
  }

  /// Two products with a function between them.
  mutating func feedForward(_ shape: Shape, _ names: (String, String, String), _ function: Elementwise.Function) {
    linear(names.0, shape.feedForward, shape.hidden)
    map(names.1, function, width: shape.feedForward)
    linear(names.2, shape.hidden, shape.feedForward)
  }

  /// The logits of the last token of each sequence.
  mutating func head(_ hidden: Int, vocabulary: Int) {
    add("lm_head", .gemm(GEMM(m: vocabulary, n: batch, k: hidden)), isSparse: true)
  }

  // MARK: Keys

  /// The sizes under the names most models use.
  func shape(_ fields: inout Fields, feedForward: String = "intermediate_size") -> Shape? {
    let hidden = fields.required("hidden_size", in: Self.sizes)
    let layers = fields.required("num_hidden_layers", in: Self.sizes)
    let heads = fields.required("num_attention_heads", in: Self.sizes)
    let keyValueHeads = fields.optional("num_key_value_heads", in: Self.sizes)
    let dimension = fields.optional("head_dim", in: Self.sizes)
    let feedForward = fields.required(feedForward, in: Self.sizes)
    guard let hidden, let layers, let heads, let feedForward,
      let headDimension = dimension ?? split(hidden, heads, "num_attention_heads", fields)
    else { return nil }
    if let keyValueHeads, heads % keyValueHeads != 0, let node = fields.node("num_key_value_heads") {
      fields.reader.report(
        .inconsistentShape, "\(heads) query heads cannot share \(keyValueHeads) key-value heads evenly",
        at: node.range, help: "num_attention_heads must be a multiple of num_key_value_heads")
      return nil
    }
    return Shape(
      hidden: hidden, layers: layers, heads: heads, keyValueHeads: keyValueHeads ?? heads,
      headDimension: headDimension, feedForward: feedForward)
  }

  /// The features of each head.
  func split(_ hidden: Int, _ heads: Int, _ key: String, _ fields: Fields) -> Int? {
    if hidden % heads == 0 { return hidden / heads }
    fields.reader.report(
      .inconsistentShape, "\(hidden) features do not split evenly into \(heads) heads",
      at: (fields.node[key] ?? fields.node).range, help: "change '\(key)' or give 'head_dim'")
    return nil
  }

  /// The function named by a key.
  func activation(_ fields: inout Fields, _ key: String, default fallback: Elementwise.Function) -> Elementwise.Function
  {
    let known: [(name: String, value: Elementwise.Function)] = [
      ("gelu", .gelu), ("gelu_new", .gelu), ("gelu_fast", .gelu), ("gelu_pytorch_tanh", .gelu), ("quick_gelu", .gelu),
      ("relu", .relu), ("silu", .silu), ("swish", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ]
    let reader = fields.reader
    return fields.node(key).flatMap { reader.choice($0, known, what: "an activation function") } ?? fallback
  }
}
