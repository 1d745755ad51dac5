import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Mechanisms of tensor-core GPUs, one at a time")
struct MechanismTests {
  private let sms = 132.0
  private let clock = 1.98e9

  /// The kernel, tiles and waves of an answer.
  private func layout(_ answer: Estimate) -> (tiles: Int, waves: Int) {
    guard case .kernel(_, _, let tiles, let waves) = answer.mapping else { return (0, 0) }
    return (tiles, waves)
  }

  @Test(arguments: [(DataType.fp16, 2048.0), (.fp8, 4096), (.int8, 4096), (.tf32, 1024)])
  func `with nothing in the way, time is multiply-accumulates over the rate`(_ type: DataType, _ rate: Double) throws {
    let engine = TensorCoreEngine(try idealGPU())
    // 12 × 11 tiles: a whole wave.
    let (m, n, k) = (12 * 128, 11 * 256, 4096)
    let ideal = Double(m * n * k) / (rate * sms * clock)
    let dense = engine.answer(gemm(m, n, k, type: type, output: .fp16))
    #expect(isClose(dense.elapsed.value, ideal))
    #expect(dense.bound == .issue && dense.macs.padded == 0)
    #expect(isClose(dense.matrix.busy.value, ideal))
    let sparse = engine.answer(gemm(m, n, k, weights: .twoOfFour, type: type, output: .fp16))
    #expect(isClose(sparse.elapsed.value, ideal / 2))
    #expect(sparse.macs.useful == m * n * k / 2)
  }

  @Test func `a sustained share of the peak stretches every step, and each step adds its overhead`() throws {
    var gpu = try idealGPU()
    gpu.issueEfficiency = 0.8
    gpu.stepOverhead = Cycles(100)
    let answer = TensorCoreEngine(gpu).answer(gemm(12 * 128, 11 * 256, 4096))
    let step = 128.0 * 256 * 64 / 2048
    #expect(isClose(answer.elapsed.value, 64 * (step / 0.8 + 100) / clock))
    #expect(isClose(answer.matrix.busy.value, 64 * step / clock))
    // Two tiles on an SM hide half of each other's overheads.
    gpu.kernels[0].tilesPerMultiprocessor = 2
    let paired = TensorCoreEngine(gpu).answer(gemm(24 * 128, 11 * 256, 4096))
    #expect(isClose(paired.elapsed.value, 2 * 64 * (step / 0.8 + 50) / clock))
  }

  @Test func `the operand port feeds a dense step in time and a sparse one at 128 of 146`() throws {
    var gpu = try idealGPU()
    gpu.sharedMemoryPort = BytesPerCycle(128)
    let engine = TensorCoreEngine(gpu)
    let (m, n, k) = (12 * 128, 11 * 256, 4096)
    // A step of 64: 128·256·64 / 2048 cycles of issue; both passes of 64 rows read 256 columns of 128 B, and A passes
    // once.
    let dense = engine.answer(gemm(m, n, k))
    let (readsOfB, readsOfA) = (2.0 * 256 * 128, 128.0 * 128)
    #expect((readsOfB + readsOfA) / 128 < 1024)
    #expect(isClose(dense.elapsed.value, 64 * 1024 / clock) && dense.bound == .issue)
    // The sparse step takes 512 cycles of issue and as many for B alone; A with its metadata is on top.
    let sparse = engine.answer(gemm(m, n, k, weights: .twoOfFour))
    let port = (readsOfB + readsOfA * 0.5625) / 128
    #expect(port == 584)
    #expect(isClose(sparse.elapsed.value, 64 * port / clock) && sparse.bound == .localMemory)
    #expect(isClose(sparse.matrix.busy / sparse.elapsed, 128.0 / 146))
    gpu.portEfficiency = 0.5
    let slow = TensorCoreEngine(gpu).answer(gemm(m, n, k))
    #expect(isClose(slow.elapsed.value, 64 * (readsOfB + readsOfA) / 64 / clock))
    #expect(slow.bound == .localMemory)
  }

