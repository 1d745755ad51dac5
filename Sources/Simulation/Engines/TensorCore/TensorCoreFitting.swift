import Hardware
import Workloads

/// How operators fit GPUs with the same kernels and types.
struct TensorCoreFitting: OperatorFitting {
  let types: MultipliedTypes
  /// Types with a sparse instruction.
  private let sparseTypes: Set<DataType>
  private let kernels: [GEMMKernel]
  private let library: KernelLibrary
  private let hasSparseKernels: Bool
  /// Whether there are kernels that make compressed tiles dense on chip.
  private let expandsTiles: Bool
  let widensWeights: Bool

  init(_ gpu: TensorCoreGPU) {
    types = MultipliedTypes(gpu.dataTypes)
    sparseTypes = Set(gpu.dataTypes.rates.filter { $0.value.sparsePerCycle != nil }.keys)
    (kernels, library) = (gpu.kernels, gpu.library)
    (hasSparseKernels, expandsTiles) = (gpu.sparseKernels != nil, gpu.sparseKernels?.registers != nil)
    widensWeights = gpu.vectorKernels.dequantisationOperations != nil
  }

  var overlapsVectorWork: Bool { false }
  var fusesStages: Bool { true }

  func adapt(_ op: Operator) -> Adaptation { adapt(op) { _, _ in false } }

  /// - Parameter skipsFaster: whether real zeros take less time on kernels that skip them than with a pattern; asked
  ///   only where there are such kernels.
  func adapt(_ op: Operator, _ skipsFaster: (MaskReference, SparsityPattern) -> Bool) -> Adaptation {
    var op = op
    var changes: [String] = []
    let weights = op.sparsity.weights
    if weights != .dense {
      let (pattern, change) = runnable(weights, op, skipsFaster)
      op.sparsity.weights = pattern
      if let change { changes.append("\(weights.zeros == nil ? "\(weights)" : "masked") weights \(change)") }
    }
    if op.sparsity.activations != .dense {
      changes.append("\(op.sparsity.activations) activations run dense: only weights can be sparse operands")
      op.sparsity.activations = .dense
    }
    if library.gap(of: op) != nil {
      let kind = op.sparsity.weights == .dense ? "dense" : "2:4"
      changes.append("\(kind) \(op.dataType.rawValue) products run on older kernels of the library")
    }
    switch op.sparsity.scores {
    case .dense, .block: break
    default:
      changes.append("\(op.sparsity.scores) scores run dense: only whole blocks can be skipped")
      op.sparsity.scores = .dense
    }
    return .runs(op, changes: changes)
  }

  /// The pattern this GPU runs weights with, and what to tell about it.
  private func runnable(
    _ weights: SparsityPattern, _ op: Operator, _ skipsFaster: (MaskReference, SparsityPattern) -> Bool
  ) -> (SparsityPattern, change: String?) {
    let isProduct =
      switch op.kind {
      case .gemm, .groupedGEMM: true
      // A filter of one pixel without steps multiplies the image as it lies in memory; windows of others overlap, and
      // these kernels do not form them.
      case .convolution(let c): c.kernel.area == 1 && c.stride.area == 1 && c.groups == 1 && c.padding == Padding()
      default: false
      }
    switch weights {
    case .block(_, _, let zeros) where zeros > 0 && hasSparseKernels:
      guard isProduct else { return (.dense, "run dense: block-sparse kernels do not form windows") }
      return (weights, "run as a block-sparse kernel")
    case .unstructured(let zeros) where zeros > 0 && hasSparseKernels:
      guard isProduct else { return (.dense, "run dense: kernels for compressed rows do not form windows") }
      let rows = "compressed rows (CSR) on the vector lanes"
      guard expandsTiles, types.has(op.dataType) else {
        return (weights, "run as \(rows)")
      }
      return (weights, "run as tiles that tensor cores multiply dense, or as \(rows), whichever is faster")
    case .mask(let mask): return runnable(mask, op, isProduct: isProduct, skipsFaster)
    default: break
    }
    guard sparseTypes.contains(op.dataType) else {
      return (.dense, "run dense: there is no sparse instruction for \(op.dataType.rawValue)")
    }
    let twoOfFour = SparsityPattern.structured(n: 2, m: 4)
    if weights == twoOfFour { return (weights, nil) }
    if weights.conformsToTwoOfFour { return (twoOfFour, "run as 2:4, which they conform to") }
    switch weights {
    case .structured(let n, let m) where m > 4 && m % 2 == 0 && n <= m - 2:
      return (.structured(n: m - 2, m: m), "run as \(m - 2):\(m) in \(m / 2 - 1) overlapping windows of 2:4")
    case .vectorStructured(let v, let n, let m) where n <= 2:
      guard kernels.contains(where: { $0.isForSparse && weights.fits($0, among: kernels) }) else {
        return (.dense, "run dense: no kernel gathers for panels of \(v) rows")
      }
      return (.vectorStructured(v: v, n: 2, m: m), "run as 2:4 over selected columns, four of \(m)")
    case .tile(_, _, let fraction, let n, let m)
    where fraction > 0 && SparsityPattern.structured(n: n, m: m).conformsToTwoOfFour:
      if fraction == 1 { return (twoOfFour, "run as 2:4: every tile is") }
      guard case .tile(let rows, let columns, _, _, _) = weights else { return (.dense, nil) }
      return (
        .tile(rows: rows, columns: columns, fraction: fraction, n: 2, m: 4),
        "run as one kernel of dense and 2:4 tiles"
      )
    case .wrapped(let block, let n, let m) where SparsityPattern.structured(n: n, m: m).conformsToTwoOfFour:
      guard case .gemm(let product) = op.kind, product.hasWeights, op.phase != .backwardData else {
        return (.dense, "run dense: only products are known as three")
      }
      return (
        .wrapped(block: block, n: 2, m: 4), "run as three products: block-diagonal, 2:4 and block-diagonal"
      )
    default: return (.dense, "run dense: they may keep more than two of four values")
    }
  }

  /// The same for real zeros: the sparse instruction where every group of four conforms, the dense one otherwise, or the
  /// kernels that skip zeros where they are faster.
  private func runnable(
    _ mask: MaskReference, _ op: Operator, isProduct: Bool,
    _ skipsFaster: (MaskReference, SparsityPattern) -> Bool
  ) -> (SparsityPattern, change: String?) {
    guard let zeros = mask.zeros else { return (.dense, "run dense: their zeros have not been read") }
    guard zeros.density < 1 else { return (.dense, "run dense: nothing is zero") }
    let channels = op.matrixProblems[0].groupedChannels
    let groups = zeros.groups(of: 4, run: channels)
    let conforms =
      channels.isMultiple(of: 4) && groups.fullest <= 2 && sparseTypes.contains(op.dataType)
    let share = groups.conforming(to: 2)
    let multiplied: SparsityPattern = conforms ? .structured(n: 2, m: 4) : .dense
    if hasSparseKernels, isProduct, skipsFaster(mask, multiplied) {
      return (.mask(mask), "run on kernels that skip zeros (blocks or compressed rows): \(share)")
    }
    return (multiplied, conforms ? "run as 2:4, which every group of theirs conforms to" : "run dense: \(share)")
  }
}

extension KernelLibrary {
  /// Where the library falls short in an operator.
  func gap(of op: Operator) -> LibraryGap? {
    guard !gaps.isEmpty, case .gemm(let shape) = op.kind else { return nil }
    return gap(for: op.dataType, isSparse: op.sparsity.weights != .dense, columns: shape.n)
  }
}
