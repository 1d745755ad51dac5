import Workloads

// What PyTorch's calls return, for traces that record operands only.

extension PyTorchNode {
  /// The first result as it follows from the operands; nil where it does not.
  ///
  /// Only what ``PyTorchMapping`` looks at has to be right: shapes of vector operators, and types of all.
  var inferredResult: Tensor? {
    let tensors = inputTensors
    guard let first = tensors.first else { return nil }
    // In-place variants return what they change.
    if key.hasSuffix("_") { return first }
    func result(_ shape: [Int], _ type: DataType? = first.type) -> Tensor { Tensor(shape: shape, type: type) }
    switch key {
    case "embedding": return tensor("indices", at: 1).flatMap { result($0.shape + first.shape.suffix(1)) }
    case "gather": return tensor("index", at: 2).map { result($0.shape) }
    case "index_select": return indexSelected(first)
    case "embedding_dense_backward":
      return integers("num_weights", at: 2)?.first.map { result([$0] + first.shape.suffix(1)) }
    case "nll_loss_backward", "max_pool2d_with_indices_backward", "avg_pool2d_backward",
      "_adaptive_avg_pool2d_backward",
      "native_layer_norm_backward", "cudnn_batch_norm_backward":
      return tensor("self", at: 1).map { result($0.shape) }
    case "select_backward", "slice_backward": return integers("input_sizes", at: 1).map { result($0) }
    case "_softmax_backward_data", "_log_softmax_backward_data":
      return result(first.shape, scalarType(at: 3) ?? first.type)
    case "softmax", "log_softmax": return result(first.shape, scalarType(at: 2) ?? first.type)
    case "_to_copy": return result(first.shape, scalarType(at: 1) ?? first.type)
    case "nll_loss_forward", "mse_loss": return result([])
    case "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "logical_not", "logical_and", "logical_or":
      return broadcast(tensors).map { result($0.shape, .int8) }
    case "all", "any": return reduced(first, dimensionsAt: 1, .int8)
    case "argmax", "argmin": return reduced(first, dimensionsAt: 1, .int64)
    case "mean": return reduced(first, dimensionsAt: 1, scalarType(at: 3) ?? first.type)
    case "sum", "prod": return reduced(first, dimensionsAt: 1, scalarType(at: 3) ?? first.type?.ofSums)
    case "cumsum": return result(first.shape, scalarType(at: 2) ?? first.type?.ofSums)
    case "max" where tensors.count == 1, "min" where tensors.count == 1, "amax", "amin", "var", "std", "var_mean",
      "logsumexp":
      return reduced(first, dimensionsAt: 1, first.type)
    case "norm", "linalg_vector_norm": return reduced(first, dimensionsAt: 2, first.type)
    case "max_pool2d", "max_pool2d_with_indices", "avg_pool2d": return pooled(first)
    case "adaptive_avg_pool2d", "_adaptive_avg_pool2d":
      return integers("output_size", at: 1).map { result(first.shape.dropLast(2) + $0) }
    case "repeat":
      guard let times = integers("repeats", at: 1), times.count >= first.shape.count else { return nil }
      let shape = Array(repeating: 1, count: times.count - first.shape.count) + first.shape
      return result(zip(shape, times).map { saturating($0, max(0, $1)) })
    case "cat":
      let along = integers("dim", at: 1)?.first ?? 0
      let axis = along < 0 ? first.shape.count + along : along
      guard first.shape.indices.contains(axis), tensors.allSatisfy({ $0.shape.count == first.shape.count }) else {
        return nil
      }
      var shape = first.shape
      shape[axis] = tensors.reduce(0) { saturatingSum($0, $1.shape[axis]) }
      return result(shape)
    // Lists of indices and margins: what they leave is nowhere in the trace.
    case "index", "repeat_interleave", "constant_pad_nd", "stack": return nil
    default: return Self.functions[key] == nil ? first : broadcast(tensors)
    }
  }

  /// The type in an argument that is the number of one.
  private func scalarType(at position: Int) -> DataType? {
    guard case .integer(let number) = argument("dtype", at: position) else { return nil }
    return DataType(pytorchScalarType: number)
  }

