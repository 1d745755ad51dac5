import Lacuna
import Testing

/// What holds for every operator of every run.
@Suite struct OperatorIdentityTests {
  private static func isEqual(_ a: Double, _ b: Double, within tolerance: Double = 1e-9) -> Bool {
    (a - b).magnitude <= tolerance * max(a.magnitude, b.magnitude)
  }

  @Test(arguments: Case.all, Repository.machines)
  func `times, multiplications, bytes and energies add up, and nothing beats its roofline`(
    _ this: Case, machine name: String
  ) throws {
    try Self.check(this.study().workload, on: Repository.machine(name))
  }

  @Test(arguments: [1, 2, 3], Repository.machines)
  func `the same holds for operators of any shape`(seed: UInt64, machine name: String) throws {
    try Self.check(RandomWorkload.make(seed: seed, count: 200), on: Repository.machine(name))
  }

  private static func check(_ workload: Workload, on machine: Machine) throws {
    let result = try Simulator.simulate(workload, on: machine)
    #expect(result.operators.map(\.name) == workload.operators.map(\.name))

    if let cap = machine.powerCap, result.estimates.allSatisfy({ $0.clock > machine.maximumClock * 0.02 }) {
      #expect(result.totals.averagePower.value <= cap.value * 1.001)
    }
    var seen = Set<Int>()
    for (op, entry) in zip(workload.operators, result.operators) where seen.insert(entry.estimate).inserted {
      let e = result.estimate(of: entry)
      let elapsed = e.elapsed.value
      let what = "\(op.name): \(op.kind.shapeDescription) \(op.phase.rawValue), \(e.mapping)"
      #expect(elapsed > 0 && elapsed.isFinite, "\(what)")

      for (unit, time) in [("matrix", e.matrix), ("vector", e.vector), ("memory", e.memory)] {
        #expect(Self.isEqual(time.total.value, elapsed), "\(what): \(unit) \(time.total) of \(e.elapsed)")
        let parts = [time.busy.value, time.idle.value] + Bound.allCases.map { time.stalled[$0].value }
        #expect(parts.allSatisfy { $0 >= -1e-12 * elapsed && $0 <= elapsed * (1 + 1e-9) }, "\(what): \(unit)")
      }

      #expect(e.macs.useful + e.macs.skipped == e.macs.dense, "\(what)")
      #expect(e.macs.useful >= 0 && e.macs.useful <= e.macs.dense && e.macs.padded >= 0, "\(what)")
      #expect(e.macs.dense == op.denseMACs, "\(what)")

      let parts = e.energy.components.map(\.energy.value)
      #expect(parts.allSatisfy { $0 >= 0 && $0.isFinite }, "\(what)")
      #expect(Self.isEqual(parts.reduce(0, +), e.energy.total.value), "\(what)")

      #expect(e.clock <= machine.maximumClock && e.clock > .zero, "\(what)")
      #expect((Double(e.cycles.count) - elapsed * e.clock.value).magnitude <= 1, "\(what)")
      if op.kind.isMatrix {
        let rate = try #require(machine.peakRate(op.dataType, at: e.clock), "\(what)")
        let executed = Double(e.macs.useful + e.macs.padded)
        #expect(elapsed * (1 + 1e-9) >= executed / rate, "\(what): \(executed / rate) s of \(elapsed) s at peak")
        #expect(e.matrix.busy.value * (1 + 1e-9) >= Double(e.macs.useful) / rate, "\(what)")
      }
      let bytes = Double(e.traffic.dram.count)
      #expect(elapsed * (1 + 1e-9) >= bytes / machine.peakBandwidth, "\(what): \(bytes) B")

      #expect(
        Self.isEqual(Double(e.traffic.l1Filled.count), Double(e.traffic.l2Read.count) * e.traffic.multicast), "\(what)")
      if e.traffic.l2Read != .zero, op.kind.isMatrix {
        #expect(e.traffic.multicast <= machine.largestMulticast * (1 + 1e-6), "\(what): ×\(e.traffic.multicast)")
      }
      let counts = [
        e.traffic.dramRead, e.traffic.dramWritten, e.traffic.l2Read, e.traffic.l2Written, e.traffic.l1Filled,
        e.traffic.l1Read, e.traffic.metadata,
      ]
      #expect(counts.allSatisfy { $0 >= .zero }, "\(what)")
    }

    // The whole is the sum of its parts.
    let totals = result.totals
    let exposed = result.operators.reduce(0) { $0 + $1.exposed.value * Double($1.repeats) }
    let elapsed = result.operators.reduce(0) { $0 + result.estimate(of: $1).elapsed.value * Double($1.repeats) }
    #expect(Self.isEqual(totals.elapsed.value, exposed))
    #expect(exposed <= elapsed * (1 + 1e-12))
    #expect(machine.overlapsVectorWork || Self.isEqual(exposed, elapsed))
    #expect(totals.operators == workload.operators.reduce(0) { $0 + $1.repeats })
    #expect(totals.macs.dense == workload.denseMACs)
    #expect(Self.isEqual(totals.byBound.total.value, totals.elapsed.value))
    let kinds = result.totalsByKind.reduce(0) { $0 + $1.totals.energy.total.value }
    #expect(Self.isEqual(kinds, totals.energy.total.value))
  }

  @Test func `the traces have the multiply-accumulates of their networks`() throws {
    for (trace, macs) in [("resnet50", 32 * 4_089_184_256), ("resnet18", 1_814_073_344)] {
      let workload = try Repository.workload(trace)
      #expect(workload.denseMACs == macs)
      for name in Repository.machines {
        #expect(try Simulator.simulate(workload, on: Repository.machine(name)).totals.macs.dense == macs)
      }
    }
  }
}
