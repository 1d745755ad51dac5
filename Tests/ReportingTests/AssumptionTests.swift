import Lacuna
import Testing

@testable import Reporting

/// What results owe to constants that nobody verified.
@Suite struct AssumptionTests {
  private static let workload = Workload(
    name: "net", source: "test",
    operators: [
      Operator(
        name: "fc1", kind: .gemm(GEMM(m: 256, n: 256, k: 256)), dataType: .fp16,
        sparsity: OperandSparsity(weights: .structured(n: 2, m: 8)))
    ])

  private static func effects(_ workload: Workload = Self.workload) throws -> [AssumptionEffect] {
    try Study(workload).assumptionEffects(on: try MachineTemplate(named: "sat"))
  }

  @Test func `every assumed constant is told once, in the order of the description`() throws {
    let assumed = try MachineCatalog.find("sat").constants.filter { $0.certainty == .assumed }
    #expect(try Self.effects().map(\.constant) == assumed)
  }

  @Test func `an effect is what a description with that value says`() throws {
    let effect = try #require(try Self.effects().first { $0.constant.path == "array.clock" })
    let text = String(decoding: try MachineCatalog.source(of: "sat").bytes, as: UTF8.self)
    let faster = text.replacing("clock: {value: 200 MHz", with: "clock: {value: 220 MHz")
    #expect(faster != text)
    let study = try Study(Self.workload)
    let before = try study.run(on: "sat").comparison
    let after = try study.run(on: try MachineReader.read(SourceText(name: "faster", text: faster))).comparison
    #expect(abs((effect.change ?? 0) - 0.1) < 1e-12)
    #expect(abs(effect.time - (after.run.totals.elapsed / before.run.totals.elapsed - 1)) < 1e-12)
    #expect(abs(effect.energy - (after.run.totals.energy.total / before.run.totals.energy.total - 1)) < 1e-12)
    #expect(abs(effect.speedup - (after.speedup / before.speedup - 1)) < 1e-12)
    #expect(effect.time < -0.01)
  }

  @Test func `energies change no time, and what is no number is not varied`() throws {
    for effect in try Self.effects() {
      if effect.constant.path.hasSuffix("energy") { #expect(effect.time == 0, "\(effect.constant.path)") }
      if effect.constant.path == "array.dataflows" { #expect(effect.change == nil) }
      // Four cycles and a tenth are five; one multiply-accumulate has no neighbour that is near.
      if effect.constant.path == "array.accumulator_latency" { #expect(effect.change == 0.25) }
      if effect.constant.path == "data_types.fp16.macs_per_cycle" { #expect(effect.change == nil) }
    }
  }

  @Test func `a page lists what moves a result, the most first, and names the rest`() throws {
    let effects = try Self.effects()
    let report = try Study(Self.workload).run(on: "sat")
    let page = HTMLReport.text(report, effects: effects)
    let section = try #require(
      page.split(separator: "<section id=\"assumptions\">").last?.split(separator: "<details>").first)
    let moving = effects.filter(\.matters)
    #expect(!moving.isEmpty && moving.count < effects.count)
    let rows = section.split(separator: "<tr><td>").dropFirst().map { String($0.prefix { $0 != "<" }) }
    #expect(Set(rows) == Set(moving.map(\.constant.path)) && rows.count == moving.count)
    let sizes = rows.compactMap { path in effects.first { $0.constant.path == path }?.magnitude }
    #expect(sizes == sizes.sorted(by: >))
    for effect in effects where !effect.matters { #expect(section.contains(effect.constant.path)) }
  }
}
