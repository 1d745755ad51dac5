import Foundation
import Lacuna
import Testing

@Suite struct PublishedFigureTests {
  private static let header =
    "workload,batch,sequence,dtype,weights,training,baseline,overhead_us,metric,value,low,high,certainty,source\n"

  private func validated(_ row: String, on machine: String = "a100") throws -> ValidatedFile {
    try Samples.validated(Self.header + row + "\n", name: "\(machine)_published.csv", on: machine)
  }

  /// What the simulator says of a workload of its own.
  private func run(
    _ trace: String, samples: Int? = nil, _ rules: [String] = [], training: TrainingMethod? = nil,
    type: DataType? = nil, on machine: String = "a100"
  ) throws -> RunTotals {
    let path = try #require(ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil).path(of: trace))
    var workload = try TraceReader.read(path).workload
    if let samples { workload = try workload.withSamples(samples) }
    let study = try Study(
      workload, sparsity: try rules.map { try SparsityRule(parsing: $0) }, training: training, dataType: type)
    return try study.run(on: try Samples.machine(machine)).run.totals
  }

  @Test func `throughput is samples over the time of a run`() throws {
    let totals = try run("bert-large", samples: 32, ["weights=2:4"], type: .int8)
    let file = try validated("bert-large,32,,int8,2:4,,,,throughput_per_s,1000,,,published,paper")
    #expect(file.predictions == [[32 / totals.elapsed.value]])
    let pair = try #require(file.measurements[0].pairs.first)
    #expect(pair.metric == .throughput && pair.measured == 1000 && pair.error == pair.ratio - 1)
  }

  @Test(arguments: [("time_ms", 1e3), ("time_us", 1e6)])
  func `times are in the unit of the metric`(_ metric: String, _ perSecond: Double) throws {
    let totals = try run("resnet50")
    let file = try validated("resnet50,,,,,,,,\(metric),10,,,published,paper")
    let predicted = try #require(file.predictions[0][0])
    #expect(abs(predicted / (totals.elapsed.value * perSecond) - 1) < 1e-12)
  }

  @Test func `operations are counted dense`() throws {
    func figure(_ metric: String, _ weights: String) throws -> Double {
      try #require(
        try validated("4096x2048x1024,,,fp16,\(weights),,,,\(metric),1,,,published,paper").predictions[0][0])
    }
    let operations = 2.0 * 4096 * 2048 * 1024
    for weights in ["", "2:4"] {
      let expected = operations / (try figure("time_us", weights) * 1e-6) / 1e12
      #expect(abs(try figure("tflops", weights) / expected - 1) < 1e-12)
    }
    #expect(try figure("tflops", "2:4") > figure("tflops", ""))
  }

  @Test func `a speedup is over the same workload without sparsity, or over the baseline`() throws {
    let (dense, sparse) = (
      try run("bert-large"), try run("bert-large", ["linear.4:weights=2:4", "linear.5:weights=2:4"])
    )
    let row = "bert-large,,,,linear.4:weights=2:4; linear.5:weights=2:4,,"
    let own = try validated(row + ",,speedup,1.1,,,published,paper")
    #expect(own.predictions == [[dense.elapsed.value / sparse.elapsed.value]])
    let other = try run("resnet50")
    let against = try validated(row + "resnet50,,speedup,1.1,,,published,paper")
    #expect(against.predictions == [[other.elapsed.value / sparse.elapsed.value]])
  }

  @Test func `figures of several workloads are averaged`() throws {
    func speedup(_ names: String) throws -> Double {
      try #require(
        try validated("\(names),,,,2:8,bdwp,,,speedup,1.75,,,published,paper", on: "sat").predictions[0][0])
    }
    let mean = (try speedup("resnet18") + speedup("resnet18-train")) / 2
    #expect(abs(try speedup("resnet18; resnet18-train") / mean - 1) < 1e-12)
    #expect(mean > 1)
  }

  @Test func `within what sources span there is no error, outside it is the distance to the nearer end`() throws {
    let predicted = try #require(
      try validated("4096x4096x4096,,,fp16,2:4,,,,speedup,1,,,published,paper").predictions[0][0])
    func pair(_ low: Double, _ high: Double) throws -> Pair {
      try #require(
        try validated("4096x4096x4096,,,fp16,2:4,,,,speedup,,\(low),\(high),secondary,paper").measurements[0].pairs
          .first
      )
    }
    let within = try pair(predicted * 0.9, predicted * 1.2)
    #expect(within.error == 0)
    #expect(abs(within.measured / (predicted * (0.9 * 1.2).squareRoot()) - 1) < 1e-12)
    #expect(abs(try pair(predicted * 1.25, predicted * 1.5).error + 0.2) < 1e-12)
    #expect(abs(try pair(predicted * 0.5, predicted * 0.8).error - 0.25) < 1e-12)
  }

  @Test func `what cannot be compared says why`() throws {
    let dense = try validated("4096x4096x4096,,,fp16,3:4,,,,speedup,1,,,published,paper")
    #expect(dense.predictions == [[nil]])
    #expect(dense.reasons[0].contains("run dense"))
    let unknown = try validated("4096x4096x4096,,,fp16,,,,,throughput_per_s,1,,,published,paper")
    #expect(unknown.measurements[0].notModelled?.contains("samples") == true)
  }

  @Test func `every figure is told one by one in each format`() throws {
    let groups = try validated(
      "1024x1024x1024,,,fp16,2:4,,,,speedup,,1.2,1.3,secondary,\"a, b\"\n"
        + "1024x1024x1024,,,fp16,3:4,,,,speedup,1.1,,,published,c"
    ).groups
    let report = Report.validation(groups)
    let table = report.text(as: .table)
    #expect(table.contains("a100_published · simulated on a100 · 2 published figures"))
    #expect(table.contains("1.20–1.30") && table.contains("not modelled: 1 measurement of fp16/3:4/speedup"))
    let json = try JSONParser.parse(SourceText(name: "j", text: report.text(as: .json)))
    let figures = json["groups"]?.elements?.flatMap { $0["figures"]?.elements ?? [] } ?? []
    #expect(figures.count == 2 && figures[0]["source"]?.text == "a, b" && figures[0]["certainty"]?.text == "secondary")
    let rows = PlainTable(report.text(as: .csv)).rows
    #expect(rows.map { $0["certainty"] } == ["secondary", "published"])
    #expect(rows.map { $0["compared"] } == ["1", "0"])
    #expect(rows[0]["low"] == "1.2" && rows[1]["published"] == "1.1")
  }
}
