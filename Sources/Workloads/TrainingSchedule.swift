public import Diagnostics

/// What a training run prunes to, phase after phase, and for how many steps.
///
/// Covers dense warm-up and dense fine-tuning (`dense=1000,2:8=9000`), and the decay of Progressive Gradient Flow
/// (Bambhaniya et al., 2024), which halves what is kept until the final pattern is reached.
public struct TrainingSchedule: Hashable, Sendable {
  /// Steps of one pattern.
  public struct Phase: Hashable, Sendable {
    /// N:M, or dense.
    public var pattern: SparsityPattern
    /// How many.
    public var steps: Int

    /// A phase.
    public init(_ pattern: SparsityPattern, steps: Int) {
      self.pattern = pattern
      self.steps = steps
    }
  }

  /// The phases in order; at least one.
  public var phases: [Phase]

  /// The grammar in one line, for help texts.
  public static let grammar = "PATTERN=STEPS or decay(N:M)=STEPS, separated by commas"

  /// The most steps of a phase.
  private static let largestStepCount = 1 << 40

  /// All steps.
  public var steps: Int { phases.reduce(0) { $0 + $1.steps } }

  /// Reads a schedule, for example `dense=1000,2:8=9000` or `decay(2:16)=10000,dense=500`.
  ///
  /// `decay(N:M)` is dense, then keeps M/2 of M, M/4 and so on down to N, for equal shares of its steps.
  /// - Throws: `invalid-pattern` for what is no N:M pattern, `out-of-range` for step counts.
  public init(parsing text: String) throws(DiagnosticList) {
    phases = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false).map { String($0).trimmed }
      guard sides.count == 2 else {
        throw DiagnosticList(
          Diagnostic(
            .invalidPattern, "'\(part)' is not a phase of a schedule",
            help: "write \(Self.grammar), for example dense=1000,2:8=9000"))
      }
      guard let steps = Int(sides[1]), (1...Self.largestStepCount).contains(steps) else {
        throw DiagnosticList(
          Diagnostic(
            .outOfRange, "'\(sides[1])' is not a number of steps", help: "give a whole number from 1 to 2^40"))
      }
      if sides[0].hasPrefix("decay("), sides[0].hasSuffix(")") {
        phases += try Self.decay(to: Self.pattern(String(sides[0].dropFirst(6).dropLast())), steps: steps)
      } else {
        phases.append(Phase(try Self.pattern(sides[0]), steps: steps))
      }
    }
  }

  private static func pattern(_ text: String) throws(DiagnosticList) -> SparsityPattern {
    let pattern: SparsityPattern
    do {
      pattern = try SparsityPattern(parsing: text)
    } catch {
      throw DiagnosticList(Diagnostic(.invalidPattern, error.message, help: error.help))
    }
    switch pattern {
    case .dense, .structured: return pattern
    default:
      throw DiagnosticList(
        Diagnostic(
          .invalidPattern, "a phase prunes to N:M or is dense; '\(pattern)' is neither",
          help: "write a pattern such as 2:8"))
    }
  }

  private static func decay(to pattern: SparsityPattern, steps: Int) throws(DiagnosticList) -> [Phase] {
    guard case .structured(let n, let m) = pattern else {
      throw DiagnosticList(
        Diagnostic(.invalidPattern, "dense training does not decay", help: "write decay(N:M), such as decay(2:8)"))
    }
    var patterns: [SparsityPattern] = [.dense]
    var kept = m / 2
    while kept > n {
      patterns.append(.structured(n: kept, m: m))
      kept /= 2
    }
    if n < m { patterns.append(pattern) }
    guard steps >= patterns.count else {
      throw DiagnosticList(
        Diagnostic(
          .outOfRange, "\(steps) steps are too few for the \(patterns.count) patterns of decay(\(pattern))",
          help: "give at least \(patterns.count)"))
    }
    // What does not divide evenly goes to the last.
    let share = steps / patterns.count
    return patterns.enumerated().map { index, pattern in
      Phase(pattern, steps: index == patterns.count - 1 ? steps - share * index : share)
    }
  }
}
