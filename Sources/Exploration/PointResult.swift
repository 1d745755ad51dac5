import Documents

/// A point of a study and what came of it.
public struct PointResult: Sendable, Equatable {
  /// Its place in the sampler's sequence, from zero.
  public let index: Int
  /// The values of all parameters; nil where a parameter's condition does not hold.
  public let values: [Value?]
  /// Whether it is a design to choose from.
  public let verdict: Verdict
  /// The figures, as ``DesignStudy/figureNames`` names them; none where nothing was simulated.
  public let figures: [Double]
  /// The objectives' values; none where nothing was simulated.
  public let objectives: [Double]
}

/// Whether a point is a design to choose from, and if not, why.
public enum Verdict: Sendable, Hashable {
  /// It meets all constraints.
  case feasible
  /// It does not.
  case infeasible(Reason, detail: String)

  /// What was against it: the first of these.
  public enum Reason: Sendable, Hashable {
    /// A derived parameter is no number there.
    case parameter(String)
    /// A constraint, as it is written.
    case constraint(String)
    /// The description of the machine contradicts itself, under this code.
    case machine(String)
    /// The workload cannot be changed so, under this code.
    case workload(String)
    /// The machine cannot run the workload, under this code.
    case run(String)
  }

  /// Whether it meets all constraints.
  public var isFeasible: Bool { self == .feasible }

  /// How tables of results spell it: `feasible`, or what was against it, as in `machine: inconsistent-hardware`.
  public var text: String {
    switch self {
    case .feasible: "feasible"
    case .infeasible(.parameter(let name), _): "parameter: \(name)"
    case .infeasible(.constraint(let text), _): "constraint: \(text)"
    case .infeasible(.machine(let code), _): "machine: \(code)"
    case .infeasible(.workload(let code), _): "workload: \(code)"
    case .infeasible(.run(let code), _): "run: \(code)"
    }
  }

  /// What there is to say beside it; empty for a feasible point.
  public var detail: String {
    if case .infeasible(_, let detail) = self { detail } else { "" }
  }

  /// Reads what ``text`` spells.
  init?(_ text: String, detail: String) {
    guard text != "feasible" else {
      self = .feasible
      return
    }
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let rest = String(text[colon...].dropFirst(2))
    switch text[..<colon] {
    case "parameter": self = .infeasible(.parameter(rest), detail: detail)
    case "constraint": self = .infeasible(.constraint(rest), detail: detail)
    case "machine": self = .infeasible(.machine(rest), detail: detail)
    case "workload": self = .infeasible(.workload(rest), detail: detail)
    case "run": self = .infeasible(.run(rest), detail: detail)
    default: return nil
    }
  }
}

/// A hash that is the same in every run: FNV-1a over 64 bits.
struct Fingerprint {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func of(_ bytes: some Sequence<UInt8>) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(bytes)
    return fingerprint.text
  }
}
