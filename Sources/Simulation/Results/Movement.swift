import Hardware
public import Quantities

/// Which bytes an operator moves between levels, by operand and cause, and how full its buffers get. Event fidelity
/// tells it.
///
/// What leaves a level arrives at the next one, more of it where multicast makes copies:
///
///     arriving = bytes × multicast
///
/// so that flows out of off-chip memory add up to ``Traffic/dramRead``, flows out of the shared buffer or cache to
/// ``Traffic/l2Read``, and what arrives of these to ``Traffic/l1Filled``.
public struct Movement: Hashable, Sendable {
  /// From where to where.
  public enum Path: String, CaseIterable, Hashable, Sendable {
    /// From off-chip memory to shared buffers or the cache.
    case dramRead = "dram-read"
    /// The other way.
    case dramWritten = "dram-written"
    /// From shared buffers or the cache to units.
    case l2Read = "l2-read"
    /// The other way.
    case l2Written = "l2-written"
  }

  /// Of what.
  public enum Operand: String, CaseIterable, Hashable, Sendable {
    /// Values of weights.
    case weights
    /// Inputs that operators made; keys and values are among them.
    case activations
    /// Results and partial sums.
    case outputs
    /// Positions of kept values.
    case metadata
  }

  /// Why.
  public enum Cause: String, CaseIterable, Hashable, Sendable {
    /// It must move once.
    case compulsory
    /// It comes again, since it was not kept or has several owners.
    case reread = "re-read"
    /// A partial result leaves and comes back.
    case spill
  }

  /// Bytes of one kind.
  public struct Flow: Hashable, Sendable {
    /// From where to where.
    public var path: Path
    /// Of what.
    public var operand: Operand
    /// Why.
    public var cause: Cause
    /// What leaves.
    public var bytes: Bytes
    /// What arrives.
    public var arriving: Bytes

    /// Copies of what leaves.
    public var multicast: Double { bytes.count == 0 ? 1 : Double(arriving.count) / Double(bytes.count) }
  }

  /// How full a buffer gets.
  public struct Buffer: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Room for what is on its way.
    public var capacity: Bytes
    /// The most that is taken.
    public var peak: Bytes
  }

  /// Links of one kind.
  public struct Links: Hashable, Sendable {
    /// What they join, and how.
    public var name: String
    /// How many there are.
    public var count: Int
    /// What the busiest of them carries; what has several receivers counts once.
    public var busiest: Bytes
  }

  /// Flows that move something, by path, operand and cause.
  public private(set) var flows: [Flow] = []
  /// Buffers.
  public private(set) var buffers: [Buffer] = []
  /// Links between equal parts of a chip, and into them.
  public private(set) var links: [Links] = []
  /// What off-chip memory did for it; nil where its technology has no table.
  public private(set) var memory: MemoryActions?

  init() {}
}

extension Movement {
  /// Bytes that leave by a path, of one operand or of all.
  public func bytes(_ path: Path, _ operand: Operand? = nil) -> Bytes {
    flows.reduce(.zero) { $1.path == path && operand ?? $1.operand == $1.operand ? $0 + $1.bytes : $0 }
  }

  /// How often the shared buffer or cache hands out a byte of an operand that it got from off-chip memory; nil where none
  /// came from there.
  public func reuse(of operand: Operand) -> Double? {
    let read = bytes(.dramRead, operand).count
    return read > 0 ? Double(bytes(.l2Read, operand).count) / Double(read) : nil
  }

  /// Adds a flow.
  /// - Parameter multicast: copies that arrive.
  mutating func add(
    _ path: Path, _ operand: Operand, _ cause: Cause, _ bytes: Double, multicast: Double = 1, times: Int = 1
  ) {
    add(
      Flow(
        path: path, operand: operand, cause: cause, bytes: Bytes(Int64(bytes.rounded())),
        arriving: Bytes(Int64((bytes * multicast).rounded()))), times: times)
  }

  /// Adds what moves `passes` times: once as it must, then again.
  mutating func add(_ path: Path, _ operand: Operand, once: Double, of total: Double, multicast: Double = 1) {
    let once = min(once, total)
    add(path, operand, .compulsory, once, multicast: multicast)
    add(path, operand, .reread, total - once, multicast: multicast)
  }

  private mutating func add(_ flow: Flow, times: Int) {
    guard flow.bytes > .zero else { return }
    func rank(_ flow: Flow) -> Int {
      let causes = Cause.allCases.count
      return (flow.path.index * Operand.allCases.count + flow.operand.index) * causes + flow.cause.index
    }
    let place = flows.firstIndex { rank($0) >= rank(flow) } ?? flows.count
    if place == flows.count || rank(flows[place]) != rank(flow) {
      flows.insert(
        Flow(path: flow.path, operand: flow.operand, cause: flow.cause, bytes: .zero, arriving: .zero), at: place)
    }
    flows[place].bytes += flow.bytes * Int64(times)
    flows[place].arriving += flow.arriving * Int64(times)
  }

  /// Adds another operator's, `repeats` times; buffers of the same name are the same.
  mutating func add(_ other: Movement, times repeats: Int = 1) {
    for flow in other.flows { add(flow, times: repeats) }
    for buffer in other.buffers {
      if let place = buffers.firstIndex(where: { $0.name == buffer.name }) {
        buffers[place].peak = max(buffers[place].peak, buffer.peak)
      } else {
        buffers.append(buffer)
      }
    }
    for other in other.links { add(other, times: repeats) }
    if let actions = other.memory {
      var sum = memory ?? MemoryActions()
      sum.add(actions, times: repeats)
      memory = sum
    }
  }

  /// Adds what links carry; those of the same name are the same.
  mutating func add(_ other: Links, times repeats: Int = 1) {
    if let place = links.firstIndex(where: { $0.name == other.name }) {
      links[place].busiest += other.busiest * Int64(repeats)
    } else if other.busiest > .zero {
      links.append(Links(name: other.name, count: other.count, busiest: other.busiest * Int64(repeats)))
    }
  }

  /// Keeps how full a pipeline's buffers got, and what `runs` of it together made the memory do.
  mutating func add(_ outcome: PipelineOutcome, _ description: PipelineDescription, over dram: DRAM, runs: Int = 1) {
    if let banks = outcome.banks, let technology = DRAMTechnology.named(dram.technology) {
      memory = MemoryActions(banks, of: technology, time: outcome.elapsed.seconds, runs: runs)
    }
    buffers = zip(description.buffers, outcome.peakRoom).map {
      Buffer(name: $0.name, capacity: Bytes($0.capacity), peak: Bytes($1))
    }
  }
}

extension Movement {
  /// What an operator moves whose reads are its inputs and nothing else: what it reads beyond them, it reads again.
  init(_ traffic: Traffic, inputs: Bytes) {
    let multicast = traffic.multicast
    let once = Double(inputs.count)
    add(.dramRead, .activations, once: once, of: Double(traffic.dramRead.count))
    add(.l2Read, .activations, once: once, of: Double(traffic.l2Read.count), multicast: multicast)
    add(.l2Written, .outputs, .compulsory, Double(traffic.l2Written.count))
    add(.dramWritten, .outputs, .compulsory, Double(traffic.dramWritten.count))
  }
}

extension RunResult {
  /// What all operators move; nil for closed forms.
  public var movement: Movement? {
    var sum = Movement()
    for result in operators {
      guard let movement = estimate(of: result).movement else { continue }
      sum.add(movement, times: result.repeats)
    }
    return sum.flows.isEmpty ? nil : sum
  }
}

extension CaseIterable where Self: Equatable, AllCases.Index == Int {
  fileprivate var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
