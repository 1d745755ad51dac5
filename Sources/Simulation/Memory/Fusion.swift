import Quantities
import Workloads

/// Operators that a deployment compiler leaves nothing of: they become part of the product before them.
///
/// A batch normalization of inference is a constant scale and shift, and folds into the weights of the convolution or
/// product whose only consumer it is. Going further, element-wise functions of such a product's result are computed
/// before it is written; an operand beside that result is still read.
///
/// Left out: functions that change a layout, products fused with products, and products of one input that become one
/// (queries, keys and values).
struct Fusion {
  /// How far it goes.
  enum Reach { case none, folding, epilogues }

  /// What becomes of an operator.
  enum Part { case alone, folded, epilogue }

  private(set) var parts: [Part]

  init(_ operators: [Operator], _ reach: Reach) {
    parts = operators.map { _ in .alone }
    guard reach != .none else { return }
    let graph = Dependencies(operators)
    var consumers = [Int](repeating: 0, count: operators.count)
    for producers in graph.producers { for producer in producers { consumers[producer] += 1 } }
    for (index, op) in operators.enumerated() where op.phase == .inference {
      // The product itself, or what has become part of one.
      let joins = graph.producers[index].contains { producer in
        guard consumers[producer] == 1 else { return false }
        return operators[producer].hasFilter || parts[producer] != .alone
      }
      guard joins else { continue }
      switch op.kind {
      case .normalization(let normalization) where normalization.function == .batch: parts[index] = .folded
      case .elementwise(let elementwise) where reach == .epilogues && elementwise.function.isArithmetic:
        parts[index] = .epilogue
      default: break
      }
    }
  }
}

extension Operator {
  /// What an element-wise function still costs in an epilogue: reading its other operand, if it has one.
  var inEpilogue: Operator? {
    guard case .elementwise(let elementwise) = kind, elementwise.inputs > 1 else { return nil }
    var op = self
    op.kind = .elementwise(Elementwise(.copy, elements: elementwise.elements, inputs: elementwise.inputs - 1))
    return op
  }

  /// Whether it is a product with weights.
  fileprivate var hasFilter: Bool {
    if case .attention = kind { return false }
    return kind.isMatrix && weightElements > 0
  }
}

extension Elementwise.Function {
  fileprivate var isArithmetic: Bool {
    switch self {
    case .copy, .cast, .transpose: false
    case .add, .multiply, .relu, .gelu, .silu, .tanh, .sigmoid, .exp, .sqrt: true
    }
  }
}
