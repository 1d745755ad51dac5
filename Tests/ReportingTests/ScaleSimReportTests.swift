import Foundation
import Lacuna
import Testing

/// Reports of a run beside those that SCALE-Sim v3 wrote for the same layers.
@Suite struct ScaleSimReportTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "SystolicTests/Fixtures")

  private static func lines(_ name: String) throws -> [String] {
    try String(contentsOf: fixtures.appending(path: name), encoding: .utf8).split(whereSeparator: \.isNewline)
      .map(String.init)
  }

  private static func files(
    _ topology: String, on machine: String, _ dataflow: SystolicArray.Dataflow
  ) throws -> [String: [String]] {
    let study = try Study(trace: fixtures.appending(path: topology).path)
    let options = SimulationOptions(dataflow: dataflow, residency: .isolated)
    let run = try Simulator.simulate(study.workload, on: try Machine(named: machine), options: options)
    let files = try #require(ScaleSimReport.files(run))
    return Dictionary(
      uniqueKeysWithValues: files.map { ($0.name, $0.text.split(separator: "\n").map(String.init)) })
  }

  private static func cells(_ line: String) -> [String] {
    line.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func `headers are SCALE-Sim's to the letter`() throws {
    let ours = try Self.files("gemm1k.csv", on: "systolic-32x32", .weightStationary)
    #expect(
      ours["COMPUTE_REPORT.csv"]?.first == (try Self.lines("gemm1k_a32_ws_CALC.COMPUTE_REPORT.csv")).first)
    #expect(
      ours["DETAILED_ACCESS_REPORT.csv"]?.first
        == (try Self.lines("gemm1k_a32_ws_CALC.DETAILED_ACCESS_REPORT.csv")).first)
    #expect(
      ours["BANDWIDTH_REPORT.csv"]?.first
        == "LayerID, Avg IFMAP SRAM BW, Avg FILTER SRAM BW, Avg FILTER Metadata SRAM BW, Avg OFMAP SRAM BW, "
        + "Avg IFMAP DRAM BW, Avg FILTER DRAM BW, Avg OFMAP DRAM BW,")
    #expect(
      ours["SPARSE_REPORT.csv"]?.first
        == "LayerID, Sparsity Representation, Original Filter Storage, New Storage (Filter+Metadata), "
        + "Filter Metadata Storage, Avg FILTER Metadata SRAM BW, ")
    for (name, lines) in ours {
      let width = Self.cells(lines[0]).count
      #expect(lines.dropFirst().allSatisfy { Self.cells($0).count == width }, "\(name)")
    }
  }

  @Test(arguments: [
    ("gemm1k.csv", "gemm1k_a32_ws_CALC"), ("spS4.csv", "sS_layer4"),
  ]) func `cycles and utilization are SCALE-Sim's where nothing waits`(topology: String, run: String) throws {
    let ours = try #require(
      try Self.files(topology, on: "systolic-32x32", .weightStationary)["COMPUTE_REPORT.csv"])
    let theirs = try Self.lines("\(run).COMPUTE_REPORT.csv")
    #expect(ours.count == theirs.count)
    for (line, other) in zip(ours, theirs).dropFirst() {
      let (own, reference) = (Self.cells(line), Self.cells(other))
      // Total cycles less those of waiting for memory.
      let waits = try #require(Int(own[3]))
      #expect(Int(own[2]).map { $0 - waits } == Int(reference[2]))
      if waits == 0 {
        let utilization = try #require(Double(own[4]))
        #expect(abs(utilization - (try #require(Double(reference[4])))) < 1e-9)
      }
      #expect(own[5].isEmpty && own[6].isEmpty)
    }
  }

  @Test func `buffers are accessed as often, and what nobody knows is empty`() throws {
    let ours = try #require(
      try Self.files("gemm1k.csv", on: "systolic-32x32", .weightStationary)["DETAILED_ACCESS_REPORT.csv"])
    let theirs = try Self.lines("gemm1k_a32_ws_CALC.DETAILED_ACCESS_REPORT.csv")
    for (line, other) in zip(ours, theirs).dropFirst() {
      let (own, reference) = (Self.cells(line), Self.cells(other))
      for column in [3, 6, 9] { #expect(own[column] == reference[column]) }
      for column in [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17] { #expect(own[column].isEmpty) }
      #expect(Int(own[18]) != nil && own[18] != "0")
    }
  }

  @Test func `sparse filters take as many words, and read their positions as fast`() throws {
    let ours = try #require(try Self.files("spS4.csv", on: "systolic-32x32", .weightStationary)["SPARSE_REPORT.csv"])
    let theirs = try Self.lines("sS_layer4.SPARSE_REPORT.csv")
    // The first layer keeps all of its groups: SCALE-Sim stores positions even so.
    for (line, other) in zip(ours, theirs).dropFirst(2) {
      let (own, reference) = (Self.cells(line), Self.cells(other))
      for column in 1...4 { #expect(own[column] == reference[column]) }
      #expect(abs((try #require(Double(own[5]))) - (try #require(Double(reference[5])))) < 1e-9)
    }
  }

  @Test func `other machines have no such report`() throws {
    let study = try Study(trace: Self.fixtures.appending(path: "gemm1k.csv").path, dataType: .fp16)
    #expect(ScaleSimReport.files(try study.run(on: "h200").run) == nil)
  }
}

extension Zip2Sequence {
  fileprivate func dropFirst(_ count: Int = 1) -> ArraySlice<Element> { Array(self).dropFirst(count) }
}
