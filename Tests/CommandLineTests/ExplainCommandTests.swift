import Foundation
import Lacuna
import Testing

@Suite struct ExplainCommandTests {
  private static let arguments = [
    "explain", "Traces/resnet18.jsonl.zst", "--hardware", "h200", "--sparsity", "weights=2:4",
  ]

  @Test(arguments: ["table", "json", "csv", "svg"])
  func `every format succeeds, with the same bytes each time`(_ format: String) throws {
    let outcome = try Tool.run(Self.arguments + ["--format", format])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(!outcome.output.isEmpty)
    #expect(try Tool.run(Self.arguments + ["--format", format]).output == outcome.output)
  }

  @Test func `the steps of the JSON multiply to the speedup that simulate predicts`() throws {
    let explained = try JSONParser.parse(
      SourceText(name: "explain", text: try Tool.run(Self.arguments + ["--format", "json"]).output))
    let simulated = try JSONParser.parse(
      SourceText(
        name: "simulate",
        text: try Tool.run(["simulate"] + Self.arguments.dropFirst() + ["--format", "json"]).output))
    let ideal = try #require(explained["ideal_speedup"]?.double)
    let steps = try #require(explained["steps"]?.elements)
    let product = steps.reduce(ideal) { $0 * ($1["factor"]?.double ?? .nan) }
    let speedup = try #require(simulated["speedup"]?.double)
    #expect((product / speedup - 1).magnitude < 1e-12)
  }

  @Test func `one operator is told in full`() throws {
    let outcome = try Tool.run(Self.arguments + ["--operator", "layer1.0.conv2"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for part in ["layer1.0.conv2", "mapping", "bound by", "matrix unit  busy", "DRAM", "L2"] {
      #expect(outcome.output.contains(part), "\(part) is missing in\n\(outcome.output)")
    }
    for line in outcome.output.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
  }

  @Test(arguments: [
    (["--operator", "nothing.*"], "matches-nothing", "* for any characters"),
    (["--operator", "layer1.0.cnov2"], "matches-nothing", "did you mean 'layer1.0.conv2'?"),
    (["--sparsity", "weights=5:4"], "invalid-pattern", "help: N:M"),
    (["--dataflow", "ws"], "unsupported-operator", "leave the dataflow out"),
  ])
  func `a bad option exits 2 with its code and prints nothing`(
    _ options: [String], _ code: String, _ help: String
  ) throws {
    let outcome = try Tool.run(Self.arguments + options)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("[\(code)]"), "\(outcome.errors)")
    #expect(outcome.errors.contains(help), "\(outcome.errors)")
  }

  @Test func `a format that is not there exits 2`() throws {
    #expect(try Tool.run(Self.arguments + ["--format", "png"]).status == 2)
  }
}
