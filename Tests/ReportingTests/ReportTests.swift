import Goldens
import Lacuna
import Testing

@testable import Reporting

/// A report and the golden it is recorded under.
struct ReportCase: Sendable, CustomTestStringConvertible {
  let name: String
  let report: Report
  var testDescription: String { name }

  static let all = [
    ReportCase(name: "run", report: .run(Samples.report(on: "h200"), operators: .first(3))),
    ReportCase(name: "training", report: .run(Samples.training, operators: .all)),
    ReportCase(
      name: "comparison", report: .comparison([Samples.report(on: "s4"), Samples.report(on: "h200", scale: 0.2)])),
    ReportCase(name: "schedule", report: .schedule(Samples.schedule)),
    ReportCase(name: "machines", report: .machines([Samples.machine("h200"), Samples.machine("sat")])),
    ReportCase(name: "machine", report: .machine(Samples.machine("sat"))),
    ReportCase(name: "losses", report: .losses(Samples.losses(operators: nil))),
    ReportCase(name: "losses-operators", report: .losses(Samples.losses(operators: [0, 1, 4], subject: "encoder.*"))),
    ReportCase(name: "trace", report: .trace(TraceReport(Samples.trace, format: "Lacuna JSON Lines"))),
    ReportCase(name: "trace-layers", report: .trace(Samples.layers)),
  ]
}

@Suite struct ReportTests {
  @Test(arguments: ReportCase.all, Report.Format.allCases)
  func `a report reads as recorded`(_ sample: ReportCase, _ format: Report.Format) throws {
    let ending = format == .table ? "txt" : format.rawValue
    try Golden.check(sample.report.text(as: format), "\(sample.name).\(ending)")
  }

  @Test(arguments: ReportCase.all)
  func `JSON parses, says its version, and names each key once`(_ sample: ReportCase) throws {
    let text = sample.report.text(as: .json)
    // The parser refuses duplicate keys.
    let root = try JSONParser.parse(SourceText(name: sample.name, text: text))
    #expect(root["schema_version"]?.integer == Version.reportSchema)
    #expect(root["lacuna_version"]?.text == Version.current)
  }

  @Test(arguments: ReportCase.all)
  func `every row of a CSV table has as many cells as its header`(_ sample: ReportCase) throws {
    let rows = try cells(sample.report.text(as: .csv))
    let header = try #require(rows.first)
    #expect(rows.count > 1)
    #expect(header.first == "schema_version")
    #expect(Set(header).count == header.count)
    for name in header { #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(name)") }
    for row in rows { #expect(row.count == header.count, "\(row)") }
  }

  @Test(arguments: ReportCase.all)
  func `a table fits 120 columns and leaves no blank at a line's end`(_ sample: ReportCase) {
    for line in sample.report.text(as: .table).split(separator: "\n") {
      #expect(line.count <= 120, "\(line)")
      #expect(line.last != " ", "\(line)")
    }
  }

  @Test func `JSON gives back the very numbers`() throws {
    let report = Samples.report(on: "h200")
    let text = Report.run(report).text(as: .json)
    let root = try JSONParser.parse(SourceText(name: "run", text: text))
    let totals = report.run.totals
    #expect(root["totals"]?["elapsed_s"]?.double == totals.elapsed.value)
    #expect(root["totals"]?["energy"]?["total_j"]?.double == totals.energy.total.value)
    #expect(root["totals"]?["traffic"]?["dram_read_bytes"]?.integer == Int(totals.traffic.dramRead.count))
    #expect(root["speedup"]?.double == report.comparison.speedup)
    #expect(root["operators"]?.elements?.count == report.run.operators.count)
  }

  @Test func `operators that are alike share a row, slowest first`() {
    let groups = Samples.report(on: "h200").comparison.groups
    #expect(groups.map(\.first.kind) == ["gemm", "attention", "elementwise", "normalization"])
    #expect(groups.map(\.count) == [2, 2, 6, 2])
    #expect(groups.map(\.members) == [2, 2, 2, 2])
    #expect(groups[0].speedup.map { ($0 - 50.0 / 30).magnitude < 1e-12 } == true)
  }

  @Test func `an operator that the dense step lacks has no speedup`() {
    let groups = Samples.training.comparison.groups
    #expect(groups.first { $0.first.kind == "pruning" }?.speedup == nil)
    #expect(groups.first { $0.first.phase == .forward }?.speedup == 2.5)
  }

  @Test func `a run of nothing is still a report`() throws {
    let empty = RunResult(workload: "none", machine: "sat", samples: 1, operators: [], estimates: [], notes: [])
    let report = RunReport(comparison: Comparison(run: empty, dense: empty), machine: Samples.machine("sat"))
    for format in Report.Format.allCases {
      let text = Report.run(report).text(as: format)
      #expect(!text.contains("nan") && !text.contains("inf"), "\(text)")
    }
    _ = try JSONParser.parse(SourceText(name: "run", text: Report.run(report).text(as: .json)))
  }

  /// Splits a table as RFC 4180 says.
  private func cells(_ text: String) throws -> [[String]] {
    var rows: [[String]] = [[]]
    var cell = ""
    var isQuoted = false
    var rest = text[...]
    while let character = rest.popFirst() {
      switch character {
      case "\"" where isQuoted && rest.first == "\"":
        cell.append("\"")
        rest.removeFirst()
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        rows[rows.count - 1].append(cell)
        cell = ""
      case "\n" where !isQuoted:
        rows[rows.count - 1].append(cell)
        cell = ""
        rows.append([])
      default: cell.append(character)
      }
    }
    #expect(!isQuoted && rows.last == [], "the table ends inside a row")
    return rows.dropLast()
  }
}

@Suite struct TextTests {
  @Test(arguments: [
    (0, "0"), (9999, "9999"), (10_000, "10.0 k"), (999_499, "999 k"), (999_500, "1.00 M"), (4_294_967_296, "4.29 G"),
    (Int.max, "9.22 E"),
  ])
  func `counts take a prefix above ten thousand`(_ count: Int, _ text: String) {
    #expect(countText(count) == text)
  }

  @Test func `JSON strings are escaped`() {
    #expect(JSONValue.string("a\"\\\n\t\u{1}é").text == "\"a\\\"\\\\\\n\\t\\u0001é\"\n")
  }

  @Test(arguments: [(0.1, "0.1"), (1e-12, "1e-12"), (.nan, "null"), (.infinity, "null"), (5e9, "5000000000.0")])
  func `JSON numbers are the shortest that read back`(_ value: Double, _ text: String) {
    #expect(JSONValue.number(value).text == text + "\n")
  }

  @Test func `columns align, numbers right`() {
    var table = TextTable([.words("name"), .number("time")])
    table.add(["a", "1.00 s"])
    table.add(["long", "12 ms"])
    #expect(table.text() == "name    time\na     1.00 s\nlong   12 ms\n")
  }

  @Test func `a long name loses its middle, a long text its end`() {
    #expect("conv1.backward_weight".cut(.middle, to: 11) == "conv1…eight")
    #expect("conv1.backward_weight".cut(.end, to: 11) == "conv1.back…")
    #expect("conv1".cut(.middle, to: 5) == "conv1")
  }

  @Test func `words wrap into lines`() {
    #expect("a bc def incomprehensible".lines(of: 5) == ["a bc", "def", "incomprehensible"])
    #expect("".lines(of: 5).isEmpty)
  }

  @Test func `control characters do not reach a table`() {
    var table = TextTable([.words("name")])
    table.add(["\u{1B}[2Jx"])
    #expect(table.text() == "name\n\u{FFFD}[2Jx\n")
  }
}
