public import Diagnostics

/// Something wrong with an operator, and the key of the trace format that holds it.
public struct ShapeProblem: Hashable, Sendable {
  /// What kind of problem.
  public var code: DiagnosticCode
  /// The key at fault, for example `k` or `sparsity`.
  public var key: String
  /// What is wrong, with the numbers.
  public var message: String
  /// What to do.
  public var help: String?
}

extension Operator {
  /// The largest count this library keeps exactly, and so the most multiply-accumulates or elements of one operator
  /// with its repeats: 2⁵³, which a `Double` still holds.
  public static let largestCount = 1 << 53

  /// Everything that keeps this operator from being simulated; empty for a valid one.
  ///
  /// Every operator of a ``Workload`` must pass before it is lowered: the arithmetic of lowering relies on it.
  public func shapeProblems() -> [ShapeProblem] {
    var problems: [ShapeProblem] = []
    func add(_ code: DiagnosticCode, _ key: String, _ message: String, _ help: String? = nil) {
      problems.append(ShapeProblem(code: code, key: key, message: message, help: help))
    }
    for (key, value) in kind.sizes + [("repeat", repeats)] where value < 1 {
      add(.outOfRange, key, "'\(key)' is \(value); it must be at least 1")
    }
    guard problems.isEmpty else { return problems }

    switch kind {
    case .convolution(let convolution): problems += convolution.shapeProblems()
    case .attention(let attention) where attention.heads % attention.keyValueHeads != 0:
      add(
        .inconsistentShape, "kv_heads",
        "\(attention.heads) query heads cannot share \(attention.keyValueHeads) key-value heads evenly",
        "the number of heads must be a multiple of the key-value heads")
    case .attention(let attention) where attention.isCausal && attention.keyLength < attention.queryLength:
      add(
        .inconsistentShape, "key_length",
        "causal attention of \(attention.queryLength) queries over only \(attention.keyLength) keys",
        "the keys include the queries' own positions, so there must be at least as many")
    case .attention(let attention) where attention.isLatent && attention.valueDimension > attention.headDimension:
      add(
        .inconsistentShape, "value_dim",
        "values of \(attention.valueDimension) features cannot be a part of keys of \(attention.headDimension)",
        "latent attention has at least as many features in its keys")
    case .groupedGEMM(let grouped) where grouped.columns.contains { $0 < 0 }:
      add(.outOfRange, "columns", "a group cannot have a negative number of columns")
    case .groupedGEMM(let grouped) where !grouped.columns.contains { $0 > 0 }:
      add(.inconsistentShape, "columns", "no group has any column", "give at least one group a column")
    case .pruning(let pruning) where pruning.n > pruning.m:
      add(.invalidPattern, "n", "of \(pruning.m) elements, \(pruning.n) cannot be kept")
    default: break
    }
    guard problems.isEmpty else { return problems }

    if !countsFit {
      add(
        .sizeOverflow, "name",
        "'\(name)' does more work than the 2^53 multiply-accumulates or elements that are counted exactly",
        "check the sizes; one of them is probably wrong")
      return problems
    }
    return problems + patternProblems()
  }

  /// What keeps the patterns from fitting the shape.
  private func patternProblems() -> [ShapeProblem] {
    var problems: [ShapeProblem] = []
    guard let problem = matrixProblems.first else {
      for operand in OperandSparsity.Operand.allCases where sparsity[operand] != .dense {
        problems.append(
          ShapeProblem(
            code: .invalidPattern, key: "sparsity",
            message: "'\(operand.rawValue)' of \(kind.name) operator '\(name)' cannot be \(sparsity[operand])",
            help: "only matrix operators have sparse operands"))
      }
      return problems
    }
    for operand in [OperandSparsity.Operand.weights, .activations] {
      guard let group = sparsity[operand].group, problem.groupedChannels % group != 0 else { continue }
      let axis: String
      if case .convolution = kind { axis = "channels a group" } else { axis = "K" }
      problems.append(
        ShapeProblem(
          code: .indivisiblePattern, key: "sparsity",
          message: "\(sparsity[operand]) needs groups of \(group), but \(axis) is \(problem.groupedChannels)",
          help: "\(problem.groupedChannels) is not divisible by \(group); leave this operator dense or pad it to "
            + "\((problem.groupedChannels + group - 1) / group * group)"))
    }
    if let mask = sparsity.weights.zeros, let problem = maskProblem(mask) { problems.append(problem) }
    if case .fanIn(let kept) = sparsity.weights,
      kept > problem.groupedChannels * max(1, problem.k / problem.groupedChannels)
    {
      problems.append(
        ShapeProblem(
          code: .invalidPattern, key: "sparsity",
          message: "fan-in(\(kept)) keeps more than the \(problem.k) elements of a row", help: nil))
    }
    return problems
  }

