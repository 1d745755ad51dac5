import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// Weights that are stored otherwise than they are multiplied: compressed, in three factors, in few bits.
@Suite struct StoredWeightsTests {
  /// A GPU that nothing but what a test puts back limits, with kernels that make compressed tiles dense.
  private func ideal() throws -> TensorCoreGPU {
    var gpu = try idealGPU(kernels: [kernel(128, 16), kernel(128, 128)])
    gpu.sparseKernels?.registers = 1 << 16
    gpu.sparseKernels?.gatherLatency = 0
    gpu.sparseKernels?.warpInstructionShare = 1
    gpu.dataTypes.rates[.fp16]?.perCycle = 1e12
    gpu.vector.operationsPerCycle = 1e12
    // Compressed rows take for ever.
    gpu.laneMACs = 1e-3
    return gpu
  }

  private func seconds(_ cycles: Double, _ gpu: TensorCoreGPU) -> Double { cycles / gpu.maximumClock.value }

  // MARK: Load as sparse, compute as dense

  @Test(arguments: [0.5, 0.7, 0.9])
  func `compressed tiles that wait for memory take as long as their bytes`(_ zeros: Double) throws {
    var gpu = try ideal()
    gpu.dram.streamBandwidth = BytesPerSecond(1e12)
    let (m, n, k) = (256 * gpu.multiprocessors, 16, 8192)
    let answer = TensorCoreEngine(gpu).answer(gemm(m, n, k, weights: .unstructured(zeros: zeros)))
    let values = Double(m * k) * (1 - zeros)
    let bytes = values * 4 + Double(2 * gpu.multiprocessors * k / 64 * 4) + Double(k * n + m * n) * 2
    #expect(isClose(Double(answer.traffic.dram.count), bytes, 1e-6))
    // Results are written after the last step.
    #expect(isClose(answer.elapsed.value, bytes / 1e12, 0.02))
    #expect(answer.bound == .dram)
  }

  @Test func `tiles are cleared, filled, read and multiplied through one port`() throws {
    var gpu = try ideal()
    gpu.sharedMemoryPort = BytesPerCycle(128)
    let (n, k, zeros) = (16, 64 * 32, 0.75)
    let m = 128 * gpu.multiprocessors
    let answer = TensorCoreEngine(gpu).answer(gemm(m, n, k, weights: .unstructured(zeros: zeros)))
    let tile = 128.0 * 64 * 2
    let slice = 64.0 * 16 * 2
    let passes = (128.0 / Double(gpu.rowsPerOperandPass)).rounded(.up)
    let step = (tile + slice + tile + slice * passes) / 128 + 128 * 64 * (1 - zeros) / 32
    #expect(isClose(answer.elapsed.value, seconds(32 * step, gpu), 1e-3))
    #expect(answer.bound == .localMemory)
    // Everything is multiplied; a quarter of it is useful.
    #expect(answer.macs.useful == m * n * k / 4 && answer.macs.useful + answer.macs.padded == m * n * k)
  }

  @Test func `few columns load as sparse and compute as dense, almost no values stay on the lanes`() throws {
    let engine = TensorCoreEngine(try gpu("a100"))
    func mapping(_ n: Int, _ zeros: Double) -> String {
      engine.answer(gemm(16384, n, 8192, weights: .unstructured(zeros: zeros))).mapping.description
    }
    #expect(mapping(16, 0.8).hasPrefix("128x16"))
    #expect(mapping(16, 0.9999).hasPrefix("1x32"))
    let (dense, sparse) = (
      engine.answer(gemm(16384, 16, 8192)), engine.answer(gemm(16384, 16, 8192, weights: .unstructured(zeros: 0.8)))
    )
    #expect(sparse.elapsed < dense.elapsed)
    // With many columns multiplying zeros is no gain.
    let many = engine.answer(gemm(16384, 4096, 8192, weights: .unstructured(zeros: 0.8)))
    #expect(many.elapsed > engine.answer(gemm(16384, 4096, 8192)).elapsed)
  }

  // MARK: Three factors

  @Test(arguments: [(4096, 512, 4096, 128), (4096, 4096, 11008, 64), (1000, 16, 1000, 128)])
  func `a wrapped product is three products one after the other`(_ m: Int, _ n: Int, _ k: Int, _ block: Int) throws {
    // A limit would hold over all three together.
    var gpu = try gpu("h200")
    gpu.power.cap = nil
    let engine = TensorCoreEngine(gpu)
    let whole = engine.answer(gemm(m, n, k, weights: .wrapped(block: block, n: 2, m: 4)))
    func fits(_ rows: Int) -> Bool { rows * n * 2 <= engine.residentCapacity }
    func blocks(_ size: Int) -> Int { (size + block - 1) / block }
    let parts = [
      engine.answer(gemm(block, n, block, batch: blocks(k)), outputOnChip: fits(k)),
      engine.answer(gemm(m, n, k, weights: .twoOfFour), inputsOnChip: fits(k), outputOnChip: fits(m)),
      engine.answer(gemm(block, n, block, batch: blocks(m)), inputsOnChip: fits(m)),
    ]
    #expect(isClose(whole.elapsed.value, parts.reduce(0) { $0 + $1.elapsed.value }))
    #expect(isClose(whole.energy.total.value, parts.reduce(0) { $0 + $1.energy.total.value }))
    #expect(whole.traffic.dramRead == parts.reduce(.zero) { $0 + $1.traffic.dramRead })
    #expect(whole.macs.useful == parts[1].macs.useful && whole.macs.dense == m * n * k)
    #expect(whole.macs.padded >= (blocks(m) + blocks(k)) * block * block * n)
    #expect(whole.elapsed > parts[1].elapsed)
  }

