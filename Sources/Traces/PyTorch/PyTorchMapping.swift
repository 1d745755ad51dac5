import Workloads

/// What a PyTorch call becomes.
enum PyTorchMapping {
  /// Work to simulate; more than one piece where a call does several things.
  case operators([Work])
  /// Nothing by itself; calls inside are still looked at.
  case skip(String)

  /// A piece of work.
  struct Work {
    var kind: OperatorKind
    /// Nil if it follows from where the call stands.
    var phase: Phase?
    var dataType: DataType?
    var outputType: DataType?
    /// Told apart in names, for calls that become several operators.
    var suffix = ""
    /// Which result of the call it is.
    var output = 0
    /// The weights and inputs by which the backward pass is recognised.
    var forwardProduct: ForwardProduct?
    /// Storages it reads and writes; nil where the call's own arguments and results say so.
    var storages: (read: [Int], written: [Int])?
  }

  static let noShapes = PyTorchMapping.skip("no shapes in the trace")

  static func one(
    _ kind: OperatorKind, _ dataType: DataType?, output: DataType? = nil, phase: Phase? = nil,
    forward: ForwardProduct? = nil
  ) -> PyTorchMapping {
    .operators([Work(kind: kind, phase: phase, dataType: dataType, outputType: output, forwardProduct: forward)])
  }
}

/// A matrix product with weights of the forward pass.
struct ForwardProduct {
  var weightStorage: Int?
  var inputStorage: Int?
  /// Output features.
  var outputs: Int
  /// Input features.
  var inputs: Int
  /// Tokens.
  var tokens: Int
}

extension PyTorchNode {
  /// The operator's name without its namespace.
  var key: String { name.hasPrefix("aten::") ? String(name.dropFirst(6)) : name }

  /// What the operators of this call are named after.
  var title: String {
    if name.hasPrefix("Optimizer.step") { return "optimizer" }
    return String(key.drop { $0 == "_" }.reversed().drop { $0 == "_" }.reversed())
  }

  /// Whether this is not a call of an operator but something around calls.
  var isScope: Bool {
    if name.hasPrefix("aten::") { return false }
    let isAutograd = name.contains("autograd") || name.contains("Backward") || name.hasPrefix("Optimizer.")
    return isAutograd || (inputTensors.isEmpty && outputTensors.isEmpty)
  }

  /// Independent samples, where the leading dimension of the input says so: images of a convolution, sequences.
  var samples: Int? {
    guard let input = inputTensors.first, input.shape.count >= 3, input.shape[0] > 0 else { return nil }
    return input.shape[0]
  }
}

extension PyTorchMapping {
  /// The step of an optimizer from the calls inside: how many parameters it changes, and by which rule.
  ///
  /// Parameters are the tensors of the last addition, which is the one that moves the weights; what is multiplied in
  /// place before is state. Adam divides, and fused calls list their parameters first.
  /// - Parameter gradients: what the backward pass left for parameters, which are as large. It stands in where the
  ///   calls' lists of tensors have no shapes.
  static func optimizerStep(_ name: String, _ calls: [PyTorchNode], gradients: [PyTorchNode.Tensor]) -> Work? {
    func targets(_ keys: [String]) -> [Int: PyTorchNode.Tensor] {
      var found: [Int: PyTorchNode.Tensor] = [:]
      for call in calls where keys.contains(call.key) {
        for tensor in call.inputs.first?.tensors ?? [] {
          if let storage = tensor.storage, !tensor.shape.isEmpty { found[storage] = tensor }
        }
      }
      return found
    }
    func hasCall(_ keys: [String]) -> Bool { calls.contains { keys.contains($0.key) } }
    let scaling = ["_foreach_mul_", "mul_", "_foreach_lerp_", "lerp_"]
    let adding = ["_foreach_add_", "add_"]
    let dividing = ["_foreach_addcdiv_", "addcdiv_", "_fused_adam_", "_fused_adamw_"]
    let scaled = targets(scaling)
    let added = targets(adding)
    let divided = targets(dividing)
    let fused = targets(["_fused_sgd_"])
    let found = !divided.isEmpty ? divided : !fused.isEmpty ? fused : added.filter { scaled[$0.key] == nil }
    var weights = Array(found.values)
    if weights.isEmpty, hasCall(adding + dividing + ["_fused_sgd_"]) { weights = gradients }
    guard !weights.isEmpty else { return nil }
    let hasState = found.isEmpty ? hasCall(scaling) : !scaled.isEmpty
    let isAdam = hasCall(dividing) || name.contains("Adam")
    let parameters = weights.reduce(0) { saturatingSum($0, $1.elements) }
    return Work(
      kind: .update(
        WeightUpdate(parameters: parameters, optimizer: isAdam ? .adam : hasState ? .momentum : .sgd)),
      phase: .update, dataType: weights.compactMap(\.type).first,
      storages: (
        read: calls.flatMap(\.inputTensors).compactMap(\.storage),
        written: calls.flatMap { $0.inputs.first?.tensors ?? [] }.compactMap(\.storage)
      ))
  }
}
