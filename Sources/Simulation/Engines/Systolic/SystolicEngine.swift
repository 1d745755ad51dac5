import Diagnostics
import Hardware
import Quantities
import Workloads

/// Systolic arrays: plain ones as SCALE-Sim describes them (Samajdar et al., ISPASS 2020; v3, 2025) and SAT, an array
/// of N:M elements for training (Fang et al., arXiv 2309.13015, of which only the abstract's figures are known here;
/// what its description assumes is marked so).
///
/// - Array: ``FoldedProduct``. Operators with several products (groups, batches, heads) run one after another.
///   Where the array has two dataflows, each operator takes the faster: off-line scheduling. So it does of strips of
///   rows as long as sums allow, and as short as their buffer asks. `--mapping search` looks at all tiles and orders of
///   loops beside these (``searched(_:_:_:from:)``).
/// - Memory: ``OperandTraffic``; operands stream through buffers of which one half fills while the other is used, so
///   that an operator takes, with t₀ = memory latency + loading the first fold's filters,
///
///       elapsed = t₀ + max(array, off-chip traffic − first filters, on-line pruning)
///
/// - Dense products on group elements may hold several values an element, up to the largest group, as pruned ones do:
///   without that, pruned products would gain more than M/N by loading the array less often.
/// - N:M: of the weights, or of the other operand where the weights are dense (pruned gradients); the pruned operand
///   is stored compact, ⌈log2 M⌉ bits of position a value, and is the one that stays in weight-stationary folds.
/// - Vector operators run on the vector unit, optimizer steps on the updater, pruning on the pruner, each bound by
///   its rate or by memory. Weights that are pruned after their update come straight from the updater, where there is
///   one. What the description lets run beside weight gradients does; the rest runs one after another.
///
/// With event fidelity the same mapping runs tile by tile (``pipeline(_:_:)``), which knows bursts and DRAM pages.
///
/// Left out: bank conflicts and ports of the buffers, which are as wide as the array's edges ask; in the closed forms,
/// refilling a half buffer in bursts and DRAM pages.
struct SystolicEngine: Engine {
  let array: SystolicArray
  /// What its products fold onto.
  let shape: ArrayShape
  /// What an operator may choose from; at least one.
  let dataflows: [SystolicArray.Dataflow]
  /// What the model leaves out beside the machine's own limits.
  let ignored: Set<LossCause>
  /// Closed forms, or tile by tile.
  let fidelity: SimulationOptions.Fidelity
  /// Whether mappings are searched for beside those that it takes by itself.
  let searches: Bool

  init(
    _ array: SystolicArray, machine: String, dataflow: SystolicArray.Dataflow?,
    mapping: SimulationOptions.Mapping = .usual,
    fidelity: SimulationOptions.Fidelity = .analytic, without causes: Set<LossCause> = []
  ) throws(DiagnosticList) {
    self.array = array.idealised(without: causes)
    shape = ArrayShape(self.array)
    self.fidelity = fidelity
    searches = mapping == .search
    ignored = causes
    guard let dataflow else {
      dataflows = array.dataflows
      return
    }
    guard array.dataflows.contains(dataflow) else {
      let known = array.dataflows.map(\.rawValue).joined(separator: ", ")
      throw DiagnosticList(
        Diagnostic(
          .unsupportedOperator, "\(machine) has no dataflow '\(dataflow.rawValue)'; it has \(known)",
          help: "leave the dataflow out to take the faster one for each operator"))
    }
    dataflows = [dataflow]
  }

  /// Inputs and result together in no more than half the smaller buffer leave both room in their own.
  var residentCapacity: Int { Int(min(array.inputBuffer, array.outputBuffer).count / 2) }

  var fitting: SystolicFitting { SystolicFitting(array) }

  /// The faster one; of equally fast ones the first.
  private func faster(_ a: Schedule, _ b: Schedule) -> Schedule { b.elapsed < a.elapsed ? b : a }

  func estimate(_ task: Task) -> Estimate { fidelity == .event ? eventEstimate(task) : analyticEstimate(task) }

