public import Diagnostics
public import Hardware
import Quantities
public import Workloads

/// From a pattern's ideal speedup down to the predicted one, a step for each cause.
///
/// The ideal is the dense multiply-accumulates over the useful ones, of the operators whose pattern the machine
/// exploits. Then the workload and its dense baseline are simulated again and again, first with a model that has none
/// of the causes, then with one more of them each time, in the order of ``LossCause``:
///
/// 1. the rate at which the machine multiplies kept values, and nothing else;
/// 2. operand bandwidth, 3. pipeline overhead and fill, 4. tiles, waves and imbalance, 5. softmax within attention,
///    6. pruning on load, 7. the shared cache, 8. the network, 9. off-chip memory, 10. metadata, 11. launch,
///    12. the power cap: those of them that the machine's family has;
/// 13. products that stay dense, and 14. vector operators, which are summed from here on: up to here, only the
///    exploited operators' times count.
///
/// A step's speedup is the dense time over the sparse time of its simulation, its factor that over the step before:
///
///     ideal · factor₁ · factor₂ · … = predicted
///
/// exactly. A factor above 1 says that the dense run suffers more. What a cause is given depends on the order: where
/// two resources are equally short, the first takes the loss.
///
/// Left out: on-chip residency is always the real machine's; every model picks its own fastest kernels.
public struct SpeedupWaterfall: Hashable, Sendable {
  /// The workload's name, or the glob of the operators it was computed for.
  public var subject: String
  /// The machine's name.
  public var machine: String
  /// Dense over useful multiply-accumulates of the exploited operators; 1 where there is none.
  public var ideal: Double
  /// The causes in order.
  public var steps: [Step]

  /// One cause.
  public struct Step: Hashable, Sendable {
    /// What it is.
    public var cause: LossCause
    /// What it leaves of the speedup before it.
    public var factor: Double
    /// The speedup after it.
    public var speedup: Double

    /// A step.
    public init(cause: LossCause, factor: Double, speedup: Double) {
      self.cause = cause
      self.factor = factor
      self.speedup = speedup
    }
  }

  /// A waterfall.
  public init(subject: String, machine: String, ideal: Double, steps: [Step]) {
    self.subject = subject
    self.machine = machine
    self.ideal = ideal
    self.steps = steps
  }

  /// The speedup of the whole model.
  public var predicted: Double { steps.last?.speedup ?? ideal }

  /// The step that takes the most; nil where none takes anything.
  public var largestLoss: Step? {
    steps.min { $0.factor < $1.factor }.flatMap { $0.factor < 1 - 1e-9 ? $0 : nil }
  }
}

extension SpeedupWaterfall {
  /// Computes it for a step of `workload` beside its dense `baseline`, or for some of its operators.
  /// - Parameter glob: names of the operators it is computed for, `*` standing for any characters; nil for all. They
  ///   are simulated in their place among the others.
  /// - Throws: `matches-nothing`, or everything the machine cannot run.
  public init(
    of workload: Workload, baseline: Workload, on machine: Machine, operators glob: String? = nil,
    options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) {
    if let glob, !workload.operators.contains(where: { $0.name.fits(glob: glob) }) {
      let close = nearest(to: glob, among: workload.operators.map(\.name))
      throw DiagnosticList(
        Diagnostic(
          .matchesNothing, "no operator of '\(workload.name)' is named '\(glob)'",
          help: close.map { "did you mean '\($0)'?" }
            ?? "names such as '\(workload.operators.first?.name ?? "")' can be given with * for any characters"))
    }
    let causes = machine.causes
    let whole = try Comparison(workload, baseline, machine, options, without: [])
    let parts = ComparedParts(whole, fits: { name in glob.map { name.fits(glob: $0) } ?? true })
    let ideal = parts.ideal(of: whole)

    var steps: [Step] = []
    var last = ideal
    var removed = Set(causes)
    var comparison = whole
    for cause in causes {
      removed.remove(cause)
      if cause.isOfOperators {
        // Nothing of the model is missing any more.
        comparison = whole
      } else {
        comparison = try Comparison(workload, baseline, machine, options, without: removed)
      }
      let speedup = parts.speedup(of: comparison, without: removed)
      steps.append(Step(cause: cause, factor: speedup / last, speedup: speedup))
      last = speedup
    }
    self.init(subject: glob ?? workload.name, machine: machine.name, ideal: ideal, steps: steps)
  }
}

