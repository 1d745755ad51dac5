import SeededRandom
import Testing
import Workloads

/// Multiply-accumulates of a convolution counted one by one.
private struct LoopNest {
  /// All taps, those on padding included.
  var all = 0
  /// Taps on real inputs.
  var real = 0
  /// Output rows and columns.
  var output = Extent(0, 0)

  init(_ c: Convolution) {
    func starts(_ size: Int, _ before: Int, _ after: Int, _ kernel: Int, _ dilation: Int, _ stride: Int) -> [Int] {
      var result: [Int] = []
      var at = -before
      while at + dilation * (kernel - 1) < size + after {
        result.append(at)
        at += stride
      }
      return result
    }
    let rows = starts(
      c.input.height, c.padding.top, c.padding.bottom, c.kernel.height, c.dilation.height, c.stride.height)
    let columns = starts(
      c.input.width, c.padding.left, c.padding.right, c.kernel.width, c.dilation.width, c.stride.width)
    output = Extent(rows.count, columns.count)
    for _ in 0..<c.batch {
      for filter in 0..<c.outputChannels {
        let group = filter / (c.outputChannels / c.groups)
        for channel in 0..<c.inputChannels where channel / (c.inputChannels / c.groups) == group {
          for row in rows {
            for column in columns {
              for r in 0..<c.kernel.height {
                for s in 0..<c.kernel.width {
                  all += 1
                  let y = row + r * c.dilation.height
                  let x = column + s * c.dilation.width
                  if (0..<c.input.height).contains(y), (0..<c.input.width).contains(x) { real += 1 }
                }
              }
            }
          }
        }
      }
    }
  }
}

@Suite struct LoweringTests {
  static let convolutions: [Convolution] = {
    var generator = SeededGenerator(seed: 7)
    return (0..<60).map { _ in
      let groups = generator.pick(1...3)
      let kernel = Extent(generator.pick(1...3), generator.pick(1...3))
      let dilation = Extent(generator.pick(1...2), generator.pick(1...2))
      return Convolution(
        batch: generator.pick(1...2), inputChannels: groups * generator.pick(1...3),
        outputChannels: groups * generator.pick(1...3),
        input: Extent(generator.pick(5...9), generator.pick(5...9)), kernel: kernel,
        stride: Extent(generator.pick(1...3), generator.pick(1...3)),
        padding: Padding(
          top: generator.pick(0...2), bottom: generator.pick(0...2), left: generator.pick(0...2),
          right: generator.pick(0...2)),
        dilation: dilation, groups: groups)
    }
  }()

  private func op(_ convolution: Convolution, _ phase: Phase = .inference) -> Operator {
    Operator(name: "conv", kind: .convolution(convolution), phase: phase, dataType: .fp16)
  }

