import Diagnostics
import Hardware
import Workloads

/// How operators fit sparse processing units of one size of banks and choice of rates.
struct S4Fitting: OperatorFitting {
  let types: MultipliedTypes
  private let bankSize: Int
  private let rates: [Int]

  init(_ chip: S4Processor) {
    types = MultipliedTypes(chip.dataTypes)
    (bankSize, rates) = (chip.bankSize, chip.rates)
  }

  var overlapsVectorWork: Bool { true }

  func residency(of operators: [Operator], samples: Int?) -> ResidencyPlan {
    operators.allSatisfy { $0.phase == .inference }
      ? ResidencyPlan(turning: operators, samples: samples) : ResidencyPlan(operators)
  }

  func adapt(_ op: Operator) -> Adaptation {
    var op = op
    var changes: [String] = []
    let pattern = op.sparsity.weights
    let hasWeights = op.matrixProblems.allSatisfy(\.hasWeights)
    switch pattern == .dense || hasWeights ? balance(pattern) : .dense("only weights are compressed") {
    case .asIs: break
    case .impossible(let reason, let help): return .impossible(.unsupportedPattern, reason, help: help)
    case .dense(let reason):
      changes.append("\(pattern) weights run dense: \(reason)")
      op.sparsity.weights = .dense
    case .rate(let rate):
      let used: SparsityPattern = rate == 1 ? .dense : .bank(size: bankSize, rate: rate)
      if used != pattern { changes.append("\(pattern) weights run at the rate of \(rate)x") }
      op.sparsity.weights = used
      if rate > 1, op.matrixProblems.contains(where: { $0.k % bankSize != 0 }) {
        changes.append("reductions that banks of \(bankSize) do not divide are padded to whole banks")
      }
    }
    if op.sparsity.activations != .dense {
      changes.append("\(op.sparsity.activations) activations run dense: only weights are compressed")
      op.sparsity.activations = .dense
    }
    if op.sparsity.scores != .dense {
      changes.append("\(op.sparsity.scores) scores run dense: products of activations are not compressed")
      op.sparsity.scores = .dense
    }
    return .runs(op, changes: changes)
  }

  /// How a weight pattern fits banks.
  private enum Balance {
    case asIs
    case rate(Int)
    case dense(String)
    case impossible(String, help: String)
  }

  private func balance(_ pattern: SparsityPattern) -> Balance {
    switch pattern {
    case .unstructured(let zeros) where zeros == 0: return .rate(1)
    case .dense, .unstructured: return .asIs
    case .mask(let mask):
      guard let zeros = mask.zeros else { return .dense("their zeros have not been read") }
      return zeros.density == 1 ? .rate(1) : .asIs
    case .structured(let n, let m):
      guard bankSize % m == 0 else { return .dense("groups of \(m) do not fill banks of \(bankSize)") }
      return .rate(fastest(keeping: n * (bankSize / m)))
    case .bank(let size, let rate):
      guard rates.contains(rate) else {
        let known = rates.map { "\($0)x" }.joined(separator: ", ")
        let below = rates.last { $0 < rate } ?? 1
        return .impossible(
          "its units have no rate of \(rate)x", help: "\(below)x would fit; it has \(known)")
      }
      // The short form names a rate and leaves the bank to the machine.
      if size == SparsityPattern.defaultBankSize { return .rate(rate) }
      guard bankSize % size == 0 else {
        return .dense("banks of \(size) do not divide the machine's banks of \(bankSize)")
      }
      return .rate(fastest(keeping: size / rate * (bankSize / size)))
    case .vectorStructured, .block, .tile, .wrapped, .fanIn:
      return .dense("its banks may keep any number of values")
    }
  }

  /// The fastest of the rates that keeps at least `kept` of a bank.
  private func fastest(keeping kept: Int) -> Int {
    rates.last { bankSize / $0 >= kept } ?? 1
  }
}
