import Quantities

/// What a machine does with every tile of an operator: the stages, what they run on, and what they wait for.
///
/// A tile goes through the stages of a small graph, each of which runs on a unit or moves bytes between chip and memory.
/// Each stage takes the tiles in their order. It begins a tile when
///
/// - the stages in `afterEnd` are done with the tile,
/// - where it has work, the stages in `afterFirst` have delivered the tile's first data (it then ends no earlier than
///   they do: it works on a stream), and those in `afterPrevious` are done with the tile before,
/// - there is room in its buffer, and its unit is free.
///
/// Room is held from the beginning of the stage that takes it until a stage that gives it back begins or ends. So a
/// machine is a table of stages: an array that is fed by two loads and followed by a store; cores that pass tiles from
/// memory to a shared buffer, from there to a local one, through the arithmetic and back; a multiprocessor whose thread
/// blocks fetch, multiply and write. Machines of many equal units are described by the busiest of them, whose memory
/// has its share of the rate.
struct PipelineDescription {
  struct Stage {
    var name: String
    var place: Place
    /// What those are stalled by that wait for it.
    var bound: Bound
    var afterEnd: StageSet = []
    var afterFirst: StageSet = []
    var afterPrevious: StageSet = []
    /// The buffer it takes room in when it begins; nil takes none.
    var buffer: Int?
    /// Stages whose room comes free when this one begins, or ends, with the same tile.
    var releasesOnBegin: StageSet = []
    var releasesOnEnd: StageSet = []
  }

  enum Place: Hashable {
    /// A unit, which does one thing at a time; work is time.
    case unit(Int)
    /// The memory; work is bytes.
    case read
    case write
  }

  struct Buffer {
    var name: String
    var capacity: Int64
  }

  var stages: [Stage]
  var units: [String]
  var buffers: [Buffer]
}

/// Stages of a pipeline, by index: eight at most.
struct StageSet: OptionSet, Hashable {
  var rawValue: UInt8
  init(rawValue: UInt8) { self.rawValue = rawValue }
  init(_ stages: Int...) { rawValue = stages.reduce(0) { $0 | 1 << UInt8($1) } }

  /// The lowest stage; nil for none.
  var first: Int? { rawValue == 0 ? nil : rawValue.trailingZeroBitCount }
  /// All but the lowest.
  var rest: StageSet { StageSet(rawValue: rawValue & (rawValue &- 1)) }
}

/// What each stage has to do for one tile.
struct Tile {
  /// Ticks of a unit, or bytes of the memory. Nothing is done at once.
  var work = InlineArray<8, Int64>(repeating: 0)
  /// Room in the stage's buffer.
  var room = InlineArray<8, Int64>(repeating: 0)
}

/// The tiles of an operator, in order.
protocol TileSource {
  /// Makes the next tile; false at the end.
  mutating func next(_ tile: inout Tile) -> Bool
  /// How the tiles to come repeat those that were made.
  var regularity: Regularity { get }
  /// Passes over tiles that `regularity` tells to repeat others.
  mutating func skip(_ count: Int)
}

/// Each tile from `since` up to, but not including, `until` equals the one that is `period` before it. Tiles count from
/// the first that was made, those that were skipped included.
struct Regularity: Hashable {
  var period: Int
  var since: Int
  var until: Int
  static let none = Regularity(period: 1, since: 0, until: 0)
}

/// Is told what a pipeline does while it does it.
protocol PipelineProbe {
  /// Whether repeated stretches must be gone through tile by tile.
  var wantsEveryTile: Bool { get }
  /// A stage worked on a tile; the memory, on some bytes of it.
  mutating func record(stage: Int, tile: Int, bytes: Int, from begin: Ticks, to end: Ticks)
  /// So much of a buffer is taken from now on.
  mutating func record(buffer: Int, used: Int64, at time: Ticks)
}

/// Nobody listens.
struct NoProbe: PipelineProbe {
  var wantsEveryTile: Bool { false }
  mutating func record(stage: Int, tile: Int, bytes: Int, from begin: Ticks, to end: Ticks) {}
  mutating func record(buffer: Int, used: Int64, at time: Ticks) {}
}

/// What a pipeline did.
struct PipelineOutcome: Hashable {
  /// What a unit did; busy, stalled and idle add up to `elapsed`.
  struct Unit: Hashable {
    var busy = Ticks.zero
    /// Having work but waiting, by ``Bound``.
    var stalled = [Ticks](repeating: .zero, count: Bound.allCases.count)
    var idle = Ticks.zero

    var total: Ticks { busy + idle + stalled.reduce(.zero, +) }
  }

  var elapsed = Ticks.zero
  var units: [Unit]
  /// Memory with data on its pins; having requests without that; having none.
  var memoryBusy = Ticks.zero
  var memoryWaiting = Ticks.zero
  var bytesRead: Int64 = 0
  var bytesWritten: Int64 = 0
  /// What the memory's banks did; nil without banks.
  var banks: BankActivity?
  /// The most room that was taken in each buffer.
  var peakRoom: [Int64]
  var tiles = 0
  /// Tiles that were not gone through, because they repeat others.
  var foldedTiles = 0

  var memoryIdle: Ticks { elapsed - memoryBusy - memoryWaiting }
}

/// Stages that wait for each other, so that nothing can happen any more.
struct PipelineDeadlock: Error, Hashable, CustomStringConvertible {
  /// Who waits for what, a stage a line.
  var waits: [String]
  var description: String { waits.joined(separator: "; ") }
}
