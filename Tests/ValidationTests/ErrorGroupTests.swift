import Foundation
import Lacuna
import Testing

@Suite struct ErrorGroupTests {
  /// The groups of the GEMM files.
  private static func groups(_ file: String) throws -> [ErrorGroup] {
    let path = try #require(Samples.paths.first { $0.hasSuffix("/\(file).csv") })
    return try Samples.validated(path: path).groups
  }

  @Test func `the errors of a group are those of its rows`() throws {
    let path = try #require(Samples.paths.first { $0.hasSuffix("/h200_gemm.csv") })
    let validated = try Samples.validated(path: path)
    let rows = PlainTable(CSVReport.predictions(validated)).rows.filter { row in
      row["dtype"] == "fp8" && Int(row["n"] ?? "") ?? 0 > 64 && !(row["m"] == row["n"] && row["n"] == row["k"])
    }
    func number(_ row: [String: String], _ column: String) throws -> Double {
      try #require(row[column].flatMap(Double.init))
    }
    func ratios(_ value: ([String: String], String) throws -> Double) rethrows -> [Double] {
      try rows.map { try value($0, "predicted_") / value($0, "") }
    }
    let expected: [(Metric, [Double])] = [
      (.time, try ratios { try number($0, $1 + "sparse24_us") }),
      (.power, try ratios { try number($0, $1 + "sparse24_w") }),
      (.energy, try ratios { try number($0, $1 + "sparse24_us") * number($0, $1 + "sparse24_w") }),
      (.clock, try ratios { try number($0, $1 + "sparse24_mhz") }),
      (.speedup, try ratios { try number($0, $1 + "dense_us") / number($0, $1 + "sparse24_us") }),
    ]
    let group = try #require(validated.groups.first { $0.name == "h200_gemm/fp8/2:4/prefill" })
    #expect(group.measurements.count == rows.count)
    #expect(group.histogram.reduce(0, +) == rows.count)
    for (metric, ratios) in expected {
      let errors = try #require(group.statistics(metric))
      let count = Double(ratios.count)
      #expect(errors.count == ratios.count)
      #expect(abs(errors.meanError - ratios.reduce(0) { $0 + abs($1 - 1) } / count) < 1e-12)
      #expect(abs(errors.bias - exp(ratios.reduce(0) { $0 + log($1) } / count)) < 1e-12)
      let worst = try #require(ratios.indices.max { abs(ratios[$0] - 1) < abs(ratios[$1] - 1) })
      #expect(abs(errors.worstError - (ratios[worst] - 1)) < 1e-12)
      #expect(errors.worst.label.contains("\(rows[worst]["m"] ?? "")×\(rows[worst]["n"] ?? "")×"))
    }
  }

  @Test func `every measurement is in one group`() throws {
    for path in Samples.paths {
      let validated = try Samples.validated(path: path)
      #expect(validated.groups.reduce(0) { $0 + $1.measurements.count } == validated.measurements.count)
      #expect(Set(validated.groups.map(\.name)).count == validated.groups.count)
    }
  }

