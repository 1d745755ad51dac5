/// Writes execution traces by hand, in both layouts of nodes.
struct PyTorchFixture {
  /// A tensor with its memory.
  struct Tensor {
    var shape: [Int]
    var storage: Int
    var type = "c10::Half"

    var value: String { "[\(storage + 1000), \(storage), 0, \(shape.reduce(1, &*)), 2, \"cuda:0\"]" }
  }

  enum Argument {
    case tensor(Tensor)
    case tensors([Tensor])
    case integers([Int])
    case integer(Int)
    case bool(Bool)
    case bools([Bool])
    case none

    var value: String {
      switch self {
      case .tensor(let tensor): tensor.value
      case .tensors(let tensors): "[" + tensors.map(\.value).joined(separator: ", ") + "]"
      case .integers(let values): "\(values)"
      case .integer(let value): "\(value)"
      case .bool(let value): "\(value)"
      case .bools(let values): "\(values)"
      case .none: "\"<None>\""
      }
    }

    var shape: String {
      switch self {
      case .tensor(let tensor): "\(tensor.shape)"
      case .tensors(let tensors): "\(tensors.map(\.shape))"
      case .integers(let values): "[" + values.map { _ in "[]" }.joined(separator: ", ") + "]"
      case .bools(let values): "[" + values.map { _ in "[]" }.joined(separator: ", ") + "]"
      case .integer, .bool, .none: "[]"
      }
    }

    var type: String {
      switch self {
      case .tensor(let tensor): "\"Tensor(\(tensor.type))\""
      case .tensors(let tensors): "\"GenericList[\(tensors.map { "Tensor(\($0.type))" }.joined(separator: ","))]\""
      case .integers(let values): "\"GenericList[\(values.map { _ in "Int" }.joined(separator: ","))]\""
      case .bools(let values): "\"GenericList[\(values.map { _ in "Bool" }.joined(separator: ","))]\""
      case .integer: "\"Int\""
      case .bool: "\"Bool\""
      case .none: "\"None\""
      }
    }
  }

  var schema: String
  private var nodes: [String] = []
  private var nextID = 2

  init(schema: String = "1.1.1-chakra.0.0.4") {
    self.schema = schema
    _ = call("[pytorch|profiler|execution_trace|process]", in: nil)
  }

  private var isFlat: Bool { schema == "1.0.1" }

  /// Adds a call and returns its id, which is the parent of calls inside it.
  @discardableResult
  mutating func call(
    _ name: String, in parent: Int? = 2, _ inputs: [Argument] = [], _ outputs: [Tensor] = [], signature: String = ""
  ) -> Int {
    let id = nextID
    nextID += 1
    let results = outputs.map(Argument.tensor)
    func list(_ arguments: [Argument], _ key: KeyPath<Argument, String>) -> String {
      "[" + arguments.map { $0[keyPath: key] }.joined(separator: ", ") + "]"
    }
    if isFlat {
      nodes.append(
        """
        {"name": "\(name)", "id": \(id), "rf_id": 1, "parent": \(parent ?? id), "op_schema": "\(signature)",
         "inputs": \(list(inputs, \.value)), "input_shapes": \(list(inputs, \.shape)),
         "input_types": \(list(inputs, \.type)), "outputs": \(list(results, \.value)),
         "output_shapes": \(list(results, \.shape)), "output_types": \(list(results, \.type))}
        """)
    } else {
      func side(_ arguments: [Argument]) -> String {
        "{\"values\": \(list(arguments, \.value)), \"shapes\": \(list(arguments, \.shape)), "
          + "\"types\": \(list(arguments, \.type)), \"strides\": []}"
      }
      nodes.append(
        """
        {"id": \(id), "name": "\(name)", "ctrl_deps": \(parent ?? id), "inputs": \(side(inputs)),
         "outputs": \(side(results)), "attrs": [{"name": "rf_id", "type": "uint64", "value": 1},
         {"name": "op_schema", "type": "string", "value": "\(signature)"}]}
        """)
    }
    return id
  }

  /// The trace. Nodes come last first, as nothing promises an order.
  var text: String {
    "{\"schema\": \"\(schema)\", \"pid\": 1, \"nodes\": [\n" + nodes.reversed().joined(separator: ",\n")
      + "\n], \"finish_ts\": 9}"
  }
}

extension PyTorchFixture {
  static let linearSignature = "aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"
  static let convolutionSignature =
    "aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], "
    + "SymInt[2] padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor"
  static let cudnnSignature =
    "aten::cudnn_convolution(Tensor self, Tensor weight, SymInt[] padding, SymInt[] stride, SymInt[] dilation, "
    + "SymInt groups, bool benchmark, bool deterministic, bool allow_tf32) -> Tensor"
  static let backwardSignature =
    "aten::convolution_backward(Tensor grad_output, Tensor input, Tensor weight, SymInt[]? bias_sizes, "
    + "SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, "
    + "SymInt groups, bool[3] output_mask) -> (Tensor, Tensor, Tensor)"
}
