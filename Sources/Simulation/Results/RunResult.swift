public import Quantities
public import Workloads

/// The answer for a whole workload on one machine.
public struct RunResult: Sendable {
  /// The workload's name.
  public var workload: String
  /// The machine's name.
  public var machine: String
  /// Samples the step works on, where known.
  public var samples: Int?
  /// One entry for each operator of the workload, in its order; then the transfers between host and machine, where
  /// nothing hides them.
  public var operators: [OperatorResult]
  /// The answers that the entries point to: identical operators share one.
  public var estimates: [Estimate]
  /// What was done differently from what was asked, with how many operators it concerns.
  public var notes: [Note]

  /// One operator's part in a run.
  public struct OperatorResult: Sendable {
    /// Its name.
    public var name: String
    /// Its kind's name.
    public var kind: String
    /// Its shape, for a table.
    public var shape: String
    /// Its phase.
    public var phase: Phase
    /// Its patterns as they were used by the machine.
    public var sparsity: OperandSparsity
    /// How often it runs.
    public var repeats: Int
    /// Its answer among ``RunResult/estimates``.
    public var estimate: Int
    /// What one of its runs adds to the step: less than its own time where it overlaps with others.
    public var exposed: Seconds
    /// The type it is multiplied in; nil for a transfer.
    public var dataType: DataType?
  }

  /// Something a reader of the result should know.
  public struct Note: Hashable, Sendable {
    /// What was done and why.
    public var message: String
    /// How many operators it concerns.
    public var count: Int
    /// Some of their names.
    public var examples: [String]
  }

  /// A result.
  public init(
    workload: String, machine: String, samples: Int?, operators: [OperatorResult], estimates: [Estimate],
    notes: [Note]
  ) {
    self.workload = workload
    self.machine = machine
    self.samples = samples
    self.operators = operators
    self.estimates = estimates
    self.notes = notes
  }

  /// The answer of an operator.
  public func estimate(of result: OperatorResult) -> Estimate { estimates[result.estimate] }
}

/// Sums over a run or a part of it.
public struct RunTotals: Sendable {
  /// Operators that ran, with their repeats.
  public var operators = 0
  /// Time of the step: the exposed parts together.
  public var elapsed = Seconds.zero
  /// The same in cycles, each operator at its own clock.
  public var cycles = Cycles.zero
  /// Multiply-accumulates.
  public var macs = MACCount()
  /// Bytes moved.
  public var traffic = Traffic()
  /// Energy spent.
  public var energy = EnergyBreakdown()
  /// The matrix unit's time.
  public var matrix = UnitTime()
  /// Time by the bound of the operator it was spent in.
  public var byBound = TimeByBound()
  /// Time spent in operators that a power limit slowed down.
  public var powerCapped = Seconds.zero

  /// Nothing yet.
  public init() {}

  /// Energy over time.
  public var averagePower: Watts { elapsed > .zero ? energy.total / elapsed : .zero }

  /// Adds one operator.
  public mutating func add(_ result: RunResult.OperatorResult, _ estimate: Estimate) {
    add(estimate, repeats: result.repeats, exposed: result.exposed)
  }

  /// Adds the runs of one operator, each of which adds `exposed` to the step.
  mutating func add(_ estimate: Estimate, repeats count: Int, exposed: Seconds) {
    let repeats = Double(count)
    operators += count
    elapsed += exposed * repeats
    cycles += estimate.cycles * Int64(count)
    macs.add(estimate.macs, times: count)
    traffic.add(estimate.traffic, times: count)
    // What is drawn whatever is done is drawn once for operators that run beside each other.
    var spent = estimate.energy
    if exposed < estimate.elapsed { spent.idle = spent.idle * (exposed / estimate.elapsed) }
    energy.add(spent, times: repeats)
    matrix += estimate.matrix.scaled(by: repeats)
    byBound[estimate.bound] += exposed * repeats
    if estimate.isPowerCapped { powerCapped += exposed * repeats }
  }
}

extension RunResult {
  /// Sums over all operators.
  public var totals: RunTotals {
    var totals = RunTotals()
    for result in operators { totals.add(result, estimates[result.estimate]) }
    return totals
  }

  /// Sums by kind, in the order in which kinds first appear.
  public var totalsByKind: [(kind: String, totals: RunTotals)] {
    var order: [String] = []
    var sums: [String: RunTotals] = [:]
    for result in operators {
      if sums[result.kind] == nil { order.append(result.kind) }
      sums[result.kind, default: RunTotals()].add(result, estimates[result.estimate])
    }
    return order.compactMap { kind in sums[kind].map { (kind, $0) } }
  }

  /// Samples a second, where the workload says how many a step has.
  public var throughput: Double? {
    let time = totals.elapsed.value
    return samples.flatMap { time > 0 ? Double($0) / time : nil }
  }
}

/// A run beside the same workload, dense, on the same machine.
public struct Comparison: Sendable {
  /// The run as asked.
  public var run: RunResult
  /// The dense run.
  public var dense: RunResult

  /// A pair.
  public init(run: RunResult, dense: RunResult) {
    self.run = run
    self.dense = dense
  }

  /// Dense time over this run's.
  public var speedup: Double { dense.totals.elapsed / run.totals.elapsed }
  /// Dense energy over this run's.
  public var energyGain: Double { dense.totals.energy.total / run.totals.energy.total }
}
