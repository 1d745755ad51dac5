import Diagnostics
import Documents
import Workloads

extension NetworkBuilder {
  /// ALBERT: a narrow embedding and its projection, then one layer's weights used again and again. Its weights are
  /// read for every use, as those of different layers are.
  mutating func addALBERT(_ fields: inout Fields) {
    let shape = shape(&fields)
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let limit = fields.required("max_position_embeddings", in: Self.sizes)
    let types = fields.optional("type_vocab_size", in: Self.sizes) ?? 2
    let narrow = fields.optional("embedding_size", in: Self.sizes) ?? 128
    let function = activation(&fields, "hidden_act", default: .gelu)
    guard let shape, let vocabulary, let limit else { return }
    embedTokens(width: narrow, vocabulary: vocabulary, types: types, limit: limit)
    linear("embedding.projection", shape.hidden, narrow)
    repeats = shape.layers
    var stream = last
    separateAttention(shape, ("layer.query", "layer.key", "layer.value", "layer.attention.dense"), isCausal: false)
    map("layer.attention_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    stream = norm("layer.attention.norm", .layer, width: shape.hidden)
    feedForward(shape, ("layer.ffn", "layer.act", "layer.ffn_output"), function)
    map("layer.mlp_add", .add, width: shape.hidden, inputs: 2, after: [stream, last])
    norm("layer.full_layer_norm", .layer, width: shape.hidden)
    repeats = 1
    positions = 1
    linear("pooler", shape.hidden, shape.hidden)
    map("pooler.act", .tanh, width: shape.hidden)
  }

  /// GPT-J: one layer norm before attention and feed-forward, which run side by side; rotary positions on a part of
  /// each head.
  mutating func addGPTJ(_ fields: inout Fields) {
    let hidden = fields.required("n_embd", in: Self.sizes)
    let layers = fields.required("n_layer", in: Self.sizes)
    let heads = fields.required("n_head", in: Self.sizes)
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let inner = fields.optional("n_inner", in: Self.sizes)
    let rotary = fields.optional("rotary_dim", in: Self.sizes)
    let function = activation(&fields, "activation_function", default: .gelu)
    guard let hidden, let layers, let heads, let vocabulary, let dimension = split(hidden, heads, "n_head", fields)
    else { return }
    let shape = Shape(
      hidden: hidden, layers: layers, heads: heads, keyValueHeads: heads, headDimension: dimension,
      feedForward: inner ?? 4 * hidden)
    let stream = embedding("embedding.words", width: hidden, vocabulary: vocabulary)
    repeats = layers
    let input = norm("layer.ln_1", .layer, width: hidden)
    let query = linear("layer.q_proj", hidden, hidden, after: [input])
    let key = linear("layer.k_proj", hidden, hidden, after: [input])
    let value = linear("layer.v_proj", hidden, hidden, after: [input])
    let rotated = map("layer.rotary", .multiply, width: 2 * heads * (rotary ?? dimension), after: [query, key])
    attention(shape, isCausal: true, after: [rotated, query, key, value])
    let projected = linear("layer.out_proj", hidden, hidden)
    let open = linear("layer.fc_in", shape.feedForward, hidden, after: [input])
    map("layer.act", function, width: shape.feedForward, after: [open])
    let closed = linear("layer.fc_out", hidden, shape.feedForward)
    map("layer.add", .add, width: hidden, inputs: 3, after: [stream, projected, closed])
    repeats = 1
    norm("ln_f", .layer, width: hidden)
    head(hidden, vocabulary: vocabulary)
  }

  /// The encoder of a Conformer: in each layer half a feed-forward block, attention with relative positions, a
  /// convolution module, the other half, and a norm. Its input are frames: what makes them of a waveform is left out.
  mutating func addConformer(_ fields: inout Fields) {
    let shape = shape(&fields)
    let kernel = fields.optional("conv_depthwise_kernel_size", in: 1...1023) ?? 31
    let function = activation(&fields, "hidden_act", default: .silu)
    guard let shape else { return }
    let hidden = shape.hidden
    norm("input.norm", .layer, width: hidden, after: [])
    repeats = shape.layers
    var stream = last
    func joined(_ builder: inout NetworkBuilder, _ name: String) -> Int {
      builder.map(name, .add, width: hidden, inputs: 2, after: [stream, builder.last])
    }
    norm("layer.ffn1.norm", .layer, width: hidden)
    feedForward(shape, ("layer.ffn1.in", "layer.ffn1.act", "layer.ffn1.out"), function)
    stream = joined(&self, "layer.ffn1.add")
    norm("layer.attention.norm", .layer, width: hidden)
    separateAttention(
      shape, ("layer.attention.query", "layer.attention.key", "layer.attention.value", "layer.attention.out"),
      isCausal: false)
    stream = joined(&self, "layer.attention.add")
    norm("layer.conv.norm", .layer, width: hidden)
    linear("layer.conv.pointwise1", 2 * hidden, hidden)
    // A gated linear unit: half the features open or close the other half.
    map("layer.conv.gate", .sigmoid, width: hidden)
    add(
      "layer.conv.depthwise",
      .convolution(
        Convolution(
          batch: batch, inputChannels: hidden, outputChannels: hidden, input: Extent(1, positions),
          kernel: Extent(1, kernel), padding: Padding(left: kernel / 2, right: (kernel - 1) / 2), groups: hidden)))
    add(
      "layer.conv.batch_norm",
      .normalization(Normalization(.batch, rows: hidden, width: tokens)))
    map("layer.conv.act", function, width: hidden)
    linear("layer.conv.pointwise2", hidden, hidden)
    stream = joined(&self, "layer.conv.add")
    norm("layer.ffn2.norm", .layer, width: hidden)
    feedForward(shape, ("layer.ffn2.in", "layer.ffn2.act", "layer.ffn2.out"), function)
    stream = joined(&self, "layer.ffn2.add")
    norm("layer.final_norm", .layer, width: hidden)
    repeats = 1
  }
}
