import Quantities

/// Runs tiles through a pipeline, from event to event: time jumps to the next moment at which a stage or the memory
/// finishes something.
///
/// **Order.** At each moment stages that are done give back room, then every stage begins what it can; later stages of
/// the table go first, so that older tiles leave before younger ones enter. The memory serves one request at a time, the
/// oldest first (by tile, then by stage); it may pass over the oldest for requests that go the same way as the last one,
/// as often as ``TileMemory/bypassLimit`` says. A stage has the requests of at most two tiles at the memory, and no stage
/// is ``window`` tiles ahead of another.
///
/// **Folding.** Stretches of tiles that repeat are passed over, exactly: ``RepetitionFinder``.
///
/// **Accounts.** Between two moments a unit is busy, or stalled by what its next tile waits for, or idle: without a next
/// tile that has work for it. The three add up to the time exactly.
struct TilePipeline<Memory: TileMemory, Source: TileSource, Probe: PipelineProbe> {
  private let stages: [PipelineDescription.Stage]
  private let description: PipelineDescription
  private(set) var memory: Memory
  private var source: Source
  private(set) var probe: Probe

  private static var window: Int { 32 }
  private static var queueDepth: Int { 2 }

  private var now = Ticks.zero
  private var outcome: PipelineOutcome
  // By stage: tiles begun, handed over by the memory, done.
  private var begun: [Int]
  private var served: [Int]
  private var done: [Int]
  /// Tiles made.
  private var made = 0
  private var isExhausted = false
  /// Tiles that all stages are done with.
  private var left = 0
  // By tile of the window, then stage.
  private var work: [Int64]
  private var room: [Int64]
  private var remaining: [Int64]
  private var beginAt: [Ticks]
  private var firstAt: [Ticks]
  private var endAt: [Ticks]
  // By unit: the stage it works for, and until when.
  private var running: [Int]
  private var busyUntil: [Ticks]
  /// Stages of each unit.
  private let stagesOfUnit: [[Int]]
  private let memoryStages: [Int]
  private var used: [Int64]
  private var portFree = Ticks.zero
  private var lastWasWrite = false
  private var bypassed = 0
  private var repetitions = RepetitionFinder()

  init(_ description: PipelineDescription, memory: Memory, source: Source, probe: Probe) {
    precondition(description.stages.count <= 8, "\(description.stages.count) stages; there is room for 8")
    self.description = description
    stages = description.stages
    (self.memory, self.source, self.probe) = (memory, source, probe)
    let count = stages.count
    begun = [Int](repeating: 0, count: count)
    (served, done) = (begun, begun)
    work = [Int64](repeating: 0, count: count * Self.window)
    (room, remaining) = (work, work)
    beginAt = [Ticks](repeating: .never, count: count * Self.window)
    (firstAt, endAt) = (beginAt, beginAt)
    running = [Int](repeating: -1, count: description.units.count)
    busyUntil = [Ticks](repeating: .zero, count: description.units.count)
    stagesOfUnit = description.units.indices.map { unit in
      description.stages.indices.filter { description.stages[$0].place == .unit(unit) }
    }
    memoryStages = description.stages.indices.filter {
      switch description.stages[$0].place {
      case .unit: false
      case .read, .write: true
      }
    }
    used = [Int64](repeating: 0, count: description.buffers.count)
    outcome = PipelineOutcome(
      units: description.units.map { _ in PipelineOutcome.Unit() }, peakRoom: description.buffers.map { _ in 0 })
  }

  /// Goes through all tiles.
  /// - Throws: who waits for whom, where nothing can happen any more.
  mutating func run() throws(PipelineDeadlock) -> PipelineOutcome {
    while true {
      settle()
      if isExhausted, left == made { break }
      fold()
      let next = nextMoment()
      guard next < .never else { throw PipelineDeadlock(waits: waits()) }
      account(until: next)
      now = next
    }
    outcome.elapsed = now + repetitions.time
    outcome.banks = memory.banks
    outcome.tiles = made + repetitions.tiles
    outcome.foldedTiles = repetitions.tiles
    return outcome
  }

