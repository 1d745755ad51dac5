import Workloads

// PyTorch's calls that a vector unit runs, and those that do no work.

extension PyTorchNode {
  /// What this call becomes if it is no matrix operator.
  func vectorMapping() -> PyTorchMapping {
    if let reason = Self.idleReason(key) { return .skip(reason) }
    let plain = key.hasSuffix("_") ? String(key.dropLast()) : key
    if let function = Self.functions[plain] { return elementwise(function) }
    switch plain {
    case "copy", "_to_copy": return copy()
    case "layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm", "native_layer_norm_backward",
      "_fused_rms_norm_backward":
      return layerNormalization(plain.contains("rms") ? .rms : .layer)
    case "batch_norm", "_batch_norm_impl_index", "native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit",
      "cudnn_batch_norm_backward", "native_batch_norm_backward":
      return batchNormalization()
    case "group_norm": return groupNormalization()
    case "softmax", "log_softmax", "_softmax", "_log_softmax", "_softmax_backward_data", "_log_softmax_backward_data":
      return softmax()
    case "mean", "sum", "max", "min", "amax", "amin", "argmax", "argmin", "norm", "linalg_vector_norm", "all", "any",
      "var", "std", "var_mean", "logsumexp", "prod", "nll_loss_forward", "mse_loss":
      return reduction()
    case "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d":
      return pooling(inputTensors.first, outputTensors.first)
    case "max_pool2d_with_indices_backward", "avg_pool2d_backward", "_adaptive_avg_pool2d_backward":
      return pooling(inputTensors.dropFirst().first, inputTensors.first)
    case "embedding", "embedding_bag", "_embedding_bag": return gather(table: "weight", indices: "indices")
    case "index_select": return indexSelect()
    case "gather": return gatherElements()
    case "embedding_dense_backward": return embeddingGradient()
    default: return .skip("unknown operator")
    }
  }

  /// The tensor that sizes the work: the first result, or the first operand of calls that return nothing.
  private var result: Tensor? { outputTensors.first ?? inputTensors.first }

  private func elementwise(_ function: Elementwise.Function) -> PyTorchMapping {
    guard let result else { return .noShapes }
    let operands = inputTensors
    let full = operands.filter { $0.elements == result.elements }
    // Lists are read piece by piece, which is the output's size once.
    let isJoin = key == "cat" || key == "stack"
    return .one(
      .elementwise(Elementwise(function, elements: result.elements, inputs: isJoin ? 1 : max(1, full.count))),
      (full.first ?? operands.first ?? result).type, output: result.type)
  }

  private func copy() -> PyTorchMapping {
    let source = key == "copy_" ? inputTensors.dropFirst().first : inputTensors.first
    guard let source, let result else { return .noShapes }
    return .one(
      .elementwise(Elementwise(source.type == result.type ? .copy : .cast, elements: result.elements)), source.type,
      output: result.type)
  }

  private func layerNormalization(_ function: Normalization.Function) -> PyTorchMapping {
    guard let result, let shape = integers("normalized_shape", at: 1) else { return .noShapes }
    let width = saturating(shape)
    guard width > 0 else { return .noShapes }
    return .one(
      .normalization(Normalization(function, rows: result.elements / width, width: width)), inputTensors.first?.type,
      output: result.type)
  }

  private func batchNormalization() -> PyTorchMapping {
    guard let result, result.shape.count >= 2, result.shape[1] > 0 else { return .noShapes }
    return .one(
      .normalization(
        Normalization(.batch, rows: result.shape[1], width: result.elements / result.shape[1])),
      inputTensors.first?.type, output: result.type)
  }

  private func groupNormalization() -> PyTorchMapping {
    guard let result, let batch = result.shape.first, let groups = integers("num_groups", at: 1)?.first else {
      return .noShapes
    }
    let rows = saturating(batch, groups)
    guard rows > 0 else { return .noShapes }
    return .one(
      .normalization(Normalization(.layer, rows: rows, width: result.elements / rows)), inputTensors.first?.type,
      output: result.type)
  }

  private func softmax() -> PyTorchMapping {
    let isGradient = key.contains("backward")
    guard let result, let dimension = integers("dim", at: isGradient ? 2 : 1)?.first,
      let width = result.size(along: dimension), width > 0
    else { return .noShapes }
    return .one(
      .softmax(Softmax(rows: result.elements / width, width: width)), inputTensors.first?.type, output: result.type)
  }

  private func reduction() -> PyTorchMapping {
    guard let input = inputTensors.first, let result = outputTensors.first else { return .noShapes }
    // Two tensors of one shape in `max` are compared element by element.
    if inputTensors.count == 2, key == "max" || key == "min" { return elementwise(.relu) }
    guard result.elements > 0 else { return .skip("empty tensors") }
    // A loss picks one value of each row.
    let width = key == "nll_loss_forward" ? input.shape.first ?? 1 : input.elements / result.elements
    return .one(.reduction(Reduction(outputs: result.elements, width: width)), input.type, output: result.type)
  }

  private func pooling(_ input: Tensor?, _ output: Tensor?) -> PyTorchMapping {
    guard let input, let output, input.shape.count == 4, output.shape.count == 4 else { return .noShapes }
    let (from, to) = (Extent(input.shape[2], input.shape[3]), Extent(output.shape[2], output.shape[3]))
    guard to.height > 0, to.width > 0 else { return .skip("empty tensors") }
    if key.contains("adaptive"), !key.contains("backward"), to == Extent(1, 1) {
      return .one(
        .reduction(Reduction(outputs: output.elements, width: saturating(from.height, from.width))), input.type,
        output: output.type)
    }
    let position = key.contains("backward") ? 2 : 1
    let kernel =
      key.contains("adaptive")
      ? [(from.height + to.height - 1) / to.height, (from.width + to.width - 1) / to.width]
      : integers("kernel_size", at: position) ?? []
    guard let height = kernel.first, let width = kernel.last else { return .noShapes }
    return .one(
      .pooling(
        Pooling(
          batch: input.shape[0], channels: input.shape[1], input: from, output: to, kernel: Extent(height, width))),
      input.type, output: output.type)
  }

