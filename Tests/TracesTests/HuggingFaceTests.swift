import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct HuggingFaceTests {
  /// A small model with grouped-query attention: 8 features of 4 query heads and 2 key-value heads.
  let llama = """
    {"model_type": "llama", "hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 3,
     "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "torch_dtype": "bfloat16"}
    """

  private func kinds(_ workload: Workload) -> [String: Operator] {
    Dictionary(workload.operators.map { ($0.name, $0) }) { first, _ in first }
  }

  @Test func `a prefill runs all tokens through the layers and one through the head`() throws {
    let workload = try read(llama, options: ImportOptions(sequenceLength: 10, batch: 2)).workload
    let found = kinds(workload)
    #expect(found["layer.q_proj"]?.kind == .gemm(GEMM(m: 32, n: 20, k: 32)))
    #expect(found["layer.k_proj"]?.kind == .gemm(GEMM(m: 16, n: 20, k: 32)))
    #expect(found["layer.gate_proj"]?.kind == .gemm(GEMM(m: 96, n: 20, k: 32)))
    #expect(found["lm_head"]?.kind == .gemm(GEMM(m: 100, n: 2, k: 32)))
    #expect(
      found["layer.attention"]?.kind
        == .attention(
          Attention(batch: 2, heads: 4, keyValueHeads: 2, queryLength: 10, headDimension: 8, isCausal: true)))
    #expect(workload.operators.allSatisfy { $0.dataType == .bf16 })
    #expect(workload.operators.allSatisfy { $0.repeats == ($0.name.hasPrefix("layer.") ? 3 : 1) })
    #expect(workload.samples == 2)
    // Layers: q, k, v, o, three of the feed-forward block, and attention over the 55 pairs of a causal mask.
    let layer = 20 * (32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 96) + 2 * 2 * 4 * 55 * 8
    #expect(workload.denseMACs == 3 * layer + 2 * 100 * 32)
  }

  @Test func `a decoded token attends to its whole context`() throws {
    let options = ImportOptions(phase: .decode, contextLength: 77, batch: 2, dataType: .int8)
    let found = kinds(try read(llama, options: options).workload)
    #expect(found["layer.q_proj"]?.kind == .gemm(GEMM(m: 32, n: 2, k: 32)))
    #expect(
      found["layer.attention"]?.kind
        == .attention(
          Attention(
            batch: 2, heads: 4, keyValueHeads: 2, queryLength: 1, keyLength: 77, headDimension: 8, isCausal: true)))
    #expect(found["layer.q_proj"]?.dataType == .int8)
  }

  @Test(arguments: [(tokens: 6, columns: [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]), (1, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0])])
  func `tokens spread over the experts as evenly as they can`(tokens: Int, columns: [Int]) throws {
    let config = """
      {"model_type": "qwen3_moe", "hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 5, "head_dim": 16,
       "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "num_experts": 10,
       "num_experts_per_tok": 2, "moe_intermediate_size": 24, "mlp_only_layers": [0, 3]}
      """
    let found = kinds(try read(config, options: ImportOptions(sequenceLength: tokens)).workload)
    let gate = try #require(found["layer.experts.gate_proj"])
    guard case .groupedGEMM(let grouped) = gate.kind else {
      Issue.record("not grouped")
      return
    }
    #expect(grouped.columns == (tokens == 6 ? [2, 2] + Array(repeating: 1, count: 8) : columns))
    #expect((grouped.m, grouped.k, gate.repeats) == (24, 32, 3))
    #expect(found["layer.gate_proj"]?.repeats == 2)
    #expect(found["layer.q_norm"]?.kind == .normalization(Normalization(.rms, rows: 4 * tokens, width: 16)))
    #expect(found["layer.q_proj"]?.kind == .gemm(GEMM(m: 64, n: tokens, k: 32)))
  }

  @Test func `encoders run once over their input`() throws {
    let bert = """
      {"model_type": "bert", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": 512, "hidden_act": "gelu"}
      """
    let found = kinds(try read(bert, options: ImportOptions(sequenceLength: 16, batch: 3)).workload)
    #expect(found["pooler"]?.kind == .gemm(GEMM(m: 32, n: 3, k: 32)))
    guard case .attention(let attention)? = found["layer.attention"]?.kind else {
      Issue.record("no attention")
      return
    }
    #expect(!attention.isCausal)
    #expect(problems(bert, options: ImportOptions(phase: .decode)).map(\.code) == [.unsupportedOperator])
  }

  @Test func `an image becomes patches and a class token`() throws {
    let vit = """
      {"model_type": "vit", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "image_size": 24, "patch_size": 8, "num_channels": 3, "hidden_act": "gelu"}
      """
    let found = kinds(try read(vit, options: ImportOptions(batch: 2)).workload)
    guard case .convolution(let patches)? = found["embedding.patches"]?.kind else {
      Issue.record("no convolution")
      return
    }
    #expect(patches.output == Extent(3, 3))
    #expect(found["layer.query"]?.kind == .gemm(GEMM(m: 32, n: 20, k: 32)))
  }

  @Test(arguments: ["gpt2", "opt"]) func `older decoders have learned positions`(type: String) throws {
    let config = """
      {"model_type": "\(type)", "n_embd": 32, "hidden_size": 32, "n_layer": 2, "num_hidden_layers": 2, "n_head": 4,
       "num_attention_heads": 4, "vocab_size": 100, "n_positions": 64, "max_position_embeddings": 64, "ffn_dim": 128,
       "n_inner": null, "activation_function": "relu"}
      """
    let workload = try read(config, options: ImportOptions(sequenceLength: 8)).workload
    let perLayer = 8 * (4 * 32 * 32 + 2 * 32 * 128) + 2 * 4 * 36 * 8
    #expect(workload.denseMACs == 2 * perLayer + 100 * 32)
    #expect(kinds(workload)["embedding.positions"] != nil)
  }

  @Test func `a nested text model and its sparse weights are found`() throws {
    let config = """
      {"model_type": "some_vision_model", "torch_dtype": "float16", "text_config": \(llama),
       "quantization_config": {"sparsity_config": {"sparsity_structure": "2:4", "ignore": ["lm_head"]}}}
      """
    let found = kinds(try read(config).workload)
    #expect(found["layer.q_proj"]?.sparsity.weights == .structured(n: 2, m: 4))
    #expect(found["lm_head"]?.sparsity == .dense)
  }

  @Test func `a sliding window counts unless the model turns it off`() throws {
    let windowed = llama.replacing("\"vocab_size\"", with: "\"sliding_window\": 4, \"vocab_size\"")
    let off = windowed.replacing("\"vocab_size\"", with: "\"use_sliding_window\": false, \"vocab_size\"")
    for (text, expected) in [(windowed, 4), (off, nil)] as [(String, Int?)] {
      guard case .attention(let attention)? = kinds(try read(text).workload)["layer.attention"]?.kind else {
        Issue.record("no attention")
        return
      }
      #expect(attention.window == expected)
    }
  }

  @Test func `an unknown model lists the known ones and the nearest`() {
    let found = problems(llama.replacing("\"llama\"", with: "\"lama\""))
    #expect(found.map(\.code) == [.unknownModel])
    #expect(found[0].help == "did you mean 'llama'?")
    #expect(found[0].notes.first?.contains("qwen3_moe") == true)
    #expect(found[0].location?.line == 1 && found[0].location?.column == 16)
  }

  @Test func `missing, wrong and contradicting sizes are all reported`() {
    let found = problems(
      #"{"model_type":"llama","hidden_size":30,"num_hidden_layers":0,"num_attention_heads":4,"vocab_size":"many"}"#)
    #expect(found.map(\.code) == [.outOfRange, .missingKey, .wrongType])
    let uneven = problems(
      #"{"model_type":"llama","hidden_size":30,"intermediate_size":8,"num_hidden_layers":1,"num_attention_heads":4,"vocab_size":9}"#
    )
    #expect(uneven.map(\.code) == [.inconsistentShape])
    #expect(uneven[0].message.contains("30") && uneven[0].message.contains("4"))
  }

  @Test func `sizes whose products overflow are refused`() {
    let found = problems(
      #"{"model_type":"llama","hidden_size":16777216,"intermediate_size":16777216,"num_hidden_layers":16777216,"#
        + #""num_attention_heads":1,"vocab_size":16777216}"#,
      options: ImportOptions(sequenceLength: 1 << 20, batch: 1 << 20))
    #expect(found.contains { $0.code == .sizeOverflow })
    #expect(problems(llama, options: ImportOptions(batch: 0)).map(\.code) == [.outOfRange])
  }

  // MARK: Latent attention

  /// DeepSeek's layers in small: one dense, two with experts.
  private let deepSeek = """
    {"model_type": "deepseek_v3", "hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 3,
     "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 100, "torch_dtype": "bfloat16",
     "q_lora_rank": 12, "kv_lora_rank": 16, "qk_nope_head_dim": 6, "qk_rope_head_dim": 2, "v_head_dim": 5,
     "n_routed_experts": 8, "n_shared_experts": 2, "num_experts_per_tok": 3, "moe_intermediate_size": 24,
     "first_k_dense_replace": 1, "moe_layer_freq": 1, "scoring_func": "sigmoid", "num_nextn_predict_layers": 1,
     "quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}}
    """

  @Test func `latent attention widens a prompt's keys and values for every head`() throws {
    let workload = try read(deepSeek, options: ImportOptions(sequenceLength: 10, batch: 2)).workload
    let found = kinds(workload)
    #expect(
      found["layer.attention"]?.kind
        == .attention(
          Attention(batch: 2, heads: 4, queryLength: 10, headDimension: 8, valueDimension: 5, isCausal: true)))
    #expect(found["layer.kv_b_proj"]?.kind == .gemm(GEMM(m: 4 * (6 + 5), n: 20, k: 16)))
    let attention = 32 * 12 + 12 * 4 * 8 + 32 * (16 + 2) + 16 * 4 * 11 + 4 * 5 * 32
    let experts = 32 * 8 + 3 * 32 * 24 * (3 + 2)
    #expect(
      workload.denseMACs
        == 20 * (3 * attention + 3 * 32 * 96 + 2 * experts) + 3 * 2 * 4 * 55 * (8 + 5) + 2 * 100 * 32)
    #expect(found["layer.experts.gate_proj"]?.repeats == 2 && found["layer.gate_proj"]?.repeats == 1)
    #expect(found["layer.shared_expert.gate_proj"]?.kind == .gemm(GEMM(m: 48, n: 20, k: 32)))
    #expect(found["layer.q_a_proj"]?.dataType == .fp8 && found["layer.q_a_proj"]?.outputType == .bf16)
    #expect(found["lm_head"]?.dataType == .bf16 && found["layer.router"]?.dataType == .bf16)
    #expect(workload.skipped.map(\.count) == [1])
  }

  @Test func `a decoded token reads the compressed cache`() throws {
    let options = ImportOptions(phase: .decode, contextLength: 77, batch: 2)
    let workload = try read(deepSeek, options: options).workload
    let attention = try #require(kinds(workload)["layer.attention"])
    #expect(
      attention.kind
        == .attention(
          Attention(
            batch: 2, heads: 4, keyValueHeads: 1, queryLength: 1, keyLength: 77, headDimension: 18, valueDimension: 16,
            isLatent: true, isCausal: true)))
    #expect(attention.denseMACs == 2 * 4 * 77 * (18 + 16))
    // What widens keys and values for a prompt is in the queries and the result here: as many products a token.
    let projections = 32 * 12 + 12 * 4 * 8 + 32 * 18 + 16 * 4 * 11 + 4 * 5 * 32
    let experts = 32 * 8 + 3 * 32 * 24 * 5
    #expect(
      workload.denseMACs
        == 2 * (3 * projections + 3 * 32 * 96 + 2 * experts) + 3 * attention.denseMACs + 2 * 100 * 32)
    // Written and packed, it comes back the same.
    let text = String(decoding: TraceWriter.jsonLines(workload), as: UTF8.self)
    #expect(try read(text).workload.operators == workload.operators)
    let packed = try TraceContainer.bytes(workload, threads: 1)
    #expect(try TraceContainer(bytes: packed, name: "packed").workload().operators == workload.operators)
  }

  @Test func `queries need not be compressed`() throws {
    let plain = deepSeek.replacing("\"q_lora_rank\": 12", with: "\"q_lora_rank\": null").replacing("_v3", with: "_v2")
    let found = kinds(try read(plain, options: ImportOptions(sequenceLength: 10)).workload)
    #expect(found["layer.q_proj"]?.kind == .gemm(GEMM(m: 32, n: 10, k: 32)))
    #expect(found["layer.q_a_proj"] == nil)
  }

  // MARK: Sparse weights

  @Test(arguments: [
    (#""targets": ["Linear"], "ignore": ["lm_head"]"#, ["q_proj": 3, "gate_proj": 3, "lm_head": 0], 0),
    (#""targets": ["re:.*mlp.*_proj"], "ignore": []"#, ["q_proj": 0, "gate_proj": 3, "lm_head": 0], 0),
    (
      #""targets": ["Linear"], "ignore": ["re:.*lm_head", "model.layers.0.mlp.gate_proj", "re:model\\.layers\\.[0-9]+\\.self_attn.*"]"#,
      ["q_proj": 0, "gate_proj": 2, "lm_head": 0], 0
    ),
    (#""targets": ["model.layers.2.self_attn.q_proj"]"#, ["q_proj": 1, "gate_proj": 0, "lm_head": 0], 0),
    (#""ignore": ["re:(lm_head|x)", "model.layers.7.mlp.up_proj"]"#, ["q_proj": 3, "lm_head": 1], 2),
  ]) func `targets and ignore say which layers are sparse`(
    rules: String, expected: [String: Int], unmatched: Int
  ) throws {
    let config =
      llama.dropLast(1).replacing(
        "\"vocab_size\"",
        with: """
          "quantization_config": {"sparsity_config": {"format": "dense", "global_sparsity": 0.5, "sparsity_structure": "2:4",
          \(rules)}}, "vocab_size"
          """) + "}"
    let trace = try read(String(config))
    for (name, count) in expected {
      let operators = trace.workload.operators.filter { op in
        [name, "layer." + name, "layer." + name + ".dense"].contains(op.name)
      }
      let sparse = operators.filter { $0.sparsity.weights == .structured(n: 2, m: 4) }
      #expect(sparse.reduce(0) { $0 + $1.repeats } == count, "\(name)")
      #expect(operators.reduce(0) { $0 + $1.repeats } == (name == "lm_head" ? 1 : 3), "\(name)")
    }
    #expect(trace.workload.denseMACs == (try read(llama)).workload.denseMACs)
    #expect(trace.warnings.map(\.code) == Array(repeating: .matchesNothing, count: unmatched))
    #expect(trace.warnings.allSatisfy { $0.location != nil })
  }

  @Test func `options that mean nothing to a model are warned about`() throws {
    func warnings(_ options: ImportOptions) throws -> [String] {
      try read(llama, options: options).warnings.map { String($0.message.prefix { $0 != ":" }) }
    }
    #expect(try warnings(ImportOptions(phase: .prefill, sequenceLength: 8, batch: 2)) == [])
    #expect(try warnings(ImportOptions(contextLength: 8)) == ["the context length changes nothing"])
    #expect(try warnings(ImportOptions(phase: .decode, sequenceLength: 8)) == [])
    #expect(
      try warnings(ImportOptions(phase: .decode, sequenceLength: 8, contextLength: 9)) == [
        "the sequence length changes nothing"
      ])
  }
}
