import Documents
import Quantities
import RealModule

/// The parameters of a study, and which of their combinations are worth simulating.
public struct DesignSpace: Sendable {
  /// In the order of the study; each depends only on those before it.
  public let parameters: [Parameter]
  /// Conditions on parameters alone.
  let constraints: [Constraint]
  /// Positions of the parameters that a sampler decides about.
  let free: [Int]
  /// The constants of the machine that parameters set.
  private let constants: [Target]

  /// A constant of the machine that a parameter sets, and how it is written for the values that are listed.
  private struct Target: Sendable {
    var parameter: Int
    var path: [String]
    var kind: ValueKind
    var written: [Value: Node]
  }

  init(parameters: [Parameter], constraints: [Constraint] = []) {
    self.parameters = parameters
    self.constraints = constraints
    free = parameters.indices.filter { parameters[$0].isFree }
    var constants: [Target] = []
    for (index, parameter) in parameters.enumerated() {
      var written: [Value: Node] = [:]
      if case .choices(let choices) = parameter.domain { for choice in choices { written[choice.value] = choice.node } }
      for case .constant(let path, let kind) in parameter.targets {
        constants.append(Target(parameter: index, path: path, kind: kind, written: written))
      }
    }
    self.constants = constants
  }

  /// What constants of the machine are replaced with at a point.
  func constantValues(_ values: [Value?]) -> [(path: [String], value: Node)] {
    constants.compactMap { target in
      guard let value = values[target.parameter] else { return nil }
      return (target.path, target.written[value] ?? target.kind.node(value))
    }
  }

  /// Combinations of free parameters; nil where one is continuous or they are more than 2⁵³.
  public var count: Int? {
    var count = 1
    for index in free {
      guard let factor = parameters[index].count else { return nil }
      let (product, overflows) = count.multipliedReportingOverflow(by: factor)
      guard !overflows, product <= 1 << 53 else { return nil }
      count = product
    }
    return count
  }

  /// The coordinates of a combination: the last free parameter changes fastest.
  func gridCoordinates(_ index: Int) -> [Double] {
    var rest = index
    var coordinates = [Double](repeating: 0, count: free.count)
    for position in free.indices.reversed() {
      let count = parameters[free[position]].count ?? 1
      coordinates[position] = (Double(rest % count) + 0.5) / Double(count)
      rest /= count
    }
    return coordinates
  }

  /// The values of all parameters where the free ones have these coordinates, each from 0 to 1; nil for a parameter whose condition does not hold.
  func values(at coordinates: [Double]) -> [Value?] {
    var values = [Value?](repeating: nil, count: parameters.count)
    var next = 0
    for index in parameters.indices {
      let isFree = parameters[index].isFree
      let coordinate = isFree ? coordinates[next] : 0
      if isFree { next += 1 }
      if let condition = parameters[index].condition, !condition.holds(values) { continue }
      switch parameters[index].domain {
      case .choices, .range: values[index] = parameters[index].value(at: coordinate)
      case .expression(let expression): values[index] = expression.value(values)
      case .table(let other, let entries): values[index] = values[other].flatMap { entries[$0] } ?? .number(.nan)
      }
    }
    return values
  }

  /// Whether a combination of the grid repeats an earlier one: it differs only in parameters that have no value.
  func isRepeated(_ coordinates: [Double], _ values: [Value?]) -> Bool {
    for (position, index) in free.enumerated() where values[index] == nil {
      if coordinates[position] * Double(parameters[index].count ?? 1) >= 1 { return true }
    }
    return false
  }
}

/// A condition that points must meet.
struct Constraint: Sendable {
  var expression: Expression
  /// Where it stands in the study, in bytes.
  var range: Range<Int>
}

enum Interpolation {
  /// The number at `fraction` of the way from `low` to `high`; the ends are exact.
  static func value(_ fraction: Double, _ low: Double, _ high: Double, isLogarithmic: Bool) -> Double {
    if fraction <= 0 { return low }
    if fraction >= 1 { return high }
    guard isLogarithmic else { return low + (high - low) * fraction }
    return low * .pow(high / low, fraction)
  }
}
