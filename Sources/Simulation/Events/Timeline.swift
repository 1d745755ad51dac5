public import Quantities

/// Something that happened during a run, for a picture of it over time. Times count from the run's begin.
public enum TimelineEvent: Hashable, Sendable {
  /// An operator ran, repeats included.
  case `operator`(name: String, kind: String, begin: Seconds, end: Seconds)
  /// A stage worked on a tile of an operator; a unit does one thing at a time.
  case span(unit: String, stage: String, tile: Int, begin: Seconds, end: Seconds)
  /// The rate of off-chip memory from this moment on.
  case bandwidth(BytesPerSecond, at: Seconds)
  /// What is taken of a buffer from this moment on.
  case occupancy(buffer: String, Bytes, at: Seconds)
}

/// What a pipeline did, until there is no place for more.
struct TileRecording: PipelineProbe {
  struct Span {
    var stage: Int
    var tile: Int
    var bytes: Int
    var begin: Ticks
    var end: Ticks
  }

  let limit: Int
  /// How long after the operator the pipeline begins.
  private let delay: Seconds
  private(set) var spans: [Span] = []
  private(set) var rooms: [(buffer: Int, used: Int64, time: Ticks)] = []
  /// Whether something is missing.
  private(set) var isCut = false

  init(limit: Int, from delay: Seconds = .zero) { (self.limit, self.delay) = (limit, delay) }

  var wantsEveryTile: Bool { !isCut }

  mutating func record(stage: Int, tile: Int, bytes: Int, from begin: Ticks, to end: Ticks) {
    guard spans.count < limit else { return isCut = true }
    spans.append(Span(stage: stage, tile: tile, bytes: bytes, begin: begin, end: end))
  }

  mutating func record(buffer: Int, used: Int64, at time: Ticks) {
    guard !isCut else { return }
    if let last = rooms.lastIndex(where: { $0.time < time || $0.buffer == buffer }), rooms[last].time == time {
      rooms[last].used = used
    } else {
      rooms.append((buffer, used, time))
    }
  }

  /// The recording as events of a run in which it begins at `start`, in the order of their begin.
  func events(of description: PipelineDescription, from start: Seconds) -> [TimelineEvent] {
    func at(_ time: Ticks) -> Seconds { start + delay + time.seconds }
    var events: [(time: Ticks, event: TimelineEvent)] = []
    var memoryEnd: Ticks?
    for span in spans.sorted(by: { $0.begin < $1.begin }) {
      let stage = description.stages[span.stage]
      let unit: String
      switch stage.place {
      case .unit(let index): unit = description.units[index]
      case .read, .write:
        unit = "off-chip memory"
        if let end = memoryEnd, end < span.begin { events.append((end, .bandwidth(.zero, at: at(end)))) }
        memoryEnd = span.end
        if span.end > span.begin {
          let rate = Bytes(Int64(span.bytes)) / (span.end - span.begin).seconds
          events.append((span.begin, .bandwidth(rate, at: at(span.begin))))
        }
      }
      events.append(
        (span.begin, .span(unit: unit, stage: stage.name, tile: span.tile, begin: at(span.begin), end: at(span.end))))
    }
    if let end = memoryEnd { events.append((end, .bandwidth(.zero, at: at(end)))) }
    for room in rooms {
      let name = description.buffers[room.buffer].name
      events.append((room.time, .occupancy(buffer: name, Bytes(room.used), at: at(room.time))))
    }
    // Sorted by time, and within a moment as they came.
    return events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element.event)
  }
}
