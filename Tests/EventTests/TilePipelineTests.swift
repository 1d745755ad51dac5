import Bench
import Hardware
import Quantities
import SeededRandom
import Testing

@testable import Simulation

private typealias Stage = PipelineDescription.Stage

private func tile(_ work: [Int64], room: [Int64] = []) -> Tile {
  var tile = Tile()
  for (stage, value) in work.enumerated() { tile.work[stage] = value }
  for (stage, value) in room.enumerated() { tile.room[stage] = value }
  return tile
}

private func run(
  _ description: PipelineDescription, _ source: ListedTiles,
  memory: TickMemory = TickMemory(ticksPerByte: 1, latency: 0)
) throws -> PipelineOutcome {
  var pipeline = TilePipeline(description, memory: memory, source: source, probe: NoProbe())
  return try pipeline.run()
}

/// Three units in a row; tiles wait between the first two in a buffer that is emptied when the second is done.
private func threeStages(buffer: Int64) -> PipelineDescription {
  PipelineDescription(
    stages: [
      Stage(name: "load", place: .unit(0), bound: .dram, buffer: 0),
      Stage(
        name: "compute", place: .unit(1), bound: .issue, afterEnd: StageSet(0), releasesOnEnd: StageSet(0)),
      Stage(name: "store", place: .unit(2), bound: .l2, afterEnd: StageSet(1)),
    ], units: ["loader", "array", "storer"], buffers: [.init(name: "buffer", capacity: buffer)])
}

@Suite("Pipelines of tiles by formula")
struct PipelineFormulaTests {
  @Test(arguments: [(3, 5, 2), (7, 7, 7), (9, 1, 4), (1, 2, 11)] as [(Int64, Int64, Int64)], [1, 2, 3, 8] as [Int64])
  func `time is the fill and a tile for every turn of the slowest stage, or of the buffer`(
    _ times: (load: Int64, compute: Int64, store: Int64), buffers: Int64
  ) throws {
    let (a, b, c) = times
    func elapsed(_ count: Int) throws -> Int64 {
      let tiles = [Tile](repeating: tile([a, b, c], room: [1]), count: count)
      return try run(threeStages(buffer: buffers), ListedTiles(tiles)).elapsed.count
    }
    #expect(try elapsed(1) == a + b + c)
    // A buffer of n tiles turns over once in loading and computing one of them.
    let turn = max(a, b, c)
    if buffers * turn >= a + b {
      #expect(try elapsed(100) == a + b + c + 99 * turn)
    } else {
      #expect(buffers == 1)
      #expect(try elapsed(100) == 99 * max(a + b, c) + a + b + c)
    }
  }

  @Test(arguments: [0, 3, 40] as [Int])
  func `a stream is computed as it comes: the longer of both, after the latency`(latency: Int) throws {
    let description = PipelineDescription(
      stages: [
        Stage(name: "load", place: .read, bound: .dram),
        Stage(name: "compute", place: .unit(0), bound: .issue, afterFirst: StageSet(0)),
      ], units: ["array"], buffers: [])
    for (bytes, work) in [(50, 80), (80, 50), (64, 64)] as [(Int64, Int64)] {
      let outcome = try run(
        description, ListedTiles([Tile](repeating: tile([bytes, work]), count: 10)),
        memory: TickMemory(ticksPerByte: 1, latency: latency))
      #expect(outcome.elapsed.count == Int64(latency) + 10 * max(bytes, work))
      #expect(outcome.units[0].busy.count == 10 * work)
      #expect(outcome.units[0].stalled[Bound.dram.rawValue].count == Int64(latency) + 10 * max(0, bytes - work))
    }
  }

  @Test func `two streams share the memory, and it is busy all the time`() throws {
    let description = PipelineDescription(
      stages: [
        Stage(name: "filters", place: .read, bound: .dram), Stage(name: "rows", place: .read, bound: .dram),
        Stage(name: "compute", place: .unit(0), bound: .issue, afterEnd: StageSet(0), afterFirst: StageSet(1)),
        Stage(name: "store", place: .write, bound: .dram, afterEnd: StageSet(2)),
      ], units: ["array"], buffers: [])
    let outcome = try run(description, ListedTiles([Tile](repeating: tile([30, 60, 20, 10]), count: 50)))
    #expect(outcome.memoryBusy.count == 50 * 100)
    #expect(outcome.bytesRead == 50 * 90 && outcome.bytesWritten == 50 * 10)
    // The last tile's results wait for nothing but themselves.
    #expect(outcome.elapsed.count == 50 * 100)
    #expect(outcome.memoryIdle == .zero)
  }

