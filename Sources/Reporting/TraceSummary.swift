import Workloads

/// What a trace holds, by kind and phase.
struct TraceSummary {
  /// Operators of one kind in one phase.
  struct Row {
    var kind: String
    var phase: Phase
    /// Types of the operands, in the order of ``DataType``.
    var types: [DataType] = []
    /// Entries of the trace.
    var operators = 0
    /// The same with their repeats.
    var runs = 0
    /// Dense multiply-accumulates with repeats.
    var macs = 0
  }

  /// One row a kind and phase, kinds in the order in which they first appear.
  private(set) var rows: [Row] = []
  /// Operators with each way of being sparse, most first.
  private(set) var patterns: [(pattern: String, count: Int)] = []

  var operators: Int { rows.reduce(0) { $0 + $1.operators } }
  var runs: Int { rows.reduce(0) { $0 + $1.runs } }
  var macs: Int { rows.reduce(0) { $0 + $1.macs } }

  init(_ workload: Workload) {
    var counts: [String: Int] = [:]
    for op in workload.operators {
      let position = rows.firstIndex { $0.kind == op.kind.name && $0.phase == op.phase } ?? rows.count
      if position == rows.count { rows.append(Row(kind: op.kind.name, phase: op.phase)) }
      rows[position].operators += 1
      rows[position].runs += op.repeats
      rows[position].macs += op.denseMACs * op.repeats
      if !rows[position].types.contains(op.dataType) { rows[position].types.append(op.dataType) }
      if op.sparsity != .dense { counts[op.sparsity.text, default: 0] += 1 }
    }
    for position in rows.indices {
      rows[position].types = DataType.allCases.filter(rows[position].types.contains)
    }
    patterns = counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }
}

extension OperandSparsity {
  /// The operands that are not dense, for example `weights=2:4`.
  var text: String {
    Operand.allCases.filter { self[$0] != .dense }.map { "\($0.rawValue)=\(self[$0])" }.joined(separator: " ")
  }
}
