/// `count` equal products C[m×n] = A[m×k]·B[k×n], and the elements their operands really have in memory.
///
/// What every matrix operator lowers to. Convolutions lower without materialising im2col, so `bElements` is then
/// smaller than k·n.
public struct MatrixProblem: Hashable, Sendable {
  /// Rows of A and C.
  public var m: Int
  /// Columns of B and C.
  public var n: Int
  /// The reduction length.
  public var k: Int
  /// Equal products.
  public var count: Int
  /// Elements of A, all products together.
  public var aElements: Int
  /// Elements of B, all products together.
  public var bElements: Int
  /// Elements of C, all products together.
  public var cElements: Int
  /// Whether A holds weights.
  public var hasWeights: Bool
  /// The channels along K that a weight pattern groups: K itself for a product, a group's channels for a
  /// convolution, whose filter taps are the slower axis.
  public var groupedChannels: Int

  /// Multiply-accumulates of a dense run, all products together.
  public var denseMACs: Int { m * n * k * count }
}

extension Operator {
  /// The products this operator lowers to; none for a vector operator. Attention gives Q·Kᵀ and then scores·V, with
  /// the mask ignored.
  ///
  /// The three products of a convolution, C input and K output channels a group, P·Q output positions:
  /// forward [K × C·R·S]·[C·R·S × B·P·Q]; backward-data [C × K·R·S]·[K·R·S × B·P·Q], the stride's zeros skipped, so
  /// that the multiply-accumulates equal the forward ones; backward-weight [K × B·P·Q]·[B·P·Q × C·R·S].
  public var matrixProblems: [MatrixProblem] {
    switch kind {
    case .gemm(let gemm):
      return [
        MatrixProblem(
          m: gemm.m, n: gemm.n, k: gemm.k, count: gemm.batch, aElements: gemm.batch * gemm.m * gemm.k,
          bElements: gemm.batch * gemm.k * gemm.n, cElements: gemm.batch * gemm.m * gemm.n,
          hasWeights: gemm.hasWeights, groupedChannels: gemm.k)
      ]
    case .groupedGEMM(let grouped):
      return grouped.columns.filter { $0 > 0 }.map {
        MatrixProblem(
          m: grouped.m, n: $0, k: grouped.k, count: 1, aElements: grouped.m * grouped.k,
          bElements: grouped.k * $0, cElements: grouped.m * $0, hasWeights: true, groupedChannels: grouped.k)
      }
    case .convolution(let convolution):
      return [convolution.problem(in: phase)]
    case .attention(let attention):
      let heads = attention.batch * attention.heads
      let q = heads * attention.queryLength * attention.headDimension
      let keys = attention.batch * attention.keyValueHeads * attention.keyLength
      let scores = heads * attention.queryLength * attention.keyLength
      return [
        MatrixProblem(
          m: attention.keyLength, n: attention.queryLength, k: attention.headDimension, count: heads,
          aElements: keys * attention.headDimension, bElements: q, cElements: scores, hasWeights: false,
          groupedChannels: attention.headDimension),
        MatrixProblem(
          m: attention.valueDimension, n: attention.queryLength, k: attention.keyLength, count: heads,
          aElements: keys * attention.valueDimension, bElements: scores,
          cElements: heads * attention.queryLength * attention.valueDimension, hasWeights: false,
          groupedChannels: attention.keyLength),
      ]
    case .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update, .pruning:
      return []
    }
  }

  /// Multiply-accumulates of one run if every operand were dense. Attention counts the pairs its mask leaves; its
  /// backward pass multiplies five times where the forward pass does twice.
  public var denseMACs: Int {
    if case .attention(let attention) = kind {
      return attention.batch * attention.heads * attention.visiblePairs
        * attention.productsPerPair(isBackward: phase == .backwardData)
    }
    return matrixProblems.reduce(0) { $0 + $1.denseMACs }
  }

  /// Parameters of this operator.
  public var weightElements: Int {
    switch kind {
    case .gemm(let gemm): gemm.hasWeights ? gemm.batch * gemm.m * gemm.k : 0
    case .groupedGEMM(let grouped): grouped.m * grouped.k * grouped.columns.count
    case .convolution(let convolution): convolution.weightElements
    case .attention, .elementwise, .normalization, .softmax, .reduction, .pooling, .embedding, .update,
      .pruning:
      0
    }
  }
}

extension Attention {
  /// Multiply-accumulates for each pair of query and key of a head: scores and their sum of values; backward, the scores
  /// again, and four gradients, of which those of queries and keys have the keys' features.
  public func productsPerPair(isBackward: Bool) -> Int {
    isBackward ? 3 * headDimension + 2 * valueDimension : headDimension + valueDimension
  }
}

extension Convolution {
  /// Parameters of the filter.
  public var weightElements: Int { outputChannels * (inputChannels / groups) * kernel.area }

