import Diagnostics
import Foundation
import Hardware
import Testing

/// A mistake in a description: a text of the file and what stands in its place.
struct Mistake: Sendable {
  let machine: String
  let code: DiagnosticCode
  let old: String
  let new: String
  /// Lines from the replaced text to the one that is at fault.
  let below: Int
  /// What help must be given.
  let help: String?

  init(_ machine: String, _ code: DiagnosticCode, _ old: String, _ new: String, below: Int = 0, help: String? = nil) {
    self.machine = machine
    self.code = code
    self.old = old
    self.new = new
    self.below = below
    self.help = help
  }

  /// The description with the mistake in it, and the line at fault.
  func applied(to text: String) throws -> (text: String, line: Int) {
    let parts = text.components(separatedBy: old)
    try #require(parts.count == 2, "'\(old)' must stand in \(machine) once")
    return (parts.joined(separator: new), parts[0].filter { $0 == "\n" }.count + 1 + below)
  }
}

@Suite struct BadDescriptionTests {
  /// What is told about a description.
  private static func told(_ text: String) -> [Diagnostic] {
    do throws(DiagnosticList) {
      _ = try MachineReader.read(SourceText(name: "machine.yaml", text: text))
      return []
    } catch {
      return error.diagnostics
    }
  }

  /// Mistakes in values, each on a line of its own, that can stand in one file together.
  static let sat: [Mistake] = [
    // The version must be one that exists.
    Mistake("sat", .inconsistentHardware, "lacuna_hardware: 1", "lacuna_hardware: 0"),
    Mistake("sat", .wrongType, "title: SAT, N:M sparse training on a VCU1525", "title: [SAT]"),
    Mistake("sat", .wrongType, "{value: 32, kind: assumed, source: \"not in the abstract; square\"}", "32"),
    Mistake("sat", .wrongUnit, "200 MHz", "200 MB", help: "use one of: Hz, kHz, MHz, GHz"),
    Mistake("sat", .unknownValue, "value: group", "value: grup", help: "did you mean 'group'?"),
    Mistake(
      "sat", .outOfRange, "value: 16, kind: assumed, source: \"the largest",
      "value: 0, kind: assumed, source: \"the largest"),
    Mistake("sat", .missingUnit, "4 cycles", "4"),
    Mistake(
      "sat", .outOfRange, "value: 4, kind: assumed, source: \"interleave",
      "value: -4, kind: assumed, source: \"interleave"),
    Mistake(
      "sat", .outOfRange, "value: 1, kind: assumed, source: \"one mul", "value: 0, kind: assumed, source: \"one mul"),
    Mistake("sat", .outOfRange, "value: 7 pJ", "value: 0 pJ"),
    Mistake("sat", .unknownValue, "bf16: fp16,", "bf17: fp16,"),
    Mistake("sat", .outOfRange, "value: 12.5 pJ/B", "value: -12.5 pJ/B"),
    Mistake("sat", .inconsistentHardware, "value: 18.3 GB/s", "value: 28.3 GB/s", below: -2),
    Mistake("sat", .missingUnit, "value: 50 ns", "value: 50"),
    Mistake(
      "sat", .unknownKey, "energy: {value: 162.5 pJ/B, kind: published",
      "energy: {value: 162.5 pJ/B, unit: J, kind: published"),
    Mistake(
      "sat", .unknownKey, "as much in an FPGA; as mac_energy\"}", "as much in an FPGA; as mac_energy\", unit: J}"),
    Mistake("sat", .unknownValue, "kind: assumed, source: \"secondary", "kind: guessed, source: \"secondary"),
    Mistake("sat", .wrongType, "value: yes", "value: 3"),
    Mistake("sat", .missingKey, "value: 20 W, kind: assumed, source: \"a large", "kind: assumed, source: \"a large"),
  ]

