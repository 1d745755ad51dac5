public import Diagnostics
import Documents
public import Workloads

/// A table of densities, for traces that say nothing of zeros:
///
///     layer,operand,density,structure,source
///     encoder.*.fc1,W,0.5,2:4,"pruned with SparseGPT"
///     encoder.*.fc2,I,0.12,unstructured,profile
///     conv1,O,0.45,,profile
///
/// Layers are operators' names, `*` standing for any characters. The operand is W (weights), I (the activations it reads)
/// or O (its result, which is the activations of the products that depend on it). The structure is `unstructured`
/// (where it is empty), `block RxC`, or any pattern of the grammar, whose density must be the one given. The source is
/// for people.
public enum DensityTable {
  /// One row.
  public struct Row: Sendable {
    /// Which operand.
    public enum Operand: String, CaseIterable, Sendable {
      /// Weights.
      case weights = "W"
      /// What the operator reads.
      case input = "I"
      /// Its result.
      case output = "O"
    }

    /// Names of operators.
    public var layer: String
    /// Which operand.
    public var operand: Operand
    /// Its zeros.
    public var pattern: SparsityPattern
    /// Where the layer stands.
    public var location: SourceLocation
  }

  /// Reads the table.
  /// - Throws: every problem of its cells, each at its place.
  public static func read(_ source: SourceText) throws(DiagnosticList) -> [Row] {
    let table = try SideTable(source, required: ["layer", "operand", "density"], optional: ["structure", "source"])
    var rows: [Row] = []
    for row in table.rows {
      try TraceReader.stopIfHopeless(table.sink)
      let layer = table.required(row, "layer")
      let operand = operand(row, table)
      let pattern = pattern(row, table)
      guard let layer, let operand, let pattern else { continue }
      rows.append(
        Row(layer: layer.text, operand: operand, pattern: pattern, location: table.location(of: layer, in: row)))
    }
    try table.sink.throwIfErrors()
    return rows
  }

  private static func operand(_ row: SideTable.Row, _ table: SideTable) -> Row.Operand? {
    guard let cell = table.required(row, "operand") else { return nil }
    if let operand = Row.Operand(rawValue: cell.text.uppercased()) { return operand }
    table.report(
      .unknownValue, "'\(cell.text)' is not an operand", at: cell.range,
      help: "write W for weights, I for inputs, O for the output")
    return nil
  }

  private static func pattern(_ row: SideTable.Row, _ table: SideTable) -> SparsityPattern? {
    guard let cell = table.required(row, "density"),
      let density = table.number(cell, "a density", in: 0...1)
    else { return nil }
    let structure = table.cell(row, "structure")
    let text = structure?.text ?? ""
    guard density > 0 else {
      table.report(
        .outOfRange, "a density of 0 leaves nothing to compute", at: cell.range, help: "leave the operator out")
      return nil
    }
    if text.isEmpty || text == "unstructured" { return density == 1 ? .dense : .unstructured(zeros: 1 - density) }
    let pattern: SparsityPattern
    do throws(SparsityPatternError) {
      if text.hasPrefix("block ") {
        pattern = try SparsityPattern(parsing: "block(\(text.dropFirst(6)), \(1 - density))")
      } else {
        pattern = try SparsityPattern(parsing: text)
      }
    } catch {
      table.report(
        .invalidPattern, error.message, at: structure?.range ?? row.range,
        help: "write N:M, block RxC, unstructured, or a pattern of the grammar")
      return nil
    }
    // A pattern of fixed density is told twice: both must agree to three digits.
    if case .fanIn = pattern { return pattern }
    guard let kept = pattern.keptFraction(alongReduction: 1) else {
      table.report(
        .invalidPattern, "a mask says its own density", at: structure?.range ?? row.range,
        help: "bind it with --sparsity or --weights")
      return nil
    }
    guard (kept - density).magnitude <= 1e-3 * max(kept, density) else {
      table.report(.invalidPattern, "\(pattern) has a density of \(kept), not \(density)", at: cell.range)
      return nil
    }
    return pattern
  }
}

extension Workload {
  /// The rules that a table of densities means for this workload. Densities of results become those of the activations
  /// of the products that read them.
  /// - Throws: `matches-nothing` for results that no product reads, at their rows.
  public func rules(from rows: [DensityTable.Row]) throws(DiagnosticList) -> [SparsityRule] {
    var rules: [SparsityRule] = []
    var problems: [Diagnostic] = []
    for row in rows {
      switch row.operand {
      case .weights: rules.append(SparsityRule(operators: row.layer, .weights, row.pattern, at: row.location))
      case .input: rules.append(SparsityRule(operators: row.layer, .activations, row.pattern, at: row.location))
      case .output:
        let sources = Set(operators.indices.filter { operators[$0].name.fits(glob: row.layer) })
        let readers = operators.filter { op in
          op.kind.isMatrix && op.weightElements > 0 && op.dependencies.contains(where: sources.contains)
        }
        if readers.isEmpty {
          let close = sources.isEmpty ? nearest(to: row.layer, among: operators.map(\.name)) : nil
          problems.append(
            Diagnostic(
              .matchesNothing,
              sources.isEmpty
                ? "no operator of '\(name)' is named '\(row.layer)'"
                : "no product with weights reads the result of '\(row.layer)'",
              at: row.location,
              help: close.map { "did you mean '\($0)'?" } ?? "give the density of the reader's input, I, instead"))
        }
        rules += readers.map { SparsityRule(operators: $0.name, .activations, row.pattern, at: row.location) }
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return rules
  }
}
