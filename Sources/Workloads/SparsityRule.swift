public import Diagnostics

/// Gives a pattern to an operand of many operators: `weights=2:4`, or `encoder.*:weights=2:4` for some of them.
public struct SparsityRule: Hashable, Sendable {
  /// Which operators: a name in which `*` stands for any characters; nil for all.
  public var operators: String?
  /// Which operand.
  public var operand: OperandSparsity.Operand
  /// Its pattern.
  public var pattern: SparsityPattern
  /// Where it stands, or where its mask says its shape; nil for one that was typed.
  public var location: SourceLocation?

  /// A rule; for all operators unless told otherwise.
  public init(
    operators: String? = nil, _ operand: OperandSparsity.Operand, _ pattern: SparsityPattern,
    at location: SourceLocation? = nil
  ) {
    self.operators = operators
    self.operand = operand
    self.pattern = pattern
    self.location = location
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
  package func fits(glob: String) -> Bool { parts(fitting: glob) != nil }

  /// What each `*` of a glob stands for, as little as can be from left to right; nil where the text does not fit it.
  package func parts(fitting glob: String) -> [Substring]? {
    var (rest, pattern) = (self[...], glob[...])
    var parts: [Substring] = []
    // Where to go on when the star seen last has to stand for one character more.
    var retry: (start: String.Index, text: Substring, glob: Substring)?
    while !rest.isEmpty {
      if pattern.first == "*" {
        pattern = pattern.dropFirst()
        retry = (rest.startIndex, rest, pattern)
        parts.append(rest.prefix(0))
      } else if pattern.first == rest.first {
        (rest, pattern) = (rest.dropFirst(), pattern.dropFirst())
      } else if let star = retry {
        (rest, pattern) = (star.text.dropFirst(), star.glob)
        retry = (star.start, rest, pattern)
        parts[parts.count - 1] = self[star.start..<rest.startIndex]
      } else {
        return nil
      }
    }
    guard pattern.allSatisfy({ $0 == "*" }) else { return nil }
    return parts + pattern.map { _ in self[endIndex...] }
  }
}

/// What a transformation of a workload left as it was, and why.
public struct WorkloadNote: Hashable, Sendable {
  /// What was done and why.
  public var message: String
  /// Names of the operators it concerns.
  public var operators: [String]

  /// A note.
  public init(message: String, operators: [String]) {
    self.message = message
    self.operators = operators
  }
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
      if case .mask(let mask) = rule.pattern, mask.zeros == nil || rule.operand != .weights {
        problems.append(rule.unreadMask(mask))
        continue
      }
      var matched = 0
      var applied = 0
      var mismatch: Diagnostic?
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
              Diagnostic(
                problem.code, "'\(op.name)': \(problem.message)", at: rule.location, help: problem.help))
          } else if rule.pattern.zeros != nil {
            mismatch =
              mismatch
              ?? Diagnostic(
                problem.code, "no operator of this rule fits; '\(op.name)': \(problem.message)", at: rule.location,
                help: problem.help)
            notes.add("stays as it was: its weights have another shape than \(rule.pattern)", op.name)
          } else {
            notes.add("stays dense: its channels are not divisible into groups for \(rule.pattern)", op.name)
          }
          continue
        }
        applied += 1
        result.operators[index] = op
      }
      if matched == 0 { problems.append(rule.matchesNothing(in: self)) }
      if applied == 0, let mismatch { problems.append(mismatch) }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return (result, notes.all)
  }
}

extension SparsityRule {
  fileprivate func unreadMask(_ mask: MaskReference) -> Diagnostic {
    operand == .weights
      ? Diagnostic(
        .unsupportedPattern, "the zeros of '\(mask.file)' have not been read", at: location,
        help: "read them with TensorReader, or give the pattern they follow, such as 2:4")
      : Diagnostic(
        .unsupportedPattern, "\(operand.rawValue) have no mask: a file holds the zeros of weights", at: location,
        help: "give a pattern such as unstructured(0.5)")
  }

  func matchesNothing(in workload: Workload) -> Diagnostic {
    let what = operators.map { "'\($0)'" } ?? "any operator"
    let close = operators.flatMap { nearest(to: $0, among: workload.operators.map(\.name)) }
    return Diagnostic(
      .matchesNothing, "no operator of '\(workload.name)' has \(operand.rawValue) for a rule on \(what)", at: location,
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
