import Diagnostics
import Documents
import Workloads

/// One event of a PyTorch execution trace: an operator call, or a scope that holds some.
struct PyTorchNode {
  /// A tensor of a call.
  struct Tensor {
    var shape: [Int]
    /// What names its memory: views share it. Nil where the trace does not say.
    var storage: Int?
    var type: DataType?

    /// Elements, saturated: shapes come from a file.
    var elements: Int { saturating(shape) }
  }

  /// An argument or result of a call.
  enum Argument {
    case none
    case tensor(Tensor)
    case tensors([Tensor])
    case integer(Int)
    case integers([Int])
    case bool(Bool)
    case bools([Bool])

    var tensors: [Tensor] {
      switch self {
      case .tensor(let tensor): [tensor]
      case .tensors(let tensors): tensors
      default: []
      }
    }
  }

  var id: Int
  var parent: Int
  var name: String
  var inputs: [Argument]
  var outputs: [Argument]
  /// The names of the arguments by the operator's schema; empty where the trace has none.
  var argumentNames: [String]
  /// Whether it is known to be part of a backward pass beside what the calls around it tell.
  var isBackward = false

  /// The tensors it reads.
  var inputTensors: [Tensor] { inputs.flatMap(\.tensors) }
  /// The tensors it returns.
  var outputTensors: [Tensor] { outputs.flatMap(\.tensors) }

  /// The argument of that name, or at that position if the trace has no schema.
  func argument(_ name: String, at position: Int) -> Argument? {
    guard !argumentNames.isEmpty else { return position < inputs.count ? inputs[position] : nil }
    guard let index = argumentNames.firstIndex(of: name), index < inputs.count else { return nil }
    return inputs[index]
  }

  /// A tensor argument.
  func tensor(_ name: String, at position: Int) -> Tensor? {
    if case .tensor(let tensor) = argument(name, at: position) { return tensor }
    return nil
  }

  /// An argument of integers; a single one counts.
  func integers(_ name: String, at position: Int) -> [Int]? {
    switch argument(name, at: position) {
    case .integer(let value): [value]
    case .integers(let values): values
    default: nil
    }
  }

  /// A truth value.
  func bool(_ name: String, at position: Int) -> Bool? {
    if case .bool(let value) = argument(name, at: position) { return value }
    return nil
  }
}

/// Reads the nodes of a trace one at a time, in both layouts: flat with `parent` (schema 1.0.1) and nested with
/// `ctrl_deps` (1.0.2 and later).
struct PyTorchNodeReader {
  private let reader: DocumentReader
  /// Few schemas are shared by many nodes.
  private var names: [String: [String]] = [:]

  init(_ reader: DocumentReader) { self.reader = reader }

  /// Reads a node, or reports what is wrong with it.
  mutating func read(_ node: Node) -> PyTorchNode? {
    guard var fields = Fields(node, reader, what: "a node of the trace") else { return nil }
    let id = fields.required("id", in: .min ... .max)
    let name = fields.required("name", as: String.self)
    guard let id, let name else { return nil }
    let parent = fields.node("ctrl_deps")?.integer ?? fields.node("parent")?.integer ?? id
    var schema = fields.node("op_schema")?.text
    if schema == nil {
      schema = node["attrs"]?.elements?.first { $0["name"]?.text == "op_schema" }?["value"]?.text
    }
    return PyTorchNode(
      id: id, parent: parent, name: name, inputs: arguments(node, "input"), outputs: arguments(node, "output"),
      argumentNames: argumentNames(schema ?? ""))
  }

  private func arguments(_ node: Node, _ side: String) -> [PyTorchNode.Argument] {
    let group = node["\(side)s"]
    return Self.arguments(
      values: group?["values"] ?? group, shapes: group?["shapes"] ?? node["\(side)_shapes"],
      types: group?["types"] ?? node["\(side)_types"])
  }

  /// The arguments or results of a call from three lists of equal length.
  static func arguments(values: Node?, shapes: Node?, types: Node?) -> [PyTorchNode.Argument] {
    let (values, shapes, types) = (values?.elements ?? [], shapes?.elements ?? [], types?.elements ?? [])
    return values.indices.map { index in
      argument(
        values[index], index < shapes.count ? shapes[index] : nil, index < types.count ? types[index].text ?? "" : "")
    }
  }

