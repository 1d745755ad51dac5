public import Hardware
import Quantities
public import Simulation
public import Workloads

/// A run beside its dense baseline, and what a reader needs to judge it.
public struct RunReport: Sendable {
  /// The run and the dense one on the same machine.
  public var comparison: Comparison
  /// The machine, for its assumed constants.
  public var machine: Machine
  /// What was asked for beside the trace, for example `weights=2:4` or `training bdwp`; empty for the trace as it is.
  public var asked: [String]
  /// Operators that were left as they were when patterns or a training method were applied, and why.
  public var notes: [WorkloadNote]
  /// What the trace's source holds but the workload does not.
  public var skipped: [Workload.Skipped]
  /// What the run depends on.
  public var configuration: RunConfiguration

  /// A report on a run.
  public init(
    comparison: Comparison, machine: Machine, asked: [String] = [], notes: [WorkloadNote] = [],
    skipped: [Workload.Skipped] = [], configuration: RunConfiguration = RunConfiguration()
  ) {
    self.comparison = comparison
    self.machine = machine
    self.asked = asked
    self.notes = notes
    self.skipped = skipped
    self.configuration = configuration
  }

  /// The run itself.
  public var run: RunResult { comparison.run }

  /// What the patterns or the training method did not change, whatever the machine.
  var workloadDifferences: [Difference] {
    notes.map { Difference(message: $0.message, count: $0.operators.count, examples: Array($0.operators.prefix(3))) }
  }

  /// What the machine did differently.
  var machineDifferences: [Difference] {
    run.notes.map { Difference(message: $0.message, count: $0.count, examples: $0.examples) }
  }

  /// Constants of the machine that nobody verified.
  public var assumed: [Constant] { machine.constants.filter { $0.certainty == .assumed } }
}

/// Something that ran differently from what was asked.
struct Difference {
  var message: String
  /// How many operators it concerns.
  var count: Int
  /// Some of their names.
  var examples: [String]
}

/// Operators of a run that share an estimate, as one row.
struct OperatorGroup {
  /// The first one.
  var first: RunResult.OperatorResult
  /// How many operators of the trace there are.
  var members = 0
  /// How many times they run, all together.
  var count = 0
  /// What they add to the step, all together.
  var exposed = Seconds.zero
  /// What they take by themselves, whatever hides behind what.
  var elapsed = Seconds.zero
  /// The same in the dense step; nil where one has no counterpart there.
  var dense: Seconds? = .zero

  /// Dense time over this time, where both are known.
  var speedup: Double? { dense.flatMap { ratio($0.value, elapsed.value) } }
}

extension Comparison {
  /// Operators that are alike folded together, slowest first.
  var groups: [OperatorGroup] {
    let baseline = denseTimes
    var positions: [Int: Int] = [:]
    var groups: [OperatorGroup] = []
    for (index, result) in run.operators.enumerated() {
      let position = positions[result.estimate] ?? groups.count
      if position == groups.count {
        positions[result.estimate] = position
        groups.append(OperatorGroup(first: result))
      }
      groups[position].members += 1
      groups[position].count += result.repeats
      groups[position].exposed += result.exposed * Double(result.repeats)
      groups[position].elapsed += run.ownTime(of: result)
      if let sum = groups[position].dense, let time = baseline[index] {
        groups[position].dense = sum + time
      } else {
        groups[position].dense = nil
      }
    }
    return groups.enumerated().sorted { a, b in
      (b.element.exposed, a.offset) < (a.element.exposed, b.offset)
    }.map(\.element)
  }

  /// For each operator of the run, what its counterpart in the dense step takes by itself, with all its repeats.
  ///
  /// Runs of the same operators match one by one; otherwise (training methods add operators) name and phase match,
  /// where they are unique in the dense run.
  var denseTimes: [Seconds?] {
    if run.operators.map(\.name) == dense.operators.map(\.name) { return dense.operators.map(dense.ownTime(of:)) }
    struct Key: Hashable {
      var name: String
      var phase: Phase
    }
    let times = Dictionary(
      dense.operators.map { (Key(name: $0.name, phase: $0.phase), Optional(dense.ownTime(of: $0))) },
      uniquingKeysWith: { _, _ in nil })
    return run.operators.map { times[Key(name: $0.name, phase: $0.phase)] ?? nil }
  }
}

extension RunResult {
  /// What an operator takes by itself with all its repeats, whatever hides behind what.
  func ownTime(of result: OperatorResult) -> Seconds { estimates[result.estimate].elapsed * Double(result.repeats) }
}

extension RunTotals {
  /// Operations of a dense run, two for each multiply-accumulate, for each joule that this run spent.
  var operationsPerJoule: Double { ratio(2 * Double(macs.dense), energy.total.value) ?? 0 }

  /// The part of the step in which the matrix unit works.
  var matrixUtilisation: Double? { ratio(matrix.busy.value, elapsed.value) }
}

/// `a / b`, or nil where that is no number.
func ratio(_ a: Double, _ b: Double) -> Double? {
  let value = a / b
  return value.isFinite ? value : nil
}
