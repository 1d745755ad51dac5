import Diagnostics
import Documents
import Foundation
import Hardware
import Quantities
import Testing

@Suite struct AreaTests {
  /// The description with other texts, each of which must stand in it once.
  private static func machine(_ name: String, _ changes: [(String, String)] = []) throws -> Machine {
    var text = try Repository.text(name)
    for (old, new) in changes {
      try #require(text.components(separatedBy: old).count == 2, "'\(old)' must stand in \(name) once")
      text = text.replacingOccurrences(of: old, with: new)
    }
    return try MachineReader.read(SourceText(name: "\(name).yaml", text: text))
  }

  private static func areas(_ machine: Machine) throws -> [AreaBreakdown.Name: SquareMillimetres] {
    let breakdown = try #require(machine.areaBreakdown)
    return Dictionary(uniqueKeysWithValues: breakdown.components.map { ($0.name, $0.area) })
  }

  private static func isNear(_ a: SquareMillimetres, _ b: SquareMillimetres) -> Bool {
    (a.value - b.value).magnitude <= 1e-12 * b.value.magnitude
  }

  @Test(arguments: Repository.machines)
  func `a machine's area is the sum of its components, each above nothing`(_ name: String) throws {
    let machine = try Repository.machine(name)
    guard let breakdown = machine.areaBreakdown else {
      // SCALE-Sim's arrays are no chips: their memory is an interface without pins.
      #expect(name.hasPrefix("systolic") && machine.totalArea == nil)
      return
    }
    #expect(breakdown.components.allSatisfy { $0.count > 0 && $0.area > .zero })
    #expect(Self.isNear(breakdown.components.reduce(.zero) { $0 + $1.area }, breakdown.total))
    #expect(machine.totalArea == breakdown.total)
    #expect(Set(breakdown.components.map(\.name)).count == breakdown.components.count)
  }

  @Test func `areas go between nodes with transistors, with bit cells, or not at all`() {
    let one = NodeArea(SquareMillimetres(2), at: .nm40)
    #expect(one.at(.nm16, .logic) == SquareMillimetres(2 * (7.7 / 28.9)))
    #expect(Self.isNear(one.at(.nm16, .memory), SquareMillimetres(2 * 0.070 / 0.242)))
    #expect(one.at(.nm16, .fixed) == SquareMillimetres(2))
    for node in TechnologyNode.allCases {
      #expect(NodeArea(SquareMillimetres(1), at: node).at(node, .logic) == SquareMillimetres(1))
      #expect(NodeArea(SquareMillimetres(1), at: node).at(node, .memory) == SquareMillimetres(1))
    }
    // Smaller nodes are denser, in the order of the list.
    for (a, b) in zip(TechnologyNode.allCases, TechnologyNode.allCases.dropFirst()) {
      #expect(a.logicDensity <= b.logicDensity && a.bitCell >= b.bitCell)
    }
  }

  @Test func `an array of twice the rows has twice the elements, and wider ports on as many cells`() throws {
    let one = try Self.areas(Self.machine("sat"))
    let two = try Self.areas(Self.machine("sat", [("rows: {value: 32,", "rows: {value: 64,")]))
    for name in [AreaBreakdown.Name.multipliers, .registers, .selectors] {
      #expect(Self.isNear(try #require(two[name]), try #require(one[name]) * 2), "\(name)")
    }
    for name in AreaBreakdown.Name.allCases where ![.multipliers, .registers, .selectors, .inputBuffer].contains(name) {
      #expect(two[name] == one[name], "\(name)")
    }
    // 64 rows of 16 values of 16 bits, 16,384 sense amplifiers, are more than the 8,192 that a MiB has.
    let cells = 8.0 * Double(1 << 20) * 0.070e-6
    let column = 30.7e-6
    #expect(Self.isNear(try #require(one[.inputBuffer]), SquareMillimetres(cells + 8192 * column)))
    #expect(Self.isNear(try #require(two[.inputBuffer]), SquareMillimetres(cells + 16_384 * column)))
  }

