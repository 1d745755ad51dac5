import Foundation
import Goldens
import Testing

@testable import Lacuna

/// The schemas of files beside the readers that they are made from. `Python/tests` holds the shipped files to them with a
/// validator of others.
@Suite struct SchemaTests {
  private static func path(_ schema: FileSchema) -> URL {
    Tool.root.appending(path: "Configs/Schemas/\(schema.rawValue).schema.json")
  }

  @Test(arguments: FileSchema.allCases)
  func `the committed schema is the readers'`(_ schema: FileSchema) throws {
    let outcome = try Tool.run(["schema", schema.rawValue])
    #expect(outcome.status == 0, "\(outcome.errors)")
    if ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1" {
      try outcome.output.write(to: Self.path(schema), atomically: true, encoding: .utf8)
    } else {
      let committed = try String(contentsOf: Self.path(schema), encoding: .utf8)
      #expect(committed == outcome.output, "record it with RECORD_GOLDENS=1")
    }
  }

  /// All paths below a shape.
  private static func paths(_ shape: SchemaRecorder.Shape, _ path: [String] = []) -> [[String]] {
    shape.children.sorted { $0.key < $1.key }.flatMap { key, child in
      (key == "[]" || (key == "*" && child.children.isEmpty) ? [] : [path + [key]])
        + paths(child, path + [key])
    }
  }

  private static func described() -> [(name: String, shapes: [SchemaRecorder.Shape], texts: [String: String])] {
    let trace = TraceReader.schema()
    return [
      ("hardware", MachineReader.schema().variants.map(\.shape), KeyDescriptions.hardware),
      ("study", [DesignStudy.schema().root], KeyDescriptions.study),
      ("header", [trace.header.root], KeyDescriptions.traceHeader),
      ("operators", trace.operators.variants.map(\.shape), KeyDescriptions.traceOperator),
    ]
  }

  @Test(arguments: 0..<4)
  func `every key is described, and nothing else is`(_ index: Int) {
    let (name, shapes, texts) = Self.described()[index]
    var used: Set<String> = []
    for path in shapes.flatMap({ Self.paths($0) }) {
      let found = SchemaRecorder.Shape.description(of: path, in: texts)
      if let key = found?.key { used.insert(key) }
      if path.last != "*" { #expect(found != nil, "\(name): \(path.joined(separator: "."))") }
    }
    #expect(Set(texts.keys).subtracting(used).isEmpty, "\(name)")
  }

  @Test func `what a report of a run can have is in its schema`() throws {
    let schema = try FileSchema.result.document()
    func check(_ node: Node, _ path: String) {
      if node["type"]?.text == "array" { #expect(node["items"] != nil, "\(path)") }
      guard case .mapping(let entries) = node.content else { return }
      for entry in entries { check(entry.value, path + "." + entry.key) }
    }
    check(schema, "result")
  }

  @Test(arguments: ["Hardware", "Studies"])
  func `shipped files name their schema for editors`(_ kind: String) throws {
    let folder = Tool.root.appending(path: "Configs/\(kind)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(!names.isEmpty)
    for name in names {
      let line = try String(contentsOf: folder.appending(path: name), encoding: .utf8).prefix { $0 != "\n" }
      let prefix = "# yaml-language-server: $schema="
      try #require(line.hasPrefix(prefix), "\(name)")
      let target = folder.appending(path: String(line.dropFirst(prefix.count)))
      #expect(FileManager.default.fileExists(atPath: target.path), "\(name)")
    }
  }
}
