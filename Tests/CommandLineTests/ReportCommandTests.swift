import Foundation
import Lacuna
import Testing

/// Pages and charts as a user asks for them.
@Suite struct ReportCommandTests {
  private static let run = [
    "simulate", "Traces/resnet18.jsonl.zst", "--hardware", "sat", "--training", "bdwp", "--sparsity", "weights=2:8",
  ]

  @Test func `a page is written beside the result, the same each time`() throws {
    let folder = try Folder()
    let page = folder.url.appendingPathComponent("page.html").path
    let plain = try Tool.run(Self.run)
    let told = try Tool.run(Self.run + ["--report", page])
    #expect(told.status == 0, "\(told.errors)")
    #expect(told.output == plain.output)
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.hasPrefix("<!DOCTYPE html>") && text.hasSuffix("</html>\n"))
    #expect(text.contains("id=\"chart-waterfall\""))
    _ = try Tool.run(Self.run + ["--report", page])
    #expect(try String(contentsOfFile: page, encoding: .utf8) == text)
  }

  @Test func `the command of a result gives its bytes again, where its files are`() throws {
    let told = try Tool.run(Self.run + ["--data-type", "bf16", "--format", "json"])
    let configuration = try JSONParser.parse(SourceText(name: "run", text: told.output))["configuration"]
    let command = try #require(configuration?["command"]?.text)
    #expect(
      command
        == "lacuna simulate resnet18.jsonl.zst --hardware sat --sparsity weights=2:8 --training bdwp --data-type bf16"
    )
    let words = command.split(separator: " ").dropFirst().map(String.init) + ["--format", "json"]
    let again = try Tool.run(words, folder: Tool.root.appendingPathComponent("Traces"))
    #expect(again.output == told.output)
    let inputs = configuration?["inputs"]?.elements ?? []
    #expect(inputs.compactMap { $0["role"]?.text } == ["trace", "machine"])
    #expect(inputs.compactMap { $0["name"]?.text } == ["resnet18.jsonl.zst", "sat.yaml"])
    for input in inputs { #expect(input["sha256"]?.text?.wholeMatch(of: /[0-9a-f]{64}/) != nil) }
  }

  @Test func `files that differ have other hashes, and a machine of one's own goes by its file`() throws {
    let folder = try Folder()
    let text = try String(contentsOf: Tool.root.appendingPathComponent("Configs/Hardware/sat.yaml"), encoding: .utf8)
    let file = try folder.file("mine.yaml", text + "\n# mine\n").path
    func configuration(_ machine: String) throws -> Node? {
      let told = try Tool.run(["simulate", Self.run[1], "--hardware", machine, "--format", "json"])
      return try JSONParser.parse(SourceText(name: "run", text: told.output))["configuration"]
    }
    let (ours, mine) = (try configuration("sat"), try configuration(file))
    #expect(mine?["options"]?["hardware"]?.text == "mine.yaml")
    let hashes = [ours, mine].map { $0?["inputs"]?.elements?.compactMap { $0["sha256"]?.text } ?? [] }
    #expect(hashes[0][0] == hashes[1][0])
    #expect(hashes[0][1] != hashes[1][1])
  }

  @Test(arguments: ["time", "energy", "roofline", "traffic", "power"])
  func `every chart is told as SVG and for Vega-Lite`(_ chart: String) throws {
    let svg = try Tool.run(Self.run + ["--format", "svg", "--chart", chart])
    #expect(svg.status == 0 && svg.output.hasPrefix("<svg "), "\(svg.errors)")
    let vega = try Tool.run(Self.run + ["--format", "vega-lite", "--chart", chart])
    let root = try JSONParser.parse(SourceText(name: chart, text: vega.output))
    #expect(root["$schema"]?.text == "https://vega.github.io/schema/vega-lite/v5.json")
    #expect((root["layer"]?.elements?.count ?? 0) > 0)
  }

  @Test func `a chart that a run has not got is told with those it has`() throws {
    // The clock of an array never changes.
    let told = try Tool.run(Self.run + ["--format", "svg", "--chart", "clock"])
    #expect(told.status == 2 && told.output.isEmpty)
    #expect(told.errors.contains("this result has no chart 'clock'") && told.errors.contains("it has: time, energy"))
    let idle = try Tool.run(Self.run + ["--chart", "time"])
    #expect(idle.status == 2 && idle.errors.contains("--chart needs --format svg or vega-lite"))
  }

  @Test func `machines side by side, sweeps and fronts have pages`() throws {
    let folder = try Folder()
    func page(_ arguments: [String]) throws -> String {
      let file = folder.url.appendingPathComponent("page.html").path
      let told = try Tool.run(arguments + ["--report", file])
      #expect(told.status == 0, "\(told.errors)")
      return try String(contentsOfFile: file, encoding: .utf8)
    }
    let machines = try page(["compare", Self.run[1], "--hardware", "sat,t4", "--sparsity", "weights=2:4"])
    #expect(machines.contains("<td>sat</td>") && machines.contains("<td>t4</td>"))
    #expect(machines.contains("Operators side by side"))
    let sweep = try page([
      "compare", Self.run[1], "--hardware", "s4", "--data-type", "int8", "--sweep", "sparsity=1x..4x",
    ])
    #expect(sweep.contains("id=\"chart-sweep\""))
    let study = try folder.file(
      "study.yaml",
      """
      lacuna_study: 1
      name: small <b>
      machine: systolic-32x32
      workloads: [{trace: \(Tool.root.path)/Traces/resnet18.jsonl.zst}]
      parameters:
        rows: {path: array.rows, values: [16, 32, 64]}
        columns: {path: array.columns, values: [16, 32]}
        elements: {equals: rows * columns}
      objectives: [time, elements]
      sampler: {kind: grid}

      """)
    let store = folder.url.appendingPathComponent("results.sqlite").path
    #expect(try Tool.run(["explore", study.path, "-o", store]).status == 0)
    let front = try page(["explore", "pareto", store])
    #expect(front.contains("id=\"chart-front\"") && front.contains("<h1>small &lt;b&gt;</h1>"))
  }
}
