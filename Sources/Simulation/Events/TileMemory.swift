import Hardware
import Quantities

/// A part of a transfer between a chip and its memory.
struct MemoryRequest {
  /// Which of a machine's streams it belongs to; each reads or writes addresses of its own, one after the other.
  var stream: Int
  var bytes: Int
  var isWrite: Bool
  /// When the whole transfer was asked for.
  var arrival: Ticks
}

/// What became of a request.
struct MemoryService {
  /// Bytes that are done; less than asked for where the memory wants to choose again.
  var bytes: Int
  /// When the first and the last of their data are there: on the chip, or for writes in the memory.
  var first: Ticks
  var last: Ticks
  /// When the memory can choose what to serve next.
  var free: Ticks
  /// How long data was on the pins.
  var busy: Ticks
}

/// Off-chip memory as a pipeline of tiles uses it.
///
/// `serve` is called with times that never decrease, only when the last service's `free` has passed, with a request
/// that has arrived. It serves at least a byte. The answer is final.
protocol TileMemory {
  mutating func serve(_ request: MemoryRequest, at now: Ticks) -> MemoryService
  /// How often in a row a request may be passed over for others that go the same way as the last one.
  var bypassLimit: Int { get }
  /// Everything that later answers depend on, relative to `now`, in whole numbers; false where it never repeats.
  func appendState(at now: Ticks, to state: inout [Int64]) -> Bool
  /// What its banks did; nil without banks.
  var banks: BankActivity? { get }
}

/// An interface of a rate and a latency: requests follow each other without a gap, reads answer after the latency, and
/// writes are taken as done when they have left.
struct FlatMemory: TileMemory {
  private let latency: Ticks
  private let ticksPerByte: Double

  init(bandwidth: BytesPerSecond, latency: Seconds) {
    self.latency = Ticks(latency)
    ticksPerByte = 1e15 / bandwidth.value
  }

  var bypassLimit: Int { 0 }

  mutating func serve(_ request: MemoryRequest, at now: Ticks) -> MemoryService {
    let time = Ticks(Int64((Double(request.bytes) * ticksPerByte).rounded()))
    let delay = request.isWrite ? .zero : latency
    return MemoryService(
      bytes: request.bytes, first: now + delay, last: now + time + delay, free: now + time, busy: time)
  }

  func appendState(at now: Ticks, to state: inout [Int64]) -> Bool { true }
  var banks: BankActivity? { nil }
}

/// Channels of banks. Addresses are spread over all channels burst by burst, so every channel does the same: one is
/// simulated, with its share of the bytes rounded up to whole bursts.
///
/// A machine's peak bandwidth is that of as many channels as it needs, at the rate that gives just the peak; its latency
/// beyond that of a row conflict is the controller's and the chip's. Streams lie in regions of their own.
///
/// Left out: requests too small for all channels that meet in one of them.
struct BankedMemory: TileMemory {
  private(set) var channel: DRAMChannel
  let channels: Int
  private let mapping: AddressMapping
  private let ticksPerClock: Double
  /// Between the controller and whoever asked, there and back.
  private let transport: Ticks
  /// Bytes that each stream has asked for; a burst that two requests share is moved once.
  private var positions: [Int]
  private let unit: Int
  private let burstTicks: Double

  /// A region's length, in bursts of a channel; a whole number of stripes that is odd, so that streams start in
  /// different banks.
  private static let regionStripes = (1 << 24) + 1

  init(_ technology: DRAMTechnology, peak: BytesPerSecond, latency: Seconds, streams: Int) {
    channels = max(1, Int((peak / technology.channelBandwidth - 1e-6).rounded(.up)))
    let rate = Hertz(peak.value / Double(channels) * 8 / Double(technology.width))
    let timing = DRAMTiming(technology, transferRate: rate)
    channel = DRAMChannel(timing)
    mapping = AddressMapping(timing)
    ticksPerClock = 1e15 / timing.clock.value
    let access = Double(timing.rp + timing.rcd + timing.cl) * ticksPerClock
    transport = Ticks(max(0, Int64(latency.value * 1e15 - access)))
    unit = channels * timing.burstBytes
    burstTicks = Double(timing.burst) * ticksPerClock
    let region = Self.regionStripes * mapping.stripe * unit
    positions = (0..<streams).map { $0 * region }
  }

  /// Stripes that a request is served before another may be chosen.
  private static let stripesAtOnce = 4
  /// So many requests may go the same way before the oldest one is served, whichever way it goes.
  var bypassLimit: Int { 4 }

  var statistics: DRAMStatistics { channel.statistics }

  var banks: BankActivity? {
    BankActivity(
      channels: channels, activates: statistics.activates * channels, read: statistics.reads * unit,
      written: statistics.writes * unit)
  }

  mutating func serve(_ request: MemoryRequest, at now: Ticks) -> MemoryService {
    let position = positions[request.stream]
    // The burst that the last request ended in is here already.
    let begin = (position + unit - 1) / unit
    let end = (position + request.bytes + unit - 1) / unit
    guard end > begin else {
      positions[request.stream] += request.bytes
      return MemoryService(bytes: request.bytes, first: now, last: now, free: now, busy: .zero)
    }
    var next = begin
    var answer: DRAMChannel.Service?
    for _ in 0..<Self.stripesAtOnce where next < end {
      let segment = mapping.segment(at: next, count: end - next, isWrite: request.isWrite)
      let service = channel.serve(segment, arrival: clock(request.arrival), start: answer?.next ?? clock(now))
      answer = DRAMChannel.Service(first: answer?.first ?? service.first, last: service.last, next: service.next)
      next += segment.bursts
    }
    guard let answer else { preconditionFailure("\(request.bytes) B are no request") }
    let bytes = min(request.bytes, next * unit - position)
    positions[request.stream] += bytes
    let delay = request.isWrite ? Ticks.zero : transport
    return MemoryService(
      bytes: bytes, first: ticks(answer.first) + delay, last: ticks(answer.last) + delay, free: ticks(answer.next),
      busy: Ticks(Int64((Double(next - begin) * burstTicks).rounded())))
  }

  /// Refreshes come at times of their own.
  func appendState(at now: Ticks, to state: inout [Int64]) -> Bool { false }

  private func clock(_ time: Ticks) -> Int { Int((Double(time.count) / ticksPerClock - 1e-6).rounded(.up)) }
  private func ticks(_ clock: Int) -> Ticks { Ticks(Int64((Double(clock) * ticksPerClock).rounded())) }
}
