import Foundation
import Lacuna
import Testing

/// The validation page is what the program says now. With `RECORD_GOLDENS=1` it is written anew.
@Suite struct PageTests {
  private static let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Sources/Lacuna/Lacuna.docc").standardized

  private static func groups() throws -> [ErrorGroup] {
    try Samples.paths.flatMap { try Samples.validated(path: $0).groups }
  }

  private static func check(_ text: String, _ name: String) throws {
    let file = docs.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1" {
      return try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let old = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    let new = text.components(separatedBy: "\n")
    let line = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    #expect(
      old == new,
      "\(name) is stale\(line.map { " in line \($0 + 1): it says\n\(old[$0])\nand should say\n\(new[$0])" } ?? ""); record with RECORD_GOLDENS=1"
    )
  }

  @Test func `the validation page is what the program says`() throws {
    let groups = try Self.groups()
    try Self.check(MarkdownReport.validation(groups, plot: "validation.svg"), "Validation.md")
    try Self.check(ErrorChart.text(groups), "validation.svg")
  }

  @Test func `every group is on the page, and every row is a dot`() throws {
    let groups = try Self.groups()
    let page = MarkdownReport.validation(groups, plot: "validation.svg")
    for file in Set(groups.map(\.file)) { #expect(page.contains("\n## \(file)\n")) }
    // A line for each metric of a group, or for each figure, beside those of the summary and the heads.
    let lines = groups.reduce(0) { sum, group in
      sum
        + (group.isPublished
          ? group.measurements.count { !$0.pairs.isEmpty } : Metric.allCases.count { group.statistics($0) != nil })
    }
    let files = Set(groups.map(\.file)).count
    #expect(page.split(separator: "\n").count { $0.hasPrefix("| ") } == lines + files + files + 1)
    let dots = groups.flatMap(\.measurements).count { !$0.pairs.isEmpty }
    #expect(ErrorChart.text(groups).components(separatedBy: "h0").count - 1 == dots)
  }

  @Test func `what cannot be modelled stands on the page with its reason`() throws {
    let file = try Samples.validated(
      "workload,batch,sequence,dtype,weights,training,baseline,metric,value,low,high,certainty,source\n"
        + "1024x1024x1024,,,fp16,3:4,,,speedup,1.1,,,published,a|b\n", name: "a100_mine.csv", on: "a100")
    let page = MarkdownReport.validation(file.groups, plot: "p.svg")
    #expect(page.contains("Not modelled: 1 of `a100_mine/fp16/3:4/speedup`: "))
  }
}
