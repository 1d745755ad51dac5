import Diagnostics
import Documents
import Workloads

extension NetworkBuilder {
  /// GPT-2: learned positions, layer norms before each block, queries, keys and values in one product.
  mutating func addGPT2(_ fields: inout Fields) {
    let hidden = fields.required("n_embd", in: Self.sizes)
    let layers = fields.required("n_layer", in: Self.sizes)
    let heads = fields.required("n_head", in: Self.sizes)
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let limit = fields.required("n_positions", in: Self.sizes)
    let inner = fields.optional("n_inner", in: Self.sizes)
    let function = activation(&fields, "activation_function", default: .gelu)
    guard let hidden, let layers, let heads, let vocabulary, let limit,
      let dimension = split(hidden, heads, "n_head", fields)
    else { return }
    let shape = Shape(
      hidden: hidden, layers: layers, heads: heads, keyValueHeads: heads, headDimension: dimension,
      feedForward: inner ?? 4 * hidden)
    let words = embedding("embedding.words", width: hidden, vocabulary: vocabulary)
    let places = embedding("embedding.positions", width: hidden, vocabulary: limit)
    var stream = map("embedding.add", .add, width: hidden, inputs: 2, after: [words, places])
    repeats = layers
    norm("layer.ln_1", .layer, width: hidden)
    let joined = linear("layer.c_attn", 3 * hidden, hidden)
    attention(shape, isCausal: true, after: [joined])
    let projected = linear("layer.c_proj", hidden, hidden)
    stream = map("layer.attention_add", .add, width: hidden, inputs: 2, after: [stream, projected])
    norm("layer.ln_2", .layer, width: hidden)
    feedForward(shape, ("layer.mlp.c_fc", "layer.mlp.act", "layer.mlp.c_proj"), function)
    map("layer.mlp_add", .add, width: hidden, inputs: 2, after: [stream, last])
    repeats = 1
    norm("ln_f", .layer, width: hidden)
    head(hidden, vocabulary: vocabulary)
  }

  /// OPT: learned positions, layer norms before each block unless the configuration puts them after.
  mutating func addOPT(_ fields: inout Fields) {
    let shape = shape(&fields, feedForward: "ffn_dim")
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let limit = fields.required("max_position_embeddings", in: Self.sizes)
    let isNormFirst = fields.optional("do_layer_norm_before", as: Bool.self) ?? true
    let function = activation(&fields, "activation_function", default: .relu)
    guard let shape, let vocabulary, let limit else { return }
    let words = embedding("embedding.words", width: shape.hidden, vocabulary: vocabulary)
    let places = embedding("embedding.positions", width: shape.hidden, vocabulary: limit)
    var stream = map("embedding.add", .add, width: shape.hidden, inputs: 2, after: [words, places])
    repeats = shape.layers
    if isNormFirst { norm("layer.self_attn_layer_norm", .layer, width: shape.hidden) }
    separateAttention(shape, ("layer.q_proj", "layer.k_proj", "layer.v_proj", "layer.out_proj"), isCausal: true)
    stream = map("layer.attention_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    if !isNormFirst { stream = norm("layer.self_attn_layer_norm", .layer, width: shape.hidden) }
    if isNormFirst { norm("layer.final_layer_norm", .layer, width: shape.hidden) }
    feedForward(shape, ("layer.fc1", "layer.act", "layer.fc2"), function)
    map("layer.mlp_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    if !isNormFirst { norm("layer.final_layer_norm", .layer, width: shape.hidden) }
    repeats = 1
    if isNormFirst { norm("final_layer_norm", .layer, width: shape.hidden) }
    head(shape.hidden, vocabulary: vocabulary)
  }

  /// BERT and RoBERTa: three embeddings, layer norms after each block, a pooler over the first token.
  mutating func addBERT(_ fields: inout Fields) {
    let shape = shape(&fields)
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let limit = fields.required("max_position_embeddings", in: Self.sizes)
    let types = fields.optional("type_vocab_size", in: Self.sizes) ?? 2
    let function = activation(&fields, "hidden_act", default: .gelu)
    guard let shape, let vocabulary, let limit else { return }
    embedTokens(width: shape.hidden, vocabulary: vocabulary, types: types, limit: limit)
    repeats = shape.layers
    var stream = last
    separateAttention(
      shape, ("layer.query", "layer.key", "layer.value", "layer.attention.output"), isCausal: false)
    map("layer.attention_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    stream = norm("layer.attention.norm", .layer, width: shape.hidden)
    feedForward(shape, ("layer.intermediate", "layer.act", "layer.output"), function)
    map("layer.mlp_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    norm("layer.output.norm", .layer, width: shape.hidden)
    repeats = 1
    positions = 1
    linear("pooler", shape.hidden, shape.hidden)
    map("pooler.act", .tanh, width: shape.hidden)
  }

  /// Words, token types and positions, added up and normalized.
  mutating func embedTokens(width: Int, vocabulary: Int, types: Int, limit: Int) {
    let words = embedding("embedding.words", width: width, vocabulary: vocabulary)
    let kinds = embedding("embedding.token_types", width: width, vocabulary: types)
    let sum = map("embedding.add", .add, width: width, inputs: 2, after: [words, kinds])
    let places = embedding("embedding.positions", width: width, vocabulary: limit)
    map("embedding.add_positions", .add, width: width, inputs: 2, after: [sum, places])
    norm("embedding.norm", .layer, width: width)
  }

  /// ViT: patches by a convolution, one class token, layer norms before each block. The sequence length is the
  /// image's, whatever the options say.
  mutating func addViT(_ fields: inout Fields) {
    let shape = shape(&fields)
    let image = fields.required("image_size", in: 1...(1 << 16))
    let patch = fields.required("patch_size", in: 1...(1 << 16))
    let channels = fields.optional("num_channels", in: Self.sizes) ?? 3
    let function = activation(&fields, "hidden_act", default: .gelu)
    guard let shape, let image, let patch else { return }
    guard image >= patch else {
      fields.reader.report(
        .inconsistentShape, "patches of \(patch)×\(patch) pixels do not fit an image of \(image)×\(image)",
        at: (fields.node["patch_size"] ?? fields.node).range)
      return
    }
    add(
      "embedding.patches",
      .convolution(
        Convolution(
          batch: batch, inputChannels: channels, outputChannels: shape.hidden, input: Extent(image, image),
          kernel: Extent(patch, patch), stride: Extent(patch, patch))), isSparse: false)
    positions = (image / patch) * (image / patch) + 1
    map("embedding.add_positions", .add, width: shape.hidden)
    repeats = shape.layers
    var stream = last
    norm("layer.layernorm_before", .layer, width: shape.hidden)
    separateAttention(
      shape, ("layer.query", "layer.key", "layer.value", "layer.attention.output"), isCausal: false)
    stream = map("layer.attention_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    norm("layer.layernorm_after", .layer, width: shape.hidden)
    feedForward(shape, ("layer.intermediate", "layer.act", "layer.output"), function)
    map("layer.mlp_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    repeats = 1
    norm("layernorm", .layer, width: shape.hidden)
  }

  /// Attention whose queries, keys and values have products of their own.
  mutating func separateAttention(
    _ shape: Shape, _ names: (String, String, String, String), isCausal: Bool
  ) {
    let input = [last]
    let width = shape.heads * shape.headDimension
    let query = linear(names.0, width, shape.hidden, after: input)
    let key = linear(names.1, width, shape.hidden, after: input)
    let value = linear(names.2, width, shape.hidden, after: input)
    attention(shape, isCausal: isCausal, after: [query, key, value])
    linear(names.3, shape.hidden, width)
  }
}
