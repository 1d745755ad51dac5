import Lacuna
import Testing

/// The two fidelities beside each other. `Benchmarks` compares all traces on all arrays.
@Suite struct FidelityTests {
  /// Traces that are quick without optimisation, dense and pruned, on each array.
  static let runs: [(this: Case, machine: String)] =
    [
      (Case(trace: "resnet18"), "sat"), (Case(trace: "resnet18", rules: ["weights=2:8"], training: .bdwp), "sat"),
      (Case(trace: "bert-large"), "sat"), (Case(trace: "resnet18"), "systolic-128x128"),
      (Case(trace: "resnet18", rules: ["weights=2:4"]), "systolic-128x128"),
      (Case(trace: "resnet50"), "systolic-128x128"), (Case(trace: "bert-large"), "systolic-128x128"),
      (Case(trace: "llama2-7b-prefill"), "systolic-128x128"), (Case(trace: "resnet18"), "systolic-32x32"),
    ]

  private static func run(
    _ workload: Workload, _ machine: Machine, _ fidelity: SimulationOptions.Fidelity,
    _ residency: SimulationOptions.Residency = .chained
  ) throws -> RunResult {
    try Simulator.simulate(
      workload, on: machine, options: SimulationOptions(residency: residency, fidelity: fidelity))
  }

  /// The worst of all traces is 4.2 %, of gpt3-layer with 2:4 weights on SAT; of these it is 3.1 %.
  @Test(arguments: runs)
  func `whole networks take the same time to 5 percent, and everything else is the same`(
    _ this: Case, name: String
  ) throws {
    let workload = try this.study().workload
    let machine = try Repository.machine(name)
    let analytic = try Self.run(workload, machine, .analytic)
    let event = try Self.run(workload, machine, .event)
    let ratio = event.totals.elapsed / analytic.totals.elapsed
    #expect(abs(ratio - 1) < 0.05, "\(ratio)")
    #expect(event.totals.traffic == analytic.totals.traffic)
    #expect(event.totals.macs == analytic.totals.macs)
    for (a, b) in zip(analytic.operators, event.operators) {
      #expect(analytic.estimate(of: a).mapping == event.estimate(of: b).mapping)
      let (once, elapsed) = (event.estimate(of: b), event.estimate(of: b).elapsed.value)
      for time in [once.matrix, once.vector, once.memory] {
        #expect(abs(time.total.value - elapsed) <= 1e-9 * elapsed, "\(b.name)")
        #expect(time.idle >= .zero && time.busy >= .zero)
      }
      #expect((Double(once.cycles.count) - elapsed * once.clock.value).magnitude <= 1, "\(b.name)")
    }
  }

  /// With operands and results on chip nothing is waited for but filters; with a memory that never limits they take no
  /// time either.
  @Test(arguments: ["sat", "systolic-128x128", "systolic-32x32"], ["resnet18", "bert-large"])
  func `where nothing is contended for, both are the same`(machine name: String, trace: String) throws {
    var machine = try Repository.machine(name)
    guard case .systolic(var array) = machine.architecture else { return }
    array.dram.technology = "an interface that never waits"
    array.dram.streamBandwidth = array.dram.streamBandwidth * 1e9
    array.dram.peakBandwidth = array.dram.streamBandwidth
    array.dram.latency = Seconds(1e-15)
    machine.architecture = .systolic(array)
    let workload = try Repository.workload(trace)
    let analytic = try Self.run(workload, machine, .analytic)
    let event = try Self.run(workload, machine, .event)
    for (a, b) in zip(analytic.operators, event.operators) {
      let (x, y) = (analytic.estimate(of: a), event.estimate(of: b))
      // Every tile's clocks are rounded to femtoseconds, and so are its transfers.
      #expect(abs(x.elapsed.value - y.elapsed.value) <= 1e-12 + 1e-9 * x.elapsed.value, "\(a.name): \(a.shape)")
      #expect(abs(x.matrix.busy.value - y.matrix.busy.value) <= 1e-9 * x.elapsed.value)
    }
  }

  @Test func `twice the bandwidth is never slower`() throws {
    let machine = try Repository.machine("systolic-128x128")
    guard case .systolic(var array) = machine.architecture else { return }
    let workload = try Repository.workload("resnet18")
    var last = Double.infinity
    for _ in 0..<4 {
      let result = try Self.run(
        workload, Machine(name: "array", title: "", architecture: .systolic(array)), .event)
      #expect(result.totals.elapsed.value <= last)
      last = result.totals.elapsed.value
      array.dram.streamBandwidth = array.dram.streamBandwidth * 2
      array.dram.peakBandwidth = array.dram.peakBandwidth * 2
    }
  }

  @Test(arguments: ["h200", "s4"])
  func `a machine without it says what has it`(name: String) throws {
    let machine = try Repository.machine(name)
    let engine = machine.architecture.name
    do {
      _ = try Self.run(try Repository.workload("resnet18"), machine, .event)
      Issue.record("it runs")
    } catch let list as DiagnosticList {
      #expect(list.diagnostics.map(\.code) == [.unsupportedOperator])
      #expect(
        list.diagnostics[0].message
          == "\(name) cannot be simulated tile by tile: its engine, \(engine), has closed forms only")
      #expect(list.diagnostics[0].help == "leave the fidelity at analytic, or take a machine of the engine 'systolic'")
    }
  }

  @Test func `causes of loss are those of the closed forms`() throws {
    let study = try Case(trace: "resnet18", rules: ["weights=2:4"]).study()
    #expect(throws: DiagnosticList.self) {
      _ = try study.losses(
        on: Repository.machine("systolic-32x32"), options: SimulationOptions(fidelity: .event))
    }
  }
}
