public import Diagnostics
import Documents
public import Hardware
import Quantities
import Simulation
import Traces
public import Workloads

/// A search through the designs of a machine, as a YAML file describes it: read and checked whole, ready to run.
///
/// `Configs/Studies/README.md` describes the file.
public struct DesignStudy: Sendable {
  /// The version of the format of studies this build reads.
  public static let version = 1

  /// The name it is known by.
  public let name: String
  /// What it asks, in a line.
  public let title: String
  /// The file.
  public let source: SourceText
  /// The machine whose constants the parameters set.
  public let template: MachineTemplate
  /// What every design runs.
  public let workloads: [StudyWorkload]
  /// What varies.
  public let space: DesignSpace
  /// What is sought; at least one.
  public let objectives: [Objective]
  /// Conditions that need a design's figures.
  let constraints: [Constraint]
  /// Which points are looked at.
  public let sampler: Sampler
  /// Where random numbers start.
  public let seed: UInt64

  /// What a design is judged by.
  public struct Objective: Sendable {
    /// Its name in results.
    public let name: String
    /// Whether more is better.
    public let isMaximised: Bool
    let expression: Expression

    /// The value as something to be made small.
    func cost(_ value: Double) -> Double { isMaximised ? -value : value }
  }

  /// Names of what expressions may use: parameters, then figures of a design.
  var names: [String] { space.parameters.map(\.name) + figureNames }

  /// Names of the figures of a design, in the order of ``Figures/values``.
  public var figureNames: [String] {
    Figures.names(of: workloads.map(\.name), hasArea: template.machine.area != nil)
  }
}

/// A workload of a study.
public struct StudyWorkload: Sendable {
  /// Its name in expressions and results.
  public let name: String
  /// How much it counts in sums over workloads.
  public let weight: Double
  /// The trace as it was read.
  public let trace: Workload
  /// Told to the simulator.
  let options: SimulationOptions
  let changes: WorkloadChanges
  let samples: Int?

  /// The real zeros of its trace and of its rules, in their order.
  var masks: [ZeroMask] {
    (trace.operators.map(\.sparsity.weights) + changes.rules.map(\.pattern)).compactMap {
      if case .mask(let mask) = $0 { mask.zeros } else { nil }
    }
  }
}

/// What a design is measured by: first over all workloads, each counted by its weight, then the chip, then each workload.
enum Figures {
  /// Figures over all workloads.
  private static let overall = ["time", "energy", "power", "edp", "dram_bytes"]
  /// What the chip takes, where the machine's description says it.
  static let area = "area"
  private static let each = ["time", "energy", "dram_bytes"]

  static func names(of workloads: [String], hasArea: Bool) -> [String] {
    overall + (hasArea ? [area] : []) + workloads.flatMap { workload in each.map { "\(workload).\($0)" } }
  }

  /// The figures of runs of the workloads: seconds, joules, watts, joule-seconds, bytes and square millimetres.
  static func values(
    _ totals: [(weight: Double, totals: WorkloadTotals)], area: SquareMillimetres?
  ) -> [Double] {
    var (time, energy, bytes) = (0.0, 0.0, 0.0)
    var rest: [Double] = []
    rest.reserveCapacity(3 * totals.count)
    for (weight, totals) in totals {
      time += weight * totals.time
      energy += weight * totals.energy
      bytes += weight * totals.bytes
      rest += [totals.time, totals.energy, totals.bytes]
    }
    return [time, energy, energy / time, time * energy, bytes] + (area.map { [$0.value] } ?? []) + rest
  }
}

/// Sums over a run of one workload.
struct WorkloadTotals: Sendable {
  /// Seconds.
  var time: Double
  /// Joules.
  var energy: Double
  /// Bytes to and from off-chip memory.
  var bytes: Double

  init(_ totals: RunTotals) {
    time = totals.elapsed.value
    energy = totals.energy.total.value
    bytes = Double(totals.traffic.dram.count)
  }
}

/// Which points of a space are looked at.
public enum Sampler: Sendable {
  /// All combinations.
  case grid
  /// Independent ones.
  case random(points: Int)
  /// A Sobol sequence: as even as random ones are not.
  case sobol(points: Int)
  /// Non-dominated sorting genetic algorithm II: each generation is bred from the best of those before it.
  case nsga2(population: Int, generations: Int)

  /// Its name in studies.
  public var name: String {
    switch self {
    case .grid: "grid"
    case .random: "random"
    case .sobol: "sobol"
    case .nsga2: "nsga2"
    }
  }
}
