public import Diagnostics
import Documents
public import Workloads

/// Writes workloads in the native text format.
public enum TraceWriter {
  /// The workload as JSON Lines: keys in a fixed order, defaults left out, so that equal workloads give equal bytes.
  public static func jsonLines(_ workload: Workload) -> [UInt8] {
    var text = headerLine(workload)
    for operation in workload.operators {
      JSONText.object(operation.jsonMembers).write(to: &text)
      text += "\n"
    }
    return Array(text.utf8)
  }

  /// The first line, its end included.
  static func headerLine(_ workload: Workload) -> String {
    var header: [(String, JSONText)] = [
      ("lacuna_trace", .integer(JSONLinesReader.version)), ("name", .string(workload.name)),
      ("source", .string(workload.source)),
    ]
    if let samples = workload.samples { header.append(("samples", .integer(samples))) }
    if !workload.skipped.isEmpty {
      header.append(
        (
          "skipped",
          .list(
            workload.skipped.map {
              .object([
                ("reason", .string($0.reason)), ("count", .integer($0.count)),
                ("examples", .list($0.examples.map(JSONText.string))),
              ])
            })
        ))
    }
    if let attributes = workload.attributes { header.append(("attributes", .written(attributes))) }
    var text = ""
    JSONText.object(header).write(to: &text)
    return text + "\n"
  }

  /// Writes the workload in the format that the end of `path` names: a container (`.ltrace`), JSON Lines compressed by
  /// Zstandard (`.zst`), or JSON Lines.
  ///
  /// The file appears whole or not at all: it is written beside its place, flushed to disk and renamed.
  /// - Throws: `unwritable-file`, and `too-large` if there is no memory to compress.
  public static func write(_ workload: Workload, to path: String) throws(DiagnosticList) {
    let file = try ReplacementFile(path)
    if path.hasSuffix(".ltrace") {
      try TraceContainer.write(workload) { (bytes) throws(DiagnosticList) in try file.write(bytes) }
    } else if path.hasSuffix(".zst") {
      guard let compressed = Compression.zstandard(jsonLines(workload)) else {
        throw DiagnosticList(Diagnostic(.tooLarge, "no memory to compress \(path)"))
      }
      try file.write(compressed)
    } else {
      try file.write(jsonLines(workload))
    }
    try file.commit()
  }
}

/// JSON that is to be written, its keys in the order given.
enum JSONText {
  case integer(Int)
  case bool(Bool)
  case string(String)
  case list([JSONText])
  case object([(String, JSONText)])
  /// What is JSON already.
  case written(String)

  func write(to text: inout String) {
    switch self {
    case .integer(let value): text += String(value)
    case .bool(let value): text += value ? "true" : "false"
    case .string(let value): text.append(jsonQuoting: value)
    case .written(let value): text += value
    case .list(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, (key, value)) in members.enumerated() {
        if index > 0 { text += "," }
        text.append(jsonQuoting: key)
        text += ":"
        value.write(to: &text)
      }
      text += "}"
    }
  }
}
