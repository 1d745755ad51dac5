import Diagnostics
import Documents
import Quantities
import Workloads

/// Reads the layer tables of SCALE-Sim: convolutions, or products of M×K by K×N.
///
/// Its words are one byte wide, so operators are `int8`. Its convolutions are not padded, but a last window that hangs
/// over the edge still counts: the output has ⌈(input − filter + stride) / stride⌉ positions. That is written as
/// padding at the bottom and on the right. A layer with `DP` in its name is depthwise: each channel has `Num Filter`
/// filters of its own.
struct ScaleSimTopology {
  private static let convolutionColumns = [
    "layer name", "ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter", "strides",
  ]
  private static let largestCell = 1 << 31

  private let table: CSVDocument
  private let sink: DiagnosticSink
  private var sparsityColumn: Int?
  private var batchColumn: Int?

  /// Whether the first row that holds anything is a header of SCALE-Sim.
  static func looksLikeTopology(_ source: SourceText) -> Bool {
    guard let header = CSVDocument(source, rowLimit: 1).rows.first else { return false }
    return isConvolution(header) || isProduct(header)
  }

  private static func isConvolution(_ header: CSVDocument.Row) -> Bool {
    header.cells.count > 2 && header.cells[1].text.lowercased().hasPrefix("ifmap")
  }

  private static func isProduct(_ header: CSVDocument.Row) -> Bool {
    header.cells.count > 3 && header.cells[1...3].map { $0.text.lowercased() } == ["m", "n", "k"]
  }

