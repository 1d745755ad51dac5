import Documents
import Hardware
import Workloads

/// What a study varies, or derives from what it varies.
public struct Parameter: Sendable {
  /// Its name in expressions and results.
  public let name: String
  /// What it sets; nothing for a parameter that only expressions use.
  let targets: [Target]
  let domain: Domain
  /// Where it does not hold, the parameter has no value and sets nothing.
  let condition: Expression?

  /// What a parameter sets.
  enum Target: Sendable {
    /// A constant of the machine.
    case constant([String], ValueKind)
    /// Something of all workloads.
    case workload(WorkloadSetting)
  }

  /// The values it takes.
  enum Domain: Sendable {
    /// One of these.
    case choices([Choice])
    /// Any number between these, evenly spread over numbers or over their logarithms.
    case range(low: Double, high: Double, isLogarithmic: Bool, isWhole: Bool)
    /// What others make of it.
    case expression(Expression)
    /// What a table says for the value of another parameter.
    case table(of: Int, [Value: Value])
  }

  /// A listed value.
  struct Choice: Sendable {
    var value: Value
    /// As a description of a machine writes it.
    var node: Node
  }

  /// Whether a sampler decides about it.
  public var isFree: Bool {
    switch domain {
    case .choices, .range: true
    case .expression, .table: false
    }
  }

  /// How many values it takes; nil for a continuous range.
  public var count: Int? {
    switch domain {
    case .choices(let choices): choices.count
    case .range: nil
    case .expression, .table: 1
    }
  }

  /// The value at a coordinate from 0 to 1, which must be free.
  func value(at coordinate: Double) -> Value {
    switch domain {
    case .choices(let choices):
      return choices[min(choices.count - 1, Int(coordinate * Double(choices.count)))].value
    case .range(let low, let high, let isLogarithmic, let isWhole):
      let value = Interpolation.value(coordinate, low, high, isLogarithmic: isLogarithmic)
      return .number(isWhole ? value.rounded() : value)
    case .expression, .table: preconditionFailure("\(name) is not free")
    }
  }
}

/// What a parameter of all workloads changes.
enum WorkloadSetting: String, CaseIterable, Sendable {
  /// The pattern of all weights, after the rules of each workload.
  case sparsity = "workload.sparsity"
  /// The training method.
  case training = "workload.training"
  /// The type that operands are converted to.
  case dataType = "workload.data_type"
  /// The type that weights are stored in.
  case weightType = "workload.weight_type"
  /// Which mappings of operators an array chooses from.
  case mapping = "workload.mapping"
  /// How many samples a step works on.
  case samples = "workload.samples"
}

/// How a constant of a machine is written.
enum ValueKind: Hashable, Sendable {
  case integer
  case number
  /// A number with a unit; the base unit of its dimension.
  case quantity(base: String)
  case flag
  case word
  case list

  /// A value as a description writes it.
  func node(_ value: Value) -> Node {
    switch (self, value) {
    case (.quantity(let base), .number(let number)): Node(.string("\(numberText(number)) \(base)"), range: 0..<0)
    case (.flag, .number(let number)): Node(.bool(number != 0), range: 0..<0)
    case (_, .number(let number)): Node(.number(numberText(number)), range: 0..<0)
    case (_, .text(let text)): Node(.string(text), range: 0..<0)
    }
  }
}

extension Parameter {
  /// The paths of what it sets.
  public var paths: [String] {
    targets.map { target in
      switch target {
      case .constant(let path, _): path.joined(separator: ".")
      case .workload(let setting): setting.rawValue
      }
    }
  }
}
