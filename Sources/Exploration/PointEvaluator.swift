import Diagnostics
import Documents
import Hardware
import Quantities
import Simulation
import Synchronization
import Workloads

/// Gives the answer for points of a study. The answer of a point depends on nothing but the study and the point.
final class PointEvaluator: Sendable {
  let study: DesignStudy
  /// The parameters that change workloads.
  private let settings: [(parameter: Int, setting: WorkloadSetting)]
  /// Workloads by the values of `settings`.
  private let variants = Mutex<[[Value?]: [Result<RepeatedSimulation, DiagnosticList>]]>([:])
  private static let mostVariants = 4096

  init(_ study: DesignStudy) {
    self.study = study
    var settings: [(Int, WorkloadSetting)] = []
    for (index, parameter) in study.space.parameters.enumerated() {
      for case .workload(let setting) in parameter.targets { settings.append((index, setting)) }
    }
    self.settings = settings
  }

  /// The answer for the point with these values.
  func result(_ index: Int, _ values: [Value?]) -> PointResult {
    func infeasible(_ reason: Verdict.Reason, _ detail: String, _ figures: [Double] = [], _ objectives: [Double] = [])
      -> PointResult
    {
      PointResult(
        index: index, values: values, verdict: .infeasible(reason, detail: detail), figures: figures,
        objectives: objectives)
    }
    func said(_ list: DiagnosticList) -> (code: String, message: String) {
      (list.diagnostics.first?.code.rawValue ?? "", list.diagnostics.first?.message ?? "")
    }

    for (parameter, value) in zip(study.space.parameters, values) {
      if case .number(let number)? = value, !number.isFinite {
        return infeasible(.parameter(parameter.name), "\(parameter.name) is \(number)")
      }
    }
    for constraint in study.space.constraints where !constraint.expression.holds(values) {
      return infeasible(.constraint(constraint.expression.text), "")
    }
    let machine: Machine
    switch study.template.machine(with: study.space.constantValues(values)) {
    case .success(let read): machine = read
    case .failure(let list):
      let (code, message) = said(list)
      return infeasible(.machine(code), message)
    }
    var totals: [(weight: Double, totals: WorkloadTotals)] = []
    totals.reserveCapacity(study.workloads.count)
    for (workload, variant) in zip(study.workloads, variant(values)) {
      switch variant {
      case .failure(let list):
        let (code, message) = said(list)
        return infeasible(.workload(code), "\(workload.name): \(message)")
      case .success(let simulation):
        do throws(DiagnosticList) {
          totals.append((workload.weight, WorkloadTotals(try simulation.totals(on: machine))))
        } catch {
          let (code, message) = said(error)
          return infeasible(.run(code), "\(workload.name): \(message)")
        }
      }
    }
    let figures = Figures.values(totals, area: machine.totalArea)
    let names = values + figures.map(Value.number)
    let objectives = study.objectives.map { $0.expression.number(names) }
    for constraint in study.constraints where !constraint.expression.holds(names) {
      return infeasible(.constraint(constraint.expression.text), "", figures, objectives)
    }
    return PointResult(index: index, values: values, verdict: .feasible, figures: figures, objectives: objectives)
  }

  // MARK: Workloads

  private func variant(_ values: [Value?]) -> [Result<RepeatedSimulation, DiagnosticList>] {
    let key = settings.map { values[$0.parameter] }
    if let known = variants.withLock({ $0[key] }) { return known }
    let made = study.workloads.map { workload in
      Result { () throws(DiagnosticList) in try prepare(workload, key) }
    }
    variants.withLock { variants in
      if variants.count >= Self.mostVariants { variants.removeAll() }
      variants[key] = made
    }
    return made
  }

  private func prepare(_ workload: StudyWorkload, _ values: [Value?]) throws(DiagnosticList) -> RepeatedSimulation {
    var changes = workload.changes
    var samples = workload.samples
    var options = workload.options
    for (value, (_, setting)) in zip(values, settings) {
      guard let value else { continue }
      let text = value.description
      switch setting {
      case .sparsity: changes.rules.append(try SparsityRule(parsing: "weights=\(text)"))
      case .training: changes.training = TrainingMethod(rawValue: text)
      case .dataType: changes.dataType = DataType(rawValue: text)
      case .weightType: changes.weightType = DataType(rawValue: text)
      case .mapping: options.mapping = SimulationOptions.Mapping(rawValue: text) ?? options.mapping
      case .samples:
        if case .number(let number) = value { samples = Int(number) }
      }
    }
    // Without pruning a method that prunes is dense training, so that `dense` can stand in a list of patterns.
    if let training = changes.training, training != .dense, changes.rules.allSatisfy({ $0.pattern == .dense }) {
      changes.training = .dense
      changes.rules = []
    }
    let trace = try samples.map { (samples) throws(DiagnosticList) in try workload.trace.withSamples(samples) }
    return RepeatedSimulation(
      try (trace ?? workload.trace).changed(by: changes).workload, options: options)
  }
}