  // MARK: What happens at a moment

  private mutating func settle() {
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      for stage in stages.indices.reversed() {
        if finish(stage) { hasMoved = true }
        if begin(stage) { hasMoved = true }
      }
      if !hasMoved { hasMoved = serve() }
    }
  }

  private func slot(_ tile: Int, _ stage: Int) -> Int { (tile & (Self.window - 1)) * stages.count + stage }

  /// Ends what is over.
  private mutating func finish(_ stage: Int) -> Bool {
    var hasMoved = false
    while done[stage] < begun[stage] {
      let tile = done[stage]
      let slot = slot(tile, stage)
      if case .unit(let unit) = stages[stage].place {
        guard busyUntil[unit] <= now, work[slot] == 0 || isDone(stages[stage].afterFirst, with: tile) else { break }
        endAt[slot] = now
        running[unit] = -1
        if work[slot] > 0 { probe.record(stage: stage, tile: tile, bytes: 0, from: beginAt[slot], to: busyUntil[unit]) }
      } else {
        guard endAt[slot] <= now else { break }
      }
      done[stage] += 1
      if tile == left { left = done.min() ?? 0 }
      release(stages[stage].releasesOnEnd, tile)
      hasMoved = true
    }
    return hasMoved
  }

  /// Begins the next tile of a stage, if it can.
  private mutating func begin(_ stage: Int) -> Bool {
    let tile = begun[stage]
    guard isMade(tile) else { return false }
    let slot = slot(tile, stage)
    switch stages[stage].place {
    case .unit(let unit):
      guard running[unit] < 0, obstacle(stage, tile) == nil else { return false }
      running[unit] = stage
      busyUntil[unit] = now + Ticks(work[slot])
      firstAt[slot] = now
      endAt[slot] = .never
    case .read, .write:
      passNothing(stage)
      guard tile - served[stage] < Self.queueDepth, obstacle(stage, tile) == nil else { return false }
      remaining[slot] = work[slot]
      let isNothing = work[slot] == 0
      firstAt[slot] = isNothing ? now : .never
      endAt[slot] = isNothing ? now : .never
    }
    beginAt[slot] = now
    begun[stage] += 1
    if let buffer = stages[stage].buffer {
      used[buffer] += room[slot]
      outcome.peakRoom[buffer] = max(outcome.peakRoom[buffer], used[buffer])
      if room[slot] > 0 { probe.record(buffer: buffer, used: used[buffer], at: now) }
    }
    release(stages[stage].releasesOnBegin, tile)
    return true
  }

  private mutating func release(_ released: StageSet, _ tile: Int) {
    var released = released
    while let stage = released.first {
      if let buffer = stages[stage].buffer, room[slot(tile, stage)] > 0 {
        used[buffer] -= room[slot(tile, stage)]
        probe.record(buffer: buffer, used: used[buffer], at: now)
      }
      released = released.rest
    }
  }

  private func isDone(_ set: StageSet, with tile: Int) -> Bool {
    var set = set
    while let stage = set.first {
      if done[stage] <= tile { return false }
      set = set.rest
    }
    return true
  }

  /// What a stage waits for before it begins a tile.
  private enum Obstacle {
    /// Another stage that is not done with this tile, or with the one before.
    case stage(Int, isPrevious: Bool)
    /// A buffer without enough room.
    case buffer(Int)
  }

  private func obstacle(_ stage: Int, _ tile: Int) -> Obstacle? {
    var set = stages[stage].afterEnd
    while let other = set.first {
      if done[other] <= tile { return .stage(other, isPrevious: false) }
      set = set.rest
    }
    let slot = slot(tile, stage)
    if work[slot] > 0 {
      set = stages[stage].afterFirst
      while let other = set.first {
        if begun[other] <= tile || firstAt[self.slot(tile, other)] > now { return .stage(other, isPrevious: false) }
        set = set.rest
      }
      set = stages[stage].afterPrevious
      while let other = set.first {
        if done[other] < tile { return .stage(other, isPrevious: true) }
        set = set.rest
      }
    }
    if let buffer = stages[stage].buffer, used[buffer] + room[slot] > description.buffers[buffer].capacity {
      return .buffer(buffer)
    }
    return nil
  }

  /// Whether a tile is there; makes it if it is the next one and the window has a place.
  private mutating func isMade(_ tile: Int) -> Bool {
    if tile < made { return true }
    guard !isExhausted, made - left < Self.window else { return false }
    var next = Tile()
    guard source.next(&next) else {
      isExhausted = true
      return false
    }
    for stage in stages.indices {
      let slot = slot(made, stage)
      work[slot] = next.work[stage]
      room[slot] = next.room[stage]
    }
    made += 1
    return true
  }

  // MARK: Memory

  /// Lets requests for nothing through.
  private mutating func passNothing(_ stage: Int) {
    while served[stage] < begun[stage], remaining[slot(served[stage], stage)] == 0 { served[stage] += 1 }
  }

  private mutating func serve() -> Bool {
    guard portFree <= now else { return false }
    var oldest = -1
    var sameWay = -1
    for stage in memoryStages {
      passNothing(stage)
      guard served[stage] < begun[stage] else { continue }
      if oldest < 0 || served[stage] < served[oldest] { oldest = stage }
      guard (stages[stage].place == .write) == lastWasWrite else { continue }
      if sameWay < 0 || served[stage] < served[sameWay] { sameWay = stage }
    }
    guard oldest >= 0 else { return false }
    var chosen = oldest
    if sameWay >= 0, sameWay != oldest, (stages[oldest].place == .write) != lastWasWrite, bypassed < memory.bypassLimit
    {
      chosen = sameWay
      bypassed += 1
    } else {
      bypassed = 0
    }
    let isWrite = stages[chosen].place == .write
    lastWasWrite = isWrite
    let tile = served[chosen]
    let slot = slot(tile, chosen)
    let service = memory.serve(
      MemoryRequest(stream: chosen, bytes: Int(remaining[slot]), isWrite: isWrite, arrival: beginAt[slot]), at: now)
    assert(service.bytes > 0 && service.bytes <= remaining[slot] && service.free >= now, "\(service) at \(now)")
    if firstAt[slot] == .never { firstAt[slot] = service.first }
    remaining[slot] -= Int64(service.bytes)
    if isWrite { outcome.bytesWritten += Int64(service.bytes) } else { outcome.bytesRead += Int64(service.bytes) }
    if remaining[slot] == 0 {
      endAt[slot] = service.last
      served[chosen] += 1
    }
    probe.record(stage: chosen, tile: tile, bytes: service.bytes, from: now, to: service.free)
    outcome.memoryBusy += service.busy
    outcome.memoryWaiting += service.free - now - service.busy
    portFree = service.free
    return true
  }

  // MARK: Time

  /// The next moment at which something is over.
  private func nextMoment() -> Ticks {
    var next = Ticks.never
    func consider(_ time: Ticks) { if time > now, time < next { next = time } }
    for unit in running.indices where running[unit] >= 0 { consider(busyUntil[unit]) }
    for stage in stages.indices {
      if done[stage] < begun[stage] { consider(endAt[slot(done[stage], stage)]) }
      var set = stages[stage].afterFirst
      while let other = set.first {
        if begun[other] > begun[stage] { consider(firstAt[slot(begun[stage], other)]) }
        set = set.rest
      }
    }
    for stage in memoryStages where served[stage] < begun[stage] {
      consider(portFree)
      break
    }
    return next
  }

  private mutating func account(until next: Ticks) {
    let time = next - now
    for unit in running.indices {
      if running[unit] >= 0, busyUntil[unit] > now {
        outcome.units[unit].busy += time
      } else if let cause = cause(unit) {
        outcome.units[unit].stalled[cause.rawValue] += time
      } else {
        outcome.units[unit].idle += time
      }
    }
  }

  /// What a unit that does not work waits for; nil without work.
  private func cause(_ unit: Int) -> Bound? {
    if running[unit] >= 0 {
      // It has caught up with a stream.
      let stage = running[unit]
      var set = stages[stage].afterFirst
      while let other = set.first {
        if done[other] <= done[stage] { return stages[other].bound }
        set = set.rest
      }
      return nil
    }
    for stage in stagesOfUnit[unit] where begun[stage] < made && work[slot(begun[stage], stage)] > 0 {
      switch obstacle(stage, begun[stage]) {
      case .stage(let other, _): return stages[other].bound
      case .buffer(let buffer): return stages[emptier(of: buffer)].bound
      case nil: break
      }
    }
    return nil
  }

  /// The stage that gives back a buffer's room.
  private func emptier(of buffer: Int) -> Int {
    let holders = StageSet(
      rawValue: stages.indices.reduce(0) { stages[$1].buffer == buffer ? $0 | 1 << UInt8($1) : $0 })
    return stages.lastIndex { !$0.releasesOnBegin.union($0.releasesOnEnd).isDisjoint(with: holders) } ?? 0
  }

  /// Who waits for whom.
  private func waits() -> [String] {
    stages.indices.compactMap { stage in
      guard begun[stage] < made else { return nil }
      let tile = begun[stage]
      let what = "'\(stages[stage].name)' of tile \(tile) waits for "
      switch obstacle(stage, tile) {
      case .stage(let other, let isPrevious):
        return what + "'\(stages[other].name)' of tile \(isPrevious ? tile - 1 : tile)"
      case .buffer(let index):
        let buffer = description.buffers[index]
        return what + "\(Bytes(room[slot(tile, stage)])) of the \(buffer.name), of which "
          + "\(Bytes(buffer.capacity - used[index])) of \(Bytes(buffer.capacity)) are free; "
          + "'\(stages[emptier(of: index)].name)' gives room back"
      case nil: return what + "its turn"
      }
    }
  }
}

