import Bench
import Hardware
import Quantities
import SeededRandom
import Testing
import Workloads

@testable import Simulation

/// A small random GPU, kernel and operator with values for it.
private struct Case {
  var gpu: TensorCoreGPU
  var kernel: GEMMKernel
  var splits = 1
  var op: Operator
  /// The operator's products with their values.
  var products: [(a: WeightMatrix, b: [[Int]])] = []

  /// A kernel and sides of a few units each, so that tiles, passes, steps and clusters are often part-filled.
  init(seed: Int, isSparse: Bool, shape: (inout SeededGenerator) -> (m: Int, n: [Int], k: Int, count: Int)) throws {
    var generator = SeededGenerator(seed: seed)
    func pick(_ values: [Int]) -> Int { values.randomElement(using: &generator) ?? 1 }
    gpu = try TensorCoreTests.gpu("h200")
    gpu.coalescing = .none
    gpu.library = .ideal
    gpu.rowsPerOperandPass = pick([2, 4, 8])
    gpu.columnsPerOperandPass = pick([4, 8, 16])
    gpu.stepBytes = Bytes(Int64(pick([16, 32, 64])))
    kernel = TensorCoreTests.kernel(
      pick([2, 4, 6, 8, 12]), pick([2, 4, 8, 12, 16]), cluster: (pick([1, 1, 2]), pick([1, 1, 2])),
      perMultiprocessor: pick([1, 2]))
    let (m, n, k, count) = shape(&generator)
    let type: DataType = isSparse ? [.fp16, .fp8, .tf32][pick([0, 1, 2])] : [.fp16, .int8, .tf32][pick([0, 1, 2])]
    let sparsity = OperandSparsity(weights: isSparse ? .twoOfFour : .dense)
    let kind: OperatorKind =
      n.count == 1
      ? .gemm(GEMM(m: m, n: n[0], k: k, batch: count)) : .groupedGEMM(GroupedGEMM(m: m, k: k, columns: n))
    op = Operator(
      name: "case", kind: kind, dataType: type, outputType: pick([0, 1]) == 0 ? nil : .bf16, sparsity: sparsity)
    for width in n where width > 0 {
      for _ in 0..<count {
        let a = randomMatrix(m, k, &generator)
        products.append(
          (isSparse ? WeightMatrix(compressing: a) : WeightMatrix(dense: a), randomMatrix(k, width, &generator)))
      }
    }
  }

  /// One product, perhaps batched.
  static func gemm(_ seed: Int, isSparse: Bool) throws -> Case {
    try Case(seed: seed, isSparse: isSparse) { generator in
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
      return (pick(1...30), [pick(1...40)], isSparse ? 4 * pick(1...30) : pick(1...120), max(1, pick(-3...3)))
    }
  }

  /// Products of different widths, some of none.
  static func grouped(_ seed: Int, isSparse: Bool) throws -> Case {
    try Case(seed: seed, isSparse: isSparse) { generator in
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
      let columns = [pick(1...20), 0, pick(1...20), pick(0...20)]
      return (pick(1...20), columns, isSparse ? 4 * pick(1...20) : pick(1...80), 1)
    }
  }

  /// One product with its reduction in parts.
  static func split(_ seed: Int, isSparse: Bool) throws -> Case {
    var it = try Case(seed: seed, isSparse: isSparse) { generator in
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
      return (pick(1...20), [pick(1...20)], isSparse ? 32 * pick(1...6) : pick(8...200), 1)
    }
    it.splits = [2, 4, 8][seed % 3]
    return it
  }

  /// Runs all products; the outcome of each, and counts together.
  func run() -> (results: [[[Int]]], counts: BlockedProduct.Counts) {
    var counts = BlockedProduct.Counts()
    var results: [[[Int]]] = []
    for (a, b) in products {
      let outcome = BlockedProduct(
        a, b, on: gpu, kernel: kernel, splits: splits, types: (op.dataType.bits, op.outputType.bits))
      counts += outcome.counts
      results.append(outcome.result)
    }
    return (results, counts)
  }

