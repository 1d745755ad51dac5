import Bench
import Quantities

@testable import Simulation

/// A pipeline clock by clock: every stage of every tile has a state of its own, and at each tick whatever can happen
/// happens. The memory moves a byte in `ticksPerByte` and answers after `latency`. Slow; it keeps the contract of
/// ``PipelineDescription`` and the order of ``TilePipeline`` and nothing else.
struct SteppedPipeline {
  enum State: Equatable { case waiting, asked(remaining: Int), moving(until: Int), working(until: Int), done }

  let description: PipelineDescription
  let tiles: [Tile]
  let ticksPerByte: Int
  let latency: Int
  var bypassLimit = 0

  private(set) var now = 0
  /// By stage, then tile.
  private var states: [[State]] = []
  private var firstData: [[Int?]] = []
  private(set) var used: [Int64] = []
  private(set) var peak: [Int64] = []
  private var portFree = 0
  private var lastWasWrite = false
  private var bypassed = 0
  private(set) var busy: [Int] = []
  private(set) var stalled: [[Int]] = []
  private(set) var idle: [Int] = []

  init(_ description: PipelineDescription, _ tiles: [Tile], ticksPerByte: Int, latency: Int, bypassLimit: Int) {
    self.description = description
    self.tiles = tiles
    self.ticksPerByte = ticksPerByte
    self.latency = latency
    self.bypassLimit = bypassLimit
    states = description.stages.map { _ in tiles.map { _ in .waiting } }
    firstData = description.stages.map { _ in tiles.map { _ in nil } }
    used = description.buffers.map { _ in 0 }
    peak = used
    busy = description.units.map { _ in 0 }
    idle = busy
    stalled = description.units.map { _ in Bound.allCases.map { _ in 0 } }
  }

  /// Runs to the end; false where nothing can happen any more.
  mutating func run() -> Bool {
    while true {
      while step() {}
      if states.allSatisfy({ $0.allSatisfy { $0 == .done } }) { return true }
      let isAlive =
        portFree > now
        || states.joined().contains {
          switch $0 {
          case .moving(let until), .working(let until): until > now
          default: false
          }
        }
      guard isAlive else { return false }
      count()
      now += 1
    }
  }

  private func stages(_ set: StageSet) -> [Int] { description.stages.indices.filter { set.contains(StageSet($0)) } }
  private func begun(_ stage: Int) -> Int { states[stage].firstIndex(of: .waiting) ?? tiles.count }
  private func done(_ stage: Int) -> Int { states[stage].firstIndex { $0 != .done } ?? tiles.count }
  private func isMemory(_ stage: Int) -> Bool {
    if case .unit = description.stages[stage].place { false } else { true }
  }

  /// What can happen at this tick, later stages first; once nothing can, the memory chooses.
  private mutating func step() -> Bool {
    var hasMoved = false
    for stage in description.stages.indices.reversed() {
      while end(stage) { hasMoved = true }
      if begin(stage) { hasMoved = true }
    }
    return hasMoved || serve()
  }

  private mutating func end(_ stage: Int) -> Bool {
    let tile = done(stage)
    guard tile < tiles.count else { return false }
    switch states[stage][tile] {
    case .moving(let until): guard until <= now else { return false }
    case .working(let until):
      let streams = tiles[tile].work[stage] > 0 ? stages(description.stages[stage].afterFirst) : []
      guard until <= now, streams.allSatisfy({ states[$0][tile] == .done }) else { return false }
    case .asked(remaining: 0): break
    default: return false
    }
    states[stage][tile] = .done
    free(description.stages[stage].releasesOnEnd, tile)
    return true
  }

  private mutating func free(_ set: StageSet, _ tile: Int) {
    for stage in stages(set) {
      if let buffer = description.stages[stage].buffer { used[buffer] -= tiles[tile].room[stage] }
    }
  }

  /// What keeps a stage from beginning a tile: the bound it is stalled by.
  private func obstacle(_ stage: Int, _ tile: Int) -> Bound? {
    let s = description.stages[stage]
    for other in stages(s.afterEnd) where states[other][tile] != .done { return description.stages[other].bound }
    if tiles[tile].work[stage] > 0 {
      for other in stages(s.afterFirst) where (firstData[other][tile] ?? .max) > now {
        return description.stages[other].bound
      }
      for other in stages(s.afterPrevious) where tile > 0 && states[other][tile - 1] != .done {
        return description.stages[other].bound
      }
    }
    if let buffer = s.buffer, used[buffer] + tiles[tile].room[stage] > description.buffers[buffer].capacity {
      let giver = description.stages.last { giver in
        stages(giver.releasesOnBegin.union(giver.releasesOnEnd)).contains { description.stages[$0].buffer == buffer }
      }
      return giver?.bound ?? .issue
    }
    return nil
  }

