import Bench
import Diagnostics
import Documents
import Foundation
import Hardware
import Quantities
import SeededRandom
import Simulation
import Testing
import Traces
import Workloads

/// Machines with other numbers, as studies make them.
private struct Variation {
  let template: MachineTemplate
  private let numbers: [(path: [String], scaled: @Sendable (Double) -> Node)]

  init(_ name: String) throws {
    let url = Bench.root.appending(path: "Configs/Hardware/\(name).yaml")
    let template = try MachineTemplate(SourceText(name: name, bytes: Array(Data(contentsOf: url))))
    self.template = template
    numbers = template.paths.sorted().compactMap { path in
      let keys = path.split(separator: ".").map(String.init)
      switch template.value(at: path)?.content {
      case .number(let text):
        guard let number = Double(text) else { return nil }
        let isWhole = Int(text) != nil
        return (keys, { Node(.number(isWhole ? "\(max(1, Int(number * $0)))" : "\(number * $0)"), range: 0..<0) })
      case .string(let text):
        let parts = text.split(separator: " ")
        guard parts.count == 2, let number = Double(parts[0]) else { return nil }
        return (keys, { Node(.string("\(number * $0) \(parts[1])"), range: 0..<0) })
      default: return nil
      }
    }
  }

  /// Up to `count` of its numbers at other values.
  func values(_ count: Int, _ random: inout SeededGenerator) -> [(path: [String], value: Node)] {
    var chosen: [Int: Node] = [:]
    for _ in 0..<Int.random(in: 1...count, using: &random) {
      let index = numbers.indices.randomElement(using: &random) ?? 0
      let factors: [Double] = [0.25, 0.5, 0.9, 1.1, 2, 4]
      chosen[index] = numbers[index].scaled(factors.randomElement(using: &random) ?? 1)
    }
    return chosen.sorted { $0.key < $1.key }.map { (numbers[$0.key].path, $0.value) }
  }
}

@Suite struct RepeatedRunTests {
  static let machines = ["systolic-128x128", "sat", "s4", "s30", "h200", "t4", "rtx-3090"]

  @Test(arguments: machines)
  func `a machine with other numbers is that of a file that has them`(_ name: String) throws {
    let variation = try Variation(name)
    var random = SeededGenerator(seed: 5)
    var (good, bad) = (0, 0)
    for _ in 0..<300 {
      let values = variation.values(3, &random)
      switch (variation.template.machine(with: values), variation.template.read(values)) {
      case (.success(let fast), .success(let slow)):
        good += 1
        let (a, b) = (Self.text(fast), Self.text(slow))
        #expect(a == b, "\(values)")
      case (.failure(let fast), .failure(let slow)):
        bad += 1
        #expect(fast.diagnostics == slow.diagnostics)
      default: Issue.record("\(values): one is a machine and the other none")
      }
    }
    #expect(good > 50 && bad > 2, "\(good) machines, \(bad) contradictions")
  }

  /// All that a machine is, apart from the sources of its constants; sets and dictionaries in order.
  private static func text(_ machine: Machine) -> String {
    func text(_ types: inout DataTypeSupport) -> String {
      defer { types = DataTypeSupport(rates: [:]) }
      let rates = types.rates.map { "\($0.key): \($0.value)" }.sorted()
      return "\(rates) \(types.substitutes.map { "\($0.key): \($0.value)" }.sorted())"
    }
    switch machine.architecture {
    case .tensorCore(var gpu): return text(&gpu.dataTypes) + "\(machine.name) \(gpu)"
    case .s4(var chip): return text(&chip.dataTypes) + "\(machine.name) \(chip)"
    case .systolic(var array):
      let beside = array.besideWeightGradients.map(\.rawValue).sorted()
      array.besideWeightGradients = []
      return text(&array.dataTypes) + "\(machine.name) \(beside) \(array)"
    }
  }

  /// Every sum that a run has.
  private static func text(_ totals: RunTotals) -> String {
    let bounds = Bound.allCases.map { "\(totals.byBound[$0].value)" }.joined(separator: " ")
    let energy = totals.energy.components.map { "\($0.energy.value)" }.joined(separator: " ")
    return """
      \(totals.operators) \(totals.elapsed.value) \(totals.cycles) \(totals.macs) \(totals.traffic) \(energy) \(bounds) \
      \(totals.matrix.busy.value) \(totals.matrix.idle.value) \(totals.powerCapped.value)
      """
  }

  private static func result(
    _ body: () throws(DiagnosticList) -> RunTotals
  ) -> Result<RunTotals, DiagnosticList> { Result(catching: body) }

  @Test(arguments: machines, ["resnet50", "resnet18-train", "bert-large"])
  func `repeated runs give the totals of a simulation to the last bit`(_ name: String, _ trace: String) throws {
    let path = Bench.root.appending(path: "Traces/\(trace).jsonl.zst").path
    let workload = try TraceReader.read(path).workload
    let variation = try Variation(name)
    var random = SeededGenerator(seed: 9)
    for rules in [[], ["weights=2:4"], ["weights=8x"]] {
      let changes = WorkloadChanges(
        rules: try rules.map(SparsityRule.init(parsing:)), dataType: name.hasPrefix("s") ? nil : .fp16)
      let pruned = try workload.changed(by: changes).workload
      for fuses in [false, true] {
        let options = SimulationOptions(fusesEpilogues: fuses)
        let repeated = RepeatedSimulation(pruned, options: options)
        for _ in 0..<8 {
          guard case .success(let machine) = variation.template.machine(with: variation.values(4, &random)) else {
            continue
          }
          switch Self.result({ () throws(DiagnosticList) in
            try Simulator.simulate(pruned, on: machine, options: options).totals
          }) {
          case .success(let expected): #expect(Self.text(try repeated.totals(on: machine)) == Self.text(expected))
          case .failure(let expected):
            let list = #expect(throws: DiagnosticList.self) { try repeated.totals(on: machine) }
            #expect(list?.diagnostics == expected.diagnostics)
          }
        }
      }
    }
  }
}
