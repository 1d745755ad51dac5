import Diagnostics
import SeededRandom
import Testing
import Workloads

@testable import Traces

/// The native container: what goes in comes out, whatever it is.
@Suite struct ContainerTests {
  private func container(_ workload: Workload, threads: Int = 1) throws -> TraceContainer {
    try TraceContainer(bytes: try TraceContainer.bytes(workload, threads: threads), name: "test.ltrace")
  }

  @Test(arguments: 0..<40 as Range<UInt64>) func `a workload comes back from a container, and so do its bytes`(
    seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let workload = RandomWorkload.annotated(&generator)
    let bytes = try TraceContainer.bytes(workload)
    let read = try TraceContainer(bytes: bytes, name: "test.ltrace").workload()
    #expect(read == workload)
    #expect(try TraceContainer.bytes(read) == bytes)
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func `JSON Lines, container and JSON Lines again are the same bytes`(
    seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let lines = TraceWriter.jsonLines(RandomWorkload.annotated(&generator))
    try withTemporaryFolder { folder in
      try TemporaryFolder.write(lines, folder + "/a.jsonl")
      try TraceContainer.convert(folder + "/a.jsonl", to: folder + "/a.ltrace")
      try TraceContainer.convert(folder + "/a.ltrace", to: folder + "/b.jsonl")
      try TraceContainer.convert(folder + "/a.ltrace", to: folder + "/c.ltrace")
      try TraceContainer.convert(folder + "/a.ltrace", to: folder + "/d.jsonl.zst")
      #expect(try TemporaryFolder.bytes(folder + "/b.jsonl") == lines)
      #expect(try TemporaryFolder.bytes(folder + "/c.ltrace") == TemporaryFolder.bytes(folder + "/a.ltrace"))
      #expect(try InputFile.load(folder + "/d.jsonl.zst").bytes == lines)
      // What the lines say directly is the same as what the container says.
      let direct = try TraceReader.read(SourceText(name: "a", bytes: lines)).workload
      #expect(try TraceReader.read(folder + "/a.ltrace").workload == direct)
      #expect(try TraceContainer.bytes(direct) == TemporaryFolder.bytes(folder + "/a.ltrace"))
    }
  }

  @Test func `lines that Lacuna would write differently keep their meaning`() throws {
    let text = """
      {"lacuna_trace":1,"name":"n","attributes":{"b":[1,{"x":null}],"a":1.50}}

      {"kind":"gemm","name":"caf\\u00e9 1","dtype":"fp16","k":16,"m":4,"n":8,"deps":[]}
       {"name":"a,\\"deps\\":[7]","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"batch":1, "deps": [0 , 0]}
      {"name":"q","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"attributes":{"t":",\\"deps\\":[1]"}}
      {"name":"q","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"deps":[2,1],"attributes":{"t":1}}
      {"name":"q007.08","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"deps":[3],"start_ns":-5,"duration_ns":7,"repeat":2}
      {"name":"q007.08","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"start_ns":12345678901234567,"repeat":2}
      """
    let direct = try read(text).workload
    try withTemporaryFolder { folder in
      try TemporaryFolder.write(Array(text.utf8), folder + "/a.jsonl")
      try TraceContainer.convert(folder + "/a.jsonl", to: folder + "/a.ltrace")
      var read = try TraceReader.read(folder + "/a.ltrace").workload
      // The only thing that is not in the text is where it came from.
      read.source = direct.source
      #expect(read == direct)
    }
    #expect(direct.attributes == #"{"b":[1,{"x":null}],"a":1.50}"#)
    #expect(direct.operators.map(\.dependencies) == [[], [0, 0], [], [2, 1], [3], []])
    #expect(direct.operators[4].measured == RecordedTime(start: .nanoseconds(-5), duration: .nanoseconds(7)))
  }

  @Test func `keys of a newer version are kept as attributes`() throws {
    let text = """
      {"lacuna_trace":2,"name":"n","future":[1,2]}
      {"name":"a","kind":"softmax","dtype":"fp16","rows":1,"width":2,"colour":"red","attributes":{"x":1}}
      """
    let workload = try read(text).workload
    #expect(workload.attributes == #"{"future":[1,2]}"#)
    #expect(workload.operators[0].attributes == #"{"x":1,"colour":"red"}"#)
    #expect(try container(workload).workload() == workload)
  }

  @Test(arguments: [1, 2, 3, 7]) func `the bytes do not depend on the number of threads`(threads: Int) throws {
    let workload = RandomWorkload.long(2000)
    let bytes = try TraceContainer.bytes(workload, threads: threads, room: 100)
    #expect(try TraceContainer.bytes(workload, threads: 1, room: 100) == bytes)
    let container = try TraceContainer(bytes: bytes, name: "long")
    #expect(container.blockCount == 20)
    #expect(container.operatorCount == 2000)
    #expect(try container.workload() == workload)
  }

  @Test func `a part is read without the rest`() throws {
    let workload = RandomWorkload.long(3000)
    var bytes = try TraceContainer.bytes(workload, room: 1000)
    let whole = try TraceContainer(bytes: bytes, name: "long")
    // Damage in the first block does not matter to who reads the others.
    let size = try #require(SeekTable.size(footer: Array(bytes.suffix(9))))
    let table = try #require(SeekTable(Array(bytes.suffix(size)), fileSize: bytes.count))
    bytes[table.frames[0].compressed + table.frames[1].compressed / 2] ^= 0xFF
    let damaged = try TraceContainer(bytes: bytes, name: "long")
    #expect(throws: DiagnosticList.self) { try damaged.forEach(in: 0..<1) { _ in } }
    for range in [1000..<1010, 1999..<2001, 2999..<3000, 1000..<3000, 3000..<3000] {
      var read: [Operator] = []
      try damaged.forEach(in: range) { read.append($0) }
      #expect(read == Array(workload.operators[range]))
    }
    #expect(
      try whole.indices(named: ["layer.7.fc1"])
        == workload.operators.indices.filter { workload.operators[$0].name == "layer.7.fc1" })
    var names: [String] = []
    try whole.forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
    #expect(names == workload.operators.map(\.name))
  }

