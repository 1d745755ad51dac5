import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

/// A Protocol Buffers message, written the plainest way.
private struct Message {
  var bytes: [UInt8] = []

  static func varint(_ number: UInt64) -> [UInt8] {
    number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7F) | 0x80] + varint(number >> 7)
  }

  mutating func number(_ field: UInt64, _ value: UInt64) { bytes += Self.varint(field << 3) + Self.varint(value) }
  mutating func content(_ field: UInt64, _ content: [UInt8]) {
    bytes += Self.varint(field << 3 | 2) + Self.varint(UInt64(content.count)) + content
  }
  mutating func text(_ field: UInt64, _ text: String) { content(field, Array(text.utf8)) }

  static func attribute(_ name: String, _ field: UInt64, _ value: UInt64) -> [UInt8] {
    var message = Message()
    message.text(1, name)
    message.number(field, value)
    return message.bytes
  }
}

/// Writes Chakra traces by hand.
private struct ChakraFixture {
  /// Starts with metadata that have a version.
  var bytes: [UInt8] = [3, 0x0A, 1, UInt8(ascii: "1")]

  /// The types of nodes.
  enum Kind: UInt64 {
    case load = 2
    case compute = 4
    case collective = 7
  }

  /// Adds a node; operands are what Python prints of values, shapes and types.
  mutating func node(
    _ id: UInt64, _ name: String, _ kind: Kind = .compute, onHost: Bool? = true, data: [UInt64] = [],
    control: [UInt64] = [], microseconds: UInt64 = 0, inputs: [String] = [], outputs: [String] = [],
    numbers: [(String, UInt64)] = []
  ) {
    var node = Message()
    node.number(1, id)
    node.text(2, name)
    node.number(3, kind.rawValue)
    node.content(4, control.flatMap(Message.varint))
    for dependency in data { node.number(5, dependency) }
    node.number(7, microseconds)
    for (field, texts) in [(8, inputs), (9, outputs)] as [(UInt64, [String])] {
      var operands = Message()
      for (index, text) in texts.enumerated() { operands.text(UInt64(index + 1), text) }
      node.content(field, operands.bytes)
    }
    if let onHost { node.content(10, Message.attribute("is_cpu_op", 27, onHost ? 1 : 0)) }
    for (name, value) in numbers { node.content(10, Message.attribute(name, 9, value)) }
    add(node.bytes)
  }

  mutating func add(_ message: [UInt8]) { bytes += Message.varint(UInt64(message.count)) + message }

  /// A product of [4×8] by [8×16] as PyTorch calls it.
  static let product = [
    "[[1, 2, 0, 32, 2, 'cuda:0'], [3, 4, 0, 128, 2, 'cuda:0']]", "[[4, 8], [8, 16]]",
    "['Tensor(c10::Half)', 'Tensor(c10::Half)']",
  ]
  static let result = ["[[5, 6, 0, 64, 2, 'cuda:0']]", "[[4, 16]]", "['Tensor(c10::Half)']"]

  mutating func product(_ id: UInt64, _ name: String, numbers: [(String, UInt64)] = [], control: [UInt64] = []) {
    node(id, name, control: control, inputs: Self.product, outputs: Self.result, numbers: numbers)
  }
}

@Suite struct ChakraTests {
  private func read(_ fixture: ChakraFixture) throws(DiagnosticList) -> ImportedTrace {
    try TraceReader.read(SourceText(name: "net.et", bytes: fixture.bytes))
  }

  @Test(arguments: [
    "bert-large", "llama2-7b-prefill", "resnet18-train", "resnet50", "vit-train", "resnet18",
    "Timed/resnet18-train.kineto.json.zst",
  ])
  func `a workload written as Chakra reads as the same workload`(name: String) throws {
    let workload = try TraceReader.read("\(repository)/Traces/\(name)").workload
    let bytes = ChakraWriter.bytes(workload)
    #expect(bytes == ChakraWriter.bytes(workload))
    let imported = try TraceReader.read(SourceText(name: "again.et", bytes: bytes))
    #expect(imported.format == .chakra && imported.warnings.isEmpty)
    #expect(imported.workload == workload)
    #expect(imported.workload.denseMACs == workload.denseMACs)
  }