  static let others: [Mistake] = [
    Mistake("sat", .unknownValue, "engine: systolic", "engine: sistolic", help: "did you mean 'systolic'?"),
    Mistake("sat", .missingKey, "engine: systolic\n", "", below: -3),
    Mistake("sat", .inconsistentHardware, "lacuna_hardware: 1", "lacuna_hardware: 2"),
    Mistake("sat", .unknownValue, "[ws, os]", "[ws, is]"),
    Mistake("sat", .wrongType, "[ws, os]", "ws"),
    Mistake("sat", .wrongType, "[ws, os]", "[]"),
    Mistake("sat", .inconsistentHardware, "value: group", "value: none", below: -4),
    Mistake(
      "sat", .inconsistentHardware, "value: 1, kind: assumed, source: \"one mul",
      "value: 2, kind: assumed, source: \"one mul"),
    Mistake("sat", .inconsistentHardware, "bf16: fp16,", "bf16: int8,"),
    Mistake("sat", .wrongType, "substitutes: {fp32: fp16, bf16: fp16, fp8: fp16}", "substitutes: [fp32, fp16]"),
    Mistake("sat", .unknownValue, "  fp16:\n", "  fp17:\n", help: "did you mean 'fp16'?"),
    Mistake("sat", .unknownKey, "updater:", "flavour: mint\nupdater:"),
    Mistake(
      "sat", .wrongType, "updater:\n  lanes: {value: 32, kind: assumed, source: \"as many as the pruner's\"}",
      "updater: 32"),
    Mistake("sat", .duplicateKey, "  rows: {", "  rows: {value: 16, kind: assumed, source: \"test\"}\n  rows: {"),
    Mistake("sat", .yamlSyntax, "[ws, os]", "[ws, os"),
    Mistake("s4", .inconsistentHardware, "[1, 2, 4, 8, 16, 32]", "[1, 2, 3]", below: -3),
    Mistake("s4", .outOfRange, "[1, 2, 4, 8, 16, 32]", "[1, 0]"),
    Mistake("s4", .inconsistentHardware, "lanes: {value: 16,", "lanes: {value: 8,"),
    Mistake("s4", .inconsistentHardware, "cap: {value: 70 W,", "cap: {value: 10 W,"),
    Mistake(
      "s4", .missingKey,
      "  cores: {value: 4, kind: published, source: \"block diagram; NUM_CORE in the MLPerf v3.0 submission\"}\n", "",
      below: -1),
    Mistake("t4", .inconsistentHardware, "minimum_clock: {value: 0.3 GHz", "minimum_clock: {value: 1.6 GHz", below: -2),
    Mistake("t4", .outOfRange, "issue_efficiency: {value: 0.", "issue_efficiency: {value: 1."),
    Mistake("t4", .outOfRange, "voltage_floor: {value: 0.", "voltage_floor: {value: -0."),
    Mistake("t4", .inconsistentHardware, "cap: {value: 70 W,", "cap: {value: 20 W,"),
    Mistake("t4", .wrongType, "tile: [64, 256]}", "tile: [64, 256, 1]}"),
    Mistake("t4", .outOfRange, "tile: [64, 256]}", "tile: [0, 256]}"),
    Mistake("t4", .missingKey, "{tile: [64, 256]}", "{tiles: [64, 256]}", help: "is 'tiles' meant to be 'tile'?"),
    Mistake(
      "t4", .inconsistentHardware, "    macs_per_cycle: {value: 1024",
      "    sparse_macs_per_cycle: {value: 512, kind: assumed, source: \"test\"}\n    macs_per_cycle: {value: 1024"),
  ]

  @Test(arguments: sat + others)
  func `a mistake is told under its code at its line`(mistake: Mistake) throws {
    let (text, line) = try mistake.applied(to: Repository.text(mistake.machine))
    let told = Self.told(text)
    let first = try #require(told.first { $0.code == mistake.code }, "\(mistake.new): \(told.map(\.message))")
    #expect(first.location?.line == line, "\(mistake.new): \(first.message)")
    #expect(first.severity == .error)
    if let help = mistake.help { #expect(told.contains { $0.help == help }, "\(told.map(\.help))") }
  }

  @Test func `all mistakes of a file are told at once, and nothing else`() throws {
    var text = try Repository.text("sat")
    var expected: [String] = []
    for mistake in Self.sat {
      let (next, line) = try mistake.applied(to: text)
      text = next
      expected.append("\(line) \(mistake.code.rawValue)")
    }
    let told = Self.told(text).map { "\($0.location?.line ?? 0) \($0.code.rawValue)" }
    #expect(Set(told) == Set(expected))
    #expect(told.count == expected.count)
  }

  @Test func `problems come in the order of the file`() throws {
    var text = try Repository.text("sat")
    for mistake in Self.sat { text = try mistake.applied(to: text).text }
    let lines = Self.told(text).compactMap { $0.location?.line }
    #expect(lines == lines.sorted())
  }

  @Test(arguments: [
    "rows", "clock", "dataflows", "sparse_element", "input", "stream_bandwidth", "operations_per_cycle",
  ])
  func `a misspelt key is told with what it is meant to be`(key: String) throws {
    let slip = key + "s"
    let (text, line) = try Mistake("sat", .unknownKey, "  \(key):", "  \(slip):").applied(to: Repository.text("sat"))
    let told = Self.told(text)
    #expect(told.map(\.code) == [.missingKey, .unknownKey])
    #expect(told.first { $0.code == .missingKey }?.help == "is '\(slip)' meant to be '\(key)'?")
    let unknown = try #require(told.first { $0.code == .unknownKey })
    #expect(unknown.location?.line == line)
    #expect(unknown.help == "did you mean '\(key)'?")
  }

  @Test(arguments: ["", "# nothing\n", "[]", "3", "{}", "lacuna_hardware: 1", "a: b\n"])
  func `what is no description is told so`(text: String) {
    #expect(!Self.told(text).isEmpty)
  }

  @Test(arguments: Repository.machines)
  func `a description without any one of its sections is refused, and never crashes`(name: String) throws {
    let lines = try Repository.text(name).split(separator: "\n", omittingEmptySubsequences: false)
    let starts = lines.indices.filter { lines[$0].first?.isLetter == true }
    for (index, start) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1] : lines.count
      let text = (lines[..<start] + lines[end...]).joined(separator: "\n")
      let key = String(lines[start].prefix { $0 != ":" })
      let optional = [
        "substitutes", "pruner", "updater", "sparse_kernels", "library", "compression", "tile_scheduler", "unknowns",
        "area",
      ]
      if optional.contains(key) {
        #expect(Self.told(text).isEmpty, "\(key)")
      } else {
        #expect(Self.told(text).contains { $0.code == .missingKey && $0.message == "the key '\(key)' is missing" })
      }
    }
  }

  @Test func `an empty table of data types is told`() throws {
    let lines = try Repository.text("sat").split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("data_types:") })
    let text = (lines[..<start] + ["data_types: {}"] + lines[(start + 4)...]).joined(separator: "\n")
      .replacingOccurrences(of: "substitutes: {fp32: fp16, bf16: fp16, fp8: fp16}", with: "")
    let told = Self.told(text)
    #expect(told.map { $0.location?.line } == [start + 1])
  }
}