  @Test func `narrow tiles read more operands for every multiply-accumulate`() throws {
    func read(_ kernel: GEMMKernel) throws -> Int64 {
      var gpu = try idealGPU(kernels: [kernel])
      gpu.sharedMemoryPort = BytesPerCycle(128)
      return TensorCoreEngine(gpu).answer(gemm(4096, 4096, 4096)).traffic.l1Read.count
    }
    let reads = try [kernel(64, 64), kernel(64, 128), kernel(64, 256), kernel(128, 256)].map(read)
    #expect(reads == reads.sorted(by: >))
    // 4096 tiles of 64 steps, each reading 64 rows and 64 columns of 128 B.
    let tile: Int64 = 64 * (64 + 64) * 128
    #expect(reads[0] == 4096 * tile)
  }

  @Test func `a step takes what its rows and columns need through the port to the level-two cache`() throws {
    var gpu = try idealGPU(kernels: [kernel(64, 64)])
    gpu.fillPort = BytesPerCycle(64)
    func step(_ columns: Int, _ weights: SparsityPattern = .dense) -> Double {
      let answer = TensorCoreEngine(gpu).answer(gemm(132 * 64, columns, 4096, weights: weights))
      return answer.elapsed.value * clock / 64
    }
    // 128 B of each row and column; 2:4 rows are stored in 72.
    #expect(isClose(step(64), (64 + 64) * 128 / 64))
    #expect(isClose(step(64, .twoOfFour), Double(64 * 72 + 64 * 128) / 64))
    // What lies past the edge is not sent.
    #expect(isClose(step(16), (64 + 16) * 128 / 64))
    let answer = TensorCoreEngine(gpu).answer(gemm(132 * 64, 64, 4096))
    #expect(answer.bound == .l2 && answer.matrix.stalled[.l2] > answer.matrix.busy * 0.99)
  }

