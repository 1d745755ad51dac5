import RealModule
import Workloads

/// Steps of a tensor core that multiplies by outer products and skips zeros of both operands, which are stored as
/// bitmaps (dual-side sparse tensor core, Wang et al., ISCA 2021).
///
/// A warp's tile of A is `rows` high and its tile of B `columns` wide. For every k the values kept of A's column and of
/// B's row are packed, and multiplied in outer products of `stepRows` × `stepColumns`. With a and b values kept, that
/// takes ⌈a / stepRows⌉ · ⌈b / stepColumns⌉ steps of the ⌈rows / stepRows⌉ · ⌈columns / stepColumns⌉ of a dense k. Where zeros are
/// spread at random, a and b are binomial and independent, and so are their ceilings:
///
///     E[steps] = E[⌈a / stepRows⌉] · E[⌈b / stepColumns⌉].
///
/// Left out: the gather and scatter of partial sums, which the design's buffer hides; bitmaps' bytes; imbalance of
/// warps. It is a model of steps only, of no machine of the catalog.
public struct OuterProductSkipping: Hashable, Sendable {
  /// Rows of a warp's tile of A.
  public var rows: Int
  /// Columns of a warp's tile of B.
  public var columns: Int
  /// Rows that a step multiplies.
  public var stepRows: Int
  /// Columns that a step multiplies.
  public var stepColumns: Int

  /// The published design unless told otherwise: warp tiles of 32×32, steps of 8×16.
  public init(rows: Int = 32, columns: Int = 32, stepRows: Int = 8, stepColumns: Int = 16) {
    precondition(rows > 0 && columns > 0 && stepRows > 0 && stepColumns > 0, "tiles and steps have sizes")
    self.rows = rows
    self.columns = columns
    self.stepRows = stepRows
    self.stepColumns = stepColumns
  }

  /// Expected steps over those of dense operands, for kept fractions of A and of B.
  public func relativeSteps(keptOfA a: Double, keptOfB b: Double) -> Double {
    Self.groups(of: rows, by: stepRows, kept: a) / Double((rows + stepRows - 1) / stepRows)
      * Self.groups(of: columns, by: stepColumns, kept: b) / Double((columns + stepColumns - 1) / stepColumns)
  }

  /// E[⌈x / size⌉] for binomial x: Σ_{j ≥ 0} P(x > j · size).
  private static func groups(of count: Int, by size: Int, kept: Double) -> Double {
    precondition((0...1).contains(kept), "a fraction is from 0 to 1, not \(kept)")
    var expected = 0.0
    for start in stride(from: 0, to: count, by: size) {
      expected += (start + 1...count).reduce(0) { $0 + probability(of: $1, in: count, kept) }
    }
    return expected
  }

  private static func probability(of value: Int, in count: Int, _ kept: Double) -> Double {
    guard kept > 0, kept < 1 else { return kept == 1 && value == count ? 1 : 0 }
    let ways =
      Double.logGamma(Double(count) + 1) - Double.logGamma(Double(value) + 1)
      - Double.logGamma(Double(count - value) + 1)
    return Double.exp(ways + Double(value) * Double.log(kept) + Double(count - value) * Double.log(1 - kept))
  }
}
