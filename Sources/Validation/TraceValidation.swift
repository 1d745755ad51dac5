public import Diagnostics
public import Hardware
public import Quantities
public import Simulation
public import Workloads

/// A trace whose operators were timed, with the simulator's time of each beside it.
///
/// An operator's measured time is that of its kernels on the device. The predicted time is the operator's own, with the
/// launch that the model counts to every kernel; gaps between kernels are in neither.
public struct TraceValidation: Sendable {
  /// Operators that are alike: kind, shape, phase, types and patterns.
  public struct Signature: Sendable {
    /// The first of them.
    public var example: Operator
    /// What is compared of them; nil where nothing can be.
    public var times: Times?
    /// Why nothing is compared.
    public var notCompared: String?
    /// How many runs they are together.
    public var runs: Int
    /// Measured time of all runs; zero where there is none.
    public var measured: Seconds
  }

  /// Times of runs that are both measured and predicted.
  public struct Times: Sendable {
    /// How many.
    public var runs = 0
    /// Their measured time.
    public var measured = Seconds.zero
    /// Their predicted time.
    public var predicted = Seconds.zero
    /// Σ |predicted / measured − 1| over runs.
    private var relativeErrors = 0.0
    /// Σ |predicted − measured| over runs.
    private var absoluteErrors = Seconds.zero

    /// The mean of |predicted / measured − 1|, every run the same.
    public var meanError: Double { relativeErrors / Double(runs) }
    /// Σ |predicted − measured| / Σ measured: every microsecond the same.
    public var timeWeightedError: Double { absoluteErrors / measured }
    /// Predicted over measured time, less one.
    public var error: Double { predicted / measured - 1 }

    mutating func add(measured: Seconds, predicted: Seconds, runs: Int) {
      let count = Double(runs)
      self.runs += runs
      self.measured += measured * count
      self.predicted += predicted * count
      relativeErrors += (predicted / measured - 1).magnitude * count
      absoluteErrors += Seconds((predicted - measured).value.magnitude) * count
    }
  }

  /// The workload's name.
  public let workload: String
  /// Where it was recorded.
  public let source: String
  /// The machine that was simulated.
  public let machine: String
  /// All operators, in the order in which signatures first appear.
  public let signatures: [Signature]
  /// Everything that is compared; nil where nothing is.
  public let total: Times?
  /// The same by kind, in the order in which kinds first appear.
  public let kinds: [(kind: String, times: Times)]
  /// What the trace holds no operators for; time on the device that belongs to none is told here.
  public let skipped: [Workload.Skipped]

  /// Simulates a workload and compares.
  /// - Throws: `empty-trace` where no operator has a measured duration, and what keeps everything from being simulated.
  public init(
    _ workload: Workload, on machine: Machine, power: SimulationOptions.Power = .burst
  ) throws(DiagnosticList) {
    guard workload.operators.contains(where: { $0.measured?.duration != nil }) else {
      throw DiagnosticList(
        Diagnostic(
          .emptyTrace, "no operator of '\(workload.name)' has a measured duration",
          help: "record with torch.profiler and record_shapes=True, and give its trace"))
    }
    var options = SimulationOptions(power: power)
    // It ran where it was measured.
    options.checksMemory = false
    let predictions = try Self.predict(workload, on: machine, options)

    struct Key: Hashable {
      var op: Operator
      var reason: String?
    }
    var places: [Key: Int] = [:]
    var signatures: [Signature] = []
    var total = Times()
    var kinds: [(kind: String, times: Times)] = []
    for (op, prediction) in zip(workload.operators, predictions) {
      let measured = op.measured?.duration.map(Seconds.init) ?? .zero
      let reason: String? =
        switch prediction {
        case _ where measured == .zero: "no kernel was measured"
        case .failure(let refusal): refusal.reason
        case .success(.zero): "takes no time of its own on \(machine.name)"
        case .success: nil
        }
      let key = Key(op: op.signature, reason: reason)
      let place = places[key] ?? signatures.count
      if place == signatures.count {
        places[key] = place
        signatures.append(Signature(example: op, times: nil, notCompared: reason, runs: 0, measured: .zero))
      }
      signatures[place].runs += op.repeats
      signatures[place].measured += measured * Double(op.repeats)
      guard reason == nil, case .success(let predicted) = prediction else { continue }
      signatures[place].times = signatures[place].times ?? Times()
      signatures[place].times?.add(measured: measured, predicted: predicted, runs: op.repeats)
      total.add(measured: measured, predicted: predicted, runs: op.repeats)
      let kind = kinds.firstIndex { $0.kind == op.kind.name } ?? kinds.count
      if kind == kinds.count { kinds.append((op.kind.name, Times())) }
      kinds[kind].times.add(measured: measured, predicted: predicted, runs: op.repeats)
    }
    self.workload = workload.name
    source = workload.source
    self.machine = machine.name
    self.signatures = signatures
    self.total = total.runs == 0 ? nil : total
    self.kinds = kinds
    skipped = workload.skipped
  }

