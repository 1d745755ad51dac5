/// What is measured and predicted.
public enum Metric: String, CaseIterable, Hashable, Sendable {
  /// Elapsed time, in seconds.
  case time
  /// Average power, in watts.
  case power
  /// Time × power, in joules.
  case energy
  /// Clock of the units that multiply, in hertz.
  case clock
  /// Bytes that leave the shared cache for the units.
  case l2Read = "l2-read"
  /// Bytes that leave off-chip memory.
  case dramRead = "dram-read"
  /// Dense time over sparse time of one row.
  case speedup
  /// Samples, or floating-point operations, in a second.
  case throughput
}

/// A measured value and the prediction beside it, both in the metric's base unit.
public struct Pair: Hashable, Sendable {
  /// What they are values of.
  public var metric: Metric
  /// What was read.
  public var measured: Double
  /// What the simulator says.
  public var predicted: Double
  /// What different sources read, where they differ.
  public var spread: ClosedRange<Double>?

  /// A pair.
  public init(_ metric: Metric, measured: Double, predicted: Double, spread: ClosedRange<Double>? = nil) {
    self.metric = metric
    self.measured = measured
    self.predicted = predicted
    self.spread = spread
  }

  /// `predicted / measured`: above one the prediction is too high.
  public var ratio: Double { predicted / measured }
  /// `ratio − 1`; where there is a spread, the distance to its nearer end over that end, and zero within.
  public var error: Double {
    guard let spread else { return ratio - 1 }
    return predicted / min(max(predicted, spread.lowerBound), spread.upperBound) - 1
  }
}

/// One thing that was measured, and what the simulator says about it. A row of a file has one or more.
public struct Measurement: Sendable {
  /// The row of the file, from zero, without its header.
  public var row: Int
  /// The line of the file it stands on.
  public var line: Int
  /// What ran, in a few words.
  public var label: String
  /// The operands' type.
  public var dataType: String
  /// How its weights or scores were stored: `dense`, `2:4`, `block`, `unstructured`.
  public var variant: String
  /// What it is grouped with, for example `decode`.
  public var category: String
  /// What can be compared; empty where nothing was predicted.
  public var pairs: [Pair]
  /// Why nothing was predicted.
  public var notModelled: String?
  /// The figure somebody published, where it is one.
  public var figure: PublishedFigure?

  /// The pair of a metric.
  public func pair(_ metric: Metric) -> Pair? { pairs.first { $0.metric == metric } }
}
