import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

@Suite struct RoundTripTests {
  @Test(arguments: 0..<20) func `what is written reads back as the same workload`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let workload = RandomWorkload.make(&generator)
    let bytes = TraceWriter.jsonLines(workload)
    let read = try TraceReader.read(SourceText(name: "x.jsonl", bytes: bytes))
    #expect(read.workload == workload)
    #expect(read.warnings.isEmpty)
    #expect(read.format == .jsonLines)
    #expect(TraceWriter.jsonLines(read.workload) == bytes)
  }

  @Test(arguments: ["trace.jsonl", "trace.jsonl.zst"]) func `a written file is whole and alone in its folder`(
    name: String
  ) throws {
    var generator = SeededGenerator(seed: 7)
    let workload = RandomWorkload.make(&generator)
    try withTemporaryFolder { folder in
      try TraceWriter.write(workload, to: "\(folder)/\(name)")
      // Writing again replaces the file.
      try TraceWriter.write(workload, to: "\(folder)/\(name)")
      #expect(try TemporaryFolder.contents(folder) == [name])
      #expect(try TraceReader.read("\(folder)/\(name)").workload == workload)
      let isCompressed = try TemporaryFolder.bytes("\(folder)/\(name)").starts(with: [0x28, 0xB5, 0x2F, 0xFD])
      #expect(isCompressed == name.hasSuffix(".zst"))
    }
  }

  @Test func `a folder that is not there is an unwritable file`() throws {
    let workload = Workload(name: "x", source: "x", operators: [])
    let error = #expect(throws: DiagnosticList.self) {
      try TraceWriter.write(workload, to: "/nonexistent-folder/x.jsonl")
    }
    #expect(error?.diagnostics.map(\.code) == [.unwritableFile])
  }
}

/// Valid workloads of every kind, phase, type and pattern.
enum RandomWorkload {
  static func make(_ generator: inout SeededGenerator) -> Workload {
    var operators: [Operator] = []
    while operators.count < 60 {
      var operation = Operator(
        name: name(&generator), kind: kind(&generator), phase: pick(Phase.allCases, &generator),
        dataType: pick(DataType.allCases, &generator), outputType: pick(DataType.allCases, &generator),
        weightType: Bool.random(using: &generator) ? .int4 : nil, repeats: Int.random(in: 1...3, using: &generator))
      if operation.kind.isMatrix {
        for operand in OperandSparsity.Operand.allCases where Bool.random(using: &generator) {
          operation.sparsity[operand] = pick(patterns, &generator)
        }
      }
      if !operators.isEmpty {
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
          operation.dependencies.append(Int.random(in: operators.indices, using: &generator))
        }
      }
      if operation.shapeProblems().isEmpty { operators.append(operation) }
    }
    let skipped = Workload.Skipped(reason: "moves \"no\" data", count: 3, examples: ["a\\b", "c\u{1}\n"])
    return Workload(
      name: name(&generator), source: "seeded", samples: Bool.random(using: &generator) ? 8 : nil,
      operators: operators, skipped: Bool.random(using: &generator) ? [skipped] : [])
  }

  private static let patterns: [SparsityPattern] = [
    .dense, .structured(n: 2, m: 4), .vectorStructured(v: 64, n: 2, m: 8), .unstructured(zeros: 0.7),
    .block(rows: 32, columns: 32, zeros: 0.95), .bank(size: 64, rate: 16), .bank(size: 32, rate: 2),
    .tile(rows: 128, columns: 128, fraction: 0.4, n: 2, m: 4), .fanIn(2), .wrapped(block: 64, n: 2, m: 4),
    .mask(MaskReference(file: "a.npy", tensor: "w")),
  ]

  private static func pick<T>(_ values: [T], _ generator: inout SeededGenerator) -> T {
    values[Int.random(in: values.indices, using: &generator)]
  }

  private static func name(_ generator: inout SeededGenerator) -> String {
    pick(["encoder.0.fc1", "q\"uote", "back\\slash", "tab\t", "ümläut → 層", "", "nul\0", "/slash"], &generator)
  }

  private static func kind(_ generator: inout SeededGenerator) -> OperatorKind {
    func size() -> Int { pick([1, 2, 3, 7, 64, 128, 4096], &generator) }
    func extent() -> Extent { Extent(size(), Bool.random(using: &generator) ? 3 : size()) }
    func padding() -> Padding {
      pick(
        [
          Padding(), Padding(vertical: 2, horizontal: 2), Padding(vertical: 0, horizontal: 3),
          Padding(top: 1, bottom: 2, left: 3, right: 4), Padding(top: 1, bottom: 1, left: 0, right: 1),
        ], &generator)
    }
    switch Int.random(in: 0..<12, using: &generator) {
    case 0:
      return .gemm(GEMM(m: size(), n: size(), k: size(), batch: size(), hasWeights: Bool.random(using: &generator)))
    case 1: return .groupedGEMM(GroupedGEMM(m: size(), k: size(), columns: [size(), 0, size()]))
    case 2:
      let groups = pick([1, 2, 64], &generator)
      return .convolution(
        Convolution(
          batch: size(), inputChannels: groups * size(), outputChannels: groups * size(), input: extent(),
          kernel: pick([Extent(1, 1), Extent(3, 3), Extent(1, 3)], &generator), stride: extent(), padding: padding(),
          dilation: pick([Extent(1, 1), Extent(2, 1)], &generator), groups: groups))
    case 3:
      let heads = pick([1, 2, 8], &generator)
      return .attention(
        Attention(
          batch: size(), heads: 8, keyValueHeads: heads, queryLength: size(), keyLength: 4096, headDimension: size(),
          isCausal: Bool.random(using: &generator), window: Bool.random(using: &generator) ? size() : nil))
    case 4:
      return .elementwise(
        Elementwise(pick(Elementwise.Function.allCases, &generator), elements: size(), inputs: size()))
    case 5:
      return .normalization(
        Normalization(pick(Normalization.Function.allCases, &generator), rows: size(), width: size()))
    case 6: return .softmax(Softmax(rows: size(), width: size()))
    case 7: return .reduction(Reduction(outputs: size(), width: size()))
    case 8:
      return .pooling(
        Pooling(batch: size(), channels: size(), input: extent(), output: extent(), kernel: extent()))
    case 9: return .embedding(Embedding(rows: size(), width: size(), vocabulary: size()))
    case 10:
      return .update(WeightUpdate(parameters: size(), optimizer: pick(WeightUpdate.Optimizer.allCases, &generator)))
    default: return .pruning(Pruning(elements: size(), n: 2, m: 4))
    }
  }
}