  func problem(in phase: Phase) -> MatrixProblem {
    let channels = inputChannels / groups
    let filters = outputChannels / groups
    let positions = batch * output.area
    let inputElements = batch * inputChannels * input.area
    let outputElements = batch * outputChannels * output.area
    switch phase {
    case .inference, .forward, .update:
      return MatrixProblem(
        m: filters, n: positions, k: channels * kernel.area, count: groups, aElements: weightElements,
        bElements: inputElements, cElements: outputElements, hasWeights: true, groupedChannels: channels)
    case .backwardData:
      return MatrixProblem(
        m: channels, n: positions, k: filters * kernel.area, count: groups, aElements: weightElements,
        bElements: outputElements, cElements: inputElements, hasWeights: true, groupedChannels: filters)
    case .backwardWeight:
      return MatrixProblem(
        m: filters, n: channels * kernel.area, k: positions, count: groups, aElements: outputElements,
        bElements: inputElements, cElements: weightElements, hasWeights: false, groupedChannels: positions)
    }
  }
}

extension Operator {
  /// What this operator asks of a vector unit; nothing for a matrix operator other than attention, whose softmax it
  /// is.
  ///
  /// Operations an element are the arithmetic of a straightforward implementation: a GELU by tanh is 8 operations
  /// and one exponential, a layer normalization 4 for its statistics and 4 to subtract,
  /// divide, scale and shift, a softmax its maximum, then a difference, an exponential and a sum, then again with a product. Backward passes read
  /// the gradient beside the activation and do twice the arithmetic.
  public var vectorWork: VectorWork {
    let isBackward = phase == .backwardData || phase == .backwardWeight
    switch kind {
    case .gemm, .groupedGEMM, .convolution: return VectorWork()
    case .attention(let attention):
      let pairs = attention.batch * attention.heads * attention.visiblePairs
      return VectorWork(operations: (isBackward ? 8 : 4) * pairs, transcendentals: pairs)
    case .elementwise(let elementwise):
      let count = elementwise.elements
      return VectorWork(
        elementsRead: elementwise.inputs * count, elementsWritten: count,
        operations: elementwise.function.operations * count,
        transcendentals: elementwise.function.transcendentals * count)
    case .normalization(let normalization):
      let count = normalization.rows * normalization.width
      let isAffineOnly = normalization.function == .batch && phase == .inference
      let operations =
        switch normalization.function {
        case .layer: 8
        case .rms: 5
        case .batch: isAffineOnly ? 2 : 6
        }
      // Statistics over a whole batch need a pass of their own before the data is read again.
      let passes = normalization.function == .batch && !isAffineOnly ? 2 : 1
      return VectorWork(
        elementsRead: (isBackward ? 2 : 1) * passes * count, elementsWritten: count,
        operations: (isBackward ? 2 : 1) * operations * count,
        transcendentals: isAffineOnly ? 0 : normalization.rows)
    case .softmax(let softmax):
      let count = softmax.rows * softmax.width
      return VectorWork(
        elementsRead: (isBackward ? 2 : 1) * count, elementsWritten: count, operations: (isBackward ? 4 : 6) * count,
        transcendentals: isBackward ? 0 : 2 * count)
    case .reduction(let reduction):
      let count = reduction.outputs * reduction.width
      return VectorWork(elementsRead: count, elementsWritten: reduction.outputs, operations: count)
    case .pooling(let pooling):
      let planes = pooling.batch * pooling.channels
      let outputs = planes * pooling.output.area
      let inputs = planes * pooling.input.area
      return VectorWork(
        elementsRead: isBackward ? 2 * outputs : inputs, elementsWritten: isBackward ? inputs : outputs,
        operations: outputs * pooling.kernel.area)
    case .embedding(let embedding):
      let count = embedding.rows * embedding.width
      return VectorWork(elementsRead: count, elementsWritten: count)
    case .update(let update):
      let states = update.optimizer.states
      let count = update.parameters
      return VectorWork(
        elementsRead: (2 + states) * count, elementsWritten: (2 + states) * count,
        operations: (2 + 4 * states) * count,
        transcendentals: update.optimizer == .adam ? 2 * count : 0)
    case .pruning(let pruning):
      return VectorWork(
        elementsRead: pruning.elements, elementsWritten: pruning.elements * pruning.n / pruning.m,
        operations: pruning.elements * pruning.n)
    }
  }
}

extension Elementwise.Function {
  var operations: Int {
    switch self {
    case .copy, .transpose, .cast: 0
    case .add, .multiply, .relu, .exp, .sqrt: 1
    case .tanh, .sigmoid, .silu: 4
    case .gelu: 9
    }
  }

  var transcendentals: Int {
    switch self {
    case .add, .multiply, .relu, .copy, .transpose, .cast: 0
    case .gelu, .silu, .tanh, .sigmoid, .exp, .sqrt: 1
    }
  }
}
