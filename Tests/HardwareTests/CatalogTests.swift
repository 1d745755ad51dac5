import Diagnostics
import Documents
import Foundation
import Hardware
import Quantities
import Testing
import Workloads

@Suite struct CatalogTests {
  /// Paths of all mappings with a `value`.
  private static func constants(_ node: Node, _ path: String = "") -> [String] {
    if node["value"] != nil { return [path] }
    let entries =
      switch node.content {
      case .mapping(let entries): entries.map { ($0.key, $0.value) }
      case .sequence(let elements): elements.enumerated().map { ("\($0)", $1) }
      default: [(String, Node)]()
      }
    return entries.flatMap { constants($1, path.isEmpty ? $0 : "\(path).\($0)") }
  }

  @Test func `the families have their machines`() {
    #expect(
      Set(Repository.machines).isSuperset(of: [
        "a100", "h100", "h200", "rtx-3090", "rtx-a6000", "t4", "s4", "s10", "s30", "sat", "systolic-32x32",
        "systolic-128x128",
      ]))
  }

  @Test(arguments: Repository.machines)
  func `a machine is named after its file and has a title`(name: String) throws {
    let machine = try Repository.machine(name)
    #expect(machine.name == name)
    #expect(!machine.title.isEmpty)
  }

  @Test(arguments: Repository.machines)
  func `every constant of the file is kept with its value, certainty and source`(name: String) throws {
    let machine = try Repository.machine(name)
    let written = Self.constants(try YAMLParser.parse(SourceText(name: name, text: Repository.text(name))))
    #expect(machine.constants.map(\.path).sorted() == written.sorted())
    #expect(written.count > 20)
    for constant in machine.constants {
      #expect(!constant.value.isEmpty && constant.source.count >= 4, "\(constant.path)")
    }
  }

  @Test(arguments: ["h100", "a100", "rtx-3090", "rtx-a6000", "t4"])
  func `what is taken over from the H200 is as the H200 has it`(name: String) throws {
    let original = try Repository.machine("h200").constants.reduce(into: [:]) { $0[$1.path] = $1.value }
    let taken = try Repository.machine(name).constants.filter {
      $0.source == "as H200" || $0.source.hasPrefix("taken over from the H200")
    }
    #expect(taken.count > 10)
    for constant in taken {
      if let value = original[constant.path] { #expect(constant.value == value, "\(constant.path)") }
    }
  }

  @Test(arguments: Repository.machines)
  func `streams are no faster than the memory's interface`(name: String) throws {
    let machine = try Repository.machine(name)
    let dram =
      switch machine.architecture {
      case .tensorCore(let gpu): gpu.dram
      case .s4(let chip): chip.dram
      case .systolic(let array): array.dram
      }
    #expect(dram.streamBandwidth <= dram.peakBandwidth && dram.streamBandwidth > dram.peakBandwidth * 0.5)
  }

  /// Published peaks in tera-operations a second, a multiply-accumulate being two, at the clock they are stated for.
  @Test(arguments: [
    ("h200", DataType.fp16, 1.83, 989.4), ("h200", .bf16, 1.83, 989.4), ("h200", .tf32, 1.83, 494.7),
    ("h200", .fp8, 1.83, 1978.9), ("h200", .int8, 1.83, 1978.9), ("h100", .fp16, 1.83, 989.4),
    ("h100", .fp8, 1.83, 1978.9), ("a100", .fp16, 1.41, 312), ("a100", .bf16, 1.41, 312), ("a100", .tf32, 1.41, 156),
    ("a100", .int8, 1.41, 624), ("t4", .fp16, 1.59, 65), ("t4", .int8, 1.59, 130), ("rtx-3090", .fp16, 1.695, 71),
    ("rtx-3090", .int8, 1.695, 284), ("rtx-a6000", .fp16, 1.8, 154.8),
  ])
  func `rates, units and clock make the published peak`(
    name: String, type: DataType, gigahertz: Double, peak: Double
  ) throws {
    guard case .tensorCore(let gpu) = try Repository.machine(name).architecture else {
      Issue.record("\(name) is no GPU")
      return
    }
    let rate = try #require(gpu.dataTypes.rates[type])
    let tera = rate.perCycle * Double(gpu.multiprocessors) * 2 * gigahertz / 1000
    #expect((tera / peak - 1).magnitude < 0.004, "\(tera)")
    if name == "t4" {
      #expect(rate.sparsePerCycle == nil)
    } else {
      #expect(rate.sparsePerCycle == 2 * rate.perCycle)
    }
    #expect(gpu.maximumClock.value >= gigahertz * 1e9 * 0.999)
  }

  private func s4(_ name: String) throws -> S4Processor {
    guard case .s4(let chip) = try Repository.machine(name).architecture else {
      throw DiagnosticList(Diagnostic(.unknownHardware, "\(name) is no S4"))
    }
    return chip
  }

  /// Dense multiply-accumulates a second of the whole card, in tera.
  private func rate(_ chip: S4Processor, _ type: DataType) throws -> Double {
    let rate = try #require(chip.dataTypes.rates[type])
    return rate.perCycle * Double(chip.chips * chip.cores * chip.unitsPerCore) * chip.clock.value / 1e12
  }

  @Test func `an S4 has its published rate at the highest compression`() throws {
    let chip = try s4("s4")
    let dense = try rate(chip, .int8)
    #expect((dense / 14.75 - 1).magnitude < 0.001)
    let highest = try #require(chip.rates.max())
    #expect(highest == 32)
    #expect((dense * 2 * Double(highest) / 943.6 - 1).magnitude < 0.001)
    #expect(chip.rates.allSatisfy { chip.bankSize % $0 == 0 })
    #expect(Double(chip.lanes * chip.columns) >= (chip.dataTypes.rates[.int8]?.perCycle ?? .infinity))
  }

  @Test(arguments: [("s10", 2), ("s30", 3)])
  func `larger cards are as many S4 chips`(name: String, chips: Int) throws {
    let one = try s4("s4")
    let card = try s4(name)
    #expect(card.chips == chips * one.chips)
    for type in one.dataTypes.rates.keys {
      #expect(try rate(card, type) == Double(chips) * rate(one, type))
    }
    #expect(card.dram == one.dram && card.l2Capacity == one.l2Capacity && card.clock == one.clock)
  }

  @Test func `SAT's array does 409.6 GFLOP a second dense`() throws {
    guard case .systolic(let array) = try Repository.machine("sat").architecture else {
      Issue.record("SAT is no array")
      return
    }
    let rate = try #require(array.dataTypes.rates[.fp16])
    #expect(rate.perCycle * Double(array.rows * array.columns) * array.clock.value * 2 == 409.6e9)
    #expect(array.pruner?.pregenerates == true && array.updater != nil && array.sparseElement == .group)
  }

  @Test(arguments: Repository.machines)
  func `types that a machine lacks run as one that it has`(name: String) throws {
    let types =
      switch try Repository.machine(name).architecture {
      case .tensorCore(let gpu): gpu.dataTypes
      case .s4(let chip): chip.dataTypes
      case .systolic(let array): array.dataTypes
      }
    for type in DataType.allCases {
      guard let (used, rate) = types.resolve(type) else { continue }
      #expect(types.rates[used] == rate)
      #expect(used == (types.rates[type] == nil ? types.substitutes[type] : type))
    }
    // Every committed trace is of half precision.
    #expect(types.resolve(.fp16) != nil)
  }
}
