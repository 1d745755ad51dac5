public import Diagnostics
public import Hardware
import Synchronization
public import Workloads

/// A workload that runs on many machines, of which only the totals are wanted.
///
/// How its operators fit is found once for all machines that cannot differ in it (``OperatorFitting``); what a machine's
/// numbers decide is computed anew for each. Totals are those of ``Simulator/simulate(_:on:options:)`` to the last bit.
public final class RepeatedSimulation: Sendable {
  private let workload: Workload
  private let options: SimulationOptions
  private let known = Mutex<[Adapted]>([])
  private static let mostKnown = 64

  /// A workload as one kind of machine runs it.
  private final class Adapted: Sendable {
    let fitting: any OperatorFitting
    let workload: AdaptedWorkload

    init(_ fitting: any OperatorFitting, _ workload: AdaptedWorkload) {
      (self.fitting, self.workload) = (fitting, workload)
    }
  }

  /// Prepares to run a workload by closed forms.
  public init(_ workload: Workload, options: SimulationOptions = SimulationOptions()) {
    precondition(options.fidelity == .analytic, "runs are repeated by closed forms")
    (self.workload, self.options) = (workload, options)
  }

  /// Sums over a run.
  /// - Throws: everything that keeps the machine from running the workload.
  public func totals(on machine: Machine) throws(DiagnosticList) -> RunTotals {
    switch machine.architecture {
    case .tensorCore(let gpu): try totals(machine, TensorCoreEngine(gpu, options: options))
    case .s4(let processor): try totals(machine, S4Engine(processor))
    case .systolic(let array):
      try totals(
        machine,
        try SystolicEngine(array, machine: machine.name, dataflow: options.dataflow, mapping: options.mapping))
    }
  }

  private func totals<E: Engine>(_ machine: Machine, _ engine: E) throws(DiagnosticList) -> RunTotals {
    guard !workload.operators.contains(where: engine.refits) else {
      return try AdaptedWorkload(workload, to: engine, machine: machine.name, options: options).totals(
        on: engine, machine, options: options)
    }
    let fitting = engine.fitting
    let found = known.withLock { $0.first { ($0.fitting as? E.Fitting) == fitting } }
    if let found { return try found.workload.totals(on: engine, machine, options: options) }
    let adapted = try AdaptedWorkload(workload, to: engine, machine: machine.name, options: options)
    known.withLock { known in
      if known.count == Self.mostKnown { known.removeFirst() }
      known.append(Adapted(fitting, adapted))
    }
    return try adapted.totals(on: engine, machine, options: options)
  }
}