  private func isInSight(_ tile: Int) -> Bool {
    tile < tiles.count && tile - (description.stages.indices.map(done).min() ?? 0) < 32
  }

  private mutating func begin(_ stage: Int) -> Bool {
    let tile = begun(stage)
    guard isInSight(tile), obstacle(stage, tile) == nil else { return false }
    let work = Int(tiles[tile].work[stage])
    if case .unit(let unit) = description.stages[stage].place {
      guard !isRunning(unit) else { return false }
      states[stage][tile] = .working(until: now + work)
      firstData[stage][tile] = now
    } else {
      let head = states[stage].firstIndex { if case .asked(let rest) = $0 { rest > 0 } else { false } }
      guard tile - (head ?? tile) < 2 else { return false }
      states[stage][tile] = .asked(remaining: work)
      if work == 0 { firstData[stage][tile] = now }
    }
    if let buffer = description.stages[stage].buffer {
      used[buffer] += tiles[tile].room[stage]
      peak[buffer] = max(peak[buffer], used[buffer])
    }
    free(description.stages[stage].releasesOnBegin, tile)
    return true
  }

  private func isRunning(_ unit: Int) -> Bool {
    description.stages.indices.contains { stage in
      description.stages[stage].place == .unit(unit)
        && states[stage].contains { if case .working = $0 { true } else { false } }
    }
  }

  private mutating func serve() -> Bool {
    guard portFree <= now else { return false }
    var heads: [(tile: Int, stage: Int)] = []
    for stage in description.stages.indices where isMemory(stage) {
      let head = states[stage].firstIndex { if case .asked(let rest) = $0 { rest > 0 } else { false } }
      if let head { heads.append((head, stage)) }
    }
    heads.sort { ($0.tile, $0.stage) < ($1.tile, $1.stage) }
    guard var chosen = heads.first else { return false }
    func isWrite(_ head: (tile: Int, stage: Int)) -> Bool { description.stages[head.stage].place == .write }
    if isWrite(chosen) != lastWasWrite, bypassed < bypassLimit,
      let other = heads.first(where: { isWrite($0) == lastWasWrite })
    {
      chosen = other
      bypassed += 1
    } else {
      bypassed = 0
    }
    lastWasWrite = isWrite(chosen)
    let time = Int(tiles[chosen.tile].work[chosen.stage]) * ticksPerByte
    let delay = lastWasWrite ? 0 : latency
    firstData[chosen.stage][chosen.tile] = now + delay
    states[chosen.stage][chosen.tile] = .moving(until: now + delay + time)
    portFree = now + time
    return true
  }

  private mutating func count() {
    for unit in description.units.indices {
      let own = description.stages.indices.filter { description.stages[$0].place == .unit(unit) }
      var state: Bound?
      var isBusy = false
      for stage in own {
        for tile in tiles.indices {
          guard case .working(let until) = states[stage][tile] else { continue }
          isBusy = until > now
          if !isBusy {
            state = stages(description.stages[stage].afterFirst).first { states[$0][tile] != .done }
              .map { description.stages[$0].bound }
          }
        }
      }
      if !isRunning(unit) {
        for stage in own where state == nil {
          let tile = begun(stage)
          if isInSight(tile), tiles[tile].work[stage] > 0 { state = obstacle(stage, tile) }
        }
      }
      if isBusy { busy[unit] += 1 } else if let state { stalled[unit][state.rawValue] += 1 } else { idle[unit] += 1 }
    }
  }
}

/// Tiles from a list, with a period that they have.
struct ListedTiles: TileSource {
  var tiles: [Tile]
  var period = 1
  /// Whether it says that they repeat.
  var isRegular = false
  private var index = 0

  init(_ tiles: [Tile], period: Int = 1, isRegular: Bool = false) {
    (self.tiles, self.period, self.isRegular) = (tiles, period, isRegular)
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard index < tiles.count else { return false }
    tile = tiles[index]
    index += 1
    return true
  }

  var regularity: Regularity {
    isRegular ? Regularity(period: period, since: period, until: tiles.count) : .none
  }
  mutating func skip(_ count: Int) { index += count }
}

/// A memory that moves a byte in a whole number of ticks, and groups requests by direction where asked to.
struct TickMemory: TileMemory {
  var ticksPerByte: Int
  var latency: Int
  var banks: BankActivity? { nil }
  var bypassLimit = 0

  mutating func serve(_ request: MemoryRequest, at now: Ticks) -> MemoryService {
    let time = Ticks(Int64(request.bytes * ticksPerByte))
    let delay = Ticks(Int64(request.isWrite ? 0 : latency))
    return MemoryService(
      bytes: request.bytes, first: now + delay, last: now + time + delay, free: now + time, busy: time)
  }

  func appendState(at now: Ticks, to state: inout [Int64]) -> Bool { true }
}
