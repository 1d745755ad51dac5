extension Workload {
  /// The training step of a forward trace: its operators in the forward phase, then for each, last to first, the
  /// gradient of its input and of its weights, then an update of all weights.
  ///
  /// Gradients flow along the trace's dependencies; a trace without any is a chain. Where several operators use one
  /// result, their gradients are added up; additions and copies pass theirs on without work. An operator gets an input
  /// gradient only if something before it is trained: nobody needs the gradient of the data. Parameters of
  /// normalizations are not counted.
  public func expandedToTraining(optimizer: WeightUpdate.Optimizer) -> Workload {
    var result = self
    let isChain = operators.allSatisfy(\.dependencies.isEmpty)
    for index in result.operators.indices {
      result.operators[index].phase = .forward
      if isChain, index > 0 { result.operators[index].dependencies = [index - 1] }
    }
    let producers = result.operators.map(\.dependencies)
    var followsTrained = [Bool](repeating: false, count: operators.count)
    var isConsumed = followsTrained
    for (index, inputs) in producers.enumerated() {
      followsTrained[index] = inputs.contains { followsTrained[$0] || operators[$0].isTrained }
      for input in inputs { isConsumed[input] = true }
    }

    // What holds the gradients of each result, one for each consumer that passes one back.
    var gradients = [[Int]](repeating: [], count: operators.count)
    for (index, op) in operators.enumerated().reversed() where followsTrained[index] || op.isTrained {
      // Where the network ends, the loss is known.
      if !isConsumed[index] { gradients[index] = [operators.count - 1] }
      if gradients[index].count > 1 { result.addUp(&gradients[index], of: op) }
      var passed = gradients[index]
      for var backward in op.backward(includingInput: followsTrained[index]) {
        backward.dependencies = gradients[index]
        if backward.phase == .backwardData { passed = [result.operators.count] }
        result.operators.append(backward)
      }
      for producer in producers[index] { gradients[producer] += passed }
    }
    for op in operators where op.weightElements > 0 {
      result.operators.append(
        Operator(
          name: op.name + ".update",
          kind: .update(WeightUpdate(parameters: op.weightElements, optimizer: optimizer)), phase: .update,
          dataType: op.dataType, repeats: op.repeats))
    }
    return result
  }

  /// Adds up the gradients of one result in a single pass that reads them all.
  private mutating func addUp(_ gradients: inout [Int], of op: Operator) {
    operators.append(
      Operator(
        name: op.name + ".backward_sum",
        kind: .elementwise(Elementwise(.add, elements: op.resultElements, inputs: gradients.count)),
        phase: .backwardData, dataType: op.outputType, dependencies: Set(gradients).sorted(), repeats: op.repeats))
    gradients = [operators.count - 1]
  }
}

extension Operator {
  /// Whether it has parameters that training changes.
  fileprivate var isTrained: Bool {
    if case .embedding = kind { true } else { weightElements > 0 }
  }

  /// Elements of its result.
  fileprivate var resultElements: Int {
    if case .attention = kind { return matrixProblems.last?.cElements ?? 0 }
    return kind.isMatrix ? matrixProblems.reduce(0) { $0 + $1.cElements } : vectorWork.elementsWritten
  }

  /// The operators of its backward pass.
  func backward(includingInput: Bool) -> [Operator] {
    func make(_ suffix: String, _ kind: OperatorKind, _ phase: Phase) -> Operator {
      Operator(
        name: name + suffix, kind: kind, phase: phase, dataType: dataType, outputType: outputType,
        repeats: repeats)
    }
    let input: [OperatorKind]
    var weights: [OperatorKind] = []
    switch kind {
    case .gemm(let g) where g.hasWeights:
      input = [.gemm(GEMM(m: g.k, n: g.n, k: g.m, batch: g.batch))]
      weights = [.gemm(GEMM(m: g.m, n: g.k, k: g.n, batch: g.batch, hasWeights: false))]
    case .gemm(let g):
      input = [
        .gemm(GEMM(m: g.m, n: g.k, k: g.n, batch: g.batch, hasWeights: false)),
        .gemm(GEMM(m: g.k, n: g.n, k: g.m, batch: g.batch, hasWeights: false)),
      ]
    case .groupedGEMM(let g):
      input = [.groupedGEMM(GroupedGEMM(m: g.k, k: g.m, columns: g.columns))]
      // The reduction runs over each group's own columns; groups of equal width are one batch.
      let widths = g.columns.filter { $0 > 0 }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      weights = widths.sorted { $0.key < $1.key }.map { width, count in
        .gemm(GEMM(m: g.m, n: g.k, k: width, batch: count, hasWeights: false))
      }
    case .convolution(let convolution):
      input = [.convolution(convolution)]
      weights = [.convolution(convolution)]
    case .elementwise(let e):
      switch e.function {
      case .add, .copy, .cast: input = []
      case .transpose: input = [kind]
      case .multiply, .relu, .gelu, .silu, .tanh, .sigmoid, .exp, .sqrt:
        input = [.elementwise(Elementwise(e.function, elements: e.elements, inputs: e.inputs + 1))]
      }
    case .embedding(let e):
      input = []
      weights = [.embedding(e)]
    case .reduction(let r):
      input = [.elementwise(Elementwise(.copy, elements: r.outputs * r.width))]
    case .attention, .normalization, .softmax, .pooling: input = [kind]
    case .update, .pruning: input = []
    }
    var result: [Operator] = []
    if includingInput {
      for (index, kind) in input.enumerated() {
        result.append(make(input.count == 1 ? ".backward_data" : ".backward_data.\(index)", kind, .backwardData))
      }
    }
    for (index, kind) in weights.enumerated() {
      result.append(
        make(weights.count == 1 ? ".backward_weight" : ".backward_weight.\(index)", kind, .backwardWeight))
    }
    return result
  }
}