  /// Rows and columns of a mask of the weights: a row for each output feature of every product, the reduction along
  /// columns. Nil for operators that have no such mask: experts have a matrix each, and gradients are not masked.
  public var maskShape: (rows: Int, columns: Int)? {
    switch kind {
    case .gemm(let gemm) where gemm.hasWeights: (gemm.batch * gemm.m, gemm.k)
    case .convolution(let c) where phase == .inference || phase == .forward:
      (c.outputChannels, c.inputChannels / c.groups * c.kernel.area)
    default: nil
    }
  }

  private func maskProblem(_ mask: ZeroMask) -> ShapeProblem? {
    guard let shape = maskShape else {
      return ShapeProblem(
        code: .unsupportedPattern, key: "sparsity", message: "\(kind.name) operators take no mask of their weights",
        help: "give a pattern such as unstructured(0.7)")
    }
    let (asked, found) = ("\(shape.rows)×\(shape.columns)", "\(mask.rows)×\(mask.columns)")
    guard asked == found else {
      let isTransposed = (shape.rows, shape.columns) == (mask.columns, mask.rows)
      return ShapeProblem(
        code: .inconsistentShape, key: "sparsity",
        message: "the mask is \(found), but the weights are \(asked): output features × reduction",
        help: isTransposed ? "store it transposed" : "name the tensor of this operator")
    }
    guard mask.kept == 0 else { return nil }
    return ShapeProblem(
      code: .invalidPattern, key: "sparsity", message: "the mask keeps nothing, so there is nothing to simulate",
      help: "check the file; leave the operator out if that is meant")
  }

  /// Whether work and footprint stay within ``largestCount``.
  private var countsFit: Bool {
    func fits(_ factors: [Int]) -> Bool {
      var product = repeats
      for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        guard !overflow, next <= Self.largestCount else { return false }
        product = next
      }
      return true
    }
    // Elements and vector operations are small multiples of these products; 64 leaves room for them.
    switch kind {
    case .gemm(let g): return fits([g.batch, g.m, g.n, g.k]) && fits([g.batch, g.m, g.n, 64])
    case .groupedGEMM(let g):
      let (total, overflow) = g.columns.reduce((0, false)) { sum, next in
        let (value, over) = sum.0.addingReportingOverflow(next)
        return (value, sum.1 || over)
      }
      return !overflow && fits([g.m, g.k, total]) && fits([g.m, g.k, g.columns.count])
        && fits([g.m, total, 64])
    case .convolution(let c):
      return fits([
        c.batch, c.outputChannels, c.output.height, c.output.width, c.inputChannels, c.kernel.height, c.kernel.width,
      ])
        && fits([c.batch, c.inputChannels, c.input.height, c.input.width, 64])
        && fits([c.outputChannels, c.inputChannels, c.kernel.height, c.kernel.width, 64])
    case .attention(let a):
      return fits([a.batch, a.heads, a.queryLength, a.keyLength, max(a.headDimension, a.valueDimension), 8])
    case .elementwise(let e): return fits([e.elements, e.inputs, 64])
    case .normalization(let n): return fits([n.rows, n.width, 64])
    case .softmax(let s): return fits([s.rows, s.width, 64])
    case .reduction(let r): return fits([r.outputs, r.width, 64])
    case .pooling(let p):
      return fits([p.batch, p.channels, p.input.height, p.input.width, 64])
        && fits([p.batch, p.channels, p.output.height, p.output.width, p.kernel.height, p.kernel.width])
    case .embedding(let e): return fits([e.rows, e.width, 64]) && fits([e.vocabulary, e.width])
    case .update(let u): return fits([u.parameters, 64])
    case .pruning(let p): return fits([p.elements, p.m, 64])
    }
  }
}