  @Test func `a slice keeps what it can of the dependencies`() throws {
    let workload = RandomWorkload.long(1000)
    let container = try container(workload)
    try withTemporaryFolder { folder in
      try container.slice(100..<200, to: folder + "/range.ltrace")
      let range = try TraceReader.read(folder + "/range.ltrace").workload
      #expect(range.operators.count == 100)
      for (index, op) in range.operators.enumerated() {
        let original = workload.operators[100 + index]
        #expect(op.name == original.name)
        #expect(op.dependencies == original.dependencies.filter { $0 >= 100 }.map { $0 - 100 })
      }
      try container.slice([3, 5, 9], to: folder + "/some.jsonl")
      let some = try TraceReader.read(folder + "/some.jsonl").workload
      #expect(some.operators.map(\.name) == [3, 5, 9].map { workload.operators[$0].name })
    }
  }

  @Test func `merged traces keep their dependencies`() throws {
    let (a, b) = (RandomWorkload.long(50), RandomWorkload.long(70))
    try withTemporaryFolder { folder in
      try TraceWriter.write(a, to: folder + "/a.ltrace")
      try TraceWriter.write(b, to: folder + "/b.jsonl")
      #expect(try TraceMerge.merge([folder + "/a.ltrace", folder + "/b.jsonl"], to: folder + "/c.ltrace") == 120)
      let merged = try TraceReader.read(folder + "/c.ltrace").workload
      #expect(Array(merged.operators[..<50]) == a.operators)
      #expect(merged.operators[50...].map(\.dependencies) == b.operators.map { $0.dependencies.map { $0 + 50 } })
      #expect(merged.name == "long+long")
    }
  }

