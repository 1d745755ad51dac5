import Diagnostics
import Quantities
import Simulation
import Traces
import Workloads

extension RowReader {
  /// One fused kernel, FP16: full, causal, or with a part of its blocks.
  func attention(_ kind: ReferenceKind) -> ExperimentRow? {
    let readings = readings(kind)
    let (batch, heads, length, dimension, density) = (
      size("B"), size("H"), size("S"), size("D"), fraction("density")
    )
    enum Mask { case none, causal, blocks }
    let mask = choice(
      "kind", [("sdpa", Mask.none), ("sdpa_causal", .causal), ("flex_block", .blocks)], what: "a kind of attention")
    var scores = SparsityPattern.dense
    if case .blocks? = mask {
      guard let block = size("block"), let density else { return nil }
      scores = .block(rows: block, columns: block, zeros: 1 - density)
    }
    guard let batch, let heads, let length, let dimension, let mask, density != nil else { return nil }
    let shape = Attention(
      batch: batch, heads: heads, queryLength: length, headDimension: dimension, isCausal: mask == .causal)
    let name = text("kind")
    let op = Operator(
      name: name, kind: .attention(shape), dataType: .fp16, sparsity: OperandSparsity(scores: scores))
    let columns = ["batch": "B", "heads": "H", "query_length": "S", "head_dim": "D", "sparsity": "density"]
    guard let operators = checked([op], columns: columns) else { return nil }
    // Queries, keys, values and results of 16 bits, the same in every run.
    let bytes = Bytes(Int64(saturating(batch, heads, length, 8 * dimension)))
    return ExperimentRow(
      label: "\(name) \(op.kind.shapeDescription), density \(text("density"))", dataType: .fp16,
      experiments: Experiment(
        variant: scores == .dense ? "dense" : "block", category: name, operators: operators,
        warmBytes: Self.kept(bytes), readings: readings
      ).replayed)
  }

  /// One vector operator, FP16. Its shape is a size (`16MiB`) or `ROWSxWIDTH`; with `_hot` after its name, its data
  /// is still in the cache, as far as it fits.
  func memory(_ kind: ReferenceKind) -> ExperimentRow? {
    let readings = readings(kind)
    let hot = "_hot"
    let name = text("op")
    let isHot = name.hasSuffix(hot)
    let known = [
      "add1", "add", "mul", "copy", "relu", "gelu", "silu", "sum", "layernorm", "rmsnorm", "softmax", "transpose",
    ]
    let function = choice(
      "op", known.map { ($0, $0) } + known.map { ($0 + hot, $0) }, what: "an operator that is measured")
    guard let shape = memoryShape(), let function else { return nil }
    let elements = saturating(shape.rows, shape.width)
    let operation: OperatorKind
    func each(_ function: Elementwise.Function, inputs: Int = 1) -> OperatorKind {
      .elementwise(Elementwise(function, elements: elements, inputs: inputs))
    }
    switch function {
    case "add1": operation = each(.add)
    case "add": operation = each(.add, inputs: 2)
    case "mul": operation = each(.multiply, inputs: 2)
    case "copy": operation = each(.copy)
    case "relu": operation = each(.relu)
    case "gelu": operation = each(.gelu)
    case "silu": operation = each(.silu)
    case "transpose": operation = each(.transpose)
    case "sum": operation = .reduction(Reduction(outputs: 1, width: elements))
    case "layernorm": operation = .normalization(Normalization(.layer, rows: shape.rows, width: shape.width))
    case "rmsnorm": operation = .normalization(Normalization(.rms, rows: shape.rows, width: shape.width))
    default: operation = .softmax(Softmax(rows: shape.rows, width: shape.width))
    }
    let op = Operator(name: name, kind: operation, dataType: .fp16)
    guard let operators = checked([op], columns: ["name": "shape"]) else { return nil }
    let work = op.vectorWork
    let bytes = Int64(work.elementsRead + work.elementsWritten) * Int64(op.dataType.bits / 8)
    return ExperimentRow(
      label: "\(name) \(text("shape"))", dataType: .fp16,
      experiments: Experiment(
        category: name, operators: operators, residency: isHot ? .onChip : .isolated,
        warmBytes: isHot ? Bytes(bytes) : nil, readings: readings
      ).replayed)
  }

  private func memoryShape() -> (rows: Int, width: Int)? {
    let text = text("shape")
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    if sides.count == 2, let rows = sides[0], let width = sides[1] {
      guard (1...Self.largestSize).contains(rows), (1...Self.largestSize).contains(width) else {
        return problem(.outOfRange, "shape", "must have sides from 1 to \(Self.largestSize)")
      }
      return (rows, width)
    }
    guard let size = try? Bytes(parsing: text) else {
      return problem(.wrongType, "shape", "is neither a size such as 16MiB nor ROWSxWIDTH")
    }
    guard size.count >= 2, size.count <= 1 << 50 else {
      return problem(.outOfRange, "shape", "must hold a value or more")
    }
    return (1, Int(size.count / 2))
  }

  /// A whole stack, FP16, one kernel an operator, results kept on chip where they fit; every product dense, then 2:4.
  func stack(_ kind: ReferenceKind) -> ExperimentRow? {
    let (dense, sparse) = (readings(kind, "dense_"), readings(kind, "sparse24_"))
    let isDecoder = choice("kind", [("encoder", false), ("decoder", true)], what: "a kind of stack")
    let (layers, batch, length) = (size("layers"), size("batch"), size("seq"))
    let (hidden, ffn, heads) = (size("hidden"), size("ffn"), size("heads"))
    guard let isDecoder, let layers, let batch, let length, let hidden, let ffn, let heads else { return nil }
    guard layers <= 10_000 else { return problem(.outOfRange, "layers", "must be from 1 to 10000") }
    guard hidden % heads == 0 else {
      return problem(.inconsistentShape, "heads", "heads do not divide the \(hidden) features of 'hidden'")
    }
    var shape = LayerStack(
      isDecoder: isDecoder, layers: layers, batch: batch, length: length, hidden: hidden, ffn: ffn, heads: heads)
    let columns = [
      "batch": "batch", "query_length": "seq", "n": "seq", "m": "ffn", "k": "hidden", "sparsity": "hidden",
    ]
    // One layer is as good as all for finding problems.
    shape.layers = 1
    shape.weights = .twoOfFour
    guard checked(shape.operators, columns: columns) != nil else { return nil }
    shape.layers = layers
    let sparseOperators = shape.operators
    shape.weights = .dense
    let category = text("kind")
    return ExperimentRow(
      label: text("model"), dataType: .fp16,
      experiments: [
        Experiment(category: category, operators: shape.operators, residency: .chained, readings: dense),
        Experiment(
          variant: "2:4", category: category, operators: sparseOperators, residency: .chained, readings: sparse,
          baseline: 0),
      ])
  }
}
