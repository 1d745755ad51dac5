public import Diagnostics
import Documents
import Workloads

/// A table that says which tensor holds an operator's weights:
///
///     operator,tensor
///     conv2d.0,conv1.weight
///     layer*.conv*,model.layers.*.conv_*.weight
///
/// In operators, `*` stands for any characters; each `*` of the tensor is what the `*` of the same place stood for.
public struct TensorNames: Sendable {
  struct Row: Sendable {
    var glob: String
    var tensor: String
    var location: SourceLocation
  }

  let rows: [Row]

  /// No table.
  public init() { rows = [] }

  /// Reads the table.
  /// - Throws: every problem of its cells, each at its place.
  public init(_ source: SourceText) throws(DiagnosticList) {
    let table = try SideTable(source, required: ["operator", "tensor"])
    var rows: [Row] = []
    for row in table.rows {
      try TraceReader.stopIfHopeless(table.sink)
      guard let glob = table.required(row, "operator"), let tensor = table.required(row, "tensor") else { continue }
      let (stars, places) = (glob.text.count { $0 == "*" }, tensor.text.count { $0 == "*" })
      guard places <= stars else {
        table.report(
          .inconsistentShape, "the tensor has \(places) '*', but the operator only \(stars) to take them from",
          at: tensor.range)
        continue
      }
      rows.append(Row(glob: glob.text, tensor: tensor.text, location: table.location(of: tensor, in: row)))
    }
    try table.sink.throwIfErrors()
    self.rows = rows
  }

  /// The tensor for an operator by the first row that speaks of it, and that row.
  func tensor(for name: String) -> (name: String, row: Row)? {
    for row in rows {
      guard var parts = name.parts(fitting: row.glob)?[...] else { continue }
      var tensor = ""
      for character in row.tensor {
        if character == "*", let part = parts.popFirst() { tensor += part } else { tensor.append(character) }
      }
      return (tensor, row)
    }
    return nil
  }
}
