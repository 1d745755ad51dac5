import Diagnostics
import Foundation
import Hardware

@testable import Exploration

/// A small study in memory, on a machine and a trace of its own.
struct StudyText {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A folder of its own, removed at the end.
  final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory.appending(path: "lacuna-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> String { url.appending(path: name).path }

    func write(_ name: String, _ text: String) throws -> String {
      try text.write(toFile: path(name), atomically: true, encoding: .utf8)
      return path(name)
    }
  }

  static let trace = """
    {"lacuna_trace":1,"name":"tiny","source":"test","samples":4}
    {"name":"fc1","kind":"gemm","dtype":"fp16","m":64,"n":64,"k":64}
    {"name":"fc2","kind":"gemm","dtype":"fp16","m":96,"n":64,"k":64,"deps":[0]}

    """

  /// A mask as a `.smtx` file.
  static func mask(rows: Int, columns: Int, _ keeps: (Int, Int) -> Bool) -> String {
    let kept = (0..<rows).map { row in (0..<columns).filter { keeps(row, $0) } }
    var offsets = [0]
    for row in kept { offsets.append((offsets.last ?? 0) + row.count) }
    func line(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " ") + "\n" }
    return "\(rows), \(columns), \(offsets.last ?? 0)\n" + line(offsets) + line(kept.flatMap { $0 })
  }

  /// Replaced by name in the text.
  var parts: [String: String] = [
    "machine": "sat",
    "workloads": "[{trace: tiny.jsonl}]",
    "parameters":
      "{rows: {path: array.rows, values: [8, 16, 32]}, columns: {path: array.columns, values: [8, 16, 32, 64]}}",
    "objectives": "[time, energy]",
    "constraints": "[]",
    "sampler": "grid",
  ]

  init(_ changes: [String: String] = [:]) { parts.merge(changes) { $1 } }

  var text: String {
    "lacuna_study: 1\nname: test\nseed: 3\n"
      + parts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
  }

  /// The study, read from a folder that also has its trace.
  func study(in folder: Folder) throws -> DesignStudy {
    _ = try folder.write("tiny.jsonl", Self.trace)
    if !FileManager.default.fileExists(atPath: folder.path("zeros.smtx")) {
      _ = try folder.write("zeros.smtx", Self.mask(rows: 64, columns: 64) { row, column in (row + column) % 2 == 0 })
    }
    _ = try folder.write(
      "sat.yaml",
      try String(contentsOf: Self.root.appending(path: "Configs/Hardware/sat.yaml"), encoding: .utf8))
    var own = self
    if own.parts["machine"] == "sat" { own.parts["machine"] = "./sat.yaml" }
    return try DesignStudy(path: try folder.write("study.yaml", own.text))
  }
}
