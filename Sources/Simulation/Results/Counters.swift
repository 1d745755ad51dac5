public import Quantities

/// Multiply-accumulates by what became of them. `useful + skipped = dense`, and `useful + padded` were executed.
public struct MACCount: Hashable, Sendable {
  /// What a dense run would do.
  public var dense: Int
  /// Done on values that the pattern keeps.
  public var useful: Int
  /// Done on padding: part-filled tiles, groups and folds.
  public var padded: Int

  /// A count.
  public init(dense: Int = 0, useful: Int = 0, padded: Int = 0) {
    self.dense = dense
    self.useful = useful
    self.padded = padded
  }

  /// Saved by zeros.
  public var skipped: Int { dense - useful }

  /// Adds another count, `repeats` times.
  public mutating func add(_ other: MACCount, times repeats: Int) {
    dense += other.dense * repeats
    useful += other.useful * repeats
    padded += other.padded * repeats
  }
}

/// Bytes moved between levels. What enters a level left its parent, once for each copy that multicast made:
/// `l1Filled = l2Read × multicast`.
public struct Traffic: Hashable, Sendable {
  /// From off-chip memory.
  public var dramRead: Bytes
  /// To off-chip memory.
  public var dramWritten: Bytes
  /// Out of the shared buffer or cache, to the units.
  public var l2Read: Bytes
  /// Into the shared buffer or cache, from the units.
  public var l2Written: Bytes
  /// Into local memories, all units together.
  public var l1Filled: Bytes
  /// Out of local memories, to the arithmetic.
  public var l1Read: Bytes
  /// Metadata of sparse operands among the bytes that leave off-chip memory or the shared buffer, counted once.
  public var metadata: Bytes

  /// Traffic; none unless told otherwise.
  public init(
    dramRead: Bytes = .zero, dramWritten: Bytes = .zero, l2Read: Bytes = .zero, l2Written: Bytes = .zero,
    l1Filled: Bytes = .zero, l1Read: Bytes = .zero, metadata: Bytes = .zero
  ) {
    self.dramRead = dramRead
    self.dramWritten = dramWritten
    self.l2Read = l2Read
    self.l2Written = l2Written
    self.l1Filled = l1Filled
    self.l1Read = l1Read
    self.metadata = metadata
  }

  /// Both directions of off-chip memory.
  public var dram: Bytes { dramRead + dramWritten }

  /// Copies that one read of the shared buffer filled, on average.
  public var multicast: Double { l2Read.count == 0 ? 1 : Double(l1Filled.count) / Double(l2Read.count) }

  /// Adds other traffic, `repeats` times.
  public mutating func add(_ other: Traffic, times repeats: Int) {
    let repeats = Int64(repeats)
    dramRead += other.dramRead * repeats
    dramWritten += other.dramWritten * repeats
    l2Read += other.l2Read * repeats
    l2Written += other.l2Written * repeats
    l1Filled += other.l1Filled * repeats
    l1Read += other.l1Read * repeats
    metadata += other.metadata * repeats
  }
}

/// Energy by component.
public struct EnergyBreakdown: Hashable, Sendable {
  /// Multiply-accumulates.
  public var mac: Joules
  /// Vector arithmetic.
  public var vector: Joules
  /// Clock tree and control of cores while they work.
  public var clock: Joules
  /// Local memories.
  public var l1: Joules
  /// The shared buffer or cache.
  public var l2: Joules
  /// Off-chip memory.
  public var dram: Joules
  /// What is drawn whatever is done.
  public var idle: Joules

  /// Energy; none unless told otherwise.
  public init(
    mac: Joules = .zero, vector: Joules = .zero, clock: Joules = .zero, l1: Joules = .zero, l2: Joules = .zero,
    dram: Joules = .zero,
    idle: Joules = .zero
  ) {
    self.mac = mac
    self.vector = vector
    self.clock = clock
    self.l1 = l1
    self.l2 = l2
    self.dram = dram
    self.idle = idle
  }

  /// All components together.
  public var total: Joules { mac + vector + clock + l1 + l2 + dram + idle }

  /// Each component with its name in tables and files.
  public var components: [(name: String, energy: Joules)] {
    [("mac", mac), ("vector", vector), ("clock", clock), ("l1", l1), ("l2", l2), ("dram", dram), ("idle", idle)]
  }

  /// Adds other energy, `repeats` times.
  public mutating func add(_ other: EnergyBreakdown, times repeats: Double) {
    mac += other.mac * repeats
    vector += other.vector * repeats
    clock += other.clock * repeats
    l1 += other.l1 * repeats
    l2 += other.l2 * repeats
    dram += other.dram * repeats
    idle += other.idle * repeats
  }
}
