import Quantities

// How tables spell numbers: three significant digits and a unit.

/// A count with a decimal prefix, for example `1.23 G`; exact below ten thousand.
func countText(_ count: Int, unit: String = "") -> String {
  guard count.magnitude >= 10_000 else { return unit.isEmpty ? "\(count)" : "\(count) \(unit)" }
  let prefixes = ["", "k", "M", "G", "T", "P", "E"]
  var value = Double(count)
  var prefix = 0
  // What rounds up to 1000 belongs to the next prefix.
  while value.magnitude >= 999.5, prefix < prefixes.count - 1 {
    value /= 1000
    prefix += 1
  }
  return "\(formatSignificant(value, digits: 3)) \(prefixes[prefix])\(unit)"
}

/// A rate, with a decimal prefix above ten thousand.
func rateText(_ perSecond: Double) -> String {
  perSecond < 10_000 ? formatSignificant(perSecond, digits: 3) : countText(Int(perSecond.rounded()))
}

/// A part of a whole.
func percentText(_ fraction: Double?) -> String { fraction.map { "\(formatFixed($0 * 100, decimals: 1)) %" } ?? "–" }

/// How many times as much.
func factorText(_ factor: Double?) -> String {
  factor.map { "\($0.magnitude < 10 ? formatFixed($0, decimals: 2) : formatSignificant($0, digits: 3))×" } ?? "–"
}

/// Bytes in decimal units.
func bytesText(_ bytes: Bytes) -> String { Quantity<ByteDimension>(Double(bytes.count)).description }

/// `3 operators`, `1 operator`.
func plural(_ count: Int, _ noun: String) -> String {
  "\(formatGrouped(Int64(count))) \(noun)\(count == 1 ? "" : "s")"
}