  // MARK: Few bits

  @Test func `quantised weights move their bits and a scale, and no more`() throws {
    var gpu = try ideal()
    gpu.vectorKernels.dequantisationOperations = 8
    gpu.dram.streamBandwidth = BytesPerSecond(1e12)
    let (m, k) = (4096, 8192)
    for (pattern, kept, index) in [
      (SparsityPattern.dense, 1.0, 0.0), (.twoOfFour, 0.5, Double(m * k / 2) * 2 / 8),
    ] {
      var op = gemm(m, 1, k, weights: pattern)
      op.weightType = .int4
      let answer = TensorCoreEngine(gpu).answer(op)
      let bytes = Double(m * k) * kept * (4 + 32.0 / 128) / 8 + index + Double(k) * 2
      #expect(isClose(Double(answer.traffic.dramRead.count), bytes, 1e-3), "\(pattern)")
    }
  }

  @Test(arguments: [1, 16, 17, 40])
  func `widening on few lanes takes a slot for every operation of every tile`(_ n: Int) throws {
    var gpu = try ideal()
    gpu.kernels = [kernel(128, 16)]
    gpu.vectorKernels.dequantisationOperations = 8
    gpu.vector.operationsPerCycle = 128
    var op = gemm(128 * gpu.multiprocessors, n, 8192)
    op.weightType = .int4
    let along = Double((n + 15) / 16)
    let answer = TensorCoreEngine(gpu).answer(op)
    #expect(isClose(answer.elapsed.value, seconds(128 * 8192 * 8 / 128 * along, gpu), 1e-3))
  }

  @Test func `kept runs of quantised weights are widened and multiplied once`() throws {
    var gpu = try ideal()
    gpu.vectorKernels.dequantisationOperations = 3
    gpu.vector.operationsPerCycle = 128
    gpu.laneMACs = 128
    gpu.dataTypes.rates[.fp16]?.perCycle = 1
    let (m, k) = (4 * gpu.multiprocessors, 16 * 512)
    func answer(_ zeros: Double) -> Estimate {
      var op = gemm(m, 2, k, weights: .block(rows: 1, columns: 16, zeros: zeros))
      op.weightType = .int4
      return TensorCoreEngine(gpu).answer(op)
    }
    // All runs kept but for one part in a million: no row is fuller than another.
    let values = Double(m * k)
    #expect(isClose(answer(1e-6).elapsed.value, seconds(values * 5 / 128 / Double(gpu.multiprocessors), gpu), 1e-2))
    #expect(answer(0.5).elapsed < answer(1e-6).elapsed * 0.6)
    let metadata = 4 * (m * 512 / 2 + m + 1)
    #expect(
      isClose(
        Double(answer(0.5).traffic.dramRead.count), values / 2 * (4 + 32.0 / 16) / 8 + Double(metadata + k * 4), 1e-3))
  }

  @Test func `group-sparse 4-bit weights decode faster than dense ones, and prefill slower`() throws {
    let engine = TensorCoreEngine(try gpu("a100"))
    func time(_ n: Int, _ weights: SparsityPattern, _ type: DataType?) -> Double {
      var op = gemm(11008, n, 4096, weights: weights)
      op.weightType = type
      return engine.answer(op).elapsed.value
    }
    let groups = SparsityPattern.block(rows: 1, columns: 16, zeros: 0.5)
    #expect(time(1, groups, .int4) < time(1, .dense, .int4) && time(1, .dense, .int4) < time(1, .dense, nil))
    #expect(time(4096, groups, .int4) > time(4096, .dense, nil))
  }

  @Test func `what cannot widen weights says so`() throws {
    var op = gemm(1024, 16, 1024)
    op.weightType = .int4
    #expect(
      TensorCoreEngine(try gpu("t4")).changes(op) == ["int4 weights are stored as fp16: nothing widens them"])
    #expect(TensorCoreEngine(try gpu("h200")).changes(op).isEmpty)
  }

  // MARK: Convolutions

  @Test func `filters of one pixel run in blocks, as products; larger ones dense, and say why`() throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    func convolution(_ kernel: Int) -> Operator {
      Operator(
        name: "conv",
        kind: .convolution(
          Convolution(
            batch: 8, inputChannels: 512, outputChannels: 1024, input: Extent(14, 14), kernel: Extent(kernel, kernel),
            padding: Padding(vertical: kernel / 2, horizontal: kernel / 2))), dataType: .fp16,
        sparsity: OperandSparsity(weights: .block(rows: 32, columns: 32, zeros: 0.75)))
    }
    let product = engine.answer(gemm(1024, 8 * 14 * 14, 512, weights: .block(rows: 32, columns: 32, zeros: 0.75)))
    #expect(engine.answer(convolution(1)).elapsed == product.elapsed)
    #expect(
      engine.changes(convolution(3)) == [
        "block(32x32, 0.75) weights run dense: block-sparse kernels do not form windows"
      ])
  }
}
