import Quantities
import RealModule

extension Chart {
  /// What stands along one side.
  struct Axis {
    var title: String
    /// What its numbers are written in; nil for numbers without a unit.
    var unit: Unit?
    var scale: Scale
    /// Where it is marked, in the base unit.
    var marks: [Double] = []
  }

  enum Scale {
    case linear(Double, Double)
    case logarithmic(Double, Double)
    /// Names at equal distances.
    case categories([String])
  }
}

extension Chart.Axis {
  /// Names at equal distances.
  static func categories(_ names: [String], title: String = "") -> Chart.Axis {
    Chart.Axis(title: title, scale: .categories(names), marks: names.indices.map(Double.init))
  }

  /// From 0, or from `low`, to the round number above `high`.
  /// - Parameter units: what to choose a unit from; none for plain numbers.
  static func linear(_ title: String, units: [Unit] = [], from low: Double = 0, to high: Double) -> Chart.Axis {
    let high = high > low ? high : low + 1
    let unit = unit(of: high, among: units)
    let step = roundStep((high - low) / 5 / (unit?.scale ?? 1)) * (unit?.scale ?? 1)
    let (first, last) = ((low / step).rounded(.down), (high / step - 1e-9).rounded(.up))
    let marks = (0...Int(last - first)).map { (first + Double($0)) * step }
    return Chart.Axis(
      title: title, unit: unit, scale: .linear(first * step, last * step), marks: marks)
  }

  /// From a little below `low` to a little above `high`, both positive.
  static func logarithmic(
    _ title: String, units: [Unit] = [], from low: Double, to high: Double
  ) -> Chart.Axis {
    let unit = unit(of: high, among: units)
    let scale = unit?.scale ?? 1
    let decades = Double.log10(high / low)
    let steps =
      decades > 3.5 ? [1.0] : decades > 1.5 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]
    let powers = Int(Double.log10(low / scale).rounded(.down))...Int(Double.log10(high / scale).rounded(.up))
    var marks: [Double] = []
    for power in powers {
      let decade = Double.pow(10, Double(power)) * scale
      marks += steps.map { $0 * decade }.filter { $0 >= low * 0.999 && $0 <= high * 1.001 }
    }
    // More marks than there is room for: every second decade, every third, …
    let stride = marks.count / 9 + 1
    return Chart.Axis(
      title: title, unit: unit, scale: .logarithmic(low, high),
      marks: marks.indices.filter { $0 % stride == 0 }.map { marks[$0] })
  }

  /// Whichever of both shows values better: a logarithm where they span more than a factor of ten.
  static func fitting(_ title: String, units: [Unit], _ values: [Double]) -> Chart.Axis {
    guard let least = values.min(), let most = values.max() else { return .linear(title, units: units, to: 1) }
    if least > 0, most / least > 10 { return .logarithmic(title, units: units, from: least / 1.1, to: most * 1.1) }
    let room = max((most - least) * 0.05, most.magnitude * 1e-6)
    return .linear(title, units: units, from: least - room, to: most + room)
  }

  private static func unit(of value: Double, among units: [Unit]) -> Unit? {
    units.filter { $0.printed && $0.scale <= value.magnitude }.max { $0.scale < $1.scale }
      ?? units.filter(\.printed).min { $0.scale < $1.scale }
  }

  /// 1, 2 or 5 times a power of ten, no less than `rough`.
  private static func roundStep(_ rough: Double) -> Double {
    let power = Double.pow(10, Double.log10(rough).rounded(.down))
    return [1.0, 2, 5].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
  }

  /// Its title with its unit.
  var heading: String { unit.map { $0.symbol.isEmpty ? title : "\(title) (\($0.symbol))" } ?? title }

  /// What stands at a mark.
  func text(_ mark: Double) -> String {
    if case .categories(let names) = scale { return names[Int(mark)] }
    return numberText(mark / (unit?.scale ?? 1))
  }

  /// From 0 at the low end to 1 at the high one; what lies beyond stands at the end.
  func place(_ value: Double) -> Double {
    let place: Double
    switch scale {
    case .linear(let low, let high): place = (value - low) / (high - low)
    case .logarithmic(let low, let high): place = value <= 0 ? 0 : .log(value / low) / .log(high / low)
    case .categories(let names): place = (value + 0.5) / Double(max(1, names.count))
    }
    return min(1, max(0, place))
  }

  /// The categories; nil where it has numbers.
  var names: [String]? { if case .categories(let names) = scale { names } else { nil } }
}

/// A number at a mark: as short as it can be said, large ones with a prefix.
private func numberText(_ value: Double) -> String {
  guard value.magnitude < 10_000 else {
    let text = countText(Int(max(-9e18, min(9e18, value))))
    let parts = text.split(separator: " ", maxSplits: 1)
    return ([trimmed(String(parts[0]))] + parts.dropFirst().map(String.init)).joined(separator: " ")
  }
  return trimmed(formatSignificant(value, digits: 4))
}

/// The number without zeros after its point.
private func trimmed(_ number: String) -> String {
  guard number.contains("."), !number.contains("e") else { return number }
  var text = number
  while text.last == "0" { text.removeLast() }
  if text.last == "." { text.removeLast() }
  return text
}
