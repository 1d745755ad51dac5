import Hardware
import Quantities
import Workloads

/// A kernel of a GPU, turn by turn: in each, every SM takes a tile (a thread block's), the last turn fewer of them.
///
///     off-chip memory → level-two cache → shared memory → tensor cores or lanes → level-two cache → off-chip memory
///
/// One SM stands for all, beside a cache and a memory that serve all of them; a turn is cut into parts, so that operands
/// come while others are used. A thread block asks for operands as far ahead as half of its shared memory holds them.
///
/// How well an SM's work, the cache and the memory overlap is not seen at this level: requests of thread blocks queue behind
/// each other. It is taken from the law of the closed forms, turn by turn: with cycles c of the SM at clock f, and the
/// turn's shares l of the cache's and m of the memory's time, an SM works on a turn for
///
///     ((c/f)ᵖ + lᵖ + mᵖ)^(1/p)
///
/// so that a kernel of one turn, or one without limits outside its SMs, takes exactly what it takes in closed form; what
/// the pipeline adds is the uneven last turn, waiting for first data, and banks of memory that turn around.
///
/// Results go to the cache; what they displace there, results of this or of the kernel before, goes to memory
/// evenly over the kernel. Products of dense or 2:4 operands read what a cache of hashed sets leaves them to read
/// (``KernelSchedule/cachedReads(_:gpu:)``), turn by turn; launch, mapping and all other bytes are those of the closed forms, and so
/// is the law that sets the clock.
///
/// Left out: SMs that drift apart within a turn; thread blocks of uneven length (causal attention) are taken as average.
struct TurnTiles: TileSource {
  /// Stages of ``pipeline(_:)``.
  static let (load, cache, filling, computing, writing) = (0, 1, 2, 3, 4)
  private static var mostTurns: Int { 64 }
  private static var fewestTiles: Int { 128 }

  private let turns: Int
  private let parts: Int
  /// A part of each turn.
  private var tiles: [Tile] = []
  private var index = 0

  init(_ kernel: KernelTurns, _ demand: PowerDemand, clock: Double, gpu: TensorCoreGPU) {
    // Turns are joined where there are many.
    let joined =
      kernel.turns.dividedRoundingUp(by: Self.mostTurns * kernel.concurrent) * kernel.concurrent
    turns = kernel.turns.dividedRoundingUp(by: joined)
    let most = max(kernel.read, kernel.written)
    parts = max(1, min(Self.fewestTiles / turns, Int(most / Double(turns)) >> 10))
    // The last turn of all may have fewer tiles, and other cycles.
    let full = Double(kernel.turns - 1)
    let lastBlocks = kernel.lastShare / (full + kernel.lastShare)
    let last =
      demand.lastTurn.cycles < 1
      ? demand.lastTurn : TurnShares(cycles: 1 / (full + 1), cache: lastBlocks, memory: lastBlocks)
    let (pieces, shared) = (Double(parts), gpu.sharedMemory.count / 4)
    let cacheRoom = gpu.l2Capacity.count / 4
    for turn in 0..<turns {
      let begin = turn * joined
      let end = min(kernel.turns, begin + joined)
      let isLast = end == kernel.turns
      let fullShare = full > 0 ? Double(end - begin - (isLast ? 1 : 0)) / full : 0
      func share(_ path: KeyPath<TurnShares, Double>) -> Double {
        fullShare * (1 - last[keyPath: path]) + (isLast ? last[keyPath: path] : 0)
      }
      let (ofTime, ofBytes) = (share(\.cycles), fullShare * (1 - lastBlocks) + (isLast ? lastBlocks : 0))
      let ofReads =
        kernel.profile.isEmpty
        ? ofBytes : kernel.readShare(Double(begin) / Double(kernel.turns)..<Double(end) / Double(kernel.turns))
      let moved = kernel.read + kernel.written
      var part = demand
      (part.launch, part.launchCycles) = (.zero, 0)
      let (ofCache, ofMemory) = (share(\.cache), share(\.memory))
      if isLast {
        part.lastTurn = TurnShares(
          cycles: last.cycles / ofTime, cache: last.cache / ofCache, memory: ofMemory > 0 ? last.memory / ofMemory : 1)
      } else {
        part.lastTurn = TurnShares()
      }
      part.cycles *= ofTime
      part.loadCycles *= ofTime
      part.cache = part.cache * ofCache
      // Reads may be spread over turns otherwise than blocks are.
      part.memory = part.memory * ofMemory
      if moved > 0, ofBytes > 0 {
        part.memory = part.memory * ((kernel.read * ofReads / ofBytes + kernel.written) / moved)
      }
      var tile = Tile()
      func set(_ stage: Int, _ amount: Double) { tile.work[stage] = Int64((amount / pieces).rounded()) }
      set(Self.load, kernel.read * ofReads)
      set(Self.cache, kernel.cache.value * ofBytes * 1e15)
      set(Self.filling, kernel.fillCycles * ofTime / clock * 1e15)
      // Never less than in closed form.
      tile.work[Self.computing] = Int64((part.elapsed(clock) * 1e15 / pieces).rounded(.up))
      set(Self.writing, kernel.written * ofBytes)
      tile.room[Self.load] = min(tile.work[Self.load], cacheRoom)
      tile.room[Self.filling] = min(
        Int64(kernel.fillCycles * gpu.fillPort.value * ofTime / pieces), shared)
      tiles.append(tile)
    }
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard index < turns * parts else { return false }
    tile = tiles[index / parts]
    index += 1
    return true
  }

  var regularity: Regularity {
    let begin = max(0, index - 1) / parts * parts
    return Regularity(period: 1, since: begin + 1, until: begin + parts)
  }

  mutating func skip(_ count: Int) { index += count }

