import Quantities

/// A time in femtoseconds, exact: clocks of 200 MHz and of 1 GHz are whole numbers of it, and 2⁶³ of them are two and
/// a half hours.
struct Ticks: Hashable, Comparable, AdditiveArithmetic {
  var count: Int64
  init(_ count: Int64) { self.count = count }
  /// The nearest whole number of ticks.
  init(_ time: Seconds) { count = Int64((time.value * 1e15).rounded()) }
  static let zero = Ticks(0)
  /// Later than anything.
  static let never = Ticks(.max)
  static func < (a: Ticks, b: Ticks) -> Bool { a.count < b.count }
  static func + (a: Ticks, b: Ticks) -> Ticks { Ticks(a.count + b.count) }
  static func - (a: Ticks, b: Ticks) -> Ticks { Ticks(a.count - b.count) }
  static func * (a: Ticks, b: Int) -> Ticks { Ticks(a.count * Int64(b)) }
  var seconds: Seconds { Seconds(Double(count) * 1e-15) }
}
