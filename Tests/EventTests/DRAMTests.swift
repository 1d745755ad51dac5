import Bench
import Hardware
import Quantities
import SeededRandom
import Testing

@testable import Simulation

/// A technology by name, as a test's argument.
private func timing(_ name: String) throws -> DRAMTiming { DRAMTiming(try #require(DRAMTechnology.named(name))) }

@Suite("Banks of memory beside the command-by-command scheduler")
struct DRAMReferenceTests {
  @Test(arguments: DRAMTechnology.all.map(\.name), DRAMChannel.PagePolicy.allCases)
  func `every segment's data comes when the reference has it`(
    _ name: String, _ policy: DRAMChannel.PagePolicy
  ) throws {
    let base = try timing(name)
    var (hits, conflicts, refreshes) = (0, 0, 0)
    for seed in 1...6 {
      var generator = SeededGenerator(seed: seed)
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
      var t = base
      t.ranks = pick(1...2)
      // Some cases are refreshed often.
      if seed.isMultiple(of: 3) { (t.refi, t.rfc) = (500, 100) }
      var channel = DRAMChannel(t, policy: policy)
      var reference = CommandByCommand(t, closesRows: policy == .closed)
      var now = 0
      for index in 0..<24 {
        let segment = DRAMSegment(
          rank: pick(0...t.ranks - 1), bank: pick(0...1), row: pick(0...2), group: pick(0...t.groups - 1),
          bursts: pick(1...12), isWrite: pick(0...2) == 0)
        // Asked for a while ago or just now, at once or after a pause.
        let start = now + (pick(0...3) == 0 ? pick(0...200) : 0)
        let arrival = max(0, start - pick(0...60))
        let served = channel.serve(segment, arrival: arrival, start: start)
        let expected = reference.serve(segment, arrival: arrival, start: start)
        #expect(served == expected, "seed \(seed), segment \(index)")
        now = served.next
      }
      hits += channel.statistics.hits
      conflicts += channel.statistics.conflicts
      refreshes += channel.statistics.refreshes
    }
    #expect(hits > 10 || policy == .closed)
    #expect(conflicts > 10 || policy == .closed)
    #expect(refreshes > 5)
  }
}

@Suite("Formulas of banks of memory")
struct DRAMFormulaTests {
  static let names = DRAMTechnology.all.map(\.name)

  /// Bytes a clock of a stream that goes on for `stripes` stripes, over the peak.
  private func streamShare(_ t: DRAMTiming, policy: AddressMapping.Policy = .bankInterleaved, isWrite: Bool) -> Double {
    let mapping = AddressMapping(t, policy: policy)
    var channel = DRAMChannel(t)
    var position = 0
    var now = 0
    let total = 12 * t.refi / t.burst
    while position < total {
      let segment = mapping.segment(at: position, count: total - position, isWrite: isWrite)
      now = channel.serve(segment, arrival: 0, start: now).next
      position += segment.bursts
    }
    return Double(channel.statistics.busy) / Double(now)
  }

  @Test(arguments: names, [false, true])
  func `a stream reaches the peak but for refreshes, each with closing and opening a row again`(
    _ name: String, isWrite: Bool
  ) throws {
    let t = try timing(name)
    let share = streamShare(t, isWrite: isWrite)
    let ideal = 1 - Double(t.rfc) / Double(t.refi)
    // All groups open their row before the first can go on at full rate.
    let opening = t.rcd + (t.groups - 1) * max(0, t.rrdS - t.ccdS)
    let reopening = Double((isWrite ? t.cwl + t.burst + t.wr : t.rtp) + t.rp + opening) / Double(t.refi)
    #expect(share <= ideal)
    #expect(share >= ideal - reopening - 0.004, "\(share) of \(ideal)")
  }

  @Test(arguments: ["DDR4-2400", "HBM2e", "HBM3", "HBM3e"])
  func `reading streams reach peak × (1 − tRFC/tREFI) within 1 percent`(_ name: String) throws {
    let t = try timing(name)
    let ideal = 1 - Double(t.rfc) / Double(t.refi)
    #expect(abs(streamShare(t, isWrite: false) / ideal - 1) < 0.01)
  }

  @Test(arguments: names)
  func `peaks are those of the data sheets`(_ name: String) throws {
    let technology = try #require(DRAMTechnology.named(name))
    let t = try timing(name)
    let bytesPerClock = Double(t.burstBytes) / Double(t.burst)
    #expect(abs(bytesPerClock * t.clock.value / technology.channelBandwidth.value - 1) < 1e-12)
    let gigabytes = [
      "DDR4-2400": 19.2, "LPDDR4X": 8.532, "GDDR6": 32, "GDDR6X": 39, "HBM2e": 25.6, "HBM3": 25.6, "HBM3e": 36.8,
    ]
    let peak = try #require(gigabytes[name])
    #expect(abs(technology.channelBandwidth.value / 1e9 - peak) < 1e-6)
  }

  @Test(arguments: names)
  func `a read of another row of the same bank takes tRP + tRCD + tCL, of a closed bank tRCD + tCL, of an open row tCL`(
    _ name: String
  ) throws {
    let t = try timing(name)
    var channel = DRAMChannel(t)
    func first(_ row: Int, _ now: Int) -> Int {
      let segment = DRAMSegment(rank: 0, bank: 0, row: row, group: 0, bursts: 1, isWrite: false)
      return channel.serve(segment, arrival: now, start: now).first - now
    }
    // Far enough apart that only the bank's state counts, before the first refresh.
    #expect(first(0, 0) == t.rcd + t.cl)
    #expect(first(0, 200) == t.cl)
    #expect(first(1, 400) == t.rp + t.rcd + t.cl)
  }

  @Test(arguments: names)
  func `reads that each wait for the last one's data take tRP + tRCD + tCL and their burst, or the row's cycle`(
    _ name: String
  ) throws {
    var t = try timing(name)
    (t.rfc, t.refi) = (1, 1 << 30)
    var channel = DRAMChannel(t)
    var now = 0
    var begin = 0
    for row in 0..<101 {
      if row == 1 { begin = now }
      let segment = DRAMSegment(rank: 0, bank: 0, row: row, group: 0, bursts: 1, isWrite: false)
      now = channel.serve(segment, arrival: now, start: now).last
    }
    #expect(now - begin == 100 * max(t.rp + t.rcd + t.cl + t.burst, t.rc))
  }

  @Test(arguments: names)
  func `single bursts of ever other banks are limited by four activates a tFAW, or by tRRD`(_ name: String) throws {
    var t = try timing(name)
    (t.rfc, t.refi) = (1, 1 << 30)
    // Banks enough that none is met again within its cycle.
    t.banksPerGroup = 1024
    var channel = DRAMChannel(t)
    var last = 0
    for index in 0..<400 {
      let segment = DRAMSegment(
        rank: 0, bank: index, row: 0, group: index % t.groups, bursts: 1, isWrite: false)
      last = channel.serve(segment, arrival: 0, start: 0).last
    }
    let spacing = Double(last) / 400
    let rrd = t.groups > 1 ? max(t.rrdS, (t.rrdL + t.groups - 1) / t.groups) : t.rrdL
    let expected = max(Double(t.faw) / 4, Double(rrd), Double(t.groups > 1 ? t.ccdS : t.ccdL))
    #expect(abs(spacing / expected - 1) < 0.05, "\(spacing) clocks, not \(expected)")
  }

  @Test(arguments: names, [1, 8])
  func `reads and writes of open rows in turn lose both turn-arounds`(_ name: String, bursts: Int) throws {
    var t = try timing(name)
    (t.rfc, t.refi) = (1, 1 << 30)
    var channel = DRAMChannel(t)
    var now = 0
    var begin = 0
    for index in 0..<202 {
      if index == 2 { begin = now }
      // Banks of their own, so that both rows stay open; the same group.
      let isWrite = index.isMultiple(of: 2)
      let segment = DRAMSegment(
        rank: 0, bank: isWrite ? 0 : 1, row: 0, group: 0, bursts: bursts, isWrite: isWrite)
      now = channel.serve(segment, arrival: now, start: now).next
    }
    // From the last write to the first read, and back; within the bursts, the groups' turns.
    let step = t.groups == 1 ? t.ccdL : t.ccdS
    let group = (bursts - 1) % t.groups
    let turn = max(
      t.cwl + t.burst + (group == 0 ? t.wtrL : t.wtrS),
      bursts >= t.groups ? t.cwl + t.burst + t.wtrL - ((bursts - 1) % t.groups) * step : 0)
    let round = 2 * (bursts - 1) * step + turn + t.readToWrite
    #expect(now - begin == 100 * round)
  }

  @Test(arguments: names)
  func `rows one after the other in one bank wait for its cycle, in banks by turns they do not`(_ name: String) throws {
    let t = try timing(name)
    let turns = streamShare(t, isWrite: false)
    let same = streamShare(t, policy: .rowInterleaved, isWrite: false)
    let stripe = Double(AddressMapping(t).stripe * t.burst)
    // The bank is closed, opened and read again in no less than this.
    let gap = Double(t.rtp + t.rp + t.rcd)
    #expect(same < turns)
    #expect(abs(same / turns - stripe / (stripe + gap - Double(t.ccdS))) < 0.03, "\(same) of \(turns)")
  }

  @Test func `a segment is counted once for each bank it touches`() throws {
    let t = try timing("DDR4-2400")
    var channel = DRAMChannel(t)
    let mapping = AddressMapping(t)
    #expect(mapping.stripe * t.burstBytes == 32768)
    var now = 0
    for turn in 0..<2 {
      for half in 0..<2 {
        let segment = mapping.segment(at: half * mapping.stripe / 2, count: mapping.stripe / 2, isWrite: turn == 1)
        now = channel.serve(segment, arrival: now, start: now).next
      }
    }
    #expect(channel.statistics.misses == 4 && channel.statistics.hits == 12 && channel.statistics.conflicts == 0)
    #expect(channel.statistics.reads == mapping.stripe && channel.statistics.writes == mapping.stripe)
  }

  @Test func `every burst has a place of its own`() throws {
    var t = try timing("DDR4-2400")
    t.ranks = 2
    for policy in AddressMapping.Policy.allCases {
      let mapping = AddressMapping(t, policy: policy)
      var places: Set<DRAMSegment> = []
      var position = 0
      while position < mapping.stripe * 40 {
        let segment = mapping.segment(at: position, count: 1 << 20, isWrite: false)
        let isNew = places.insert(segment).inserted
        #expect(isNew && segment.bursts == mapping.stripe)
        position += segment.bursts
      }
    }
  }
}

@Suite("A machine's memory of banks")
struct BankedMemoryTests {
  /// Bytes a second of requests of 64 KiB, reads or reads and writes in turn.
  private func rate(_ name: String, _ peak: Double, copies: Bool) throws -> Double {
    let technology = try #require(DRAMTechnology.named(name))
    var memory = BankedMemory(technology, peak: BytesPerSecond(peak), latency: Seconds(100e-9), streams: 2)
    var now = Ticks.zero
    let (requests, size) = (400, 1 << 16)
    for index in 0..<requests {
      var rest = size
      let stream = copies ? index % 2 : 0
      while rest > 0 {
        let service = memory.serve(
          MemoryRequest(stream: stream, bytes: rest, isWrite: stream == 1, arrival: .zero), at: now)
        #expect(service.first >= now && service.last >= service.first && service.free >= now)
        rest -= service.bytes
        now = service.free
      }
    }
    return Double(requests * size) / now.seconds.value
  }

  @Test func `SAT's stream bandwidth is what its banks give`() throws {
    guard case .systolic(let array) = try Bench.machine("sat").architecture else { return }
    let rate = try rate("DDR4-2400", array.dram.peakBandwidth.value, copies: false)
    #expect(abs(rate / array.dram.streamBandwidth.value - 1) < 0.01, "\(rate)")
  }

  @Test(arguments: [("DDR4-2400", 19.2e9, 1), ("LPDDR4X", 82e9, 10), ("HBM2e", 2039e9, 80), ("HBM3e", 4.8e12, 131)])
  func `channels make up the peak, which streams come near and copies less`(
    name: String, peak: Double, channels: Int
  ) throws {
    let technology = try #require(DRAMTechnology.named(name))
    let memory = BankedMemory(technology, peak: BytesPerSecond(peak), latency: .zero, streams: 1)
    #expect(memory.channels == channels)
    #expect(abs(Double(channels) * technology.channelBandwidth.value / peak - 1) < 0.15)
    let stream = try rate(name, peak, copies: false)
    let copy = try rate(name, peak, copies: true)
    #expect(stream < peak && stream > 0.84 * peak, "\(stream / peak)")
    #expect(copy < stream, "\(copy / peak)")
  }
}
