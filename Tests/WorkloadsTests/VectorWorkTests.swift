import Testing
import Workloads

@Suite struct VectorWorkTests {
  private func work(_ kind: OperatorKind, _ phase: Phase = .inference) -> VectorWork {
    Operator(name: "op", kind: kind, phase: phase, dataType: .fp16).vectorWork
  }

  @Test(arguments: [
    (Elementwise.Function.copy, 0, 0), (.cast, 0, 0), (.add, 1, 0), (.multiply, 1, 0), (.relu, 1, 0), (.exp, 1, 1),
    (.sqrt, 1, 1), (.tanh, 4, 1), (.sigmoid, 4, 1), (.silu, 4, 1), (.gelu, 9, 1),
  ])
  func `an elementwise function reads its operands and writes one`(
    function: Elementwise.Function, operations: Int, transcendentals: Int
  ) {
    #expect(
      work(.elementwise(Elementwise(function, elements: 10, inputs: 3)))
        == VectorWork(
          elementsRead: 30, elementsWritten: 10, operations: 10 * operations, transcendentals: 10 * transcendentals))
  }

  @Test(arguments: [
    (Normalization.Function.layer, Phase.inference, 1, 8, 4), (.rms, .inference, 1, 5, 4),
    (.batch, .inference, 1, 2, 0),
    (.layer, .forward, 1, 8, 4), (.batch, .forward, 2, 6, 4), (.layer, .backwardData, 2, 16, 4),
    (.rms, .backwardData, 2, 10, 4), (.batch, .backwardData, 4, 12, 4),
  ])
  func `a normalization takes a statistic for each row, unless they are constants`(
    function: Normalization.Function, phase: Phase, reads: Int, operations: Int, transcendentals: Int
  ) {
    #expect(
      work(.normalization(Normalization(function, rows: 4, width: 5)), phase)
        == VectorWork(
          elementsRead: 20 * reads, elementsWritten: 20, operations: 20 * operations,
          transcendentals: transcendentals))
  }

  @Test func `a softmax takes two exponentials for each element, forward only`() {
    #expect(
      work(.softmax(Softmax(rows: 4, width: 5)))
        == VectorWork(elementsRead: 20, elementsWritten: 20, operations: 120, transcendentals: 40))
    #expect(
      work(.softmax(Softmax(rows: 4, width: 5)), .backwardData)
        == VectorWork(elementsRead: 40, elementsWritten: 20, operations: 80))
  }

  @Test func `attention's softmax covers the pairs its mask leaves`() {
    let attention = Attention(batch: 2, heads: 3, queryLength: 4, headDimension: 8, isCausal: true)
    #expect(work(.attention(attention)) == VectorWork(operations: 4 * 60, transcendentals: 60))
    #expect(work(.attention(attention), .backwardData) == VectorWork(operations: 8 * 60, transcendentals: 60))
  }

  @Test func `a reduction, an embedding and products`() {
    #expect(
      work(.reduction(Reduction(outputs: 4, width: 5)))
        == VectorWork(elementsRead: 20, elementsWritten: 4, operations: 20))
    #expect(
      work(.embedding(Embedding(rows: 4, width: 5, vocabulary: 100)))
        == VectorWork(elementsRead: 20, elementsWritten: 20))
    #expect(work(.gemm(GEMM(m: 4, n: 4, k: 4))) == VectorWork())
  }

  @Test func `a pooling reads its image and, backward, its gradient and choices`() {
    let pooling = Pooling(batch: 2, channels: 3, input: Extent(4, 6), output: Extent(2, 3), kernel: Extent(2, 2))
    #expect(
      work(.pooling(pooling)) == VectorWork(elementsRead: 6 * 24, elementsWritten: 6 * 6, operations: 6 * 6 * 4))
    #expect(
      work(.pooling(pooling), .backwardData)
        == VectorWork(elementsRead: 2 * 6 * 6, elementsWritten: 6 * 24, operations: 6 * 6 * 4))
  }

  @Test(arguments: [(WeightUpdate.Optimizer.sgd, 2, 2, 0), (.momentum, 3, 6, 0), (.adam, 4, 10, 2)])
  func `an update moves gradient, weights and states`(
    optimizer: WeightUpdate.Optimizer, moved: Int, operations: Int, transcendentals: Int
  ) {
    #expect(
      work(.update(WeightUpdate(parameters: 10, optimizer: optimizer)), .update)
        == VectorWork(
          elementsRead: 10 * moved, elementsWritten: 10 * moved, operations: 10 * operations,
          transcendentals: 10 * transcendentals))
  }

  @Test func `pruning looks at all and writes what is kept`() {
    #expect(
      work(.pruning(Pruning(elements: 64, n: 2, m: 8)), .update)
        == VectorWork(elementsRead: 64, elementsWritten: 16, operations: 128))
  }
}