  /// The shape and type of a function of each element: the larger size of each dimension, and the wider type. Numbers
  /// that are tensors without dimensions widen nothing.
  private func broadcast(_ tensors: [Tensor]) -> Tensor? {
    var shape: [Int] = []
    for tensor in tensors {
      let missing = max(0, tensor.shape.count - shape.count)
      shape = Array(repeating: 1, count: missing) + shape
      let offset = shape.count - tensor.shape.count
      for (axis, size) in tensor.shape.enumerated() {
        shape[offset + axis] = shape[offset + axis] == 1 ? size : max(shape[offset + axis], size)
      }
    }
    let sized = tensors.filter { !$0.shape.isEmpty }
    let types = (sized.isEmpty ? tensors : sized).compactMap(\.type)
    return Tensor(shape: shape, type: types.dropFirst().reduce(types.first) { $0?.promoted(with: $1) })
  }

  private func reduced(_ tensor: Tensor, dimensionsAt position: Int, _ type: DataType?) -> Tensor {
    guard let dimensions = integers("dim", at: position), !dimensions.isEmpty else {
      return Tensor(shape: [], type: type)
    }
    let axes = Set(dimensions.map { $0 < 0 ? $0 &+ tensor.shape.count : $0 })
    let keeps = bool("keepdim", at: position + 1) ?? false
    let shape = tensor.shape.enumerated().compactMap { axis, size in axes.contains(axis) ? (keeps ? 1 : nil) : size }
    return Tensor(shape: shape, type: type)
  }

  private func indexSelected(_ table: Tensor) -> Tensor? {
    guard let along = integers("dim", at: 1)?.first, let index = tensor("index", at: 2) else { return nil }
    let axis = along < 0 ? table.shape.count &+ along : along
    guard table.shape.indices.contains(axis) else { return nil }
    var shape = table.shape
    shape[axis] = index.elements
    return Tensor(shape: shape, type: table.type)
  }

  /// ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 positions a direction, or ⌈…⌉ where asked for.
  private func pooled(_ input: Tensor) -> Tensor? {
    guard input.shape.count == 4, let kernel = integers("kernel_size", at: 1), !kernel.isEmpty else { return nil }
    let isMaximum = key.hasPrefix("max")
    let given = integers("stride", at: 2) ?? []
    let stride = given.isEmpty ? kernel : given
    let padding = integers("padding", at: 3) ?? [0]
    let dilation = isMaximum ? integers("dilation", at: 4) ?? [1] : [1]
    let isCeiling = bool("ceil_mode", at: isMaximum ? 5 : 4) ?? false
    func side(_ values: [Int], _ axis: Int) -> Double { Double(axis == 0 ? values.first ?? 0 : values.last ?? 0) }
    var shape = input.shape
    for axis in 0..<2 {
      let size = Double(shape[2 + axis])
      let room = size + 2 * side(padding, axis) - side(dilation, axis) * (side(kernel, axis) - 1) - 1
      guard side(stride, axis) > 0, room >= 0, room < 1e15 else { return nil }
      let steps = (room / side(stride, axis)).rounded(isCeiling ? .up : .down)
      // A last window that begins in the padding does not count.
      let isInside = steps * side(stride, axis) < size + side(padding, axis)
      shape[2 + axis] = Int(steps) + (isInside ? 1 : 0)
    }
    return Tensor(shape: shape, type: input.type)
  }
}

extension DataType {
  /// What sums of many are kept in: 64 bits for whole numbers.
  fileprivate var ofSums: DataType {
    switch self {
    case .int4, .int8, .int16, .int32, .int64: .int64
    case .fp64, .fp32, .tf32, .fp16, .bf16, .fp8: self
    }
  }

  /// The type of a sum of both.
  fileprivate func promoted(with other: DataType) -> DataType {
    func rank(_ type: DataType) -> Int {
      switch type {
      case .int4: 0
      case .int8: 1
      case .int16: 2
      case .int32: 3
      case .int64: 4
      case .fp8: 5
      case .fp16, .bf16: 6
      case .tf32, .fp32: 7
      case .fp64: 8
      }
    }
    if self != other, rank(self) == 6, rank(other) == 6 { return .fp32 }
    return rank(other) > rank(self) ? other : self
  }
}
