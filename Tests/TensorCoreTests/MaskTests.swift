import Bench
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

@Suite("Real zeros on tensor cores")
struct MaskTests {
  private func random(_ rows: Int, _ columns: Int, zeros: Double, seed: Int) -> ZeroMask {
    var generator = SeededGenerator(seed: seed)
    return ZeroMask(
      (0..<rows).map { _ in (0..<columns).map { _ in Double.random(in: 0..<1, using: &generator) >= zeros } })
  }

  private func pattern(_ zeros: ZeroMask) -> SparsityPattern { .mask(MaskReference(file: "w", zeros: zeros)) }

  @Test func `a mask that conforms runs as 2 of 4`() throws {
    var generator = SeededGenerator(seed: 4)
    let zeros = ZeroMask(
      (0..<512).map { _ in
        (0..<256).flatMap { _ in
          let kept = Set((0..<4).shuffled(using: &generator).prefix(Int.random(in: 0...2, using: &generator)))
          return (0..<4).map(kept.contains)
        }
      })
    let engine = TensorCoreEngine(try gpu("h200"))
    let (real, asked) = (
      engine.answer(gemm(512, 512, 1024, weights: pattern(zeros))),
      engine.answer(gemm(512, 512, 1024, weights: .twoOfFour))
    )
    #expect(real.elapsed == asked.elapsed && real.traffic == asked.traffic && real.energy.total == asked.energy.total)
  }

  @Test func `so few values that rows of them are faster than 2 of 4 are rows of them`() throws {
    let mask = random(512, 512, zeros: 0.998, seed: 4)
    #expect(mask.groups(of: 4).fullest <= 2)
    let engine = TensorCoreEngine(try gpu("h200"))
    let times = [pattern(mask), .unstructured(zeros: 1 - mask.density), .twoOfFour].map {
      engine.answer(gemm(512, 256, 512, weights: $0)).elapsed
    }
    #expect(times[0] == times[1] && times[1] < times[2])
  }

  @Test func `operators with the same zeros are simulated once, whatever file these come from`() throws {
    let machine = Machine(name: "h200", title: "", architecture: .tensorCore(try gpu("h200")))
    let operators = [("a", 1), ("b", 1), ("c", 2)].map { file, seed in
      gemm(
        512, 256, 512,
        weights: .mask(MaskReference(file: file, zeros: random(512, 512, zeros: 0.99, seed: seed))))
    }
    let run = try Simulator.simulate(
      Workload(name: "net", source: "test", operators: operators), on: machine,
      options: SimulationOptions(residency: .isolated))
    #expect(run.operators[0].estimate == run.operators[1].estimate)
    #expect(run.operators[0].estimate != run.operators[2].estimate)
  }

  @Test func `a mask without zeros runs dense`() throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    let op = gemm(64, 64, 64, weights: pattern(random(64, 64, zeros: 0, seed: 1)))
    #expect(engine.answer(op).elapsed == engine.answer(gemm(64, 64, 64)).elapsed)
  }

  @Test func `zeros anywhere are as fast as their density says`() throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    for (seed, zeros) in [(1, 0.7), (2, 0.9), (3, 0.98)] {
      let mask = random(512, 512, zeros: zeros, seed: seed)
      let op = gemm(512, 256, 512, weights: pattern(mask))
      let real = engine.answer(op)
      let asked = engine.answer(gemm(512, 256, 512, weights: .unstructured(zeros: 1 - mask.density)))
      // Blocks of all sizes are full, so compressed rows or the dense kernel are what is left.
      let dense = engine.answer(gemm(512, 256, 512))
      #expect(real.elapsed == min(asked.elapsed, dense.elapsed))
      if asked.elapsed < dense.elapsed { #expect(real.macs.useful == mask.kept * 256) }
      let share = Int(100 * mask.groups(of: 4).share(keepingAtMost: 2))
      #expect(engine.changes(op).first?.contains("\(share) % of their groups conform to 2:4") == true)
    }
  }

  @Test(arguments: [32, 64]) func `whole blocks run on the kernel for blocks, as many as there are`(_ size: Int) throws
  {
    // A block of each sixteen, on diagonals: rows of blocks are even, as the pattern's expectation is not.
    let (m, n, k) = (2048, 2048, 2048)
    let mask = ZeroMask((0..<m).map { row in (0..<k).map { (row / size + $0 / size) % 16 == 0 } })
    let engine = TensorCoreEngine(try gpu("h200"))
    let real = engine.answer(gemm(m, n, k, weights: pattern(mask)))
    let asked = engine.answer(gemm(m, n, k, weights: .block(rows: size, columns: size, zeros: 15.0 / 16)))
    #expect(real.macs.useful == asked.macs.useful && real.traffic.metadata == asked.traffic.metadata)
    #expect(real.traffic.l2Read == asked.traffic.l2Read)
    #expect(real.elapsed <= asked.elapsed)
  }

  @Test func `a full row of blocks keeps the others waiting`() throws {
    let size = 128
    func mask(_ isKept: (Int, Int) -> Bool) -> ZeroMask {
      ZeroMask((0..<4096).map { row in (0..<4096).map { isKept(row / size, $0 / size) } })
    }
    // 32 of the largest blocks, which smaller ones fill too: one in every row of blocks, or all of the first row.
    let (even, uneven) = (mask { $0 == $1 }, mask { row, _ in row == 0 })
    #expect(even.kept == uneven.kept)
    let engine = TensorCoreEngine(try gpu("h200"))
    let answers = [even, uneven].map { engine.answer(gemm(4096, 4096, 4096, weights: pattern($0))) }
    #expect(answers[1].elapsed > answers[0].elapsed * 1.2)
    #expect(answers[1].macs.useful == answers[0].macs.useful && answers[1].bound == .imbalance)
  }

  @Test func `a filter with windows runs dense and says how far it conforms`() throws {
    let shape = Convolution(
      batch: 1, inputChannels: 64, outputChannels: 64, input: Extent(14, 14), kernel: Extent(3, 3),
      padding: Padding(top: 1, bottom: 1, left: 1, right: 1))
    let op = Operator(
      name: "conv", kind: .convolution(shape), dataType: .fp16,
      sparsity: OperandSparsity(weights: pattern(random(64, 576, zeros: 0.8, seed: 1))))
    let engine = TensorCoreEngine(try gpu("h200"))
    guard case .runs(let adapted, let changes) = engine.fit(op) else { return }
    #expect(adapted.sparsity.weights == .dense && changes.first?.contains("conform to 2:4") == true)
  }
}
