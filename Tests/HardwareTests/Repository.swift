import Diagnostics
import Foundation
import Hardware

/// What the repository holds.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The names of all machine descriptions.
  static let machines: [String] = {
    let folder = root.appending(path: "Configs/Hardware").path
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
  }()

  /// The text of a description.
  static func text(_ name: String) throws -> String {
    try String(contentsOf: root.appending(path: "Configs/Hardware/\(name).yaml"), encoding: .utf8)
  }

  static func machine(_ name: String) throws -> Machine {
    try MachineReader.read(SourceText(name: "\(name).yaml", text: text(name)))
  }
}
