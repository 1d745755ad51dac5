/// Bounds of a number: what an expression can give where its names lie within bounds. It may be wider than need be,
/// never narrower.
struct Interval {
  var low: Double
  var high: Double

  static let anything = Interval(low: -.infinity, high: .infinity)
  static let truth = Interval(low: 0, high: 1)
  static let always = Interval(low: 1, high: 1)
  static let never = Interval(low: 0, high: 0)

  /// Whether a condition with these bounds can hold.
  var canHold: Bool { !(low == 0 && high == 0) }

  private static func hull(_ values: [Double]) -> Interval {
    guard values.allSatisfy({ !$0.isNaN }), let low = values.min(), let high = values.max() else { return anything }
    return Interval(low: low, high: high)
  }

  /// The bounds of an expression; nil bounds of a name stand for a text or an unknown value.
  static func of(_ expression: Expression, _ names: [Interval?]) -> Interval { of(expression.root, names) }

  private static func of(_ term: Expression.Term, _ names: [Interval?]) -> Interval {
    switch term {
    case .value(.number(let number)): return Interval(low: number, high: number)
    case .value(.text): return anything
    case .name(let index): return names[index] ?? anything
    case .negated(let a):
      let a = of(a, names)
      return Interval(low: -a.high, high: -a.low)
    case .inverted(let a):
      let a = of(a, names)
      return a.canHold ? (a.low > 0 || a.high < 0 ? never : truth) : always
    case .binary(let operation, let a, let b): return binary(operation, of(a, names), of(b, names))
    case .call(let function, let arguments):
      let x = arguments.map { of($0, names) }
      switch function {
      case .min: return Interval(low: x.map(\.low).min() ?? 0, high: x.map(\.high).min() ?? 0)
      case .max: return Interval(low: x.map(\.low).max() ?? 0, high: x.map(\.high).max() ?? 0)
      case .floor: return Interval(low: x[0].low.rounded(.down), high: x[0].high.rounded(.down))
      case .ceil: return Interval(low: x[0].low.rounded(.up), high: x[0].high.rounded(.up))
      case .round: return Interval(low: x[0].low.rounded(), high: x[0].high.rounded())
      case .choose: return hull([x[1].low, x[1].high, x[2].low, x[2].high])
      case .abs, .sqrt, .log2, .pow: return anything
      }
    }
  }

  private static func binary(_ operation: Expression.Operation, _ a: Interval, _ b: Interval) -> Interval {
    switch operation {
    case .or: return a.canHold || b.canHold ? truth : never
    case .and: return a.canHold && b.canHold ? truth : never
    case .less: return a.low < b.high ? truth : never
    case .lessOrEqual: return a.low <= b.high ? truth : never
    case .greater: return a.high > b.low ? truth : never
    case .greaterOrEqual: return a.high >= b.low ? truth : never
    case .equal: return a.low <= b.high && b.low <= a.high ? truth : never
    case .unequal: return truth
    case .plus: return hull([a.low + b.low, a.high + b.high])
    case .minus: return hull([a.low - b.high, a.high - b.low])
    case .times: return hull([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
    case .divided:
      guard b.low > 0 || b.high < 0 else { return anything }
      return hull([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high])
    case .remainder: return anything
    }
  }
}
