import Foundation
import Lacuna
import Testing

@testable import Reporting
@testable import Simulation

@Suite struct HTMLReportTests {
  private static let hostile = "</script><script>alert(1)</script>\"'&\u{1B}[31m"

  /// A run of `count` operators, each with an answer of its own.
  private static func report(_ count: Int, name: (Int) -> String = { "layer.\($0)" }) -> RunReport {
    let estimates = (0..<count).map {
      Samples.estimate(
        microseconds: 10 + Double($0), bound: Bound.allCases[$0 % 12], macs: 1 << 20 + $0, mapping: .fusedAttention)
    }
    func run(_ scale: Double) -> RunResult {
      RunResult(
        workload: "net", machine: "h200", samples: 1,
        operators: (0..<count).map {
          Samples.entry(
            name($0), "gemm", "\($0)×64×64", estimate: $0, microseconds: scale * (10 + Double($0)))
        }, estimates: estimates, notes: [])
    }
    return RunReport(
      comparison: Comparison(run: run(1), dense: run(2)), machine: Samples.machine("h200"), asked: ["weights=2:4"])
  }

  @Test func `every operator has a row of the table`() {
    let page = HTMLReport.text(Self.report(200))
    for index in 0..<200 { #expect(page.components(separatedBy: "<td>layer.\(index)</td>").count == 2) }
  }

  @Test func `operators that are alike share a row where there are more than a page lists`() {
    var report = Self.report(HTMLReport.mostOperators + 1)
    #expect(HTMLReport.text(report).components(separatedBy: "<tr><td>layer.").count == HTMLReport.mostOperators + 2)
    for index in report.comparison.run.operators.indices { report.comparison.run.operators[index].estimate = index % 7 }
    #expect(HTMLReport.text(report).components(separatedBy: "<tr><td>layer.").count == 8)
  }

  @Test func `a page of a thousand operators stays under two megabytes`() {
    #expect(HTMLReport.text(Self.report(1000)).utf8.count < 2_000_000)
  }

  @Test func `what comes from files is text and never markup`() {
    var report = Self.report(3) { _ in Self.hostile }
    report.comparison.run.workload = Self.hostile
    report.comparison.run.notes = [RunResult.Note(message: Self.hostile, count: 1, examples: [Self.hostile])]
    report.skipped = [Workload.Skipped(reason: Self.hostile, count: 1, examples: [Self.hostile])]
    report.machine.title = Self.hostile
    report.machine.constants[3].source = Self.hostile
    report.asked = [Self.hostile]
    report.configuration = RunConfiguration(
      inputs: [.init(role: "trace", name: Self.hostile, sha256: "00")],
      options: [.init("sparsity", .list([Self.hostile]))])
    let losses = LossReport(waterfall: Samples.losses(operators: nil).waterfall, report: report)
    for page in [
      HTMLReport.text(report, losses: losses), HTMLReport.text([report, report]),
      HTMLReport.text(SweepReport(values: [Self.hostile], series: [SweepReport.Series(reports: [report])])),
    ] {
      #expect(page.components(separatedBy: "<script>").count == 2)
      #expect(page.components(separatedBy: "</script>").count == 2)
      #expect(!page.contains("alert(1)</script>") && !page.contains("\u{1B}") && !page.contains("\"'&\u{FFFD}"))
    }
  }

  @Test func `a page names nothing outside itself, and is the same each time`() {
    let report = Samples.report(on: "h200")
    let page = HTMLReport.text(report, losses: Samples.losses(operators: nil))
    #expect(page == HTMLReport.text(report, losses: Samples.losses(operators: nil)))
    #expect(!page.contains("src=") && !page.contains("http://") && !page.contains("https://") && !page.contains("url("))
    for link in page.components(separatedBy: "href=\"").dropFirst() { #expect(link.hasPrefix("#")) }
    // What a link goes to is there.
    for link in page.components(separatedBy: "href=\"#").dropFirst() {
      let id = link.prefix { $0 != "\"" }
      #expect(page.contains("<section id=\"\(id)\">"))
    }
  }

  @Test func `a page says what limits a run, what was assumed, skipped and done differently`() {
    let report = Samples.report(on: "h200")
    let page = HTMLReport.text(report, losses: Samples.losses(operators: nil))
    #expect(page.contains(Markup.escaped(HTMLReport.sentence(report))))
    for constant in report.assumed { #expect(page.contains("<td>\(constant.path)</td>")) }
    for part in report.skipped { #expect(page.contains(Markup.escaped(part.reason))) }
    for note in report.run.notes { #expect(page.contains(Markup.escaped(note.message))) }
    for chart in ["time", "energy", "waterfall", "traffic", "power"] { #expect(page.contains("id=\"chart-\(chart)\"")) }
  }

  @Test func `runs side by side all stand on the page`() {
    let page = HTMLReport.text([Samples.report(on: "s4"), Samples.report(on: "h200", scale: 0.2)])
    #expect(page.contains("<td>s4</td>") && page.contains("<td>h200</td>"))
    #expect(
      page.contains(Markup.escaped("h200 is fastest with \(Samples.report(on: "h200", scale: 0.2).run.totals.elapsed)"))
    )
    #expect(HTMLReport.text([RunReport]()).contains("no machines"))
  }

  @Test(arguments: [("a b", "'a b'"), ("it's", "'it'\\''s'"), ("weights=2:4", "weights=2:4"), ("", "''"), ("*", "'*'")])
  func `a command's words are one word each to a shell`(_ word: String, _ quoted: String) {
    let configuration = RunConfiguration(
      inputs: [.init(role: "trace", name: "t.jsonl", sha256: "00")],
      options: [.init("sparsity", .list([word])), .init("power", .choice("sustained", default: "sustained"))])
    #expect(configuration.command == "lacuna simulate t.jsonl --sparsity \(quoted)")
  }
}
