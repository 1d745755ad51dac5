public import Diagnostics
import Documents
public import Workloads

/// A workload in a format that others read.
public struct TraceExport: Sendable {
  /// The formats.
  public enum Format: String, CaseIterable, Sendable {
    /// A table with an operator a line, for spreadsheets and data frames.
    case csv
    /// The layer table that SCALE-Sim runs.
    case scaleSim = "scale-sim"
    /// The execution trace of MLCommons Chakra.
    case chakra
  }

  /// The file's content.
  public var bytes: [UInt8]
  /// Lines that are no header, or operators.
  public var rows: Int
  /// What the format cannot hold.
  public var warnings: [Diagnostic]

  /// Writes a workload out.
  /// - Throws: `too-large` for a table without end, `empty-trace` where the format holds none of its operators.
  public init(_ workload: Workload, as format: Format) throws(DiagnosticList) {
    switch format {
    case .csv: self.init(table: workload)
    case .scaleSim: try self.init(topology: workload)
    case .chakra: self.init(ChakraWriter.bytes(workload), rows: workload.operators.count)
    }
  }

  init(_ text: String, rows: Int, warnings: [Diagnostic] = []) {
    self.init(Array(text.utf8), rows: rows, warnings: warnings)
  }

  private init(_ bytes: [UInt8], rows: Int, warnings: [Diagnostic] = []) {
    self.bytes = bytes
    self.rows = rows
    self.warnings = warnings
  }

  /// One operator a line. Matrix operators have the sizes of the products they lower to (the first, where they are not
  /// equal), vector operators the elements they move; `macs` and `operations` are those of one run.
  private init(table workload: Workload) {
    var table = CSVTable([
      "index", "name", "kind", "phase", "shape", "data_type", "output_type", "weight_type", "repeats", "products", "m",
      "n", "k", "macs", "weight_elements", "elements_read", "elements_written", "operations", "weights_sparsity",
      "activations_sparsity", "scores_sparsity", "dependencies", "start_ns", "duration_ns",
    ])
    func pattern(_ pattern: SparsityPattern) -> String { pattern == .dense ? "" : pattern.description }
    for (index, op) in workload.operators.enumerated() {
      let problems = op.matrixProblems
      let work = op.vectorWork
      let first = problems.first
      let read = problems.reduce(work.elementsRead) { $0 + $1.aElements + $1.bElements }
      let written = problems.reduce(work.elementsWritten) { $0 + $1.cElements }
      table.add([
        "\(index)", op.name, op.kind.name, op.phase.rawValue, op.kind.shapeDescription, op.dataType.rawValue,
        op.outputType.rawValue, op.weightType?.rawValue ?? "", "\(op.repeats)",
        first == nil ? "" : cell(problems.reduce(0) { $0 + $1.count }), cell(first?.m), cell(first?.n), cell(first?.k),
        cell(op.denseMACs), cell(op.weightElements), cell(read), cell(written), cell(work.operations),
        pattern(op.sparsity.weights), pattern(op.sparsity.activations), pattern(op.sparsity.scores),
        op.dependencies.map(String.init).joined(separator: " "), cell(op.measured?.start.map { Int($0.nanoseconds) }),
        cell(op.measured?.duration.map { Int($0.nanoseconds) }),
      ])
    }
    self.init(table.text, rows: workload.operators.count)
  }
}