  /// Measured time of operators that are not compared.
  public var notCompared: Seconds {
    signatures.reduce(.zero) { $0 + ($1.times == nil ? $1.measured : .zero) }
  }

  private struct Refusal: Error { var reason: String }

  /// The time of each operator, or why the machine cannot run it. Those that can are simulated together.
  private static func predict(
    _ workload: Workload, on machine: Machine, _ options: SimulationOptions
  ) throws(DiagnosticList) -> [Result<Seconds, Refusal>] {
    var refusals: [Operator: String] = [:]
    var kept = Array(workload.operators.indices)
    var result: RunResult
    do throws(DiagnosticList) {
      result = try Simulator.simulate(workload, on: machine, options: options)
    } catch {
      for op in Set(workload.operators.map(\.signature)) {
        var alone = workload
        alone.operators = [op]
        do throws(DiagnosticList) { _ = try Simulator.simulate(alone, on: machine, options: options) } catch {
          refusals[op] = error.diagnostics.first?.message ?? "it cannot run"
        }
      }
      kept = kept.filter { refusals[workload.operators[$0].signature] == nil }
      // What is wrong with all of them together, or with every one, is for the user to know.
      guard !refusals.isEmpty, !kept.isEmpty else { throw error }
      result = try Simulator.simulate(workload.keeping(kept), on: machine, options: options)
    }
    var times: [Int: Seconds] = [:]
    for (index, answer) in zip(kept, result.operators) { times[index] = result.estimate(of: answer).elapsed }
    return workload.operators.enumerated().map { index, op in
      times[index].map(Result.success) ?? .failure(Refusal(reason: refusals[op.signature] ?? "it cannot run"))
    }
  }
}

extension Operator {
  /// The operator without what tells it from its like.
  fileprivate var signature: Operator {
    var signature = self
    (signature.name, signature.dependencies, signature.repeats) = ("", [], 1)
    (signature.measured, signature.attributes) = (nil, nil)
    return signature
  }
}

extension Workload {
  /// Some of the operators; who used the result of another uses what that one used.
  fileprivate func keeping(_ indices: [Int]) -> Workload {
    var places: [Int: Int] = [:]
    for (place, index) in indices.enumerated() { places[index] = place }
    var sources: [[Int]] = []
    for (index, op) in operators.enumerated() {
      let inputs = Set(op.dependencies.flatMap { sources[$0] }).sorted()
      sources.append(places[index].map { [$0] } ?? inputs)
    }
    var result = self
    result.operators = indices.map { index in
      var op = operators[index]
      op.dependencies = Set(op.dependencies.flatMap { sources[$0] }).sorted()
      return op
    }
    return result
  }
}

extension Seconds {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(Double(seconds) + Double(attoseconds) * 1e-18)
  }
}
