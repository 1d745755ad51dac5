import Diagnostics
import Documents
import Workloads

extension NetworkBuilder {
  /// A mixture of experts.
  private struct Mixture {
    var experts: Int
    var active: Int
    var feedForward: Int
    var sharedFeedForward: Int?
    /// Layers with experts; the others have one feed-forward block.
    var layers: Int
    /// Whether each expert is scored by itself, and not against the others.
    var hasSigmoidScores = false
  }

  /// Sizes of multi-head latent attention.
  private struct LatentSizes {
    /// The compressed queries; nil where they are not compressed.
    var query: Int?
    /// The compressed keys and values.
    var keyValue: Int
    /// Features of a head's queries and keys without positions, and with.
    var plain: Int
    var rotary: Int
    /// Features of a head's values.
    var value: Int
  }

  /// Llama and its relatives: rotary positions, RMS norms, gated feed-forward blocks or experts, and DeepSeek's latent
  /// attention.
  ///
  /// A sliding window counts in every layer, except where `use_sliding_window` is false.
  mutating func addLlama(_ fields: inout Fields) {
    let shape = shape(&fields)
    let vocabulary = fields.required("vocab_size", in: Self.sizes)
    let function = activation(&fields, "hidden_act", default: .silu)
    guard let shape, let vocabulary else { return }
    guard let mixture = mixture(&fields, shape) else { return }
    let isLatent = fields.node("kv_lora_rank") != nil
    let latent = isLatent ? latentSizes(&fields) : nil
    if isLatent, latent == nil { return }
    embedding("embedding", width: shape.hidden, vocabulary: vocabulary)
    repeats = shape.layers
    var stream = last
    let normed = norm("layer.input_norm", .rms, width: shape.hidden)
    if let latent {
      latentAttention(latent, shape, after: normed)
    } else {
      groupedAttention(&fields, shape, after: normed)
    }
    let projected = linear(
      "layer.o_proj", shape.hidden, saturating(shape.heads, latent?.value ?? shape.headDimension))
    stream = map("layer.attention_add", .add, width: shape.hidden, inputs: 2, after: [stream, projected])
    norm("layer.post_attention_norm", .rms, width: shape.hidden)
    let input = last
    var outputs = [stream]
    if mixture.layers > 0 {
      repeats = mixture.layers
      outputs.append(addExperts(mixture, shape, function, after: input))
      if let shared = mixture.sharedFeedForward {
        outputs.append(gated("layer.shared_expert", shared, shape, function, after: input))
      }
    }
    if mixture.layers < shape.layers {
      repeats = shape.layers - mixture.layers
      outputs.append(gated("layer", shape.feedForward, shape, function, after: input))
    }
    repeats = shape.layers
    map("layer.mlp_add", .add, width: shape.hidden, inputs: 2, after: outputs)
    repeats = 1
    norm("norm", .rms, width: shape.hidden)
    head(shape.hidden, vocabulary: vocabulary)
  }

  /// Attention of query heads that share the heads of keys and values.
  private mutating func groupedAttention(_ fields: inout Fields, _ shape: Shape, after normed: Int) {
    let hasQueryNorm = fields.node("model_type")?.text?.hasPrefix("qwen3") ?? false
    let isWindowUsed = fields.optional("use_sliding_window", as: Bool.self) ?? true
    let window = fields.optional("sliding_window", in: Self.sizes)
    let (queryWidth, keyWidth) = (shape.heads * shape.headDimension, shape.keyValueHeads * shape.headDimension)
    var query = linear("layer.q_proj", queryWidth, shape.hidden, after: [normed])
    var key = linear("layer.k_proj", keyWidth, shape.hidden, after: [normed])
    let value = linear("layer.v_proj", keyWidth, shape.hidden, after: [normed])
    if hasQueryNorm {
      query = headNorm("layer.q_norm", shape.heads, shape, after: query)
      key = headNorm("layer.k_norm", shape.keyValueHeads, shape, after: key)
    }
    // A rotation is two products and a sum of each feature; its tables are small and stay close.
    let rotated = map("layer.rotary", .multiply, width: queryWidth + keyWidth, after: [query, key])
    attention(shape, isCausal: true, window: isWindowUsed ? window : nil, after: [rotated, value])
  }

