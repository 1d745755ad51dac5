public import Quantities
public import Workloads

/// What a trace holds and how it is stored.
public struct TraceReport: Sendable {
  /// The trace.
  public var workload: Workload
  /// What its format is called.
  public var format: String
  /// How it is stored; nil where it is no file.
  public var storage: Storage?

  /// A file and what it unfolds to.
  public struct Storage: Hashable, Sendable {
    /// The file's size.
    public var file: Bytes
    /// The same operators as JSON Lines.
    public var text: Bytes
    /// Blocks of a container.
    public var blocks: Int?

    /// A file.
    public init(file: Bytes, text: Bytes, blocks: Int? = nil) {
      self.file = file
      self.text = text
      self.blocks = blocks
    }

    /// How many times smaller than JSON Lines the file is.
    var ratio: Double? { Reporting.ratio(Double(text.count), Double(file.count)) }
  }

  /// A report on a trace.
  public init(_ workload: Workload, format: String, storage: Storage? = nil) {
    self.workload = workload
    self.format = format
    self.storage = storage
  }
}

/// What a trace holds, by kind and phase, by layer, and its largest operators.
struct TraceSummary {
  /// Operators of one kind in one phase.
  struct Row {
    var kind: String
    var phase: Phase
    /// Types of the operands, in the order of ``DataType``.
    var types: [DataType] = []
    /// Entries of the trace.
    var operators = 0
    /// Among them, those that differ in more than their name.
    var unique = 0
    /// The same with their repeats.
    var runs = 0
    /// Dense multiply-accumulates with repeats.
    var macs = 0
    /// Operands and results in memory, each counted once a run, none left out as zero.
    var bytes = Bytes.zero
  }

  /// Operators whose names differ in numbers only, with the same shape and patterns.
  struct Group {
    /// The name, its numbers replaced by `*` where there are several operators.
    var name: String
    var shape: String
    var sparsity: OperandSparsity
    var operators = 0
    var runs = 0
    var macs = 0
    /// Parameters, and those that the pattern keeps; nil where only a mask's file tells.
    var weights = 0
    var keptWeights: Double? = 0
  }

  /// One row a kind and phase, kinds in the order in which they first appear.
  private(set) var rows: [Row] = []
  /// Operators with each way of being sparse, most first.
  private(set) var patterns: [(pattern: String, count: Int)] = []
  /// Groups of matrix operators, in the order in which they first appear.
  private(set) var groups: [Group] = []
  /// Parameters of all operators.
  private(set) var weights = 0

  var operators: Int { rows.reduce(0) { $0 + $1.operators } }
  var unique: Int { rows.reduce(0) { $0 + $1.unique } }
  var runs: Int { rows.reduce(0) { $0 + $1.runs } }
  var macs: Int { rows.reduce(0) { $0 + $1.macs } }
  var bytes: Bytes { rows.reduce(.zero) { $0 + $1.bytes } }

  /// The groups with the most multiply-accumulates, most first.
  var largest: [Group] {
    groups.enumerated().sorted { ($1.element.macs, $0.offset) < ($0.element.macs, $1.offset) }.map(\.element)
  }

  /// The groups that are not dense.
  var sparse: [Group] { groups.filter { $0.sparsity != .dense } }

  private struct Signature: Hashable {
    var kind: OperatorKind
    var phase: Phase
    var dataType: DataType
    var outputType: DataType
    var weightType: DataType?
    var sparsity: OperandSparsity

    init(_ op: Operator) {
      (kind, phase, sparsity) = (op.kind, op.phase, op.sparsity)
      (dataType, outputType, weightType) = (op.dataType, op.outputType, op.weightType)
    }
  }

  private struct GroupKey: Hashable {
    var name: String
    var signature: Signature
  }

