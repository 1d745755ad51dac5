import Diagnostics
import Documents
import Foundation
import Hardware
import Quantities
import Simulation
import Testing
import Traces
import Workloads

@testable import Exploration

@Suite struct StudyReadingTests {
  /// Each with the code it is told under and a text of its line, where it must be told.
  @Test(arguments: [
    (["parameters": "{rows: {path: aray.rows, values: [8]}}"], DiagnosticCode.unknownKey, "aray.rows"),
    (["parameters": "{rows: {path: array.rows, values: []}}"], .emptyRange, "values"),
    (["parameters": "{rows: {path: array.rows, from: 64, to: 8}}"], .emptyRange, "from"),
    (["parameters": "{rows: {path: array.rows, values: [8, 0]}}"], .outOfRange, "values"),
    (["parameters": "{rows: {path: array.rows, values: [many]}}"], .wrongType, "many"),
    (["parameters": "{rows: {path: array.rows}}"], .missingKey, "rows"),
    (["parameters": "{rows: {path: array.rows, values: [8, 8]}}"], .duplicateKey, "8"),
    (["parameters": "{band: {path: dram.stream_bandwidth, values: [8]}}"], .missingUnit, "band"),
    (["parameters": "{band: {path: dram.stream_bandwidth, values: [8 W]}}"], .wrongUnit, "8 W"),
    (["parameters": "{time: {path: array.rows, values: [8]}}"], .unknownValue, "time"),
    (["parameters": "{p: {path: workload.sparsity, values: [5:4]}}"], .invalidPattern, "5:4"),
    (["parameters": "{p: {path: workload.data_type, values: [fp17]}}"], .unknownValue, "fp17"),
    (["parameters": "{a: {path: array.rows, equals: b + 1}, b: {values: [1, 2]}}"], .invalidExpression, "b + 1"),
    (
      ["parameters": "{a: {path: array.rows, values: [8]}, b: {path: array.rows, values: [8]}}"], .duplicateKey,
      "array.rows"
    ),
    (["parameters": "{a: {values: [8, 9]}, b: {table: {of: a, values: {8: 1}}, source: x}}"], .missingKey, "table"),
    (["objectives": "[tme]"], .invalidExpression, "tme"), (["objectives": "[]"], .wrongType, "objectives"),
    (["objectives": "[time, time]"], .duplicateKey, "time"),
    (["constraints": "[rows > 64]"], .contradictoryConstraints, "rows > 64"),
    (["constraints": "[time < 1 ms, time > 2 ms]"], .contradictoryConstraints, "2 ms"),
    (["constraints": "[time < 0]"], .contradictoryConstraints, "time < 0"),
    (["constraints": "[rows + 1]"], .invalidExpression, "rows + 1"),
    (["sampler": "best"], .unknownValue, "best"), (["sampler": "random"], .missingKey, "random"),
    (["sampler": "{kind: random, points: 0}"], .outOfRange, "points: 0"),
    (["sampler": "{kind: nsga2, population: 5, generations: 2}"], .outOfRange, "population"),
    (["parameters": "{rows: {path: array.rows, from: 8, to: 64}}"], .outOfRange, "sampler: grid"),
    (["workloads": "[{trace: absent.jsonl}]"], .unreadableFile, "absent"),
    (["workloads": "[{trace: tiny.jsonl, wieght: 2}]"], .unknownKey, "wieght"),
    (["workloads": "[{trace: tiny.jsonl}, {trace: tiny.jsonl}]"], .duplicateKey, "tiny"),
    (["workloads": "[{trace: tiny.jsonl, sparsity: [weights]}]"], .invalidPattern, "weights"),
    (["workloads": "[{trace: tiny.jsonl, sparsity: ['weights=mask(a.npy)']}]"], .unreadableFile, "mask"),
    (["workloads": "[{trace: tiny.jsonl, sparsity: ['fc2:weights=mask(zeros.smtx)']}]"], .inconsistentShape, "mask"),
    (["workloads": "[{trace: tiny.jsonl, mapping: serch}]"], .unknownValue, "serch"),
    (["parameters": "{m: {path: workload.mapping, values: [default, best]}}"], .unknownValue, "best"),
    (["parameters": "{area: {path: array.rows, values: [8, 16]}}"], .unknownValue, "area"),
    (["machine": "systolic-32x32", "objectives": "[time, area]"], .missingKey, "area"),
    (["machine": "systolic-32x32", "constraints": "[area / 2 < 4 mm²]"], .missingKey, "area"),
    (["parameters": "{p: {path: workload.sparsity, values: [dense, 'mask(a.npy)']}}"], .unsupportedPattern, "mask"),
    (["machine": "sta"], .unknownHardware, "sta"), (["machine": "./absent.yaml"], .unreadableFile, "absent"),
    (["objective": "[time]"], .unknownKey, "objective:"),
  ])
  func `a bad study is told before anything runs, at its place`(
    _ changes: [String: String], _ code: DiagnosticCode, _ place: String
  ) throws {
    let folder = try StudyText.Folder()
    let list = try #require(throws: DiagnosticList.self) { try StudyText(changes).study(in: folder) }
    let told = list.diagnostics.filter { $0.code == code }
    #expect(
      told.contains {
        $0.location?.lineText.contains(place) == true && $0.location?.file.hasSuffix("study.yaml") == true
      },
      "\(list.diagnostics)")
  }

  @Test func `all problems are told at once, in the order of the file`() throws {
    let folder = try StudyText.Folder()
    let study = StudyText(["objectives": "[tme]", "sampler": "best", "constraints": "[nowhere < 1]"])
    let list = try #require(throws: DiagnosticList.self) { try study.study(in: folder) }
    #expect(list.diagnostics.map(\.code) == [.invalidExpression, .invalidExpression, .unknownValue])
  }

  @Test func `a parameter without problems sets what its path says`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText([
      "parameters":
        "{rows: {path: array.rows, values: [8, 16]}, band: {path: dram.stream_bandwidth, from: 1 GB/s, to: 16 GB/s, scale: log, steps: 5}, peak: {path: dram.peak_bandwidth, equals: band * 2}}"
    ]).study(in: folder)
    #expect(study.space.count == 10)
    let values = study.space.values(at: study.space.gridCoordinates(7))
    guard case .success(let machine) = study.template.read(study.space.constantValues(values)),
      case .systolic(let array) = machine.architecture
    else {
      Issue.record("the machine cannot be read")
      return
    }
    #expect(array.rows == 16)
    #expect((array.dram.streamBandwidth.value / 4e9 - 1).magnitude < 1e-12)
    #expect((array.dram.peakBandwidth.value / 8e9 - 1).magnitude < 1e-12)
  }

  @Test func `a machine written out is the machine that was simulated`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText().study(in: folder)
    let values = study.space.values(at: study.space.gridCoordinates(5))
    let text = study.template.text(study.space.constantValues(values))
    let read = try MachineReader.read(SourceText(name: "written.yaml", text: text))
    guard case .success(let machine) = study.template.read(study.space.constantValues(values)) else {
      Issue.record("the machine cannot be read")
      return
    }
    #expect(read.constants == machine.constants)
  }

  @Test(arguments: ["sat-array", "s4-memory", "h200-memory"])
  func `a study that comes with the program can be run`(_ name: String) throws {
    let study = try DesignStudy(path: StudyText.root.appending(path: "Configs/Studies/\(name).yaml").path)
    #expect(study.name == name)
    let preview = Explorer(study, program: "test", threads: 1).preview()
    #expect(preview.feasible * 2 > preview.tried, "\(preview.reasons)")
  }
}