  private func gather(table: String, indices: String) -> PyTorchMapping {
    guard let table = tensor(table, at: 0), let indices = tensor(indices, at: 1), table.shape.count == 2 else {
      return .noShapes
    }
    return .one(
      .embedding(Embedding(rows: indices.elements, width: table.shape[1], vocabulary: table.shape[0])), table.type,
      output: outputTensors.first?.type)
  }

  private func indexSelect() -> PyTorchMapping {
    guard let table = tensor("self", at: 0), let dimension = integers("dim", at: 1)?.first,
      let rows = tensor("index", at: 2)?.elements, let size = table.size(along: dimension), size > 0
    else { return .noShapes }
    return .one(
      .embedding(Embedding(rows: rows, width: table.elements / size, vocabulary: size)), table.type,
      output: outputTensors.first?.type)
  }

  private func gatherElements() -> PyTorchMapping {
    guard let table = tensor("self", at: 0), let result else { return .noShapes }
    return .one(
      .embedding(Embedding(rows: result.elements, width: 1, vocabulary: table.elements)), table.type,
      output: result.type)
  }

  private func embeddingGradient() -> PyTorchMapping {
    guard let gradient = tensor("grad_output", at: 0), let indices = tensor("indices", at: 1),
      let width = gradient.shape.last, let rows = outputTensors.first?.shape.first
    else { return .noShapes }
    return .one(
      .embedding(Embedding(rows: indices.elements, width: width, vocabulary: rows)), gradient.type,
      output: outputTensors.first?.type)
  }
}

extension PyTorchNode.Tensor {
  /// The size of a dimension; negative ones count from the end.
  fileprivate func size(along dimension: Int) -> Int? {
    // A huge dimension from a file must not overflow.
    guard dimension >= -shape.count, dimension < shape.count else { return nil }
    return shape[dimension < 0 ? shape.count + dimension : dimension]
  }
}

extension PyTorchNode {
  /// Functions by the call's name, without the underscore of in-place variants.
  static let functions: [String: Elementwise.Function] = {
    let names: [(Elementwise.Function, String)] = [
      (.add, "add sub rsub cumsum lerp scatter_add index_add add_relu mse_loss_backward"),
      (
        .multiply,
        "mul div true_divide floor_divide remainder neg addcmul addcdiv native_dropout native_dropout_backward"
      ),
      (
        .relu,
        "relu relu6 clamp clamp_min clamp_max hardtanh leaky_relu threshold threshold_backward hardtanh_backward "
          + "leaky_relu_backward maximum minimum eq ne lt le gt ge where masked_fill logical_not logical_and "
          + "logical_or bitwise_and bitwise_or bitwise_not abs sign isnan isinf floor ceil round"
      ),
      (.gelu, "gelu gelu_backward"), (.silu, "silu silu_backward mish mish_backward hardswish hardswish_backward"),
      (.tanh, "tanh tanh_backward"), (.sigmoid, "sigmoid sigmoid_backward hardsigmoid"),
      (.exp, "exp exp2 expm1 log log2 log1p sin cos erf softplus"), (.sqrt, "sqrt rsqrt pow reciprocal"),
      (
        .copy,
        "clone cat stack fill zero index index_put scatter index_copy flip roll repeat constant_pad_nd tril triu "
          + "repeat_interleave nll_loss_backward select_backward slice_backward"
      ),
    ]
    var functions: [String: Elementwise.Function] = [:]
    for (function, list) in names {
      for name in list.split(separator: " ") { functions[String(name)] = function }
    }
    return functions
  }()

  private static let views = Set(
    """
    view reshape transpose t as_strided as_strided_ expand slice select detach detach_ unsqueeze unsqueeze_ squeeze \
    squeeze_ resize_ permute narrow chunk split split_with_sizes unbind unfold flatten unflatten view_as expand_as \
    reshape_as _unsafe_view _reshape_alias alias to contiguous type_as numpy_T mT swapaxes movedim result_type \
    lift_fresh resolve_conj resolve_neg set_ broadcast_tensors diagonal real empty empty_like empty_strided \
    empty_permuted new_empty new_empty_strided unflatten_dense_tensors
    """.split(separator: " ").map(String.init))

  private static let constants: Set<String> = [
    "arange", "linspace", "ones", "zeros", "full", "ones_like", "zeros_like", "full_like", "new_zeros", "new_ones",
    "new_full", "scalar_tensor", "zeros_out",
  ]

  /// Whether its result depends on no tensor.
  var createsConstants: Bool { Self.constants.contains(key) }

  /// Why a call does no work to simulate.
  private static func idleReason(_ key: String) -> String? {
    if views.contains(key) { return "moves no data" }
    if constants.contains(key) { return "creates constants" }
    if key == "dropout" || key == "feature_dropout" { return "does nothing in evaluation" }
    if ["item", "_local_scalar_dense", "is_nonzero", "equal"].contains(key) { return "reads a value back to the host" }
    let isCommunication = ["nccl:", "gloo:", "c10d::", "mpi:", "record_param_comms"].contains { key.hasPrefix($0) }
    return isCommunication ? "communication between devices" : nil
  }
}