  /// Mean errors of sustained time and energy as they were when this was written, and a point more. Left out: BF16 2:4
  /// decoding and dense INT8, where the library runs older kernels.
  @Test(arguments: [
    ("fp16/dense/square", 7.2, 7.0),
    ("fp16/dense/prefill", 5.7, 7.8),
    ("fp16/dense/decode", 6.0, 5.7),
    ("fp16/2:4/square", 4.4, 6.2),
    ("fp16/2:4/prefill", 4.4, 5.3),
    ("fp16/2:4/decode", 9.4, 9.1),
    ("bf16/dense/square", 8.5, 12.9),
    ("bf16/dense/prefill", 7.1, 7.0),
    ("bf16/dense/decode", 3.2, 5.8),
    ("bf16/2:4/square", 11.0, 3.4),
    ("bf16/2:4/prefill", 9.7, 9.9),
    ("fp8/dense/square", 6.0, 6.6),
    ("fp8/dense/prefill", 5.2, 5.5),
    ("fp8/dense/decode", 4.8, 4.8),
    ("fp8/2:4/square", 4.5, 4.1),
    ("fp8/2:4/prefill", 5.5, 4.5),
    ("fp8/2:4/decode", 5.9, 8.0),
    ("int8/2:4/square", 3.4, 4.2),
    ("int8/2:4/prefill", 4.6, 4.5),
    ("int8/2:4/decode", 7.4, 7.5),
  ])
  func `products stay as close to measurements as they are`(_ name: String, _ time: Double, _ energy: Double) throws {
    let group = try #require(try Self.groups("h200_gemm").first { $0.name == "h200_gemm/\(name)" })
    #expect(try #require(group.statistics(.time)).meanError * 100 < time)
    #expect(try #require(group.statistics(.energy)).meanError * 100 < energy)
  }

  @Test func `counters stay as close to measurements as they are`() throws {
    let measurements = try Self.groups("h200_gemm_counters").flatMap(\.measurements)
    let l2 = try #require(ErrorStatistics(.l2Read, measurements)).meanError
    let dram = try #require(ErrorStatistics(.dramRead, measurements)).meanError
    #expect(l2 * 100 < 23.8)
    #expect(dram * 100 < 12.1)
  }

  @Test func `groups are chosen by a glob`() throws {
    let groups = try Self.groups("h200_gemm")
    #expect(try groups.matching("*").count == groups.count)
    #expect(try groups.matching("h200_gemm/fp16/2:4/decode").map(\.name) == ["h200_gemm/fp16/2:4/decode"])
    #expect(try groups.matching("*/fp16/*").allSatisfy { $0.dataType == "fp16" })
    #expect(try groups.matching("*code").allSatisfy { $0.category == "decode" })
    let error = #expect(throws: DiagnosticList.self) { try groups.matching("h200_gemm/fp16/2:4/decoed") }
    #expect(error?.diagnostics.map(\.code) == [.matchesNothing])
    #expect(error?.diagnostics.first?.help == "did you mean 'h200_gemm/fp16/2:4/decode'?")
    // Many stars end soon.
    #expect(throws: DiagnosticList.self) { try groups.matching(String(repeating: "*e", count: 40) + "#") }
  }
}

@Suite struct ResidencyTests {
  private static let chain = Workload(
    name: "chain", source: "test",
    operators: ["fc1", "fc2"].map {
      Operator(name: $0, kind: .gemm(GEMM(m: 1024, n: 1024, k: 1024)), dataType: .fp16)
    })

  private func traffic(_ residency: SimulationOptions.Residency, _ machine: String) throws -> Traffic {
    try Simulator.simulate(
      Self.chain, on: try Samples.machine(machine), options: SimulationOptions(residency: residency)
    ).totals.traffic
  }

  @Test func `results stay on chip when chained, and nowhere when isolated`() throws {
    let matrix = Int64(1024 * 1024 * 2)
    let isolated = try traffic(.isolated, "h200")
    #expect(isolated.dramRead.count == 4 * matrix)
    #expect(isolated.dramWritten.count == 2 * matrix)
    let chained = try traffic(.chained, "h200")
    #expect(chained.dramRead.count == 3 * matrix)
    #expect(chained.dramWritten.count == matrix)
    // Weights still come from memory.
    let onChip = try traffic(.onChip, "h200")
    #expect(onChip.dramRead.count == 2 * matrix)
    #expect(onChip.dramWritten.count == 0)
  }

  @Test(arguments: ["s4", "sat", "systolic-128x128", "a100"])
  func `operators that are isolated move at least as much as chained ones on every machine`(_ machine: String) throws {
    let (isolated, chained) = (try traffic(.isolated, machine), try traffic(.chained, machine))
    #expect(isolated.dram >= chained.dram)
  }
}
