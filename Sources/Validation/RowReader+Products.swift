import Quantities
import Simulation
import Workloads

// Products: C[m×n] = A[m×k]·B[k×n], A the weights, 2:4 along k when sparse.

extension RowReader {
  /// Sets of operands and results that measured products take in turn. Their number is not on record: four, say times and
  /// powers of small products beside those of `Repeats/sets.csv`.
  private static let sets: Int64 = 4

  private func product() -> (label: String, shape: GEMM, type: DataType)? {
    let (m, n, k, type) = (size("m"), size("n"), size("k"), dataType("dtype"))
    guard let m, let n, let k, let type else { return nil }
    let shape = GEMM(m: m, n: n, k: k)
    return ("\(text("layer")) \(shape.text)", shape, type)
  }

  /// Dense and 2:4 side by side.
  func products(_ kind: ReferenceKind) -> ExperimentRow? {
    let (dense, sparse) = (readings(kind, "dense_"), readings(kind, "sparse24_"))
    guard let (label, shape, type) = product() else { return nil }
    guard
      let operators = checked(
        [.product("dense", shape, type), .product("2:4", shape, type, weights: .twoOfFour)],
        columns: ["sparsity": "k"])
    else { return nil }
    func experiment(_ op: Operator, _ readings: [Experiment.Reading], variant: String, baseline: Int?) -> Experiment {
      Experiment(
        variant: variant, category: shape.category, operators: [op],
        warmBytes: Self.kept(shape.bytes(of: op) * Self.sets),
        readings: readings, baseline: baseline)
    }
    return ExperimentRow(
      label: label, dataType: type,
      experiments: [
        experiment(operators[0], dense, variant: "dense", baseline: nil),
        experiment(operators[1], sparse, variant: "2:4", baseline: 0),
      ])
  }

  /// One kernel with its counters.
  func countedProduct(_ kind: ReferenceKind) -> ExperimentRow? {
    let readings = readings(kind)
    let isSparse = choice("sparse24", [("0", false), ("1", true)], what: "0 or 1")
    guard let (label, shape, type) = product(), let isSparse else { return nil }
    let name = isSparse ? "2:4" : "dense"
    guard
      let operators = checked(
        [.product(name, shape, type, weights: isSparse ? .twoOfFour : .dense)], columns: ["sparsity": "k"])
    else { return nil }
    return ExperimentRow(
      label: label, dataType: type,
      experiments: [
        Experiment(
          variant: name, category: shape.category, operators: operators, power: .burst,
          kernel: KernelName(text(optional: "kernel")), readings: readings)
      ])
  }

  /// Weights in blocks or anywhere, FP16.
  func sparseWeights(_ kind: ReferenceKind) -> ExperimentRow? {
    let readings = readings(kind)
    let (m, n, k, block, density) = (size("M"), size("N"), size("K"), size("block"), fraction("density"))
    let isBlock = choice("format", [("bsr", true), ("csr", false)], what: "a sparse format")
    guard let m, let n, let k, let block, let density, let isBlock else { return nil }
    let pattern: SparsityPattern =
      isBlock ? .block(rows: block, columns: block, zeros: 1 - density) : .unstructured(zeros: 1 - density)
    let shape = GEMM(m: m, n: n, k: k)
    let name = text("format")
    guard
      let operators = checked(
        [.product(name, shape, .fp16, weights: pattern)],
        columns: ["m": "M", "n": "N", "k": "K", "sparsity": "density"])
    else { return nil }
    return ExperimentRow(
      label: "\(name) \(block), density \(text("density"))", dataType: .fp16,
      experiments: [
        Experiment(
          variant: isBlock ? "block" : "unstructured", category: name, operators: operators, power: .burst,
          readings: readings)
      ])
  }

  /// The training step of a feed-forward layer's first product, FP16: forward (FF), backward-data (BP) with the
  /// weights' other axis 2:4, backward-weight (WU) dense, and the compression of both copies of the weights.
  func training(_ kind: ReferenceKind) -> ExperimentRow? {
    let (d, ffn, tokens) = (size("d"), size("ffn"), size("tokens"))
    let stages = ["ff_dense", "ff_sparse24", "bp_dense", "bp_sparse24", "wu", "compress"].map { readings(kind, $0) }
    guard let d, let ffn, let tokens else { return nil }
    let forward = GEMM(m: ffn, n: tokens, k: d)
    let backward = GEMM(m: d, n: tokens, k: ffn)
    let gradient = GEMM(m: ffn, n: d, k: tokens, hasWeights: false)
    let compression = Operator(
      name: "compress", kind: .pruning(Pruning(elements: d * ffn, n: 2, m: 4)), dataType: .fp16)
    guard
      let operators = checked(
        [
          .product("ff", forward, .fp16), .product("ff", forward, .fp16, weights: .twoOfFour),
          .product("bp", backward, .fp16), .product("bp", backward, .fp16, weights: .twoOfFour),
          .product("wu", gradient, .fp16), compression,
        ], columns: ["sparsity": d % 4 == 0 ? "ffn" : "d"])
    else { return nil }
    let experiments = operators.indices.map { index in
      Experiment(
        variant: [1, 3].contains(index) ? "2:4" : "dense", category: operators[index].name,
        operators: index == 5 ? [compression, compression] : [operators[index]], power: .burst,
        readings: stages[index],
        baseline: index == 1 ? 0 : index == 3 ? 2 : nil)
    }
    return ExperimentRow(label: "\(ffn)×\(tokens)×\(d)", dataType: .fp16, experiments: experiments)
  }
}

extension GEMM {
  /// What one set of a product's operands, as they are stored, and of its results takes.
  fileprivate func bytes(of op: Operator) -> Bytes {
    let weights = op.sparsity.weights
    let (m, n, k) = (Double(m), Double(n), Double(k))
    let values = m * k * (weights.keptFraction(alongReduction: self.k) ?? 1)
    let bits =
      values * Double(op.dataType.bits + weights.metadataBitsPerValue) + n * k * Double(op.dataType.bits)
      + m * n * Double(op.outputType.bits)
    // Sizes that a file may hold multiply to more than a count does.
    return Bytes(Int64(min(bits / 8, 1e15)))
  }
}
