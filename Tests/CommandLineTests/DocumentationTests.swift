import Foundation
import Goldens
import Testing

@testable import Lacuna

/// The pages of the documentation: what is made of the sources, and what has to work for a reader.
@Suite struct DocumentationTests {
  private static let records = ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1"
  private static let catalog = Tool.root.appending(path: "Sources/Lacuna/Lacuna.docc")

  /// Every page of the catalog.
  static let pages: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: catalog.path)) ?? []
    return names.filter { $0.hasSuffix(".md") }.sorted()
  }()

  /// All Markdown of the repository, by path.
  static let documents: [String] = {
    guard let all = FileManager.default.enumerator(atPath: Tool.root.path) else { return [] }
    var documents: [String] = []
    for case let path as String in all {
      let name = path.split(separator: "/").last ?? ""
      // Builds, and what is beside the project.
      if name.hasPrefix(".") || path == "shared" { all.skipDescendants() }
      if name.hasSuffix(".md"), !name.hasPrefix(".") { documents.append(path) }
    }
    return documents.sorted()
  }()

  @Test(arguments: ["README.md"] + pages.map { "Sources/Lacuna/Lacuna.docc/\($0)" })
  func `examples print what stands below them, and made parts say what stands elsewhere`(_ path: String) throws {
    let file = Tool.root.appending(path: path)
    let page = try String(contentsOf: file, encoding: .utf8)
    let current = try MadeParts.remade(try ConsoleBlocks.rerun(page))
    if Self.records { return try current.write(to: file, atomically: true, encoding: .utf8) }
    let (old, new) = (page.components(separatedBy: "\n"), current.components(separatedBy: "\n"))
    for (number, pair) in zip(old, new).enumerated() where pair.0 != pair.1 {
      Issue.record("\(path):\(number + 1): was\n\(pair.0)\nand is now\n\(pair.1)\nRecord with RECORD_GOLDENS=1.")
      return
    }
    #expect(old.count == new.count)
  }

  /// Commands that stand without what they print: they name files that a reader has, and work with any.
  @Test func `commands without output run`() throws {
    let folder = try ReadersFolder.make()
    var count = 0
    for path in Self.documents {
      var isShell = false
      let text = try String(contentsOf: Tool.root.appending(path: path), encoding: .utf8)
      for (number, line) in text.components(separatedBy: "\n").enumerated() {
        if line.hasPrefix("```") { isShell = line == "```sh" }
        guard isShell, line.hasPrefix("lacuna ") || line.hasPrefix("seq "), !line.contains("completion-script") else {
          continue
        }
        let (status, text) = try Shell.run(line, in: folder.url)
        #expect(status == 0, "\(path):\(number + 1): \(line)\n\(text)")
        count += 1
      }
    }
    #expect(count > 15)
  }

  @Test(arguments: ["SimulateTrace", "BuildTrace", "DescribeMachine", "SweepPatterns", "ReadExplanation"])
  func `the library's examples run`(_ name: String) throws {
    let program = Tool.executable.deletingLastPathComponent().appending(path: name)
    let (status, text) = try Shell.run(program.path, in: Tool.root)
    #expect(status == 0, "\(text)")
    try Golden.check(text, "\(name).txt")
  }

  /// The anchors of a page's headings, as code hosts make them.
  private static func anchors(_ text: String) -> Set<String> {
    var isCode = false
    return Set(
      text.split(separator: "\n").compactMap { line in
        if line.hasPrefix("```") { isCode.toggle() }
        guard !isCode, line.hasPrefix("#") else { return nil }
        let title = line.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(title.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }.map { $0 == " " ? "-" : $0 })
      })
  }

  @Test func `no link is dead`() throws {
    #expect(Self.documents.count > 15)
    for path in Self.documents {
      let file = Tool.root.appending(path: path)
      let text = try String(contentsOf: file, encoding: .utf8)
      var isCode = false
      for (number, line) in text.components(separatedBy: "\n").enumerated() {
        if line.hasPrefix("```") { isCode.toggle() }
        guard !isCode else { continue }
        for match in line.matches(of: /\]\(([^)\s]+)\)/) {
          let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
          guard !parts[0].contains(":") else { continue }
          let target =
            parts[0].isEmpty ? file : file.deletingLastPathComponent().appending(path: parts[0]).standardized
          let place: Comment = "\(path):\(number + 1): \(match.1)"
          #expect(FileManager.default.fileExists(atPath: target.path), place)
          if parts.count == 2, let linked = try? String(contentsOf: target, encoding: .utf8) {
            #expect(Self.anchors(linked).contains(parts[1]), place)
          }
        }
      }
    }
  }

  @Test func `every page is in the catalog's order, and every page there is one`() throws {
    let root = try String(contentsOf: Self.catalog.appending(path: "Lacuna.md"), encoding: .utf8)
    let listed = root.matches(of: /<doc:(\w+)>/).map { String($0.1) + ".md" }
    #expect(Set(listed) == Set(Self.pages).subtracting(["Lacuna.md"]))
    for page in listed { #expect(root.contains("](\(page))"), "\(page) is not in the table for readers of the files") }
  }
}

