import Foundation
import Testing

/// The console examples of the README, run as a reader would.
///
/// With `RECORD_GOLDENS=1` their output is written into the README; otherwise it must be what stands there.
@Suite struct ReadmeTests {
  /// The lines of the README with each example's output replaced by what it prints now.
  private static func rerun(_ readme: String) throws -> String {
    let folder = try Folder()
    for name in ["Traces", "Configs"] {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appendingPathComponent(name), withDestinationURL: Tool.root.appendingPathComponent(name))
    }
    var lines: [String] = []
    var isExample = false
    for line in readme.components(separatedBy: "\n") {
      if line == "```console" {
        isExample = true
        lines.append(line)
      } else if isExample, line == "```" {
        isExample = false
        lines.append(line)
      } else if isExample {
        // What stands below a command is its old output.
        guard line.hasPrefix("$ ") else { continue }
        lines.append(line)
        lines += try output(of: String(line.dropFirst(2)), in: folder.url)
      } else {
        lines.append(line)
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func output(of command: String, in folder: URL) throws -> [String] {
    let text = try Shell.run(command, in: folder).text
    return text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  @Test func `the README's examples print what stands below them`() throws {
    let file = Tool.root.appendingPathComponent("README.md")
    let readme = try String(contentsOf: file, encoding: .utf8)
    let current = try Self.rerun(readme)
    if ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1" {
      try current.write(to: file, atomically: true, encoding: .utf8)
    } else {
      let (old, new) = (readme.components(separatedBy: "\n"), current.components(separatedBy: "\n"))
      for (number, pair) in zip(old, new).enumerated() where pair.0 != pair.1 {
        Issue.record("README.md:\(number + 1): was\n\(pair.0)\nand is now\n\(pair.1)\nRecord with RECORD_GOLDENS=1.")
        return
      }
      #expect(old.count == new.count)
    }
  }
}
