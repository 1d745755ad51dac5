import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Fused attention")
struct AttentionTests {
  private func op(_ attention: Attention, _ scores: SparsityPattern = .dense, _ phase: Phase = .inference) -> Operator {
    Operator(
      name: "attention", kind: .attention(attention), phase: phase, dataType: .fp16,
      sparsity: OperandSparsity(scores: scores))
  }

  private func executed(_ answer: Estimate) -> Int { answer.macs.useful + answer.macs.padded }

  @Test func `visible pairs are those the mask's definition leaves`() {
    for queries in [1, 2, 5, 17] {
      for keys in [queries, queries + 1, queries + 13] {
        for window in [nil, 1, 3, 8, 100] {
          for isCausal in [false, true] {
            let attention = Attention(
              batch: 1, heads: 1, queryLength: queries, keyLength: keys, headDimension: 8, isCausal: isCausal,
              window: window)
            var pairs = 0
            for query in 0..<queries {
              // The last query is at the last key.
              let own = query + keys - queries
              for key in 0..<keys where !isCausal || key <= own {
                // Without a causal mask a window is as many keys, wherever they are.
                let distance = isCausal ? own - key : key
                if distance < window ?? keys { pairs += 1 }
              }
            }
            #expect(attention.visiblePairs == pairs, "\(queries) × \(keys), window \(window ?? 0), causal \(isCausal)")
          }
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func `multiply-accumulates are visible pairs times twice the head's width`(_ isCausal: Bool) throws {
    let engine = TensorCoreEngine(try idealGPU())
    let attention = Attention(batch: 2, heads: 12, queryLength: 1024, headDimension: 64, isCausal: isCausal)
    let pairs = 24 * (isCausal ? 512 * 1025 : 1024 * 1024)
    let answer = engine.answer(op(attention))
    #expect(answer.macs.dense == pairs * 2 * 64 && answer.macs.useful == answer.macs.dense)
    // Tiles of 128 × 128; the diagonal ones are done in full.
    let tiles = 24 * (isCausal ? 36 : 64)
    let tile = 128 * 128 * 2 * 64
    let whole = tiles * tile
    #expect(isClose(Double(executed(answer)), Double(whole), isCausal ? 0.002 : 0))
    #expect(engine.answer(op(attention, .dense, .backwardData)).macs.useful * 2 == answer.macs.useful * 5)
  }

  @Test func `a causal mask saves half of long sequences`() throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    for length in [4096, 8192, 16_384] {
      func answer(_ isCausal: Bool) -> Estimate {
        engine.answer(
          op(Attention(batch: 4, heads: 32, queryLength: length, headDimension: 128, isCausal: isCausal)))
      }
      let share = answer(true).elapsed / answer(false).elapsed
      // A step more for every diagonal, and half of the longest tile at the end.
      #expect(share > 0.5 && share < 0.5 + 640 / Double(length))
    }
  }

  @Test(arguments: [0.25, 0.5, 0.875])
  func `blocks of masked scores are skipped`(_ zeros: Double) throws {
    let engine = TensorCoreEngine(try idealGPU())
    let attention = Attention(batch: 1, heads: 132, queryLength: 2048, headDimension: 128)
    let pattern = SparsityPattern.block(rows: 128, columns: 128, zeros: zeros)
    let whole = SparsityPattern.block(rows: 128, columns: 128, zeros: 0)
    let (dense, masked) = (engine.answer(op(attention, whole)), engine.answer(op(attention, pattern)))
    #expect(isClose(masked.elapsed / dense.elapsed, 1 - zeros))
    #expect(isClose(Double(masked.macs.useful), Double(dense.macs.useful) * (1 - zeros)))
    #expect(isClose(Double(executed(masked)), Double(executed(dense)) * (1 - zeros)))
    #expect(engine.changes(op(attention, pattern)).isEmpty)
    #expect(
      engine.changes(op(attention, .structured(n: 2, m: 4)))
        == ["2:4 scores run dense: only whole blocks can be skipped"])
  }

  @Test func `exponentials follow products; with block masks the slower of both sets the pace`() throws {
    var gpu = try idealGPU()
    let attention = Attention(batch: 1, heads: 132, queryLength: 1024, headDimension: 128)
    let steps = 8.0 * 8
    // 128² exponentials at 16 a cycle take half as long as 2·128²·128 products at 2048.
    let softmax = 128.0 * 128 / 16
    gpu.dataTypes.rates[.fp16]?.perCycle = 1e9
    let slow = TensorCoreEngine(gpu).answer(op(attention))
    #expect(slow.bound == .vector && isClose(slow.elapsed.value, steps * softmax / 1.98e9, 1e-4))
    gpu.dataTypes.rates[.fp16]?.perCycle = 2048
    let issue = TensorCoreEngine(gpu).answer(op(attention))
    #expect(issue.bound == .issue && isClose(issue.elapsed.value, steps * 3 * softmax / 1.98e9))
    // All blocks kept: tiles of queries are still taken as uneven, and half of the last one is waited for.
    let whole = SparsityPattern.block(rows: 128, columns: 128, zeros: 0)
    gpu.attentionKernels.blockInstructionsPerScore = 24
    let blocks = TensorCoreEngine(gpu).answer(op(attention, whole))
    #expect(blocks.bound == .vector && isClose(blocks.elapsed.value, (steps + 4) * 4 * softmax / 1.98e9))
    gpu.attentionKernels.blockInstructionsPerScore = 4
    let products = TensorCoreEngine(gpu).answer(op(attention, whole))
    #expect(products.bound == .issue && isClose(products.elapsed.value, (steps + 4) * 2 * softmax / 1.98e9))
  }

  @Test func `scores stay on chip, and shared keys are stored once`() throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    func traffic(_ keyValueHeads: Int) -> Traffic {
      engine.answer(
        op(Attention(batch: 1, heads: 32, keyValueHeads: keyValueHeads, queryLength: 2048, headDimension: 128))
      ).traffic
    }
    let head = Int64(2048 * 128 * 2)
    #expect(traffic(32).dramRead == Bytes(3 * 32 * head) && traffic(32).dramWritten == Bytes(32 * head))
    #expect(traffic(8).dramRead == Bytes((32 + 2 * 8) * head))
    // Every tile of queries takes all keys and values from the level-two cache.
    #expect(traffic(32).l2Read == Bytes(32 * head) + Bytes(16 * 64 * head))
  }

  @Test func `few heads leave multiprocessors without work`() throws {
    let engine = TensorCoreEngine(try idealGPU())
    func elapsed(_ heads: Int) -> Double {
      engine.answer(op(Attention(batch: 1, heads: heads, queryLength: 128, keyLength: 4096, headDimension: 128)))
        .elapsed.value
    }
    #expect(isClose(elapsed(1), elapsed(132)) && isClose(elapsed(133), 2 * elapsed(132)))
  }
}