  init(_ workload: Workload) {
    struct RowKey: Hashable {
      var kind: String
      var phase: Phase
    }
    var rowPlaces: [RowKey: Int] = [:]
    var groupPlaces: [GroupKey: Int] = [:]
    var signatures: Set<Signature> = []
    var counts: [OperandSparsity: Int] = [:]
    for op in workload.operators {
      let signature = Signature(op)
      let position = rowPlaces[RowKey(kind: op.kind.name, phase: op.phase)] ?? rows.count
      if position == rows.count {
        rows.append(Row(kind: op.kind.name, phase: op.phase))
        rowPlaces[RowKey(kind: op.kind.name, phase: op.phase)] = position
      }
      rows[position].operators += 1
      rows[position].unique += signatures.insert(signature).inserted ? 1 : 0
      rows[position].runs += op.repeats
      rows[position].macs += op.denseMACs * op.repeats
      rows[position].bytes += op.denseFootprint * Int64(op.repeats)
      if !rows[position].types.contains(op.dataType) { rows[position].types.append(op.dataType) }
      if op.sparsity != .dense { counts[op.sparsity, default: 0] += 1 }
      weights += op.phase == .inference || op.phase == .forward ? op.weightElements * op.repeats : 0
      if op.kind.isMatrix { add(op, signature, &groupPlaces) }
    }
    for position in rows.indices {
      rows[position].types = DataType.allCases.filter(rows[position].types.contains)
    }
    patterns = counts.map { ($0.key.text, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }

  private mutating func add(_ op: Operator, _ signature: Signature, _ places: inout [GroupKey: Int]) {
    let key = GroupKey(name: op.name.withoutNumbers, signature: signature)
    let position = places[key] ?? groups.count
    if position == groups.count {
      groups.append(Group(name: op.name, shape: op.kind.shapeDescription, sparsity: op.sparsity))
      places[key] = position
    } else if groups[position].name != op.name {
      groups[position].name = key.name
    }
    groups[position].operators += 1
    groups[position].runs += op.repeats
    groups[position].macs += op.denseMACs * op.repeats
    let weights = op.weightElements * op.repeats
    groups[position].weights += weights
    let kept = op.sparsity.weights.keptFraction(alongReduction: op.matrixProblems.first?.k ?? 1)
    groups[position].keptWeights = groups[position].keptWeights.flatMap { sum in
      kept.map { sum + $0 * Double(weights) }
    }
  }
}

extension Operator {
  /// Operands and results in memory, each once, as if nothing were zero.
  fileprivate var denseFootprint: Bytes {
    let problems = matrixProblems
    let work = vectorWork
    guard !problems.isEmpty else {
      return Bytes(bits: Int64(work.elementsRead * dataType.bits + work.elementsWritten * outputType.bits))
    }
    // Scores of attention stay where they are made.
    if case .attention = kind, problems.count == 2 {
      return Bytes(
        bits: Int64((problems[0].aElements + problems[1].aElements + problems[0].bElements) * dataType.bits)
          + Int64(problems[1].cElements * outputType.bits))
    }
    return problems.reduce(.zero) { sum, problem in
      let aBits = problem.hasWeights ? (weightType ?? dataType).bits : dataType.bits
      return sum
        + Bytes(
          bits: Int64(problem.aElements * aBits + problem.bElements * dataType.bits)
            + Int64(problem.cElements * outputType.bits))
    }
  }
}

extension String {
  /// The text with each number that stands by itself replaced by `*`: `encoder.*.fc1` for `encoder.7.fc1`.
  fileprivate var withoutNumbers: String {
    var text = ""
    var rest = self[...]
    while let first = rest.first {
      let run = rest.prefix { $0.isNumber == first.isNumber }
      rest = rest.dropFirst(run.count)
      let isAlone = first.isNumber && text.last?.isLetter != true && rest.first?.isLetter != true
      text += isAlone ? "*" : run
    }
    return text
  }
}

extension OperandSparsity {
  /// The operands that are not dense, for example `weights=2:4`.
  var text: String {
    Operand.allCases.filter { self[$0] != .dense }.map { "\($0.rawValue)=\(self[$0])" }.joined(separator: " ")
  }
}
