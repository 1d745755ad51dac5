import Documents
import Quantities
public import Simulation

/// A timeline in Chrome's trace event format, which the Perfetto UI (ui.perfetto.dev) opens: operators and units as
/// tracks, the rate of off-chip memory and the room taken in buffers as counters. Times are microseconds.
///
/// Written event by event, so that a timeline never has to be in memory: ``begin``, a text for each event, ``end``.
public struct ChromeTrace {
  /// Numbers of the tracks, in the order in which they first appear.
  private var tracks: [String: Int] = [:]

  /// A trace without events.
  public init() {}

  /// What stands before the events.
  public static func begin(title: String) -> String {
    var text = "{\"displayTimeUnit\": \"ns\", \"otherData\": {\"lacuna_version\": "
    text.append(jsonQuoting: Version.current)
    text += "}, \"traceEvents\": [\n{\"ph\": \"M\", \"pid\": 1, \"name\": \"process_name\", \"args\": {\"name\": "
    text.append(jsonQuoting: title)
    return text + "}}"
  }

  /// What stands after the events.
  public static let end = "\n]}\n"

  /// An event, with the name of its track before the first of it.
  public mutating func text(_ event: TimelineEvent) -> String {
    switch event {
    case .operator(let name, let kind, let begin, let end):
      return span(name, track: "operators", begin, end, ("kind", .string(kind)))
    case .span(let unit, let stage, let tile, let begin, let end):
      return span(stage, track: unit, begin, end, ("tile", .integer(tile)))
    case .bandwidth(let rate, let time):
      return counter("off-chip memory", at: time, ("GB/s", .number(rate.value / 1e9)))
    case .occupancy(let buffer, let bytes, let time):
      return counter(buffer, at: time, ("KiB", .number(Double(bytes.count) / 1024)))
    }
  }

  private mutating func span(
    _ name: String, track: String, _ begin: Seconds, _ end: Seconds, _ argument: (String, JSONValue)
  ) -> String {
    var text = ""
    let number = tracks[track] ?? tracks.count + 1
    if tracks[track] == nil {
      tracks[track] = number
      text += line([
        ("ph", .string("M")), ("pid", .integer(1)), ("tid", .integer(number)), ("name", .string("thread_name")),
        ("args", .object([("name", .string(track))])),
      ])
    }
    return text
      + line([
        ("ph", .string("X")), ("pid", .integer(1)), ("tid", .integer(number)), ("name", .string(name)),
        ("ts", .number(begin.value * 1e6)), ("dur", .number((end - begin).value * 1e6)),
        ("args", .object([argument])),
      ])
  }

  private func counter(_ name: String, at time: Seconds, _ value: (String, JSONValue)) -> String {
    line([
      ("ph", .string("C")), ("pid", .integer(1)), ("name", .string(name)), ("ts", .number(time.value * 1e6)),
      ("args", .object([value])),
    ])
  }

  private func line(_ members: [(String, JSONValue)]) -> String { ",\n" + JSONValue.object(members).line }
}
