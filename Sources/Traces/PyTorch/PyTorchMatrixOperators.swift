import Workloads

// PyTorch's calls that multiply matrices. In C[m×n] = A[m×k]·B[k×n], A holds the weights, so that a product x·W of
// PyTorch's rows has m = columns of W and n = rows of x.

extension PyTorchNode {
  /// What this call becomes, or nil if it is no matrix operator.
  /// - Parameters:
  ///   - forward: the products with weights so far, to tell the two gradients of the backward pass apart.
  ///   - isComputed: whether an operator wrote that storage; weights nobody wrote.
  func matrixMapping(
    isBackward: Bool, forward: [ForwardProduct], isComputed: (Int) -> Bool
  ) -> PyTorchMapping? {
    switch key {
    case "linear": linear()
    case "addmm", "_addmm_activation":
      product(tensor("mat1", at: 1), tensor("mat2", at: 2), weights: isBackward ? nil : 1, isBackward, forward)
    case "mm", "matmul", "_scaled_mm", "_int_mm":
      plainProduct(isBackward, forward, isComputed)
    case "bmm": product(tensor("self", at: 0), tensor("mat2", at: 1), weights: nil, isBackward, forward)
    case "baddbmm": product(tensor("batch1", at: 1), tensor("batch2", at: 2), weights: nil, isBackward, forward)
    case "conv_transpose1d", "conv_transpose2d", "conv_transpose3d": .skip("a transposed convolution")
    case "conv1d", "conv2d", "conv3d", "convolution", "_convolution", "cudnn_convolution", "mkldnn_convolution",
      "thnn_conv2d", "_conv_depthwise2d", "convolution_overrideable":
      convolution()
    case "convolution_backward", "cudnn_convolution_backward", "convolution_backward_overrideable":
      convolutionBackward()
    case _ where key.contains("scaled_dot_product") && key.contains("attention"): attention()
    default: nil
    }
  }

  private func linear() -> PyTorchMapping {
    guard let input = tensor("input", at: 0), let weight = tensor("weight", at: 1), weight.shape.count == 2,
      let features = input.shape.last
    else { return .noShapes }
    let product = ForwardProduct(
      weightStorage: weight.storage, inputStorage: input.storage, outputs: weight.shape[0], inputs: features,
      tokens: saturating(Array(input.shape.dropLast())))
    return .one(
      .gemm(GEMM(m: product.outputs, n: product.tokens, k: features)), input.type, output: outputTensors.first?.type,
      forward: product)
  }

  /// A product whose operands the call does not tell apart: an operand of rank 2 that no operator computed is taken
  /// for weights.
  private func plainProduct(
    _ isBackward: Bool, _ forward: [ForwardProduct], _ isComputed: (Int) -> Bool
  ) -> PyTorchMapping {
    let (a, b) = (inputTensors.first, inputTensors.dropFirst().first)
    func isParameter(_ tensor: Tensor?) -> Bool {
      tensor.map { $0.shape.count == 2 && !($0.storage.map(isComputed) ?? false) } ?? false
    }
    let weights = isBackward ? nil : isParameter(b) ? 1 : isParameter(a) ? 0 : nil
    return product(a, b, weights: weights, isBackward, forward)
  }

  /// - Parameter weights: which operand holds weights, if any.
  private func product(
    _ a: Tensor?, _ b: Tensor?, weights: Int?, _ isBackward: Bool, _ forward: [ForwardProduct]
  ) -> PyTorchMapping {
    guard let a, let b, let inner = a.shape.last, !b.shape.isEmpty else { return .noShapes }
    let output = outputTensors.first?.type
    // Vectors are matrices of one row or column; with one matrix on the right, all rows on the left share it.
    let isShared = b.shape.count <= 2
    let columns = b.shape.count == 1 ? 1 : b.shape[b.shape.count - 1]
    let rows =
      isShared
      ? saturating(Array(a.shape.dropLast())) : a.shape.count == 1 ? 1 : a.shape[a.shape.count - 2]
    let batch =
      isShared
      ? 1
      : max(saturating(Array(a.shape.dropLast(2))), saturating(Array(b.shape.dropLast(2))))
    if isBackward, batch == 1, let gradient = gradient(a, b, rows, inner, columns, forward) {
      return .one(gradient.kind, a.type, output: output, phase: gradient.phase)
    }
    let isTransposed = weights == 0
    let gemm = GEMM(
      m: isTransposed ? rows : columns, n: isTransposed ? columns : rows, k: inner, batch: batch,
      hasWeights: weights != nil)
    let known = weights.map { side in
      ForwardProduct(
        weightStorage: (side == 0 ? a : b).storage, inputStorage: (side == 0 ? b : a).storage, outputs: gemm.m,
        inputs: inner, tokens: gemm.n)
    }
    return .one(.gemm(gemm), (isTransposed ? b : a).type, output: output, forward: known)
  }

