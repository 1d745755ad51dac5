import RealModule

/// A formula over named values, for derived parameters, conditions, constraints and objectives:
/// `ceil(rows / 4) * 2`, `pattern != '2:4' and time <= 2 ms`.
///
/// Numbers may have units and count in the base unit then (`2 ms` is 0.002, `1 MiB` is 1048576); texts stand in quotes. In order of binding:
/// `or`; `and`; `not`; `< <= > >= == !=`; `+ -`; `* / %`; a sign; functions `min max abs round floor ceil sqrt log2 pow if`.
public struct Expression: Sendable {
  indirect enum Term: Sendable {
    case value(Value)
    /// The value with that position among the names the expression was read with.
    case name(Int)
    case negated(Term)
    case inverted(Term)
    case binary(Operation, Term, Term)
    case call(Function, [Term])
  }

  enum Operation: String, CaseIterable, Sendable {
    case or, and
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "=="
    case unequal = "!="
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divided = "/"
    case remainder = "%"

    /// What it gives is true or false.
    var isComparison: Bool {
      switch self {
      case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .unequal: true
      default: false
      }
    }
  }

  enum Function: String, CaseIterable, Sendable {
    case min, max, abs, round, floor, ceil, sqrt, log2, pow
    case choose = "if"

    /// How many arguments it takes.
    var arguments: ClosedRange<Int> {
      switch self {
      case .min, .max: 1...64
      case .abs, .round, .floor, .ceil, .sqrt, .log2: 1...1
      case .pow: 2...2
      case .choose: 3...3
      }
    }
  }

  /// The formula as it was written.
  public let text: String
  let root: Term

  /// The positions of the names it uses.
  var names: Set<Int> {
    var found: Set<Int> = []
    func visit(_ term: Term) {
      switch term {
      case .value: break
      case .name(let index): found.insert(index)
      case .negated(let a), .inverted(let a): visit(a)
      case .binary(_, let a, let b):
        visit(a)
        visit(b)
      case .call(_, let arguments): arguments.forEach(visit)
      }
    }
    visit(root)
    return found
  }

  /// Whether the outermost operation gives true or false.
  var isCondition: Bool {
    switch root {
    case .inverted: true
    case .binary(let operation, _, _): operation.isComparison || operation == .and || operation == .or
    default: false
    }
  }
}

/// What a parameter has at a point.
public enum Value: Hashable, Sendable {
  /// A number, in the base unit where it has one.
  case number(Double)
  /// A word, a pattern, a list as it is written.
  case text(String)
}

extension Value: CustomStringConvertible {
  /// The text, or the number with the fewest digits that read back as the same.
  public var description: String {
    switch self {
    case .number(let value): numberText(value)
    case .text(let text): text
    }
  }
}

/// A number with the fewest digits that read back as the same; whole ones without a point.
func numberText(_ value: Double) -> String {
  value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : "\(value)"
}

extension Expression {
  /// The value where names have the given ones; NaN where a number is needed and none is there, or where a name has no value.
  func value(_ names: [Value?]) -> Value { Self.value(root, names) }

  /// The same as a number; true is 1 and false 0.
  func number(_ names: [Value?]) -> Double {
    if case .number(let value) = value(names) { value } else { .nan }
  }

  /// Whether it holds; what is no number does not.
  func holds(_ names: [Value?]) -> Bool {
    let value = number(names)
    return value != 0 && !value.isNaN
  }

  private static func value(_ term: Term, _ names: [Value?]) -> Value {
    switch term {
    case .value(let value): return value
    case .name(let index): return names[index] ?? .number(.nan)
    case .negated(let a): return .number(-number(a, names))
    case .inverted(let a): return truth(number(a, names) == 0)
    case .binary(let operation, let a, let b): return binary(operation, a, b, names)
    case .call(.choose, let arguments):
      let condition = number(arguments[0], names)
      return value(condition != 0 && !condition.isNaN ? arguments[1] : arguments[2], names)
    case .call(let function, let arguments):
      return .number(call(function, arguments.map { number($0, names) }))
    }
  }

  private static func number(_ term: Term, _ names: [Value?]) -> Double {
    if case .number(let value) = value(term, names) { value } else { .nan }
  }

  private static func truth(_ condition: Bool) -> Value { .number(condition ? 1 : 0) }

  private static func binary(_ operation: Operation, _ a: Term, _ b: Term, _ names: [Value?]) -> Value {
    switch operation {
    case .equal: return truth(value(a, names) == value(b, names))
    case .unequal: return truth(value(a, names) != value(b, names))
    default: break
    }
    let x = number(a, names)
    // Both are evaluated: nothing in an expression has an effect.
    let y = number(b, names)
    switch operation {
    case .or: return truth((x != 0 && !x.isNaN) || (y != 0 && !y.isNaN))
    case .and: return truth(x != 0 && !x.isNaN && y != 0 && !y.isNaN)
    case .less: return truth(x < y)
    case .lessOrEqual: return truth(x <= y)
    case .greater: return truth(x > y)
    case .greaterOrEqual: return truth(x >= y)
    case .plus: return .number(x + y)
    case .minus: return .number(x - y)
    case .times: return .number(x * y)
    case .divided: return .number(x / y)
    case .remainder: return .number(x.truncatingRemainder(dividingBy: y))
    case .equal, .unequal: return .number(.nan)
    }
  }

  private static func call(_ function: Function, _ x: [Double]) -> Double {
    switch function {
    case .min: x.dropFirst().reduce(x[0], Swift.min)
    case .max: x.dropFirst().reduce(x[0], Swift.max)
    case .abs: x[0].magnitude
    case .round: x[0].rounded()
    case .floor: x[0].rounded(.down)
    case .ceil: x[0].rounded(.up)
    case .sqrt: x[0].squareRoot()
    case .log2: .log2(x[0])
    case .pow: .pow(x[0], x[1])
    case .choose: .nan
    }
  }
}
