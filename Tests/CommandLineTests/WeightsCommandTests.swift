import Foundation
import Lacuna
import Testing

/// Files of real zeros, used as a user uses them.
@Suite struct WeightsCommandTests {
  private static let trace = """
    {"lacuna_trace":1,"name":"net","source":"test","samples":1}
    {"name":"layers.0.q_proj","kind":"gemm","dtype":"int8","m":32,"n":512,"k":128}
    {"name":"layers.0.up_proj","kind":"gemm","dtype":"int8","m":64,"n":512,"k":32,"deps":[0]}

    """

  /// 32×128: of every 64, row r keeps r mod 8 + 1, so that banks are uneven.
  private static let uneven: String = {
    let rows = (0..<32).map { row in (0..<128).filter { $0 % 64 <= row % 8 } }
    let starts = rows.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    return "32, 128, \(starts.last ?? 0)\n" + starts.map(String.init).joined(separator: " ") + "\n"
      + rows.joined().map(String.init).joined(separator: " ") + "\n"
  }()

  private func place() throws -> Folder {
    let place = try Folder()
    _ = try place.file("net.jsonl", Self.trace)
    _ = try place.file("layers.0.q_proj.smtx", Self.uneven)
    return place
  }

  private func simulate(
    _ place: Folder, _ arguments: [String], hardware: String = "s4", format: String = "table"
  ) throws -> Tool.Outcome {
    try Tool.run(
      ["simulate", place.url.path + "/net.jsonl", "--hardware", hardware, "--format", format] + arguments,
      folder: place.url)
  }

  /// The time of each of the two operators.
  private func elapsed(_ place: Folder, _ arguments: [String]) throws -> [Double] {
    let outcome = try simulate(place, arguments, format: "csv")
    let rows = outcome.output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let column = try #require(rows.first?.firstIndex(of: "elapsed_s"), "\(outcome.errors)")
    let times = rows.dropFirst().compactMap { Double($0[column]) }
    try #require(times.count >= 2, "\(outcome.output)")
    return times
  }

  @Test func `statistics of tensors come as table, JSON and CSV`() throws {
    let place = try place()
    let file = place.url.path + "/layers.0.q_proj.smtx"
    let table = try Tool.run(["trace", "sparsity", file])
    #expect(table.status == 0 && table.output.contains("288 kept, sparsity 93.0 %"), "\(table.output)\(table.errors)")
    let outcome = try Tool.run(["trace", "sparsity", place.url.path, "--format", "json"])
    let tensor = try #require(try json(outcome)["tensors"]?.elements?.first)
    #expect(tensor["nonzeros"]?.integer == 288 && tensor["nonzeros_per_row"]?["mean"]?.double == 9)
    let banks = try #require(tensor["banks"]?.elements)
    #expect(banks.map { $0["max"]?.integer } == [8, 8, 8, 16])
    let csv = try Tool.run(["trace", "sparsity", file, "--format", "csv"]).output.split(separator: "\n")
    #expect(
      csv.count == 2
        && csv[0].split(separator: ",").count == csv[1].split(separator: ",", omittingEmptySubsequences: false).count)
    let none = try Tool.run(["trace", "sparsity", file, "--tensor", "layers.0.k_proj"])
    #expect(none.status == 2 && none.errors.contains("did you mean 'layers.0.q_proj'?"), "\(none.errors)")
  }

  @Test func `a mask by rule, by name and in the trace are the same run`() throws {
    let place = try place()
    let dense = try elapsed(place, [])
    let rule = try elapsed(place, ["--sparsity", "layers.0.q_proj:weights=mask(layers.0.q_proj.smtx)"])
    #expect(try elapsed(place, ["--weights", "."]) == rule && rule[0] < dense[0] && rule[1] == dense[1])
    let named = try simulate(place, ["--weights", "."])
    #expect(named.output.contains("weights have the zeros of their tensor in ."))
    #expect(named.output.contains("weights stay as they were: no tensor of . is named for them"))
    _ = try place.file(
      "net.jsonl",
      Self.trace.replacingOccurrences(
        of: "\"k\":128", with: "\"k\":128,\"sparsity\":{\"weights\":\"mask(layers.0.q_proj.smtx#layers.0.q_proj)\"}"))
    #expect(try elapsed(place, []) == rule)
  }

  @Test func `a mask of another shape names both, and where it says its own`() throws {
    let place = try place()
    let outcome = try simulate(place, ["--sparsity", "layers.0.up_proj:weights=mask(layers.0.q_proj.smtx)"])
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.contains(
        "layers.0.q_proj.smtx:1:1: error: 'layers.0.up_proj': the mask is 32×128, but the weights are 64×32"),
      "\(outcome.errors)")
  }

  @Test func `densities and activation sparsity reach the operators they name`() throws {
    let place = try place()
    _ = try place.file("d.csv", "layer,operand,density,structure,source\nlayers.*.q_proj,W,0.0625,16x,guess\n")
    _ = try place.file("layer-0.csv", "Effective Sparsity,q,k,v,o,gate,up,down\n0.5,0.3,0,0,0,0,0.6,0\n")
    let outcome = try simulate(place, ["--densities", "d.csv", "--activations", "layer-0.csv"])
    #expect(outcome.output.contains("unstructured(0.6) activations run dense"), "\(outcome.output)\(outcome.errors)")
    #expect(try elapsed(place, ["--densities", "d.csv"])[0] < elapsed(place, [])[0])
    let training = try simulate(place, ["--densities", "d.csv", "--training", "bdwp"])
    #expect(training.status == 2 && training.errors.contains("prunes as it goes"))
    let names = try simulate(place, ["--weight-names", "d.csv"])
    #expect(names.status == 2 && names.errors.contains("needs --weights"))
  }
}
