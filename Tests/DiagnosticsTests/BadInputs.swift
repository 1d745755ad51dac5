import Foundation
import Lacuna

/// A mistake a user can make, and what the library says about it.
struct BadInput: Sendable {
  /// The code it must be told under.
  let code: DiagnosticCode
  /// What the mistake is.
  let title: String
  /// Makes the mistake and returns what was said.
  let diagnose: @Sendable (ScratchFolder) throws -> [Diagnostic]

  init(_ code: DiagnosticCode, _ title: String, _ diagnose: @escaping @Sendable (ScratchFolder) throws -> [Diagnostic])
  {
    self.code = code
    self.title = title
    self.diagnose = diagnose
  }

  /// A trace in memory, `name` telling nothing but how messages call it.
  init(_ code: DiagnosticCode, _ title: String, trace text: String, name: String = "trace.jsonl") {
    self.init(code, title) { _ in
      try said { () throws(DiagnosticList) in try TraceReader.read(SourceText(name: name, text: text)).warnings }
    }
  }

  /// An operator behind a good header.
  init(_ code: DiagnosticCode, _ title: String, operator line: String) {
    self.init(code, title, trace: "{\"lacuna_trace\":1,\"name\":\"net\",\"source\":\"test\"}\n\(line)\n")
  }

  /// The machine of the fixtures with one text replaced.
  init(_ code: DiagnosticCode, _ title: String, machine old: String, _ new: String) {
    self.init(code, title) { place in
      let text = try place.machineText.replacing(old, with: new, exactlyOnce: title)
      return try said { () throws(DiagnosticList) in
        _ = try MachineReader.read(SourceText(name: "machine.yaml", text: text))
        return []
      }
    }
  }

  /// Rules for a small network.
  init(_ code: DiagnosticCode, _ title: String, rules: [String], training: TrainingMethod? = nil) {
    self.init(code, title) { _ in
      let ops = [
        Operator(name: "fc1", kind: .gemm(GEMM(m: 64, n: 16, k: 64)), dataType: .fp16),
        Operator(name: "fc2", kind: .gemm(GEMM(m: 10, n: 16, k: 30)), dataType: .fp16),
      ]
      let workload = Workload(name: "net", source: "test", operators: ops)
      return try said { () throws(DiagnosticList) in
        var parsed: [SparsityRule] = []
        for rule in rules { parsed.append(try SparsityRule(parsing: rule)) }
        return try Study(workload, sparsity: parsed, training: training).warnings
      }
    }
  }
}

/// What `body` returns or throws.
func said(_ body: () throws(DiagnosticList) -> [Diagnostic]) throws -> [Diagnostic] {
  do throws(DiagnosticList) { return try body() } catch { return error.diagnostics }
}

/// A folder for files that tests need, removed at the end.
final class ScratchFolder: Sendable {
  let folder: URL
  let machineText: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("lacuna-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/machine.yaml")
    machineText = try String(contentsOf: fixture, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Writes a file and returns its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = folder.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return file.path
  }

  /// Writes a file and returns its path.
  func write(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// The text without the folder's random name.
  func anonymous(_ text: String) -> String { text.replacingOccurrences(of: folder.path, with: "FOLDER") }
}

extension String {
  /// Replaces a text that must be there, so that a fixture cannot drift from its tests.
  func replacing(_ old: String, with new: String, exactlyOnce what: String) throws -> String {
    guard components(separatedBy: old).count == 2 else { throw DiagnosticList(Diagnostic(.missingKey, what)) }
    return replacingOccurrences(of: old, with: new)
  }
}