  @Test func `patterns, repeats and attributes survive`() throws {
    let op = Operator(
      name: "fc", kind: .gemm(GEMM(m: 16, n: 4, k: 8)), phase: .forward, dataType: .fp16, outputType: .fp32,
      sparsity: OperandSparsity(weights: .structured(n: 2, m: 4)), repeats: 3,
      measured: RecordedTime(start: .nanoseconds(10), duration: .nanoseconds(2700)), attributes: #"{"a":[1]}"#)
    let workload = Workload(name: "n", source: "s", operators: [op])
    let bytes = ChakraWriter.bytes(workload)
    #expect(try TraceReader.read(SourceText(name: "x", bytes: bytes)).workload == workload)
    // 2·16·4·8·3 operations; 16·8 + 8·4 halves and 16·4 floats; 3 µs.
    for expected in [
      Message.attribute("num_ops", 9, 3072), Message.attribute("tensor_size", 13, 320 + 256), [0x38, 3],
    ] {
      #expect(bytes.indices.contains { bytes[$0...].starts(with: expected) })
    }
  }

  @Test func `nodes wait as operators do, for the one before where none has dependencies`() {
    func waiting(_ dependencies: [[Int]]) -> [[UInt8]] {
      let operators = dependencies.map {
        Operator(
          name: "a", kind: .elementwise(Elementwise(.add, elements: 8)), dataType: .fp16, dependencies: $0)
      }
      let bytes = ChakraWriter.bytes(Workload(name: "n", source: "s", operators: operators))
      // The type of a node, what it waits for, and the begin of its attributes.
      return dependencies.indices.map { index in
        let node = bytes.indices.filter { bytes[$0...].starts(with: [0x12, 1, UInt8(ascii: "a"), 0x18, 4]) }[index]
        return Array(bytes[(node + 5)...].prefix { $0 != 0x52 })
      }
    }
    #expect(waiting([[], [], []]) == [[], [0x28, 0], [0x28, 1]])
    #expect(waiting([[], [], [0, 1]]) == [[], [], [0x28, 0, 0x28, 1]])
  }

  @Test func `a PyTorch call in parts is one operator, and has the time of its kernels`() throws {
    var trace = ChakraFixture()
    trace.product(5, "aten::mm(0)", numbers: [("rf_id", 7), ("tid", 1)])
    trace.node(6, "gemm_kernel", onHost: false, data: [5], control: [4], microseconds: 9)
    trace.product(7, "aten::mm(1)", numbers: [("rf_id", 7), ("tid", 1)], control: [6])
    trace.node(8, "reduce_kernel", onHost: false, data: [7, 5], microseconds: 2)
    trace.product(9, "aten::mm(0)", numbers: [("rf_id", 8), ("tid", 1)], control: [7])
    let imported = try read(trace)
    #expect(imported.format == .chakra && imported.workload.name == "net")
    #expect(imported.workload.operators.map(\.kind) == Array(repeating: .gemm(GEMM(m: 16, n: 4, k: 8)), count: 2))
    #expect(imported.workload.operators.map { $0.measured?.duration } == [.microseconds(11), nil])
  }

  @Test func `calls in whole lie in one another as they depend`() throws {
    var trace = ChakraFixture()
    trace.product(5, "aten::matmul")
    trace.product(6, "aten::mm", control: [5])
    trace.node(7, "kernel", onHost: false, data: [6], microseconds: 4)
    let operators = try read(trace).workload.operators
    #expect(operators.map(\.name) == ["matmul.0"])
    #expect(operators[0].measured?.duration == .microseconds(4))
  }

  @Test func `nodes that are no operator are skipped with the reason`() throws {
    var trace = ChakraFixture()
    trace.product(1, "aten::mm")
    trace.node(2, "ALL_REDUCE", .collective, onHost: nil, microseconds: 2, numbers: [("comm_size", 1024)])
    trace.node(3, "COMP_NODE", onHost: nil, numbers: [("num_ops", 1000), ("tensor_size", 64)])
    trace.node(4, "LOAD", .load, onHost: false)
    trace.node(5, "lonely_kernel", onHost: false, microseconds: 8)
    let skipped = try read(trace).workload.skipped
    #expect(
      skipped.map(\.reason) == [
        "communication between devices", "counts operations and bytes, but has no shapes",
        "loads and stores by themselves",
        "10.0 µs on the device by no call",
      ])
    #expect(skipped.map(\.examples) == [["ALL_REDUCE"], ["COMP_NODE"], ["LOAD"], ["ALL_REDUCE", "lonely_kernel"]])
  }

  @Test func `what shares a thread with backward calls is backward`() throws {
    var trace = ChakraFixture()
    trace.product(1, "aten::mm(0)", numbers: [("tid", 1)])
    trace.node(
      2, "aten::threshold_backward(0)",
      inputs: ["[[5, 6, 0, 64, 2, 'cuda:0']]", "[[4, 16]]", "['Tensor(c10::Half)']"], outputs: ChakraFixture.result,
      numbers: [("tid", 2)])
    trace.node(
      3, "aten::mm(0)",
      inputs: [
        "[[5, 6, 0, 64, 2, 'cuda:0'], [3, 4, 0, 128, 2, 'cuda:0']]", "[[4, 16], [16, 8]]",
        "['Tensor(c10::Half)', 'Tensor(c10::Half)']",
      ], numbers: [("tid", 2), ("rf_id", 9)])
    #expect(try read(trace).workload.operators.map(\.phase) == [.forward, .backwardData, .backwardData])
  }

