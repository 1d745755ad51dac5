import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct ONNXTests {
  /// Writes Protocol Buffers messages, field by field.
  private struct Message {
    var bytes: [UInt8] = []

    static func varint(_ value: UInt64) -> [UInt8] {
      value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }

    mutating func number(_ field: UInt64, _ value: Int) {
      bytes += Self.varint(field << 3) + Self.varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
      bytes += Self.varint(field << 3 | 2) + Self.varint(UInt64(value.count)) + value
    }

    mutating func text(_ field: UInt64, _ value: String) { bytes(field, Array(value.utf8)) }
  }

  private func node(
    _ type: String, _ inputs: [String], _ output: String, _ attributes: [(String, [Int])] = []
  ) -> [UInt8] {
    var node = Message()
    for input in inputs { node.text(1, input) }
    node.text(2, output)
    node.text(4, type)
    for (name, values) in attributes {
      var attribute = Message()
      attribute.text(1, name)
      if values.count == 1 { attribute.number(3, values[0]) }
      // Packed, as writers of version 3 do.
      if values.count > 1 { attribute.bytes(8, values.flatMap { Message.varint(UInt64(bitPattern: Int64($0))) }) }
      node.bytes(5, attribute.bytes)
    }
    return node.bytes
  }

  private func tensor(_ name: String, _ dimensions: [Int], floats: [Float]? = nil, integers: [Int] = []) -> [UInt8] {
    var tensor = Message()
    for dimension in dimensions { tensor.number(1, dimension) }
    tensor.number(2, integers.isEmpty ? 1 : 7)
    for integer in integers { tensor.number(7, integer) }
    tensor.text(8, name)
    if let floats {
      tensor.bytes(
        9, floats.flatMap { float in (0..<4).map { UInt8(truncatingIfNeeded: float.bitPattern >> (8 * $0)) } })
    }
    return tensor.bytes
  }

  /// An input whose dimensions are given; 0 leaves one open.
  private func input(_ name: String, _ dimensions: [Int]) -> [UInt8] {
    var shape = Message()
    for dimension in dimensions {
      var size = Message()
      if dimension > 0 { size.number(1, dimension) } else { size.text(2, "N") }
      shape.bytes(1, size.bytes)
    }
    var type = Message()
    type.number(1, 1)
    type.bytes(2, shape.bytes)
    var wrapper = Message()
    wrapper.bytes(1, type.bytes)
    var info = Message()
    info.text(1, name)
    info.bytes(2, wrapper.bytes)
    return info.bytes
  }

  private func model(nodes: [[UInt8]], tensors: [[UInt8]], inputs: [[UInt8]]) -> [UInt8] {
    var graph = Message()
    for node in nodes { graph.bytes(1, node) }
    for tensor in tensors { graph.bytes(5, tensor) }
    for input in inputs { graph.bytes(11, input) }
    var model = Message()
    model.number(1, 8)
    model.bytes(7, graph.bytes)
    return model.bytes
  }

  private var network: [UInt8] {
    model(
      nodes: [
        node("Conv", ["x", "w"], "a", [("strides", [2, 2]), ("pads", [1, 1, 1, 1]), ("kernel_shape", [3, 3])]),
        node("BatchNormalization", ["a", "s", "s", "s", "s"], "b"),
        node("Relu", ["b"], "c"),
        node("MaxPool", ["c"], "d", [("kernel_shape", [2, 2]), ("strides", [2, 2])]),
        node("GlobalAveragePool", ["d"], "e"),
        node("Reshape", ["e", "shape"], "f"),
        node("ConstantOfShape", ["dims"], "v"),
        node("Gemm", ["f", "v"], "g", [("transB", [1])]),
        node("MatMul", ["g", "u"], "h"),
        node("Softmax", ["h"], "i"),
        node("Loop", ["i"], "j"),
      ],
      tensors: [
        tensor("w", [8, 4, 3, 3]), tensor("s", [8]), tensor("shape", [2], integers: [0, -1]),
        tensor("dims", [2], integers: [10, 8]),
        tensor("u", [10, 4], floats: (0..<40).map { $0 % 4 == 0 ? -0.0 : 1 }),
      ], inputs: [input("x", [0, 4, 32, 32])])
  }

  private func trace(_ bytes: [UInt8], batch: Int = 1) throws -> Workload {
    try TraceReader.read(SourceText(name: "net.onnx", bytes: bytes), options: ImportOptions(batch: batch)).workload
  }

  @Test(arguments: [1, 3]) func `shapes follow from the input and the batch`(batch: Int) throws {
    let workload = try trace(network, batch: batch)
    #expect(workload.name == "net")
    #expect(
      workload.operators.map(\.kind) == [
        .convolution(
          Convolution(
            batch: batch, inputChannels: 4, outputChannels: 8, input: Extent(32, 32), kernel: Extent(3, 3),
            stride: Extent(2, 2), padding: Padding(vertical: 1, horizontal: 1))),
        .normalization(Normalization(.batch, rows: 8, width: batch * 256)),
        .elementwise(Elementwise(.relu, elements: batch * 8 * 256)),
        .pooling(
          Pooling(batch: batch, channels: 8, input: Extent(16, 16), output: Extent(8, 8), kernel: Extent(2, 2))),
        .reduction(Reduction(outputs: batch * 8, width: 64)),
        .gemm(GEMM(m: 10, n: batch, k: 8)), .gemm(GEMM(m: 4, n: batch, k: 10)),
        .softmax(Softmax(rows: batch, width: 4)),
      ])
    // By hand: 8·4·9 a position, then both products.
    #expect(workload.denseMACs == batch * (8 * 4 * 9 * 256 + 10 * 8 + 4 * 10))
    #expect(workload.operators.map(\.dependencies) == [[], [0], [1], [2], [3], [4], [5], [6]])
  }

  @Test func `zeros of weights are counted, whatever their sign`() throws {
    let workload = try trace(network)
    #expect(workload.operators[6].sparsity.weights == .unstructured(zeros: 0.25))
    #expect(workload.operators[5].sparsity == .dense && workload.operators[0].sparsity == .dense)
  }

  @Test func `what is skipped is said`() throws {
    let skipped = try trace(network).skipped
    #expect(skipped.map(\.reason) == ["moves no data", "is an operator that is not read"])
    #expect(skipped.map(\.examples) == [["Reshape"], ["Loop"]])
  }

  @Test func `a model cut anywhere is a diagnostic or a shorter model`() {
    for length in 1..<network.count {
      do throws(DiagnosticList) {
        _ = try TraceReader.read(SourceText(name: "cut.onnx", bytes: Array(network[..<length])))
      } catch {
        #expect(error.hasErrors, "cut at \(length)")
      }
    }
  }

  @Test func `sizes that cannot be are refused with the node`() {
    let bytes = model(
      nodes: [node("Gemm", ["x", "w"], "y")], tensors: [tensor("w", [1 << 40, 1 << 40])],
      inputs: [input("x", [4, 1 << 40])])
    let found = problems(bytes, name: "net.onnx")
    #expect(found.first?.code == .sizeOverflow)
    #expect(found.first?.message.contains("node 'y'") == true)
  }

  @Test func `the batch is used where the model leaves it open, and warned about elsewhere`() throws {
    func read(_ bytes: [UInt8]) throws -> ImportedTrace {
      try TraceReader.read(
        SourceText(name: "net.onnx", bytes: bytes), options: ImportOptions(sequenceLength: 9, batch: 3))
    }
    let open = try read(network)
    #expect(open.workload.samples == 3)
    #expect(open.warnings.map { $0.message.prefix(28) } == ["the sequence length changes n"].map { $0.prefix(28) })
  }
}
