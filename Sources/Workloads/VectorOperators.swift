/// A function applied to every element.
public struct Elementwise: Hashable, Sendable {
  /// What is computed.
  public enum Function: String, CaseIterable, Hashable, Sendable {
    /// A sum, also with a scalar.
    case add
    /// A product, also with a scalar; a division.
    case multiply
    /// max(x, 0), or another clamp or comparison.
    case relu
    /// Gaussian error linear unit.
    case gelu
    /// x·sigmoid(x).
    case silu
    /// Hyperbolic tangent.
    case tanh
    /// Logistic function.
    case sigmoid
    /// Exponential, logarithm, sine, cosine.
    case exp
    /// Square root, reciprocal square root, power.
    case sqrt
    /// Moves data in its order: copies, concatenation.
    case copy
    /// Moves data into another order, neighbours apart: a matrix from rows to columns.
    case transpose
    /// Moves data into another type.
    case cast
  }

  /// What is computed.
  public var function: Function
  /// Elements of the output.
  public var elements: Int
  /// Operands of the output's size that are read; broadcast operands do not count.
  public var inputs: Int

  /// A function of one operand unless told otherwise.
  public init(_ function: Function, elements: Int, inputs: Int = 1) {
    self.function = function
    self.elements = elements
    self.inputs = inputs
  }
}

/// Subtracts a mean, divides by a deviation, scales and shifts.
public struct Normalization: Hashable, Sendable {
  /// What the statistics are taken over.
  public enum Function: String, CaseIterable, Hashable, Sendable {
    /// The features of a row.
    case layer
    /// The features of a row, without the mean.
    case rms
    /// The batch and the positions of a channel. In inference they are constants, and this scales and shifts.
    case batch
  }

  /// What the statistics are taken over.
  public var function: Function
  /// Independent sets of statistics: rows, or channels for batch normalization.
  public var rows: Int
  /// Elements that share statistics.
  public var width: Int

  /// A normalization.
  public init(_ function: Function, rows: Int, width: Int) {
    self.function = function
    self.rows = rows
    self.width = width
  }
}

/// Exponentials of a row divided by their sum.
public struct Softmax: Hashable, Sendable {
  /// Rows.
  public var rows: Int
  /// Elements of a row.
  public var width: Int

  /// A softmax.
  public init(rows: Int, width: Int) {
    self.rows = rows
    self.width = width
  }
}

/// Many elements to one: sums, means, maxima.
public struct Reduction: Hashable, Sendable {
  /// Results.
  public var outputs: Int
  /// Elements that go into each.
  public var width: Int

  /// A reduction.
  public init(outputs: Int, width: Int) {
    self.outputs = outputs
    self.width = width
  }
}

/// A maximum or mean over windows of an image.
public struct Pooling: Hashable, Sendable {
  /// Images.
  public var batch: Int
  /// Channels.
  public var channels: Int
  /// Extent of the input.
  public var input: Extent
  /// Extent of the output.
  public var output: Extent
  /// Extent of the window.
  public var kernel: Extent

  /// A pooling.
  public init(batch: Int, channels: Int, input: Extent, output: Extent, kernel: Extent) {
    self.batch = batch
    self.channels = channels
    self.input = input
    self.output = output
    self.kernel = kernel
  }
}

/// Rows gathered from a table by index.
public struct Embedding: Hashable, Sendable {
  /// Rows gathered.
  public var rows: Int
  /// Elements of a row.
  public var width: Int
  /// Rows of the table.
  public var vocabulary: Int

  /// A gather.
  public init(rows: Int, width: Int, vocabulary: Int) {
    self.rows = rows
    self.width = width
    self.vocabulary = vocabulary
  }
}

/// One optimizer step: the gradient into the master weights, and the working copy from them.
public struct WeightUpdate: Hashable, Sendable {
  /// The rule.
  public enum Optimizer: String, CaseIterable, Hashable, Sendable {
    /// Stochastic gradient descent.
    case sgd
    /// Stochastic gradient descent with momentum.
    case momentum
    /// Adam: two moments.
    case adam

    /// 32-bit values kept for each parameter beside its master weight.
    public var states: Int {
      switch self {
      case .sgd: 0
      case .momentum: 1
      case .adam: 2
      }
    }
  }

  /// Weights updated.
  public var parameters: Int
  /// The rule.
  public var optimizer: Optimizer

  /// An update.
  public init(parameters: Int, optimizer: Optimizer) {
    self.parameters = parameters
    self.optimizer = optimizer
  }
}

/// Picks the values a pattern keeps and stores them compactly: on-line pruning of weights or gradients.
public struct Pruning: Hashable, Sendable {
  /// Values looked at.
  public var elements: Int
  /// Kept of each group.
  public var n: Int
  /// Values of a group.
  public var m: Int

  /// A pruning pass.
  public init(elements: Int, n: Int, m: Int) {
    self.elements = elements
    self.n = n
    self.m = m
  }
}

/// What a vector operator asks of a machine: elements moved and operations done.
public struct VectorWork: Hashable, Sendable {
  /// Elements read.
  public var elementsRead: Int
  /// Elements written.
  public var elementsWritten: Int
  /// Additions, multiplications, comparisons.
  public var operations: Int
  /// Exponentials, divisions, roots: what a special-function unit does.
  public var transcendentals: Int

  /// Work; none unless told otherwise.
  public init(
    elementsRead: Int = 0, elementsWritten: Int = 0, operations: Int = 0, transcendentals: Int = 0
  ) {
    self.elementsRead = elementsRead
    self.elementsWritten = elementsWritten
    self.operations = operations
    self.transcendentals = transcendentals
  }
}