extension Comparison {
  fileprivate init(
    _ workload: Workload, _ baseline: Workload, _ machine: Machine, _ options: SimulationOptions,
    without causes: Set<LossCause>
  ) throws(DiagnosticList) {
    self.init(
      run: try Simulator.simulate(workload, on: machine, options: options, without: causes),
      dense: try Simulator.simulate(baseline, on: machine, options: options.ofBaseline, without: causes))
  }
}

/// Which operators of a run and of its dense baseline count, by what becomes of them.
private struct ComparedParts {
  /// Pairs whose pattern the machine exploits.
  private var exploited: [(run: Int, dense: Int)] = []
  private var otherProducts: (run: [Int], dense: [Int]) = ([], [])
  private var vectors: (run: [Int], dense: [Int]) = ([], [])

  private struct Key: Hashable {
    var name: String
    var phase: Phase
    /// How many of the same name and phase come before.
    var occurrence: Int
  }

  /// Operators of equal name and phase match in their order; those that one side lacks count on the other only.
  init(_ comparison: Comparison, fits: (String) -> Bool) {
    var counterparts = Self.keys(comparison.dense.operators)
    for (key, index) in Self.keys(comparison.run.operators).sorted(by: { $0.value < $1.value }) where fits(key.name) {
      let result = comparison.run.operators[index]
      let isMatrix = comparison.run.estimates[result.estimate].macs.dense > 0
      let dense = counterparts.removeValue(forKey: key)
      if isMatrix, result.sparsity != .dense, let dense {
        exploited.append((index, dense))
      } else if isMatrix {
        otherProducts.run.append(index)
        if let dense { otherProducts.dense.append(dense) }
      } else {
        vectors.run.append(index)
        if let dense { vectors.dense.append(dense) }
      }
    }
    for (key, index) in counterparts.sorted(by: { $0.value < $1.value }) where fits(key.name) {
      let result = comparison.dense.operators[index]
      if comparison.dense.estimates[result.estimate].macs.dense > 0 {
        otherProducts.dense.append(index)
      } else {
        vectors.dense.append(index)
      }
    }
  }

  private static func keys(_ operators: [RunResult.OperatorResult]) -> [Key: Int] {
    var counts: [Key: Int] = [:]
    var keys: [Key: Int] = [:]
    for (index, result) in operators.enumerated() {
      var key = Key(name: result.name, phase: result.phase, occurrence: 0)
      let occurrence = counts[key, default: 0]
      counts[key] = occurrence + 1
      key.occurrence = occurrence
      keys[key] = index
    }
    return keys
  }

  func ideal(of comparison: Comparison) -> Double {
    var macs = MACCount()
    for pair in exploited {
      let result = comparison.run.operators[pair.run]
      macs.add(comparison.run.estimate(of: result).macs, times: result.repeats)
    }
    return macs.useful > 0 ? Double(macs.dense) / Double(macs.useful) : 1
  }

  /// Dense over sparse time of the operators that count.
  func speedup(of comparison: Comparison, without removed: Set<LossCause>) -> Double {
    var run = exploited.map(\.run)
    var dense = exploited.map(\.dense)
    if !removed.contains(.denseProducts) {
      run += otherProducts.run
      dense += otherProducts.dense
    }
    if !removed.contains(.vectorOperators) {
      run += vectors.run
      dense += vectors.dense
    }
    let times = (Self.time(of: run, in: comparison.run), Self.time(of: dense, in: comparison.dense))
    // No operator on either side is no loss; vector work may also be hidden altogether.
    return times.0 > .zero && times.1 > .zero ? times.1 / times.0 : 1
  }

  private static func time(of indices: [Int], in result: RunResult) -> Seconds {
    // In the order of the run, so that all of it gives the very sum of its totals.
    indices.sorted().reduce(.zero) { $0 + result.operators[$1].exposed * Double(result.operators[$1].repeats) }
  }
}
