public import Diagnostics
import Dispatch
import Synchronization
import Traces

/// Runs a study: the same results for any number of threads, processes or shards, and however often it was killed.
public struct Explorer: Sendable {
  /// The study.
  public let study: DesignStudy
  /// What its results depend on.
  public let identity: StudyIdentity
  private let evaluator: PointEvaluator
  private let threads: Int

  /// How far a run is.
  public struct Progress: Sendable {
    /// Points looked at, those of earlier runs included.
    public var done = 0
    /// Points to look at.
    public var total: Int
    /// Points evaluated by this run.
    public var evaluated = 0
  }

  /// A part of a study's points: every `count`th, beginning at `index` of 1…`count`.
  public struct Shard: Sendable, Hashable {
    /// Which one, from 1.
    public let index: Int
    /// How many there are.
    public let count: Int

    /// A part; nil where there is none of that number.
    public init?(_ index: Int, of count: Int) {
      guard count >= 1, (1...count).contains(index) else { return nil }
      self.index = index
      self.count = count
    }

    func contains(_ point: Int) -> Bool { point % count == index - 1 }
  }

  /// Prepares a study.
  /// - Parameters:
  ///   - program: the version of the program.
  ///   - threads: how many points are evaluated at once; the processors of the machine if nil. Results do not depend
  ///     on it.
  public init(_ study: DesignStudy, program: String, threads: Int? = nil) {
    self.study = study
    identity = StudyIdentity(study, program: program)
    evaluator = PointEvaluator(study)
    self.threads = threads ?? InOrder.processors
  }

  /// How many points the sampler looks at, repeated ones of a grid included.
  public var total: Int {
    if case .nsga2(let population, let generations) = study.sampler { return population * generations }
    return PointSequence(study)?.count ?? 0
  }

  // MARK: One process

  /// Evaluates what a store lacks.
  /// - Parameter progress: is told how far it is, from one thread at a time but not always the same.
  /// - Throws: `changed-study` where the simulator no longer gives what the store holds; what keeps the store from being
  ///   written. What was written stays.
  public func run(into store: ResultStore, progress: @Sendable (Progress) -> Void = { _ in }) throws(DiagnosticList) {
    try checkSimulator(against: store)
    if let sequence = PointSequence(study) {
      try run(sequence, into: store, progress)
    } else if case .nsga2(let population, let generations) = study.sampler {
      try evolve(population, generations, into: store, progress)
    }
  }

  /// A few of the stored points again: a program can change without its version.
  private func checkSimulator(against store: ResultStore) throws(DiagnosticList) {
    for known in try store.samples(3) where evaluator.result(known.index, known.values) != known {
      throw DiagnosticList(
        Diagnostic(
          .changedStudy,
          "the simulator no longer gives what \(store.path) holds: point \(known.index) comes out differently",
          notes: ["results of different programs are never mixed"], help: "name another file for the new results"))
    }
  }

