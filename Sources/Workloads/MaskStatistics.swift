/// What a mask's zeros are like, counted exactly.
public struct MaskStatistics: Hashable, Sendable {
  /// Output features.
  public let rows: Int
  /// The reduction length.
  public let columns: Int
  /// Elements that are kept.
  public let kept: Int
  /// What rows keep.
  public let inRows: Spread
  /// What columns keep.
  public let inColumns: Spread
  /// For each N:M that ``commonRatios`` lists, the fraction of groups that conform.
  public let conforming: [Conformance]
  /// For each M of ``groupSizes``, what the groups of M keep: every group conforms to `fullest`:M.
  public let groups: [GroupCounts]
  /// For each size of ``bankSizes``, what the banks along K keep.
  public let banks: [GroupCounts]
  /// Square blocks of each size of ``blockSizes``.
  public let blocks: [Blocks]

  /// The N:M patterns that hardware or papers have.
  public static let commonRatios = [(1, 4), (2, 4), (2, 8), (4, 8), (2, 16), (4, 16), (8, 16)]
  /// Groups for which the tightest N:M is told.
  public static let groupSizes = [4, 8, 16, 32]
  /// Elements of a bank along K.
  public static let bankSizes = [16, 32, 64, 128]
  /// Sides of blocks and tiles.
  public static let blockSizes = [16, 32, 64, 128]

  /// How many elements rows or columns keep.
  public struct Spread: Hashable, Sendable {
    /// On average.
    public var mean: Double
    /// The standard deviation over all of them.
    public var deviation: Double
    /// The fewest.
    public var least: Int
    /// The most.
    public var most: Int
    /// How many keep nothing.
    public var empty: Int

    init(_ counts: [Int]) {
      let sum = counts.reduce(0, +)
      let mean = Double(sum) / Double(counts.count)
      self.mean = mean
      deviation =
        (counts.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(counts.count)).squareRoot()
      least = counts.min() ?? 0
      most = counts.max() ?? 0
      empty = counts.count { $0 == 0 }
    }
  }

  /// How far groups conform to N:M.
  public struct Conformance: Hashable, Sendable {
    /// The most that may be kept.
    public var n: Int
    /// Elements of a group.
    public var m: Int
    /// The fraction of groups that keep at most `n`.
    public var share: Double
  }

  /// Blocks of one size.
  public struct Blocks: Hashable, Sendable {
    /// The side of a block.
    public var size: Int
    /// What they keep.
    public var counts: BlockCounts
  }

  /// Counts everything.
  /// - Parameter channels: where groups and banks begin anew, for convolutions; nil for all of K.
  public init(_ mask: ZeroMask, channels: Int? = nil) {
    (rows, columns, kept) = (mask.rows, mask.columns, mask.kept)
    inRows = Spread(mask.keptInRows)
    inColumns = Spread(mask.keptInColumns)
    let sizes = Set(Self.groupSizes + Self.bankSizes + Self.commonRatios.map(\.1))
    let counts = Dictionary(uniqueKeysWithValues: sizes.map { ($0, mask.groups(of: $0, run: channels)) })
    groups = Self.groupSizes.compactMap { counts[$0] }
    banks = Self.bankSizes.compactMap { counts[$0] }
    conforming = Self.commonRatios.compactMap { n, m in
      counts[m].map { Conformance(n: n, m: m, share: $0.share(keepingAtMost: n)) }
    }
    blocks = Self.blockSizes.map { Blocks(size: $0, counts: mask.blocks($0, $0)) }
  }

  /// The fraction of elements that are zero.
  public var sparsity: Double { 1 - Double(kept) / (Double(rows) * Double(columns)) }

  /// The N:M that every group conforms to and that keeps the smallest share; of equal ones that with the smallest
  /// groups. Nil where no group size drops anything everywhere.
  public var tightest: (n: Int, m: Int)? {
    var best: (n: Int, m: Int)?
    for group in groups where group.fullest < group.size && group.size <= columns {
      if let other = best, group.fullest * other.m >= other.n * group.size { continue }
      best = (group.fullest, group.size)
    }
    return best
  }
}