@Suite struct StudyMaskTests {
  private static let change = ["workloads": "[{trace: tiny.jsonl, sparsity: ['fc1:weights=mask(zeros.smtx)']}]"]

  private func write(_ keeps: (Int, Int) -> Bool, in folder: StudyText.Folder) throws {
    _ = try folder.write("zeros.smtx", StudyText.mask(rows: 64, columns: 64, keeps))
  }

  @Test func `real zeros are read from the study's folder`() throws {
    let folder = try StudyText.Folder()
    try write({ ($0 + $1) % 4 < 2 }, in: folder)
    let study = try StudyText(Self.change).study(in: folder)
    let values = study.space.values(at: study.space.gridCoordinates(3))
    let result = PointEvaluator(study).result(3, values)
    let machine = try study.template.read(study.space.constantValues(values)).get()
    var masks = MaskResolver(folder: folder.path("") + "/")
    let rules = try masks.resolve([try SparsityRule(parsing: "fc1:weights=mask(zeros.smtx)")])
    let workload = try study.workloads[0].trace.changed(by: WorkloadChanges(rules: rules)).workload
    #expect(result.figures[0] == (try Simulator.simulate(workload, on: machine).totals.elapsed.value))
    guard case .mask(let mask) = workload.operators[0].sparsity.weights else {
      Issue.record("\(workload.operators[0].sparsity)")
      return
    }
    #expect(mask.zeros?.density == 0.5)
  }

