/// A number of bytes, exact.
@frozen
public struct Bytes: Hashable, Comparable, AdditiveArithmetic, Sendable {
  /// How many.
  public var count: Int64
  /// `count` bytes.
  @inlinable public init(_ count: Int64) { self.count = count }
  /// The whole bytes that hold `bits`.
  @inlinable public init(bits: Int64) { self.count = (bits + 7) / 8 }
  /// Nothing.
  @inlinable public static var zero: Self { Self(0) }
  /// Orders by count.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.count < b.count }
  /// The sum.
  @inlinable public static func + (a: Self, b: Self) -> Self { Self(a.count + b.count) }
  /// The difference.
  @inlinable public static func - (a: Self, b: Self) -> Self { Self(a.count - b.count) }
  /// `b` times `a`.
  @inlinable public static func * (a: Self, b: Int64) -> Self { Self(a.count * b) }
}

extension Bytes: CustomStringConvertible {
  /// Exact binary units where they divide (`50 MiB`), three significant digits in decimal units otherwise (`4.27 GB`).
  public var description: String {
    for prefix in binaryPrefixes.reversed() {
      let scale = Int64(prefix.scale)
      if count != 0, count % scale == 0, count / scale < 10_000 { return "\(count / scale) \(prefix.symbol)B" }
    }
    return Quantity<ByteDimension>(Double(count)).description
  }
}

/// Amounts of data: how ``Bytes`` is spelt.
public enum ByteDimension: Dimension {
  /// The word used in messages.
  public static let name = "size"
  /// Accepted spellings: kB is 1000 bytes, KiB is 1024.
  public static let units =
    [
      Unit("B", 1), Unit("kB", 1e3), Unit("MB", 1e6), Unit("GB", 1e9), Unit("TB", 1e12),
    ] + binaryPrefixes.map { Unit("\($0.symbol)B", $0.scale, printed: false) }
}

/// A number of clock cycles.
@frozen
public struct Cycles: Hashable, Comparable, AdditiveArithmetic, Sendable {
  /// How many.
  public var count: Int64
  /// `count` cycles.
  @inlinable public init(_ count: Int64) { self.count = count }
  /// None.
  @inlinable public static var zero: Self { Self(0) }
  /// Orders by count.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.count < b.count }
  /// The sum.
  @inlinable public static func + (a: Self, b: Self) -> Self { Self(a.count + b.count) }
  /// The difference.
  @inlinable public static func - (a: Self, b: Self) -> Self { Self(a.count - b.count) }
  /// `b` times `a`.
  @inlinable public static func * (a: Self, b: Int64) -> Self { Self(a.count * b) }
}

extension Cycles: CustomStringConvertible {
  /// The count with its unit, for example `73,583 cycles`.
  public var description: String { "\(formatGrouped(count)) cycle\(count == 1 ? "" : "s")" }
}
