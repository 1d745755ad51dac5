import RealModule

/// A shared cache as the tiles of a product see it: sets of ``ways`` lines that addresses are hashed to, the least recently
/// used of which gives way.
///
/// A line that is asked for again after d bytes of others is still there where fewer than `ways` of those fell into its
/// set. Hashed addresses spread evenly, so their number is Poisson with a mean of λ = ways · d / capacity, and a tile
/// finds the share
///
///     Σ e^−λ λⁱ / i!    over i < ways
///
/// of its lines: all of them for small d, half at the capacity, and none soon after.
///
/// Left out: what results and other kernels hold, unless the capacity is chosen for it; lines smaller than a tile's row.
struct TileCache: Hashable {
  /// Bytes that the tiles' operands can hold.
  var capacity: Double
  var ways = 16
  /// Bytes asked for so far.
  private(set) var position = 0.0

  init(capacity: Double, ways: Int = 16) { (self.capacity, self.ways) = (capacity, ways) }

  /// The share of a tile's lines that are found after `distance` bytes of others.
  func hits(after distance: Double) -> Double {
    let mean = Double(ways) * distance / capacity
    // Past that nothing is left in double precision.
    guard mean < Double(4 * ways + 40) else { return 0 }
    var term = Double.exp(-mean)
    var sum = term
    for count in 1..<ways {
      term *= mean / Double(count)
      sum += term
    }
    return min(1, sum)
  }

  /// Tiles ask for `bytes` at once.
  mutating func pass(_ bytes: Double) { position += bytes }
}