/// A folder with the files that commands of the documentation name.
enum ReadersFolder {
  static func make() throws -> Folder {
    let folder = try Folder()
    func link(_ name: String, _ path: String) throws {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appending(path: name), withDestinationURL: Tool.root.appending(path: path))
    }
    try link("Traces", "Traces")
    try link("Configs", "Configs")
    try link("my-gpu.yaml", "Configs/Hardware/h200.yaml")
    try link("config.json", "Fuzzing/Corpus/hugging-face/llama.json")
    try link("model.safetensors", "Fuzzing/Corpus/safetensors/small.safetensors")
    try link("layer-0.csv", "Fuzzing/Corpus/side-files/activations.csv")
    _ = try Shell.run(
      "gzip -c '\(Tool.root.path)/Fuzzing/Corpus/pytorch/linear.json' > pytorch_et.json.gz", in: folder.url)
    _ = try folder.file(
      "net.jsonl",
      """
      {"lacuna_trace":1,"name":"net"}
      {"name":"fc1","kind":"gemm","dtype":"int8","m":2,"n":8,"k":4}

      """)
    _ = try folder.file("names.csv", "operator,tensor\nfc1,fc1.weight\n")
    _ = try folder.file("densities.csv", "layer,operand,density,structure,source\nfc1,W,0.5,2:4,paper\n")
    _ = try folder.file(
      "study.yaml",
      """
      lacuna_study: 1
      name: study
      machine: s4
      workloads: [{trace: resnet18, data_type: int8}]
      parameters:
        rate: {path: workload.sparsity, values: [1x, 8x]}
        buffer: {path: l2.capacity, values: [2 MiB, 4 MiB, 6 MiB, 8 MiB, 10 MiB, 12 MiB, 14 MiB, 16 MiB]}
      objectives: [time, energy]
      sampler: grid
      """)
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 4), }"
    let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
    var array = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(padded.utf8.count), 0])
    array += Data(padded.utf8) + Data([1, 0, 1, 0, 0, 1, 0, 1])
    try array.write(to: folder.url.appending(path: "fc1.npy"))
    return folder
  }
}

/// Blocks of `$ command` lines with what they print.
enum ConsoleBlocks {
  /// The text with each command's output replaced by what it prints now. A line that begins with `> ` goes on with the
  /// command before it.
  static func rerun(_ page: String) throws -> String {
    let folder = try Folder()
    for name in ["Traces", "Configs"] {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appending(path: name), withDestinationURL: Tool.root.appending(path: name))
    }
    var lines: [String] = []
    var isExample = false
    var command: [String] = []
    func run() throws {
      guard !command.isEmpty else { return }
      let text = try Shell.run(command.joined(separator: "\n"), in: folder.url).text
      command = []
      guard !text.isEmpty else { return }
      lines += text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
    for line in page.components(separatedBy: "\n") {
      if !isExample {
        isExample = line == "```console"
        lines.append(line)
      } else if line == "```" {
        try run()
        isExample = false
        lines.append(line)
      } else if line.hasPrefix("$ ") {
        try run()
        command = [String(line.dropFirst(2))]
        lines.append(line)
      } else if line.hasPrefix("> "), !command.isEmpty {
        command.append(String(line.dropFirst(2)))
        lines.append(line)
      }
      // What else stands below a command is its old output.
    }
    return lines.joined(separator: "\n")
  }
}
