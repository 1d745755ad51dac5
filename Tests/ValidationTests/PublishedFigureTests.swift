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

  @Test func `a request takes its prompt, and a step halfway for each token after it`() throws {
    func run(_ phase: ImportOptions.Phase, _ length: Int) throws -> RunTotals {
      var options = ImportOptions(phase: phase, batch: 4)
      if phase == .decode { options.contextLength = length } else { options.sequenceLength = length }
      let path = try #require(ShippedFolder("Models", suffix: ".json").path(of: "gpt-j-6b-int8"))
      let workload = try TraceReader.read(path, options: options).workload
      return try Study(workload, sparsity: [SparsityRule(parsing: "weights=16x")])
        .run(on: Samples.machine("s4")).run.totals
    }
    let (prompt, step) = (try run(.prefill, 128), try run(.decode, 133))
    func figure(_ metric: String) throws -> Double {
      let row = "gpt-j-6b-int8,4,128+10,,16x,,,,\(metric),1,,,published,paper"
      return try #require(try validated(row, on: "s4").predictions[0][0])
    }
    let time = prompt.elapsed.value + 10 * step.elapsed.value
    #expect(abs(try figure("throughput_per_s") / (4 / time) - 1) < 1e-12)
    let energy = prompt.energy.total.value + 10 * step.energy.total.value
    #expect(abs(try figure("energy_j") / energy - 1) < 1e-9)
  }

  @Test(arguments: ["128+", "128+0", "+10", "1+2+3", "128+x"])
  func `a sequence that is neither tokens nor a request is told`(_ sequence: String) throws {
    #expect(throws: DiagnosticList.self) {
      try validated("gpt-j-6b-int8,4,\(sequence),,,,,,time_ms,1,,,published,paper", on: "s4")
    }
  }

  @Test func `only what was measured counts`() throws {
    let file = try Samples.validated(
      "layer,dtype,m,n,k,dense_us,dense_w,dense_mhz,sparse24_us,sparse24_w,sparse24_mhz\n"
        + "square,fp16,2048,2048,2048,30,500,1900,,,\n")
    #expect(file.measurements.map(\.variant) == ["dense"])
    #expect(file.predictions[0].allSatisfy { $0 != nil })
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

  @Test func `a figure of a machine with unknowns has the band over them, and what moves it`() throws {
    let row = "resnet50,16,,int8,16x,,,,throughput_per_s,30000,,,published,paper"
    let measurement = try validated(row, on: "s4").measurements[0]
    let (band, pair) = (try #require(measurement.band), try #require(measurement.pairs.first))
    #expect(band.range.contains(pair.predicted) && band.range.lowerBound < band.range.upperBound)
    let machine = try Samples.machine("s4")
    let values = try machine.variants.map { variant in
      let workload = try TraceReader.read(
        try #require(ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil).path(of: "resnet50"))
      ).workload.withSamples(16)
      let study = try Study(workload, sparsity: [SparsityRule(parsing: "weights=16x")], dataType: .int8)
      return (variant.unknown, 16 / (try study.run(on: variant.machine).run.totals.elapsed.value))
    }
    #expect(band.range.lowerBound == min(pair.predicted, values.map(\.1).min() ?? 0))
    #expect(band.range.upperBound == max(pair.predicted, values.map(\.1).max() ?? 0))
    let most = values.max { abs($0.1 / pair.predicted - 1) < abs($1.1 / pair.predicted - 1) }
    #expect(band.mover == most?.0)
    #expect(try validated(row, on: "t4").measurements[0].band == nil)
  }

  @Test func `a network can be compared as it was compiled and asked for`() throws {
    func predicted(_ mode: String, on machine: String) throws -> Double {
      let header = Self.header.replacingOccurrences(of: "baseline,", with: "baseline,mode,")
      let file = try Samples.validated(
        header + "resnet50,16,,int8,,,,\(mode),,throughput_per_s,1000,,,published,paper\n",
        name: "\(machine)_published.csv", on: machine)
      return try #require(file.predictions[0][0])
    }
    #expect(try predicted("fused", on: "t4") > predicted("", on: "t4"))
    #expect(try predicted("one-request", on: "s4") < predicted("", on: "s4"))
    #expect(try predicted("fused; one-request", on: "t4") == predicted("fused", on: "t4"))
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