extension OperatorKind {
  /// Every size with its key in the trace format; all must be at least 1.
  public var sizes: [(key: String, value: Int)] {
    switch self {
    case .gemm(let g): return [("m", g.m), ("n", g.n), ("k", g.k), ("batch", g.batch)]
    case .groupedGEMM(let g): return [("m", g.m), ("k", g.k)]
    case .convolution(let c):
      return [
        ("batch", c.batch), ("in_channels", c.inputChannels), ("out_channels", c.outputChannels),
        ("height", c.input.height), ("width", c.input.width), ("kernel", c.kernel.height),
        ("kernel", c.kernel.width), ("stride", c.stride.height), ("stride", c.stride.width),
        ("dilation", c.dilation.height), ("dilation", c.dilation.width), ("groups", c.groups),
      ]
    case .attention(let a):
      return [
        ("batch", a.batch), ("heads", a.heads), ("kv_heads", a.keyValueHeads), ("query_length", a.queryLength),
        ("key_length", a.keyLength), ("head_dim", a.headDimension),
        ("value_dim", a.valueDimension), ("window", a.window ?? 1),
      ]
    case .elementwise(let e): return [("elements", e.elements), ("inputs", e.inputs)]
    case .normalization(let n): return [("rows", n.rows), ("width", n.width)]
    case .softmax(let s): return [("rows", s.rows), ("width", s.width)]
    case .reduction(let r): return [("outputs", r.outputs), ("width", r.width)]
    case .pooling(let p):
      return [
        ("batch", p.batch), ("channels", p.channels), ("height", p.input.height), ("width", p.input.width),
        ("out_height", p.output.height), ("out_width", p.output.width), ("kernel", p.kernel.height),
        ("kernel", p.kernel.width),
      ]
    case .embedding(let e): return [("rows", e.rows), ("width", e.width), ("vocabulary", e.vocabulary)]
    case .update(let u): return [("parameters", u.parameters)]
    case .pruning(let p): return [("elements", p.elements), ("n", p.n), ("m", p.m)]
    }
  }
}

extension Convolution {
  func shapeProblems() -> [ShapeProblem] {
    for (key, channels) in [("in_channels", inputChannels), ("out_channels", outputChannels)]
    where channels % groups != 0 {
      return [
        ShapeProblem(
          code: .inconsistentShape, key: key, message: "\(channels) channels do not split into \(groups) groups",
          help: "both channel counts must be multiples of 'groups'")
      ]
    }
    // Sizes this large would overflow the output extent before any count is taken.
    let limit = 1 << 31
    let extents = [
      input.height, input.width, kernel.height, kernel.width, dilation.height, dilation.width, padding.top,
      padding.bottom, padding.left, padding.right,
    ]
    guard extents.allSatisfy({ (0..<limit).contains($0) }) else {
      return [
        ShapeProblem(
          code: .outOfRange, key: "padding", message: "extents and padding must lie between 0 and 2^31", help: nil)
      ]
    }
    let window = Extent(dilation.height * (kernel.height - 1) + 1, dilation.width * (kernel.width - 1) + 1)
    let padded = Extent(
      input.height + padding.top + padding.bottom, input.width + padding.left + padding.right)
    guard window.height <= padded.height, window.width <= padded.width else {
      return [
        ShapeProblem(
          code: .inconsistentShape, key: "kernel",
          message: "the \(window.height)×\(window.width) filter is larger than the "
            + "\(padded.height)×\(padded.width) padded input",
          help: "check height, width, padding and dilation")
      ]
    }
    return []
  }
}