  /// Reads the table. Problems of cells go to the sink, each at its cell.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    try source.checkEncoding()
    let table = CSVDocument(source)
    var workload = Workload(
      name: TraceReader.stem(source.name), source: "SCALE-Sim topology \(source.name)", operators: [])
    guard let header = table.rows.first else { return workload }
    var topology = ScaleSimTopology(table: table, sink: sink)
    let isProduct = isProduct(header)
    topology.readHeader(header, fixed: isProduct ? 4 : convolutionColumns.count)
    for row in table.rows.dropFirst() {
      try TraceReader.stopIfHopeless(sink)
      if let read = isProduct ? topology.product(row) : topology.convolution(row) { workload.operators.append(read) }
    }
    return workload
  }

  private init(table: CSVDocument, sink: DiagnosticSink) {
    self.table = table
    self.sink = sink
  }

  private mutating func readHeader(_ header: CSVDocument.Row, fixed: Int) {
    if fixed == Self.convolutionColumns.count {
      for (index, expected) in Self.convolutionColumns.enumerated().dropFirst() {
        let found = index < header.cells.count ? header.cells[index].text : ""
        if found.lowercased() == expected || (index == 7 && found.lowercased() == "stride") { continue }
        report(
          "column \(index + 1) is '\(found)' where '\(expected)' is expected",
          at: index < header.cells.count ? header.cells[index].range : header.end)
      }
    }
    // A spreadsheet has some columns of its own, not thousands.
    for (index, cell) in header.cells.enumerated().dropFirst(fixed).prefix(50) {
      switch cell.text.lowercased() {
      case "": continue
      case "sparsity": sparsityColumn = index
      case "batch size", "batch": batchColumn = index
      default: report("the column '\(cell.text)' is not read", at: cell.range, severity: .warning)
      }
    }
  }

  private func convolution(_ row: CSVDocument.Row) -> Operator? {
    let sizes = (1..<8).map { number(row, $0, Self.convolutionColumns[$0]) }
    let batch = batchColumn.map { number(row, $0, "batch size") } ?? 1
    let sparsity = sparsity(row)
    guard let name = name(row), let batch, let sparsity else { return nil }
    let known = sizes.compactMap(\.self)
    guard known.count == sizes.count else { return nil }
    let (input, kernel) = (Extent(known[0], known[1]), Extent(known[2], known[3]))
    let (channels, filters, stride) = (known[4], known[5], known[6])
    let isDepthwise = name.contains("DP")
    let layer = Convolution(
      batch: batch, inputChannels: channels, outputChannels: isDepthwise ? saturating(channels, filters) : filters,
      input: input, kernel: kernel, stride: Extent(stride, stride),
      padding: Padding(
        bottom: Self.overhang(input.height, kernel.height, stride),
        right: Self.overhang(input.width, kernel.width, stride)),
      groups: isDepthwise ? channels : 1)
    return checked(
      Operator(name: name, kind: .convolution(layer), dataType: .int8, sparsity: sparsity), row)
  }

  /// How far the last window reaches beyond the input.
  private static func overhang(_ input: Int, _ filter: Int, _ stride: Int) -> Int {
    guard filter <= input else { return 0 }
    let outputs = (input - filter + stride + stride - 1) / stride
    return max(0, (outputs - 1) * stride + filter - input)
  }

  /// Its M rows of input features are our columns, its N filters our rows.
  private func product(_ row: CSVDocument.Row) -> Operator? {
    let (m, n, k) = (number(row, 1, "M"), number(row, 2, "N"), number(row, 3, "K"))
    let batch = batchColumn.map { number(row, $0, "batch size") } ?? 1
    let sparsity = sparsity(row)
    guard let name = name(row), let m, let n, let k, let batch, let sparsity else { return nil }
    return checked(
      Operator(
        name: name, kind: .gemm(GEMM(m: n, n: saturating(m, batch), k: k)), dataType: .int8, sparsity: sparsity), row)
  }

  private func checked(_ operation: Operator, _ row: CSVDocument.Row) -> Operator? {
    var operation = operation
    var problems = operation.shapeProblems()
    // SCALE-Sim lets the last group of a filter be part-filled; patterns here do not.
    if let sparsityColumn, sparsityColumn < row.cells.count, problems.first?.code == .indivisiblePattern,
      let kept = operation.sparsity.weights.keptFraction(alongReduction: 1)
    {
      operation.sparsity.weights = .unstructured(zeros: 1 - kept)
      report(
        "\(problems[0].message); the layer is read as \(operation.sparsity.weights)",
        at: row.cells[sparsityColumn].range,
        code: .indivisiblePattern, severity: .warning)
      problems = operation.shapeProblems()
    }
    for problem in problems {
      let column = problem.key == "sparsity" ? sparsityColumn : nil
      let range = column.flatMap { $0 < row.cells.count ? row.cells[$0].range : nil } ?? row.cells[0].range
      sink.report(
        Diagnostic(problem.code, problem.message, at: table.source.location(of: range), help: problem.help))
    }
    return problems.isEmpty ? operation : nil
  }

  private func name(_ row: CSVDocument.Row) -> String? {
    if !row.cells[0].text.isEmpty { return row.cells[0].text }
    report("the layer has no name", at: row.cells[0].range)
    return nil
  }

  private func number(_ row: CSVDocument.Row, _ index: Int, _ column: String) -> Int? {
    guard index < row.cells.count else {
      report("the row ends before the column '\(column)'", at: row.end)
      return nil
    }
    let cell = row.cells[index]
    guard let value = Int(cell.text) else {
      report(
        cell.text.isEmpty
          ? "the cell of '\(column)' is empty" : "'\(cell.text)' is not a whole number that '\(column)' could be",
        at: cell.range)
      return nil
    }
    guard (1...Self.largestCell).contains(value) else {
      report(
        "'\(column)' is \(value); it must be from 1 to \(Self.largestCell)", at: cell.range, code: .outOfRange)
      return nil
    }
    return value
  }

  private func sparsity(_ row: CSVDocument.Row) -> OperandSparsity? {
    guard let index = sparsityColumn, index < row.cells.count, !row.cells[index].text.isEmpty else { return .dense }
    let cell = row.cells[index]
    do {
      let pattern = try SparsityPattern(parsing: cell.text)
      // The table knows ratios only; whatever else the grammar allows is a slip here.
      guard case .structured(let n, let m) = pattern else {
        report("'\(cell.text)' is not a ratio N:M", at: cell.range)
        return nil
      }
      return n == m ? .dense : OperandSparsity(weights: pattern)
    } catch {
      report(error.message, at: cell.range, code: .invalidPattern, help: error.help)
      return nil
    }
  }

  private func report(
    _ message: String, at range: Range<Int>, code: DiagnosticCode = .csvSyntax,
    severity: Diagnostic.Severity = .error, help: String? = nil
  ) {
    sink.report(
      Diagnostic(code, message, at: table.source.location(of: range), severity: severity, help: help))
  }
}

/// The product of sizes from a file, or `Int.max` where it does not fit: `Operator.shapeProblems()` refuses that.
package func saturating(_ factors: Int...) -> Int { saturating(factors) }

/// The product of sizes from a file, or `Int.max` where it does not fit.
func saturating(_ factors: [Int]) -> Int {
  // An empty dimension empties the tensor, however large the others claim to be.
  if factors.contains(0) { return 0 }
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    if overflow { return .max }
    product = next
  }
  return product
}

/// The sum of two sizes from a file, or `Int.max` where it does not fit.
func saturatingSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? .max : sum
}
