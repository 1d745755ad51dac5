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