  @Test func `a trace's masks are read too`() throws {
    let folder = try StudyText.Folder()
    try write({ ($0 + $1) % 4 < 1 }, in: folder)
    _ = try folder.write(
      "masked.jsonl",
      """
      {"lacuna_trace":1,"name":"masked","source":"test","samples":4}
      {"name":"fc1","kind":"gemm","dtype":"fp16","m":64,"n":64,"k":64,"sparsity":{"weights":"mask(zeros.smtx)"}}

      """)
    let study = try StudyText(["workloads": "[{trace: masked.jsonl}]"]).study(in: folder)
    #expect(study.workloads[0].masks.map(\.density) == [0.25])
  }

  @Test func `results of other zeros are of another study`() throws {
    let folder = try StudyText.Folder()
    func fingerprint(_ keeps: (Int, Int) -> Bool) throws -> String {
      try write(keeps, in: folder)
      return StudyIdentity(try StudyText(Self.change).study(in: folder), program: "test").fingerprint
    }
    let first = try fingerprint { ($0 + $1) % 4 < 2 }
    #expect(try fingerprint { ($0 + $1) % 4 < 2 } == first)
    #expect(try fingerprint { ($0 + $1) % 4 < 1 } != first)
  }
}

@Suite struct SamplerTests {
  @Test func `a grid has every combination once, and none that differs in nothing`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText([
      "parameters":
        "{rows: {path: array.rows, values: [8, 16]}, columns: {path: array.columns, values: [8, 16, 32], when: rows == 8}}"
    ]).study(in: folder)
    let sequence = try #require(PointSequence(study))
    let points = (0..<sequence.count).compactMap { sequence.values(at: $0) }
    #expect(points.count == 4)
    #expect(
      Set(points) == [
        [.number(8), .number(8)], [.number(8), .number(16)], [.number(8), .number(32)], [.number(16), nil],
      ])
  }

  @Test(arguments: ["{kind: random, points: 4000}", "{kind: sobol, points: 4096}"])
  func `points are spread over all values`(_ sampler: String) throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(["sampler": sampler]).study(in: folder)
    let sequence = try #require(PointSequence(study))
    var counts: [[Value?]: Int] = [:]
    for index in 0..<sequence.count { counts[try #require(sequence.values(at: index)), default: 0] += 1 }
    #expect(counts.count == 12)
    // 333 each; a random count is within 4.5 standard deviations of 17.
    #expect(counts.values.allSatisfy { (255...420).contains($0) }, "\(counts)")
  }
}