  @Test func `clusters of four use the SMs that processing clusters can be divided into`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128, cluster: (4, 1))])
    gpu.clusteredMultiprocessors = 120
    let engine = TensorCoreEngine(gpu)
    #expect(layout(engine.answer(gemm(120 * 128, 128, 1024))) == (120, 1))
    #expect(layout(engine.answer(gemm(121 * 128, 128, 1024))) == (121, 2))
    gpu.kernels = [kernel(128, 128, cluster: (2, 1))]
    #expect(layout(TensorCoreEngine(gpu).answer(gemm(132 * 128, 128, 1024))) == (132, 1))
  }

  @Test func `neighbours in step leave a share of the reads that clusters do not share, more as they drift apart`()
    throws
  {
    var gpu = try idealGPU(kernels: [kernel(128, 128, cluster: (2, 1))])
    gpu.coalescing.denseFirst = 0.25
    gpu.coalescing.denseSteady = 0.75
    (gpu.coalescing.sparseFirst, gpu.coalescing.sparseSteady) = (0.5, 0.5)
    gpu.coalescing.decay = 0.5
    func read(_ m: Int, _ n: Int, _ weights: SparsityPattern = .dense) -> Double {
      Double(TensorCoreEngine(gpu).answer(gemm(m * 128, n * 128, 1024, weights: weights)).traffic.l2Read.count)
    }
    let strip = 128.0 * 1024 * 2
    // One wave: 12 rows and 11 columns of tiles; pairs share their column.
    #expect(isClose(read(12, 11), strip * (12 * 11 * 0.25 + 11 * 6)))
    // Two waves: a quarter of the lead over steady reads is lost.
    #expect(isClose(read(24, 11), strip * (24 * 11 * (0.75 - 0.5 * 0.75) + 11 * 12)))
    // Kernels with sparse weights coalesce the dense side only, and only where no cluster shares it.
    #expect(isClose(read(12, 11, .twoOfFour), strip * (12 * 11 * 0.5625 + 11 * 6)))
    gpu.kernels = [kernel(128, 128)]
    #expect(isClose(read(12, 11, .twoOfFour), strip * (12 * 11 * 0.5625 + 11 * 12 * 0.5)))
  }

  @Test func `resources overlap as the exponent says`() throws {
    var demand = PowerDemand(
      launch: Seconds(1), cycles: 3, cache: Seconds(4), memory: .zero, dynamicEnergy: .zero, memoryEnergy: .zero,
      overlapExponent: 2)
    #expect(demand.elapsed(1) == 6)
    demand.overlapExponent = .infinity
    #expect(demand.elapsed(1) == 5)
    demand.overlapExponent = 1
    #expect(demand.elapsed(0.5) == 11)
  }

  @Test func `kernels that follow each other share the clock that holds their average at the limit`() throws {
    let gpu = try gpu("h200")
    let engine = TensorCoreEngine(gpu)
    func task(_ op: Operator) -> Task {
      guard case .runs(let adapted, _) = engine.fit(op) else { preconditionFailure("impossible") }
      return Task(adapted, inputsOnChip: false, outputOnChip: false)
    }
    let heavy = task(gemm(8192, 8192, 8192))
    let light = task(Operator(name: "copy", kind: .elementwise(Elementwise(.copy, elements: 1 << 12)), dataType: .fp16))
    let alone = engine.estimate(heavy)
    let together = engine.estimates(of: [heavy, light], times: [1, 500])
    #expect(together[0].clock == together[1].clock && together[0].clock > alone.clock)
    let energy = together[0].energy.total + together[1].energy.total * 500
    let time = together[0].elapsed + together[1].elapsed * 500
    #expect(isClose((energy / time).value, 700 * gpu.power.mixedSettling, 1e-6))
    // For its first milliseconds a chip may draw more.
    let burst = TensorCoreEngine(gpu, options: SimulationOptions(power: .burst)).estimate(heavy)
    #expect(burst.clock > alone.clock)
    #expect(isClose((burst.energy.total / burst.elapsed).value, 700 * gpu.power.denseSettling * gpu.power.burst, 1e-6))
  }

  @Test func `products on older kernels of the library are slower, say so, and can be left out`() throws {
    let gpu = try gpu("h200")
    let (measured, ideal) = (
      TensorCoreEngine(gpu), TensorCoreEngine(gpu, options: SimulationOptions(library: .ideal))
    )
    let older = [gemm(4096, 4096, 4096, type: .int8), gemm(4096, 64, 4096, weights: .twoOfFour, type: .bf16)]
    for op in older {
      #expect(measured.changes(op).contains { $0.hasSuffix("products run on older kernels of the library") })
      #expect(ideal.changes(op).isEmpty)
      #expect(measured.answer(op).elapsed > ideal.answer(op).elapsed * 1.2)
    }
    for op in [gemm(4096, 4096, 4096, type: .fp8), gemm(4096, 129, 4096, weights: .twoOfFour, type: .bf16)] {
      #expect(measured.answer(op).elapsed == ideal.answer(op).elapsed && measured.changes(op).isEmpty)
    }
  }

  @Test func `a tile pays its fill and the write of its result`() throws {
    var gpu = try idealGPU()
    gpu.pipelineFill = Cycles(300)
    gpu.epiloguePort = BytesPerCycle(16)
    let answer = TensorCoreEngine(gpu).answer(gemm(24 * 128, 11 * 256, 64))
    let tile: Double = 300 + 4096
    #expect(isClose(answer.elapsed.value, 2 * (1024 + tile) / clock))
    #expect(isClose(answer.matrix.stalled[.fill].value, 2 * tile / clock) && answer.bound == .fill)
  }

  @Test func `one tile too many takes another wave`() throws {
    let engine = TensorCoreEngine(try idealGPU(kernels: [kernel(128, 128)]))
    let full = engine.answer(gemm(132 * 128, 128, 1024))
    let over = engine.answer(gemm(133 * 128, 128, 1024))
    #expect(layout(full) == (132, 1) && layout(over) == (133, 2))
    #expect(isClose(over.elapsed.value, 2 * full.elapsed.value))
    #expect(isClose(over.matrix.stalled[.imbalance] / over.elapsed, (264.0 - 133) / 264))
    // A single row more is a tile more.
    #expect(layout(engine.answer(gemm(132 * 128 + 1, 128, 1024))) == (133, 2))
  }

  @Test func `tiles that read much wait for the level-two cache`() throws {
    var gpu = try idealGPU()
    gpu.l2Bandwidth = BytesPerCycle(200)
    let answer = TensorCoreEngine(gpu).answer(gemm(12 * 128, 11 * 256, 4096))
    let row = Bytes(4096 * 2)
    let (rows, columns): (Int64, Int64) = (12 * 128, 11 * 256)
    let read = row * (11 * rows + 12 * columns)
    #expect(answer.traffic.l2Read == read)
    let moved = read + Bytes(2 * rows * columns)
    #expect(isClose(answer.elapsed.value, Double(moved.count) / 200 / clock))
    #expect(answer.bound == .l2)
    // Blocks that share a column of tiles halve what is read of B.
    gpu.kernels = [kernel(128, 256, cluster: (2, 1))]
    let shared = TensorCoreEngine(gpu).answer(gemm(12 * 128, 11 * 256, 4096))
    #expect(shared.traffic.l2Read == row * (11 * rows + 6 * columns))
    #expect(shared.traffic.l1Filled == answer.traffic.l1Filled)
  }

  @Test func `a decode GEMM is bound by off-chip memory`() throws {
    var gpu = try gpu("h200")
    gpu.power.cap = nil
    gpu.overlapExponent = .infinity
    let (m, n, k) = (132 * 128, 16, 4096)
    for weights in [SparsityPattern.dense, .twoOfFour] {
      let answer = TensorCoreEngine(gpu).answer(gemm(m, n, k, weights: weights))
      let stored = Double(m * k * 2) * (weights == .dense ? 1 : 0.5625)
      let bytes = stored + Double(2 * (k * n + m * n))
      #expect(isClose(Double(answer.traffic.dram.count), bytes))
      guard case .kernel(_, let splits, let tiles, _) = answer.mapping else { continue }
      var expected = (gpu.launch + gpu.matrixSetup).value * (splits > 1 ? 2 : 1)
      // What few SMs can draw together may be less than the memory streams.
      let turns = (Double(tiles) / sms).rounded(.up)
      let drawn = Double(tiles) / turns * gpu.multiprocessorBandwidth.value
      expected += bytes / min(4.27e12, drawn) + 0.7e-6
      if weights != .dense { expected += gpu.sparseSetup.value }
      #expect(isClose(answer.elapsed.value, expected) && answer.bound == .dram, "\(weights)")
    }
  }

  @Test func `few multiprocessors cannot draw all that the memory streams`() throws {
    var gpu = try idealGPU(kernels: [kernel(64, 64)])
    gpu.dram.streamBandwidth = BytesPerSecond(1e12)
    gpu.multiprocessorBandwidth = BytesPerSecond(1e10)
    func rate(_ tiles: Int) -> Double {
      let answer = TensorCoreEngine(gpu).answer(gemm(64 * tiles, 64, 64))
      #expect(layout(answer).tiles == tiles && answer.bound == .dram)
      return (answer.traffic.dram / answer.elapsed).value
    }
    #expect(isClose(rate(1), 1e10) && isClose(rate(50), 50e10) && isClose(rate(100), 1e12))
    // 133 tiles take two turns: 132 at a time, then one.
    #expect(isClose(rate(132), 1e12) && isClose(rate(133), 133 / (132 / 1e12 + 1 / 1e10)))
  }

  @Test func `kernels for one kind of operand are not taken for the other`() throws {
    var gpu = try idealGPU(kernels: [kernel(64, 64), kernel(128, 128)])
    gpu.kernels[0].isForDense = false
    gpu.kernels[1].isForSparse = false
    func chosen(_ weights: SparsityPattern) -> Mapping {
      TensorCoreEngine(gpu).answer(gemm(64, 64, 64, weights: weights)).mapping
    }
    #expect(chosen(.twoOfFour) == .kernel(gpu.kernels[0], splits: 1, tiles: 1, waves: 1))
    #expect(chosen(.dense) == .kernel(gpu.kernels[1], splits: 1, tiles: 1, waves: 1))
  }

  @Test func `a tiny GEMM is bound by its launch`() throws {
    let gpu = try gpu("h200")
    let dense = TensorCoreEngine(gpu).answer(gemm(64, 64, 64))
    #expect(dense.bound == .launch && dense.matrix.stalled[.launch] == gpu.launch + gpu.matrixSetup)
    let sparse = TensorCoreEngine(gpu).answer(gemm(64, 64, 64, weights: .twoOfFour))
    #expect(sparse.matrix.stalled[.launch] == gpu.launch + gpu.matrixSetup + gpu.sparseSetup)
    #expect(sparse.elapsed > dense.elapsed)
  }

  @Test func `a split reduction fills the machine, launches twice and moves its parts`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128, splits: 8)])
    gpu.launch = Seconds(1e-9)
    let answer = TensorCoreEngine(gpu).answer(gemm(128, 128, 8192))
    guard case .kernel(_, let splits, let tiles, _) = answer.mapping else { return }
    #expect(splits == 8 && tiles == 8)
    #expect(answer.matrix.stalled[.launch] == Seconds(2e-9))
    let results: Int64 = 128 * 128
    #expect(answer.traffic.l2Written == Bytes(results * 34))
    #expect(answer.traffic.l2Read == Bytes(results * 32) + Bytes(2 * 128 * 8192 * 2))
    // No further than the library's kernel can.
    gpu.kernels = [kernel(128, 128, splits: 3)]
    guard case .kernel(_, 3, 3, _) = TensorCoreEngine(gpu).answer(gemm(128, 128, 8192)).mapping else {
      Issue.record("not three parts")
      return
    }
    // An expensive launch is not worth it.
    gpu.launch = Seconds(1)
    let whole = TensorCoreEngine(gpu).answer(gemm(128, 128, 8192))
    #expect(whole.mapping == .kernel(gpu.kernels[0], splits: 1, tiles: 1, waves: 1))
  }

  @Test(arguments: [(SparsityPattern.dense, 350.0), (.twoOfFour, 350), (.dense, 500), (.dense, 700)])
  func `at the power limit the clock falls until power is the limit`(
    _ weights: SparsityPattern, _ cap: Double
  ) throws {
    var gpu = try gpu("h200")
    let op = gemm(8192, 8192, 8192, weights: weights)
    gpu.power.cap = nil
    let free = TensorCoreEngine(gpu).answer(op)
    #expect(free.clock == gpu.maximumClock && !free.isPowerCapped)
    (gpu.power.cap, gpu.power.settling, gpu.power.denseSettling) = (Watts(cap), 1, 1)
    let capped = TensorCoreEngine(gpu).answer(op)
    #expect(capped.isPowerCapped && capped.bound == .power)
    #expect(capped.clock < free.clock && capped.elapsed > free.elapsed)
    #expect(isClose((capped.energy.total / capped.elapsed).value, cap, 1e-6))
    // Dynamic energy follows the square of the voltage, whatever kernel was chosen.
    let voltage = gpu.power.voltageFloor + (1 - gpu.power.voltageFloor) * (capped.clock / gpu.maximumClock)
    let executed = Double(capped.macs.useful + capped.macs.padded)
    let rate = try #require(gpu.dataTypes.rates[.fp16])
    #expect(isClose(capped.energy.mac.value, executed * rate.energy.value * voltage * voltage))
    let (read, written) = (Double(capped.traffic.dramRead.count), Double(capped.traffic.dramWritten.count))
    #expect(
      isClose(
        capped.energy.dram.value, read * gpu.dram.energy.value + written * gpu.dram.writeEnergy.value, 1e-6))
    #expect(gpu.dram.writeEnergy != gpu.dram.energy)
    #expect(isClose(capped.energy.idle.value, gpu.power.idle.value * capped.elapsed.value))
  }

  @Test func `a kernel that waits for memory runs at a lower clock in the same time`() {
    let demand = PowerDemand(
      launch: .zero, cycles: 1e6, memory: Seconds(2e-3), dynamicEnergy: Joules(1), memoryEnergy: Joules(0.2))
    let power = PowerModel(cap: Watts(500), idle: Watts(100), voltageFloor: 0)
    let point = OperatingPoint(demand, power: power, minimum: Hertz(1e8), maximum: Hertz(2e9))
    // 0.3 J of 0.5 J allowed in 2 ms above idle and memory: (f/f_max)² = 0.6.
    #expect(point.isCapped && isClose(point.elapsed.value, 2e-3))
    #expect(isClose(point.energyScale, 0.6, 1e-6))
    #expect(isClose(point.clock.value, 2e9 * 0.6.squareRoot(), 1e-6))
  }

  @Test func `of what waves share, the cache keeps what a wave leaves room for`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128)])
    gpu.l2Capacity = Bytes(50 << 20)
    gpu.reuseWindow = 1
    func read(_ size: Int) -> Double {
      Double(TensorCoreEngine(gpu).answer(gemm(size, size, size)).traffic.dramRead.count)
    }
    // Waves of √132 × √132 tiles, 4096 or 1024 tiles in all, read and write more or less than the cache holds.
    func wave(_ size: Double) -> (read: Double, written: Double) {
      (2 * 128 * size * 2 * 132.0.squareRoot(), 132 * 128 * 128 * 2)
    }
    let large = wave(8192)
    #expect(large.read + large.written > Double(50 << 20))
    #expect(isClose(read(8192), large.read * 4096 / 132, 1e-6))
    let small = wave(4096)
    let gone = (small.read + small.written) / Double(50 << 20)
    #expect(gone < 1)
    let once = Double(2 * 4096 * 4096 * 2)
    #expect(isClose(read(4096), once + (small.read * 1024 / 132 - once) * gone, 1e-6))
    gpu.l2Capacity = Bytes(1 << 60)
    #expect(isClose(read(8192), Double(2 * 8192 * 8192 * 2), 1e-6))
    // A machine whose wave holds all tiles reads once whatever its cache.
    gpu.l2Capacity = Bytes(1)
    #expect(read(1024) == Double(2 * 1024 * 1024 * 2))
  }

  @Test(arguments: [256, 4096, 16_384])
  func `operands on chip save exactly their bytes`(_ size: Int) throws {
    let engine = TensorCoreEngine(try idealGPU())
    let op = gemm(size, 512, 1024)
    let off = engine.answer(op)
    #expect(off.traffic.dramRead - engine.answer(op, inputsOnChip: true).traffic.dramRead == Bytes(512 * 1024 * 2))
    #expect(off.traffic.dramWritten == Bytes(Int64(size * 512 * 2)))
    #expect(engine.answer(op, outputOnChip: true).traffic.dramWritten == .zero)
    // Both operands of a product of activations are there.
    let activations = gemm(size, 512, 1024, hasWeights: false)
    #expect(engine.answer(activations, inputsOnChip: true, outputOnChip: true).traffic.dram == .zero)
  }

  @Test(arguments: [DataType.fp16, .fp8, .tf32])
  func `two of four shrinks A to half and its metadata, and never touches B`(_ type: DataType) throws {
    let engine = TensorCoreEngine(try idealGPU(kernels: [kernel(128, 128)]))
    let bytes = Int64(type.bits / 8)
    let dense = engine.answer(gemm(1024, 768, 2048, type: type))
    let sparse = engine.answer(gemm(1024, 768, 2048, weights: .twoOfFour, type: type))
    let values = Int64(1024 * 2048 / 2)
    let metadata = values / 4
    #expect(sparse.traffic.metadata == Bytes(metadata))
    #expect(dense.traffic.dramRead - sparse.traffic.dramRead == Bytes(values * bytes - metadata))
    // Six columns of tiles load A each.
    #expect(dense.traffic.l1Filled - sparse.traffic.l1Filled == Bytes(6 * (values * bytes - metadata)))
    #expect(dense.traffic.dramWritten == sparse.traffic.dramWritten)
    // Each step's two passes of rows read B as before.
    let saved = dense.traffic.l1Read - sparse.traffic.l1Read
    #expect(saved == Bytes(6 * (values * bytes - metadata)))
  }

  @Test func `a GPU without sparse instructions runs two of four dense and says so`() throws {
    let engine = TensorCoreEngine(try gpu("t4"))
    let op = gemm(1024, 1024, 1024, weights: .twoOfFour)
    #expect(engine.changes(op) == ["2:4 weights run dense: there is no sparse instruction for fp16"])
    #expect(engine.answer(op).elapsed == engine.answer(gemm(1024, 1024, 1024)).elapsed)
    #expect(engine.answer(op).macs.skipped == 0)
  }

  @Test(arguments: [
    SparsityPattern.structured(n: 1, m: 4), .structured(n: 2, m: 8), .structured(n: 1, m: 16), .structured(n: 1, m: 2),
    .bank(size: 64, rate: 32), .bank(size: 4, rate: 2),
  ])
  func `what keeps no more than two of four runs as two of four`(_ pattern: SparsityPattern) throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    let op = gemm(1024, 1024, 1024, weights: pattern)
    #expect(engine.changes(op) == ["\(pattern) weights run as 2:4, which they conform to"])
    #expect(engine.answer(op).elapsed == engine.answer(gemm(1024, 1024, 1024, weights: .twoOfFour)).elapsed)
  }

  @Test(arguments: [
    SparsityPattern.structured(n: 3, m: 4), .structured(n: 7, m: 8), .unstructured(zeros: 0),
    .bank(size: 64, rate: 16), .vectorStructured(v: 64, n: 3, m: 8), .fanIn(2),
  ])
  func `what may keep more than two of four runs dense`(_ pattern: SparsityPattern) throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    let op = gemm(1024, 1024, 1024, weights: pattern)
    #expect(engine.changes(op) == ["\(pattern) weights run dense: they may keep more than two of four values"])
    #expect(engine.answer(op).elapsed == engine.answer(gemm(1024, 1024, 1024)).elapsed)
  }

  @Test(arguments: ["h200", "h100", "a100", "rtx-3090", "rtx-a6000", "t4"])
  func `times add up and nothing beats its rooflines`(_ name: String) throws {
    let gpu = try gpu(name)
    let engine = TensorCoreEngine(gpu)
    let rate = try #require(gpu.dataTypes.rates[.fp16])
    for m in [1, 64, 1000, 8192] {
      for n in [1, 16, 197, 4096] {
        for k in [64, 1024, 11_008] {
          for weights in [SparsityPattern.dense, .twoOfFour] {
            let answer = engine.answer(gemm(m, n, k, weights: weights))
            let elapsed = answer.elapsed.value
            for time in [answer.matrix, answer.vector, answer.memory] {
              #expect(isClose(time.total.value, elapsed))
              for bound in Bound.allCases { #expect(time.stalled[bound] >= Seconds(-1e-12 * elapsed)) }
            }
            if answer.bound == .dram || answer.bound == .l2 {
              #expect(answer.matrix.stalled[answer.bound].value > 1e-12 * elapsed)
            }
            let executed = Double(answer.macs.useful + answer.macs.padded)
            let issue = max(rate.perCycle, (rate.sparsePerCycle ?? 0) / 2)
            let peak = issue * Double(gpu.multiprocessors) * gpu.maximumClock.value
            #expect(elapsed >= executed / peak)
            #expect(elapsed * (1 + 1e-9) >= (answer.traffic.dram / gpu.dram.streamBandwidth).value)
            #expect(answer.traffic.l1Filled >= answer.traffic.l2Read)
            if let cap = gpu.power.cap, answer.clock > gpu.minimumClock * 1.001 {
              #expect(answer.energy.total.value <= cap.value * gpu.power.settling * elapsed * (1 + 1e-6))
            }
          }
        }
      }
    }
  }

  @Test func `a vector operator is a launch and its bytes, or its arithmetic`() throws {
    var gpu = try gpu("h200")
    func answer(_ function: Elementwise.Function, _ elements: Int, onChip: Bool = false) -> Estimate {
      TensorCoreEngine(gpu).answer(
        Operator(name: "v", kind: .elementwise(Elementwise(function, elements: elements)), dataType: .fp16),
        inputsOnChip: onChip, outputOnChip: onChip)
    }
    gpu.power.cap = nil
    gpu.overlapExponent = .infinity
    let add = answer(.add, 1 << 28)
    let stream = Double(1 << 30) / 4.27e12
    #expect(isClose(add.elapsed.value, gpu.launch.value + stream + 0.7e-6) && add.bound == .dram)
    #expect(answer(.add, 16).bound == .launch)
    // From the cache, instructions and special functions are the limit where the cache delivers enough.
    #expect(answer(.copy, 1 << 25, onChip: true).bound == .l2)
    // A sector of 32 bytes for every element of two.
    let turned = answer(.transpose, 1 << 25, onChip: true)
    #expect(turned.bound == .l2 && turned.traffic.l2Read == Bytes(32 << 25))
    gpu.vectorKernels.cacheBandwidth = BytesPerCycle(1e9)
    let exp = answer(.exp, 1 << 25, onChip: true)
    #expect(exp.traffic.dram == .zero && exp.bound == .vector)
    // The instructions of an operation, a read and a write on 128 lanes; and an exponential, 16 a cycle.
    let instructions = gpu.vectorKernels.instructionsPerOperation + 2 * gpu.vectorKernels.instructionsPerAccess
    let cycles = Double(1 << 25) * (instructions / 128 + 1.0 / 16) / sms
    #expect(isClose(exp.elapsed.value, gpu.launch.value + cycles / exp.clock.value))
  }
}
