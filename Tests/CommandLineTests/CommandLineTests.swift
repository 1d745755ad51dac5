import Foundation
import Goldens
import Lacuna
import Testing

@Suite struct UsageTests {
  @Test func `the version is one line`() throws {
    let outcome = try Tool.run(["--version"])
    #expect(outcome.status == 0)
    #expect(outcome.output == "lacuna \(Version.current)\n")
  }

  @Test(arguments: [
    ["simulate"], ["simulate", "x.jsonl"], ["simulat"], ["--nonsense"], ["hardware", "show"],
    ["simulate", "x", "--hardware", "h200", "--training", "magic"],
    ["simulate", "x", "--hardware", "h200", "--operators", "some"],
    ["simulate", "x", "--hardware", "h200", "--format", "xml"], ["compare", "x", "--hardware", ","],
    ["trace", "cat", "x", "--range", "5..<2"], ["trace", "cat", "x", "--range", "0..<2", "--head", "1"],
    ["trace", "cat", "x", "--head", "-1"], ["trace", "info", "x", "--batch", "0"],
    ["trace", "info", "x", "--sequence", "99999999999999999999"],
  ])
  func `wrong usage exits 2 and prints nothing to standard output`(_ arguments: [String]) throws {
    let outcome = try Tool.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("Error: "))
  }
}

@Suite struct TraceCommandTests {
  private static let trace = """
    {"lacuna_trace":1,"name":"tiny","source":"written by hand","samples":8}
    {"name":"fc1","kind":"gemm","dtype":"fp16","m":4096,"n":1024,"k":1024,"sparsity":{"weights":"2:4"}}
    {"name":"gelu","kind":"elementwise","dtype":"fp16","function":"gelu","elements":4194304,"deps":[0]}
    {"name":"fc2","kind":"gemm","dtype":"fp16","m":1024,"n":1024,"k":4096,"deps":[1]}

    """

  @Test(arguments: ["table", "json", "csv"])
  func `info tells what a trace holds, from a pipe too`(_ format: String) throws {
    let folder = try Folder()
    let file = try folder.file("tiny.jsonl", Self.trace)
    let outcome = try Tool.run(["trace", "info", file.path, "--format", format])
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    try Golden.check(outcome.output, "info.\(format)")
    let piped = try Tool.run(["trace", "info", "-", "--format", format], input: Self.trace)
    // Only of a file can be said how it is stored.
    func common(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter { line in
        !["stored in", "\"file_bytes\"", "\"json_lines_bytes\""].contains { line.contains($0) }
      }
    }
    #expect(common(piped.output) == common(outcome.output))
  }

