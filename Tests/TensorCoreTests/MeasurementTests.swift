import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// What one H200 really did, and how far the model is from it.
@Suite("Measurements of an H200")
struct MeasurementTests {
  private static func number(_ row: [String: String], _ key: String) throws -> Double {
    try #require(row[key].flatMap(Double.init), "\(key)")
  }

  private static func size(_ row: [String: String], _ key: String) throws -> Int { Int(try number(row, key)) }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

  /// Bounds on the mean absolute error, in percent: what the fit of the machine's constants left, and one more.
  struct Bounds: Sendable {
    var type: DataType
    var isSparse: Bool
    var time: Double
    var energy: Double
  }

  /// BF16 and dense INT8 are left out: the library runs them on older kernels, which is not the hardware.
  @Test(arguments: [
    Bounds(type: .fp16, isSparse: false, time: 5.4 + 1, energy: 6.3 + 1),
    Bounds(type: .fp16, isSparse: true, time: 3.6 + 1, energy: 4.8 + 1),
    Bounds(type: .fp8, isSparse: false, time: 4.4 + 1, energy: 4.6 + 1),
    Bounds(type: .fp8, isSparse: true, time: 4.1 + 1, energy: 3.8 + 1),
    Bounds(type: .int8, isSparse: true, time: 3.8 + 1, energy: 4.0 + 1),
  ])
  func `time and energy of measured GEMMs are met`(_ bounds: Bounds) throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    let column = bounds.isSparse ? "sparse24" : "dense"
    var errors: (time: [Double], energy: [Double]) = ([], [])
    for row in try Bench.measurements("h200_gemm") where row["dtype"] == bounds.type.rawValue {
      // By itself: inputs and results in off-chip memory. Eight-bit products leave 16-bit results.
      let answer = engine.answer(
        gemm(
          try Self.size(row, "m"), try Self.size(row, "n"), try Self.size(row, "k"),
          weights: bounds.isSparse ? .twoOfFour : .dense, type: bounds.type,
          output: bounds.type == .fp16 ? nil : .bf16))
      let time = try Self.number(row, "\(column)_us") * 1e-6
      let energy = try time * Self.number(row, "\(column)_w")
      errors.time.append(abs(answer.elapsed.value / time - 1) * 100)
      errors.energy.append(abs(answer.energy.total.value / energy - 1) * 100)
    }
    #expect(errors.time.count == 83)
    let (time, energy) = (Self.mean(errors.time), Self.mean(errors.energy))
    #expect(time <= bounds.time && energy <= bounds.energy, "time \(time) %, energy \(energy) %")
  }

  /// Found: 6.4 % for FP16 and 5.8 % for FP8.
  @Test(arguments: [(DataType.fp16, 8.0), (.fp8, 7.0)])
  func `two of four speeds measured GEMMs up as much as the model says`(_ type: DataType, _ bound: Double) throws {
    let engine = TensorCoreEngine(try gpu("h200"))
    var errors: [Double] = []
    for row in try Bench.measurements("h200_gemm") where row["dtype"] == type.rawValue {
      func elapsed(_ weights: SparsityPattern) throws -> Double {
        engine.answer(
          gemm(
            try Self.size(row, "m"), try Self.size(row, "n"), try Self.size(row, "k"), weights: weights, type: type,
            output: type == .fp16 ? nil : .bf16)
        ).elapsed.value
      }
      let measured = try Self.number(row, "dense_us") / Self.number(row, "sparse24_us")
      errors.append(abs(try elapsed(.dense) / elapsed(.twoOfFour) / measured - 1) * 100)
    }
    #expect(errors.count == 83 && Self.mean(errors) <= bound, "\(Self.mean(errors)) %")
  }

  private static func attention(_ row: [String: String], zeros: Double?) throws -> Double {
    let attention = Attention(
      batch: try size(row, "B"), heads: try size(row, "H"), queryLength: try size(row, "S"),
      headDimension: try size(row, "D"), isCausal: row["kind"] == "sdpa_causal")
    let scores = zeros.map { SparsityPattern.block(rows: 128, columns: 128, zeros: $0) } ?? .dense
    let op = Operator(
      name: "attention", kind: .attention(attention), dataType: .fp16, sparsity: OperandSparsity(scores: scores))
    return TensorCoreEngine(try gpu("h200")).answer(op).elapsed.value
  }

  /// Found: 5.4 % too fast without a mask, 14.5 % with a causal one.
  @Test(arguments: [("sdpa", 7.0), ("sdpa_causal", 16.0)])
  func `measured attention is met`(_ kind: String, _ bound: Double) throws {
    let row = try #require(try Bench.measurements("h200_attention").first { $0["kind"] == kind })
    let error = try (Self.attention(row, zeros: nil) / (Self.number(row, "us") * 1e-6) - 1) * 100
    #expect(abs(error) <= bound, "\(error) %")
  }

  /// Block masks run on a kernel that does not overlap its softmax with its products. Found: 17 to 32 % too fast.
  @Test func `block masks are met`() throws {
    let rows = try Bench.measurements("h200_attention").filter { $0["kind"] == "flex_block" }
    #expect(rows.count == 5)
    for row in rows {
      let density = try Self.number(row, "density")
      let error = try (Self.attention(row, zeros: 1 - density) / (Self.number(row, "us") * 1e-6) - 1) * 100
      #expect(abs(error) <= 33, "density \(density): \(error) %")
    }
  }

  /// Adding one to every element. Found: 62 % too slow at 1 MiB, where launches overlap, 7.7 % at 4 MiB, 0.9 % and
  /// less beyond; energy 14 % too high at 16 and 32 MiB, 9 % beyond.
  @Test(arguments: [
    ("1MiB", 65.0, 115.0), ("4MiB", 9, 25), ("16MiB", 2, 15), ("32MiB", 2, 15), ("256MiB", 1, 10), ("2048MiB", 1, 10),
  ])
  func `measured copies are met`(_ shape: String, _ timeBound: Double, _ energyBound: Double) throws {
    let row = try #require(
      try Bench.measurements("h200_memops").first { $0["op"] == "add1" && $0["shape"] == shape })
    // Read and written, two bytes each.
    let elements = try Self.size(row, "bytes") / 4
    let answer = TensorCoreEngine(try gpu("h200")).answer(
      Operator(name: "add", kind: .elementwise(Elementwise(.add, elements: elements)), dataType: .fp16))
    let time = try Self.number(row, "us") * 1e-6
    let energy = try time * Self.number(row, "W")
    let errors = (
      time: abs(answer.elapsed.value / time - 1) * 100, energy: abs(answer.energy.total.value / energy - 1) * 100
    )
    #expect(errors.time <= timeBound && errors.energy <= energyBound, "\(errors)")
  }

  /// The operators of one layer as the measured stacks run them.
  private static func layer(_ row: [String: String], _ weights: SparsityPattern) throws -> [Operator] {
    let (hidden, ffn) = (try size(row, "hidden"), try size(row, "ffn"))
    let (batch, length, heads) = (try size(row, "batch"), try size(row, "seq"), try size(row, "heads"))
    let tokens = batch * length
    func linear(_ m: Int, _ k: Int) -> Operator { gemm(m, tokens, k, weights: weights) }
    func vector(_ kind: OperatorKind) -> Operator { Operator(name: "vector", kind: kind, dataType: .fp16) }
    func each(_ function: Elementwise.Function, _ width: Int, inputs: Int = 1) -> Operator {
      vector(.elementwise(Elementwise(function, elements: tokens * width, inputs: inputs)))
    }
    func attention(isCausal: Bool) -> Operator {
      vector(
        .attention(
          Attention(
            batch: batch, heads: heads, queryLength: length, headDimension: hidden / heads, isCausal: isCausal)))
    }
    if row["kind"] == "encoder" {
      let norm = vector(.normalization(Normalization(.layer, rows: tokens, width: hidden)))
      return [
        linear(3 * hidden, hidden), attention(isCausal: false), each(.copy, hidden), linear(hidden, hidden),
        each(.add, hidden, inputs: 2), norm, linear(ffn, hidden), each(.gelu, ffn), linear(hidden, ffn),
        each(.add, hidden, inputs: 2), norm,
      ]
    }
    let norm = vector(.normalization(Normalization(.rms, rows: tokens, width: hidden)))
    return [
      norm, linear(3 * hidden, hidden), attention(isCausal: true), each(.copy, hidden), linear(hidden, hidden),
      each(.add, hidden, inputs: 2), norm, linear(2 * ffn, hidden), each(.silu, ffn),
      each(.multiply, ffn, inputs: 2), linear(hidden, ffn), each(.add, hidden, inputs: 2),
    ]
  }

  /// Bounds on the errors of a stack of layers, in percent.
  struct StackBounds: Sendable {
    var model: String
    var dense: Double
    var sparse: Double
    var speedup: Double
  }

  /// Found, time dense and 2:4, and speedup: BERT-large −5.9, −13.4 and +8.6 %; ViT-L −1.9, −13.4 and +13.3 %;
  /// Llama-2-7B −1.3, −7.4 and +6.6 %; OPT-13B −1.7, −4.0 and +2.5 %. In a stack 2:4 products are slower than the model
  /// says, and the smaller they are the more so.
  @Test(arguments: [
    StackBounds(model: "bert-large", dense: 7.5, sparse: 15, speedup: 10),
    StackBounds(model: "vit-l16", dense: 5, sparse: 15, speedup: 15),
    StackBounds(model: "llama2-7b", dense: 3, sparse: 9, speedup: 8),
    StackBounds(model: "opt-13b", dense: 3.5, sparse: 5.5, speedup: 4),
  ])
  func `measured stacks of layers are met`(_ bounds: StackBounds) throws {
    let machine = try Bench.machine("h200")
    let row = try #require(try Bench.measurements("h200_end_to_end").first { $0["model"] == bounds.model })
    let layers = try Self.size(row, "layers")
    func elapsed(_ weights: SparsityPattern) throws -> Double {
      let layer = try Self.layer(row, weights)
      let operators = (0..<layers).flatMap { _ in layer }
      return try Simulator.simulate(Workload(name: "stack", source: "test", operators: operators), on: machine)
        .totals.elapsed.value
    }
    let (dense, sparse) = (try elapsed(.dense), try elapsed(.twoOfFour))
    let (denseTime, sparseTime) = (try Self.number(row, "dense_ms") / 1e3, try Self.number(row, "sparse24_ms") / 1e3)
    let errors = [
      dense / denseTime - 1, sparse / sparseTime - 1, dense / sparse / (denseTime / sparseTime) - 1,
    ].map { abs($0) * 100 }
    for (error, bound) in zip(errors, [bounds.dense, bounds.sparse, bounds.speedup]) {
      #expect(error <= bound, "\(errors)")
    }
  }
}
