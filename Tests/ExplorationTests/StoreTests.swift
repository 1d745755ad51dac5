import Diagnostics
import Foundation
import GRDB
import Testing

@testable import Exploration

@Suite struct StoreTests {
  private static let sobol = ["sampler": "{kind: sobol, points: 120}"]
  private static let search = ["sampler": "{kind: nsga2, population: 12, generations: 6}"]

  /// Everything that a store says of its points.
  private func content(_ path: String) throws -> [String] {
    var lines: [String] = []
    try StoredResults(path).forEachPoint { lines.append("\($0)") }
    return lines
  }

  private func fill(_ path: String, _ study: DesignStudy, threads: Int = 1, resumes: Bool = false) throws {
    let explorer = Explorer(study, program: "test", threads: threads)
    let store = try ResultStore(path, for: study, identity: explorer.identity, resumes: resumes)
    try explorer.run(into: store)
    try store.close()
  }

  @Test(arguments: [["sampler": "grid"], sobol, search])
  func `a store does not depend on how many threads filled it`(_ sampler: [String: String]) throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(sampler).study(in: folder)
    try fill(folder.path("one.sqlite"), study)
    try fill(folder.path("four.sqlite"), study, threads: 4)
    #expect(try content(folder.path("one.sqlite")).count > 10)
    #expect(try content(folder.path("one.sqlite")) == content(folder.path("four.sqlite")))
  }

  @Test(arguments: [sobol, search])
  func `what a run left out is what a resumed one adds`(_ sampler: [String: String]) throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(sampler).study(in: folder)
    try fill(folder.path("whole.sqlite"), study)
    try fill(folder.path("part.sqlite"), study)
    let database = try DatabaseQueue(path: folder.path("part.sqlite"))
    try database.write { try $0.execute(sql: "DELETE FROM points WHERE point % 7 > 2 OR point > 50") }
    try database.close()
    #expect(try content(folder.path("part.sqlite")) != content(folder.path("whole.sqlite")))
    try fill(folder.path("part.sqlite"), study, resumes: true)
    #expect(try content(folder.path("part.sqlite")) == content(folder.path("whole.sqlite")))
  }

  @Test(arguments: [1, 2, 7, 150])
  func `parts put together are the whole, in any order and however often`(_ count: Int) throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    try fill(folder.path("whole.sqlite"), study)
    let explorer = Explorer(study, program: "test", threads: 2)
    var parts: [SourceText] = []
    for index in 1...count {
      var text = PointLine.header(explorer)
      try explorer.run(try #require(Explorer.Shard(index, of: count))) { results in
        for result in results { text += PointLine.line(result, in: study) }
      }
      parts.append(SourceText(name: "part\(index)", text: text))
    }
    let all = parts.reversed() + [parts[0]]
    try explorer.merge(Array(all)) { () throws(DiagnosticList) in
      try ResultStore(folder.path("merged.sqlite"), for: study, identity: explorer.identity, resumes: false)
    }
    #expect(try content(folder.path("merged.sqlite")) == content(folder.path("whole.sqlite")))

    guard count > 1 else { return }
    let list = try #require(throws: DiagnosticList.self) {
      try explorer.merge(Array(parts.dropFirst())) { () throws(DiagnosticList) in
        try ResultStore(folder.path("lacking.sqlite"), for: study, identity: explorer.identity, resumes: false)
      }
    }
    #expect(list.diagnostics.map(\.code) == [.missingPoints])
    #expect(!FileManager.default.fileExists(atPath: folder.path("lacking.sqlite")))
  }

  @Test func `the points of a plan give the results of the study`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let explorer = Explorer(study, program: "test", threads: 1)
    var plan = PointLine.header(explorer)
    try explorer.forEachPoint(of: try #require(Explorer.Shard(1, of: 1))) { index, values in
      plan += PointLine.line(index, values, in: study)
    }
    var points: [(index: Int, values: [Value?])] = []
    try PointLine.forEachPoint(in: SourceText(name: "plan", text: plan), of: explorer) { index, values, result in
      #expect(result == nil)
      points.append((index, values))
    }
    var planned = ""
    try explorer.run(points) { for result in $0 { planned += PointLine.line(result, in: study) } }
    var whole = ""
    try explorer.run(try #require(Explorer.Shard(1, of: 1))) {
      for result in $0 { whole += PointLine.line(result, in: study) }
    }
    #expect(planned == whole)
  }

  @Test func `a search that learns cannot be divided`() throws {
    let folder = try StudyText.Folder()
    let explorer = Explorer(try StudyText(Self.search).study(in: folder), program: "test")
    #expect(throws: DiagnosticList.self) { try explorer.checkDivides() }
  }

  /// What is said of a file, which must stay as it is.
  private func refusal(_ path: String, _ study: DesignStudy, program: String = "test", resumes: Bool = true) throws
    -> [DiagnosticCode]
  {
    let before = try Data(contentsOf: URL(filePath: path))
    let explorer = Explorer(study, program: program, threads: 1)
    let list = try #require(throws: DiagnosticList.self) {
      try explorer.run(into: try ResultStore(path, for: study, identity: explorer.identity, resumes: resumes))
    }
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
    return list.diagnostics.map(\.code)
  }

  @Test func `a file that is no store of this study is refused and stays as it is`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let store = folder.path("store.sqlite")
    try fill(store, study)
    #expect(try refusal(store, study, resumes: false) == [.unusableStore])
    #expect(try refusal(store, study, program: "another") == [.changedStudy])
    #expect(
      try refusal(store, try StudyText(["sampler": "{kind: sobol, points: 121}"]).study(in: folder)) == [.changedStudy])

    let text = try folder.write("notes.txt", String(repeating: "not a database ", count: 200))
    #expect(try refusal(text, study) == [.unusableStore])
    let foreign = try DatabaseQueue(path: folder.path("foreign.sqlite"))
    try foreign.write { try $0.execute(sql: "CREATE TABLE people (name TEXT)") }
    try foreign.close()
    #expect(try refusal(folder.path("foreign.sqlite"), study) == [.unusableStore])
    let list = try #require(throws: DiagnosticList.self) { try fill(folder.path("absent/store.sqlite"), study) }
    #expect(list.diagnostics.map(\.code) == [.unwritableFile])
  }

  @Test func `a trace or a machine that changed is told by its name`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText().study(in: folder)
    try fill(folder.path("store.sqlite"), study)
    let machine = try String(contentsOfFile: folder.path("sat.yaml"), encoding: .utf8)
    _ = try folder.write("sat.yaml", machine.replacingOccurrences(of: "200 MHz", with: "201 MHz"))
    _ = try folder.write("tiny.jsonl", StudyText.trace.replacingOccurrences(of: "\"m\":96", with: "\"m\":128"))
    let changed = try DesignStudy(path: folder.path("study.yaml"))
    let list = try #require(throws: DiagnosticList.self) {
      try fill(folder.path("store.sqlite"), changed, resumes: true)
    }
    #expect(list.diagnostics.first?.message.contains("machine, trace tiny changed") == true, "\(list.diagnostics)")
  }

  @Test func `a simulator that answers otherwise is noticed`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let store = folder.path("store.sqlite")
    try fill(store, study)
    let database = try DatabaseQueue(path: store)
    try database.write {
      try $0.execute(sql: "UPDATE points SET time_seconds = time_seconds * 1.0000001 WHERE point < 3")
      try $0.execute(sql: "DELETE FROM points WHERE point > 80")
    }
    try database.close()
    let before = try content(store)
    let list = try #require(throws: DiagnosticList.self) { try fill(store, study, resumes: true) }
    #expect(list.diagnostics.map(\.code) == [.changedStudy])
    #expect(try content(store) == before)
  }

  @Test func `a store that is full keeps what was written`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(["sampler": "{kind: sobol, points: 2000}"]).study(in: folder)
    try fill(folder.path("whole.sqlite"), study)
    let explorer = Explorer(study, program: "test", threads: 2)
    let path = folder.path("full.sqlite")
    let store = try ResultStore(path, for: study, identity: explorer.identity, resumes: false)
    try store.limitPages(40)
    let list = try #require(throws: DiagnosticList.self) { try explorer.run(into: store) }
    #expect(list.diagnostics.map(\.code) == [.unwritableFile])
    try store.close()
    let kept = try content(path)
    #expect(!kept.isEmpty)
    // Threads write their shares as they finish them.
    #expect(try Set(content(folder.path("whole.sqlite"))).isSuperset(of: kept))
    try fill(path, study, resumes: true)
    #expect(try content(path) == content(folder.path("whole.sqlite")))
  }

  @Test func `a store that another holds is told of, and stays as it is`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let path = folder.path("held.sqlite")
    try fill(path, study)
    let before = try content(path)
    let identity = Explorer(study, program: "test").identity
    let holder = try DatabaseQueue(path: path)
    try holder.writeWithoutTransaction { database in
      try database.execute(sql: "BEGIN IMMEDIATE")
      let list = try #require(throws: DiagnosticList.self) {
        try ResultStore(path, for: study, identity: identity, resumes: true, patience: 0.05)
      }
      #expect(list.diagnostics.map(\.code) == [.unusableStore])
      #expect(list.diagnostics.first?.message.contains("held by another process") == true)
      try database.execute(sql: "ROLLBACK")
    }
    try holder.close()
    #expect(try content(path) == before)
  }

  @Test func `points may be given by coordinates`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let explorer = Explorer(study, program: "test", threads: 1)
    let header = PointLine.header(explorer)
    #expect(header.contains(#""free": [{"name": "rows", "count": 3}, {"name": "columns", "count": 4}]"#))
    var points: [[Value?]] = []
    let text = header + #"{"point": 7, "coordinates": [0.5, 1]}"# + "\n"
    try PointLine.forEachPoint(in: SourceText(name: "asked", text: text), of: explorer) { _, values, _ in
      points.append(values)
    }
    #expect(points == [[.number(16), .number(64)]])
    for wrong in ["[0.5]", "[0.5, 1.5]", "[0.5, null]"] {
      let source = SourceText(name: "asked", text: header + "{\"point\": 7, \"coordinates\": \(wrong)}\n")
      let list = #expect(throws: DiagnosticList.self) {
        try PointLine.forEachPoint(in: source, of: explorer) { _, _, _ in }
      }
      #expect(list?.diagnostics.first?.location?.line == 2)
    }
  }

  @Test func `two that fill one store at once leave what one leaves`() async throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(["sampler": "{kind: sobol, points: 500}"]).study(in: folder)
    try fill(folder.path("one.sqlite"), study)
    let path = folder.path("two.sqlite")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<2 { group.addTask { try self.fill(path, study, resumes: true) } }
      try await group.waitForAll()
    }
    #expect(try content(path) == content(folder.path("one.sqlite")))
  }

  @Test func `of those that create one store at once none is turned away`() async throws {
    let folder = try StudyText.Folder()
    let study = try StudyText(Self.sobol).study(in: folder)
    let identity = Explorer(study, program: "test").identity
    for round in 0..<100 {
      let path = folder.path("\(round).sqlite")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { try ResultStore(path, for: study, identity: identity, resumes: true).close() }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func `a summary counts what a pass over all points counts`() throws {
    let folder = try StudyText.Folder()
    let study = try StudyText([
      "sampler": "{kind: sobol, points: 200}", "constraints": "[rows * columns >= 256]",
      "objectives": "[time, {maximize: 1 / (rows * columns), name: density}]",
    ]).study(in: folder)
    try fill(folder.path("store.sqlite"), study)
    let results = try StoredResults(folder.path("store.sqlite"))
    let summary = try StudySummary(results)
    var points: [(index: Int, costs: [Double])] = []
    var all = 0
    try results.forEachPoint { point in
      all += 1
      if let costs = results.costs(of: point) { points.append((point.index, costs)) }
    }
    #expect(summary.points == all && all == 200)
    #expect(summary.feasible == points.count)
    #expect(summary.reasons.map(\.count).reduce(summary.feasible, +) == 200)
    let front = points.filter { a in !points.contains { ParetoFront<Int>.dominates($0.costs, a.costs) } }
    #expect(Set(summary.front.map(\.index)) == Set(front.map(\.index)))
    for (a, b) in zip(summary.hypervolume, summary.hypervolume.dropFirst()) { #expect(a.fraction <= b.fraction) }
    let best = try results.best(3, by: "density")
    #expect(
      best.map(\.index)
        == Array(points.sorted { ($0.costs[1], $0.index) < ($1.costs[1], $1.index) }.prefix(3).map(\.index)))
    #expect(throws: DiagnosticList.self) { try results.best(3, by: "denisty") }
  }

  @Test func `parameters explain variance as an analysis of it says`() {
    // y = a + 2b over all of a in 0…3 and b in 0…3: variances 1.25 and 5.
    var groups = [ValueGroups(), ValueGroups()]
    let points = (0..<16).map { [Value.number(Double($0 % 4)), .number(Double($0 / 4))] }
    for point in points { for index in 0..<2 { groups[index].note(point[index]) } }
    var sums = groups.map(MainEffects.Sums.init)
    for (index, point) in points.enumerated() {
      let y = Double(index % 4) + 2 * Double(index / 4)
      for parameter in 0..<2 { sums[parameter].add(y, at: point[parameter]) }
    }
    #expect((sums[0].explained ?? 0) - 0.2 < 1e-12)
    #expect((sums[1].explained ?? 0) - 0.8 < 1e-12)
  }
}
