// Numbers as text without Foundation: the output must be the same bytes on every machine and locale.

/// `value` rounded to `digits` significant digits, in plain decimal notation between 1e-6 and 1e15.
public func formatSignificant(_ value: Double, digits: Int) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  let magnitude = value.magnitude
  guard magnitude >= 1e-6, magnitude < 1e15 else { return "\(value)" }
  var exponent = 0
  while power(10, exponent + 1) <= magnitude { exponent += 1 }
  while power(10, exponent) > magnitude { exponent -= 1 }
  // Rounding may carry into a new digit (9.996 → 10.0).
  if (magnitude / power(10, exponent - digits + 1)).rounded() >= power(10, digits) { exponent += 1 }
  let decimals = digits - 1 - exponent
  if decimals >= 0 { return formatFixed(value, decimals: decimals) }
  let step = power(10, -decimals)
  return formatFixed((value / step).rounded() * step, decimals: 0)
}

/// `value` with exactly `decimals` digits after the point.
public func formatFixed(_ value: Double, decimals: Int) -> String {
  let scale = power(10, decimals)
  let scaled = (value.magnitude * scale).rounded()
  guard value.isFinite, scaled < 9e18 else { return "\(value)" }
  let units = Int64(scaled)
  let sign = value < 0 && units != 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(units) }
  let divisor = Int64(scale)
  let fraction = String(units % divisor)
  let padding = String(repeating: "0", count: decimals - fraction.count)
  return "\(sign)\(units / divisor).\(padding)\(fraction)"
}

/// An integer with a comma every three digits, for tables that people read.
public func formatGrouped(_ value: Int64) -> String {
  var digits = String(value.magnitude)
  var groups: [Substring] = []
  while digits.count > 3 {
    groups.append(digits.suffix(3))
    digits = String(digits.dropLast(3))
  }
  return (value < 0 ? "-" : "") + ([Substring(digits)] + groups.reversed()).joined(separator: ",")
}

func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  for _ in 0..<exponent.magnitude { result *= base }
  return exponent < 0 ? 1 / result : result
}