  /// Which gradient of which forward product [rows×inner]·[inner×columns] is, judged by the operands' memory first
  /// and by their shapes second.
  private func gradient(
    _ a: Tensor, _ b: Tensor, _ rows: Int, _ inner: Int, _ columns: Int, _ forward: [ForwardProduct]
  ) -> (kind: OperatorKind, phase: Phase)? {
    func dataGradient(_ p: ForwardProduct) -> Bool {
      inner == p.outputs && (rows, columns) == (p.tokens, p.inputs)
        || inner == p.outputs && (rows, columns) == (p.inputs, p.tokens)
    }
    func weightGradient(_ p: ForwardProduct) -> Bool {
      inner == p.tokens
        && ((rows, columns) == (p.outputs, p.inputs) || (rows, columns) == (p.inputs, p.outputs))
    }
    func uses(_ storage: Int?) -> Bool { storage != nil && (a.storage == storage || b.storage == storage) }
    func data(_ p: ForwardProduct) -> (OperatorKind, Phase) {
      (.gemm(GEMM(m: p.inputs, n: p.tokens, k: p.outputs)), .backwardData)
    }
    func weight(_ p: ForwardProduct) -> (OperatorKind, Phase) {
      (.gemm(GEMM(m: p.outputs, n: p.inputs, k: p.tokens, hasWeights: false)), .backwardWeight)
    }
    // The backward pass meets the products in reverse.
    let products = forward.reversed()
    if let match = products.first(where: { uses($0.weightStorage) && dataGradient($0) }) { return data(match) }
    if let match = products.first(where: { uses($0.inputStorage) && weightGradient($0) }) { return weight(match) }
    if let match = products.first(where: dataGradient) { return data(match) }
    if let match = products.first(where: weightGradient) { return weight(match) }
    return nil
  }

  private func convolution() -> PyTorchMapping {
    guard let input = tensor(argumentNames.contains("self") ? "self" : "input", at: 0),
      let weight = tensor("weight", at: 1)
    else { return .noShapes }
    switch geometry(input, weight, at: 3) {
    case .failure(let reason): return .skip(reason.text)
    case .success(let geometry):
      return .one(.convolution(geometry), input.type, output: outputTensors.first?.type)
    }
  }

  /// The gradients that `output_mask` asks for, each an operator of its own.
  private func convolutionBackward() -> PyTorchMapping {
    guard let gradient = tensor("grad_output", at: 0), let input = tensor("input", at: 1),
      let weight = tensor("weight", at: 2)
    else { return .noShapes }
    var mask = [true, true]
    if case .bools(let values) = argument("output_mask", at: 10), values.count >= 2 { mask = values }
    switch geometry(input, weight, at: 4) {
    case .failure(let reason): return .skip(reason.text)
    case .success(let geometry):
      func work(_ phase: Phase, _ suffix: String, _ output: Int) -> PyTorchMapping.Work {
        PyTorchMapping.Work(
          kind: .convolution(geometry), phase: phase, dataType: gradient.type,
          outputType: output < outputTensors.count ? outputTensors[output].type : nil, suffix: suffix,
          output: output)
      }
      let gradients =
        (mask[0] ? [work(.backwardData, ".data", 0)] : []) + (mask[1] ? [work(.backwardWeight, ".weight", 1)] : [])
      return gradients.isEmpty ? .skip("no gradient asked for") : .operators(gradients)
    }
  }

  private struct Refusal: Error { var text: String }

  /// The forward geometry. One-dimensional convolutions have a height of 1.
  /// - Parameter first: where stride, padding and dilation begin, for traces without schemas.
  private func geometry(_ input: Tensor, _ weight: Tensor, at first: Int) -> Result<Convolution, Refusal> {
    let rank = weight.shape.count
    guard rank == input.shape.count, rank > 2 else { return .failure(Refusal(text: "no shapes in the trace")) }
    guard rank <= 4 else { return .failure(Refusal(text: "a convolution over more than two dimensions")) }
    guard let stride = integers("stride", at: first), let padding = integers("padding", at: first + 1),
      let dilation = integers("dilation", at: first + 2), !stride.isEmpty, !padding.isEmpty, !dilation.isEmpty
    else { return .failure(Refusal(text: "a convolution whose stride or padding is not given in numbers")) }
    // Only the user's calls lack `transposed` and `output_padding` before `groups`.
    let isPlain = key.hasPrefix("conv") && !key.hasPrefix("convolution")
    if !isPlain, bool("transposed", at: first + 3) ?? false {
      return .failure(Refusal(text: "a transposed convolution"))
    }
    let groups = integers("groups", at: first + (isPlain ? 3 : 5))?.first ?? 1
    func pair(_ values: [Int], _ height: Int) -> Extent {
      rank == 3 ? Extent(height, values[0]) : Extent(values[0], values.last ?? values[0])
    }
    func size(_ shape: [Int]) -> Extent { rank == 3 ? Extent(1, shape[2]) : Extent(shape[2], shape[3]) }
    let margin = pair(padding, 0)
    guard groups > 0, saturating(weight.shape[1], groups) == input.shape[1] else {
      return .failure(Refusal(text: "channels that contradict each other"))
    }
    return .success(
      Convolution(
        batch: input.shape[0], inputChannels: input.shape[1], outputChannels: weight.shape[0], input: size(input.shape),
        kernel: size(weight.shape), stride: pair(stride, 1),
        padding: Padding(vertical: margin.height, horizontal: margin.width), dilation: pair(dilation, 1),
        groups: groups))
  }

  /// All variants take query, key and value of [batch, heads, positions, features].
  private func attention() -> PyTorchMapping {
    let isGradient = key.contains("backward")
    let offset = isGradient ? 1 : 0
    guard let query = tensor("query", at: offset), let keys = tensor("key", at: offset + 1),
      query.shape.count == keys.shape.count, (3...4).contains(query.shape.count)
    else { return .noShapes }
    let (q, k) = (
      query.shape.count == 4 ? query.shape : [query.shape[0], 1] + query.shape[1...],
      keys.shape.count == 4 ? keys.shape : [keys.shape[0], 1] + keys.shape[1...]
    )
    let isCausal = bool("is_causal", at: 5) ?? bool("causal", at: .max) ?? false
    guard k[1] > 0 else { return .noShapes }
    return .one(
      .attention(
        Attention(
          batch: q[0], heads: q[1], keyValueHeads: k[1], queryLength: q[2], keyLength: k[2], headDimension: q[3],
          isCausal: isCausal)),
      query.type, output: outputTensors.first?.type, phase: isGradient ? .backwardData : nil)
  }
}
