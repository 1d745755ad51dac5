public import Diagnostics
public import Workloads

/// A table of activation sparsity as TEAL publishes it (Liu et al., arXiv 2408.14690): for one decoder layer, the
/// share of zeros in the input of each projection, over the effective sparsity of the whole layer.
///
///     Effective Sparsity,Activation Error,Baseline Error,q,k,v,o,gate,up,down
///
/// The published tables end in rows whose search overshot, with shares above 1: those are not used.
public struct ActivationSparsityTable: Sendable {
  /// The layer that the file's name tells: the last number in it; nil without one.
  public let layer: Int?
  /// What the file is called.
  public let name: String
  /// Rows by effective sparsity, each with the zeros of every projection's input.
  private let rows: [(effective: Double, zeros: [Double])]

  /// The projections, in the order of the columns.
  public static let projections = ["q", "k", "v", "o", "gate", "up", "down"]

  /// Reads the table.
  /// - Throws: every problem of its cells, each at its place.
  public init(_ source: SourceText) throws(DiagnosticList) {
    let table = try SideTable(
      source, required: ["effective sparsity"] + Self.projections, optional: ["activation error", "baseline error"])
    var rows: [(effective: Double, zeros: [Double])] = []
    for row in table.rows {
      try TraceReader.stopIfHopeless(table.sink)
      let values = (["effective sparsity"] + Self.projections).map { column in
        table.required(row, column).flatMap { table.number($0, "a share of zeros", in: 0...1024) }
      }
      if let effective = values[0], values.allSatisfy({ $0 != nil }) {
        rows.append((effective, values.dropFirst().compactMap { $0 }))
      }
    }
    try table.sink.throwIfErrors()
    guard !rows.isEmpty else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds a header and no rows"))
    }
    self.rows = rows
    name = source.name
    let digits = TraceReader.stem(source.name).reversed().drop { !$0.isNumber }.prefix { $0.isNumber }
    layer = Int(String(digits.reversed()))
  }

  /// The zeros of each projection's input, of the row nearest to an effective sparsity.
  /// - Throws: `out-of-range` where no row is within 0.02 of it.
  public func zeros(at effective: Double) throws(DiagnosticList) -> [Double] {
    // Steps of the search add up to a little more than 1.
    let usable = rows.filter { $0.zeros.allSatisfy { $0 <= 1 + 1e-9 } }
    let row = usable.min { ($0.effective - effective).magnitude < ($1.effective - effective).magnitude }
    guard let row, (row.effective - effective).magnitude <= 0.02 else {
      let known = usable.map(\.effective)
      throw DiagnosticList(
        Diagnostic(
          .outOfRange, "\(name) has no row near an effective sparsity of \(effective)",
          help: "it has some from \(known.min() ?? 0) to \(known.max() ?? 0)"))
    }
    return row.zeros
  }
}

extension Workload {
  /// Rules that give the projections of decoder layers their activation sparsity.
  ///
  /// A projection is an operator whose name ends in `q_proj`, `k_proj` … `down_proj`; its layer is the number within
  /// its name. Where names tell no layer, one operator stands for all of them and gets the mean over the tables.
  /// - Throws: `matches-nothing` where there is no projection, or none of a table's layer; `duplicate-key` for two
  ///   tables of one layer; `out-of-range`.
  public func rules(
    from tables: [ActivationSparsityTable], effective: Double
  ) throws(DiagnosticList) -> [SparsityRule] {
    var byLayer: [Int: [Double]] = [:]
    var all: [[Double]] = []
    for table in tables {
      let zeros = try table.zeros(at: effective)
      all.append(zeros)
      guard let layer = table.layer, byLayer.updateValue(zeros, forKey: layer) != nil else { continue }
      throw DiagnosticList(
        Diagnostic(
          .duplicateKey, "there are two tables of layer \(layer), the second one is \(table.name)",
          help: "name the tables of one model"))
    }
    var rules: [SparsityRule] = []
    for op in operators {
      let parts = op.name.split(separator: ".")
      guard let last = parts.last, last.hasSuffix("_proj"), op.weightElements > 0,
        let column = ActivationSparsityTable.projections.firstIndex(of: String(last.dropLast(5)))
      else { continue }
      let zeros: Double
      if let layer = parts.compactMap({ Int($0) }).first {
        guard let row = byLayer[layer] ?? (tables.count == 1 ? all[0] : nil) else { continue }
        zeros = row[column]
      } else {
        zeros = all.reduce(0) { $0 + $1[column] } / Double(all.count)
      }
      rules.append(
        SparsityRule(operators: op.name, .activations, zeros == 0 ? .dense : .unstructured(zeros: min(zeros, 0.9999))))
    }
    guard !rules.isEmpty else {
      throw DiagnosticList(
        Diagnostic(
          .matchesNothing, "no operator of '\(name)' is a projection of a layer that the tables speak of",
          help: "operators must be named as in a decoder's description: …3.self_attn.q_proj, …gate_proj"))
    }
    return rules
  }
}
