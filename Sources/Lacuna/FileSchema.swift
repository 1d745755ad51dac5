public import Diagnostics
import Documents
import Exploration
import Hardware
import Reporting
import Simulation
import Traces
import Workloads

/// The files that Lacuna reads and writes, as JSON Schemas (draft 2020-12) for editors and checkers.
///
/// Those of files that are read come from the readers themselves, which are run to see what they ask for
/// (`SchemaRecorder`); that of results from what is written of a run.
public enum FileSchema: String, CaseIterable, Sendable {
  /// A machine description.
  case hardware
  /// A study: a search through designs.
  case study
  /// A line of a trace in JSON Lines.
  case trace
  /// What `simulate --format json` writes.
  case result

  /// The schema as text.
  /// - Throws: `unknown-hardware` for ``result`` where the machines that come with Lacuna are not found.
  public func text() throws(DiagnosticList) -> String { JSONReport.text(try document()) }

  /// The schema.
  /// - Throws: as ``text()``.
  func document() throws(DiagnosticList) -> Node {
    switch self {
    case .hardware:
      let schema = MachineReader.schema()
      return schemaDocument(
        "A Lacuna machine description",
        schema.rule + [("$defs", .object(schema.definitions(KeyDescriptions.hardware, isYAML: true)))])
    case .study:
      guard case .mapping(let entries) = DesignStudy.schema().root.schema(KeyDescriptions.study, isYAML: true).content
      else { preconditionFailure("a study is a mapping") }
      return schemaDocument("A Lacuna study", entries.map { ($0.key, $0.value) })
    case .trace:
      let (header, operators) = TraceReader.schema()
      return schemaDocument(
        "A line of a Lacuna trace: its header first, then operators",
        [
          ("if", .object([("required", .list([.text("lacuna_trace")]))])),
          ("then", .object([("$ref", .text("#/$defs/header"))])), ("else", .object(operators.rule)),
          (
            "$defs",
            .object(
              [("header", header.root.schema(KeyDescriptions.traceHeader, isYAML: false))]
                + operators.definitions(KeyDescriptions.traceOperator, isYAML: false))
          ),
        ])
    case .result:
      return schemaDocument("What Lacuna writes of a run", JSONReport.schema(ofRunsLike: try Self.sampleRun()))
    }
  }

  /// A run that has something of all that a report can have.
  private static func sampleRun() throws(DiagnosticList) -> RunReport {
    let workload = Workload(
      name: "sample", source: "schema", samples: 1,
      operators: [
        Operator(name: "fc", kind: .gemm(GEMM(m: 256, n: 256, k: 256)), dataType: .fp16),
        // A pattern that nothing in the machine takes is noted.
        Operator(
          name: "all", kind: .gemm(GEMM(m: 256, n: 256, k: 256)), dataType: .fp16,
          sparsity: OperandSparsity(activations: .unstructured(zeros: 0.5))),
      ], skipped: [Workload.Skipped(reason: "moves no data", count: 1, examples: ["view"])])
    return try Study(workload, sparsity: [try SparsityRule(parsing: "fc:weights=2:4")]).run(
      on: "h200", options: SimulationOptions(fidelity: .event))
  }
}