  @Test(arguments: convolutions)
  func `a convolution multiplies as often as its loop nest, in all three products`(convolution: Convolution) throws {
    let nest = LoopNest(convolution)
    #expect(convolution.output == nest.output)
    for phase in [Phase.inference, .forward, .backwardData, .backwardWeight] {
      #expect(op(convolution, phase).denseMACs == nest.all)
      #expect(op(convolution, phase).matrixProblems.count == 1)
    }
    #expect(nest.real <= nest.all)
    if convolution.padding == Padding() { #expect(nest.real == nest.all) }
    #expect(op(convolution).shapeProblems().isEmpty)
  }

  @Test(arguments: convolutions)
  func `the operands of the three products are input, filter and output in turn`(convolution: Convolution) throws {
    let c = convolution
    let input = c.batch * c.inputChannels * c.input.height * c.input.width
    let output = c.batch * c.outputChannels * c.output.height * c.output.width
    let filter = c.outputChannels * c.inputChannels / c.groups * c.kernel.height * c.kernel.width
    func elements(_ phase: Phase) throws -> [Int] {
      let problem = try #require(op(c, phase).matrixProblems.first)
      return [problem.aElements, problem.bElements, problem.cElements]
    }
    #expect(try elements(.forward) == [filter, input, output])
    #expect(try elements(.backwardData) == [filter, output, input])
    #expect(try elements(.backwardWeight) == [output, input, filter])
    #expect(op(c).weightElements == filter)
  }

  @Test func `a weight pattern groups input channels forward and output channels backward`() throws {
    let c = Convolution(inputChannels: 12, outputChannels: 20, input: Extent(8, 8), kernel: Extent(3, 3), groups: 4)
    #expect(op(c, .forward).matrixProblems.map(\.groupedChannels) == [3])
    #expect(op(c, .backwardData).matrixProblems.map(\.groupedChannels) == [5])
    #expect(op(c, .forward).matrixProblems.map(\.hasWeights) == [true])
    #expect(op(c, .backwardWeight).matrixProblems.map(\.hasWeights) == [false])
  }

  @Test func `lowered matrices have the extents of the definition`() throws {
    let c = Convolution(
      batch: 2, inputChannels: 6, outputChannels: 10, input: Extent(9, 7), kernel: Extent(3, 2), groups: 2)
    let positions = 2 * 7 * 6
    let shapes = [Phase.forward, .backwardData, .backwardWeight].flatMap { op(c, $0).matrixProblems }
      .map { [$0.m, $0.n, $0.k, $0.count] }
    #expect(shapes == [[5, positions, 18, 2], [3, positions, 30, 2], [5, 18, positions, 2]])
  }

  @Test(arguments: [1, 3], [true, false])
  func `a product has batch times m times n times k`(batch: Int, hasWeights: Bool) throws {
    let op = Operator(
      name: "fc", kind: .gemm(GEMM(m: 5, n: 7, k: 11, batch: batch, hasWeights: hasWeights)), dataType: .fp16)
    #expect(op.denseMACs == batch * 5 * 7 * 11)
    #expect(op.weightElements == (hasWeights ? batch * 5 * 11 : 0))
    let problem = try #require(op.matrixProblems.first)
    #expect([problem.aElements, problem.bElements, problem.cElements] == [batch * 55, batch * 77, batch * 35])
    #expect(problem.groupedChannels == 11)
  }

  @Test func `a grouped product multiplies every token by its own group's weights`() {
    let columns = [3, 0, 5, 1]
    let op = Operator(
      name: "experts", kind: .groupedGEMM(GroupedGEMM(m: 4, k: 6, columns: columns)), dataType: .fp16)
    #expect(op.denseMACs == 4 * 6 * 9)
    #expect(op.matrixProblems.map(\.n) == [3, 5, 1])
    #expect(op.matrixProblems.allSatisfy { $0.denseMACs == 4 * 6 * $0.n && $0.aElements == 24 })
    // The idle expert has parameters all the same.
    #expect(op.weightElements == 4 * 4 * 6)
    let single = Operator(name: "fc", kind: .gemm(GEMM(m: 4, n: 9, k: 6)), dataType: .fp16)
    #expect(op.denseMACs == single.denseMACs)
  }

  @Test(arguments: [1, 2, 5, 8], [1, 3, 8, 13])
  func `attention counts the pairs its mask leaves`(queries: Int, keys: Int) {
    for window in [nil, 1, 2, 4, 7, 100] {
      for isCausal in [false, true] where !isCausal || keys >= queries {
        var pairs = 0
        for query in 0..<queries {
          // The last query is aligned with the last key.
          let position = query + keys - queries
          let visible = (0..<keys).filter { key in
            !isCausal || (key <= position && key > position - (window ?? keys))
          }
          pairs += isCausal ? visible.count : min(visible.count, window ?? keys)
        }
        let attention = Attention(
          batch: 2, heads: 6, keyValueHeads: 3, queryLength: queries, keyLength: keys, headDimension: 4,
          isCausal: isCausal, window: window)
        #expect(attention.visiblePairs == pairs, "window \(window ?? -1), causal \(isCausal)")
        func macs(_ phase: Phase) -> Int {
          Operator(name: "a", kind: .attention(attention), phase: phase, dataType: .fp16).denseMACs
        }
        #expect(macs(.forward) == 2 * 2 * 6 * pairs * 4)
        #expect(2 * macs(.backwardData) == 5 * macs(.forward))
      }
    }
  }

  @Test func `attention lowers to a product for each of queries by keys and scores by values`() {
    let attention = Attention(
      batch: 2, heads: 6, keyValueHeads: 3, queryLength: 5, keyLength: 8, headDimension: 4)
    let problems = Operator(name: "a", kind: .attention(attention), dataType: .fp16).matrixProblems
    #expect(problems.map { [$0.m, $0.n, $0.k, $0.count] } == [[8, 5, 4, 12], [4, 5, 8, 12]])
    #expect(problems.map(\.aElements) == [2 * 3 * 8 * 4, 2 * 3 * 8 * 4])
    #expect(problems.map(\.bElements) == [2 * 6 * 5 * 4, 2 * 6 * 5 * 8])
    #expect(problems.map(\.cElements) == [2 * 6 * 5 * 8, 2 * 6 * 5 * 4])
    #expect(problems.allSatisfy { !$0.hasWeights })
  }

  @Test func `a workload counts every repeat`() {
    let ops = (1...3).map {
      Operator(name: "fc\($0)", kind: .gemm(GEMM(m: 2, n: 3, k: $0)), dataType: .fp16, repeats: $0)
    }
    #expect(Workload(name: "net", source: "test", operators: ops).denseMACs == 6 * (1 + 4 + 9))
  }
}
