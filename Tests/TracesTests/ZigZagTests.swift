import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct ZigZagTests {
  private let network = """
    - id: 0
      name: stem
      operator_type: Conv
      equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
      dimension_relations: [ix=2*ox+1*fx, iy=2*oy+fy]
      loop_dims: [B, K, C, OY, OX, FY, FX]
      loop_sizes: [2, 16, 3, 10, 12, 5, 7]
      pr_loop_dims: [IX, IY]
      padding: [[3, 2], [1, 1]]
      operand_precision: {W: 4, I: 8, O: 16, O_final: 8}
      operand_source: {I: 0, W: 0}
    - id: 1
      operator_type: Conv
      equation: O[b][g][oy][ox]+=W[g][fy][fx]*I[b][g][iy][ix]
      dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy]
      loop_dims: [B, G, OY, OX, FY, FX]
      loop_sizes: [2, 16, 8, 10, 3, 3]
      operand_precision: {W: 8, I: 8, O: 32, O_final: 16}
      operand_source: {I: 0, W: 1}
    - id: 2
      operator_type: Pooling
      equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]
      dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
      loop_dims: [B, G, OY, OX, FY, FX]
      loop_sizes: [2, 16, 4, 5, 2, 2]
      operand_source: {I: 1, W: 2}
    - id: 3
      operator_type: Add
      equation: O[b][g][oy][ox]=W[b][g][oy][ox]+I[b][g][oy][ox]
      loop_dims: [B, G, OY, OX]
      loop_sizes: [2, 16, 4, 5]
      operand_source: {I: 2, W: 2}
    - id: 4
      operator_type: Gemm
      equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
      loop_dims: [D0, D1, D2]
      loop_sizes: [6, 7, 8]
      operand_source: {I: 3, W: 2}
    - id: 5
      operator_type: Shuffle
      equation: O[b][g]=I[b][g]
      loop_dims: [B, G]
      loop_sizes: [2, 16]
      operand_source: {I: 4}
    """

  @Test func `every kind of layer is read, after those it uses`() throws {
    let workload = try read(network).workload
    let operators = workload.operators
    #expect(
      operators.map(\.kind) == [
        .convolution(
          Convolution(
            batch: 2, inputChannels: 3, outputChannels: 16,
            input: Extent(9 * 2 + 5 - 2, 11 * 2 + 7 - 5), kernel: Extent(5, 7), stride: Extent(2, 2),
            padding: Padding(top: 1, bottom: 1, left: 3, right: 2))),
        .convolution(
          Convolution(
            batch: 2, inputChannels: 16, outputChannels: 16, input: Extent(10, 12), kernel: Extent(3, 3), groups: 16)),
        .pooling(
          Pooling(batch: 1, channels: 32, input: Extent(8, 10), output: Extent(4, 5), kernel: Extent(2, 2))),
        .elementwise(Elementwise(.add, elements: 640, inputs: 2)),
        // The products' operands both come from layers.
        .gemm(GEMM(m: 7, n: 6, k: 8, hasWeights: false)),
      ])
    #expect(operators.map(\.denseMACs) == [2 * 16 * 3 * 10 * 12 * 5 * 7, 2 * 16 * 8 * 10 * 9, 0, 0, 6 * 7 * 8])
    #expect(operators.map(\.dependencies) == [[], [0], [1], [2], [2, 3]])
    #expect(operators.map(\.name) == ["stem", "layer_1", "layer_2", "layer_3", "layer_4"])
    #expect((operators[0].dataType, operators[0].weightType, operators[0].outputType) == (.int8, .int4, .int8))
    #expect((operators[1].dataType, operators[1].weightType, operators[1].outputType) == (.int8, nil, .int16))
    #expect(workload.samples == 2)
    #expect(workload.skipped.map(\.count) == [1] && workload.skipped[0].examples == ["Shuffle"])
  }

  @Test func `the batch is the file's`() throws {
    let trace = try read(network, options: ImportOptions(sequenceLength: 8, batch: 4))
    #expect(
      trace.warnings.map(\.message).map { String($0.prefix(while: { $0 != ":" })) }
        == ["the sequence length changes nothing", "the batch changes nothing"])
  }

  @Test(arguments: [
    ("loop_sizes: [6, 7, 8]", "loop_sizes: [6, 7]", DiagnosticCode.inconsistentShape, 37),
    ("loop_sizes: [6, 7, 8]", "loop_sizes: [6, 4294967296, 8]", .outOfRange, 37),
    ("loop_sizes: [6, 7, 8]", "loop_sizes: [2147483648, 2147483648, 8]", .sizeOverflow, 33),
    ("loop_dims: [D0, D1, D2]", "loop_dims: [D0, D1, D1]", .duplicateKey, 36),
    ("id: 4", "id: 3", .duplicateKey, 33), ("id: 4", "id: 4\n  id: 4", .duplicateKey, 33),
    ("{I: 3, W: 2}", "{I: 9, W: 2}", .danglingDependency, 38),
    ("O[d0][d1]+=I[d0][d2]*W[d2][d1]", "O[d0][d1]+=Q[d0][d2]*W[d2][d1]", .unknownValue, 35),
    ("O[d0][d1]+=I[d0][d2]*W[d2][d1]", "O[d0][d1", .unknownValue, 35),
    ("O[d0][d1]+=I[d0][d2]*W[d2][d1]", "O[d0]+=I[d0][d2]*W[d2]", .unsupportedOperator, 35),
    ("iy=2*oy+fy", "iy=two*oy", .unknownValue, 5), ("iy=2*oy+fy", "iy=2*oy+fy+b", .unsupportedOperator, 4),
    ("padding: [[3, 2], [1, 1]]", "padding: [[3, 2]]", .wrongType, 9),
    ("padding: [[3, 2], [1, 1]]", "padding: [[3, 2], [1, -1]]", .outOfRange, 9),
    ("{W: 4, I: 8, O: 16, O_final: 8}", "{W: 400}", .outOfRange, 10),
  ]) func `mistakes are told where they stand`(old: String, new: String, code: DiagnosticCode, line: Int) {
    let found = problems(network.replacing(old, with: new))
    #expect(found.first?.code == code)
    #expect(found.first?.location?.line == line)
  }
}
