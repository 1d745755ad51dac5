import Diagnostics
import SeededRandom
import Testing
import Workloads

@testable import Traces

/// Containers that were damaged, or made to do damage.
@Suite struct DamagedContainerTests {
  private static let small: Workload = {
    var generator = SeededGenerator(seed: 3)
    return RandomWorkload.annotated(&generator)
  }()

  /// Reads bytes as a file and as a decompressed stream; whatever happens must be a trace or a diagnostic.
  private func survive(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
    do throws(DiagnosticList) {
      let trace = try TraceReader.read(SourceText(name: "hostile", bytes: bytes)).workload
      for op in trace.operators { #expect(op.shapeProblems().isEmpty, "\(what())") }
    } catch {
      #expect(error.hasErrors && error.diagnostics.allSatisfy { !$0.message.isEmpty }, "\(what())")
    }
  }

  private func stream(_ workload: Workload) throws -> [UInt8] {
    let bytes = try TraceContainer.bytes(workload)
    return try Compression.expand(bytes, name: "test", limit: 1 << 24)
  }

  @Test func `a part that was skipped no times is refused, as in JSON Lines`() throws {
    let workload = Workload(
      name: "net", source: "test",
      operators: [Operator(name: "a", kind: .softmax(Softmax(rows: 1, width: 1)), dataType: .fp16)],
      skipped: [Workload.Skipped(reason: "nothing", count: 0, examples: [])])
    let bytes = try TraceContainer.bytes(workload)
    let error = #expect(throws: DiagnosticList.self) { try TraceContainer(bytes: bytes, name: "t").workload() }
    #expect(error?.diagnostics.first?.code == .corruptTrace)
    #expect(error?.diagnostics.first?.message.contains("count of skipped") == true)
  }

  @Test func `a stream cut at any byte is damaged`() throws {
    let stream = try stream(Self.small)
    for length in 8..<stream.count {
      let found = problems(Array(stream[..<length]))
      #expect(found.allSatisfy { $0.code == .corruptTrace }, "cut at \(length)")
    }
  }

  @Test func `a file cut anywhere, or with any byte changed, is damaged and says so`() throws {
    let bytes = try TraceContainer.bytes(Self.small)
    for length in 0..<bytes.count {
      #expect(throws: DiagnosticList.self, "cut at \(length)") {
        try TraceContainer(bytes: Array(bytes[..<length]), name: "cut").workload()
      }
    }
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 0x55
      guard let read = try? TraceContainer(bytes: damaged, name: "damaged").workload() else { continue }
      // A few bits of frame headers mean nothing.
      #expect(read == Self.small, "byte \(position)")
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>) func `damaged columns never crash the decoder`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let stream = try stream(Self.small)
    for round in 0..<150 {
      var damaged = stream
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: 8..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged[position] = UInt8.random(in: 0 ... .max, using: &generator)
        case 1: damaged.remove(at: position)
        case 2: damaged.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF, 0x7F], at: position)
        default: damaged[position] = 0
        }
      }
      survive(damaged, "seed \(seed), round \(round)")
    }
  }

  /// A stream with one block whose payload is as given.
  private func stream(block: [UInt8]) -> [UInt8] {
    let header = ContainerHeader(Workload(name: "n", source: "s", operators: []), precision: .exact)
    return ContainerFormat.prologue + ContainerFormat.section(ContainerFormat.header, header.bytes)
      + ContainerFormat.section(ContainerFormat.block, block) + ContainerFormat.section(ContainerFormat.index, [])
  }

  private func encoded(_ op: Operator..., change: (inout OperatorBlock) -> Void = { _ in }) -> [UInt8] {
    var block = OperatorBlock(first: 0)
    for op in op { block.append(op) }
    change(&block)
    return stream(block: block.encoded().bytes)
  }

  private static let product = Operator(name: "a.0", kind: .gemm(GEMM(m: 8, n: 8, k: 8)), dataType: .fp16)

  @Test(
    arguments: [
      [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    ] as [[UInt8]])
  func `a count of two to the thirty-second and more is refused before anything is allocated`(count: [UInt8]) {
    let found = problems(stream(block: count + [0, 0]))
    #expect(found.map(\.code) == [.corruptTrace])
    #expect(found[0].message.contains("operators of the block"))
    #expect(found[0].message.contains("byte"))
  }

  @Test func `a dependency on itself or a later operator is refused`() {
    for target in [0, 1, 5] {
      var op = Self.product
      op.dependencies = [target]
      let found = problems(encoded(op))
      #expect(found.map(\.code) == [.corruptTrace])
      #expect(found[0].message.contains("operator 0 depends on operator \(target)"))
    }
  }

  @Test(arguments: [Double.nan, .infinity, -0.5, 1, 1.5]) func `a density that is none is refused`(zeros: Double) {
    var op = Self.product
    op.sparsity.activations = .unstructured(zeros: zeros)
    let found = problems(encoded(op))
    #expect(found.map(\.code) == [.corruptTrace])
    #expect(found[0].message.contains("densities"))
  }

  @Test func `names that are not UTF-8 are refused`() {
    let found = problems(
      encoded(Self.product) { block in
        block = OperatorBlock(first: 0)
        let template = block.insert(name: [0x61, 0xC3, 0x28])
        let signature = block.insert(OperatorSignature(Self.product, fractions: &block.fractions))
        block.append(
          template: template, signature: signature, dependencies: 0, start: nil, duration: nil, attributes: nil)
      })
    #expect(found.map(\.code) == [.corruptTrace])
    #expect(found[0].message.contains("template") && found[0].message.contains("UTF-8"))
  }

  @Test func `attributes that would break a line apart are refused`() {
    for text in ["{\n}", "7", "{}x", "{\"a\":", "{\"a\":1,\"a\":2}"] {
      var op = Self.product
      op.attributes = text
      let found = problems(encoded(op))
      #expect(found.map(\.code) == [.corruptTrace], "\(text)")
      #expect(found.first?.message.contains("attributes") == true)
    }
  }

  @Test func `shapes that no operator has are refused`() {
    for kind in [
      OperatorKind.gemm(GEMM(m: 0, n: 1, k: 1)), .gemm(GEMM(m: 1 << 40, n: 1 << 40, k: 1)),
      .attention(Attention(batch: 1, heads: 3, keyValueHeads: 2, queryLength: 1, headDimension: 1)),
      .pruning(Pruning(elements: 8, n: 5, m: 4)),
    ] {
      let found = problems(encoded(Operator(name: "x", kind: kind, dataType: .fp16)))
      #expect(found.map(\.code) == [.corruptTrace])
      #expect(found[0].message.contains("signature 0"))
    }
  }

  @Test func `equal names are allowed, as in any trace`() throws {
    let bytes = encoded(Self.product, Self.product)
    #expect(try TraceReader.read(SourceText(name: "x", bytes: bytes)).workload.operators.map(\.name) == ["a.0", "a.0"])
  }

  @Test func `a few bytes cannot become gigabytes of names`() {
    let text = String(repeating: "x", count: 1 << 17)
    var block = OperatorBlock(first: 0)
    var op = Self.product
    op.name = text
    block.append(op)
    block.recordIDs = [UInt32](repeating: 0, count: OperatorBlock.capacity)
    let bytes = stream(block: block.encoded().bytes)
    #expect(bytes.count < 1 << 18)
    #expect(problems(bytes).map(\.code) == [.tooLarge])
  }

  @Test func `a frame that claims more than it can hold is refused`() throws {
    var table = SeekTable()
    let frame = try #require(Compression.zstandard([UInt8](repeating: 0, count: 1000)))
    table.frames = [SeekTable.Frame(compressed: frame.count, decompressed: Int(UInt32.max))]
    let error = #expect(throws: DiagnosticList.self) {
      try TraceContainer(bytes: frame + table.bytes, name: "bomb")
    }
    #expect(error?.diagnostics.first?.message.contains("frame 0") == true)
  }

  // MARK: Verification

  @Test func `verification finds the damaged block and saves the others`() throws {
    let workload = RandomWorkload.long(500)
    let bytes = try TraceContainer.bytes(workload, room: 100)
    let size = try #require(SeekTable.size(footer: Array(bytes.suffix(9))))
    let table = try #require(SeekTable(Array(bytes.suffix(size)), fileSize: bytes.count))
    try withTemporaryFolder { folder in
      // Every frame in turn: header, five blocks, index.
      var offset = 0
      for (index, frame) in table.frames.enumerated() {
        var damaged = bytes
        for position in offset + frame.compressed / 2..<offset + frame.compressed { damaged[position] ^= 0xA5 }
        offset += frame.compressed
        try TemporaryFolder.write(damaged, folder + "/damaged.ltrace")
        let result = try ContainerVerification(folder + "/damaged.ltrace", recoveringTo: folder + "/saved.ltrace")
        #expect(!result.isIntact)
        #expect(result.problems.contains { $0.message.contains("frame \(index),") })
        let saved = try TraceReader.read(folder + "/saved.ltrace").workload
        let lost = result.lost.reduce(0) { $0 + $1.count }
        #expect(saved.operators.count == result.operators && result.operators + lost == 500)
        #expect(lost <= 100)
        let kept = workload.operators.indices.filter { place in !result.lost.contains { $0.contains(place) } }
        #expect(saved.operators.map(\.name) == kept.map { workload.operators[$0].name })
      }
    }
  }

  @Test func `verification works without the file's end`() throws {
    let workload = RandomWorkload.long(2000)
    let bytes = try TraceContainer.bytes(workload, room: 100)
    try withTemporaryFolder { folder in
      try TemporaryFolder.write(Array(bytes.dropLast(bytes.count / 8)), folder + "/cut.ltrace")
      let result = try ContainerVerification(folder + "/cut.ltrace", recoveringTo: folder + "/saved.ltrace")
      #expect(!result.isIntact && result.operators >= 500)
      let saved = try TraceReader.read(folder + "/saved.ltrace").workload
      #expect(saved.operators.elementsEqual(workload.operators[..<result.operators]))
    }
  }

  @Test func `verification of an intact file finds nothing`() throws {
    for workload in [Self.small, RandomWorkload.long(700)] {
      try withTemporaryFolder { folder in
        try TraceWriter.write(workload, to: folder + "/a.ltrace")
        let result = try ContainerVerification(folder + "/a.ltrace")
        #expect(result.isIntact && result.operators == workload.operators.count && result.lost.isEmpty)
      }
    }
  }

  @Test func `writing that stops leaves what was there before, and nothing else`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.ltrace"
      try TraceWriter.write(Self.small, to: path)
      let before = try TemporaryFolder.bytes(path)
      do {
        let writer = try TraceFileWriter(path, header: Self.small)
        try writer.append(Self.product)
      }
      let broken = "{\"lacuna_trace\":1}\n{\"name\":\"a\",\"kind\":\"gemm\"}\n"
      try TemporaryFolder.write(Array(broken.utf8), folder + "/broken.jsonl")
      #expect(throws: DiagnosticList.self) { try TraceContainer.convert(folder + "/broken.jsonl", to: path) }
      #expect(try TemporaryFolder.bytes(path) == before)
      #expect(try TemporaryFolder.contents(folder) == ["a.ltrace", "broken.jsonl"])
    }
  }

  @Test func `problems in lines are located when they stream`() throws {
    try withTemporaryFolder { folder in
      let lines = [
        #"{"lacuna_trace":1,"name":"x"}"#, "",
        #"{"name":"a","kind":"softmax","dtype":"fp16","rows":1,"width":1}"#,
        #"{"name":"a","kind":"softmax","dtype":"fp16","rows":1,"width":1,"deps":[1]}"#,
        #"{"name":"a","kind":"softmax","dtype":"fp16","rows":1,"wdith":1}"#, "not json",
      ]
      try TemporaryFolder.write(Array(lines.joined(separator: "\n").utf8), folder + "/x.jsonl")
      let error = #expect(throws: DiagnosticList.self) {
        try TraceContainer.convert(folder + "/x.jsonl", to: folder + "/x.ltrace")
      }
      let found = try #require(error?.diagnostics)
      #expect(found.map(\.code) == [.danglingDependency, .missingKey, .unknownKey, .jsonSyntax])
      #expect(found.map { $0.location?.line } == [4, 5, 5, 6])
      // The whole reader says the same.
      let whole = problems(lines.joined(separator: "\n"), name: folder + "/x.jsonl")
      #expect(whole.map(\.code) == found.map(\.code))
      #expect(whole.map(\.location) == found.map(\.location))
    }
  }
}