  var schedule: KernelSchedule {
    get throws {
      let rate = try #require(gpu.dataTypes.rates[op.dataType])
      let work = MatrixWork(
        problems: op.matrixProblems, rate: rate, elementBytes: Double(op.dataType.bits) / 8,
        outputBytes: Double(op.outputType.bits) / 8, isSparse: op.sparsity.weights != .dense,
        metadataBits: Double(op.sparsity.weights.metadataBitsPerValue), inputsOnChip: false, outputOnChip: false)
      return KernelSchedule(work, kernel: kernel, splits: splits, gpu: gpu)
    }
  }

  /// Values A keeps, all products together: each has two bits of metadata when compressed.
  var kept: Int { products.reduce(0) { $0 + $1.a.values.reduce(0) { $0 + $1.count } } }
}

private func expect(_ schedule: KernelSchedule, _ counts: BlockedProduct.Counts, _ comment: Comment) {
  #expect(schedule.tiles == counts.blocks, comment)
  #expect(schedule.executedMACs == Double(counts.macs), comment)
  #expect(schedule.l1FilledBytes == Double(counts.filled) / 8, comment)
  #expect(schedule.l2ReadBytes == Double(counts.l2Read) / 8, comment)
  #expect(schedule.l2WrittenBytes == Double(counts.l2Written) / 8, comment)
  #expect(schedule.l1ReadBytes == Double(counts.operandRead) / 8, comment)
}

@Suite("Kernels beside a product run block by block")
struct BlockedProductTests {
  @Test(arguments: [false, true])
  func `blocks compute the product of the masked matrix`(_ isSparse: Bool) throws {
    for seed in 1...60 {
      for it in [try Case.gemm(seed, isSparse: isSparse), try Case.split(seed, isSparse: isSparse)] {
        let expected = it.products.map { product($0.a.masked, $0.b) }
        #expect(it.run().results == expected, "seed \(seed)")
      }
    }
  }

  @Test func `two of four keeps the largest magnitudes of every group and loses nothing else`() {
    for seed in 1...100 {
      var generator = SeededGenerator(seed: seed)
      let matrix = randomMatrix(3, 4 * Int.random(in: 1...9, using: &generator), &generator)
      let compressed = WeightMatrix(compressing: matrix)
      for (row, masked) in zip(matrix, compressed.masked) {
        for start in stride(from: 0, to: row.count, by: 4) {
          let group = start..<start + 4
          let dropped = group.filter { masked[$0] == 0 && row[$0] != 0 }
          let kept = group.filter { masked[$0] != 0 }
          #expect(dropped.count <= 2 && kept.count <= 2)
          #expect(kept.allSatisfy { masked[$0] == row[$0] })
          for weak in dropped { #expect(kept.allSatisfy { abs(row[weak]) <= abs(row[$0]) }) }
        }
      }
      #expect(compressed.values.allSatisfy { $0.count == matrix[0].count / 2 })
    }
  }

  @Test(arguments: [false, true])
  func `a schedule counts what its blocks do`(_ isSparse: Bool) throws {
    for seed in 1...150 {
      let it = try Case.gemm(seed, isSparse: isSparse)
      expect(try it.schedule, it.run().counts, "seed \(seed)")
    }
  }

  @Test(arguments: [false, true])
  func `a schedule of groups counts what their blocks do`(_ isSparse: Bool) throws {
    for seed in 1...60 {
      let it = try Case.grouped(seed, isSparse: isSparse)
      expect(try it.schedule, it.run().counts, "seed \(seed)")
    }
  }

  @Test(arguments: [false, true])
  func `a schedule of a split reduction counts what its parts do`(_ isSparse: Bool) throws {
    for seed in 1...80 {
      let it = try Case.split(seed, isSparse: isSparse)
      expect(try it.schedule, it.run().counts, "seed \(seed)")
    }
  }

  @Test(arguments: [false, true])
  func `the engine's answer holds the counts of the blocks`(_ isSparse: Bool) throws {
    for seed in 1...80 {
      for var it in [try Case.gemm(seed, isSparse: isSparse), try Case.grouped(seed, isSparse: isSparse)] {
        it.gpu.kernels = [it.kernel]
        let answer = TensorCoreEngine(it.gpu).answer(it.op)
        let counts = it.run().counts
        let dense = it.products.reduce(0) { $0 + $1.a.rows * $1.a.depth * $1.b[0].count }
        let padded = counts.macs - counts.usefulMACs
        #expect(answer.macs == MACCount(dense: dense, useful: counts.usefulMACs, padded: padded), "seed \(seed)")
        #expect(answer.traffic.l1Filled == Self.whole(counts.filled), "seed \(seed)")
        #expect(answer.traffic.l2Read == Self.whole(counts.l2Read), "seed \(seed)")
        #expect(answer.traffic.l2Written == Self.whole(counts.l2Written), "seed \(seed)")
        #expect(answer.traffic.l1Read == Self.whole(counts.operandRead), "seed \(seed)")
        #expect(answer.traffic.metadata == Bytes(bits: isSparse ? Int64(2 * it.kept) : 0), "seed \(seed)")
        // Small operands come from off-chip memory once.
        let values = it.kept * (it.op.dataType.bits + (isSparse ? 2 : 0))
        let others = it.products.reduce(0) { $0 + $1.b.count * $1.b[0].count } * it.op.dataType.bits
        #expect(answer.traffic.dramRead == Self.whole(values + others), "seed \(seed)")
      }
    }
  }

  /// Bytes of a number of bits, to the nearest, as the engine rounds.
  private static func whole(_ bits: Int) -> Bytes { Bytes(Int64((Double(bits) / 8).rounded())) }

  @Test func `random cases cover padding, clusters, transposition, several steps and tiles`() throws {
    let cases = try (1...300).map { try Case.gemm($0, isSparse: false) }
    #expect(cases.count { $0.kernel.m < $0.gpu.rowsPerOperandPass && $0.kernel.n >= $0.gpu.rowsPerOperandPass } > 30)
    #expect(try cases.count { try $0.schedule.tiles > 4 } > 100)
    #expect(cases.count { $0.kernel.cluster != GEMMKernel.Cluster(m: 1, n: 1) } > 100)
    #expect(try cases.count { try $0.schedule.l2ReadBytes < $0.schedule.l1FilledBytes } > 60)
    #expect(cases.count { $0.products.count > 1 } > 50)
  }
}

@Suite("Convolutions as products")
struct ConvolutionTests {
  /// A small random convolution with its values, exact to the last tap.
  private struct Layer {
    var shape: Convolution
    /// By image, channel, row, column.
    var input: [[[[Int]]]]
    /// By output channel, channel of its group, row, column.
    var filters: [[[[Int]]]]