@Suite struct EvaluationTests {
  @Test func `figures are those of a simulation of each workload, by their weights`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText([
      "workloads": "[{trace: tiny.jsonl, name: a, weight: 2}, {trace: tiny.jsonl, name: b, sparsity: ['weights=2:4']}]",
      "objectives": "[time, {maximize: 1 / b.time, name: rate}]",
    ]).study(in: folder)
    let values = study.space.values(at: study.space.gridCoordinates(3))
    let result = PointEvaluator(study).result(3, values)
    guard case .success(let machine) = study.template.read(study.space.constantValues(values)) else {
      Issue.record("the machine cannot be read")
      return
    }
    let a = try Simulator.simulate(study.workloads[0].trace, on: machine).totals
    let b = try Simulator.simulate(
      try study.workloads[1].trace.changed(by: study.workloads[1].changes).workload, on: machine
    ).totals
    let time = 2 * a.elapsed.value + b.elapsed.value
    #expect(result.verdict == .feasible)
    #expect(result.figures[0] == time)
    #expect(result.objectives == [time, 1 / b.elapsed.value])
    let names = study.figureNames
    #expect(result.figures[try #require(names.firstIndex(of: "b.energy"))] == b.energy.total.value)
    #expect(result.figures[try #require(names.firstIndex(of: "a.dram_bytes"))] == Double(a.traffic.dram.count))
  }

  @Test func `a design's area is its machine's, and can be bounded`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(["objectives": "[time, area]", "constraints": "[area < 30 mm²]"]).study(in: folder)
    let evaluator = PointEvaluator(study)
    var verdicts: Set<Bool> = []
    for index in 0..<12 {
      let values = study.space.values(at: study.space.gridCoordinates(index))
      let result = evaluator.result(index, values)
      let machine = try study.template.read(study.space.constantValues(values)).get()
      let area = try #require(machine.totalArea).value
      #expect(result.objectives[1] == area)
      #expect(result.figures[try #require(study.figureNames.firstIndex(of: "area"))] == area)
      #expect(result.verdict.isFeasible == (area < 30))
      verdicts.insert(result.verdict.isFeasible)
    }
    #expect(verdicts == [true, false])
    let columns = ResultColumns(study)
    #expect(columns.goals.map(\.column) == ["time_seconds", "area_mm2"])
  }

  @Test func `a machine without areas has results without them`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(["machine": "systolic-32x32"]).study(in: folder)
    #expect(!study.figureNames.contains("area"))
    let result = PointEvaluator(study).result(0, study.space.values(at: study.space.gridCoordinates(0)))
    #expect(result.figures.count == study.figureNames.count)
  }

  @Test func `a searched mapping is no slower, and can be a parameter`() throws {
    let folder = try StudyText.Folder()
    let changes = [
      "parameters":
        "{mapping: {path: workload.mapping, values: [default, search]}, buffer: {path: [buffers.input, buffers.weight, buffers.output], values: [128 KiB, 512 KiB]}, stream: {path: dram.stream_bandwidth, values: [0.2 GB/s]}}",
      "workloads": "[{trace: large.jsonl}]",
    ]
    _ = try folder.write(
      "large.jsonl",
      """
      {"lacuna_trace":1,"name":"large","source":"test","samples":4}
      {"name":"fc1","kind":"gemm","dtype":"fp16","m":1024,"n":512,"k":512}

      """)
    let study = try StudyText(changes).study(in: folder)
    let evaluator = PointEvaluator(study)
    func time(_ index: Int) -> Double {
      evaluator.result(index, study.space.values(at: study.space.gridCoordinates(index))).figures[0]
    }
    // The last parameter changes fastest.
    #expect(time(2) <= time(0) && time(3) <= time(1))
    let forced = try StudyText(changes.merging(["workloads": "[{trace: large.jsonl, mapping: search}]"]) { $1 })
      .study(in: folder)
    #expect(forced.workloads[0].options.mapping == .search)
  }

  @Test func `what is not feasible says why`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText([
      "parameters":
        "{rows: {path: array.rows, values: [8, 4096]}, p: {path: workload.sparsity, values: [dense, '2:4', fan-in(3)]}, d: {equals: 1 / (rows - 8), when: p == dense_}}"
        .replacingOccurrences(of: "dense_", with: "'dense'"),
      "constraints": "[p != '2:4' or rows > 8]",
    ]).study(in: folder)
    let evaluator = PointEvaluator(study)
    let verdicts = try (0..<6).map { index in
      evaluator.result(index, try #require(PointSequence(study)?.values(at: index))).verdict.text
    }
    #expect(verdicts[0] == "parameter: d")
    #expect(verdicts[1] == "constraint: p != '2:4' or rows > 8")
    #expect(verdicts[3] == "machine: inconsistent-hardware")
    for text in verdicts { #expect(Verdict(text, detail: "")?.text == text) }
  }
}
