import Bench
import Foundation
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// One layer of a SCALE-Sim v3 run of this project; the files stand in `Fixtures` as SCALE-Sim wrote them.
struct ScaleSimLayer: CustomTestStringConvertible, Sendable {
  var run: String
  var name: String
  var rows: Int
  var columns: Int
  var depth: Int
  var pattern: (n: Int, m: Int)
  var compute: [Double]
  var accesses: [Double]

  var testDescription: String { "\(run) \(name)" }

  static func layers(_ run: String, _ topology: String, hasAccesses: Bool = true) -> [ScaleSimLayer] {
    let compute = table("\(run).COMPUTE_REPORT")
    let accesses = hasAccesses ? table("\(run).DETAILED_ACCESS_REPORT") : []
    return table(topology).enumerated().map { index, fields in
      let ratio = fields.count > 4 ? fields[4].split(separator: ":").compactMap { Int($0) } : [1, 1]
      return ScaleSimLayer(
        run: run, name: fields[0], rows: Int(fields[1]) ?? 0, columns: Int(fields[2]) ?? 0,
        depth: Int(fields[3]) ?? 0, pattern: (ratio[0], ratio[1]), compute: compute[index].compactMap(Double.init),
        accesses: accesses.isEmpty ? [] : accesses[index].compactMap(Double.init))
    }
  }

  /// The fields of a table without its heading.
  private static func table(_ name: String) -> [[String]] {
    let url = Bench.root.appending(path: "Tests/SystolicTests/Fixtures/\(name).csv")
    let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    return text.split(whereSeparator: \.isNewline).dropFirst().map { line in
      line.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
  }

  func folds(_ dataflow: SystolicArray.Dataflow, on array: SystolicArray) -> FoldedProduct {
    FoldedProduct(
      ArrayProduct(rows: rows, columns: columns, depth: depth, kept: pattern.n, group: pattern.m),
      on: ArrayShape(array),
      dataflow: dataflow, outputCapacity: Int(array.outputBuffer.count) / 2 / 4)
  }
}

@Suite("SCALE-Sim v3")
struct ScaleSimTests {
  static let weightStationary = ScaleSimLayer.layers("gemm1k_a32_ws_CALC", "gemm1k")
  static let outputStationary = ScaleSimLayer.layers("bert_a128_os_CALC", "bert_gemm")
  static let sparse = ScaleSimLayer.layers("sS_layer4", "spS4", hasAccesses: false)

  @Test func `the runs have all their layers`() {
    #expect(Self.weightStationary.count == 3)
    #expect(Self.outputStationary.count == 6)
    #expect(Self.sparse.count == 4)
  }

  /// SCALE-Sim's total is the index of the last cycle, counted from zero.
  @Test(arguments: weightStationary + sparse)
  func `weight-stationary layers take its total cycles`(_ layer: ScaleSimLayer) throws {
    let folds = layer.folds(.weightStationary, on: try array("systolic-32x32"))
    #expect(Double(folds.cycles - 1) == layer.compute[2])
  }

  @Test(arguments: outputStationary)
  func `output-stationary layers take its total cycles`(_ layer: ScaleSimLayer) throws {
    let folds = layer.folds(.outputStationary, on: try array("systolic-128x128"))
    #expect(Double(folds.cycles - 1) == layer.compute[2])
  }

  @Test(arguments: weightStationary)
  func `weight-stationary layers access the buffers as often`(_ layer: ScaleSimLayer) throws {
    let folds = layer.folds(.weightStationary, on: try array("systolic-32x32"))
    #expect(Double(folds.movingReads) == layer.accesses[3])
    #expect(Double(folds.filterReads) == layer.accesses[6])
    #expect(Double(folds.outputWrites) == layer.accesses[9])
  }

  /// SCALE-Sim counts 256 writes a fold beyond the outputs there are, also in part-filled folds: two more for each of
  /// the array's 128 rows, which no output stands behind.
  @Test(arguments: outputStationary)
  func `output-stationary layers access the buffers as often, less two writes a row and fold`(
    _ layer: ScaleSimLayer
  ) throws {
    let array = try array("systolic-128x128")
    let folds = layer.folds(.outputStationary, on: array)
    #expect(Double(folds.movingReads) == layer.accesses[3])
    #expect(Double(folds.filterReads) == layer.accesses[6])
    #expect(Double(folds.outputWrites + 2 * array.rows * folds.along * folds.across) == layer.accesses[9])
  }

  @Test(arguments: weightStationary + outputStationary)
  func `useful products are its overall utilization`(_ layer: ScaleSimLayer) throws {
    let isWeights = layer.run.contains("ws")
    let array = try array(isWeights ? "systolic-32x32" : "systolic-128x128")
    let folds = layer.folds(isWeights ? .weightStationary : .outputStationary, on: array)
    let share = Double(folds.useful) / Double((folds.cycles - 1) * array.rows * array.columns)
    #expect(abs(share * 100 - layer.compute[4]) < 1e-9)
  }

  @Test func `compressed filters take the kept values without their positions as it reports them`() throws {
    // SPARSE_REPORT: 4,096 words of positions beside 65,536 of values at 4:4, a sixteenth of them.
    for (layer, words) in zip(Self.sparse, [65_536, 49_152, 32_768, 16_384]) {
      let product = ArrayProduct(
        rows: layer.rows, columns: layer.columns, depth: layer.depth, kept: layer.pattern.n, group: layer.pattern.m)
      #expect(product.keptDepth * product.columns == words)
    }
  }
}
