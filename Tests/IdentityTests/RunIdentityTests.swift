import Lacuna
import SeededRandom
import Testing

@testable import Simulation

/// What holds between runs.
@Suite struct RunIdentityTests {
  private static func run(_ workload: Workload, _ machine: Machine) throws -> RunResult {
    try Simulator.simulate(workload, on: machine)
  }

  @Test(arguments: ["4:4", "8:8", "1x", "bank(32, 1x)", "unstructured(0)"], Repository.machines)
  func `a pattern that keeps everything is dense`(pattern: String, machine name: String) throws {
    let machine = try Repository.machine(name)
    for trace in ["resnet50", "bert-large"] {
      let report = try Case(trace: trace, rules: ["weights=\(pattern)"]).study().run(on: machine)
      let run = report.comparison.run
      let dense = report.comparison.dense
      for (a, b) in zip(run.operators, dense.operators) {
        let (x, y) = (run.estimate(of: a), dense.estimate(of: b))
        #expect(x.elapsed == y.elapsed && x.traffic == y.traffic && x.macs == y.macs, "\(a.name)")
      }
      #expect(report.comparison.speedup == 1 && report.comparison.energyGain == 1)
    }
  }

  /// A machine with one of its rates doubled.
  private static func doubled(_ machine: Machine) -> [(what: String, machine: Machine)] {
    func with(_ architecture: Architecture) -> Machine {
      Machine(name: machine.name, title: machine.title, architecture: architecture)
    }
    func twice(_ dram: inout DRAM) {
      dram.peakBandwidth = dram.peakBandwidth * 2
      dram.streamBandwidth = dram.streamBandwidth * 2
    }
    switch machine.architecture {
    case .tensorCore(let gpu):
      var (memory, l2, port, epilogue) = (gpu, gpu, gpu, gpu)
      twice(&memory.dram)
      l2.l2Bandwidth = l2.l2Bandwidth * 2
      port.sharedMemoryPort = port.sharedMemoryPort * 2
      epilogue.epiloguePort = epilogue.epiloguePort * 2
      return [
        ("DRAM", with(.tensorCore(memory))), ("L2", with(.tensorCore(l2))), ("L1 port", with(.tensorCore(port))),
        ("epilogue port", with(.tensorCore(epilogue))),
      ]
    case .s4(let chip):
      var (memory, l2, port, network) = (chip, chip, chip, chip)
      twice(&memory.dram)
      l2.l2Port = l2.l2Port * 2
      port.l1Port = port.l1Port * 2
      network.network = network.network * 2
      return [
        ("DRAM", with(.s4(memory))), ("L2", with(.s4(l2))), ("L1 port", with(.s4(port))),
        ("network", with(.s4(network))),
      ]
    case .systolic(let array):
      var memory = array
      twice(&memory.dram)
      return [("DRAM", with(.systolic(memory)))]
    }
  }

  @Test(arguments: Case.all, Repository.machines)
  func `twice the bandwidth is never slower`(_ this: Case, machine name: String) throws {
    try Self.checkBandwidths(this.study().workload, Repository.machine(name))
  }

  @Test(arguments: [4, 5], Repository.machines)
  func `twice the bandwidth is never slower for operators of any shape`(seed: UInt64, machine name: String) throws {
    try Self.checkBandwidths(RandomWorkload.make(seed: seed, count: 150), Repository.machine(name))
  }

  private static func checkBandwidths(_ workload: Workload, _ machine: Machine) throws {
    // Operators that share a power limit may slow each other down. All together they do so by no more than choosing
    // each kernel for itself costs: a faster one may need more energy.
    let free = machine.withoutSharedLimit
    let (limited, before) = (try Self.run(workload, machine), try Self.run(workload, free))
    for (what, faster) in Self.doubled(machine) {
      let after = try Self.run(workload, faster)
      #expect(after.totals.elapsed.value <= limited.totals.elapsed.value * 1.03, "\(what)")
    }
    for (what, faster) in Self.doubled(free) {
      let after = try Self.run(workload, faster)
      for (a, b) in zip(before.operators, after.operators) {
        let (slow, fast) = (before.estimate(of: a).elapsed.value, after.estimate(of: b).elapsed.value)
        // A power limit's clock is found to 2⁻²⁴ of its range.
        #expect(fast <= slow * (1 + 1e-6), "\(a.name) takes \(fast) s instead of \(slow) s with twice the \(what)")
      }
    }
  }

  /// The same operators in another order that respects their dependencies.
  private static func shuffled(_ workload: Workload, seed: UInt64) -> Workload {
    var generator = SeededGenerator(seed: seed)
    var left = workload.operators.map(\.dependencies.count)
    var users: [[Int]] = workload.operators.map { _ in [] }
    for (index, op) in workload.operators.enumerated() {
      for dependency in op.dependencies { users[dependency].append(index) }
    }
    var ready = left.indices.filter { left[$0] == 0 }
    var places = [Int](repeating: 0, count: left.count)
    var result = workload
    result.operators = []
    while !ready.isEmpty {
      let index = ready.remove(at: Int.random(in: ready.indices, using: &generator))
      places[index] = result.operators.count
      var op = workload.operators[index]
      op.dependencies = op.dependencies.map { places[$0] }
      result.operators.append(op)
      for user in users[index] {
        left[user] -= 1
        if left[user] == 0 { ready.append(user) }
      }
    }
    return result
  }

