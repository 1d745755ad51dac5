import Diagnostics
import Workloads

extension TraceExport {
  /// What SCALE-Sim runs: a table of products where nothing else is there, else one of convolutions, in which a product is
  /// a convolution of 1×1 filters over a column of N pixels.
  ///
  /// SCALE-Sim has no repeats, batches, heads or groups: each becomes a row. It has no padding either: an image is as
  /// large as its windows reach. A convolution of a batch, or with dilation, strides that differ or in a backward pass is
  /// the product that it lowers to. Read again, the table has as many multiply-accumulates as the matrix operators.
  init(topology workload: Workload) throws(DiagnosticList) {
    var topology = ScaleSimRows()
    for op in workload.operators { try topology.add(op) }
    guard !topology.rows.isEmpty else {
      throw DiagnosticList(
        Diagnostic(.emptyTrace, "'\(workload.name)' has no product or convolution, and SCALE-Sim runs nothing else"))
    }
    self.init(topology.text, rows: topology.rows.count, warnings: topology.warnings)
  }
}

/// Rows of a SCALE-Sim topology.
private struct ScaleSimRows {
  /// More than SCALE-Sim could run in a lifetime.
  private static let most = 1 << 18

  /// A layer; a product of M×K by K×N is a column of M pixels with K channels, and N filters.
  struct Row {
    var name: String
    var height: Int
    var width = 1
    var kernel = Extent(1, 1)
    var channels: Int
    var filters: Int
    var stride = 1
    var ratio: (n: Int, m: Int)?
    var isProduct = true
  }

  private(set) var rows: [Row] = []
  private var problems: [(message: String, names: [String])] = []

  mutating func add(_ op: Operator) throws(DiagnosticList) {
    guard op.kind.isMatrix else {
      return note("\(op.kind.name) operators are left out: SCALE-Sim runs products only", op)
    }
    if case .attention(let attention) = op.kind, attention.isCausal || attention.window != nil {
      note("masks of attention are left out: SCALE-Sim multiplies all pairs", op)
    }
    let layers = layers(op)
    let (count, overflow) = layers.count.multipliedReportingOverflow(by: op.repeats)
    guard !overflow, rows.count + count <= Self.most else {
      throw DiagnosticList(
        Diagnostic(
          .tooLarge, "the table would have more than \(Self.most) rows: SCALE-Sim has no repeats, batches or heads",
          help: "take a part of the trace with 'lacuna trace slice'"))
    }
    let isMany = count > 1
    for repetition in 0..<op.repeats {
      for (index, layer) in layers.enumerated() {
        var row = layer
        if isMany { row.name += "_\(repetition * layers.count + index)" }
        rows.append(row)
      }
    }
  }

  private mutating func layers(_ op: Operator) -> [Row] {
    let name = Self.name(op.name)
    let ratio = ratio(op)
    if case .convolution(let layer) = op.kind, op.phase == .inference || op.phase == .forward {
      let isPlain =
        layer.batch == 1 && layer.stride.height == layer.stride.width && layer.dilation == Extent(1, 1)
      if isPlain { return convolution(layer, name, ratio) }
      note(
        "convolutions of a batch, with dilation or with unequal strides are written as the products they lower to", op)
    }
    var rows: [Row] = []
    for problem in op.matrixProblems {
      // Rows of products that are too many are counted, not made.
      let row = Row(name: name, height: problem.n, channels: problem.k, filters: problem.m, ratio: ratio)
      rows += Array(repeating: row, count: min(problem.count, Self.most + 1 - min(rows.count, Self.most)))
    }
    return rows
  }

  private func convolution(_ layer: Convolution, _ name: String, _ ratio: (n: Int, m: Int)?) -> [Row] {
    let stride = layer.stride.height
    var row = Row(
      name: name, height: (layer.output.height - 1) * stride + layer.kernel.height,
      width: (layer.output.width - 1) * stride + layer.kernel.width, kernel: layer.kernel,
      channels: layer.inputChannels,
      filters: layer.outputChannels, stride: stride, ratio: ratio, isProduct: false)
    guard layer.groups > 1 else { return [row] }
    if layer.groups == layer.inputChannels {
      // Depthwise: SCALE-Sim knows it by its name.
      row.name += "_DP"
      row.filters = layer.outputChannels / layer.groups
      row.ratio = nil
      return [row]
    }
    row.channels /= layer.groups
    row.filters /= layer.groups
    return Array(repeating: row, count: min(layer.groups, Self.most + 1))
  }

  /// Commas end a cell, and DP in a name makes a layer depthwise.
  private static func name(_ name: String) -> String {
    let plain = String(
      name.unicodeScalars.map { scalar in
        let isSpecial =
          scalar == "," || scalar == "\"" || scalar.properties.isWhitespace
          || scalar.properties.generalCategory == .control
        return isSpecial ? "_" : Character(scalar)
      })
    return plain.isEmpty ? "layer" : plain.replacing("DP", with: "D-P")
  }

  /// The weights' pattern where it is a ratio along the reduction.
  private mutating func ratio(_ op: Operator) -> (n: Int, m: Int)? {
    if op.sparsity.activations != .dense || op.sparsity.scores != .dense {
      note("zeros of activations and scores are left out: SCALE-Sim has those of filters only", op)
    }
    switch op.sparsity.weights {
    case .dense: return nil
    case .structured(let n, let m): return (n, m)
    case .bank(let size, let rate) where size % rate == 0: return (size / rate, size)
    default:
      note("patterns other than N:M and banks are written dense", op)
      return nil
    }
  }

  private mutating func note(_ message: String, _ op: Operator) {
    let position = problems.firstIndex { $0.message == message } ?? problems.count
    if position == problems.count { problems.append((message, [])) }
    problems[position].names.append(op.name)
  }

  var warnings: [Diagnostic] {
    problems.map { problem in
      let examples = problem.names.prefix(3).joined(separator: ", ") + (problem.names.count > 3 ? ", …" : "")
      return Diagnostic(
        .unsupportedOperator, "\(problem.message) (\(problem.names.count)×: \(examples))", severity: .warning)
    }
  }

  var text: String {
    let isProducts = rows.allSatisfy(\.isProduct)
    let largest = rows.compactMap(\.ratio?.m).max()
    var text =
      isProducts
      ? "Layer, M, N, K,"
      : "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
    text += largest == nil ? "\n" : " Sparsity,\n"
    for row in rows {
      let sizes =
        isProducts
        ? [row.height, row.filters, row.channels]
        : [
          row.height, row.width, row.kernel.height, row.kernel.width, row.channels, row.filters, row.stride,
        ]
      text += row.name + ", " + sizes.map(String.init).joined(separator: ", ") + ","
      // A dense layer keeps all of its groups.
      if let largest { text += row.ratio.map { " \($0.n):\($0.m)," } ?? " \(largest):\(largest)," }
      text += "\n"
    }
    return text
  }
}
