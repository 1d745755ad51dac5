import Diagnostics
public import Foundation
public import Hardware

/// Files of the repository that tests of engines share.
public enum Bench {
  /// The repository's root.
  public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A machine of the repository.
  /// - Throws: everything wrong with its description.
  public static func machine(_ name: String) throws -> Machine {
    let url = root.appending(path: "Configs/Hardware/\(name).yaml")
    return try MachineReader.read(SourceText(name: url.lastPathComponent, bytes: Array(Data(contentsOf: url))))
  }

  /// A table of measurements: one dictionary a line, by the names in the first.
  /// - Throws: what keeps the file from being read.
  public static func measurements(_ name: String) throws -> [[String: String]] {
    let text = try String(contentsOf: root.appending(path: "Configs/Reference/\(name).csv"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(lines[0].map(String.init), line.map(String.init)))
    }
  }
}
