import Diagnostics
import Foundation
import Hardware
import Quantities
import Testing

/// What nobody has published about a machine, as alternatives.
@Suite struct UnknownTests {
  private func read(_ text: String) throws -> Machine {
    try MachineReader.read(SourceText(name: "machine.yaml", text: text))
  }

  private func problems(_ text: String) -> [Diagnostic] {
    do {
      _ = try MachineReader.read(SourceText(name: "machine.yaml", text: text))
      return []
    } catch {
      return error.diagnostics
    }
  }

  private func described(_ unknowns: String) throws -> String {
    try Repository.text("sat") + "\nunknowns:\n" + unknowns
  }

  @Test func `every alternative is the machine with other values, and nothing else`() throws {
    let machine = try read(
      described(
        """
          - name: memory
            source: "two boards"
            alternatives: [{dram.capacity: 8 GiB}, {dram.peak_bandwidth: 30 GB/s, dram.stream_bandwidth: 29 GB/s}]
        """))
    #expect(machine.variants.map(\.unknown) == ["memory", "memory"])
    #expect(
      machine.variants.map { $0.values.map(\.path) } == [
        ["dram.capacity"], ["dram.peak_bandwidth", "dram.stream_bandwidth"],
      ])
    for variant in machine.variants {
      let changed = Set(variant.values.map(\.path))
      for (a, b) in zip(machine.constants, variant.machine.constants) {
        #expect(a.path == b.path && (a.value == b.value) == !changed.contains(a.path))
      }
      #expect(variant.machine.variants.isEmpty)
    }
  }

  @Test func `alternatives are checked like the description`() throws {
    let slip = problems(
      try described("  - {name: memory, source: \"\", alternatives: [{dram.capacty: 8 GiB}]}\n"))
    #expect(slip.map(\.code) == [.unknownKey] && slip[0].help == "did you mean 'dram.capacity'?")
    let unit = problems(try described("  - {name: memory, source: \"\", alternatives: [{dram.capacity: 8}]}\n"))
    #expect(unit.map(\.code) == [.missingUnit])
    let contradiction = problems(
      try described("  - {name: memory, source: \"\", alternatives: [{dram.peak_bandwidth: 1 GB/s}]}\n"))
    #expect(contradiction.map(\.code) == [.inconsistentHardware])
    #expect(
      problems(try described("  - {name: memory, alternatives: [{dram.capacity: 8 GiB}]}\n")).map(\.code) == [
        .missingKey
      ])
  }

  @Test(arguments: ["s4", "s10", "s30"])
  func `the S4 family says what is not known of it`(_ name: String) throws {
    let machine = try read(Repository.text(name))
    let names = machine.variants.map(\.unknown)
    for unknown in ["L2 size", "bank", "clock", "DRAM bandwidth"] { #expect(names.contains(unknown)) }
  }
}