  @Test func `a tile that has no room is told with who would have to give it`() throws {
    let tiles = [tile([1, 1, 1], room: [2]), tile([1, 1, 1], room: [5])]
    do {
      _ = try run(threeStages(buffer: 4), ListedTiles(tiles))
      Issue.record("it runs")
    } catch let deadlock as PipelineDeadlock {
      #expect(
        deadlock.waits == [
          "'load' of tile 1 waits for 5.00 B of the buffer, of which 4.00 B of 4.00 B are free; 'compute' gives room back",
          "'compute' of tile 1 waits for 'load' of tile 1", "'store' of tile 1 waits for 'compute' of tile 1",
        ])
    }
  }

  @Test func `stages that wait for each other are named`() throws {
    let description = PipelineDescription(
      stages: [
        Stage(name: "hen", place: .unit(0), bound: .issue, afterEnd: StageSet(1)),
        Stage(name: "egg", place: .unit(1), bound: .issue, afterEnd: StageSet(0)),
      ], units: ["yard", "nest"], buffers: [])
    #expect(
      throws: PipelineDeadlock(waits: [
        "'hen' of tile 0 waits for 'egg' of tile 0", "'egg' of tile 0 waits for 'hen' of tile 0",
      ])
    ) {
      _ = try run(description, ListedTiles([tile([1, 1])]))
    }
  }
}

/// Machines and tiles of any kind, from a seed.
private struct Random {
  let description: PipelineDescription
  /// What repeats.
  let pattern: [Tile]
  let memory: TickMemory

  init(seed: Int) {
    var generator = SeededGenerator(seed: seed)
    func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &generator)] }
    let streams = pick([true, false])
    // Tiles of up to six bytes must fit.
    let rooms = (0..<3).map { _ in Int64(pick([6, 7, 12, 40])) }
    // Filters' room is given back when the array begins, or when it ends.
    let isEarly = pick([true, false])
    description = PipelineDescription(
      stages: [
        Stage(name: "filters", place: .read, bound: .dram, buffer: 0),
        Stage(name: "prune", place: .unit(2), bound: .decode, afterFirst: StageSet(0)),
        Stage(name: "rows", place: .read, bound: .network, buffer: 1),
        Stage(
          name: "softmax", place: .unit(1), bound: .vector, afterFirst: StageSet(2), afterPrevious: StageSet(4)),
        Stage(
          name: "multiply", place: .unit(0), bound: .issue,
          afterEnd: streams ? StageSet(1, 3) : StageSet(0, 1, 3), afterFirst: streams ? StageSet(0, 2) : StageSet(2),
          buffer: 2, releasesOnBegin: isEarly ? StageSet(0, 2) : StageSet(2),
          releasesOnEnd: isEarly ? [] : StageSet(0)),
        Stage(name: "store", place: .write, bound: .l2, afterEnd: StageSet(4), releasesOnEnd: StageSet(4)),
      ], units: ["array", "vector", "pruner"],
      buffers: zip(["weights", "inputs", "outputs"], rooms).map { .init(name: $0, capacity: $1) })
    let stages = description.stages.indices
    pattern = (0..<pick([1, 2, 5])).map { _ in
      var tile = Tile()
      for stage in stages {
        tile.work[stage] = Int64(pick([0, 0, 1, 2, 3, 6]))
        if stage == 4 { tile.work[stage] = Int64(pick([1, 4, 9, 20])) }
        tile.room[stage] = tile.work[stage]
      }
      tile.room[4] = tile.work[5]
      if pick([0, 1, 2]) > 0 { (tile.work[1], tile.work[3]) = (0, 0) }
      return tile
    }
    memory = TickMemory(ticksPerByte: pick([1, 2, 5]), latency: pick([0, 1, 7]), bypassLimit: pick([0, 0, 1, 3]))
  }
}

@Suite("Pipelines of tiles beside the stepped one")
struct SteppedPipelineTests {
  @Test func `times, stalls and room are those of going tick by tick`() throws {
    for seed in 1...60 {
      let it = Random(seed: seed)
      let tiles = (0..<25).map { it.pattern[$0 % it.pattern.count] }
      let outcome = try run(it.description, ListedTiles(tiles), memory: it.memory)
      var stepped = SteppedPipeline(
        it.description, tiles, ticksPerByte: it.memory.ticksPerByte, latency: it.memory.latency,
        bypassLimit: it.memory.bypassLimit)
      let hasEnded = stepped.run()
      #expect(hasEnded)
      #expect(outcome.elapsed.count == Int64(stepped.now), "seed \(seed)")
      #expect(outcome.peakRoom == stepped.peak, "seed \(seed)")
      for (unit, split) in outcome.units.enumerated() {
        #expect(split.busy.count == Int64(stepped.busy[unit]), "seed \(seed), unit \(unit)")
        #expect(split.stalled.map { Int($0.count) } == stepped.stalled[unit], "seed \(seed), unit \(unit)")
        #expect(split.idle.count == Int64(stepped.idle[unit]), "seed \(seed), unit \(unit)")
        #expect(split.total == outcome.elapsed)
      }
    }
  }

  @Test func `folding gives what going through every tile gives`() throws {
    var folded = 0
    for seed in 1...60 {
      let it = Random(seed: seed)
      let tiles = (0..<600).map { it.pattern[$0 % it.pattern.count] }
      let every = try run(it.description, ListedTiles(tiles), memory: it.memory)
      var short = try run(
        it.description, ListedTiles(tiles, period: it.pattern.count, isRegular: true), memory: it.memory)
      if short.foldedTiles > 200 { folded += 1 }
      short.foldedTiles = 0
      #expect(short == every, "seed \(seed)")
    }
    #expect(folded > 40)
  }
}
