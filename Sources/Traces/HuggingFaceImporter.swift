import Diagnostics
import Documents
import Workloads

/// Derives the operators of a model from its Hugging Face `config.json`.
///
/// What a configuration cannot say is settled as serving engines do it: all tokens of a prompt are prefilled at once,
/// logits are computed for the last token of each sequence only, attention is one fused operator, biases ride along
/// with their products, and the tokens of a mixture spread over its experts as evenly as possible (with fewer tokens
/// than experts only some experts run). Equal layers are written once, with a repeat count.
enum HuggingFaceImporter {
  private enum Family { case llama, gpt2, gptj, opt, bert, albert, conformer, vit }

  private static let models: [(name: String, family: Family)] = [
    ("albert", .albert), ("bert", .bert), ("deepseek_v2", .llama), ("deepseek_v3", .llama), ("gpt2", .gpt2),
    ("gptj", .gptj), ("llama", .llama), ("mistral", .llama),
    ("mixtral", .llama), ("opt", .opt),
    ("qwen2", .llama), ("qwen2_moe", .llama), ("qwen3", .llama), ("qwen3_moe", .llama), ("roberta", .bert),
    ("vit", .vit), ("wav2vec2-conformer", .conformer),
  ]
  private static let largestOption = 1 << 20

  /// Reads a configuration. Problems of its keys go to the sink.
  static func read(
    _ source: SourceText, options: ImportOptions, sink: DiagnosticSink
  ) throws(DiagnosticList) -> Workload {
    let root = try JSONParser.parse(source)
    let reader = DocumentReader(source, sink: sink)
    let stem = TraceReader.stem(source.name)
    var workload = Workload(name: stem, source: "Hugging Face configuration \(source.name)", operators: [])
    // Models of text and images keep the language model's sizes one level deeper.
    let isNested = if case .mapping? = root["text_config"]?.content { true } else { false }
    let node = isNested ? root["text_config"] ?? root : root
    guard var fields = Fields(node, reader, what: "the configuration object"),
      let model = modelType(root, &fields), check(options, sink)
    else { return workload }
    let isEncoder = [.bert, .albert, .conformer, .vit].contains(model.family)
    if isEncoder, options.phase == .decode {
      reader.report(
        .unsupportedOperator, "a \(model.name) encoder reads its whole input at once and has nothing to decode",
        at: (node["model_type"] ?? node).range, help: "import it with the phase 'prefill'")
      return workload
    }
    if stem == "config" { workload.name = model.name }
    workload.samples = options.batch ?? 1
    if model.family == .vit {
      options.reportUnused(besides: [.phase, .batch], "an image has as many tokens as patches", sink)
    } else if options.phase != .decode {
      options.reportUnused(besides: [.phase, .sequenceLength, .batch], "a prompt attends to itself", sink)
    } else if options.contextLength != nil {
      options.reportUnused(besides: [.phase, .contextLength, .batch], "one token is decoded after the context", sink)
    }

    var network = NetworkBuilder(
      options: options, dataType: dataType(root, node, options, reader), quantisedType: quantisedType(root, reader),
      quantisesHead: quantisesHead(root), sparsity: WeightSparsity(root, reader))
    switch model.family {
    case .llama: network.addLlama(&fields)
    case .gpt2: network.addGPT2(&fields)
    case .gptj: network.addGPTJ(&fields)
    case .opt: network.addOPT(&fields)
    case .bert: network.addBERT(&fields)
    case .albert: network.addALBERT(&fields)
    case .conformer:
      network.addConformer(&fields)
      workload.skipped = [
        Workload.Skipped(
          reason: "the convolutions that make frames of a waveform; a sequence is that many frames", count: 1,
          examples: ["feature_extractor"])
      ]
    case .vit: network.addViT(&fields)
    }
    guard !sink.hasErrors else { return workload }
    for operation in network.operators {
      for problem in operation.shapeProblems() {
        reader.report(
          problem.code, "\(operation.name): \(problem.message)", at: node.range.lowerBound..<node.range.lowerBound + 1,
          help: problem.help)
      }
    }
    workload.operators = network.operators
    network.sparsity.reportUnmatched(reader)
    if let extra = node["num_nextn_predict_layers"]?.integer, extra > 0 {
      workload.skipped.append(
        Workload.Skipped(
          reason: "layers that predict tokens beyond the next; an engine runs them to speculate only", count: extra,
          examples: ["num_nextn_predict_layers"]))
    }
    return workload
  }

  private static func modelType(_ root: Node, _ fields: inout Fields) -> (name: String, family: Family)? {
    let reader = fields.reader
    guard let node = fields.requiredNode("model_type") else { return nil }
    guard let name = String.read(node, reader) else { return nil }
    if let model = models.first(where: { $0.name == name }) { return model }
    let names = models.map(\.name)
    reader.report(
      .unknownModel, "'\(name)' is not a model architecture that is known here", at: node.range,
      notes: ["known: \(names.joined(separator: ", "))"],
      help: nearest(to: name, among: names).map { "did you mean '\($0)'?" }
        ?? "write its operators as JSON Lines, or record a PyTorch execution trace of it")
    return nil
  }

  private static func check(_ options: ImportOptions, _ sink: DiagnosticSink) -> Bool {
    let values = [
      ("sequence length", options.sequenceLength ?? 1), ("context length", options.contextLength ?? 1),
      ("batch", options.batch ?? 1),
    ]
    for (name, value) in values where !(1...largestOption).contains(value) {
      sink.report(
        Diagnostic(.outOfRange, "the \(name) is \(value); it must be from 1 to \(largestOption)"))
    }
    return !sink.hasErrors
  }

  private static func dataType(
    _ root: Node, _ node: Node, _ options: ImportOptions, _ reader: DocumentReader
  ) -> DataType {
    if let dataType = options.dataType { return dataType }
    let known: [(name: String, value: DataType)] = [
      ("float16", .fp16), ("bfloat16", .bf16), ("float32", .fp32), ("float64", .fp64), ("float8_e4m3fn", .fp8),
      ("float8_e5m2", .fp8), ("int8", .int8), ("auto", .fp16),
    ]
    for holder in [node, root] {
      for key in ["torch_dtype", "dtype"] {
        guard let value = holder[key] else { continue }
        if case .null = value.content { continue }
        return reader.choice(value, known, what: "a data type of PyTorch") ?? .fp16
      }
    }
    return .fp16
  }

  /// What compressed-tensors quantises both operands of linear layers to; nil where it leaves one of them.
  private static func quantisedType(_ root: Node, _ reader: DocumentReader) -> DataType? {
    if root["quantization_config"]?["quant_method"]?.text == "fp8",
      root["quantization_config"]?["activation_scheme"]?.text != nil
    {
      return .fp8
    }
    guard case .mapping(let groups)? = root["quantization_config"]?["config_groups"]?.content else { return nil }
    for group in groups {
      guard let weights = group.value["weights"], let activations = group.value["input_activations"],
        weights["num_bits"]?.integer == 8, activations["num_bits"]?.integer == 8
      else { continue }
      return reader.choice(weights["type"] ?? weights, [("int", .int8), ("float", .fp8)], what: "a kind of number")
    }
    return nil
  }

  /// Whether compressed-tensors quantises the product with the vocabulary: unless it is told to ignore it. Block-wise
  /// fp8 never does.
  private static func quantisesHead(_ root: Node) -> Bool {
    let config = root["quantization_config"]
    let ignored = (config?["ignore"]?.elements ?? []).compactMap(\.text)
    return config?["config_groups"] != nil && !ignored.contains { $0.contains("lm_head") }
  }
}