  @Test func `differences are found, and moving is none`() {
    let old = RandomWorkload.long(20)
    #expect(TraceDifference(old, old).changes.isEmpty)
    var new = old
    new.operators.insert(Operator(name: "extra", kind: .softmax(Softmax(rows: 1, width: 1)), dataType: .fp16), at: 0)
    for index in 1..<new.operators.count {
      new.operators[index].dependencies = new.operators[index].dependencies.map { $0 + 1 }
    }
    #expect(TraceDifference(old, new).changes == [.added(index: 0, name: "extra")])
    new.operators[3].repeats = 7
    new.operators.remove(at: 0)
    for index in new.operators.indices {
      new.operators[index].dependencies = new.operators[index].dependencies.map { $0 - 1 }
    }
    let member = TraceDifference.Member(key: "repeat", old: nil, new: "7")
    #expect(
      TraceDifference(old, new).changes == [
        .changed(oldIndex: 2, newIndex: 2, name: old.operators[2].name, members: [member])
      ])
  }

  @Test func `what is rounded is written into the file, and nothing else is rounded`() throws {
    var workload = Workload(name: "n", source: "s", operators: [])
    for index in 0..<100 {
      workload.operators.append(
        Operator(
          name: "fc.\(index)", kind: .gemm(GEMM(m: 8, n: 8, k: 8)), dataType: .fp16,
          sparsity: OperandSparsity(
            activations: .unstructured(zeros: Double(index) / 100.001), scores: .dense),
          measured: RecordedTime(start: .nanoseconds(index * 1234), duration: .nanoseconds(index * 17))))
    }
    let precision = TracePrecision(densityDigits: 2, time: .microseconds(1))
    let container = try TraceContainer(
      bytes: try TraceContainer.bytes(workload, precision: precision), name: "lossy")
    #expect(container.precision == precision)
    let read = try container.workload()
    for (op, original) in zip(read.operators, workload.operators) {
      guard case .unstructured(let zeros) = op.sparsity.activations,
        case .unstructured(let exact) = original.sparsity.activations
      else {
        Issue.record("\(op.sparsity)")
        continue
      }
      #expect(abs(zeros - exact) <= 0.005 + 1e-12)
      #expect(zeros == (zeros * 100).rounded() / 100 && zeros < 1)
      let (start, wanted) = (try #require(op.measured?.start), try #require(original.measured?.start))
      #expect(start.components.attoseconds % 1_000_000_000_000 == 0)
      #expect(abs((start - wanted) / .nanoseconds(1)) <= 500)
      var same = op
      (same.sparsity, same.measured) = (original.sparsity, original.measured)
      #expect(same == original)
    }
    #expect(try TraceContainer(bytes: try TraceContainer.bytes(workload), name: "exact").precision == .exact)
    #expect(try self.container(workload).workload() == workload)
  }

  @Test func `the shipped traces are the same in a container, and smaller`() throws {
    for name in ["bert-large", "llama2-7b-prefill", "resnet18", "resnet18-train", "resnet50"] {
      let path = "\(repository)/Traces/\(name).jsonl.zst"
      let workload = try TraceReader.read(path).workload
      let bytes = try TraceContainer.bytes(workload)
      #expect(try TraceContainer(bytes: bytes, name: name).workload() == workload)
      #expect(bytes.count * 3 < 2 * (try TemporaryFolder.bytes(path).count), "\(name): \(bytes.count) bytes")
    }
  }
}

extension RandomWorkload {
  /// A random workload with measurements and attributes here and there.
  static func annotated(_ generator: inout SeededGenerator) -> Workload {
    var workload = make(&generator)
    if Bool.random(using: &generator) { workload.attributes = #"{"run":"7","list":[1,2,{}]}"# }
    for index in workload.operators.indices {
      if Int.random(in: 0..<3, using: &generator) == 0 {
        workload.operators[index].measured = RecordedTime(
          start: Bool.random(using: &generator)
            ? .nanoseconds(Int.random(in: -1000...1 << 50, using: &generator)) : nil,
          duration: .nanoseconds(Int.random(in: 0...1_000_000, using: &generator)))
      }
      if Int.random(in: 0..<5, using: &generator) == 0 {
        workload.operators[index].attributes = #"{"stream": \#(Int.random(in: 0..<3, using: &generator)), "é":"\n"}"#
      }
    }
    return workload
  }

  /// Layers that repeat, with what differs in each.
  static func long(_ count: Int) -> Workload {
    var operators: [Operator] = []
    for index in 0..<count {
      let layer = index / 5 % 12
      let name = ["fc1", "act", "fc2", "norm", "head"][index % 5]
      let kind: OperatorKind =
        index % 5 == 1
        ? .elementwise(Elementwise(.gelu, elements: 4096))
        : .gemm(GEMM(m: 64 * (1 + index % 5), n: 1 + index / 60 % 100, k: 64))
      operators.append(
        Operator(
          name: "layer.\(layer).\(name)", kind: kind, dataType: .fp16,
          dependencies: index == 0 ? [] : [index - 1, max(0, index - 60)],
          measured: index % 11 == 0 ? RecordedTime(duration: .nanoseconds(index * 7919 % 1000)) : nil))
    }
    return Workload(name: "long", source: "made up", operators: operators)
  }
}
