import Hardware
import Workloads

/// A number that somebody published about a machine.
public struct PublishedFigure: Hashable, Sendable {
  /// What it is a number of.
  public var metric: Unit
  /// The figure in the metric's unit; where only a spread was published, its geometric middle.
  public var value: Double
  /// What different sources, or one source for different runs, span.
  public var spread: ClosedRange<Double>?
  /// Seconds of every run that were measured beside it, such as those of a framework.
  public var overhead: Double
  /// How much it can be trusted.
  public var certainty: Certainty
  /// Where it was read.
  public var source: String

  /// What figures are numbers of, and the units they are written in.
  public enum Unit: String, CaseIterable, Sendable {
    /// Images or sequences in a second.
    case throughput = "throughput_per_s"
    /// Dense tera-operations in a second, a multiply-accumulate being two, whatever is skipped.
    case teraOperations = "tflops"
    /// Milliseconds of one run.
    case milliseconds = "time_ms"
    /// Microseconds of one run.
    case microseconds = "time_us"
    /// The time without sparsity over the time with it, on the same machine.
    case speedup
    /// Average watts.
    case power = "power_w"
    /// Joules of one run.
    case energy = "energy_j"

    /// What it is compared as.
    public var metric: Metric {
      switch self {
      case .throughput, .teraOperations: .throughput
      case .milliseconds, .microseconds: .time
      case .speedup: .speedup
      case .power: .power
      case .energy: .energy
      }
    }

    /// The unit in the metric's base unit.
    public var scale: Double {
      switch self {
      case .teraOperations: 1e12
      case .milliseconds: 1e-3
      case .microseconds: 1e-6
      case .throughput, .speedup, .power, .energy: 1
      }
    }
  }

  /// How much a figure can be trusted.
  public enum Certainty: String, CaseIterable, Sendable {
    /// Read off an instrument by whoever wrote the file.
    case measured
    /// Read in the source itself.
    case published
    /// Read in a text about the source.
    case secondary
    /// Nobody checked it.
    case assumed
  }
}

extension Validator {
  /// Compares a published figure: the mean over its workloads of what the simulator says.
  static func compare(
    _ row: ExperimentRow, _ figure: PublishedFigure, index: Int, line: Int, on machine: Machine
  ) -> Measurement {
    var measurement = Measurement(
      row: index, line: line, label: row.label, dataType: row.dataType.rawValue, variant: row.experiments[0].variant,
      category: figure.metric.rawValue, pairs: [], figure: figure)
    switch mean(row.experiments, figure.metric, overhead: figure.overhead, on: machine) {
    case .success(let predicted):
      let scale = figure.metric.scale
      measurement.pairs = [
        Pair(
          figure.metric.metric, measured: figure.value * scale, predicted: predicted,
          spread: figure.spread.map { $0.lowerBound * scale...$0.upperBound * scale })
      ]
      measurement.band = band(row.experiments, figure, predicted, on: machine)
    case .failure(let reason): measurement.notModelled = reason.text
    }
    return measurement
  }

  /// The band over the machine's variants; nil where it has none that can run this.
  private static func band(
    _ experiments: [Experiment], _ figure: PublishedFigure, _ predicted: Double, on machine: Machine
  ) -> Measurement.Band? {
    var range = predicted...predicted
    var mover: (unknown: String, by: Double)?
    for variant in machine.variants {
      let mean = mean(experiments, figure.metric, overhead: figure.overhead, on: variant.machine)
      guard case .success(let value) = mean else { continue }
      range = min(range.lowerBound, value)...max(range.upperBound, value)
      let change = (value / predicted - 1).magnitude
      if change > mover?.by ?? 1e-6 { mover = (variant.unknown, change) }
    }
    return machine.variants.isEmpty ? nil : Measurement.Band(range: range, mover: mover?.unknown)
  }

  /// The mean over experiments, leaving out those that are only another's baseline.
  private static func mean(
    _ experiments: [Experiment], _ unit: PublishedFigure.Unit, overhead: Double, on machine: Machine
  ) -> Result<Double, Reason> {
    let baselines = Set(experiments.compactMap(\.baseline))
    var sum = 0.0
    for (index, experiment) in experiments.enumerated() where !baselines.contains(index) {
      switch (predict(experiment, on: machine), unit) {
      case (.failure(let reason), _): return .failure(reason)
      case (.success(let outcome), .speedup):
        guard let baseline = experiment.baseline else { return .failure(Reason(text: "nothing to be faster than")) }
        switch predict(experiments[baseline], on: machine) {
        case .failure(let reason): return .failure(reason)
        case .success(let dense): sum += (dense.time + overhead) / (outcome.time + overhead)
        }
      case (.success(let outcome), .throughput):
        guard let samples = experiment.samples else {
          return .failure(Reason(text: "how many samples a run works on is not known; give the batch"))
        }
        sum += Double(samples) / (outcome.time + overhead)
      case (.success(let outcome), .teraOperations):
        sum += experiment.operations / (outcome.time + overhead)
      case (.success(let outcome), .milliseconds), (.success(let outcome), .microseconds):
        sum += outcome.time + overhead
      case (.success(let outcome), .power), (.success(let outcome), .energy):
        guard let value = outcome[unit.metric] else { return .failure(Reason(text: "it is not predicted")) }
        sum += value
      }
    }
    return .success(sum / Double(experiments.count - baselines.count))
  }
}

extension Experiment {
  /// Operations of dense operands, a multiply-accumulate being two.
  fileprivate var operations: Double {
    func count(_ operators: [Operator]) -> Double {
      operators.reduce(0) { $0 + 2 * Double($1.denseMACs) * Double($1.repeats) }
    }
    return count(operators) + (decoding.map { count($0.operators) * Double($0.steps) } ?? 0)
  }
}
