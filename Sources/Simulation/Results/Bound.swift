public import Quantities

/// What keeps an operator, or a unit, from going faster.
public enum Bound: Int, CaseIterable, Hashable, Sendable {
  /// Multiply-accumulates: the matrix unit works all the time.
  case issue
  /// The port of shared memory, or of a unit's local buffer.
  case localMemory
  /// The shared buffer or cache.
  case l2
  /// The network between cores.
  case network
  /// Off-chip memory.
  case dram
  /// Decoding metadata, selecting or pruning values.
  case decode
  /// Units that wait for the slowest: part-filled tiles and waves, uneven zeros.
  case imbalance
  /// Filling and draining pipelines and arrays.
  case fill
  /// Arithmetic on the vector unit.
  case vector
  /// Starting a kernel.
  case launch
  /// The power limit, which lowers the clock.
  case power
  /// The link to the host.
  case host

  /// The word tables and files use.
  public var name: String {
    switch self {
    case .issue: "mac-issue"
    case .localMemory: "l1"
    case .l2: "l2"
    case .network: "network"
    case .dram: "dram"
    case .decode: "decode"
    case .imbalance: "imbalance"
    case .fill: "fill"
    case .vector: "vector"
    case .launch: "launch"
    case .power: "power"
    case .host: "host"
    }
  }
}

/// A time split by what it was lost to.
public struct TimeByBound: Sendable {
  private var seconds = InlineArray<12, Double>(repeating: 0)

  /// All zero.
  public init() {}

  /// The time lost to one cause.
  public subscript(bound: Bound) -> Seconds {
    get { Seconds(seconds[bound.rawValue]) }
    set { seconds[bound.rawValue] = newValue.value }
  }

  /// The sum over all causes.
  public var total: Seconds {
    var sum = 0.0
    for index in seconds.indices { sum += seconds[index] }
    return Seconds(sum)
  }

  /// Each cause's time scaled by `factor`.
  public func scaled(by factor: Double) -> TimeByBound {
    var result = self
    for index in seconds.indices { result.seconds[index] *= factor }
    return result
  }

  /// Adds another split, cause by cause.
  public static func += (a: inout TimeByBound, b: TimeByBound) {
    for index in a.seconds.indices { a.seconds[index] += b.seconds[index] }
  }
}

/// What one unit did during an operator: busy, stalled and idle times add up to the operator's time.
public struct UnitTime: Sendable {
  /// Working.
  public var busy: Seconds
  /// Having work but waiting.
  public var stalled: TimeByBound
  /// Having no work.
  public var idle: Seconds

  /// A split; nothing unless told otherwise.
  public init(busy: Seconds = .zero, stalled: TimeByBound = TimeByBound(), idle: Seconds = .zero) {
    self.busy = busy
    self.stalled = stalled
    self.idle = idle
  }

  /// A unit that works for part of an operator of time `total` and has nothing to do for the rest.
  public init(busy: Seconds, of total: Seconds) {
    self.init(busy: busy, idle: max(.zero, total - busy))
  }

  /// Everything together.
  public var total: Seconds { busy + stalled.total + idle }

  /// Adds another split.
  public static func += (a: inout UnitTime, b: UnitTime) {
    a.busy += b.busy
    a.stalled += b.stalled
    a.idle += b.idle
  }

  /// The split of `factor` such operators.
  public func scaled(by factor: Double) -> UnitTime {
    UnitTime(busy: busy * factor, stalled: stalled.scaled(by: factor), idle: idle * factor)
  }
}