    init(seed: Int) {
      var generator = SeededGenerator(seed: seed)
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
      let groups = pick(1...3)
      let kernel = Extent(pick(1...3), pick(1...3))
      shape = Convolution(
        batch: pick(1...2), inputChannels: groups * pick(1...3), outputChannels: groups * pick(1...4),
        input: Extent(pick(5...7), pick(5...7)), kernel: kernel, stride: Extent(pick(1...2), pick(1...2)),
        padding: Padding(top: pick(0...1), bottom: pick(0...1), left: pick(0...1), right: pick(0...1)),
        dilation: Extent(pick(1...2), pick(1...2)), groups: groups)
      let s = shape
      input = (0..<s.batch).map { _ in
        (0..<s.inputChannels).map { _ in randomMatrix(s.input.height, s.input.width, &generator) }
      }
      filters = (0..<s.outputChannels).map { _ in
        (0..<s.inputChannels / s.groups).map { _ in randomMatrix(kernel.height, kernel.width, &generator) }
      }
    }

    /// The input at a place that may lie in the padding.
    private func value(_ image: Int, _ channel: Int, _ y: Int, _ x: Int) -> Int {
      guard (0..<shape.input.height).contains(y), (0..<shape.input.width).contains(x) else { return 0 }
      return input[image][channel][y][x]
    }

    /// Every tap of every output position: place in the input and place in the filter.
    private func taps(_ body: (_ position: (Int, Int, Int), _ tap: (Int, Int), _ place: (Int, Int)) -> Void) {
      for image in 0..<shape.batch {
        for y in 0..<shape.output.height {
          for x in 0..<shape.output.width {
            for r in 0..<shape.kernel.height {
              for s in 0..<shape.kernel.width {
                body(
                  (image, y, x), (r, s),
                  (
                    y * shape.stride.height + r * shape.dilation.height - shape.padding.top,
                    x * shape.stride.width + s * shape.dilation.width - shape.padding.left
                  ))
              }
            }
          }
        }
      }
    }

