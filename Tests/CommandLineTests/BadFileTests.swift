import Foundation
import Goldens
import Lacuna
import Testing

/// A file nobody can use.
struct BadFile: Sendable, CustomTestStringConvertible {
  let title: String
  let name: String
  let bytes: [UInt8]
  let code: DiagnosticCode
  var testDescription: String { title }

  init(_ title: String, _ name: String, _ bytes: [UInt8], _ code: DiagnosticCode) {
    self.title = title
    self.name = name
    self.bytes = bytes
    self.code = code
  }

  /// A trace with these operators.
  init(_ title: String, operators: [String], code: DiagnosticCode) {
    let header = #"{"lacuna_trace":1,"name":"net","source":"test"}"#
    self.init(title, "net.jsonl", Array(([header] + operators).joined(separator: "\n").utf8), code)
  }

  static let traces = [
    BadFile("truncated JSON", operators: [#"{"name":"fc1","kind":"gemm","m":10"#], code: .jsonSyntax),
    BadFile("wrong JSON", operators: [#"{"name":"fc1",,}"#], code: .jsonSyntax),
    BadFile("an array of JSON", "list.json", Array("[1, 2]".utf8), .unknownFormat),
    BadFile("an unknown schema", "other.json", Array(#"{"schema": "other/7", "layers": []}"#.utf8), .unknownFormat),
    BadFile(
      "a negative shape", operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":-8,"n":8,"k":8}"#],
      code: .outOfRange),
    BadFile(
      "a zero shape", operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":8,"n":0,"k":8}"#], code: .outOfRange),
    BadFile(
      "an overflowing shape",
      operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":9000000000000000000,"n":9000000000000000000,"k":8}"#],
      code: .sizeOverflow),
    BadFile(
      "K not divisible by M",
      operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":8,"n":8,"k":30,"sparsity":{"weights":"2:4"}}"#],
      code: .indivisiblePattern),
    BadFile(
      "an impossible pattern",
      operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":8,"n":8,"k":32,"sparsity":{"weights":"5:4"}}"#],
      code: .invalidPattern),
    BadFile("a missing key", operators: [#"{"name":"a","kind":"gemm","dtype":"fp16","m":8,"n":8}"#], code: .missingKey),
    BadFile(
      "a misspelt key", operators: [#"{"name":"a","kind":"gemm","dtpye":"fp16","m":8,"n":8,"k":8}"#], code: .unknownKey),
    BadFile(
      "10 GB in 1 kB", "bomb.jsonl.zst",
      [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x50, 0x00, 0xE4, 0x0B, 0x54, 0x02, 0, 0, 0, 0x41, 0x1F, 0]
        + Array(repeating: 0x20, count: 1000), .tooLarge),
    BadFile(
      "noise", "noise.jsonl", (0..<999).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }, .unknownFormat),
    BadFile("nothing", "nothing.jsonl", [], .emptyFile),
    BadFile("a header only", operators: [], code: .emptyTrace),
  ]

  static let machines = [
    BadFile("a bare number", "m.yaml", machine("clock: {value: 940, kind: published, source: test}"), .missingUnit),
    BadFile("a wrong unit", "m.yaml", machine("clock: {value: 940 MB, kind: published, source: test}"), .wrongUnit),
    BadFile("a misspelt key", "m.yaml", machine("clokc: {value: 1 GHz, kind: published, source: test}"), .unknownKey),
    BadFile("no source", "m.yaml", machine("clock: 1 GHz"), .wrongType),
    BadFile("wrong YAML", "m.yaml", Array("engine: [".utf8), .yamlSyntax),
    BadFile(
      "an unknown engine", "m.yaml", Array("engine: quantum\nname: q\ntitle: q\nlacuna_hardware: 1\n".utf8),
      .unknownValue),
  ]

  private static func machine(_ line: String) -> [UInt8] {
    Array("lacuna_hardware: 1\nname: toy\ntitle: Toy\nengine: systolic\narray:\n  \(line)\n".utf8)
  }
}

@Suite struct BadFileTests {
  /// Every command that reads a trace.
  private static let readers = [
    ["trace", "info"], ["trace", "cat"], ["trace", "import", "-o", "-"],
  ]

  @Test(arguments: BadFile.traces, readers)
  func `a bad trace exits 2, with its code, and nothing on standard output`(
    _ bad: BadFile, _ command: [String]
  ) throws {
    let folder = try Folder()
    let file = try folder.file(bad.name, bad.bytes)
    let outcome = try Tool.run(command + [file.path])
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("[\(bad.code.rawValue)]"), "\(outcome.errors)")
  }

  @Test(arguments: BadFile.machines)
  func `a bad machine exits 2, with its code and place, and nothing on standard output`(_ bad: BadFile) throws {
    let folder = try Folder()
    let file = try folder.file(bad.name, bad.bytes)
    for command in [["hardware", "check"], ["hardware", "show"], ["simulate", "x.jsonl", "--hardware"]] {
      let outcome = try Tool.run(command + [file.path])
      #expect(outcome.status == 2)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("[\(bad.code.rawValue)]"), "\(outcome.errors)")
      #expect(outcome.errors.contains("m.yaml:"), "\(outcome.errors)")
    }
  }

  @Test func `the problems of all files are told together`() throws {
    let folder = try Folder()
    let first = try folder.file("a.yaml", "engine: [")
    let second = try folder.file("b.yaml", "engine: quantum")
    let outcome = try Tool.run(["hardware", "check", first.path, second.path])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("a.yaml:") && outcome.errors.contains("b.yaml:"))
  }

  @Test(arguments: [
    ["trace", "info"], ["hardware", "check"], ["simulate", "--hardware", "h200"],
  ])
  func `a directory, an absent file and an empty pipe are told apart`(_ command: [String]) throws {
    let folder = try Folder()
    let absent = folder.url.appendingPathComponent("absent.jsonl").path
    for (path, code) in [(folder.url.path, "is-directory"), (absent, "unreadable-file"), ("-", "empty-file")] {
      let outcome = try Tool.run(command + [path])
      #expect(outcome.status == 2)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("[\(code)]"), "\(outcome.errors)")
    }
  }

  @Test func `a file that may not be read is told about`() throws {
    let folder = try Folder()
    let file = try folder.file("secret.jsonl", "{}")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file.path)
    let outcome = try Tool.run(["trace", "info", file.path])
    #expect(outcome.status == 2)
    // A superuser reads it all the same, and finds no trace in it.
    #expect(outcome.errors.contains("[unreadable-file]") || outcome.errors.contains("[unknown-format]"))
  }

  @Test func `an unknown machine is told with the nearest one`() throws {
    for command in [
      ["simulate", "x.jsonl", "--hardware", "h20"], ["compare", "x.jsonl", "--hardware", "h20,h200"],
      ["hardware", "show", "h20"],
    ] {
      let outcome = try Tool.run(command)
      #expect(outcome.status == 2)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("[unknown-hardware]"))
      #expect(outcome.errors.contains("did you mean 'h200'?"))
    }
  }
}
