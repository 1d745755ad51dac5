import Diagnostics
import Quantities
import Simulation
import Testing
import Workloads

@Suite("Operators that run as one kernel") struct FusedStageTests {
  /// Convolutions of one pixel: a shortcut over two of them, added to the second, then one more.
  private static func block(elements: Int = 1 << 20) -> Workload {
    func product(_ name: String, after dependencies: [Int]) -> Operator {
      Operator(
        name: name, kind: .gemm(GEMM(m: 64, n: elements / 64, k: 64)), dataType: .fp16, dependencies: dependencies)
    }
    let sum = Operator(
      name: "sum", kind: .elementwise(Elementwise(.add, elements: elements, inputs: 2)), dataType: .fp16,
      dependencies: [0, 2])
    return Workload(
      name: "block", source: "test",
      operators: [
        product("stem", after: []), product("first", after: [0]), product("second", after: [1]), sum,
        product("head", after: [3]),
      ])
  }

  private static func run(_ workload: Workload, on machine: String = "t4", _ stages: String...) throws -> RunResult {
    let stages = try stages.map { try #require(FusedStage(parsing: $0)) }
    return try Simulator.simulate(
      workload, on: Repository.machine(machine),
      options: SimulationOptions(residency: .isolated, fusesEpilogues: true, fusedStages: stages))
  }

  /// How many results each operator reads from and writes to off-chip memory; weights are 256 times smaller.
  private static func traffic(_ run: RunResult) -> [(read: Int64, written: Int64)] {
    let size: Int64 = 2 << 20
    return run.operators.map { op in
      let traffic = run.estimate(of: op).traffic
      return ((traffic.dramRead.count + size / 2) / size, (traffic.dramWritten.count + size / 2) / size)
    }
  }

  @Test func `what passes between a stage's operators stays on chip, what others use leaves it`() throws {
    let alone = try Self.traffic(Self.run(Self.block()))
    #expect(alone.map(\.read) == [1, 1, 1, 1, 1])
    #expect(alone.map(\.written) == [1, 1, 1, 0, 1])
    // The stem's result is read from outside by the first product and by the sum.
    let inner = try Self.traffic(Self.run(Self.block(), "first..sum"))
    #expect(inner.map(\.read) == [1, 1, 0, 1, 1])
    #expect(inner.map(\.written) == [1, 0, 1, 0, 1])
    // With the stem inside nothing but its own input and the sum passes the border.
    let outer = try Self.traffic(Self.run(Self.block(), "stem..sum"))
    #expect(outer.map(\.read) == [1, 0, 0, 0, 1])
    #expect(outer.map(\.written) == [0, 0, 1, 0, 1])
    let all = try Self.traffic(Self.run(Self.block(), "stem..head"))
    #expect(all.map(\.written) == [0, 0, 0, 0, 1])
    let two = try Self.traffic(Self.run(Self.block(), "stem..first", "second..head"))
    #expect(two.map(\.written) == [1, 1, 0, 0, 1])
  }

  @Test func `a stage is never slower than its operators, and other machines run them one by one and say so`() throws {
    let times = try [[], ["first..sum"], ["stem..sum"], ["stem..head"]].map { stages in
      try Simulator.simulate(
        Self.block(), on: Repository.machine("t4"),
        options: SimulationOptions(fusesEpilogues: true, fusedStages: stages.compactMap(FusedStage.init(parsing:)))
      ).totals.elapsed
    }
    #expect(times == times.sorted(by: >=))
    let chip = try Self.run(Self.block(), on: "s4", "stem..head")
    #expect(chip.totals.elapsed == (try Self.run(Self.block(), on: "s4")).totals.elapsed)
    #expect(chip.notes.contains { $0.message == "stages are fused on GPUs only" })
  }

  @Test func `names that no operator has are told with the nearest, and stages that end before they begin`() throws {
    let error = #expect(throws: DiagnosticList.self) { try Self.run(Self.block(), "frist..sum", "head..stem") }
    #expect(error?.diagnostics.map(\.code) == [.matchesNothing, .matchesNothing])
    #expect(error?.diagnostics.map(\.help) == ["did you mean 'first'?", "use 'stem..head'"])
    for text in ["", "stem", "..", "stem..", "..head"] { #expect(FusedStage(parsing: text) == nil, "\(text)") }
    #expect(FusedStage(parsing: "conv2d.1..relu.9") == FusedStage(first: "conv2d.1", last: "relu.9"))
  }
}
