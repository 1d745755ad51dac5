import Foundation
import Lacuna
import Testing

@testable import Reporting

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Charts of one run on each family of machines: what stands where, from formulas.
@Suite struct ChartTests {
  /// A network, how it is pruned, and a machine.
  struct Case: CustomTestStringConvertible, Sendable {
    var machine: String
    var trace: String
    var rule: String
    var training: TrainingMethod?
    var type: DataType?
    var testDescription: String { "\(trace) on \(machine)" }

    func report() throws -> RunReport {
      let path = try #require(ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil).path(of: trace))
      return try Study(trace: path, sparsity: [rule], training: training, dataType: type).run(on: machine)
    }

    static let all = [
      Case(machine: "h200", trace: "bert-large", rule: "weights=2:4"),
      Case(machine: "s30", trace: "resnet50", rule: "weights=16x", type: .int8),
      Case(machine: "sat", trace: "resnet18-train", rule: "weights=2:8", training: .bdwp),
      Case(machine: "systolic-128x128", trace: "resnet18", rule: "weights=2:4"),
    ]
  }

  @Test(arguments: Case.all)
  func `a product stands at its operations over its bytes and its time, and under its roof`(_ sample: Case) throws {
    let report = try sample.report()
    let chart = try #require(Chart.roofline(report))
    var expected: Set<Chart.Place> = []
    let edge: Double = if case .logarithmic(_, let high) = chart.x.scale { high } else { .nan }
    for result in report.run.operators {
      let estimate = report.run.estimate(of: result)
      guard estimate.macs.useful > 0 else { continue }
      let operations = 2 * Double(estimate.macs.useful)
      let bytes = Double(estimate.traffic.dramRead.count + estimate.traffic.dramWritten.count)
      let place = Chart.Place(x: bytes > 0 ? operations / bytes : edge, y: operations / estimate.elapsed.value)
      expected.insert(place)
      let type = try #require(result.dataType)
      let peak = 2 * (try #require(report.machine.peakRate(of: type))).value
      let slope = bytes > 0 ? report.machine.memoryBandwidth.value * place.x : .infinity
      #expect(place.y <= min(peak, slope) * (1 + 1e-9), "\(result.name) beats its roof")
    }
    var points: Set<Chart.Place> = []
    for mark in chart.marks { if case .point(let place, _) = mark.shape { points.insert(place) } }
    #expect(points == expected)
    #expect(!points.isEmpty)
  }

  @Test(arguments: Case.all)
  func `the bars of a row add up to its total, and the kinds' rows to the whole step`(_ sample: Case) throws {
    let report = try sample.report()
    let totals = report.run.totals
    for (chart, total) in [
      (Chart.time([report]), totals.elapsed.value), (Chart.energy([report]), totals.energy.total.value),
    ] {
      let names = try #require(chart.y.names)
      var sums = [Double](repeating: 0, count: names.count)
      var ends = sums
      for mark in chart.marks {
        guard case .rect(let x, let y) = mark.shape, x.upperBound > x.lowerBound else { continue }
        let row = Int((y.lowerBound + y.upperBound) / 2)
        // Each begins where the one before it ends.
        #expect(x.lowerBound == ends[row])
        ends[row] = x.upperBound
        sums[row] += x.upperBound - x.lowerBound
      }
      #expect(abs(sums[0] - total) < 1e-9 * total)
      let kinds = names.indices.filter { !names[$0].hasPrefix("whole step") }
      #expect(abs(kinds.reduce(0) { $0 + sums[$1] } - total) < 1e-9 * total)
    }
  }

  @Test(arguments: Case.all)
  func `the area under the power is the energy, over the time of the step`(_ sample: Case) throws {
    let report = try sample.report()
    let chart = try #require(Chart.power(report))
    var (energy, end) = (0.0, 0.0)
    for mark in chart.marks {
      guard case .rect(let x, let y) = mark.shape else { continue }
      #expect(x.lowerBound == end)
      end = x.upperBound
      energy += (x.upperBound - x.lowerBound) * y.upperBound
    }
    let totals = report.run.totals
    #expect(abs(energy - totals.energy.total.value) < 1e-9 * totals.energy.total.value)
    #expect(abs(end - totals.elapsed.value) < 1e-9 * totals.elapsed.value)
    #expect(chart.marks.count <= RunResult.mostStretches + 1)
  }

  @Test(arguments: Case.all)
  func `charts are well-formed XML and JSON, the same each time, and every mark has a title`(_ sample: Case) throws {
    let report = try sample.report()
    let charts = Chart.charts(of: report)
    #expect(Set(charts.map(\.name)).count == charts.count)
    for (chart, again) in zip(charts, Chart.charts(of: report)) {
      let svg = chart.svg()
      #expect(svg == again.svg() && chart.vegaLite == again.vegaLite)
      let names = XMLNames()
      let parser = XMLParser(data: Data(svg.utf8))
      parser.delegate = names
      #expect(parser.parse(), "\(chart.name): \(parser.parserError.map { "\($0)" } ?? "")")
      #expect(names.counts["title"] == chart.marks.count { $0.tip != nil } + 1)
      #expect(!svg.contains("nan") && !svg.contains("inf"))
      _ = try JSONParser.parse(SourceText(name: chart.name, text: chart.vegaLite))
    }
  }

  @Test(arguments: Case.all)
  func `Vega-Lite has the bars of the SVG, in the unit of the axis`(_ sample: Case) throws {
    let report = try sample.report()
    let chart = Chart.time([report])
    let root = try JSONParser.parse(SourceText(name: "time", text: chart.vegaLite))
    var sum = 0.0
    for layer in root["layer"]?.elements ?? [] where layer["mark"]?["type"]?.text == "bar" {
      for row in layer["data"]?["values"]?.elements ?? [] where row["y"]?.text == "whole step" {
        sum += (try #require(row["x2"]?.double)) - (try #require(row["x"]?.double))
      }
    }
    let unit = try #require(chart.x.unit)
    #expect(abs(sum * unit.scale - report.run.totals.elapsed.value) < 1e-9 * report.run.totals.elapsed.value)
  }

  @Test(arguments: [(0.0, 1.0), (0, 0.00195), (0, 47), (0, 3e11), (-3, 5), (17, 17.5)])
  func `a linear axis covers its range with few round marks`(_ low: Double, _ high: Double) {
    let axis = Chart.Axis.linear("x", from: low, to: high)
    #expect((3...12).contains(axis.marks.count))
    #expect(axis.marks[0] <= low + 1e-12 && axis.marks[axis.marks.count - 1] >= high * (1 - 1e-8))
    #expect(axis.place(axis.marks[0]) == 0 && axis.place(axis.marks[axis.marks.count - 1]) == 1)
    #expect(Set(axis.marks.map(axis.text)).count == axis.marks.count)
  }

  @Test(arguments: [(1.0, 9.0), (0.3, 4e3), (2e5, 4e5), (1e-3, 1e15)])
  func `a logarithmic axis has marks within its range and puts equal factors at equal distances`(
    _ low: Double, _ high: Double
  ) {
    let axis = Chart.Axis.logarithmic("x", from: low, to: high)
    #expect((2...12).contains(axis.marks.count))
    for mark in axis.marks { #expect(mark >= low * 0.999 && mark <= high * 1.001) }
    let middle = (low * high).squareRoot()
    #expect(abs(axis.place(middle) - 0.5) < 1e-9)
  }

  @Test func `what lies beyond an axis stands at its end`() {
    let axis = Chart.Axis.linear("x", to: 10)
    #expect(axis.place(-1) == 0 && axis.place(11) == 1)
  }
}

/// Counts the elements of a document.
private final class XMLNames: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
  }
}
