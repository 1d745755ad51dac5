import Foundation
import Lacuna
import Testing

/// What the commands say of themselves, read from the program: a new command is held to it as all others are.
@Suite struct HelpTests {
  /// A command that does something.
  struct Command: Sendable, CustomTestStringConvertible {
    var words: [String]
    var discussion: String
    var options: [String]

    var testDescription: String { words.joined(separator: " ") }

    /// The indented lines of its help.
    var examples: [String] {
      discussion.split(separator: "\n").filter { $0.hasPrefix("  lacuna ") }.map { String($0.dropFirst(2)) }
    }
  }

  /// All commands, those that hold others with them.
  static let all: [Command] = {
    guard let dump = try? Tool.run(["--experimental-dump-help"]).output,
      let root = try? JSONParser.parse(SourceText(name: "help", text: dump))["command"]
    else { return [] }
    func commands(_ node: Node, _ parents: [String]) -> [Command] {
      let words = parents + [node["commandName"]?.text ?? ""]
      let names = node["arguments"]?.elements?.compactMap { $0["preferredName"]?["name"]?.text } ?? []
      let own = Command(words: words, discussion: node["discussion"]?.text ?? "", options: names)
      return [own] + (node["subcommands"]?.elements ?? []).flatMap { commands($0, words) }
    }
    return commands(root, []).filter { $0.words.last != "help" }
  }()

  @Test func `the program tells its commands`() {
    #expect(Self.all.count > 25)
  }

  @Test(arguments: all)
  func `help teaches by an example of the command itself`(_ command: Command) throws {
    let outcome = try Tool.run(command.words.dropFirst() + ["--help"], environment: ["COLUMNS": "100"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let name = command.words.joined(separator: " ")
    #expect(outcome.output.contains("USAGE: \(name)"))
    #expect(command.examples.contains { $0.hasPrefix(name) })
    // Running text flows; only examples are lines of their own.
    let paragraphs = command.discussion.components(separatedBy: "\n\n")
    for paragraph in paragraphs {
      #expect(paragraph.split(separator: "\n").filter { !$0.hasPrefix("  ") }.count <= 1, "\(paragraph)")
    }
  }

  @Test(arguments: all)
  func `every command that does something can be quiet or tell all`(_ command: Command) {
    let isGroup = Self.all.contains { $0.words.count > command.words.count && $0.words.starts(with: command.words) }
    #expect(isGroup || Set(["quiet", "verbose"]).isSubset(of: command.options))
  }

  @Test func `the examples of all help texts work`() throws {
    let folder = try Self.folder()
    let commands = Self.all.sorted { Self.order($0) < Self.order($1) }
    for command in commands {
      for example in command.examples {
        // 'trace diff' ends like diff: with 1 where there are differences.
        let expected: ClosedRange<Int32> = command.words.last == "diff" ? 0...1 : 0...0
        let (status, text) = try Shell.run(Self.withoutOthers(example), in: folder.url)
        #expect(expected.contains(status), "\(example): \(text)")
      }
    }
  }

  /// What stands after a pipe may be a program that is not here.
  private static func withoutOthers(_ example: String) -> String {
    let parts = example.components(separatedBy: " | ")
    return parts.count > 1 && parts[1].hasPrefix("jq") ? parts[0] : example
  }

  /// Examples use each other's files: those that make them come first.
  private static func order(_ command: Command) -> Int {
    ["import", "compress", "explore", "run"].firstIndex { $0 == command.words.last } ?? 9
  }

  /// The traces, and what the examples suppose that a reader has.
  private static func folder() throws -> Folder {
    let folder = try Folder()
    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appending(path: name), withDestinationURL: Tool.root.appending(path: target))
    }
    let traces = try FileManager.default.contentsOfDirectory(atPath: Tool.root.appending(path: "Traces").path)
    for name in traces { try link(name, to: "Traces/\(name)") }
    try link("recorded.json", to: "Traces/Timed/resnet50.kineto.json.zst")
    try link("my-machine.yaml", to: "Configs/Hardware/t4.yaml")
    _ = try folder.file(
      "config.json",
      """
      {"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 8,
       "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000, "torch_dtype": "bfloat16"}
      """)
    _ = try folder.file(
      "study.yaml",
      """
      lacuna_study: 1
      name: small
      machine: systolic-32x32
      workloads: [{trace: resnet18.jsonl.zst}]
      parameters:
        rows: {path: array.rows, values: [16, 32]}
        columns: {path: array.columns, values: [16, 32]}
        elements: {equals: rows * columns}
      objectives: [time, elements]
      sampler: grid
      """)
    let header = #"{"fc.weight":{"dtype":"I8","shape":[4,8],"data_offsets":[0,32]}}"#
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    _ = try folder.file(
      "model.safetensors", length + Array(header.utf8) + (0..<32).map { $0 % 4 < 2 ? 1 : 0 })
    for line in [
      "lacuna trace import config.json -o llama.ltrace", "cp llama.ltrace prefill.ltrace",
      "lacuna trace import config.json --phase decode -o decode.ltrace",
      "cp prefill.ltrace before.ltrace", "cp decode.ltrace after.ltrace",
      "for i in 1 2 3 4; do lacuna explore study.yaml --shard $i/4 > part$i.jsonl; done",
    ] {
      let (status, text) = try Shell.run(line, in: folder.url)
      #expect(status == 0, "\(line): \(text)")
    }
    return folder
  }
}

/// Command lines as a reader types them.
enum Shell {
  /// Runs a line in a folder, the built program first in the path.
  /// - Returns: its exit status, and what it printed to both streams.
  static func run(_ line: String, in folder: URL) throws -> (status: Int32, text: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = folder
    let path = Tool.executable.deletingLastPathComponent().path
    process.environment = ["PATH": "\(path):/usr/bin:/bin", "HOME": folder.path]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}
