import Traces
import Workloads

/// The layers of a transformer as the stacks of the reference measurements ran them: one kernel an operator, in order.
///
/// An encoder's layer is qkv product, fused attention, copy to token-major, o product, add, layer-norm, fc1 product,
/// GELU, fc2 product, add, layer-norm. A decoder's is RMS-norm, qkv product, causal attention, copy, o product, add,
/// RMS-norm, gate and up in one product, SiLU, multiply, down product, add.
struct LayerStack {
  var isDecoder: Bool
  var layers: Int
  var batch: Int
  var length: Int
  var hidden: Int
  var ffn: Int
  var heads: Int
  var weights = SparsityPattern.dense

  /// The operators of all layers. Sizes that do not fit an `Int` are as large as it gets, which checks refuse.
  var operators: [Operator] {
    var builder = Builder(stack: self)
    for layer in 0..<layers {
      builder.prefix = "layer\(layer)."
      if isDecoder { builder.addDecoder() } else { builder.addEncoder() }
    }
    return builder.operators
  }

  private struct Builder {
    let stack: LayerStack
    let tokens: Int
    var prefix = ""
    var operators: [Operator] = []
    /// The last operator that wrote the residual stream.
    var residual: Int?

    init(stack: LayerStack) {
      self.stack = stack
      tokens = saturating(stack.batch, stack.length)
    }

    mutating func add(_ name: String, _ kind: OperatorKind, also other: Int? = nil) {
      var inputs = operators.isEmpty ? [] : [operators.count - 1]
      if let other, !inputs.contains(other) { inputs.insert(other, at: 0) }
      var op = Operator(name: prefix + name, kind: kind, dataType: .fp16, dependencies: inputs)
      if case .gemm = kind { op.sparsity.weights = stack.weights }
      operators.append(op)
    }

    mutating func product(_ name: String, to m: Int, from k: Int) {
      add(name, .gemm(GEMM(m: m, n: tokens, k: k)))
    }

    mutating func elementwise(_ name: String, _ function: Elementwise.Function, width: Int, inputs: Int = 1) {
      add(
        name, .elementwise(Elementwise(function, elements: saturating(tokens, width), inputs: inputs)))
    }

    /// Adds the branch to the residual stream.
    mutating func join(_ name: String) {
      let elements = saturating(tokens, stack.hidden)
      add(name, .elementwise(Elementwise(.add, elements: elements, inputs: 2)), also: residual)
      residual = operators.count - 1
    }

    mutating func normalize(_ name: String, _ function: Normalization.Function) {
      add(name, .normalization(Normalization(function, rows: tokens, width: stack.hidden)))
    }

    mutating func attend() {
      product("qkv", to: 3 * stack.hidden, from: stack.hidden)
      add(
        "attention",
        .attention(
          Attention(
            batch: stack.batch, heads: stack.heads, queryLength: stack.length,
            headDimension: stack.hidden / stack.heads, isCausal: stack.isDecoder)))
      elementwise("copy", .copy, width: stack.hidden)
      product("o", to: stack.hidden, from: stack.hidden)
      join("add1")
    }

    mutating func addEncoder() {
      attend()
      normalize("norm1", .layer)
      residual = operators.count - 1
      product("fc1", to: stack.ffn, from: stack.hidden)
      elementwise("gelu", .gelu, width: stack.ffn)
      product("fc2", to: stack.hidden, from: stack.ffn)
      join("add2")
      normalize("norm2", .layer)
      residual = operators.count - 1
    }

    mutating func addDecoder() {
      normalize("norm1", .rms)
      attend()
      normalize("norm2", .rms)
      product("gate_up", to: 2 * stack.ffn, from: stack.hidden)
      elementwise("silu", .silu, width: stack.ffn)
      elementwise("multiply", .multiply, width: stack.ffn, inputs: 2)
      product("down", to: stack.hidden, from: stack.ffn)
      join("add2")
    }
  }
}