  @Test func `an element's sparse logic follows its group`() throws {
    func element(_ group: Int) throws -> (registers: Double, selectors: Double) {
      let breakdown = try #require(
        try Self.machine("sat", [("largest_group: {value: 16,", "largest_group: {value: \(group),")]).areaBreakdown)
      func count(_ name: AreaBreakdown.Name) -> Double {
        (breakdown.components.first { $0.name == name }?.count ?? 0) / 1024
      }
      return (count(.registers), count(.selectors))
    }
    // Values and positions that stay, values that move, and four sums.
    let (wide, narrow) = try (element(16), element(4))
    let registers: [Double] = [320 + 256 + 128, 72 + 64 + 128]
    #expect([wide.registers, narrow.registers] == registers)
    #expect([wide.selectors, narrow.selectors] == [240, 48])
  }

  @Test func `twice the bandwidth takes twice the channels`() throws {
    let one = try Self.areas(Self.machine("sat"))
    let two = try Self.areas(
      Self.machine("sat", [("peak_bandwidth: {value: 19.2 GB/s,", "peak_bandwidth: {value: 38.4 GB/s,")]))
    #expect(Self.isNear(try #require(two[.memoryInterface]), try #require(one[.memoryInterface]) * 2))
    #expect(Self.isNear(try #require(one[.memoryInterface]), SquareMillimetres(2.9)))
    // Controllers are logic, of placed blocks.
    #expect(Self.isNear(try #require(one[.memoryController]), SquareMillimetres(1.88 * (96.3 / 28.9))))
  }

  @Test(arguments: [("s10", 2.0), ("s30", 3.0)])
  func `a card of several chips has several times their area`(_ name: String, _ chips: Double) throws {
    let one = try #require(try Repository.machine("s4").totalArea)
    #expect(Self.isNear(try #require(try Repository.machine(name).totalArea), one * chips))
  }

  @Test func `a GPU's area follows its multiprocessors and its cache, those that are off included`() throws {
    let one = try Self.areas(Self.machine("a100"))
    let more = try Self.areas(
      Self.machine(
        "a100",
        [("count: {value: 108,", "count: {value: 216,"), ("capacity: {value: 40 MiB,", "capacity: {value: 80 MiB,")]))
    for name in AreaBreakdown.Name.allCases {
      guard let area = one[name], let other = more[name] else { continue }
      let stays: Set<AreaBreakdown.Name> = [.memoryInterface, .memoryController, .fixed]
      #expect(Self.isNear(other, stays.contains(name) ? area : area * 2), "\(name)")
    }
    let cores = try #require(try Repository.machine("a100").areaBreakdown?.components.first { $0.name == .cores })
    #expect(cores.count == 128)
  }

  /// The components come from LLMCompass, which was made for the A100's die; the others are predicted.
  @Test(arguments: ["a100", "h100", "h200", "rtx-3090", "rtx-a6000", "t4"])
  func `the sum is within 15 % of the published die`(_ name: String) throws {
    let breakdown = try #require(try Repository.machine(name).areaBreakdown)
    #expect((breakdown.total / (try #require(breakdown.die)) - 1).magnitude < 0.15)
  }

  @Test(arguments: [
    ("5.98 µm² at 40 nm", "5.98 µm²", DiagnosticCode.wrongType), ("5.98 µm² at 40 nm", "5.98 at 40 nm", .missingUnit),
    ("5.98 µm² at 40 nm", "5.98 W at 40 nm", .wrongUnit), ("5.98 µm² at 40 nm", "5.98 µm² at 41 nm", .unknownValue),
    ("5.98 µm² at 40 nm", "0 µm² at 40 nm", .outOfRange),
    ("  register: {value: 5.98", "  regster: {value: 5.98", .missingKey),
    ("technology: DDR4-2400", "technology: wires", .inconsistentHardware),
  ])
  func `a mistake in an area is told at its place`(_ old: String, _ new: String, _ code: DiagnosticCode) throws {
    let list = try #require(throws: DiagnosticList.self) { _ = try Self.machine("sat", [(old, new)]) }
    #expect(list.diagnostics.contains { $0.code == code && $0.location != nil }, "\(list.diagnostics)")
  }

  @Test(arguments: [
    ("area.node", "7 nm"), ("area.register", "3 µm² at 16 nm"), ("array.rows", "64"),
    ("dram.peak_bandwidth", "40 GB/s"),
  ])
  func `a template's machines have the areas of a description with the same values`(
    _ path: String, _ value: String
  ) throws {
    let template = try MachineTemplate(SourceText(name: "sat.yaml", text: try Repository.text("sat")))
    let node = Node(Int(value) == nil ? .string(value) : .number(value), range: 0..<0)
    let change = [(path: path.split(separator: ".").map(String.init), value: node)]
    let fast = try template.machine(with: change).get()
    let read = try template.read(change).get()
    #expect(fast.area == read.area && fast.totalArea == read.totalArea)
    #expect(read.totalArea != template.machine.totalArea)
  }
}
