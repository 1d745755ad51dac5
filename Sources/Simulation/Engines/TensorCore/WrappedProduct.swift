import Hardware
import Quantities
import Workloads

extension TensorCoreEngine {
  /// C = A·(S·(B·X)) with block-diagonal A and B and a 2:4 matrix S in place of one matrix (ARMOR).
  ///
  /// Three kernels one after the other: ⌈K/b⌉ dense products of b×N×b, the 2:4 product, ⌈M/b⌉ dense products of b×N×b,
  ///
  ///     t = t_B + t_S + t_A,    extra multiply-accumulates (K + M)·N·b
  ///
  /// which is (1/M + 1/K)·b of the dense product's. Results in between stay on chip where they fit, as between any two
  /// operators. The extra work counts as padding: the dense matrix has none of it.
  ///
  /// Left out: fusing the small products with the large one, as a kernel made for it could; then t is less by two launches
  /// and the traffic between.
  ///
  /// - Returns: the 2:4 product, then the other two; nil for any other task.
  func wrappedParts(_ task: Task) -> [Task]? {
    guard case .gemm(let product) = task.op.kind, case .wrapped(let block, let n, let m) = task.op.sparsity.weights
    else {
      return nil
    }
    func staysOnChip(_ rows: Int) -> Bool {
      rows * product.n * product.batch * task.op.dataType.bits / 8 <= residentCapacity
    }
    func part(
      _ shape: GEMM, _ weights: SparsityPattern, from inputsOnChip: Bool, to outputOnChip: Bool
    ) -> Task {
      var op = task.op
      op.kind = .gemm(shape)
      op.sparsity.weights = weights
      return Task(
        op, inputsOnChip: inputsOnChip, outputOnChip: outputOnChip, weightsOnChip: task.weightsOnChip,
        turns: task.turns)
    }
    func diagonal(_ size: Int) -> GEMM {
      GEMM(m: block, n: product.n, k: block, batch: (size + block - 1) / block * product.batch)
    }
    let (before, after) = (staysOnChip(product.k), staysOnChip(product.m))
    let inner = part(diagonal(product.k), .dense, from: task.inputsOnChip, to: before)
    let core = part(product, .structured(n: n, m: m), from: before, to: after)
    let outer = part(diagonal(product.m), .dense, from: after, to: task.outputOnChip)
    return [core, inner, outer]
  }
}

extension Estimate {
  /// This and `others` one after the other, whose multiply-accumulates are padding of this.
  func extended(by others: some Collection<Estimate>) -> Estimate {
    guard !others.isEmpty else { return self }
    var result = self
    for other in others {
      result.elapsed = result.elapsed + other.elapsed
      result.matrix += other.matrix
      result.vector += other.vector
      result.memory += other.memory
      result.macs.padded += other.macs.useful + other.macs.padded
      result.traffic.add(other.traffic, times: 1)
      result.energy.add(other.energy, times: 1)
      if let moved = other.movement { result.movement?.add(moved) }
      result.isPowerCapped = result.isPowerCapped || other.isPowerCapped
    }
    let all = [self] + others
    result.bound = all.max { $0.elapsed < $1.elapsed }?.bound ?? bound
    let mean = all.reduce(0) { $0 + $1.elapsed.value * $1.clock.value } / result.elapsed.value
    result.clock = min(Hertz(mean), all.map(\.clock).max() ?? clock)
    result.cycles = Cycles(Int64((result.elapsed.value * result.clock.value).rounded(.up)))
    return result
  }
}