  private func latentSizes(_ fields: inout Fields) -> LatentSizes? {
    let query = fields.optional("q_lora_rank", in: Self.sizes)
    let keyValue = fields.required("kv_lora_rank", in: Self.sizes)
    let plain = fields.required("qk_nope_head_dim", in: Self.sizes)
    let rotary = fields.required("qk_rope_head_dim", in: Self.sizes)
    let value = fields.required("v_head_dim", in: Self.sizes)
    guard let keyValue, let plain, let rotary, let value else { return nil }
    return LatentSizes(query: query, keyValue: keyValue, plain: plain, rotary: rotary, value: value)
  }

  /// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values are compressed to one vector a token,
  /// which is what the cache holds, beside one key with positions that all heads share.
  ///
  /// A prompt's keys and values are widened for every head, as the model is written. A decoded token instead takes the
  /// widening into its queries and its result, so that all heads read the compressed cache as it is: keys of
  /// `kv_lora_rank` + `qk_rope_head_dim` features, the first of which are the values.
  private mutating func latentAttention(_ sizes: LatentSizes, _ shape: Shape, after normed: Int) {
    let width = sizes.plain + sizes.rotary
    var query: Int
    if let compressed = sizes.query {
      linear("layer.q_a_proj", compressed, shape.hidden, after: [normed])
      norm("layer.q_a_norm", .rms, width: compressed)
      query = linear("layer.q_b_proj", saturating(shape.heads, width), compressed)
    } else {
      query = linear("layer.q_proj", saturating(shape.heads, width), shape.hidden, after: [normed])
    }
    let joined = linear("layer.kv_a_proj", sizes.keyValue + sizes.rotary, shape.hidden, after: [normed])
    let compressed = norm("layer.kv_a_norm", .rms, width: sizes.keyValue, after: [joined])
    let rotated = map(
      "layer.rotary", .multiply, width: saturating(shape.heads + 1, sizes.rotary), after: [query, joined])
    let heads = shape.heads
    func perHead(_ m: Int, _ k: Int) -> OperatorKind { .gemm(GEMM(m: m, n: tokens, k: k, batch: heads)) }
    guard phase == .decode else {
      let wide = linear(
        "layer.kv_b_proj", saturating(heads, sizes.plain + sizes.value), sizes.keyValue, after: [compressed])
      add(
        "layer.attention",
        .attention(
          Attention(
            batch: batch, heads: heads, queryLength: positions, headDimension: width, valueDimension: sizes.value,
            isCausal: true)), after: [query, rotated, wide])
      return
    }
    query = add("layer.kv_b_proj.keys", perHead(sizes.keyValue, sizes.plain), after: [query], isSparse: true)
    add(
      "layer.attention",
      .attention(
        Attention(
          batch: batch, heads: heads, keyValueHeads: 1, queryLength: positions, keyLength: contextLength,
          headDimension: sizes.keyValue + sizes.rotary, valueDimension: sizes.keyValue, isLatent: true, isCausal: true)),
      after: [query, rotated, compressed])
    add("layer.kv_b_proj.values", perHead(sizes.value, sizes.keyValue), isSparse: true)
  }

  private mutating func headNorm(_ name: String, _ heads: Int, _ shape: Shape, after input: Int) -> Int {
    add(
      name, .normalization(Normalization(.rms, rows: saturating(tokens, heads), width: shape.headDimension)),
      after: [input])
  }

  private mutating func gated(
    _ prefix: String, _ width: Int, _ shape: Shape, _ function: Elementwise.Function, after input: Int?
  ) -> Int? {
    let gate = linear("\(prefix).gate_proj", width, shape.hidden, after: [input])
    let up = linear("\(prefix).up_proj", width, shape.hidden, after: [input])
    let open = map("\(prefix).act", function, width: width, after: [gate])
    map("\(prefix).mul", .multiply, width: width, inputs: 2, after: [open, up])
    return linear("\(prefix).down_proj", shape.hidden, width)
  }

