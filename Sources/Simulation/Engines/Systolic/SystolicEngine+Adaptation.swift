import Diagnostics
import Hardware
import Workloads

extension SystolicEngine {
  func refusal(of task: Task) -> (code: DiagnosticCode, reason: String, help: String)? {
    guard task.op.kind.isMatrix, slotBound(task.problems) >= 0x1p56 else { return nil }
    return (
      .sizeOverflow, "with its padding it fills more element slots than are counted exactly",
      "check its sizes: many tiny products on a large array"
    )
  }

  /// No fewer than the multiply-accumulates that folds have room for, padding included: all sides rounded up to the
  /// array's.
  private func slotBound(_ problems: [MatrixProblem]) -> Double {
    let side = Double(max(array.rows, array.columns))
    let depth = Double(array.rows * array.largestGroup)
    return problems.reduce(0) { sum, problem in
      let (m, n, k) = (Double(problem.m), Double(problem.n), Double(problem.k))
      let stationary = max(n * (m + side), m * (n + side)) * (k + depth)
      return sum + Double(problem.count) * max(stationary, (m + side) * (n + side) * k)
    }
  }
}

/// How operators fit arrays of one kind of element.
struct SystolicFitting: OperatorFitting {
  let types: MultipliedTypes
  private let sparseElement: SystolicArray.SparseElement
  private let largestGroup: Int
  private let hasPruner: Bool
  private let hasUpdater: Bool
  private let besideWeightGradients: Set<SystolicArray.Unit>

  init(_ array: SystolicArray) {
    types = MultipliedTypes(array.dataTypes)
    (sparseElement, largestGroup) = (array.sparseElement, array.largestGroup)
    (hasPruner, hasUpdater) = (array.pruner != nil, array.updater != nil)
    besideWeightGradients = array.besideWeightGradients
  }

  /// Vector work waits for the product it follows: both share the buffers and the memory's rate.
  var overlapsVectorWork: Bool { false }

  func runsBesideWeightGradients(_ op: Operator) -> Bool {
    switch op.kind {
    case .update: besideWeightGradients.contains(hasUpdater ? .updater : .vector)
    case .pruning: besideWeightGradients.contains(hasPruner ? .pruner : .vector)
    default: op.phase == .backwardData && !op.kind.isMatrix && besideWeightGradients.contains(.vector)
    }
  }

  func adapt(_ op: Operator) -> Adaptation {
    var op = op
    var changes: [String] = []

    if let zeros = op.sparsity.weights.zeros { conform(zeros, &op, &changes) }
    for operand in [OperandSparsity.Operand.weights, .activations, .scores] {
      let pattern = op.sparsity[operand]
      guard pattern != .dense else { continue }
      if case .structured(let n, let m) = pattern, m > largestGroup, op.phase != .inference, hasPruner {
        return refusal(n, m)
      }
      if let reason = reasonAgainst(pattern, of: operand, in: op) {
        changes.append("\(pattern) runs dense: \(reason)")
        op.sparsity[operand] = .dense
      } else if case .structured(let n, let m) = pattern, n == m {
        // Keeps everything, and needs no positions.
        op.sparsity[operand] = .dense
      }
    }
    return .runs(op, changes: changes)
  }

  /// Real zeros run as the N:M that all their groups conform to: elements of a fold work in step, so that its fullest
  /// group sets the time of all.
  private func conform(_ zeros: ZeroMask, _ op: inout Operator, _ changes: inout [String]) {
    let channels = op.matrixProblems[0].groupedChannels
    var best: (n: Int, m: Int)?
    var m = 2
    while m <= largestGroup, sparseElement != .none, channels.isMultiple(of: m) {
      let n = max(1, zeros.groups(of: m).fullest)
      if n < m, best.map({ n * $0.m < $0.n * m }) ?? true { best = (n, m) }
      m *= 2
    }
    if let best {
      op.sparsity.weights = .structured(n: best.n, m: best.m)
      changes.append("masked weights run as \(best.n):\(best.m), which every group of theirs conforms to")
      return
    }
    op.sparsity.weights = .dense
    guard sparseElement != .none, largestGroup > 1 else {
      changes.append("masked weights run dense: the array's elements are dense")
      return
    }
    let half = largestGroup / 2
    let share = zeros.groups(of: largestGroup, run: channels).conforming(to: half)
    changes.append("masked weights run dense: no N:M holds for all their groups; \(share)")
  }

  /// Training prunes on the machine, so a pattern that its pruner cannot make is no pattern to train with.
  private func refusal(_ n: Int, _ m: Int) -> Adaptation {
    let largest = largestGroup
    let isWhole = (n * largest).isMultiple(of: m)
    return .impossible(
      .unsupportedPattern, "its pruner holds groups of up to \(largest) values, too few for \(n):\(m)",
      help: "use N:M with M up to \(largest)"
        + (isWhole ? ", such as \(n * largest / m):\(largest) for the same density" : ""))
  }

  /// Why the array gains nothing from a pattern, or nil where it does.
  private func reasonAgainst(
    _ pattern: SparsityPattern, of operand: OperandSparsity.Operand, in op: Operator
  ) -> String? {
    guard sparseElement != .none else { return "the array's elements are dense" }
    guard case .structured(_, let m) = pattern else { return "the array exploits N:M only" }
    guard operand != .scores else { return "scores are products of activations" }
    guard operand == .weights || op.sparsity.weights == .dense else {
      return "the array exploits one operand, the weights"
    }
    guard m <= largestGroup else { return "the array's groups hold up to \(largestGroup)" }
    let problems = op.matrixProblems
    // In a weight gradient this operand is the output's gradient, which a training method may prune.
    if operand == .weights, op.phase != .backwardWeight, !problems.allSatisfy(\.hasWeights) {
      return "the product has no weights"
    }
    guard problems.allSatisfy({ $0.groupedChannels.isMultiple(of: m) }) else {
      return "the reduction is not divisible into groups of \(m)"
    }
    return nil
  }
}
