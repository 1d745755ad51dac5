import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct StableHLOTests {
  private func program(_ body: String, _ parameters: String = "%arg0: tensor<4x8xf32>, %arg1: tensor<8x6xf32>")
    -> String
  {
    "module @test {\n  func.func public @main(\(parameters)) -> tensor<4x6xf32> {\n\(body)\n  }\n}\n"
  }

  @Test func `a small network is read with its calls put in their place`() throws {
    let text = """
      module @jit_net attributes {mhlo.num_partitions = 1 : i32} {
        func.func public @main(%arg0: tensor<4x8xbf16>, %arg1: tensor<8x6xbf16>, %arg2: tensor<5x6xbf16>) -> (tensor<4xf32> {jax.result_info = ""}) {
          %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<4x8xbf16>, tensor<8x6xbf16>) -> tensor<4x6xbf16>
          %1 = call @relu(%0) : (tensor<4x6xbf16>) -> tensor<4x6xbf16>
          %2 = stablehlo.transpose %arg2, dims = [1, 0] : (tensor<5x6xbf16>) -> tensor<6x5xbf16>
          %3 = "stablehlo.dot_general"(%1, %2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = []}> : (tensor<4x6xbf16>, tensor<6x5xbf16>) -> tensor<4x5xf32>
          %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
          %4 = stablehlo.reduce(%3 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<4x5xf32>, tensor<f32>) -> tensor<4xf32>
          return %4 : tensor<4xf32>
        }
        func.func private @relu(%arg0: tensor<4x6xbf16>) -> tensor<4x6xbf16> {
          %cst = stablehlo.constant dense<0.000000e+00> : tensor<bf16>
          %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<bf16>) -> tensor<4x6xbf16>
          %1 = stablehlo.maximum %arg0, %0 : tensor<4x6xbf16>
          return %1 : tensor<4x6xbf16>
        }
      }
      """
    let operators = try read(text).workload.operators
    #expect(
      operators.map(\.kind) == [
        .gemm(GEMM(m: 6, n: 4, k: 8)), .elementwise(Elementwise(.relu, elements: 24)),
        .elementwise(Elementwise(.transpose, elements: 30)), .gemm(GEMM(m: 5, n: 4, k: 6)),
        .reduction(Reduction(outputs: 4, width: 5)),
      ])
    #expect(operators.map(\.name) == ["dot_general.0", "relu.maximum.1", "transpose.2", "dot_general.3", "reduce.4"])
    #expect(operators.map(\.dependencies) == [[], [0], [], [1, 2], [3]])
    #expect(operators.map(\.dataType) == [.bf16, .bf16, .bf16, .bf16, .fp32])
    #expect(operators[3].outputType == .fp32)
  }

  private struct Product: Sendable, CustomTestStringConvertible {
    var body: String
    var expected: GEMM
    var testDescription: String { body }
  }

  private static let products: [Product] = [
    // Scores of heads: nothing is a parameter.
    Product(
      body: """
        %5 = stablehlo.negate %arg0 : tensor<2x3x4xf32>
        %0 = stablehlo.dot_general %5, %5, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x3xf32>
        """, expected: GEMM(m: 3, n: 3, k: 4, batch: 2, hasWeights: false)),
    // The parameter stands left.
    Product(
      body: """
        %5 = stablehlo.negate %arg1 : tensor<4x7xf32>
        %0 = stablehlo.dot_general %arg0, %5, contracting_dims = [0] x [0] : (tensor<4x9xf32>, tensor<4x7xf32>) -> tensor<9x7xf32>
        """, expected: GEMM(m: 9, n: 7, k: 4)),
    // Two dimensions are summed over.
    Product(
      body: """
        %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1, 2] x [0, 1] : (tensor<5x3x4xf32>, tensor<3x4x6xf32>) -> tensor<5x6xf32>
        """, expected: GEMM(m: 6, n: 5, k: 12)),
    Product(
      body: "%0 = stablehlo.dot %arg0, %arg1 : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4xf32>",
      expected: GEMM(m: 1, n: 4, k: 8)),
  ]

  @Test(arguments: products) private func `dimension numbers say what is multiplied`(_ product: Product) throws {
    let kinds = try read(program(product.body)).workload.operators.map(\.kind)
    #expect(kinds.last == .gemm(product.expected))
  }

  @Test(arguments: [false, true]) func `convolutions are exact in both forms`(isGeneric: Bool) throws {
    let types = "(tensor<2x9x10x8xf32>, tensor<3x5x4x16xf32>) -> tensor<2x5x8x16xf32>"
    let body =
      isGeneric
      ? """
      %0 = "stablehlo.convolution"(%arg0, %arg1) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 2 : i64, padding = dense<[[1, 1], [3, 3]]> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 2>, window_strides = array<i64: 2, 1>}> : \(types)
      """
      : """
      %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 1], pad = [[1, 1], [3, 3]], rhs_dilate = [1, 2]} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : \(types)
      """
    #expect(
      try read(program(body)).workload.operators.map(\.kind) == [
        .convolution(
          Convolution(
            batch: 2, inputChannels: 8, outputChannels: 16, input: Extent(9, 10), kernel: Extent(3, 5),
            stride: Extent(2, 1), padding: Padding(vertical: 1, horizontal: 3), dilation: Extent(1, 2), groups: 2))
      ])
  }

  @Test func `windows, gathers and what moves data are vector operators`() throws {
    let body = """
          %0 = "stablehlo.reduce_window"(%arg0, %cst) <{window_dimensions = array<i64: 1, 2, 3, 1>, window_strides = array<i64: 1, 2, 3, 1>}> ({
          ^bb0(%arg3: tensor<f32>, %arg4: tensor<f32>):
            %9 = stablehlo.maximum %arg3, %arg4 : tensor<f32>
            stablehlo.return %9 : tensor<f32>
          }) : (tensor<2x8x9x5xf32>, tensor<f32>) -> tensor<2x4x3x5xf32>
          %1 = "stablehlo.gather"(%arg1, %arg2) <{dimension_numbers = #stablehlo.gather<offset_dims = [1]>, slice_sizes = array<i64: 1, 16>}> : (tensor<100x16xf32>, tensor<7x1xi32>) -> tensor<7x16xf32>
          %2 = stablehlo.concatenate %1, %1, dim = 0 : (tensor<7x16xf32>, tensor<7x16xf32>) -> tensor<14x16xf32>
          %3 = stablehlo.select %4, %2, %2 : tensor<14x16xi1>, tensor<14x16xf32>
          %5 = stablehlo.convert %3 : (tensor<14x16xf32>) -> tensor<14x16xbf16>
          %6 = stablehlo.custom_call @Sharding(%5) {backend_config = ""} : (tensor<14x16xbf16>) -> tensor<14x16xbf16>
      """
    let workload = try read(program(body)).workload
    #expect(
      workload.operators.map(\.kind) == [
        .pooling(Pooling(batch: 1, channels: 10, input: Extent(8, 9), output: Extent(4, 3), kernel: Extent(2, 3))),
        .embedding(Embedding(rows: 7, width: 16, vocabulary: 100)),
        .elementwise(Elementwise(.copy, elements: 224)), .elementwise(Elementwise(.copy, elements: 224, inputs: 3)),
        .elementwise(Elementwise(.cast, elements: 224)),
      ])
    #expect(workload.operators[4].outputType == .bf16)
    #expect(workload.skipped.map(\.examples) == [["custom_call"]])
  }

  @Test(arguments: [
    "%0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<?x8xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>",
    "%0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [9] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>",
    "%0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x7xf32>",
    "%0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, f, 0]x[o, i, 0]->[b, f, 0], window = {lhs_dilate = [2]} : (tensor<1x8x9xf32>, tensor<4x8x3xf32>) -> tensor<1x4x15xf32>",
    "%0:2 = stablehlo.while(%a = %arg0, %b = %arg1) : tensor<i32>, tensor<4x6xf32>\n cond {\n  stablehlo.return %a : tensor<i1>\n } do {\n  %1 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>\n }",
    "%0 = call @nowhere(%arg0) : (tensor<4x8xf32>) -> tensor<4x8xf32>",
  ]) func `lost multiply-accumulates are warned about where they stand`(body: String) throws {
    let kept = "\n%8 = stablehlo.add %arg0, %arg0 : tensor<4x8xf32>"
    let trace = try read(program(body + kept))
    #expect(trace.workload.operators.map(\.name) == ["add.8"])
    #expect(trace.warnings.map(\.code) == [.unsupportedOperator])
    #expect(trace.warnings.first?.location?.line == (body.contains("while") ? 4 : 3))
  }

  @Test func `hostile programs end in a diagnostic`() {
    // Each function calls the next one twice: 2^40 operations.
    var text = "module {\n"
    for level in 0..<40 {
      text += "func.func @f\(level)(%arg0: tensor<4xf32>) -> tensor<4xf32> {\n"
      for call in 0..<2 { text += "%\(call) = call @f\(level + 1)(%arg0) : (tensor<4xf32>) -> tensor<4xf32>\n" }
      text += "return %0 : tensor<4xf32>\n}\n"
    }
    text +=
      "func.func @f40(%arg0: tensor<4xf32>) -> tensor<4xf32> {\n%0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>\n}\n}"
    #expect(problems(text).map(\.code) == [.tooLarge])
    let own =
      "func.func @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {\n%0 = func.call @main(%arg0) : (tensor<4xf32>) -> tensor<4xf32>\n%1 = stablehlo.abs %0 : tensor<4xf32>\n}"
    #expect(problems(own).map(\.code) == [.tooLarge])
    #expect(problems(program("%0 = stablehlo.add(%arg0, {[( : tensor<4xf32>")).map(\.code) == [.unknownFormat])
    #expect(problems("func.func @main(stablehlo.\n").map(\.code) == [.unknownFormat])
    let large =
      "%0 = stablehlo.dot %arg0, %arg1 : (tensor<4294967296x4294967296xf32>, tensor<4294967296x4294967296xf32>) -> tensor<4294967296x4294967296xf32>"
    #expect(problems(program(large)).map(\.code) == [.sizeOverflow])
    #expect(problems(Array(program("%0 = stablehlo.add ").utf8) + [0xFF]).map(\.code) == [.invalidText])
  }
}