  static func pipeline(_ gpu: TensorCoreGPU) -> PipelineDescription {
    PipelineDescription(
      stages: [
        .init(name: "read", place: .read, bound: .dram, buffer: 0),
        .init(name: "deliver", place: .unit(1), bound: .l2, afterFirst: StageSet(load)),
        .init(name: "fill", place: .unit(2), bound: .l2, afterFirst: StageSet(load, cache), buffer: 1),
        .init(
          name: "compute", place: .unit(0), bound: .issue, afterFirst: StageSet(load, cache, filling),
          releasesOnEnd: StageSet(load, filling)),
        .init(name: "write back", place: .write, bound: .dram, afterEnd: StageSet(computing)),
      ],
      units: ["multiprocessors", "level-two cache", "fill port"],
      buffers: [
        .init(name: "level-two cache, arriving", capacity: gpu.l2Capacity.count / 2),
        .init(name: "shared memory, operands", capacity: gpu.sharedMemory.count / 2),
      ])
  }
}

/// What a kernel moves beside its ``PowerDemand``, and in how many turns.
struct KernelTurns {
  /// Tiles that the busiest SM takes one after the other.
  var turns = 1
  /// Tiles that an SM works on at once, whose turns are one.
  var concurrent = 1
  /// Tiles of the last turn over those of a full one.
  var lastShare = 1.0
  /// Bytes from and to off-chip memory.
  var read, written: Double
  /// Time of the level-two cache.
  var cache: Seconds
  /// Cycles in which the busiest SM's shared memory is filled, where the model follows it.
  var fillCycles = 0.0
  /// What is read in equal parts of the kernel, one after the other; empty where it is spread by tiles.
  var profile: [Double] = []

  /// The share of what is read in a part of the kernel.
  fileprivate func readShare(_ part: Range<Double>) -> Double {
    let length = Double(profile.count)
    var sum = 0.0
    for index in Int(part.lowerBound * length)..<min(profile.count, Int((part.upperBound * length).rounded(.up))) {
      let (begin, end) = (Double(index), Double(index + 1))
      sum += profile[index] * max(0, min(end, part.upperBound * length) - max(begin, part.lowerBound * length))
    }
    let all = profile.reduce(0, +)
    return all > 0 ? sum / all : 0
  }
}

extension KernelTurns {
  init(_ s: KernelSchedule, gpu: TensorCoreGPU) {
    self.init(
      read: s.dramReadBytes, written: s.dramWrittenBytes, cache: Seconds(s.l2 / gpu.maximumClock.value))
    let blocks = s.tiles + s.idleBlocks
    let full = min(blocks, s.kernel.multiprocessors(of: gpu))
    turns = max(1, blocks.dividedRoundingUp(by: max(1, full)))
    concurrent = max(1, s.kernel.tilesPerMultiprocessor)
    lastShare = Double(blocks - (turns - 1) * full) / Double(max(1, full))
    // Kernels that skip zeros have their loads among the cycles of a step.
    guard !s.overlapsFully else { return }
    fillCycles = min(s.core, s.l1FilledBytes / Double(s.tiles) * Double(turns) / gpu.fillPort.value)
  }
}

extension TensorCoreEngine {
  /// A kernel of dense or 2:4 operands that reads through the level-two cache (``KernelSchedule/cachedReads(_:gpu:)``) what the
  /// closed forms estimate.
  func cachedKernel(
    _ schedule: KernelSchedule, _ work: MatrixWork, _ task: Task, rate: MACRate
  ) -> Kernel {
    var s = schedule
    let reads = s.cachedReads(work, gpu: gpu)
    s.dramReadBytes += reads.total - work.problems.reduce(0) { $0 + s.operandBytes(of: $1, work, gpu: gpu).read }
    var answer = kernel(s, task, rate: rate)
    answer.turns.profile = reads.turns
    answer.movement = { [gpu] in schedule.movement(work, reads, of: $0, gpu: gpu) }
    return answer
  }

  /// The answer for a kernel, turn by turn.
  func turnByTurn<Probe: PipelineProbe>(
    _ kernel: Kernel, _ analytic: Estimate, probe: Probe
  ) -> (estimate: Estimate, probe: Probe, description: PipelineDescription) {
    let description = TurnTiles.pipeline(gpu)
    let tiles = TurnTiles(kernel.turns, kernel.demand, clock: analytic.clock.value, gpu: gpu)
    // Waiting for the first data is part of the memory's time.
    var dram = gpu.dram
    dram.latency = .zero
    let (outcome, probe) = description.run(tiles, over: dram, probe: probe)
    let isProduct = analytic.mapping != .vector
    let outer: Bound = kernel.demand.memory >= kernel.turns.cache ? .dram : .l2
    var answer = analytic.timed(
      by: outcome, isProduct ? .matrix : .vector, own: Bound.allCases, interference: outer,
      launch: Seconds(kernel.demand.launch(analytic.clock.value)))
    answer.movement = kernel.movement(analytic)
    answer.movement?.add(
      Movement.Links(
        name: "fill ports of multiprocessors", count: gpu.multiprocessors,
        busiest: Bytes(Int64((kernel.turns.fillCycles * gpu.fillPort.value).rounded()))))
    answer.movement?.add(outcome, description, over: gpu.dram)
    return (answer, probe, description)
  }

  func recording(of task: Task, _ estimate: Estimate, limit: Int) -> (TileRecording, PipelineDescription)? {
    let kernels = kernels(task)
    guard fidelity == .event, kernels.count == 1 else { return nil }
    let run = turnByTurn(
      kernels[0], estimate,
      probe: TileRecording(limit: limit, from: Seconds(kernels[0].demand.launch(estimate.clock.value))))
    return (run.probe, run.description)
  }
}
