import Foundation
import Lacuna
import Testing

/// The built program, run as a user runs it.
enum Tool {
  /// What a run left behind.
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The program beside the test bundle.
  static let executable: URL = {
    let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    let folder =
      bundle?.deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent()
    return folder.appendingPathComponent("lacuna")
  }()

  /// The root of the package.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Runs the program to its end.
  /// - Parameters:
  ///   - input: what stands on its standard input.
  ///   - folder: its working folder.
  ///   - output: where its standard output goes instead of into the outcome.
  static func run(
    _ arguments: [String], input: String = "", output: FileHandle? = nil, environment: [String: String] = [:],
    folder: URL = root
  ) throws -> Outcome {
    let place = try Folder()
    let outputFile = try place.file("output")
    let errorFile = try place.file("errors")
    let inputFile = try place.file("input", input)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try output ?? FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOf: outputFile, encoding: .utf8),
      errors: place.anonymous(try String(contentsOf: errorFile, encoding: .utf8)))
  }
}

/// A folder for files that tests need, removed at the end.
final class Folder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("lacuna-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file.
  func file(_ name: String, _ text: String = "") throws -> URL { try file(name, Array(text.utf8)) }

  /// Writes a file.
  func file(_ name: String, _ bytes: [UInt8]) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return file
  }

  /// The text without the folder's random name.
  func anonymous(_ text: String) -> String { text.replacingOccurrences(of: url.path, with: "FOLDER") }
}

/// What a run printed, as JSON.
func json(_ outcome: Tool.Outcome) throws -> Node {
  do {
    return try JSONParser.parse(SourceText(name: "output", text: outcome.output))
  } catch {
    Issue.record("\(DiagnosticRenderer.render(error.diagnostics))\n\(outcome.errors)")
    throw error
  }
}
