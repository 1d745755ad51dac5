import Lacuna
import Testing

/// The two fidelities beside each other. What is compared is the time of a step: in both, vector operators hide behind
/// products where the machine lets them, and operators otherwise follow each other.
@Suite struct FidelityTests {
  /// A convolutional network and a transformer, dense and pruned, on every machine, and others of each kind. `Benchmarks`
  /// compares all traces on all machines, which takes minutes without optimisation.
  static let runs: [(this: Case, machine: String)] =
    Repository.machines.flatMap { machine in
      ["resnet18", "bert-large"].flatMap { trace in
        [[], ["weights=2:4"]].map { (Case(trace: trace, rules: $0), machine) }
      }
    } + [
      (Case(trace: "resnet18", rules: ["weights=2:8"], training: .bdwp), "sat"),
      (Case(trace: "resnet50"), "systolic-128x128"), (Case(trace: "llama2-7b-prefill"), "systolic-128x128"),
      (Case(trace: "resnet50"), "s4"), (Case(trace: "resnet50", rules: ["weights=16x"]), "s4"),
      (Case(trace: "bert-large-eager", rules: ["weights=2:4"]), "s4"), (Case(trace: "vgg19-train"), "s30"),
      (Case(trace: "resnet50"), "h200"), (Case(trace: "resnet18-train"), "h200"),
      (Case(trace: "gpt2-large-eager-panels"), "a100"), (Case(trace: "vit-train", rules: ["weights=2:4"]), "h100"),
      (Case(trace: "resnet18-train", rules: ["weights=16x"]), "s4"), (Case(trace: "llama2-7b-prefill"), "s10"),
      (Case(trace: "resnet9-train"), "s4"), (Case(trace: "resnet18-tiny-train", rules: ["weights=2:4"]), "s30"),
      (Case(trace: "vgg19-train"), "sat"), (Case(trace: "resnet9-train"), "t4"),
      (Case(trace: "llama2-7b-prefill", rules: ["weights=2:4"]), "rtx-a6000"),
      (Case(trace: "resnet50"), "systolic-32x32"),
    ]

  private static func run(
    _ workload: Workload, _ machine: Machine, _ fidelity: SimulationOptions.Fidelity,
    _ residency: SimulationOptions.Residency = .chained
  ) throws -> RunResult {
    try Simulator.simulate(
      workload, on: machine, options: SimulationOptions(residency: residency, fidelity: fidelity))
  }

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
    var traffic = analytic.totals.traffic
    // A GPU's products read through a cache.
    if case .tensorCore = machine.architecture { traffic.dramRead = event.totals.traffic.dramRead }
    #expect(event.totals.traffic == traffic)
    let (bytes, closed) = (Double(event.totals.traffic.dram.count), Double(analytic.totals.traffic.dram.count))
    #expect(abs(bytes / closed - 1) < 0.25, "\(bytes / closed)")
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

  /// A machine that waits for nothing but its own arithmetic and launches.
  private static func uncontended(_ name: String) throws -> Machine {
    var machine = try Repository.machine(name)
    func free(_ dram: inout DRAM) {
      dram.technology = "an interface that never waits"
      dram.streamBandwidth = dram.streamBandwidth * 1e9
      dram.peakBandwidth = dram.streamBandwidth
      dram.latency = Seconds(1e-18)
    }
    switch machine.architecture {
    case .systolic(var array):
      free(&array.dram)
      machine.architecture = .systolic(array)
    case .s4(var chip):
      free(&chip.dram)
      (chip.network, chip.l2Port, chip.l1Fill) = (chip.network * 1e9, BytesPerCycle(1e12), BytesPerCycle(1e12))
      machine.architecture = .s4(chip)
    case .tensorCore(var gpu):
      free(&gpu.dram)
      // What is read through the cache costs other energy, and so another clock.
      gpu.power.cap = nil
      gpu.multiprocessorBandwidth = gpu.multiprocessorBandwidth * 1e9
      (gpu.l2Bandwidth, gpu.vectorKernels.cacheBandwidth) = (BytesPerCycle(1e15), BytesPerCycle(1e15))
      gpu.fillPort = BytesPerCycle(1e12)
      machine.architecture = .tensorCore(gpu)
    }
    return machine
  }

  @Test(
    arguments: ["sat", "systolic-128x128", "systolic-32x32", "s4", "s30", "h200", "a100", "t4"],
    ["resnet18", "resnet50", "bert-large"])
  func `where nothing is contended for, both are the same`(machine name: String, trace: String) throws {
    let machine = try Self.uncontended(name)
    let workload = try Repository.workload(trace)
    let analytic = try Self.run(workload, machine, .analytic)
    let event = try Self.run(workload, machine, .event)
    for (a, b) in zip(analytic.operators, event.operators) {
      let (x, y) = (analytic.estimate(of: a), event.estimate(of: b))
      // Every tile's clocks are rounded to femtoseconds, and so are its transfers.
      #expect(abs(x.elapsed.value - y.elapsed.value) <= 2e-12 + 1e-9 * x.elapsed.value, "\(a.name): \(a.shape)")
      #expect(abs(x.matrix.busy.value - y.matrix.busy.value) <= 1e-9 * x.elapsed.value)
    }
  }

  /// Weight gradients of filters of one pixel: a reduction over all pixels of a batch, by hundreds of megabytes.
  @Test(arguments: [(1024, 256, 100_352), (256, 1024, 100_352), (1536, 384, 33_280)])
  func `an S4 takes operands by in parts where neither stays on chip`(m: Int, n: Int, k: Int) throws {
    let op = Operator(
      name: "gradient", kind: .gemm(GEMM(m: m, n: n, k: k, hasWeights: false)), phase: .backwardWeight, dataType: .bf16)
    let workload = Workload(name: "gradient", source: "test", operators: [op])
    let machine = try Repository.machine("s4")
    let analytic = try Self.run(workload, machine, .analytic, .isolated)
    let event = try Self.run(workload, machine, .event, .isolated)
    let ratio = event.totals.elapsed / analytic.totals.elapsed
    #expect(abs(ratio - 1) < 0.06, "\(ratio)")
  }

  @Test(arguments: ["systolic-128x128", "s4", "h200"])
  func `twice the bandwidth is never slower`(name: String) throws {
    var machine = try Repository.machine(name)
    let workload = try Repository.workload("resnet18")
    var last = Double.infinity
    for _ in 0..<4 {
      let result = try Self.run(workload, machine.withoutSharedLimit, .event)
      #expect(result.totals.elapsed.value <= last)
      last = result.totals.elapsed.value
      func double(_ dram: inout DRAM) {
        dram.streamBandwidth = dram.streamBandwidth * 2
        dram.peakBandwidth = dram.peakBandwidth * 2
      }
      switch machine.architecture {
      case .systolic(var array):
        double(&array.dram)
        machine.architecture = .systolic(array)
      case .s4(var chip):
        double(&chip.dram)
        machine.architecture = .s4(chip)
      case .tensorCore(var gpu):
        double(&gpu.dram)
        machine.architecture = .tensorCore(gpu)
      }
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
