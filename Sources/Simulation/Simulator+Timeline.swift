public import Diagnostics
public import Hardware
import Quantities
public import Workloads

extension Simulator {
  /// What happens when, told operator by operator while it is simulated; needs event fidelity.
  /// - Parameters:
  ///   - limit: spans of tiles at most; operators after that are told without their tiles.
  ///   - tell: takes each event. Spans of one unit come in order.
  /// - Returns: the number of operators whose tiles are missing or not all there.
  public static func timeline(
    of workload: Workload, on machine: Machine, options: SimulationOptions, spans limit: Int,
    tell: @escaping (TimelineEvent) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) -> Int {
    guard options.fidelity == .event else {
      throw DiagnosticList(
        Diagnostic(
          .unsupportedOperator, "closed forms know no tiles, and so no timeline", help: "ask for event fidelity"))
    }
    var teller: TimelineTeller? = TimelineTeller(limit: limit, tell: tell)
    _ = try simulate(workload, on: machine, options: options, without: [], timeline: &teller)
    return teller?.incomplete ?? 0
  }
}

/// Tells what happens when, as operators follow each other.
struct TimelineTeller {
  /// Spans that may still be told.
  private var limit: Int
  private let tell: (TimelineEvent) throws(DiagnosticList) -> Void
  private var now = Seconds.zero
  /// Operators whose tiles were not told, or not all.
  private(set) var incomplete = 0

  init(limit: Int, tell: @escaping (TimelineEvent) throws(DiagnosticList) -> Void) {
    (self.limit, self.tell) = (limit, tell)
  }

  /// Tells of an operator, and of the tiles of its first run. One that runs beside others has no place of its own for
  /// them.
  mutating func add<E: Engine>(
    _ result: RunResult.OperatorResult, of task: (task: Task, estimate: Estimate)?, _ engine: E
  ) throws(DiagnosticList) {
    let end = now + result.exposed * Double(result.repeats)
    defer { now = end }
    guard result.exposed > .zero else { return }
    try tell(.operator(name: result.name, kind: result.kind, begin: now, end: end))
    guard let task, result.exposed == task.estimate.elapsed, limit > 0,
      let (recording, description) = engine.recording(of: task.task, task.estimate, limit: limit)
    else {
      incomplete += 1
      return
    }
    for event in recording.events(of: description, from: now) { try tell(event) }
    limit -= recording.spans.count
    if recording.isCut {
      limit = 0
      incomplete += 1
    }
  }
}
