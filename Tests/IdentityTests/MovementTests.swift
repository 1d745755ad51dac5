import Lacuna
import Testing

@Suite struct MovementTests {
  private static func run(_ this: Case, _ machine: String) throws -> RunResult {
    try Simulator.simulate(
      this.study().workload, on: Repository.machine(machine), options: SimulationOptions(fidelity: .event))
  }

  private static let cases =
    [[], ["weights=2:4"], ["weights=16x"], ["weights=block(32x32, 0.8)"]].map {
      Case(trace: "resnet18", rules: $0)
    } + [
      Case(trace: "resnet18", rules: ["weights=2:8"], training: .bdwp),
      Case(trace: "bert-large", rules: ["weights=64:2:8"]),
    ]

  /// Flows are whole bytes, rounded one by one.
  private static func areEqual(_ a: Bytes, _ b: Bytes, flows: Int) -> Bool {
    (a.count - b.count).magnitude <= 8 * flows
  }

  @Test(arguments: cases, Repository.machines)
  func `flows add up to what leaves each level, and what arrives to what enters the next`(
    _ this: Case, machine: String
  ) throws {
    let run = try Self.run(this, machine)
    for result in run.operators {
      let once = run.estimate(of: result)
      guard once.elapsed > .zero, once.bound != .host else { continue }
      let (moved, traffic) = (try #require(once.movement, "\(result.name)"), once.traffic)
      let count = moved.flows.count
      #expect(Self.areEqual(moved.bytes(.dramRead), traffic.dramRead, flows: count), "\(result.name)")
      #expect(Self.areEqual(moved.bytes(.dramWritten), traffic.dramWritten, flows: count), "\(result.name)")
      #expect(Self.areEqual(moved.bytes(.l2Read), traffic.l2Read, flows: count), "\(result.name)")
      #expect(Self.areEqual(moved.bytes(.l2Written), traffic.l2Written, flows: count), "\(result.name)")
      let arriving = moved.flows.reduce(Bytes.zero) { $1.path == .l2Read ? $0 + $1.arriving : $0 }
      // Multicast is a fraction.
      let isClose = (arriving.count - traffic.l1Filled.count).magnitude <= 8 * count + Int(arriving.count >> 40)
      #expect(isClose, "\(result.name): \(arriving) of \(traffic.l1Filled)")
      for flow in moved.flows {
        #expect(flow.bytes > .zero && flow.arriving >= .zero)
        #expect(flow.arriving >= flow.bytes || flow.cause == .spill || flow.path == .l2Read, "\(result.name): \(flow)")
      }
      for buffer in moved.buffers { #expect(buffer.peak <= buffer.capacity, "\(result.name): \(buffer)") }
    }
  }

  @Test(arguments: cases, ["s4", "s30", "h200"])
  func `links carry no more than they can in the time`(
    _ this: Case, name: String
  ) throws {
    let machine = try Repository.machine(name)
    let run = try Self.run(this, name)
    for result in run.operators {
      let once = run.estimate(of: result)
      for links in once.movement?.links ?? [] {
        let busiest = Double(links.busiest.count)
        #expect(links.count > 1 && busiest > 0)
        switch machine.architecture {
        case .s4(let chip) where links.name.hasPrefix("ring"):
          #expect(busiest <= once.elapsed.value * chip.network.value * (1 + 1e-6), "\(result.name)")
        case .s4(let chip):
          #expect(busiest <= once.elapsed.value * chip.l1Fill.value * chip.clock.value * (1 + 1e-6), "\(result.name)")
        case .tensorCore(let gpu):
          #expect(busiest <= once.elapsed.value * gpu.fillPort.value * once.clock.value * (1 + 1e-6), "\(result.name)")
        case .systolic: Issue.record("\(links)")
        }
      }
    }
    #expect(try #require(run.movement).links.isEmpty == false)
  }

  @Test(arguments: ["h200", "s4", "systolic-128x128"])
  func `a product that fits reads each operand once, at 2 of 4 its weights halved and with positions`(
    machine name: String
  ) throws {
    func flows(_ pattern: SparsityPattern) throws -> Movement {
      var op = Operator(name: "fc", kind: .gemm(GEMM(m: 512, n: 256, k: 256)), dataType: .fp16)
      op.sparsity.weights = pattern
      let machine = try Repository.machine(name)
      let run = try Simulator.simulate(
        Workload(name: "fc", source: "test", operators: [op]), on: machine,
        options: SimulationOptions(residency: .isolated, fidelity: .event))
      return try #require(run.movement)
    }
    let dense = try flows(.dense)
    #expect(dense.bytes(.dramRead, .weights) == Bytes(512 * 256 * 2))
    #expect(dense.bytes(.dramRead, .activations) == Bytes(256 * 256 * 2))
    #expect(dense.bytes(.dramRead, .metadata) == .zero)
    #expect(dense.flows.allSatisfy { $0.path != .dramRead || $0.cause == .compulsory })
    let sparse = try flows(.structured(n: 2, m: 4))
    #expect(sparse.bytes(.dramRead, .weights) == Bytes(512 * 256))
    #expect(sparse.bytes(.dramRead, .metadata) > .zero)
    #expect(try #require(sparse.reuse(of: .activations)) >= 1)
  }

  @Test func `closed forms tell none`() throws {
    let run = try Simulator.simulate(Repository.workload("resnet18"), on: Repository.machine("s4"))
    #expect(run.movement == nil)
  }
}
