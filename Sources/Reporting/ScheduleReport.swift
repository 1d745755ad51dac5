import Documents
public import Quantities
import Simulation
public import Workloads

/// A training run of several phases: a simulated step of each, and what all of its steps take together.
public struct ScheduleReport: Sendable {
  /// Steps of one pattern.
  public struct Phase: Sendable {
    /// What the phase prunes to.
    public var pattern: SparsityPattern
    /// How many steps it has.
    public var steps: Int
    /// One of them beside a dense step.
    public var step: RunReport

    /// A phase.
    public init(pattern: SparsityPattern, steps: Int, step: RunReport) {
      self.pattern = pattern
      self.steps = steps
      self.step = step
    }

    /// All its steps.
    public var sum: Sum { Sum(step.run.totals, steps: steps) }
    /// As many dense steps.
    public var dense: Sum { Sum(step.comparison.dense.totals, steps: steps) }
  }

  /// What many steps take.
  public struct Sum: Sendable {
    /// Their time.
    public var elapsed = Seconds.zero
    /// Their energy.
    public var energy = Joules.zero
    /// Floating-point operations on kept values, two for each multiply-accumulate. They may exceed what an `Int` holds.
    public var operations = 0.0

    /// Nothing yet.
    public init() {}

    init(_ step: RunTotals, steps: Int) {
      elapsed = step.elapsed * Double(steps)
      energy = step.energy.total * Double(steps)
      operations = 2 * Double(step.macs.useful) * Double(steps)
    }

    static func + (a: Sum, b: Sum) -> Sum {
      var sum = a
      sum.elapsed = a.elapsed + b.elapsed
      sum.energy = a.energy + b.energy
      sum.operations += b.operations
      return sum
    }
  }

  /// The phases in order; at least one.
  public var phases: [Phase]

  /// A report.
  public init(phases: [Phase]) { self.phases = phases }

  /// The whole run.
  public var total: Sum { phases.reduce(Sum()) { $0 + $1.sum } }
  /// A dense run of as many steps.
  public var dense: Sum { phases.reduce(Sum()) { $0 + $1.dense } }
  /// All steps.
  public var steps: Int { phases.reduce(0) { $0 + $1.steps } }
}

// MARK: Tables

extension TableReport {
  static func schedule(_ report: ScheduleReport) -> String {
    guard let first = report.phases.first?.step else { return "no phases\n" }
    let samples = first.run.samples.map { ["\(plural($0, "sample")) a step"] } ?? []
    // The method stands in every phase that prunes.
    let asked = report.phases.first { $0.pattern != .dense }?.step.asked.filter { $0.hasPrefix("training") } ?? []
    var text = heading([first.run.workload, first.run.machine] + asked + samples) + "\n"
    var table = TextTable([
      .words("phase"), .number("steps"), .number("a step"), .number("speedup"), .number("time"), .number("energy"),
      .number("operations"), .number("of dense"),
    ])
    func add(_ name: String, _ steps: Int, _ step: Seconds, _ sum: ScheduleReport.Sum, _ dense: ScheduleReport.Sum) {
      table.add([
        name, formatGrouped(Int64(steps)), step.description, factorText(ratio(dense.elapsed.value, sum.elapsed.value)),
        durationText(sum.elapsed), energyText(sum.energy), operationsText(sum.operations),
        percentText(ratio(sum.operations, dense.operations)),
      ])
    }
    for phase in report.phases {
      add(phase.pattern.description, phase.steps, phase.step.run.totals.elapsed, phase.sum, phase.dense)
    }
    let (total, dense) = (report.total, report.dense)
    add("whole run", report.steps, total.elapsed / Double(report.steps), total, dense)
    add("dense run", report.steps, dense.elapsed / Double(report.steps), dense, dense)
    text += table.text()
    var differences: [Difference] = []
    for difference in report.phases.flatMap({ $0.step.workloadDifferences + $0.step.machineDifferences })
    where !differences.contains(where: { $0.message == difference.message }) {
      differences.append(difference)
    }
    return text + notes(differences) + skipped(first.skipped)
  }
}

/// A time in seconds, or in hours or days where it is long.
private func durationText(_ time: Seconds) -> String {
  switch time.value {
  case ..<3600: time.description
  case ..<172_800: "\(formatSignificant(time.value / 3600, digits: 3)) h"
  default: "\(formatSignificant(time.value / 86_400, digits: 3)) days"
  }
}

/// An energy, in kilowatt-hours where it is large.
private func energyText(_ energy: Joules) -> String {
  energy.value < 3.6e6 ? energy.description : "\(formatSignificant(energy.value / 3.6e6, digits: 3)) kWh"
}

/// Floating-point operations with a decimal prefix.
private func operationsText(_ operations: Double) -> String {
  let prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"]
  let index = min(prefixes.count - 1, max(0, prefixes.indices.last { operations >= 0.9995 * power10(3 * $0) } ?? 0))
  return "\(formatSignificant(operations / power10(3 * index), digits: 3)) \(prefixes[index])FLOP"
}

private func power10(_ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * 10 } }

// MARK: Files

extension JSONReport {
  static func schedule(_ report: ScheduleReport) -> [(String, JSONValue)] {
    let first = report.phases.first?.step
    return [
      ("workload", first.map { .string($0.run.workload) } ?? .null),
      ("machine", first.map { .string($0.run.machine) } ?? .null), ("steps", .integer(report.steps)),
      ("speedup", .number(report.dense.elapsed / report.total.elapsed)),
      ("energy_gain", .number(report.dense.energy / report.total.energy)), ("total", sum(report.total)),
      ("dense_total", sum(report.dense)),
      (
        "phases",
        .array(
          report.phases.map { phase in
            .object([
              ("pattern", .string(phase.pattern.description)), ("steps", .integer(phase.steps)),
              ("total", sum(phase.sum)), ("dense_total", sum(phase.dense)),
              ("step", .object(run(phase.step))),
            ])
          })
      ),
    ]
  }

  private static func sum(_ sum: ScheduleReport.Sum) -> JSONValue {
    .object([
      ("elapsed_s", .number(sum.elapsed.value)), ("energy_j", .number(sum.energy.value)),
      ("operations", .number(sum.operations)),
    ])
  }
}

extension CSVReport {
  static func schedule(_ report: ScheduleReport) -> String {
    var table = CSVTable([
      "schema_version", "workload", "machine", "asked", "pattern", "steps", "step_elapsed_s", "step_energy_j",
      "elapsed_s", "energy_j", "operations", "dense_elapsed_s", "dense_energy_j", "dense_operations",
    ])
    for phase in report.phases {
      let totals = phase.step.run.totals
      table.add([
        cell(Version.reportSchema), phase.step.run.workload, phase.step.run.machine,
        phase.step.asked.joined(separator: "; "), phase.pattern.description, cell(phase.steps),
        cell(totals.elapsed.value), cell(totals.energy.total.value), cell(phase.sum.elapsed.value),
        cell(phase.sum.energy.value), cell(phase.sum.operations), cell(phase.dense.elapsed.value),
        cell(phase.dense.energy.value), cell(phase.dense.operations),
      ])
    }
    return table.text
  }
}
