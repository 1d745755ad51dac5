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
}
