import Foundation
import Lacuna
import Testing

@Suite struct TimelineTests {
  private struct Event: Decodable {
    var ph: String
    var name: String
    var tid: Int?
    var ts: Double?
    var dur: Double?
    var args: [String: Value]

    enum Value: Decodable {
      case number(Double)
      case text(String)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
          self = .number(number)
        } else {
          self = .text(try container.decode(String.self))
        }
      }
    }
  }

  private struct Document: Decodable { var traceEvents: [Event] }

  /// The events that are written, and what is said about them.
  private static func timeline(
    _ this: Case, _ machine: String, spans: Int = Study.timelineSpans
  ) throws -> (events: [Event], warnings: [Diagnostic], bytes: Data) {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("lacuna-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: place) }
    let warnings = try this.study().writeTimeline(
      on: Repository.machine(machine), options: SimulationOptions(fidelity: .event), to: place.path, spans: spans)
    let bytes = try Data(contentsOf: place)
    return (try JSONDecoder().decode(Document.self, from: bytes).traceEvents, warnings, bytes)
  }

  /// The spans of a track, in their order.
  private static func spans(_ track: String, _ events: [Event]) -> [Event] {
    let number = events.first {
      guard $0.ph == "M", $0.name == "thread_name", case .text(track)? = $0.args["name"] else { return false }
      return true
    }?.tid
    return events.filter { $0.ph == "X" && $0.tid == number }
  }

  @Test(arguments: ["sat", "systolic-128x128"])
  func `operators follow each other, units do one thing at a time, and the array is busy as long as it is said to be`(
    machine name: String
  ) throws {
    let this = Case(trace: "resnet18")
    let (events, warnings, _) = try Self.timeline(this, name)
    #expect(warnings.isEmpty)
    let run = try Simulator.simulate(
      this.study().workload, on: Repository.machine(name), options: SimulationOptions(fidelity: .event))
    let operators = Self.spans("operators", events)
    #expect(operators.map(\.name) == run.operators.filter { $0.exposed > .zero }.map(\.name))
    let end = run.totals.elapsed.value * 1e6
    for track in ["operators", "array", "off-chip memory", "vector unit"] {
      var last = 0.0
      for span in Self.spans(track, events) {
        let (begin, time) = (try #require(span.ts), try #require(span.dur))
        #expect(begin >= last - 1e-6 && time >= 0, "\(track)")
        last = begin + time
      }
      #expect(last > 0 && last <= end + 1e-6, "\(track)")
    }
    // Everything that the array was not waiting for, in all operators.
    let computing = run.operators.reduce(0.0) { sum, result in
      let matrix = run.estimate(of: result).matrix
      return sum
        + (matrix.busy + matrix.stalled[.imbalance] + matrix.stalled[.fill]).value * Double(result.repeats) * 1e6
    }
    let busy = Self.spans("array", events).reduce(0) { $0 + ($1.dur ?? 0) }
    #expect(abs(busy / computing - 1) < 1e-9)
    #expect(events.contains { $0.ph == "C" && $0.name == "off-chip memory" })
    #expect(events.contains { $0.ph == "C" && $0.name == "output buffer" })
  }

  @Test func `a long run keeps its operators and says what is missing`() throws {
    let (events, warnings, _) = try Self.timeline(Case(trace: "resnet18"), "systolic-32x32", spans: 1000)
    let operators = Self.spans("operators", events)
    #expect(operators.count > 20)
    #expect(events.count { $0.ph == "X" } - operators.count == 1000)
    #expect(warnings.count == 1 && warnings[0].severity == .warning && warnings[0].code == .tooLarge)
  }

  @Test func `the same run gives the same bytes`() throws {
    let first = try Self.timeline(Case(trace: "resnet18"), "sat", spans: 2000).bytes
    #expect(try Self.timeline(Case(trace: "resnet18"), "sat", spans: 2000).bytes == first)
  }

  @Test func `closed forms have none`() throws {
    let study = try Case(trace: "resnet18").study()
    #expect(throws: DiagnosticList.self) {
      _ = try study.writeTimeline(
        on: Repository.machine("sat"), options: SimulationOptions(),
        to: FileManager.default.temporaryDirectory.appendingPathComponent("none.json").path)
    }
  }
}
