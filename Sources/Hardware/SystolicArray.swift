public import Quantities

/// A systolic array, plain (as SCALE-Sim describes it) or of N:M elements with training units (SAT).
public struct SystolicArray: Sendable {
  /// What an array keeps in place while the other operands move.
  public enum Dataflow: String, CaseIterable, Hashable, Sendable {
    /// Weights stay, activations stream, partial sums move.
    case weightStationary = "ws"
    /// Partial sums stay, both operands stream.
    case outputStationary = "os"
  }

  /// How an element uses an N:M operand.
  public enum SparseElement: String, CaseIterable, Hashable, Sendable {
    /// Not at all: zeros are multiplied.
    case none
    /// It holds one kept value: the stationary operand is compacted along K before it is loaded.
    case value
    /// It holds a whole group of M and spends a cycle on each of the N kept values.
    case group
  }

  /// A unit beside the array.
  public enum Unit: String, CaseIterable, Hashable, Sendable {
    /// Normalization, activation and the like.
    case vector
    /// On-line pruning.
    case pruner
    /// Optimizer steps.
    case updater
  }

  /// Elements along the first side, where the reduction (weight-stationary) or output rows (output-stationary) lie.
  public var rows: Int
  /// Elements along the second side.
  public var columns: Int
  /// Clock of the array.
  public var clock: Hertz
  /// Multiply-accumulates of one element: one a cycle in every type it has.
  public var dataTypes: DataTypeSupport
  /// Dataflows the interconnect can take; with several, the faster one is chosen for each operator.
  public var dataflows: [Dataflow]
  /// How an element uses an N:M operand.
  public var sparseElement: SparseElement
  /// The largest group M that elements and pruner hold; 1 without sparse elements.
  public var largestGroup: Int
  /// Cycles until a sum can be added to again.
  public var accumulatorLatency: Cycles
  /// Independent sums an element takes turns on; at the latency or above, no cycle is lost.
  public var interleaving: Int
  /// Buffer of each operand: stationary and moving inputs, and outputs, half of each filled while the other is used.
  public var inputBuffer: Bytes
  /// Buffer of weights.
  public var weightBuffer: Bytes
  /// Buffer of results.
  public var outputBuffer: Bytes
  /// Off-chip memory.
  public var dram: DRAM
  /// Normalization, activation and the like.
  public var vector: VectorUnit
  /// On-line N:M pruning; nil without.
  public var pruner: Pruner?
  /// Optimizer steps; nil does them on the vector unit.
  public var updater: Updater?
  /// Units that work on gradients, updates and pruning while the array computes weight gradients, which nothing on
  /// the way back waits for.
  public var besideWeightGradients: Set<Unit> = []
  /// What is drawn whatever is done.
  public var idle: Watts
  /// Energy of a byte from a buffer.
  public var bufferEnergy: JoulesPerByte

  /// Sorts groups and keeps their largest values: `lanes` groups at a time, M cycles a group.
  public struct Pruner: Hashable, Sendable {
    /// Groups at a time.
    public var lanes: Int
    /// Whether weights are pruned once, right after their update, instead of each time they are loaded.
    public var pregenerates: Bool
    /// A pruner.
    public init(lanes: Int, pregenerates: Bool) {
      self.lanes = lanes
      self.pregenerates = pregenerates
    }
  }

  /// Updates master weights in single precision.
  public struct Updater: Hashable, Sendable {
    /// Weights a cycle.
    public var lanes: Int
    /// An updater.
    public init(lanes: Int) { self.lanes = lanes }
  }
}