extension TilePipeline {
  /// Passes over what repeats, if anything does.
  private mutating func fold() {
    guard !probe.wantsEveryTile else { return }
    let regularity = source.regularity
    guard repetitions.isDue(made: made, regularity) else { return }
    var state = repetitions.emptyState()
    guard appendState(to: &state) else { return repetitions.giveUp() }
    let tiles = repetitions.passOver(state, made: made, now: now, regularity, &outcome)
    if tiles > 0 { source.skip(tiles) }
  }

  /// Everything that what follows depends on, relative to this moment and to the tiles made.
  private func appendState(to state: inout [Int64]) -> Bool {
    func relative(_ time: Ticks) -> Int64 { time == .never ? .max : max(0, (time - now).count) }
    for stage in stages.indices {
      state.append(Int64(begun[stage] - made))
      state.append(Int64(done[stage] - made))
    }
    for stage in memoryStages { state.append(Int64(served[stage] - made)) }
    for tile in left..<made {
      for stage in stages.indices {
        let slot = slot(tile, stage)
        state.append(work[slot])
        state.append(room[slot])
        guard tile < begun[stage], tile >= done[stage] else { continue }
        state.append(remaining[slot])
        state.append(relative(firstAt[slot]))
        state.append(relative(endAt[slot]))
      }
    }
    for unit in running.indices {
      state.append(Int64(running[unit]))
      state.append(relative(busyUntil[unit]))
    }
    state.append(relative(portFree))
    state.append(lastWasWrite ? 1 : 0)
    state.append(Int64(bypassed))
    return memory.appendState(at: now, to: &state)
  }
}
