import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

@Suite("Mapping search")
struct MappingSearchTests {
  /// A product on an array whose buffers hold parts of its operands.
  private struct Case: CustomStringConvertible {
    var array: SystolicArray
    var op: Operator
    var task: Task
    var description: String { "\(op.kind) \(op.sparsity) on \(array.rows)×\(array.columns), \(array.inputBuffer)" }
  }

  private static func cases(_ count: Int, seed: Int) throws -> [Case] {
    var random = SeededGenerator(seed: seed)
    let sat = try array("sat")
    let plain = try array("systolic-32x32")
    return (0..<count).map { _ in
      var array = Bool.random(using: &random) ? sat : plain
      array.rows = [2, 4, 8].randomElement(using: &random) ?? 4
      array.columns = [2, 4, 8].randomElement(using: &random) ?? 4
      // With both dataflows the usual mappings are rarely beaten.
      array.dataflows =
        [[.weightStationary], [.weightStationary], [.weightStationary, .outputStationary], [.outputStationary]]
        .randomElement(using: &random) ?? array.dataflows
      array.interleaving = [1, 2, 4].randomElement(using: &random) ?? 1
      if array.sparseElement == .group { array.largestGroup = 8 }
      func buffer() -> Bytes { Bytes(Int64([512, 1024, 2048, 4096, 16_384].randomElement(using: &random) ?? 256)) }
      (array.inputBuffer, array.weightBuffer, array.outputBuffer) = (buffer(), buffer(), buffer())
      array.dram.streamBandwidth = BytesPerSecond(
        array.clock.value * ([0.1, 0.5, 4].randomElement(using: &random) ?? 0.5))
      array.pruner = array.pruner.map {
        SystolicArray.Pruner(lanes: $0.lanes, pregenerates: Bool.random(using: &random))
      }
      let sizes = 1...120
      let pattern: SparsityPattern =
        array.sparseElement == .none
        ? .dense
        : [.dense, .dense, .structured(n: 2, m: 4), .structured(n: 1, m: 8)].randomElement(using: &random) ?? .dense
      let depth = Int.random(in: 1...12, using: &random) * 8
      let op =
        Bool.random(using: &random)
        ? gemm(
          Int.random(in: sizes, using: &random), Int.random(in: sizes, using: &random), depth,
          batch: Int.random(in: 1...2, using: &random), weights: pattern, phase: .forward)
        : gemm(
          Int.random(in: sizes, using: &random), Int.random(in: sizes, using: &random), depth, activations: pattern,
          phase: .backwardWeight, hasWeights: false)
      return Case(
        array: array, op: op,
        task: Task(
          op, inputsOnChip: Int.random(in: 0..<4, using: &random) == 0,
          outputOnChip: Int.random(in: 0..<4, using: &random) == 0))
    }
  }

  private static func engine(
    _ array: SystolicArray, _ mapping: SimulationOptions.Mapping, _ dataflow: SystolicArray.Dataflow? = nil
  ) throws -> SystolicEngine {
    try SystolicEngine(array, machine: "test", dataflow: dataflow, mapping: mapping)
  }

  /// Every dataflow, number of held values, tile that fits and order of loops, one by one.
  private static func exhaustive(_ it: Case, _ engine: SystolicEngine, from start: Schedule) -> (Schedule, Int) {
    let operands = engine.operands(of: it.task.problems[0], it.op)
    var (best, count) = (start, 0)
    for dataflow in engine.dataflows {
      for held in engine.heldValues(operands, dataflow) {
        let all = operands.product.rows
        let rows = Set(stride(from: engine.rowStep(dataflow), to: all, by: engine.rowStep(dataflow)) + [all])
        for rows in rows.sorted() {
          for columns in stride(
            from: it.array.columns, to: operands.product.columns + it.array.columns, by: it.array.columns)
          {
            for rowsAreOuter in [true, false] {
              let tile = ArrayTile(rows: rows, columns: columns, rowsAreOuter: rowsAreOuter, held: held)
              guard engine.fits(tile, operands, it.op, dataflow) else { continue }
              count += 1
              let other = engine.schedule(it.task, dataflow: dataflow, tile: tile)
              if other.isBetter(than: best) { best = other }
            }
          }
        }
      }
    }
    return (best, count)
  }

