import Testing
import Traces
import Workloads

/// The model descriptions that come with the program.
@Suite struct ModelTests {
  private func load(_ name: String, sequence: Int, phase: ImportOptions.Phase = .prefill, batch: Int = 2) throws
    -> Workload
  {
    var options = ImportOptions(batch: batch)
    options.phase = phase
    options.sequenceLength = sequence
    return try TraceReader.read("\(repository)/Configs/Models/\(name).json", options: options).workload
  }

  /// Multiply-accumulates of a transformer layer over `tokens` tokens in sequences of `length`.
  private static func layer(_ hidden: Int, _ feedForward: Int, tokens: Int, length: Int) -> Int {
    tokens * (4 * hidden * hidden + 2 * hidden * feedForward) + 2 * tokens * length * hidden
  }

  @Test(arguments: [
    ("bert-base-int8", 768, 12, 3072, 128), ("bert-base-int8", 768, 12, 3072, 384),
    ("bert-large-int8", 1024, 24, 4096, 384), ("roberta-base-int8", 768, 12, 3072, 384),
  ])
  func `encoders have the multiply-accumulates of their architecture`(
    _ name: String, _ hidden: Int, _ layers: Int, _ feedForward: Int, _ length: Int
  ) throws {
    let macs = layers * Self.layer(hidden, feedForward, tokens: 2 * length, length: length) + 2 * hidden * hidden
    #expect(try load(name, sequence: length).operators.reduce(0) { $0 + $1.denseMACs * $1.repeats } == macs)
  }

  @Test func `ALBERT adds the projection of its narrow embedding`() throws {
    let macs = 12 * Self.layer(768, 3072, tokens: 768, length: 384) + 768 * 128 * 768 + 2 * 768 * 768
    #expect(try load("albert-base-int8", sequence: 384).denseMACs == macs)
  }

  @Test func `GPT-J has 6 billion parameters, and sees only what came before`() throws {
    let workload = try load("gpt-j-6b-int8", sequence: 1024, batch: 1)
    let parameters = workload.operators.reduce(0) { $0 + $1.weightElements * $1.repeats }
    let layer = 4 * 4096 * 4096 + 2 * 4096 * 16_384
    #expect(parameters == 28 * layer + 4096 * 50_400)
    let attention = 28 * 2 * 16 * (1024 * 1025 / 2) * 256
    #expect(workload.denseMACs == 28 * 1024 * layer + attention + 4096 * 50_400)
    let decode = try load("gpt-j-6b-int8", sequence: 1024, phase: .decode, batch: 1)
    #expect(decode.denseMACs == 28 * layer + 28 * 2 * 16 * 1024 * 256 + 4096 * 50_400)
  }

  @Test func `a Conformer layer has two half feed-forward blocks, attention and a depthwise convolution`() throws {
    let workload = try load("conformer-large-int8", sequence: 500)
    let tokens = 2 * 500
    let layer =
      tokens * (4 * 1024 * 4096 + 4 * 1024 * 1024 + 3 * 1024 * 1024 + 1024 * 31) + 2 * tokens * 500 * 1024
    #expect(workload.denseMACs == 24 * layer)
    #expect(workload.skipped.map(\.examples) == [["feature_extractor"]])
  }

  @Test func `8-bit linear layers leave attention and vector work in the model's own type`() throws {
    for op in try load("bert-base-int8", sequence: 128).operators {
      let isLinear = op.weightElements > 0
      #expect(op.dataType == (isLinear ? .int8 : .bf16) && op.outputType == .bf16, "\(op.name)")
    }
  }

  @Test(arguments: [
    ("albert-base-int8", ["embedding.projection", "pooler"]), ("bert-large-int8", ["pooler"]),
    ("conformer-large-int8", ["layer.conv.pointwise1", "layer.conv.pointwise2"]), ("gpt-j-6b-int8", ["lm_head"]),
  ])
  func `a rule for all weights prunes every linear layer and nothing else`(_ name: String, _ beside: [String]) throws {
    let pruned = try load(name, sequence: 128).applying([SparsityRule(parsing: "weights=16x")]).workload.operators
    for op in pruned {
      let isLinear = if case .gemm = op.kind { true } else { false }
      #expect((op.sparsity.weights != .dense) == isLinear, "\(op.name)")
    }
    for name in beside { #expect(pruned.contains { $0.name == name && $0.sparsity.weights != .dense }, "\(name)") }
  }
}
