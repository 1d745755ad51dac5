import Bench
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

@Suite("Real zeros on systolic arrays")
struct MaskTests {
  /// Of every `m` values of a row, `n` are kept, anywhere.
  private func mask(_ rows: Int, _ columns: Int, _ n: Int, _ m: Int, seed: Int) -> ZeroMask {
    var generator = SeededGenerator(seed: seed)
    return ZeroMask(
      (0..<rows).map { _ in
        stride(from: 0, to: columns, by: m).flatMap { _ in
          let kept = Set((0..<m).shuffled(using: &generator).prefix(n))
          return (0..<m).map(kept.contains)
        }
      })
  }

  private func pattern(_ zeros: ZeroMask) -> SparsityPattern { .mask(MaskReference(file: "w", zeros: zeros)) }

  @Test(arguments: [(1, 4), (2, 4), (2, 8), (1, 8), (3, 8)])
  func `a mask that conforms runs as its pattern`(_ n: Int, _ m: Int) throws {
    for seed in 1...5 {
      let engine = try engine(array("sat"))
      let zeros = mask(96, 256, n, m, seed: seed)
      let (real, asked) = (
        engine.answer(gemm(96, 300, 256, weights: pattern(zeros))),
        engine.answer(gemm(96, 300, 256, weights: .structured(n: n, m: m)))
      )
      #expect(real.elapsed == asked.elapsed && real.macs == asked.macs && real.traffic == asked.traffic)
    }
  }

  @Test func `a mask with one full group runs dense and says how many conform`() throws {
    let zeros = mask(8, 64, 2, 8, seed: 1)
    let broken = ZeroMask(
      (0..<8).map { row in (0..<64).map { row == 3 && (16..<32).contains($0) || zeros[row, $0] } })
    let engine = try engine(array("sat"))
    guard case .runs(let op, let changes) = engine.fit(gemm(8, 16, 64, weights: pattern(broken))) else { return }
    #expect(op.sparsity.weights == .dense)
    #expect(changes.count == 1 && changes[0].contains("96 % of their groups conform to 8:16"), "\(changes)")
  }

  @Test func `an array of dense elements says so`() throws {
    var dense = try array("sat")
    dense.sparseElement = .none
    let engine = try engine(dense)
    guard case .runs(let op, let changes) = engine.fit(gemm(8, 16, 64, weights: pattern(mask(8, 64, 2, 4, seed: 2))))
    else { return }
    #expect(op.sparsity.weights == .dense && changes.count == 1)
  }
}
