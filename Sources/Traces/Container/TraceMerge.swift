public import Diagnostics
import Workloads

/// Several traces as one.
public enum TraceMerge {
  /// Appends traces one after another, with dependencies as they were within each.
  /// - Parameters:
  ///   - inputs: paths in any format that is read.
  ///   - output: the file to write.
  ///   - name: what the result is called; the inputs' names joined by `+` if nil.
  /// - Returns: how many operators there are now.
  public static func merge(
    _ inputs: [String], to output: String, name: String? = nil, options: ImportOptions = ImportOptions(),
    threads: Int? = nil
  ) throws(DiagnosticList) -> Int {
    var parts: [Part] = []
    for input in inputs { parts.append(try Part(input, options)) }
    let headers = parts.map(\.header)
    let samples = Set(headers.map(\.samples))
    let header = Workload(
      name: name ?? headers.map(\.name).joined(separator: "+"),
      source: headers.map { "\($0.name): \($0.source)" }.joined(separator: "; "),
      // Steps of one batch keep its size; others have none in common.
      samples: samples.count == 1 ? samples.first ?? nil : nil, operators: [], skipped: headers.flatMap(\.skipped))
    let writer = try TraceFileWriter(output, header: header, threads: threads)
    for part in parts {
      let offset = writer.count
      try part.forEach { (op) throws(DiagnosticList) in try writer.append(op.renumbered { $0 + offset }) }
    }
    try writer.finish()
    return writer.count
  }

  /// One of the traces; a container is read block by block.
  private enum Part {
    case container(TraceContainer)
    case workload(Workload)

    init(_ path: String, _ options: ImportOptions) throws(DiagnosticList) {
      if let container = try? TraceContainer(path: path) {
        self = .container(container)
      } else {
        self = .workload(try TraceReader.read(path, options: options).workload)
      }
    }

    var header: Workload {
      switch self {
      case .container(let container): container.header
      case .workload(let workload): workload
      }
    }

    func forEach(_ body: (Operator) throws(DiagnosticList) -> Void) throws(DiagnosticList) {
      switch self {
      case .container(let container): try container.forEach(in: 0..<container.operatorCount, body)
      case .workload(let workload): for op in workload.operators { try body(op) }
      }
    }
  }
}
