import Quantities
public import Reporting
public import Traces

extension TraceReport {
  /// A report on a trace that was read.
  /// - Parameters:
  ///   - trace: the trace.
  ///   - path: the file that it was read from, to say how it is stored; nil or `-` where there is none.
  public init(_ trace: ImportedTrace, path: String? = nil) {
    self.init(trace.workload, format: trace.format.title)
    guard let path, let file = InputFile.size(path) else { return }
    let blocks = trace.format == .container ? (try? TraceContainer(path: path))?.blockCount : nil
    // A model description is no trace that is stored small.
    guard trace.format == .container || trace.format == .jsonLines else { return }
    let text = TraceWriter.jsonLines(trace.workload).count
    storage = Storage(file: file, text: Bytes(Int64(text)), blocks: blocks)
  }
}
