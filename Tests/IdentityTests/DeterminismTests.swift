import Foundation
import Lacuna
import Testing

@Suite struct DeterminismTests {
  private static let cases = [
    Case(trace: "bert-large", rules: ["weights=2:4"]), Case(trace: "resnet18", rules: ["weights=2:8"], training: .bdwp),
    Case(trace: "resnet50", rules: ["weights=16x"]),
  ]

  @Test(arguments: cases, Repository.machines)
  func `running twice gives the same bytes`(_ this: Case, machine name: String) throws {
    func text(_ format: Report.Format) throws -> String {
      Report.run(try this.study().run(on: Repository.machine(name)), operators: .all).text(as: format)
    }
    for format in Report.Format.allCases {
      let first = try text(format)
      #expect(first == (try text(format)))
      #expect(!first.isEmpty)
    }
  }

  /// The built program, beside the test bundle.
  private static let executable: URL = {
    let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    let folder =
      bundle?.deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    return folder.appendingPathComponent("lacuna")
  }()

  /// What the program writes, with a hash seed that is random in every process.
  private static func output(_ arguments: [String]) throws -> Data {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("lacuna-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: place) }
    try Data().write(to: place)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = Repository.root
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "SWIFT_DETERMINISTIC_HASHING" }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: place)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0, "\(arguments)")
    return try Data(contentsOf: place)
  }

  @Test(arguments: [
    ["simulate", "Traces/bert-large.jsonl.zst", "--hardware", "h200", "--sparsity", "weights=2:4", "--format", "json"],
    [
      "simulate", "Traces/resnet18.jsonl.zst", "--hardware", "sat", "--training", "bdwp", "--sparsity", "weights=2:8",
      "--format", "json",
    ],
    ["simulate", "Traces/resnet50.jsonl.zst", "--hardware", "s4", "--sparsity", "weights=16x", "--format", "table"],
    ["hardware", "show", "h200", "--format", "json"],
  ])
  func `the program writes the same bytes whatever the hash seed`(arguments: [String]) throws {
    let first = try Self.output(arguments)
    #expect(first.count > 100)
    for _ in 0..<3 { #expect(try Self.output(arguments) == first) }
  }
}