    /// The loop nest of the definition: by output channel and position, and the multiplications it does.
    func direct() -> (outputs: [[Int]], macs: Int) {
      let area = shape.output.area
      var outputs = [[Int]](repeating: [Int](repeating: 0, count: shape.batch * area), count: shape.outputChannels)
      var macs = 0
      let filtersPerGroup = shape.outputChannels / shape.groups
      let channelsPerGroup = shape.inputChannels / shape.groups
      taps { position, tap, place in
        let column = position.0 * area + position.1 * shape.output.width + position.2
        for filter in 0..<shape.outputChannels {
          for channel in 0..<channelsPerGroup {
            let source = filter / filtersPerGroup * channelsPerGroup + channel
            outputs[filter][column] +=
              filters[filter][channel][tap.0][tap.1] * value(position.0, source, place.0, place.1)
            macs += 1
          }
        }
      }
      return (outputs, macs)
    }

    /// The operands of one group's product: filters × (taps, then channels) and that × positions.
    func lowered(_ group: Int) -> (a: [[Int]], b: [[Int]]) {
      let filtersPerGroup = shape.outputChannels / shape.groups
      let channels = shape.inputChannels / shape.groups
      let area = shape.output.area
      var b = [[Int]](
        repeating: [Int](repeating: 0, count: shape.batch * area), count: channels * shape.kernel.area)
      taps { position, tap, place in
        let column = position.0 * area + position.1 * shape.output.width + position.2
        for channel in 0..<channels {
          b[(tap.0 * shape.kernel.width + tap.1) * channels + channel][column] = value(
            position.0, group * channels + channel, place.0, place.1)
        }
      }
      let a = (0..<filtersPerGroup).map { filter in
        (0..<shape.kernel.area).flatMap { tap in
          (0..<channels).map {
            filters[group * filtersPerGroup + filter][$0][tap / shape.kernel.width][tap % shape.kernel.width]
          }
        }
      }
      return (a, b)
    }
  }

  @Test func `a convolution is one product a group, computed block by block`() throws {
    var gpu = try gpu("h200")
    gpu.rowsPerOperandPass = 4
    gpu.columnsPerOperandPass = 8
    gpu.stepBytes = Bytes(32)
    let kernel = kernel(4, 8, cluster: (1, 2))
    gpu.kernels = [kernel]
    for seed in 1...50 {
      let layer = Layer(seed: seed)
      let op = Operator(name: "conv", kind: .convolution(layer.shape), dataType: .fp16)
      let problem = try #require(op.matrixProblems.first)
      var counts = BlockedProduct.Counts()
      var outputs: [[Int]] = []
      for group in 0..<layer.shape.groups {
        let (a, b) = layer.lowered(group)
        #expect((problem.m, problem.k, problem.n) == (a.count, b.count, b[0].count), "seed \(seed)")
        let outcome = BlockedProduct(
          WeightMatrix(dense: a), b, on: gpu, kernel: kernel, splits: 1, types: (16, 16))
        counts += outcome.counts
        outputs += outcome.result
      }
      let direct = layer.direct()
      #expect(outputs == direct.outputs, "seed \(seed)")
      let answer = TensorCoreEngine(gpu).answer(op)
      #expect(answer.macs.dense == direct.macs && answer.macs.useful == direct.macs, "seed \(seed)")
      #expect(answer.macs.useful + answer.macs.padded == counts.macs, "seed \(seed)")
      #expect(answer.traffic.l2Read == Bytes(bits: Int64(counts.l2Read)), "seed \(seed)")
      #expect(answer.traffic.l1Filled == Bytes(bits: Int64(counts.filled)), "seed \(seed)")
      #expect(answer.traffic.l1Read == Bytes(bits: Int64(counts.operandRead)), "seed \(seed)")
      // Off-chip memory holds the image, not its windows.
      let elements = layer.shape.batch * layer.shape.inputChannels * layer.shape.input.area + a(layer)
      #expect(answer.traffic.dramRead == Bytes(Int64(2 * elements)), "seed \(seed)")
    }
  }

  private func a(_ layer: Layer) -> Int {
    layer.filters.count * layer.filters[0].count * layer.shape.kernel.area
  }
}
