/// The parts of an ONNX model that tell what it computes (`onnx.proto3`; field numbers stand beside the members).
struct ONNXModel {
  /// A node of the graph.
  struct Node {
    var inputs: [String] = []
    var outputs: [String] = []
    var name = ""
    var type = ""
    var attributes: [String: Attribute] = [:]
    /// Where it stands in the file.
    var offset = 0

    func integer(_ name: String, default value: Int) -> Int { attributes[name]?.integer ?? value }
    func integers(_ name: String) -> [Int]? { attributes[name].flatMap { $0.integers.isEmpty ? nil : $0.integers } }
  }

  struct Attribute {
    var integer: Int?
    var integers: [Int] = []
    var text = ""
    var tensor: Tensor?
  }

  /// A tensor whose values are kept only where they may be a shape.
  struct Tensor {
    var name = ""
    var dimensions: [Int] = []
    var type = 0
    /// Values of integer tensors of few elements.
    var integers: [Int]?
    /// The fraction of zeros of floating-point values that are in the file.
    var zeros: Double?
  }

  /// A value with its type and, where it is known, its shape; unknown dimensions are nil.
  struct ValueInfo {
    var name = ""
    var type = 0
    var shape: [Int?]?
  }

  var name = ""
  var nodes: [Node] = []
  var initializers: [String: Tensor] = [:]
  var inputs: [ValueInfo] = []
  var values: [ValueInfo] = []

  /// Reads a ModelProto.
  init(_ bytes: [UInt8]) throws(ProtobufProblem) {
    var model = ProtobufReader(bytes)
    while let (field, value) = try model.next() {
      if field == 7, case .bytes(let range) = value { try readGraph(ProtobufReader(bytes, range)) }
    }
  }

  private mutating func readGraph(_ reader: ProtobufReader) throws(ProtobufProblem) {
    var reader = reader
    while let (field, value) = try reader.next() {
      guard case .bytes(let range) = value else { continue }
      let part = ProtobufReader(reader.bytes, range)
      switch field {
      case 1: nodes.append(try Self.node(part))
      case 2: name = Self.text(part)
      case 5:
        let tensor = try Self.tensor(part)
        initializers[tensor.name] = tensor
      case 11: inputs.append(try Self.valueInfo(part))
      case 12, 13: values.append(try Self.valueInfo(part))
      case 15:
        // SparseTensorProto: values, indices, dimensions of the whole; what it does not list is zero.
        let (tensor, stored) = try Self.sparseTensor(part)
        var sparse = tensor
        let total = sparse.dimensions.reduce(1.0) { $0 * Double($1) }
        sparse.zeros = total > 0 ? max(0, 1 - Double(stored) / total) : nil
        initializers[sparse.name] = sparse
      default: break
      }
    }
  }

  private static func text(_ reader: ProtobufReader) -> String {
    String(decoding: reader.bytes[reader.position..<reader.end], as: UTF8.self)
  }

  private static func node(_ reader: ProtobufReader) throws(ProtobufProblem) -> Node {
    var reader = reader
    var node = Node(offset: reader.position)
    while let (field, value) = try reader.next() {
      guard case .bytes(let range) = value else { continue }
      let part = ProtobufReader(reader.bytes, range)
      switch field {
      case 1: node.inputs.append(text(part))
      case 2: node.outputs.append(text(part))
      case 3: node.name = text(part)
      case 4: node.type = text(part)
      case 5:
        let (name, attribute) = try attribute(part)
        node.attributes[name] = attribute
      default: break
      }
    }
    return node
  }