  @Test(arguments: Repository.traces, Repository.machines)
  func `the answer does not depend on the order of the file`(trace: String, machine name: String) throws {
    let machine = try Repository.machine(name)
    let workload = try Case(trace: trace, rules: ["weights=2:4"]).study().workload
    let before = try Self.run(workload, machine)
    let byName = Dictionary(before.operators.map { ($0.name, $0) }) { first, _ in first }
    #expect(byName.count == before.operators.count)
    for seed: UInt64 in 1...2 {
      let other = Self.shuffled(workload, seed: seed)
      #expect(other.operators.count == workload.operators.count)
      #expect(other.operators.map(\.name) != workload.operators.map(\.name))
      let after = try Self.run(other, machine)
      #expect(after.estimates.count == before.estimates.count)
      for entry in after.operators {
        let (a, b) = (after.estimate(of: entry), before.estimate(of: try #require(byName[entry.name])))
        #expect(
          a.elapsed == b.elapsed && a.cycles == b.cycles && a.traffic == b.traffic && a.macs == b.macs
            && a.energy == b.energy && a.mapping == b.mapping && a.bound == b.bound, "\(entry.name)")
      }
      if !machine.overlapsVectorWork {
        #expect((after.totals.elapsed / before.totals.elapsed - 1).magnitude < 1e-12)
      }
    }
  }

  /// What an engine is asked for: everything about an operator but its name and place.
  private static func distinctTasks(_ workload: Workload, _ result: RunResult, on machine: Machine) throws -> Int {
    var adapted = workload.operators
    for index in adapted.indices { adapted[index].sparsity = result.operators[index].sparsity }
    let residency =
      switch machine.architecture {
      case .tensorCore(let gpu): TensorCoreEngine(gpu).residency(of: adapted, samples: workload.samples)
      case .s4(let chip): S4Engine(chip).residency(of: adapted, samples: workload.samples)
      case .systolic(let array):
        try SystolicEngine(array, machine: "", dataflow: nil).residency(of: adapted, samples: workload.samples)
      }
    let tasks = adapted.indices.map { index -> [AnyHashable] in
      var op = adapted[index]
      (op.name, op.dependencies, op.repeats, op.measured, op.attributes) = ("", [], 1, nil, nil)
      return [op, residency.inputsOnChip[index], residency.outputOnChip[index]]
    }
    // Transfers between host and machine are one more.
    return Set(tasks).count + result.operators.count - adapted.count
  }

  @Test(arguments: Repository.machines)
  func `identical operators are simulated once`(name: String) throws {
    let machine = try Repository.machine(name)
    // Machines replace types that they lack; in their own types nothing is replaced.
    let workload = try Repository.workload("bert-large").converting(
      to: machine.peakRate(.fp16, at: Hertz(1)) == nil ? .int8 : .fp16)
    let once = try Self.run(workload, machine)
    #expect(once.estimates.count < workload.operators.count / 8)
    let tasks = try Self.distinctTasks(workload, once, on: machine)
    #expect(once.estimates.count == tasks)
    #expect(Set(once.operators.map(\.estimate)).count == once.estimates.count)

    // The same network behind itself has nothing new.
    var twice = workload
    twice.operators += workload.operators.map { op in
      var op = op
      op.dependencies = op.dependencies.map { $0 + workload.operators.count }
      return op
    }
    let both = try Self.run(twice, machine)
    #expect(both.estimates.count == once.estimates.count)
    if !machine.overlapsVectorWork {
      #expect((both.totals.elapsed / once.totals.elapsed - 2).magnitude < 1e-9)
      #expect((both.totals.energy.total / once.totals.energy.total - 2).magnitude < 1e-9)
    }
    // Two networks side by side may go through in other turns than one, and read weights more often.
  }

  @Test(arguments: Repository.machines)
  func `repeating an operator is running it so often`(name: String) throws {
    let machine = try Repository.machine(name)
    var workload = try Repository.workload("resnet18")
    let once = try Self.run(workload, machine)
    for index in workload.operators.indices { workload.operators[index].repeats = 7 }
    let often = try Self.run(workload, machine)
    #expect((often.totals.elapsed / once.totals.elapsed - 7).magnitude < 1e-9)
    #expect((often.totals.energy.total / once.totals.energy.total - 7).magnitude < 1e-9)
    #expect(often.totals.macs.dense == 7 * once.totals.macs.dense)
    #expect(often.totals.traffic.dram == once.totals.traffic.dram * 7)
  }
}
