/// A physical dimension: what a ``Quantity`` measures, and how it is spelt.
public protocol Dimension: Sendable {
  /// The word a message uses, for example "time".
  static var name: String { get }
  /// Accepted spellings and their value in the base unit. Printing picks among those marked `printed`.
  static var units: [Unit] { get }
}

/// One spelling of a unit.
public struct Unit: Sendable {
  /// The spelling, for example `"ms"`.
  public let symbol: String
  /// How many base units one of these is.
  public let scale: Double
  /// Whether printing may choose it; other spellings are accepted in input only.
  public let printed: Bool

  /// A unit of `scale` base units.
  public init(_ symbol: String, _ scale: Double, printed: Bool = true) {
    self.symbol = symbol
    self.scale = scale
    self.printed = printed
  }
}

/// A number with a unit, held in the dimension's base unit.
///
/// Only dimensionally valid operations exist: quantities of one dimension add, compare and scale; products and
/// quotients across dimensions are declared one by one in `Dimensions.swift`.
@frozen
public struct Quantity<D: Dimension>: Hashable, Comparable, AdditiveArithmetic, Sendable {
  /// The value in the base unit of `D`.
  public var value: Double

  /// A quantity of `value` base units.
  @inlinable
  public init(_ value: Double) { self.value = value }

  /// Nothing.
  @inlinable
  public static var zero: Self { Self(0) }

  /// Orders by magnitude in the base unit.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
  /// The sum.
  @inlinable
  public static func + (a: Self, b: Self) -> Self { Self(a.value + b.value) }
  /// The difference.
  @inlinable
  public static func - (a: Self, b: Self) -> Self { Self(a.value - b.value) }
  /// The quantity scaled by a plain number.
  @inlinable
  public static func * (a: Self, b: Double) -> Self { Self(a.value * b) }
  /// The quantity scaled by a plain number.
  @inlinable
  public static func * (a: Double, b: Self) -> Self { Self(a * b.value) }
  /// The quantity divided by a plain number.
  @inlinable
  public static func / (a: Self, b: Double) -> Self { Self(a.value / b) }
  /// The ratio of two quantities of one dimension.
  @inlinable
  public static func / (a: Self, b: Self) -> Double { a.value / b.value }
}

extension Quantity: CustomStringConvertible {
  /// Three significant digits in the unit that keeps the number between 1 and 1000, for example `1.98 GHz`.
  /// What it prints parses again.
  public var description: String { formatted(significantDigits: 3) }

  /// The quantity in its most readable unit.
  public func formatted(significantDigits: Int) -> String {
    let units = D.units.filter(\.printed).sorted { $0.scale < $1.scale }
    let magnitude = value.magnitude
    let base = units.first { $0.scale == 1 } ?? units[0]
    // A value that rounds up to 1000 of a unit belongs to the next one.
    let limit = 1000 - 500 * power(10, -significantDigits)
    let unit =
      magnitude == 0 || !magnitude.isFinite
      ? base : units.first { magnitude / $0.scale < limit } ?? units[units.count - 1]
    return "\(formatSignificant(value / unit.scale, digits: significantDigits)) \(unit.symbol)"
  }
}