  @Test func `what the search leaves out is never better`() throws {
    var (better, tiles) = (0, 0)
    for it in try Self.cases(600, seed: 7) {
      let engine = try Self.engine(it.array, .search)
      let start = try Self.engine(it.array, .usual).bestSchedule(it.task)
      let found = engine.bestSchedule(it.task)
      let (best, count) = Self.exhaustive(it, engine, from: start)
      #expect(found.elapsed == best.elapsed && found.traffic.dram == best.traffic.dram, "\(it)")
      #expect(!start.isBetter(than: found), "\(it)")
      if found.isBetter(than: start) { better += 1 }
      tiles += count
    }
    // Both have something to do.
    #expect(better > 40, "\(better) of 600")
    #expect(tiles > 20_000, "\(tiles)")
  }

  @Test func `tiles are double-buffered`() throws {
    for it in try Self.cases(400, seed: 8) {
      let engine = try Self.engine(it.array, .search)
      let found = engine.bestSchedule(it.task)
      guard let tile = found.tile else { continue }
      let operands = engine.operands(of: it.task.problems[0], it.op)
      #expect(engine.fits(tile, operands, it.op, found.dataflow), "\(tile) of \(it)")
      let rows = Double(min(tile.rows, operands.product.rows)) / Double(operands.product.rows)
      #expect(Double(operands.movingBytes) * rows <= Double(it.array.inputBuffer.count / 2))
    }
  }

  /// Loads of the tile-by-tile model are made by loops, those of the closed forms by passes.
  @Test func `tile by tile a searched mapping loads what its passes say`() throws {
    var searched = 0
    for it in try Self.cases(500, seed: 9) {
      let engine = try Self.engine(it.array, .search)
      let found = engine.bestSchedule(it.task)
      guard found.tile != nil else { continue }
      searched += 1
      let listed = engine.schedule(
        it.task, dataflow: found.dataflow, tile: found.tile, listsParts: true)
      var tiles = FoldTiles(try #require(listed.parts), on: it.array)
      var (read, count) = (0, 0)
      var tile = Tile()
      while tiles.next(&tile) {
        read += Int(tile.work[FoldTiles.filters] + tile.work[FoldTiles.moving])
        count += 2
        tile = Tile()
      }
      // Each load is rounded to bytes.
      #expect((read - Int(found.traffic.dramRead.count)).magnitude <= count, "\(it)")
    }
    #expect(searched > 30)
  }

  @Test func `filters that stay in blocks need the rows once a block`() throws {
    var array = try array("systolic-32x32")
    array.dram.streamBandwidth = BytesPerSecond(array.clock.value / 8)
    (array.inputBuffer, array.weightBuffer) = (Bytes(1 << 16), Bytes(1 << 18))
    // 128 KiB of rows and 512 KiB of filters beside halves of 32 and 128 KiB: four blocks of filters.
    let op = gemm(1024, 256, 256)
    let answer = try Self.engine(array, .search, .weightStationary).answer(op)
    #expect(answer.traffic.dramRead == Bytes(256 * 256 * 2 * 4 + 1024 * 256 * 2))
    guard case .tiles(_, _, _, let tile) = answer.mapping else {
      Issue.record("\(answer.mapping)")
      return
    }
    #expect(!tile.rowsAreOuter && tile.columns == 256)
    #expect(try Self.engine(array, .usual, .weightStationary).answer(op).traffic.dramRead > answer.traffic.dramRead)
  }

  @Test func `attention keeps its mapping`() throws {
    let op = Operator(
      name: "attention", kind: .attention(Attention(batch: 2, heads: 4, queryLength: 64, headDimension: 32)),
      phase: .inference, dataType: .fp16, sparsity: .dense)
    let array = try array("sat")
    #expect(try Self.engine(array, .search).answer(op).mapping == Self.engine(array, .usual).answer(op).mapping)
  }
}