  /// Each with the field, and with where it stands.
  @Test func `what cannot be is told with offset and field`() throws {
    func found(_ change: (inout ChakraFixture) -> Void) -> String {
      var trace = ChakraFixture()
      trace.product(1, "aten::mm")
      change(&trace)
      let list = problems(trace.bytes, name: "bad.et")
      #expect(list.map(\.code) == [.corruptTrace])
      return list.first?.message ?? ""
    }
    var start = ChakraFixture()
    start.product(1, "aten::mm")
    // Past its length, of one byte.
    let next = start.bytes.count + 1
    #expect(
      found { $0.product(1, "aten::mm") }.hasSuffix("at byte \(next + 1), 'id' is 1, which another node has already"))
    #expect(
      found {
        $0.node(2, "a", data: [3]); $0.node(3, "b", data: [2])
      }.contains("'data_deps' lead from node 2"))
    #expect(found { $0.node(2, "a", data: [2]) }.contains("at byte \(next), 'data_deps' lead from node 2"))
    #expect(found { $0.add([0x12, 2, 0xC3, 0x28]) }.hasSuffix("at byte \(next + 2), 'name' is not UTF-8"))
    #expect(
      found { $0.add([0x08, 9, 0x38] + Message.varint(.max)) }
        .hasSuffix("at byte \(next + 2), 'duration_micros' is 18446744073709551615; it must be below 2^50 microseconds")
    )
    #expect(
      found { $0.add([0x08, 9, 0x18, 99]) }.hasSuffix("at byte \(next + 2), 'type' is 99, but types go from 0 to 7"))
    #expect(
      found { $0.add([0x08] + Message.varint(.max)) }.contains("'id' is 18446744073709551615, which is beyond 2^63"))
    #expect(found { $0.add([0x0A, 0]) }.hasSuffix("at byte \(next), field 1 of a node has another type"))
    #expect(
      found { $0.bytes += Message.varint(1 << 32) + [8, 1] }
        .hasSuffix("at byte \(next - 1), a message of 4294967296 bytes begins, but 2 are left"))
    #expect(
      found { $0.add([0x08, 9, 0x12] + Message.varint(1 << 32)) }
        .contains("at byte \(next + 2), field 2 takes 4294967296 bytes, but 0 are left"))
    #expect(
      found { $0.node(2, "aten::mm", inputs: ["[[1, 2"]) }.contains(
        "'inputs.values': the list that begins here does not end"))
    #expect(found { $0.node(2, "aten::mm", inputs: ["[oops]"]) }.contains("'inputs.values': 'oops' is no Python value"))
    #expect(
      found { $0.node(2, "aten::mm", inputs: [String(repeating: "[", count: 99)]) }
        .contains("'inputs.values': lists nest deeper than 16 levels"))
  }

  @Test func `a trace cut at any byte is an error or a shorter trace`() throws {
    let workload = try TraceReader.read("\(repository)/Traces/resnet18.jsonl.zst").workload
    let bytes = Array(ChakraWriter.bytes(workload).prefix(1500))
    var short = 0
    for length in 1..<bytes.count {
      do throws(DiagnosticList) {
        _ = try TraceReader.read(SourceText(name: "cut", bytes: Array(bytes[..<length])))
        short += 1
      } catch {
        #expect(error.hasErrors)
      }
    }
    // One for each whole node.
    #expect((1...10).contains(short))
  }

  @Test(arguments: 0..<8 as Range<UInt64>) func `damaged bytes never crash the reader`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var trace = ChakraFixture()
    trace.product(1, "aten::mm(0)", numbers: [("rf_id", 3)])
    trace.node(2, "kernel", onHost: false, data: [1], control: [1], microseconds: 5)
    for _ in 0..<300 {
      var damaged = trace.bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        damaged[Int.random(in: damaged.indices, using: &generator)] = .random(in: 0 ... .max, using: &generator)
      }
      do throws(DiagnosticList) {
        let workload = try TraceReader.read(SourceText(name: "damaged", bytes: damaged)).workload
        #expect(workload.operators.allSatisfy { $0.shapeProblems().isEmpty })
      } catch {
        #expect(error.hasErrors)
      }
    }
  }
}