  /// A router, the experts it picks, and the weighted sum of what they return.
  private mutating func addExperts(
    _ mixture: Mixture, _ shape: Shape, _ function: Elementwise.Function, after input: Int?
  ) -> Int? {
    let pairs = saturating(tokens, mixture.active)
    let columns = (0..<mixture.experts).map {
      pairs / mixture.experts + ($0 < pairs % mixture.experts ? 1 : 0)
    }
    func product(_ m: Int, _ k: Int) -> OperatorKind { .groupedGEMM(GroupedGEMM(m: m, k: k, columns: columns)) }
    func each(_ function: Elementwise.Function, inputs: Int) -> OperatorKind {
      .elementwise(Elementwise(function, elements: saturating(pairs, mixture.feedForward), inputs: inputs))
    }
    add("layer.router", .gemm(GEMM(m: mixture.experts, n: tokens, k: shape.hidden)), after: [input])
    let routed =
      mixture.hasSigmoidScores
      ? map("layer.router.sigmoid", .sigmoid, width: mixture.experts)
      : add("layer.router.softmax", .softmax(Softmax(rows: tokens, width: mixture.experts)))
    let gate = add(
      "layer.experts.gate_proj", product(mixture.feedForward, shape.hidden), after: [input, routed], isSparse: true)
    let up = add(
      "layer.experts.up_proj", product(mixture.feedForward, shape.hidden), after: [input, routed], isSparse: true)
    let open = add("layer.experts.act", each(function, inputs: 1), after: [gate])
    add("layer.experts.mul", each(.multiply, inputs: 2), after: [open, up])
    let down = add("layer.experts.down_proj", product(shape.hidden, mixture.feedForward), isSparse: true)
    return add(
      "layer.experts.sum",
      .reduction(Reduction(outputs: saturating(tokens, shape.hidden), width: mixture.active)), after: [routed, down])
  }

  /// The experts; none, so no layers, for a plain model. Nil after reporting a problem.
  private func mixture(_ fields: inout Fields, _ shape: Shape) -> Mixture? {
    let type = fields.node("model_type")?.text ?? ""
    let isDeepSeek = type.hasPrefix("deepseek")
    guard type == "mixtral" || isDeepSeek || type.hasSuffix("_moe") else {
      return Mixture(experts: 0, active: 0, feedForward: 0, layers: 0)
    }
    let key = isDeepSeek ? "n_routed_experts" : type == "mixtral" ? "num_local_experts" : "num_experts"
    let experts = fields.required(key, in: 1...(1 << 16))
    let active = fields.required("num_experts_per_tok", in: Self.sizes)
    let width = fields.optional("moe_intermediate_size", in: Self.sizes) ?? shape.feedForward
    let shared =
      isDeepSeek
      ? fields.optional("n_shared_experts", in: 1...(1 << 10)).map { saturating($0, width) }
      : fields.optional("shared_expert_intermediate_size", in: Self.sizes)
    let step = fields.optional("decoder_sparse_step", in: Self.sizes) ?? 1
    let dense = Set((fields.node("mlp_only_layers")?.elements ?? []).compactMap(\.integer))
    guard let experts, let active else { return nil }
    guard active <= experts else {
      fields.reader.report(
        .inconsistentShape, "each token goes to \(active) experts, but there are only \(experts)",
        at: (fields.node["num_experts_per_tok"] ?? fields.node).range)
      return nil
    }
    if isDeepSeek {
      // Layer i has experts where i is no less than the first ones, and a multiple of the step.
      let first = fields.optional("first_k_dense_replace", in: 0...(1 << 24)) ?? 0
      let step = fields.optional("moe_layer_freq", in: Self.sizes) ?? 1
      let upTo = { (count: Int) in (count + step - 1) / step }
      return Mixture(
        experts: experts, active: active, feedForward: width, sharedFeedForward: shared,
        layers: max(0, upTo(shape.layers) - upTo(first)),
        hasSigmoidScores: fields.optional("scoring_func", as: String.self) == "sigmoid")
    }
    // Layer i has experts where (i + 1) is a multiple of the step.
    let skipped = dense.filter { $0 >= 0 && $0 < shape.layers && ($0 + 1) % step == 0 }.count
    return Mixture(
      experts: experts, active: active, feedForward: width, sharedFeedForward: shared,
      layers: shape.layers / step - skipped)
  }
}
