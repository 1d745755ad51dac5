public import Diagnostics
public import Hardware
import Reporting
public import Simulation
import Traces

extension Study {
  /// Spans of tiles that a timeline holds unless told otherwise: about 15 MB.
  public static var timelineSpans: Int { 100_000 }

  /// Writes what each unit of a machine does when, for the Perfetto UI; needs event fidelity.
  /// - Parameters:
  ///   - machine: the machine.
  ///   - options: how it is run.
  ///   - path: the file, which appears when it is whole.
  ///   - limit: spans of tiles at most; operators after that are there without their tiles.
  /// - Returns: a warning, where not all tiles are there.
  /// - Throws: every operator or option that the machine cannot run; `unwritable-file`.
  public func writeTimeline(
    on machine: Machine, options: SimulationOptions, to path: String, spans limit: Int = Self.timelineSpans
  ) throws(DiagnosticList) -> [Diagnostic] {
    let file = try ReplacementFile(path)
    try file.write(Array(ChromeTrace.begin(title: "\(workload.name) on \(machine.name)").utf8))
    let writer = TimelineWriter(file)
    let incomplete = try Simulator.timeline(
      of: workload, on: machine, options: options, spans: limit,
      tell: { (event) throws(DiagnosticList) in try writer.write(event) })
    try writer.flush()
    try file.write(Array(ChromeTrace.end.utf8))
    try file.commit()
    guard incomplete > 0 else { return [] }
    return [
      Diagnostic(
        .tooLarge,
        "\(path) shows \(incomplete) of \(workload.operators.count) operators without all their tiles",
        severity: .warning,
        help: "a timeline holds \(limit) spans, and no tiles of what runs beside other operators")
    ]
  }
}

/// Collects events to pieces that are worth writing. A class, because it is told of events one by one.
private final class TimelineWriter {
  private let file: ReplacementFile
  private var trace = ChromeTrace()
  private var text = ""

  init(_ file: ReplacementFile) { self.file = file }

  func write(_ event: TimelineEvent) throws(DiagnosticList) {
    text += trace.text(event)
    if text.utf8.count > 1 << 16 { try flush() }
  }

  func flush() throws(DiagnosticList) {
    try file.write(Array(text.utf8))
    text = ""
  }
}
