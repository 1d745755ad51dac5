import Bench
import Diagnostics
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

@Suite("On-line pruning")
struct PrunerTests {
  static let patterns = [(2, 4), (4, 8), (2, 8), (1, 8), (2, 16), (1, 16), (1, 4), (4, 4)]

  @Test(arguments: patterns)
  func `the stepped pruner keeps what a sort by magnitude would`(n: Int, m: Int) {
    var generator = SeededGenerator(seed: n * 100 + m)
    for lanes in [1, 3, 32] {
      for _ in 0..<40 {
        let groups = Int.random(in: 1...100, using: &generator)
        let values = (0..<groups * m).map { _ in Int.random(in: -20...20, using: &generator) }
        let (kept, _) = SteppedPruner(lanes: lanes, n: n, m: m).run(values)
        for (group, found) in kept.enumerated() {
          let all = (0..<m).map { SteppedPruner.Kept(value: values[group * m + $0], position: $0) }
          let largest = all.sorted { (-Int($0.value.magnitude), $0.position) < (-Int($1.value.magnitude), $1.position) }
          #expect(found == largest.prefix(n).sorted { $0.position < $1.position })
        }
      }
    }
  }

  @Test(arguments: patterns)
  func `the closed form takes the stepped pruner's cycles`(n: Int, m: Int) {
    var generator = SeededGenerator(seed: n + m)
    for _ in 0..<100 {
      let lanes = Int.random(in: 1...40, using: &generator)
      // The last group may be part-filled.
      let elements = Int.random(in: 1...2000, using: &generator)
      let (_, cycles) = SteppedPruner(lanes: lanes, n: n, m: m).run([Int](repeating: 1, count: elements))
      let pruner = SystolicArray.Pruner(lanes: lanes, pregenerates: true)
      #expect(pruner.cycles(Pruning(elements: elements, n: n, m: m)) == cycles)
    }
  }

  /// A small training step, all of whose times are set by cycles.
  private static func step(tokens: Int = 4096) throws -> Workload {
    let layers = (0..<3).map {
      Operator(name: "fc\($0)", kind: .gemm(GEMM(m: 512, n: tokens, k: 512)), dataType: .fp16)
    }
    let workload = Workload(name: "step", source: "test", operators: layers)
    return try workload.trained(by: .bdwp, rules: [SparsityRule(.weights, .structured(n: 2, m: 8))]).workload
  }

  private func run(_ workload: Workload, _ change: (inout SystolicArray) -> Void) throws -> RunResult {
    var array = try array("sat")
    change(&array)
    return try Simulator.simulate(
      workload, on: Machine(name: "sat", title: "", architecture: .systolic(array)))
  }

  @Test func `pregenerated weights are pruned behind weight gradients, or after everything`() throws {
    let step = try Self.step()
    let hidden = try run(step) { $0.besideWeightGradients = [.pruner] }
    let exposed = try run(step) { $0.besideWeightGradients = [] }
    let passes = exposed.operators.filter { $0.kind == "pruning" }
    #expect(passes.count == 5 && passes.allSatisfy { $0.exposed == exposed.estimate(of: $0).elapsed })
    #expect(hidden.operators.filter { $0.kind == "pruning" }.allSatisfy { $0.exposed == .zero })
    let difference = exposed.totals.elapsed - hidden.totals.elapsed
    #expect((difference / passes.reduce(.zero) { $0 + $1.exposed } - 1).magnitude < 1e-9)
  }

