import Foundation
import Lacuna
import Testing

@Suite struct ValidateCommandTests {
  private static let counters = "Configs/Reference/h200_gemm_counters.csv"

  @Test func `the table, JSON and CSV of all measurements hold the same groups`() throws {
    let table = try Tool.run(["validate"])
    #expect(table.status == 0 && table.errors.isEmpty, "\(table.errors)")
    for line in table.output.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    let json = try Tool.run(["validate", "--format", "json"])
    let root = try JSONParser.parse(SourceText(name: "output", text: json.output))
    #expect(root["report"]?.text == "validation")
    let names = try #require(root["groups"]?.elements?.compactMap { $0["group"]?.text })
    let csv = try Tool.run(["validate", "--format", "csv"])
    let rows = CSVDocument(SourceText(name: "output", text: csv.output)).rows.dropFirst()
    #expect(Set(rows.map { $0.cells[1].text }) == Set(names))
    #expect(names.contains("rtx-3090_published/fp16/2:4/speedup"))
    #expect(names.contains("h200_gemm/fp16/2:4/decode") && names.contains("h200_spmm/fp16/block/bsr"))
  }

  @Test func `a file is printed row by row, from a pipe too`() throws {
    let own = try String(contentsOf: Tool.root.appendingPathComponent(Self.counters), encoding: .utf8)
    let outcome = try Tool.run(["validate", "--data", Self.counters, "--hardware", "h200"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    for (line, original) in zip(lines, own.split(whereSeparator: \.isNewline)) {
      #expect(line.hasPrefix(original + ","))
    }
    #expect(lines.count == own.split(whereSeparator: \.isNewline).count)
    let piped = try Tool.run(["validate", "--data", "-", "--hardware", "h200", "--format", "csv"], input: own)
    #expect(piped.output == outcome.output)
    let table = try Tool.run(["validate", "--data", Self.counters, "--hardware", "h200", "--format", "table"])
    #expect(table.output.contains("h200_gemm_counters · simulated on h200 · 86 measurements"))
  }

  @Test func `groups are chosen by name, and the machine by option`() throws {
    let outcome = try Tool.run([
      "validate", "--group", "h200_gemm/*/decode", "--hardware", "Configs/Hardware/h100.yaml", "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let groups = try #require(
      try JSONParser.parse(SourceText(name: "output", text: outcome.output))["groups"]?.elements)
    #expect(!groups.isEmpty)
    #expect(groups.allSatisfy { $0["class"]?.text == "decode" && $0["machine"]?.text == "h100" })
  }

  @Test func `what is wrong with file and machine is told together, and nothing is printed`() throws {
    let folder = try Folder()
    let header = "layer,dtype,m,n,k,sparse24,time_ns,clock_mhz,l2_read_bytes_by_sm,dram_read_bytes\n"
    let file = try folder.file("mine.csv", header + "fc,fp12,64,64,64,0,-5,fast,1,1\n")
    let outcome = try Tool.run(["validate", "--data", file.path, "--hardware", "h20"])
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    for part in [
      "mine.csv:2:4: error: row 1, column 'dtype': 'fp12' is not a data type [unknown-value]",
      "row 1, column 'time_ns': '-5' must be above 0 [out-of-range]",
      "row 1, column 'clock_mhz': 'fast' is not a number [wrong-type]", "[unknown-hardware]",
    ] {
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
  }

  private static let timed = "Traces/Timed/resnet50.kineto.json.zst"

  @Test func `a timed trace is compared operator by operator, in all formats alike`() throws {
    func output(_ format: String) throws -> String {
      let outcome = try Tool.run(["validate", "--trace", Self.timed, "--hardware", "h200", "--format", format])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      return outcome.output
    }
    let table = try output("table")
    for line in table.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    #expect(table.hasPrefix("resnet50 · simulated on h200 · 174 timed operators\n"))
    let root = try JSONParser.parse(SourceText(name: "output", text: try output("json")))
    #expect(root["report"]?.text == "trace_validation" && root["total"]?["runs"]?.integer == 174)
    let operators = try #require(root["operators"]?.elements)
    let rows = CSVDocument(SourceText(name: "output", text: try output("csv"))).rows.dropFirst()
    #expect(rows.map { $0.cells[3].text } == operators.map { $0["first"]?.text })
    #expect(rows.map { $0.cells[10].text } == operators.map { "\($0["measured_s"]?.double ?? 0)" })
    let all = try Tool.run(["validate", "--trace", Self.timed, "--hardware", "h200", "--operators", "all"])
    #expect(all.output.split(separator: "\n").count == table.split(separator: "\n").count - 1 + operators.count - 15)
  }

  @Test(arguments: [
    (["--group", "h200_gem/*"], "matches-nothing"), (["--hardware", "h20"], "unknown-hardware"),
    (["--data", "absent.csv", "--hardware", "h200"], "unreadable-file"),
    (["--data", "Configs", "--hardware", "h200"], "is-directory"),
    (["--data", "Traces/README.md", "--hardware", "h200"], "unknown-format"),
    (["--data", "Traces/resnet18.jsonl.zst", "--hardware", "h200"], "unknown-format"),
    (["--data", "-", "--hardware", "h200"], "empty-file"),
    (["--trace", "Traces/resnet50", "--hardware", "h200"], "empty-trace"),
    (["--trace", timed, "--hardware", "h20"], "unknown-hardware"),
  ])
  func `bad input exits 2 with its code and prints nothing`(_ options: [String], _ code: String) throws {
    let outcome = try Tool.run(["validate"] + options)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("[\(code)]"), "\(outcome.errors)")
  }

  @Test(arguments: [
    ["--data", "x.csv"], ["--data", "x.csv", "--hardware", "h200", "--group", "*"], ["--format", "xml"], ["extra"],
    ["--trace", timed], ["--trace", timed, "--hardware", "h200", "--group", "*"],
    ["--trace", timed, "--hardware", "h200", "--format", "svg"],
  ])
  func `wrong usage exits 2`(_ options: [String]) throws {
    let outcome = try Tool.run(["validate"] + options)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("Error: "))
  }
}