  private static func argument(_ value: Node, _ shape: Node?, _ type: String) -> PyTorchNode.Argument {
    if type.hasPrefix("Tensor(") { return .tensor(tensor(value, shape, type)) }
    guard type.hasPrefix("GenericList[Tensor(") else { return scalar(value) }
    // "GenericList[Tensor(float),Tensor(float)]": one type for each element.
    let types = type.dropFirst("GenericList[".count).dropLast().split(separator: ",").map(String.init)
    let (elements, shapes) = (value.elements ?? [], shape?.elements ?? [])
    return .tensors(
      elements.indices.map { index in
        tensor(elements[index], index < shapes.count ? shapes[index] : nil, index < types.count ? types[index] : "")
      })
  }

  /// An argument that is no tensor.
  static func scalar(_ value: Node) -> PyTorchNode.Argument {
    if let elements = value.elements {
      let bools = elements.compactMap(\.bool)
      if !bools.isEmpty, bools.count == elements.count { return .bools(bools) }
      let integers = elements.compactMap(\.integer)
      return integers.count == elements.count ? .integers(integers) : .none
    }
    if let value = value.bool { return .bool(value) }
    if let value = value.integer { return .integer(value) }
    return .none
  }

  /// A tensor from its value `[tensor, storage, offset, elements, bytes, device]`.
  private static func tensor(_ value: Node, _ shape: Node?, _ type: String) -> PyTorchNode.Tensor {
    let numbers = value.elements ?? []
    return PyTorchNode.Tensor(
      shape: self.shape(shape),
      // 0 stands for no memory.
      storage: numbers.count > 1 ? numbers[1].integer.flatMap { $0 == 0 ? nil : $0 } : nil,
      type: DataType(pytorch: type.dropFirst("Tensor(".count).dropLast()))
  }

  /// The dimensions of a tensor.
  static func shape(_ node: Node?) -> [Int] { (node?.elements ?? []).map(size) }

  /// A dimension, clamped so that sums of a few cannot overflow and yet beyond what counts as valid.
  private static func size(_ node: Node) -> Int {
    let limit = 1 << 54
    return node.integer.map { min(max(0, $0), limit) } ?? (node.double == nil ? 0 : limit)
  }

  /// The names of the arguments in `aten::mm(Tensor self, Tensor mat2) -> Tensor`.
  mutating func argumentNames(_ schema: String) -> [String] {
    if let known = names[schema] { return known }
    guard let open = schema.firstIndex(of: "(") else { return [] }
    var declarations: [String] = [""]
    var depth = 0
    for character in schema[open...] {
      if character == "(" || character == "[" { depth += 1 }
      if character == ")" || character == "]" { depth -= 1 }
      if depth == 0 { break }
      if depth == 1, character == "," {
        declarations.append("")
      } else {
        declarations[declarations.count - 1].append(character)
      }
    }
    // "SymInt[2] stride=[1, 1]" declares `stride`; "*" only separates.
    let found = declarations.compactMap { declaration in
      declaration.prefix { $0 != "=" }.split(whereSeparator: { $0 == " " || $0 == "(" }).last.map(String.init)
    }.filter { $0 != "*" }
    names[schema] = found
    return found
  }
}

extension DataType {
  /// The type that PyTorch calls `c10::Half` and the like; nil for those that no machine computes with.
  init?(pytorch name: some StringProtocol) {
    switch name {
    case "float": self = .fp32
    case "double": self = .fp64
    case "c10::Half": self = .fp16
    case "c10::BFloat16": self = .bf16
    case "long", "long int": self = .int64
    case "int": self = .int32
    case "short", "short int": self = .int16
    case "signed char", "unsigned char", "bool": self = .int8
    case let name where name.hasPrefix("c10::Float8"): self = .fp8
    default: return nil
    }
  }

  /// The type with that number among PyTorch's scalar types (c10/core/ScalarType.h).
  init?(pytorchScalarType number: Int) {
    let types: [Int: DataType] = [
      0: .int8, 1: .int8, 2: .int16, 3: .int32, 4: .int64, 5: .fp16, 6: .fp32, 7: .fp64, 11: .int8, 15: .bf16,
      23: .fp8, 24: .fp8, 25: .fp8, 26: .fp8,
    ]
    guard let type = types[number] else { return nil }
    self = type
  }
}
