import Foundation
import Goldens
import Lacuna
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct WaterfallChartTests {
  @Test func `the chart reads as recorded`() throws {
    try Golden.check(Chart.waterfall(Samples.losses(operators: nil)).svg(), "losses.svg")
  }

  @Test(arguments: [nil, [0, 4]] as [[Int]?])
  func `the chart is well-formed XML with a title for itself and each bar`(_ operators: [Int]?) throws {
    let losses = Samples.losses(operators: operators, subject: "a <b> & \"c\"")
    let reader = XMLNames()
    let parser = XMLParser(data: Data(Chart.waterfall(losses).svg().utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(reader.counts["svg"] == 1)
    // The ideal, the causes and the prediction.
    let bars = losses.waterfall.steps.count + 2
    #expect(reader.counts["rect"] == bars)
    #expect(reader.counts["title"] == bars + 1)
    #expect(reader.counts["desc"] == 1)
    #expect(!reader.attributes.contains { $0.hasPrefix("xlink") || $0 == "href" || $0 == "src" })
  }

  @Test func `a waterfall without steps is still a chart and a table`() throws {
    var losses = Samples.losses(operators: nil)
    losses.waterfall = SpeedupWaterfall(subject: "none", machine: "sat", ideal: 1, steps: [])
    #expect(XMLParser(data: Data(Chart.waterfall(losses).svg().utf8)).parse())
    for format in Report.Format.allCases { #expect(!Report.losses(losses).text(as: format).contains("nan")) }
  }
}

@Suite struct SweepChartTests {
  @Test func `a sweep is well-formed XML with a line a series and a titled point a run`() throws {
    let path = try #require(ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil).path(of: "resnet18"))
    let values = ["1x", "8x"]
    let machines = ["s4", "t4"]
    let reports = try values.map { value in
      let study = try Study(trace: path, sparsity: ["weights=\(value)"], dataType: .int8)
      return try machines.map { try study.run(on: $0) }
    }
    let sweep = SweepReport(
      values: values, series: machines.indices.map { index in SweepReport.Series(reports: reports.map { $0[index] }) })
    let reader = XMLNames()
    let parser = XMLParser(data: Data(Chart.sweep(sweep).svg().utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(reader.counts["polyline"] == 2 && reader.counts["circle"] == 4 && reader.counts["title"] == 5)
    #expect(Chart.sweep(sweep).svg() == Chart.sweep(sweep).svg())
    let table = Report.sweep(sweep).text(as: .table)
    for report in reports.joined() { #expect(table.contains(report.run.machine)) }
    #expect(Report.sweep(sweep).text(as: .csv).split(separator: "\n").count == 5)
  }
}

/// Counts the elements of a document.
private final class XMLNames: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]
  var attributes: Set<String> = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    self.attributes.formUnion(attributes.keys)
  }
}
