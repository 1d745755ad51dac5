import Foundation
import Lacuna
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif
#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ExploreCommandTests {
  private func folder(points: Int) throws -> (folder: Folder, study: String) {
    let folder = try Folder()
    let study = try folder.file(
      "study.yaml",
      """
      lacuna_study: 1
      name: small
      machine: systolic-32x32
      workloads:
        - {trace: \(Tool.root.path)/Traces/resnet18.jsonl.zst}
      parameters:
        rows: {path: array.rows, from: 8, to: 128, scale: log}
        columns: {path: array.columns, from: 8, to: 128, scale: log}
        elements: {equals: rows * columns}
      objectives: [time, elements]
      sampler: {kind: sobol, points: \(points)}

      """)
    return (folder, study.path)
  }

  private func export(_ store: String) throws -> String {
    let outcome = try Tool.run(["explore", "export", store])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  @Test func `a study killed at any moment resumes to what an uninterrupted one leaves`() throws {
    // More kills for the record: LACUNA_KILLS=50.
    let kills = ProcessInfo.processInfo.environment["LACUNA_KILLS"].flatMap(Int.init) ?? 4
    let (folder, study) = try folder(points: 400)
    let whole = folder.url.appendingPathComponent("whole.sqlite").path
    let started = Date()
    let outcome = try Tool.run(["explore", study, "-o", whole])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let duration = Date().timeIntervalSince(started)
    let expected = try export(whole)
    #expect(expected.split(separator: "\n").count == 401)

    var random = SystemRandomNumberGenerator()
    let path = folder.url.appendingPathComponent("killed.sqlite").path
    for kill in 0..<kills {
      // Every fourth time from the start.
      if kill % 4 == 0 {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
      }
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments = ["explore", study, "-o", path, "--resume"]
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(UInt32.random(in: 0...UInt32(max(1, duration * 0.7e6)), using: &random))
      Glibc.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let last = try Tool.run(["explore", study, "-o", path, "--resume"])
    #expect(last.status == 0, "\(last.errors)")
    #expect(try export(path) == expected)
  }

  @Test func `shards in processes of their own merge to the bytes of one run`() throws {
    let (folder, study) = try folder(points: 60)
    let whole = folder.url.appendingPathComponent("whole.sqlite").path
    #expect(try Tool.run(["explore", study, "-o", whole]).status == 0)
    var parts: [String] = []
    for shard in [3, 1, 2] {
      let outcome = try Tool.run(["explore", study, "--shard", "\(shard)/3", "--threads", "1"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      parts.append(try folder.file("part\(shard).jsonl", outcome.output).path)
    }
    let merged = folder.url.appendingPathComponent("merged.sqlite").path
    let outcome = try Tool.run(["explore", "merge", study] + parts + ["-o", merged])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try export(merged) == export(whole))

    let plan = try Tool.run(["explore", "plan", study])
    let piped = try Tool.run(["explore", study, "--points", "-"], input: plan.output)
    #expect(piped.status == 0, "\(piped.errors)")
    let fromPlan = folder.url.appendingPathComponent("plan.sqlite").path
    let file = try folder.file("all.jsonl", piped.output).path
    #expect(try Tool.run(["explore", "merge", study, file, "-o", fromPlan]).status == 0)
    #expect(try export(fromPlan) == export(whole))
  }

  @Test func `results are told in every way`() throws {
    let (folder, study) = try folder(points: 40)
    let store = folder.url.appendingPathComponent("store.sqlite").path
    #expect(try Tool.run(["explore", study, "-o", store]).status == 0)
    let dry = try Tool.run(["explore", study, "--dry-run"])
    #expect(dry.status == 0 && dry.output.contains("points to look at"))
    let shown = try json(try Tool.run(["explore", "show", store, "--format", "json"]))
    #expect(shown["points"]?.integer == 40)
    #expect(try Tool.run(["explore", "show", store]).output.contains("40 feasible"))
    let front = try json(try Tool.run(["explore", "pareto", store, "--format", "json"]))["points"]?.elements
    #expect(front?.count == shown["front"]?.elements?.count)
    for format in ["table", "csv"] {
      let text = try Tool.run(["explore", "pareto", store, "--format", format]).output
      #expect(text.split(separator: "\n").count == (front?.count ?? 0) + 1)
    }
    let svg = try Tool.run(["explore", "pareto", store, "--format", "svg"]).output
    #expect(try XMLDocument(xmlString: svg).rootElement()?.name == "svg")
    #expect(svg.components(separatedBy: "<circle").count == (front?.count ?? 0) + 1)
    let best = try Tool.run(["explore", "best", store, "--count", "1", "--format", "csv"])
    #expect(best.output.split(separator: "\n").count == 2)

    // The machine of a point runs as its point says.
    let index = try #require(front?.first?["point"]?.integer)
    let machine = try Tool.run(["explore", "show", store, "--point", "\(index)", "--machine"])
    let file = try folder.file("machine.yaml", machine.output).path
    let run = try json(
      try Tool.run(["simulate", "Traces/resnet18.jsonl.zst", "--hardware", file, "--format", "json"]))
    let point = try json(try Tool.run(["explore", "show", store, "--point", "\(index)", "--format", "json"]))
    let time = try #require(point["points"]?.elements?.first?["time_seconds"]?.double)
    #expect(run["totals"]?["elapsed_s"]?.double == time)
  }

  @Test func `bad usage and bad studies have their statuses`() throws {
    let (folder, study) = try folder(points: 10)
    defer { withExtendedLifetime(folder) {} }
    #expect(try Tool.run(["explore", study]).status == 2)
    #expect(try Tool.run(["explore", study, "--shard", "4/3"]).status == 2)
    #expect(try Tool.run(["explore", study, "-o", "/nowhere/store.sqlite"]).status == 1)
    #expect(try Tool.run(["explore", "absent.yaml", "--dry-run"]).status == 2)
    #expect(try Tool.run(["explore", "show", "absent.sqlite"]).status == 2)
  }
}
