import Foundation
import Lacuna

extension BadInput {
  /// Mistakes in studies and in what is done with their results.
  static let studies: [BadInput] = [
    study(.unknownKey, "a slip in a key path", "path: array.rows", "path: aray.rows"),
    study(.wrongUnit, "a bandwidth in watts", "[8 GB/s, 16 GB/s]", "[8 W, 16 GB/s]"),
    study(.emptyRange, "a range from its end to its beginning", "from: 2, to: 32", "from: 32, to: 2"),
    study(.invalidExpression, "a slip in a name", "minimize: time * energy", "minimize: tme * energy"),
    study(.contradictoryConstraints, "a constraint beyond a range", "rows <= 16", "rows > 64"),
    study(.contradictoryConstraints, "bounds without anything between", "time <= 1 s", "time <= 1 s, time > 2 s"),
    study(.unreadableFile, "a trace that is missing", "net.jsonl", "nte.jsonl"),
    BadInput(.unusableStore, "a store of another program") { place in
      let file = try place.write("notes.sqlite", String(repeating: "not a database ", count: 100))
      return try said { () throws(DiagnosticList) in
        _ = try StoredResults(file)
        return []
      }
    },
    BadInput(.changedStudy, "results of another study") { place in
      let study = try small(place)
      return try said { () throws(DiagnosticList) in
        let explorer = Explorer(study, program: "0", threads: 1)
        let text = "{\"lacuna_points\": 1, \"study\": \"0123456789abcdef\"}\n"
        try PointLine.forEachPoint(in: SourceText(name: "part1.jsonl", text: text), of: explorer) { _, _, _ in }
        return []
      }
    },
    BadInput(.missingPoints, "a part that is missing") { place in
      let study = try small(place)
      let path = place.path("results.sqlite")
      return try said { () throws(DiagnosticList) in
        let explorer = Explorer(study, program: "0", threads: 1)
        let part = SourceText(name: "part1.jsonl", text: PointLine.header(explorer))
        try explorer.merge([part]) { () throws(DiagnosticList) in
          try ResultStore(path, for: study, identity: explorer.identity, resumes: false)
        }
        return []
      }
    },
  ]

  private static let text = """
    lacuna_study: 1
    name: small
    machine: ./machine.yaml
    workloads:
      - trace: net.jsonl
    parameters:
      rows: {path: array.rows, from: 2, to: 32, steps: 3}
      bandwidth: {path: dram.stream_bandwidth, values: [8 GB/s, 16 GB/s]}
    objectives:
      - minimize: time * energy
    constraints: [rows <= 16, time <= 1 s]

    """

  private static func small(_ place: ScratchFolder, _ text: String = text) throws -> DesignStudy {
    _ = try place.write("machine.yaml", place.machineText)
    _ = try place.write(
      "net.jsonl",
      """
      {"lacuna_trace":1,"name":"net","source":"test"}
      {"name":"fc1","kind":"gemm","dtype":"fp16","m":64,"n":64,"k":64}

      """)
    return try DesignStudy(path: try place.write("study.yaml", text))
  }

  /// The small study with one text replaced.
  private static func study(_ code: DiagnosticCode, _ title: String, _ old: String, _ new: String) -> BadInput {
    BadInput(code, title) { place in
      let text = try text.replacing(old, with: new, exactlyOnce: title)
      do {
        _ = try small(place, text)
        return []
      } catch let list as DiagnosticList {
        return list.diagnostics
      }
    }
  }
}
