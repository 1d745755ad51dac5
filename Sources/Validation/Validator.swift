import Diagnostics
public import Hardware
import Quantities
public import Simulation
import Workloads

/// A table of measurements with the simulator's predictions beside them.
public struct ValidatedFile: Sendable {
  /// What was measured.
  public let file: ReferenceFile
  /// The machine that was simulated.
  public let machine: String
  /// For each row, what stands in the predicted columns; nil where nothing was predicted.
  public let predictions: [[Double?]]
  /// For each row, why cells are empty; empty where none is.
  public let reasons: [String]
  /// Everything that was measured, in the order of the file.
  public let measurements: [Measurement]

  /// Whether the predicted column at an index counts bytes, which are whole.
  public func isCount(column: Int) -> Bool {
    let metric = file.kind.columns[column].metric
    return metric == .l2Read || metric == .dramRead
  }

  /// The names of the columns that are added: predictions, then the reason why some are empty.
  public var addedColumns: [String] { file.kind.predictedColumns + [ReferenceKind.reasonColumn] }
}

/// Holds the simulator against measurements.
public enum Validator {
  /// Predicts every row of a file on a machine.
  ///
  /// What the machine cannot run, or runs without the pattern that was measured, is not predicted and says why.
  public static func validate(
    _ file: ReferenceFile, on machine: Machine, fidelity: SimulationOptions.Fidelity = .analytic
  ) -> ValidatedFile {
    let columns = file.kind.columns
    var predictions: [[Double?]] = []
    var reasons: [String] = []
    var measurements: [Measurement] = []
    for (index, row) in file.experiments.enumerated() {
      var cells = [Double?](repeating: nil, count: columns.count)
      var said: [String] = []
      if let figure = row.figure {
        let measurement = compare(row, figure, index: index, line: file.lines[index], on: machine)
        predictions.append([measurement.pairs.first.map { $0.predicted / figure.metric.scale }])
        reasons.append(measurement.notModelled ?? "")
        measurements.append(measurement)
        continue
      }
      var outcomes: [Outcome?] = []
      for experiment in row.experiments {
        var measurement = Measurement(
          row: index, line: file.lines[index], label: row.label, dataType: row.dataType.rawValue,
          variant: experiment.variant, category: experiment.category, pairs: [])
        switch predict(experiment, on: machine, fidelity) {
        case .success(let outcome):
          outcomes.append(outcome)
          for reading in experiment.readings {
            let position = columns.firstIndex { $0.name == reading.column }
            if let position { cells[position] = outcome[reading.metric].map { $0 / reading.scale } }
          }
          measurement.pairs = pairs(experiment, outcome)
          if let speedup = speedup(index: outcomes.count - 1, row.experiments, outcomes) {
            measurement.pairs.append(speedup)
          }
        case .failure(let reason):
          outcomes.append(nil)
          measurement.notModelled = reason.text
          if !said.contains(reason.text) { said.append(reason.text) }
        }
        // Of cells that are empty in the file nothing is told but what the machine would do.
        if experiment.readings.contains(where: { $0.value != nil }) { measurements.append(measurement) }
      }
      predictions.append(cells)
      reasons.append(said.joined(separator: "; "))
    }
    return ValidatedFile(
      file: file, machine: machine.name, predictions: predictions, reasons: reasons, measurements: measurements)
  }

  struct Reason: Error { var text: String }

  static func predict(
    _ experiment: Experiment, on machine: Machine, _ fidelity: SimulationOptions.Fidelity = .analytic
  ) -> Result<Outcome, Reason> {
    var residency = experiment.residency
    if let bytes = experiment.warmBytes {
      if case .tensorCore(let gpu) = machine.architecture {
        residency = bytes <= gpu.l2Capacity ? .onChip : .isolated
      } else if residency == .onChip {
        return .failure(Reason(text: "\(machine.name) has no cache that keeps data from run to run"))
      }
    }
    let machine = experiment.kernel.map { machine.running($0) } ?? machine
    func simulate(_ operators: [Operator]) throws(DiagnosticList) -> RunResult {
      try Simulator.simulate(
        Workload(
          name: experiment.category, source: "measurements", samples: experiment.samples, operators: operators),
        on: machine,
        options: SimulationOptions(
          residency: residency, power: experiment.power, fidelity: fidelity,
          fusesEpilogues: experiment.modes.contains(.fused), fusedStages: experiment.stages,
          isOneRequestAtATime: experiment.modes.contains(.oneRequest)))
    }
    do throws(DiagnosticList) {
      let result = try simulate(experiment.operators)
      // A pattern that runs dense everywhere says nothing about sparse measurements.
      let kept = zip(experiment.operators, result.operators).flatMap { asked, used in
        OperandSparsity.Operand.allCases.filter { asked.sparsity[$0] != .dense }.map { used.sparsity[$0] != .dense }
      }
      guard kept.isEmpty || kept.contains(true) else {
        return .failure(Reason(text: result.notes.map(\.message).joined(separator: "; ")))
      }
      var outcome = Outcome(result)
      if let decoding = experiment.decoding {
        outcome.add(Outcome(try simulate(decoding.operators)), times: decoding.steps)
      }
      return .success(outcome)
    } catch {
      return .failure(Reason(text: error.diagnostics.first?.message ?? "it cannot run"))
    }
  }

  private static func pairs(_ experiment: Experiment, _ outcome: Outcome) -> [Pair] {
    var pairs = experiment.readings.compactMap { reading in
      reading.value.flatMap { measured in
        outcome[reading.metric].map { Pair(reading.metric, measured: measured, predicted: $0) }
      }
    }
    if let time = pairs.first(where: { $0.metric == .time }), let power = pairs.first(where: { $0.metric == .power }) {
      pairs.append(
        Pair(
          .energy, measured: time.measured * power.measured, predicted: time.predicted * power.predicted))
    }
    return pairs
  }

  /// The pair of speedups over the row's dense experiment, where both were measured and predicted.
  private static func speedup(index: Int, _ experiments: [Experiment], _ outcomes: [Outcome?]) -> Pair? {
    guard let baseline = experiments[index].baseline, let dense = outcomes[baseline], let sparse = outcomes[index],
      let denseTime = experiments[baseline].time, let sparseTime = experiments[index].time
    else { return nil }
    return Pair(.speedup, measured: denseTime / sparseTime, predicted: dense.time / sparse.time)
  }
}

extension Experiment {
  /// The measured time.
  fileprivate var time: Double? { readings.first { $0.metric == .time }?.value }
}

/// What a simulation says about an experiment, in base units.
struct Outcome {
  var time: Double
  private var power: Double
  private var clock: Double?
  private var traffic: Traffic

  init(_ result: RunResult) {
    let totals = result.totals
    time = totals.elapsed.value
    power = totals.averagePower.value
    traffic = totals.traffic
    clock = result.estimates.count == 1 ? result.estimates[0].clock.value : nil
  }

  /// Appends runs of something else.
  mutating func add(_ other: Outcome, times: Int) {
    let energy = time * power + other.time * other.power * Double(times)
    time += other.time * Double(times)
    power = energy / time
    clock = nil
    traffic.add(other.traffic, times: times)
  }

  subscript(metric: Metric) -> Double? {
    switch metric {
    case .time: time
    case .power: power
    case .energy: time * power
    case .clock: clock
    case .l2Read: Double(traffic.l2Read.count)
    case .dramRead: Double(traffic.dramRead.count)
    case .speedup, .throughput: nil
    }
  }
}