  @Test func `pruning on the way into the array takes no time unless it is slower than the array`() throws {
    let step = try Self.step()
    let before = try run(step) { $0.besideWeightGradients = [] }
    let inline = try run(step) { array in
      array.besideWeightGradients = []
      array.pruner?.pregenerates = false
    }
    func time(_ result: RunResult, _ kind: String) -> Seconds {
      result.operators.filter { $0.kind == kind }.reduce(.zero) { $0 + $1.exposed }
    }
    // Nothing is left of the passes but the cycle in which they are passed over.
    #expect(time(inline, "pruning") < time(before, "pruning") * 1e-3)
    #expect(time(inline, "gemm") < time(before, "gemm") * 1.02)
    let slow = try run(try Self.step(tokens: 512)) { array in
      array.besideWeightGradients = []
      array.pruner = SystolicArray.Pruner(lanes: 1, pregenerates: false)
    }
    #expect(slow.operators.contains { slow.estimate(of: $0).bound == .decode && $0.kind == "gemm" })
    // The products read dense weights instead of compact ones, which came from the updater.
    let saved = Bytes(512 * 512 * 2) - Bytes(bits: 512 * 512 / 4 * (16 + 3))
    #expect(inline.totals.traffic.dramRead == before.totals.traffic.dramRead + saved * 5)
  }

  @Test func `work beside weight gradients takes the rest of what units and memory need`() throws {
    let step = try Self.step()
    for units: Set<SystolicArray.Unit> in [[.updater], [.pruner, .updater], [.vector, .pruner, .updater]] {
      // Memory so slow that it is what limits.
      let slow = try run(step) { array in
        array.besideWeightGradients = units
        array.dram.latency = .zero
        array.dram.streamBandwidth = array.dram.streamBandwidth * 0.02
      }
      let beside = slow.operators.filter { result in
        result.phase == .backwardWeight
          || result.kind == "update" && units.contains(.updater) || result.kind == "pruning" && units.contains(.pruner)
      }
      let exposed = beside.reduce(.zero) { $0 + $1.exposed }
      let memory = beside.reduce(.zero) { $0 + slow.estimate(of: $1).memory.busy }
      let products = beside.filter { $0.phase == .backwardWeight }.reduce(.zero) { $0 + $1.exposed }
      #expect((exposed / max(memory, products) - 1).magnitude < 1e-9)
      #expect(memory > products)
    }
  }

  @Test func `idle power is drawn once for what runs at the same time`() throws {
    let step = try Self.step()
    let result = try run(step) { $0.besideWeightGradients = [.vector, .pruner, .updater] }
    let idle = try array("sat").idle * result.totals.elapsed
    #expect((result.totals.energy.idle / idle - 1).magnitude < 1e-9)
  }

  @Test(arguments: [("2:32", ", such as 1:16 for the same density"), ("1:32", "")])
  func `training with groups that the pruner cannot hold is refused with what would fit`(
    pattern: String, example: String
  ) throws {
    let layer = Operator(name: "fc", kind: .gemm(GEMM(m: 512, n: 64, k: 512)), dataType: .fp16)
    let rules = [SparsityRule(.weights, try SparsityPattern(parsing: pattern))]
    let step = try Workload(name: "step", source: "test", operators: [layer, layer]).trained(by: .bdwp, rules: rules)
    let error = #expect(throws: DiagnosticList.self) { try run(step.workload) { _ in } }
    #expect(
      error?.diagnostics.map(\.message)
        == ["sat cannot run 'fc' and 2 more: its pruner holds groups of up to 16 values, too few for \(pattern)"])
    #expect(error?.diagnostics.first?.help == "use N:M with M up to 16" + example)
  }

  @Test func `compact weights take as much in either grouping`() throws {
    let engine = try engine(array("sat"), .weightStationary)
    let layer = Convolution(
      batch: 2, inputChannels: 64, outputChannels: 128, input: Extent(8, 8), kernel: Extent(3, 3),
      padding: Padding(vertical: 1, horizontal: 1))
    let kept = 64 * 128 * 9 / 4
    for (phase, channels) in [(Phase.forward, 64), (.backwardData, 128)] {
      let answer = engine.answer(
        Operator(
          name: "conv", kind: .convolution(layer), phase: phase, dataType: .fp16,
          sparsity: OperandSparsity(weights: .structured(n: 2, m: 8))))
      #expect(
        answer.traffic.dramRead == Bytes(Int64(2 * channels * 64 * 2)) + Bytes(bits: Int64(kept * (16 + 3))), "\(phase)"
      )
    }
  }
}
