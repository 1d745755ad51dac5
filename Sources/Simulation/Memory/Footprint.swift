import Quantities
import Workloads

/// What an operator's operands take in memory, each counted once, as the pattern stores them.
struct Footprint: Hashable {
  /// Values of A.
  var a: Bytes
  /// Metadata of A.
  var aMetadata: Bytes
  /// Values of B; the inputs of a vector operator.
  var b: Bytes
  /// The result.
  var c: Bytes
  /// Whether A holds weights, and so comes from off-chip memory every time.
  var aIsWeights: Bool

  /// Keys and values of earlier steps, part of A: no operator of this step makes them.
  var cached = Bytes.zero

  /// Everything an operator reads.
  var inputs: Bytes { a + aMetadata + b }
}

extension Footprint {
  init(_ op: Operator) { self.init(op, op.matrixProblems) }

  /// - Parameter problems: the operator's products.
  init(_ op: Operator, _ problems: [MatrixProblem]) {
    let bits = Int64(op.dataType.bits)
    let outputBits = Int64(op.outputType.bits)
    guard let first = problems.first, let last = problems.last else {
      self.init(vector: op, bits: bits, outputBits: outputBits)
      return
    }
    if case .attention(let attention) = op.kind {
      // Fused: scores never leave the chip. A is keys and values, B queries.
      let keysAndValues = first.aElements + (attention.isLatent ? 0 : last.aElements)
      self.init(
        a: Bytes(bits: Int64(keysAndValues) * bits), aMetadata: .zero, b: Bytes(bits: Int64(first.bElements) * bits),
        c: Bytes(bits: Int64(last.cElements) * outputBits), aIsWeights: false)
      let earlier = max(0, attention.keyLength - attention.queryLength)
      cached = Bytes(bits: Int64(keysAndValues / attention.keyLength * earlier) * bits)
      return
    }
    var values = 0.0
    var elementsB = 0
    var elementsC = 0
    for problem in problems {
      let kept = op.sparsity.weights.keptFraction(alongReduction: problem.k) ?? 1
      values += Double(problem.aElements) * kept
      elementsB += problem.bElements
      elementsC += problem.cElements
    }
    let storedValues = Int64(values.rounded(.up))
    let indexBits = problems.reduce(0.0) { $0 + op.sparsity.weights.indexBits(of: $1) }
    self.init(
      a: Bytes(bits: Int64((Double(storedValues) * op.weightBits).rounded(.up))),
      aMetadata: Bytes(
        bits: storedValues * Int64(op.sparsity.weights.metadataBitsPerValue) + Int64(indexBits.rounded(.up))),
      b: Bytes(bits: Int64(elementsB) * bits), c: Bytes(bits: Int64(elementsC) * outputBits),
      aIsWeights: first.hasWeights)
  }

  private init(vector op: Operator, bits: Int64, outputBits: Int64) {
    let read: Bytes
    let written: Bytes
    switch op.kind {
    case .update(let update):
      // Master weights and states are single precision, the gradient and the working copy the operator's type.
      let parameters = Int64(update.parameters)
      let states = Int64(update.optimizer.states)
      read = Bytes(bits: parameters * (bits + 32 * (1 + states)))
      written = Bytes(bits: parameters * (outputBits + 32 * (1 + states)))
    case .pruning(let pruning):
      read = Bytes(bits: Int64(pruning.elements) * bits)
      let kept = Int64(pruning.elements * pruning.n / pruning.m)
      written = Bytes(bits: kept * (outputBits + Int64(ceilLog2(pruning.m))))
    default:
      let work = op.vectorWork
      read = Bytes(bits: Int64(work.elementsRead) * bits)
      written = Bytes(bits: Int64(work.elementsWritten) * outputBits)
    }
    self.init(a: .zero, aMetadata: .zero, b: read, c: written, aIsWeights: false)
  }
}