  private static func attribute(_ reader: ProtobufReader) throws(ProtobufProblem) -> (String, Attribute) {
    var reader = reader
    var name = ""
    var attribute = Attribute()
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .bytes(let range)): name = text(ProtobufReader(reader.bytes, range))
      case (3, .number(let number)): attribute.integer = Int(Int64(bitPattern: number))
      case (4, .bytes(let range)): attribute.text = text(ProtobufReader(reader.bytes, range))
      case (5, .bytes(let range)): attribute.tensor = try tensor(ProtobufReader(reader.bytes, range))
      case (8, let value): attribute.integers += try numbers(value, reader.bytes)
      default: break
      }
    }
    return (name, attribute)
  }

  /// A repeated number, packed or not.
  private static func numbers(_ value: ProtobufReader.Value, _ bytes: [UInt8]) throws(ProtobufProblem) -> [Int] {
    switch value {
    case .number(let number): return [Int(Int64(bitPattern: number))]
    case .bytes(let range):
      var reader = ProtobufReader(bytes, range)
      var result: [Int] = []
      while !reader.isAtEnd { result.append(Int(Int64(bitPattern: try reader.varint()))) }
      return result
    }
  }

  private static func tensor(_ reader: ProtobufReader) throws(ProtobufProblem) -> Tensor {
    var reader = reader
    var tensor = Tensor()
    var raw: Range<Int>?
    var integers: [Int] = []
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, let value): tensor.dimensions += try numbers(value, reader.bytes)
      case (2, .number(let number)): tensor.type = Int(clamping: number)
      case (4, .bytes(let range)): tensor.zeros = zeros(reader.bytes[range], width: 4)
      case (5, let value), (7, let value): integers += try numbers(value, reader.bytes)
      case (8, .bytes(let range)): tensor.name = text(ProtobufReader(reader.bytes, range))
      case (9, .bytes(let range)): raw = range
      default: break
      }
    }
    if let raw {
      switch tensor.type {
      case 7 where raw.count % 8 == 0 && raw.count <= 512:
        integers = stride(from: raw.lowerBound, to: raw.upperBound, by: 8).map { start in
          Int(Int64(bitPattern: (0..<8).reduce(0) { $0 | UInt64(reader.bytes[start + $1]) << (8 * UInt64($1)) }))
        }
      case 1: tensor.zeros = zeros(reader.bytes[raw], width: 4)
      case 10, 16: tensor.zeros = zeros(reader.bytes[raw], width: 2)
      case 11: tensor.zeros = zeros(reader.bytes[raw], width: 8)
      default: break
      }
    }
    if !integers.isEmpty { tensor.integers = integers }
    return tensor
  }

  /// The fraction of little-endian floating-point numbers that are zero, whatever their sign.
  private static func zeros(_ bytes: ArraySlice<UInt8>, width: Int) -> Double? {
    let count = bytes.count / width
    guard count > 0 else { return nil }
    var zeros = 0
    for start in stride(from: bytes.startIndex, to: bytes.startIndex + count * width, by: width)
    where bytes[start + width - 1] & 0x7F == 0 && bytes[start..<start + width - 1].allSatisfy({ $0 == 0 }) {
      zeros += 1
    }
    return Double(zeros) / Double(count)
  }

  private static func sparseTensor(_ reader: ProtobufReader) throws(ProtobufProblem) -> (Tensor, stored: Int) {
    var reader = reader
    var result = Tensor()
    var dimensions: [Int] = []
    var stored = 0
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .bytes(let range)):
        let values = try tensor(ProtobufReader(reader.bytes, range))
        (result.name, result.type, stored) = (values.name, values.type, values.dimensions.first ?? 0)
      case (3, let value): dimensions += try numbers(value, reader.bytes)
      default: break
      }
    }
    result.dimensions = dimensions
    return (result, stored)
  }

  private static func valueInfo(_ reader: ProtobufReader) throws(ProtobufProblem) -> ValueInfo {
    var reader = reader
    var info = ValueInfo()
    while let (field, value) = try reader.next() {
      guard case .bytes(let range) = value else { continue }
      if field == 1 { info.name = text(ProtobufReader(reader.bytes, range)) }
      guard field == 2, let tensor = try message(1, in: ProtobufReader(reader.bytes, range)) else { continue }
      var type = tensor
      while let (field, value) = try type.next() {
        switch (field, value) {
        case (1, .number(let number)): info.type = Int(clamping: number)
        case (2, .bytes(let range)): info.shape = try shape(ProtobufReader(reader.bytes, range))
        default: break
        }
      }
    }
    return info
  }

  private static func message(_ wanted: Int, in reader: ProtobufReader) throws(ProtobufProblem) -> ProtobufReader? {
    var reader = reader
    while let (field, value) = try reader.next() {
      if field == wanted, case .bytes(let range) = value { return ProtobufReader(reader.bytes, range) }
    }
    return nil
  }

  private static func shape(_ reader: ProtobufReader) throws(ProtobufProblem) -> [Int?] {
    var reader = reader
    var shape: [Int?] = []
    while let (field, value) = try reader.next() {
      guard field == 1, case .bytes(let range) = value else { continue }
      var dimension = ProtobufReader(reader.bytes, range)
      var size: Int?
      while let (field, value) = try dimension.next() {
        if field == 1, case .number(let number) = value { size = Int(exactly: number) }
      }
      shape.append(size)
    }
    return shape
  }
}
