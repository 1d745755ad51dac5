public import Diagnostics

/// Gives a pattern to an operand of many operators: `weights=2:4`, or `encoder.*:weights=2:4` for some of them.
public struct SparsityRule: Hashable, Sendable {
  /// Which operators: a name in which `*` stands for any characters; nil for all.
  public var operators: String?
  /// Which operand.
  public var operand: OperandSparsity.Operand
  /// Its pattern.
  public var pattern: SparsityPattern

  /// A rule; for all operators unless told otherwise.
  public init(operators: String? = nil, _ operand: OperandSparsity.Operand, _ pattern: SparsityPattern) {
    self.operators = operators
    self.operand = operand
    self.pattern = pattern
  }

  /// Reads a rule.
  /// - Throws: an `invalid-pattern` or `unknown-value` diagnostic.
  public init(parsing text: String) throws(DiagnosticList) {
    guard let equals = text.firstIndex(of: "=") else {
      throw DiagnosticList(
        Diagnostic(
          .invalidPattern, "'\(text)' is not a sparsity rule",
          help: "write OPERAND=PATTERN, for example weights=2:4, or OPERATORS:OPERAND=PATTERN"))
    }
    var head = text[..<equals]
    var operators: String?
    if let colon = head.lastIndex(of: ":") {
      operators = String(head[..<colon])
      head = head[head.index(after: colon)...]
    }
    let names = OperandSparsity.Operand.allCases.map(\.rawValue)
    guard let operand = OperandSparsity.Operand(rawValue: String(head)) else {
      let close = nearest(to: String(head), among: names)
      throw DiagnosticList(
        Diagnostic(
          .unknownValue, "'\(head)' is not an operand", notes: ["known: \(names.joined(separator: ", "))"],
          help: close.map { "did you mean '\($0)'?" }))
    }
    do {
      self.init(
        operators: operators, operand,
        try SparsityPattern(parsing: String(text[text.index(after: equals)...])))
    } catch {
      throw DiagnosticList(Diagnostic(.invalidPattern, error.message, help: error.help))
    }
  }

  /// Whether the rule speaks of this operator.
  func covers(_ op: Operator) -> Bool {
    guard operators.map(op.name.fits(glob:)) ?? true else { return false }
    switch operand {
    case .weights: return op.weightElements > 0
    case .activations: return op.kind.isMatrix && op.weightElements > 0
    case .scores:
      if case .attention = op.kind { return true }
      return false
    }
  }
}

extension String {
  /// Whether it fits a glob in which `*` stands for any characters.
  package func fits(glob: String) -> Bool {
    var (rest, pattern) = (self[...], glob[...])
    // Where to go on when the star seen last has to stand for one character more.
    var retry: (text: Substring, glob: Substring)?
    while !rest.isEmpty {
      if pattern.first == "*" {
        pattern = pattern.dropFirst()
        retry = (rest, pattern)
      } else if pattern.first == rest.first {
        (rest, pattern) = (rest.dropFirst(), pattern.dropFirst())
      } else if let star = retry {
        (rest, pattern) = (star.text.dropFirst(), star.glob)
        retry = (rest, pattern)
      } else {
        return false
      }
    }
    return pattern.allSatisfy { $0 == "*" }
  }
}

/// What a transformation of a workload left as it was, and why.
public struct WorkloadNote: Hashable, Sendable {
  /// What was done and why.
  public var message: String
  /// Names of the operators it concerns.
  public var operators: [String]
}

/// Collects notes, one for each distinct message.
struct WorkloadNotes {
  private(set) var all: [WorkloadNote] = []

  mutating func add(_ message: String, _ name: String) {
    if let index = all.firstIndex(where: { $0.message == message }) {
      all[index].operators.append(name)
    } else {
      all.append(WorkloadNote(message: message, operators: [name]))
    }
  }
}

extension Workload {
  /// The workload with the rules applied in order; a later rule wins where two speak of one operand.
  ///
  /// An operator whose channels the pattern's groups do not divide stays dense and is noted, as pruning tools leave
  /// it; a rule that names that operator alone is an error instead. Backward operators stay dense: training methods
  /// decide about them (``trained(by:rules:optimizer:)``).
  /// - Throws: `matches-nothing` for a rule without an operator, `indivisible-pattern`, `unsupported-pattern`.
  public func applying(
    _ rules: [SparsityRule]
  ) throws(DiagnosticList) -> (workload: Workload, notes: [WorkloadNote]) {
    var result = self
    var notes = WorkloadNotes()
    var problems: [Diagnostic] = []
    for rule in rules {
      if case .mask(let file, _) = rule.pattern {
        problems.append(
          Diagnostic(
            .unsupportedPattern, "masks are not read yet, so the zeros of '\(file)' are unknown",
            help: "give the pattern the mask follows, such as 2:4 or unstructured(0.7)"))
        continue
      }
      var matched = 0
      for index in result.operators.indices where rule.covers(result.operators[index]) {
        var op = result.operators[index]
        guard op.phase == .inference || op.phase == .forward else {
          notes.add("backward operators stay dense without a training method", op.name)
          continue
        }
        matched += 1
        op.sparsity[rule.operand] = rule.pattern
        if let problem = op.shapeProblems().first {
          if rule.operators == op.name {
            problems.append(
              Diagnostic(problem.code, "'\(op.name)': \(problem.message)", help: problem.help))
          } else {
            notes.add("stays dense: its channels are not divisible into groups for \(rule.pattern)", op.name)
          }
          continue
        }
        result.operators[index] = op
      }
      if matched == 0 { problems.append(rule.matchesNothing(in: self)) }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return (result, notes.all)
  }
}

extension SparsityRule {
  func matchesNothing(in workload: Workload) -> Diagnostic {
    let what = operators.map { "'\($0)'" } ?? "any operator"
    let close = operators.flatMap { nearest(to: $0, among: workload.operators.map(\.name)) }
    return Diagnostic(
      .matchesNothing, "no operator of '\(workload.name)' has \(operand.rawValue) for a rule on \(what)",
      help: close.map { "did you mean '\($0)'?" } ?? "lacuna trace info lists the operators")
  }
}

extension Workload {
  /// The workload with its weights stored in another type, and multiplied as they are: weight-only quantisation of every
  /// product, embeddings and activations left as they are.
  public func storingWeights(as type: DataType) -> Workload {
    var result = self
    for index in result.operators.indices where operators[index].kind.isMatrix && operators[index].weightElements > 0 {
      result.operators[index].weightType = type == operators[index].dataType ? nil : type
    }
    return result
  }

  /// The workload in another data type, as quantisation would leave it: every floating-point operand and result,
  /// and 8-bit ones; indices keep theirs.
  public func converting(to type: DataType) -> Workload {
    func convert(_ old: DataType) -> DataType {
      switch old {
      case .int64, .int32, .int16: old
      case .fp64, .fp32, .tf32, .fp16, .bf16, .fp8, .int8, .int4: type
      }
    }
    var result = self
    for index in result.operators.indices {
      result.operators[index].dataType = convert(operators[index].dataType)
      result.operators[index].outputType = convert(operators[index].outputType)
    }
    return result
  }
}
