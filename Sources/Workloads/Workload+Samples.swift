public import Diagnostics

extension Workload {
  /// The same network on another number of samples: everything that grows with them, in proportion.
  ///
  /// Columns of products with weights, batches of products without, images, sequences, tokens and elements grow;
  /// weights, updates and the sizes of one sample do not. In a backward pass over weights the reduction grows.
  /// What a trace computes once for all samples, such as positions, grows too.
  /// - Parameter count: at least one.
  /// - Throws: `inconsistent-shape` for a workload that does not say how many samples it works on, and for products
  ///   whose sizes that number does not divide.
  public func withSamples(_ count: Int) throws(DiagnosticList) -> Workload {
    guard let samples, samples > 0 else {
      throw DiagnosticList(
        Diagnostic(
          .inconsistentShape, "'\(name)' does not say how many samples it works on, so their number cannot change",
          help: "add 'samples' to the header of the trace"))
    }
    var result = self
    var scale = SampleScale(from: samples, to: count)
    for index in result.operators.indices { scale.apply(to: &result.operators[index]) }
    result.samples = count
    guard scale.indivisible.isEmpty else {
      throw DiagnosticList(
        scale.indivisible.map { name in
          Diagnostic(
            .inconsistentShape, "the sizes of '\(name)' are not divisible by the \(samples) samples of '\(self.name)'",
            help: "use the \(samples) samples that were recorded, or a multiple of them")
        })
    }
    return result
  }
}

private struct SampleScale {
  let from: Int
  let to: Int
  var indivisible: [String] = []

  init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  mutating func apply(to op: inout Operator) {
    let name = op.name
    switch op.kind {
    case .gemm(var g):
      if op.phase == .backwardWeight {
        g.k = exactly(g.k, name)
      } else if g.hasWeights {
        g.n = exactly(g.n, name)
      } else {
        g.batch = exactly(g.batch, name)
      }
      op.kind = .gemm(g)
    case .groupedGEMM(var g):
      g.columns = g.columns.map { exactly($0, name) }
      op.kind = .groupedGEMM(g)
    case .convolution(var c):
      c.batch = exactly(c.batch, name)
      op.kind = .convolution(c)
    case .attention(var a):
      a.batch = exactly(a.batch, name)
      op.kind = .attention(a)
    case .elementwise(var e):
      e.elements = roughly(e.elements)
      op.kind = .elementwise(e)
    case .normalization(var n):
      if n.function == .batch { n.width = roughly(n.width) } else { n.rows = roughly(n.rows) }
      op.kind = .normalization(n)
    case .softmax(var s):
      s.rows = roughly(s.rows)
      op.kind = .softmax(s)
    case .reduction(var r):
      // Gradients of parameters are sums over samples.
      if op.phase == .inference || op.phase == .forward {
        r.outputs = roughly(r.outputs)
      } else {
        r.width = roughly(r.width)
      }
      op.kind = .reduction(r)
    case .pooling(var p):
      p.batch = exactly(p.batch, name)
      op.kind = .pooling(p)
    case .embedding(var e):
      e.rows = roughly(e.rows)
      op.kind = .embedding(e)
    case .update, .pruning: break
    }
  }

  /// A size that must stay whole.
  private mutating func exactly(_ size: Int, _ name: String) -> Int {
    let (value, isExact) = scaled(size)
    if !isExact, !indivisible.contains(name) { indivisible.append(name) }
    return value
  }

  private func roughly(_ size: Int) -> Int { scaled(size).value }

  /// The size in proportion, rounded up. What does not fit an `Int` is as large as it gets, which checks refuse.
  private func scaled(_ size: Int) -> (value: Int, isExact: Bool) {
    let (product, overflows) = size.multipliedReportingOverflow(by: to)
    if overflows { return (.max, true) }
    let isExact = product % from == 0
    return (product / from + (isExact ? 0 : 1), isExact)
  }
}