  /// Each thread takes points, evaluates them, and writes what waits to be written unless another one is at it.
  private func run(
    _ sequence: PointSequence, into store: ResultStore, _ progress: @Sendable (Progress) -> Void
  ) throws(DiagnosticList) {
    let run = Mutex(
      (
        supply: PointSupply(count: sequence.count), progress: Progress(total: sequence.count),
        waiting: [[PointResult]](), problem: DiagnosticList?.none
      ))
    let writing = Mutex(())
    @Sendable func write() throws(DiagnosticList) {
      let waiting = run.withLock { run in
        defer { run.waiting = [] }
        return run.waiting
      }
      for results in waiting { try store.add(results) }
    }
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      var batch = BatchSize()
      do throws(DiagnosticList) {
        while true {
          let share = try run.withLock { run throws(DiagnosticList) in
            run.problem == nil ? try run.supply.take(batch.count, threads: threads, from: store) : nil
          }
          guard let share else { return }
          let results = batch.timing(share.missing.count) {
            share.missing.compactMap { index in sequence.values(at: index).map { evaluator.result(index, $0) } }
          }
          let waiting = run.withLock { run in
            run.waiting.append(results)
            run.progress.done += share.points.count
            run.progress.evaluated += results.count
            progress(run.progress)
            return run.waiting.count
          }
          // Where writing is slower than all threads evaluate, they wait for it, so that memory stays bounded.
          if waiting > 2 * threads {
            try writing.withLock { _ throws(DiagnosticList) in try write() }
          } else {
            try writing.withLockIfAvailable { _ throws(DiagnosticList) in try write() }
          }
        }
      } catch { run.withLock { $0.problem = error } }
    }
    if let problem = run.withLock({ $0.problem }) { throw problem }
    try write()
  }

  /// The answers in the order of the inputs.
  private func parallel<Input: Sendable>(
    _ inputs: [Input], _ body: @Sendable (Input) -> PointResult?
  ) -> [PointResult] {
    InOrder.map(inputs, threads: threads, body).compactMap { $0 }
  }

  private func evolve(
    _ size: Int, _ generations: Int, into store: ResultStore, _ progress: @Sendable (Progress) -> Void
  ) throws(DiagnosticList) {
    var search = NSGA2(size: size, dimensions: study.space.free.count, seed: study.seed)
    var state = Progress(total: size * generations)
    var batch = BatchSize(threads: threads)
    for generation in 0..<generations {
      let genes = search.ask()
      let first = generation * size
      var known: [Int: PointResult] = [:]
      for index in try store.finished(in: first..<first + size) { known[index] = try store.result(at: index) }
      var missing = (0..<size).filter { known[first + $0] == nil }[...]
      while !missing.isEmpty {
        let part = Array(missing.prefix(batch.count))
        missing = missing.dropFirst(part.count)
        let results = batch.timing(part.count) {
          parallel(part) { evaluator.result(first + $0, study.space.values(at: genes[$0])) }
        }
        try store.add(results)
        for result in results { known[result.index] = result }
        state.evaluated += results.count
      }
      search.tell((0..<size).map { individual(genes[$0], known[first + $0]) })
      state.done += size
      progress(state)
    }
  }

  private func individual(_ genes: [Double], _ result: PointResult?) -> NSGA2.Individual {
    guard let result, result.verdict.isFeasible, result.objectives.allSatisfy(\.isFinite) else {
      // What could be simulated is nearer to a design than what could not.
      let isSimulated = result.map { !$0.figures.isEmpty } ?? false
      return NSGA2.Individual(genes: genes, costs: [], violation: isSimulated ? 1 : 2)
    }
    return NSGA2.Individual(
      genes: genes, costs: zip(study.objectives, result.objectives).map { $0.cost($1) })
  }

  // MARK: Many processes

  /// The indices of a part, with their values, in order. Repeated points of a grid are left out.
  /// - Throws: `unsupported-operator` for a sampler whose points depend on results.
  public func forEachPoint(
    of shard: Shard, _ body: (Int, [Value?]) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    let sequence = try sequence()
    var index = shard.index - 1
    while index < sequence.count {
      if let values = sequence.values(at: index) { try body(index, values) }
      index += shard.count
    }
  }

  /// Refuses to divide a study whose points depend on results.
  /// - Throws: `unsupported-operator`.
  public func checkDivides() throws(DiagnosticList) { _ = try sequence() }

  func sequence() throws(DiagnosticList) -> PointSequence {
    if let sequence = PointSequence(study) { return sequence }
    throw DiagnosticList(
      Diagnostic(
        .unsupportedOperator, "\(study.sampler.name) breeds each generation from the results of the one before it",
        help: "run it in one process with a store; grid, random and sobol can be divided"))
  }

  /// Evaluates points and hands over their answers in order, a batch at a time.
  public func run(
    _ points: [(index: Int, values: [Value?])], _ body: ([PointResult]) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    var batch = BatchSize(threads: threads)
    var rest = points[...]
    while !rest.isEmpty {
      let next = Array(rest.prefix(batch.count))
      rest = rest.dropFirst(next.count)
      try body(batch.timing(next.count) { parallel(next) { evaluator.result($0.index, $0.values) } })
    }
  }

  /// Evaluates a part and hands over its answers in order, a batch at a time.
  public func run(_ shard: Shard, _ body: ([PointResult]) throws(DiagnosticList) -> Void) throws(DiagnosticList) {
    let sequence = try sequence()
    var batch = BatchSize(threads: threads)
    var first = shard.index - 1
    while first < sequence.count {
      let indices = Array(stride(from: first, to: sequence.count, by: shard.count).prefix(batch.count))
      first += indices.count * shard.count
      try body(
        batch.timing(indices.count) {
          parallel(indices) { index in sequence.values(at: index).map { evaluator.result(index, $0) } }
        })
    }
  }
}

/// The points of a study, handed out in order and in shares.
private struct PointSupply {
  let count: Int
  private var next = 0
  /// Points of which the store was asked at once which it has.
  private var asked = 0..<0
  private var finished: Set<Int> = []

  init(count: Int) { self.count = count }

  /// The next points, and those of them that the store lacks; nil where none are left.
  /// - Parameter most: how many at once.
  mutating func take(
    _ most: Int, threads: Int, from store: ResultStore
  ) throws(DiagnosticList) -> (points: Range<Int>, missing: [Int])? {
    guard next < count else { return nil }
    if next == asked.upperBound {
      asked = next..<min(next + (1 << 16), count)
      finished = try store.finished(in: asked)
    }
    let points = next..<min(next + min(most, InOrder.share(of: count - next, threads: threads)), asked.upperBound)
    next = points.upperBound
    return (points, finished.isEmpty ? Array(points) : points.filter { !finished.contains($0) })
  }
}

/// How many points are evaluated together: what takes about a quarter of a second, which is what a kill can cost each
/// thread. Results do not depend on it.
struct BatchSize {
  private(set) var count: Int
  private let least: Int
  private static let most = 1 << 13

  /// - Parameter threads: how many threads share a batch.
  init(threads: Int = 1) {
    least = threads
    count = 16 * threads
  }

  /// Does the work for `points` points and learns from how long it takes.
  mutating func timing<Result>(_ points: Int, _ work: () -> Result) -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let result = work()
    let time = start.duration(to: clock.now)
    if points == count, time < .milliseconds(125) { count = min(Self.most, 2 * count) }
    if time > .milliseconds(500) { count = max(least, count / 2) }
    return result
  }
}