  private func analyticEstimate(_ task: Task) -> Estimate {
    task.op.kind.isMatrix ? estimate(task.op, bestSchedule(task)) : estimateVector(task)
  }

  /// The fastest of all dataflows, strips kept and not, and of searched mappings where they are asked for, by the closed
  /// forms.
  func bestSchedule(_ task: Task) -> Schedule {
    var best = schedule(task, dataflow: dataflows[0])
    for (index, dataflow) in dataflows.enumerated() {
      if index > 0 { best = faster(best, schedule(task, dataflow: dataflow)) }
      if dataflow == .weightStationary {
        best = faster(best, schedule(task, dataflow: dataflow, keepsRows: true))
      }
    }
    return searches ? searched(task, from: best) : best
  }
}

extension SystolicEngine {
  /// Puts together the answer for an operator on the vector unit, the pruner or the updater.
  func estimateVector(_ task: Task) -> Estimate {
    let op = task.op
    let work = op.vectorWork
    var cycles = vectorCycles(work)
    var mapping = Mapping.vector
    var bound = Bound.vector
    var isSkipped = false
    switch op.kind {
    case .update(let update):
      if let updater = array.updater {
        cycles = Double(update.parameters.dividedRoundingUp(by: updater.lanes))
        mapping = .updater
      }
    case .pruning(let pruning):
      if let pruner = array.pruner {
        // Without pre-generation weights are pruned each time they are loaded, as part of their product.
        isSkipped = op.phase == .update && !pruner.pregenerates
        cycles = isSkipped ? 0 : Double(pruner.cycles(pruning))
        mapping = .pruner
        bound = .decode
      }
    default: break
    }
    let footprint = task.footprint
    let comesFromUpdater = mapping == .pruner && op.phase == .update && array.updater != nil
    let read = isSkipped || task.inputsOnChip || comesFromUpdater ? Bytes.zero : footprint.b
    let written = isSkipped || task.outputOnChip ? Bytes.zero : footprint.c
    let memory = (read + written) / array.dram.streamBandwidth
    let busy = Seconds(max(1, cycles.rounded(.up)) / array.clock.value)
    let latency = read + written == .zero ? Seconds.zero : array.dram.latency
    let elapsed = latency + max(busy, memory)

    var stalled = TimeByBound()
    stalled[.dram] = elapsed - busy
    let operations = isSkipped ? 0 : Double(work.operations + work.transcendentals)
    return Estimate(
      elapsed: elapsed, cycles: wholeCycles(elapsed), clock: array.clock,
      bound: elapsed - busy > busy || memory > busy ? .dram : bound, matrix: UnitTime(idle: elapsed),
      vector: UnitTime(busy: busy, stalled: stalled), memory: UnitTime(busy: memory, of: elapsed), macs: MACCount(),
      traffic: Traffic(dramRead: read, dramWritten: written),
      energy: EnergyBreakdown(
        vector: operations * array.vector.energy,
        dram: array.dram.energy(read: Double(read.count), written: Double(written.count)),
        idle: array.idle * elapsed),
      isPowerCapped: false, mapping: mapping)
  }

  /// Cycles of the vector unit: its two pipelines work side by side.
  func vectorCycles(_ work: VectorWork) -> Double {
    max(
      Double(work.operations) / array.vector.operationsPerCycle,
      Double(work.transcendentals) / array.vector.transcendentalsPerCycle)
  }

  /// `time` in cycles that have begun; what is whole but for rounding stays whole.
  func wholeCycles(_ time: Seconds) -> Cycles {
    Cycles(Int64((time.value * array.clock.value * (1 - 1e-12)).rounded(.up)))
  }
}

extension SystolicArray.Pruner {
  /// Each lane takes one value of its group a cycle; while the next groups come in, the kept values of the last ones
  /// leave, so that only those of the very last group add to the time.
  func cycles(_ pruning: Pruning) -> Int {
    let groups = pruning.elements.dividedRoundingUp(by: pruning.m)
    return groups.dividedRoundingUp(by: lanes) * pruning.m + pruning.n
  }
}
