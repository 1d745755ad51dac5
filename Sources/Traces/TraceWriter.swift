public import Diagnostics
import Documents
import SystemPackage
public import Workloads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes workloads in the native text format.
public enum TraceWriter {
  /// The workload as JSON Lines: keys in a fixed order, defaults left out, so that equal workloads give equal bytes.
  public static func jsonLines(_ workload: Workload) -> [UInt8] {
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
    var text = ""
    JSONText.object(header).write(to: &text)
    text += "\n"
    for operation in workload.operators {
      JSONText.object(operation.jsonMembers).write(to: &text)
      text += "\n"
    }
    return Array(text.utf8)
  }

  /// Writes the workload as JSON Lines, compressed by Zstandard if `path` ends in `.zst`.
  ///
  /// The file appears whole or not at all: it is written beside its place, flushed to disk and renamed.
  /// - Throws: `unwritable-file`.
  public static func write(_ workload: Workload, to path: String) throws(DiagnosticList) {
    var bytes = jsonLines(workload)
    if path.hasSuffix(".zst") {
      guard let compressed = Compression.zstandard(bytes) else {
        throw DiagnosticList(Diagnostic(.unwritableFile, "no memory to compress \(path)"))
      }
      bytes = compressed
    }
    do {
      try replace(FilePath(path), with: bytes)
    } catch {
      throw DiagnosticList(
        Diagnostic(
          .unwritableFile, "\(path) cannot be written: \(error)",
          help: "check that its folder exists and may be written"))
    }
  }

  private static func replace(_ path: FilePath, with bytes: [UInt8]) throws {
    // A name of its own for each process and moment keeps two writers apart.
    var temporary = path.removingLastComponent()
    temporary.append(".\(path.lastComponent?.string ?? "trace").\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp")
    let file = try FileDescriptor.open(
      temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    do {
      try file.closeAfter {
        _ = try file.writeAll(bytes)
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
      }
      guard unsafe rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
    } catch {
      unsafe unlink(temporary.string)
      throw error
    }
  }
}

/// JSON that is to be written, its keys in the order given.
enum JSONText {
  case integer(Int)
  case bool(Bool)
  case string(String)
  case list([JSONText])
  case object([(String, JSONText)])

  func write(to text: inout String) {
    switch self {
    case .integer(let value): text += String(value)
    case .bool(let value): text += value ? "true" : "false"
    case .string(let value): text.append(jsonQuoting: value)
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
