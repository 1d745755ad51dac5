/// C[m×n] = A[m×k] · B[k×n], `batch` times with different operands.
///
/// With `hasWeights`, A holds the weights: m output features, n tokens, k input features.
public struct GEMM: Hashable, Sendable {
  /// Rows of A and C.
  public var m: Int
  /// Columns of B and C.
  public var n: Int
  /// The reduction length.
  public var k: Int
  /// How many independent products.
  public var batch: Int
  /// Whether A is a parameter of the network, and not an activation.
  public var hasWeights: Bool

  /// A product; a single one with weights unless told otherwise.
  public init(m: Int, n: Int, k: Int, batch: Int = 1, hasWeights: Bool = true) {
    self.m = m
    self.n = n
    self.k = k
    self.batch = batch
    self.hasWeights = hasWeights
  }
}

/// One weight matrix a group, each with its own number of columns: the experts of a mixture.
public struct GroupedGEMM: Hashable, Sendable {
  /// Output features of every group.
  public var m: Int
  /// Input features of every group.
  public var k: Int
  /// Tokens of each group.
  public var columns: [Int]

  /// A grouped product.
  public init(m: Int, k: Int, columns: [Int]) {
    self.m = m
    self.k = k
    self.columns = columns
  }
}

/// A two-dimensional convolution. Its phase says which of its three products is meant; the geometry is always the
/// forward one.
public struct Convolution: Hashable, Sendable {
  /// Images.
  public var batch: Int
  /// Channels of the input.
  public var inputChannels: Int
  /// Channels of the output.
  public var outputChannels: Int
  /// Extent of the input.
  public var input: Extent
  /// Extent of the filter.
  public var kernel: Extent
  /// Step between filter positions.
  public var stride: Extent
  /// Zeros around the input.
  public var padding: Padding
  /// Distance between filter taps.
  public var dilation: Extent
  /// Channel groups; as many as channels for a depthwise convolution.
  public var groups: Int

  /// A convolution; unit stride and dilation, no padding, one group unless told otherwise.
  public init(
    batch: Int = 1, inputChannels: Int, outputChannels: Int, input: Extent, kernel: Extent,
    stride: Extent = Extent(1, 1), padding: Padding = Padding(), dilation: Extent = Extent(1, 1), groups: Int = 1
  ) {
    self.batch = batch
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.input = input
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Extent of the output: ⌊(input + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
  public var output: Extent {
    Extent(
      (input.height + padding.top + padding.bottom - dilation.height * (kernel.height - 1) - 1)
        / stride.height + 1,
      (input.width + padding.left + padding.right - dilation.width * (kernel.width - 1) - 1)
        / stride.width + 1)
  }
}

/// Height and width.
public struct Extent: Hashable, Sendable {
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int
  /// An extent.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
  /// Height times width.
  public var area: Int { height * width }
}

/// Rows and columns of zeros around an image.
public struct Padding: Hashable, Sendable {
  /// Rows above.
  public var top: Int
  /// Rows below.
  public var bottom: Int
  /// Columns before.
  public var left: Int
  /// Columns after.
  public var right: Int
  /// A padding; none unless told otherwise.
  public init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }
  /// The same on opposite sides.
  public init(vertical: Int, horizontal: Int) {
    self.init(top: vertical, bottom: vertical, left: horizontal, right: horizontal)
  }
}

/// Scaled dot-product attention: softmax(Q·Kᵀ)·V for every head.
public struct Attention: Hashable, Sendable {
  /// Sequences.
  public var batch: Int
  /// Query heads.
  public var heads: Int
  /// Key and value heads; fewer than `heads` with grouped-query attention.
  public var keyValueHeads: Int
  /// Query positions.
  public var queryLength: Int
  /// Key positions; longer than `queryLength` when decoding.
  public var keyLength: Int
  /// Features of a head's queries and keys.
  public var headDimension: Int
  /// Features of a head's values; mostly as many.
  public var valueDimension: Int
  /// Whether the values are the first features of the keys, stored once: multi-head latent attention over its
  /// compressed cache (DeepSeek-V2, arXiv 2405.04434).
  public var isLatent: Bool
  /// Whether a query sees only the keys up to its own position, the last query being aligned with the last key.
  public var isCausal: Bool
  /// Keys a query sees at most, counted back from its own position; nil sees all.
  public var window: Int?

  /// Attention over full sequences unless told otherwise.
  public init(
    batch: Int, heads: Int, keyValueHeads: Int? = nil, queryLength: Int, keyLength: Int? = nil,
    headDimension: Int, valueDimension: Int? = nil, isLatent: Bool = false, isCausal: Bool = false, window: Int? = nil
  ) {
    self.batch = batch
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.queryLength = queryLength
    self.keyLength = keyLength ?? queryLength
    self.headDimension = headDimension
    self.valueDimension = valueDimension ?? headDimension
    self.isLatent = isLatent
    self.isCausal = isCausal
    self.window = window
  }

  /// Query-key pairs of one head that the mask leaves.
  public var visiblePairs: Int {
    let reach = min(window ?? keyLength, keyLength)
    guard isCausal else { return queryLength * reach }
    // Query i (0-based) sees keys 0...(i + keyLength − queryLength), at most `reach` of them.
    let offset = keyLength - queryLength
    let firstFull = max(0, reach - 1 - offset)
    let ramp = max(0, min(queryLength, firstFull))
    let start = max(0, 1 + offset)
    return ramp * start + ramp * (ramp - 1) / 2 + (queryLength - ramp) * reach
  }
}