  @Test func `an exported trace is read again, and reports of an array are written`() throws {
    let folder = try Folder()
    let file = try folder.file("tiny.jsonl", Self.trace)
    let topology = folder.url.appending(path: "topology.csv").path
    let export = try Tool.run(["trace", "export", file.path, "--format", "scale-sim", "-o", topology])
    #expect(export.status == 0)
    #expect(export.errors.contains("are left out"))
    let reports = folder.url.appending(path: "reports").path
    let run = try Tool.run(["simulate", topology, "--hardware", "systolic-32x32", "--scale-sim", reports])
    #expect(run.status == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: reports).sorted()
    #expect(
      names == ["BANDWIDTH_REPORT.csv", "COMPUTE_REPORT.csv", "DETAILED_ACCESS_REPORT.csv", "SPARSE_REPORT.csv"])
    let other = try Tool.run(["simulate", topology, "--hardware", "h200", "--scale-sim", reports])
    #expect(other.status == 2)
    let table = try Tool.run(["trace", "export", file.path, "--format", "csv", "-o", "-"])
    #expect(table.output.hasPrefix("index,name,kind,"))
  }

  @Test func `cat gives back the trace`() throws {
    let outcome = try Tool.run(["trace", "cat", "-"], input: Self.trace)
    #expect(outcome.status == 0)
    #expect(outcome.output == Self.trace)
  }

  @Test(arguments: [
    (["--head", "1"], ["fc1"]), (["--range", "1..<3"], ["gelu", "fc2"]), (["--range", "2..<99"], ["fc2"]),
    (["--range", "3..<3"], []), (["--head", "0"], []), (["--head", "99"], ["fc1", "gelu", "fc2"]),
  ])
  func `cat gives a part that stands on its own`(_ options: [String], _ names: [String]) throws {
    let outcome = try Tool.run(["trace", "cat", "-"] + options, input: Self.trace)
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n").dropFirst()
    #expect(lines.count == names.count)
    for (line, name) in zip(lines, names) { #expect(line.hasPrefix("{\"name\":\"\(name)\"")) }
    if !names.isEmpty {
      let again = try Tool.run(["trace", "info", "-", "--format", "csv"], input: outcome.output)
      #expect(again.status == 0, "\(again.errors)")
    }
  }

  @Test func `a range behind the end is refused`() throws {
    let outcome = try Tool.run(["trace", "cat", "-", "--range", "7..<9"], input: Self.trace)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("[out-of-range]"))
  }

  @Test(arguments: ["tiny.jsonl", "tiny.jsonl.zst"])
  func `what is imported reads as the same trace`(_ name: String) throws {
    let folder = try Folder()
    let written = folder.url.appendingPathComponent(name).path
    let imported = try Tool.run(["trace", "import", "-", "-o", written], input: Self.trace)
    #expect(imported.status == 0, "\(imported.errors)")
    #expect(try Tool.run(["trace", "cat", written]).output == Self.trace)
  }

  @Test func `a trace can be imported to standard output`() throws {
    #expect(try Tool.run(["trace", "import", "-", "-o", "-"], input: Self.trace).output == Self.trace)
  }

  @Test func `an output that cannot be written fails the run`() throws {
    let outcome = try Tool.run(["trace", "import", "-", "-o", "/absent/folder/x.jsonl"], input: Self.trace)
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("[unwritable-file]"))
  }

  @Test func `warnings go to standard error and the result stays`() throws {
    let future = Self.trace.replacingOccurrences(of: "\"lacuna_trace\":1", with: "\"lacuna_trace\":9")
    let outcome = try Tool.run(["trace", "info", "-"], input: future)
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("warning:") && outcome.errors.contains("[unknown-schema]"))
    #expect(outcome.output.contains("tiny"))
  }
}

@Suite struct OutputTests {
  @Test func `an option that changes nothing is warned about`() throws {
    let outcome = try Tool.run(["trace", "info", "Traces/resnet18.jsonl.zst", "--batch", "8", "--format", "csv"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("warning: the batch changes nothing"))
    #expect(try Tool.run(["trace", "info", "Traces/resnet18.jsonl.zst", "--format", "csv"]).output == outcome.output)
  }

  @Test(arguments: ["jsonl", "ltrace"])
  func `so it is when a trace is compressed that passes through`(_ format: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lacuna-\(UUID())").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (first, second) = (folder + "/a.\(format)", folder + "/b.ltrace")
    #expect(try Tool.run(["trace", "import", "Traces/resnet18.jsonl.zst", "-o", first]).status == 0)
    let outcome = try Tool.run(["trace", "compress", first, "-o", second, "--sequence", "8"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("warning: the sequence length changes nothing"))
  }

  @Test(arguments: [["--help"], ["trace", "cat", "-"], ["trace", "info", "-"], ["--version"]])
  func `a reader that went away is told about, not signalled`(_ arguments: [String]) throws {
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let trace = """
      {"lacuna_trace":1,"name":"tiny","source":"test"}
      {"name":"fc1","kind":"gemm","dtype":"fp16","m":8,"n":8,"k":8}
      """
    let outcome = try Tool.run(arguments, input: trace, output: pipe.fileHandleForWriting)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("[closed-output]"))
  }

  @Test func `no colour and no progress get into a pipe`() throws {
    let outcome = try Tool.run(["trace", "info", "absent.jsonl"], environment: ["NO_COLOR": ""])
    #expect(!outcome.errors.contains("\u{1B}"))
  }
}
