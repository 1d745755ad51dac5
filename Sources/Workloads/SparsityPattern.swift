/// Which elements of an operand are zero.
///
/// The reduction axis K of C[M×N] = A[M×K]·B[K×N] is the axis the structured patterns group along.
public enum SparsityPattern: Hashable, Sendable {
  /// No structure is assumed; every element counts.
  case dense
  /// `N:M`: of every `m` consecutive elements along K, at most `n` are kept.
  case structured(n: Int, m: Int)
  /// `V:N:M`: within each panel of `v` rows, of every `m` columns four are selected, and of those each row keeps
  /// `n` (VENOM).
  case vectorStructured(v: Int, n: Int, m: Int)
  /// `unstructured(z)`: a fraction `z` of the elements is zero, anywhere.
  case unstructured(zeros: Double)
  /// `block(RxC, z)`: a fraction `z` of the R×C blocks is zero.
  case block(rows: Int, columns: Int, zeros: Double)
  /// `bank(B, Rx)`: each bank of `size` elements along K keeps exactly `size / rate`.
  case bank(size: Int, rate: Int)
  /// `tile(RxC, f, N:M)`: a fraction `f` of the R×C tiles is N:M, the others are dense (PATCH).
  case tile(rows: Int, columns: Int, fraction: Double, n: Int, m: Int)
  /// `wrapped(B, N:M)`: A·S·B in place of one matrix: S is N:M, A and B are block-diagonal with blocks of B×B (ARMOR).
  case wrapped(block: Int, n: Int, m: Int)
  /// `fan-in(k)`: each row keeps exactly `k` elements, anywhere along K.
  case fanIn(Int)
  /// `mask(file#tensor)`: the zeros of a real tensor; `mask(file)` for a file that holds one.
  case mask(MaskReference)
}

extension SparsityPattern {
  /// The bank of the short form `16x`: 32× leaves two values of 64, 16× four.
  public static let defaultBankSize = 64

  /// The fraction of elements kept in an operand with `k` elements along its reduction axis, of S for A·S·B; nil where
  /// the mask has not been read.
  public func keptFraction(alongReduction k: Int) -> Double? {
    switch self {
    case .dense: 1
    case .structured(let n, let m), .wrapped(_, let n, let m): Double(n) / Double(m)
    case .vectorStructured(_, let n, let m): Double(n) / Double(m)
    case .unstructured(let zeros): 1 - zeros
    case .block(_, _, let zeros): 1 - zeros
    case .bank(_, let rate): 1 / Double(rate)
    case .tile(_, _, let fraction, let n, let m): fraction * Double(n) / Double(m) + (1 - fraction)
    case .fanIn(let kept): min(1, Double(kept) / Double(k))
    case .mask(let mask): mask.zeros?.density
    }
  }

  /// The elements along K that must come in whole groups, or nil where any length fits.
  public var group: Int? {
    switch self {
    case .structured(_, let m), .vectorStructured(_, _, let m), .tile(_, _, _, _, let m), .wrapped(_, _, let m): m
    case .bank(let size, _): size
    case .dense, .unstructured, .block, .fanIn, .mask: nil
    }
  }

  /// Bits of metadata for each kept value, where the pattern fixes them: the position within its group.
  public var metadataBitsPerValue: Int {
    switch self {
    case .structured(_, let m), .tile(_, _, _, _, let m), .bank(let m, _), .wrapped(_, _, let m): ceilLog2(m)
    // A V:N:M operand is stored as 2:4 over the selected columns.
    case .vectorStructured: 2
    case .dense, .unstructured, .block, .fanIn, .mask: 0
    }
  }
}

/// The number of bits that tell `count` things apart.
public func ceilLog2(_ count: Int) -> Int {
  count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
}

extension SparsityPattern: CustomStringConvertible {
  /// The pattern in the grammar that ``init(parsing:)`` reads.
  public var description: String {
    switch self {
    case .dense: "dense"
    case .structured(let n, let m): "\(n):\(m)"
    case .vectorStructured(let v, let n, let m): "\(v):\(n):\(m)"
    case .unstructured(let zeros): "unstructured(\(zeros))"
    case .block(let rows, let columns, let zeros): "block(\(rows)x\(columns), \(zeros))"
    case .bank(let size, let rate):
      size == Self.defaultBankSize ? "\(rate)x" : "bank(\(size), \(rate)x)"
    case .tile(let rows, let columns, let fraction, let n, let m):
      "tile(\(rows)x\(columns), \(fraction), \(n):\(m))"
    case .wrapped(let block, let n, let m): "wrapped(\(block), \(n):\(m))"
    case .fanIn(let kept): "fan-in(\(kept))"
    case .mask(let mask): mask.tensor.isEmpty ? "mask(\(mask.file))" : "mask(\(mask.file)#\(mask.tensor))"
    }
  }
}
