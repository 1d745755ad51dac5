import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("The last turn of a kernel") struct LastTurnTests {
  private let clock = 1.98e9

  @Test func `cores wait for the cache in full turns, and the cache for cores in an emptier last one`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128)])
    let step = 128.0 * 128 * 64 / 2048
    let tile = 64 * step / clock
    // 132 tiles and one more, 128 rows and columns of 4,096 values each, read and written as a whole in each.
    let bytes = 128.0 * 4096 * 2 * 2 + 128 * 128 * 2
    gpu.l2Bandwidth = BytesPerCycle(2 * 132 * bytes / (tile * clock))
    func time(_ tiles: Int) -> Double { TensorCoreEngine(gpu).answer(gemm(128 * tiles, 128, 4096)).elapsed.value }
    #expect(isClose(time(132), tile) && isClose(time(133), 2 * tile))
    // At a quarter of that rate the cache takes two tiles' time for a full turn, and next to none for the last tile.
    gpu.l2Bandwidth = BytesPerCycle(0.5 * 132 * bytes / (tile * clock))
    #expect(isClose(time(132), 2 * tile) && isClose(time(133), 3 * tile))
    #expect(isClose(time(264), 4 * tile))
    // Half and half, the two overlap as the exponent says, turn by turn.
    gpu.overlapExponent = 2
    let small = (1 + 4 / 132.0 / 132).squareRoot()
    #expect(isClose(time(133), ((1 + 4.0).squareRoot() + small) * tile))
  }

  /// A library that shares the last tiles of all but the shortest reductions, and clears a counter for three turns.
  private let scheduler = TileScheduler(
    sharedRest: 0.5, sharedRow: Bytes(2048), sharedRowOfOneTurn: Bytes(4096), uncountedTurns: 2, clearing: Seconds(1e-6)
  )

  @Test func `tiles left over take half a turn where two blocks share each, and pass the epilogue twice more`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128)])
    gpu.sparseEpiloguePort = BytesPerCycle(16)
    func cycles(_ tiles: Int, _ k: Int) -> Double {
      let answer = TensorCoreEngine(gpu).answer(gemm(128 * tiles, 128, k, weights: .twoOfFour, output: .fp16))
      return (answer.elapsed.value - answer.matrix.stalled[.launch].value) * clock
    }
    let (step, write) = (128.0 * 128 * 64 / 4096, 128.0 * 128 * 2 / 16)
    #expect(isClose(cycles(132 + 66, 2048), 2 * (32 * step + write)))
    gpu.tileScheduler = scheduler
    // Single precision, written and read.
    let partials = 2.0 * 128 * 128 * 4 / 16
    #expect(isClose(cycles(132 + 66, 2048), 32 * step + write + 16 * step + write + partials))
    #expect(isClose(cycles(66, 2048), 16 * step + write + partials))
    // More than half of the SMs, a short reduction, or nothing left over.
    #expect(isClose(cycles(132 + 67, 2048), 2 * (32 * step + write)))
    #expect(isClose(cycles(132 + 66, 960), 2 * (15 * step + write)))
    #expect(isClose(cycles(66, 1024), 16 * step + write))
    #expect(isClose(cycles(264, 2048), 2 * (32 * step + write)))
  }

  @Test func `counters of tiles are cleared before kernels of many turns and before those that share tiles`() throws {
    var gpu = try idealGPU(kernels: [kernel(128, 128)])
    gpu.launch = Seconds(3e-6)
    gpu.tileScheduler = scheduler
    func launch(_ tiles: Int, _ weights: SparsityPattern = .twoOfFour, ideal: Bool = false) -> Double {
      let options = SimulationOptions(library: ideal ? .ideal : .measured)
      let answer = TensorCoreEngine(gpu, options: options).answer(gemm(128 * tiles, 128, 2048, weights: weights))
      return (answer.matrix.stalled[.launch].value * 1e6).rounded()
    }
    #expect(launch(132) == 3 && launch(264) == 3)
    #expect(launch(132 + 66) == 3 + 3 + 1)
    #expect(launch(3 * 132) == 3 + 3 + 1)
    #expect(launch(2 * 132 + 66) == 3 + 3 + 2)
    #expect(launch(2 * 132 + 66, .dense) == 3 && launch(2 * 132 + 66, ideal: true) == 3)
  }

  @Test func `2:4 kernels share tiles and clear counters as cuSPARSELt's do on an H200`() throws {
    let gpu = try gpu("h200")
    var compared = 0
    for row in try Bench.measurements("Repeats/schedules") {
      func number(_ column: String) throws -> Int { try #require(row[column].flatMap(Int.init)) }
      let type = try #require(row["dtype"].flatMap(DataType.init))
      let (m, n, k) = (try number("m"), try number("n"), try number("k"))
      let kernel = kernel(
        try number("tile_m"), try number("tile_n"), cluster: (try number("cluster_m"), try number("cluster_n")))
      let row = k * type.bits / 8
      // Small tiles share from 1408 or 1792 B on; of 128×128 those with short steps from 1280 B, in one turn from 2560 B.
      if kernel.m * kernel.n < 128 * 128, 1280..<1920 ~= row { continue }
      if kernel.m * kernel.n == 128 * 128, [1280, 2304].contains(row) { continue }
      let work = MatrixWork(
        problems: gemm(m, n, k).matrixProblems, rate: try #require(gpu.dataTypes.rates[type]),
        elementBytes: Double(type.bits) / 8, outputBytes: 2, isSparse: true, metadataBits: 2, inputsOnChip: false,
        outputOnChip: false)
      let schedule = KernelSchedule(pacing: work, kernel: kernel, splits: 1, gpu: gpu)
      #expect(schedule.clearings == (try number("cleared")), "\(type) \(m)×\(n)×\(k) \(kernel)")
      compared += 1
    }
    #expect(compared > 2300)
  }
}
