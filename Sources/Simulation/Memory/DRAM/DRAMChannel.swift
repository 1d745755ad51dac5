import Hardware
import Quantities

/// One channel of off-chip memory, bank by bank: when a segment's data comes, given all that was served before.
///
/// Segments are served in the order in which they are given (whoever gives them reorders). For each of them the
/// commands go out as early as the intervals of ``DRAMTiming`` allow:
///
///     precharge ≥ activate + tRAS, read + tRTP, write data's end + tWR
///     activate  ≥ precharge + tRP, activate of the bank + tRC, of the rank + tRRD, the fourth last + tFAW
///     read      ≥ activate + tRCD, read + tCCD, write data's end + tWTR
///     write     ≥ activate + tRCD, write + tCCD, read + tCL + burst + 2 − tCWL
///
/// A row may open as soon as its segment has arrived, in the shadow of segments before it; data goes in order. The
/// bursts after the first of each bank group follow at tCCD_S (at tCCD_L where there is one group), so a segment costs
/// a few operations however long it is.
///
/// All banks are refreshed every tREFI, by the first segment boundary after (standards let refreshes be postponed);
/// rows are then closed and nothing goes on for tRFC.
///
/// Left out: contention for the command pins; refresh of single banks, by temperature; power-down; a longer tRP for all
/// banks at once.
struct DRAMChannel {
  /// What happens to a row after its segment.
  enum PagePolicy: CaseIterable {
    /// It stays open for the next one.
    case open
    /// It is closed.
    case closed
  }

  let timing: DRAMTiming
  let policy: PagePolicy
  private(set) var statistics = DRAMStatistics()

  // By bank: rank, then group, then bank of the group.
  private var openRow: [Int]
  private var activateReady: [Int]
  private var columnReady: [Int]
  private var prechargeReady: [Int]
  // By rank and group: the last command of a kind.
  private var lastActivate: [Int]
  private var lastRead: [Int]
  private var lastWrite: [Int]
  /// The last four activates of each rank, the oldest at the cursor.
  private var activates: [Int]
  private var activateCursor: [Int]
  private var lastColumn = Self.never
  private var nextRefresh: Int

  private static let never = -1 << 40

  init(_ timing: DRAMTiming, policy: PagePolicy = .open) {
    self.timing = timing
    self.policy = policy
    let groups = timing.ranks * timing.groups
    let banks = groups * timing.banksPerGroup
    openRow = [Int](repeating: -1, count: banks)
    activateReady = [Int](repeating: Self.never, count: banks)
    columnReady = activateReady
    prechargeReady = activateReady
    lastActivate = [Int](repeating: Self.never, count: groups)
    lastRead = lastActivate
    lastWrite = lastActivate
    activates = [Int](repeating: Self.never, count: timing.ranks * 4)
    activateCursor = [Int](repeating: 0, count: timing.ranks)
    nextRefresh = timing.refi
  }

  /// When a segment's data is on the pins, in clocks, and from when on another segment may be chosen.
  struct Service: Hashable {
    var first: Int
    var last: Int
    var next: Int
  }

  /// Whether its first burst finds its row open.
  func isHit(_ segment: DRAMSegment) -> Bool { openRow[bank(segment, segment.group)] == segment.row }

  /// Serves a segment.
  /// - Parameters:
  ///   - arrival: the clock at which it became known: its rows may open from then on.
  ///   - start: the clock from which on its data may be asked for, no earlier than `arrival`.
  mutating func serve(_ segment: DRAMSegment, arrival: Int, start: Int) -> Service {
    refresh(before: max(start, lastColumn + timing.ccdS))
    let opened = min(segment.bursts, timing.groups)
    var first = 0
    var column = 0
    for turn in 0..<opened {
      let group = (segment.group + turn) % timing.groups
      let bank = bank(segment, group)
      open(segment.row, bank: bank, group: segment.rank * timing.groups + group, rank: segment.rank, from: arrival)
      column = max(start, columnReady[bank], earliestColumn(segment, group))
      note(column, segment, group)
      if turn == 0 { first = column }
    }
    let rest = segment.bursts - opened
    if rest > 0 {
      let step = timing.groups == 1 ? timing.ccdL : timing.ccdS
      column += rest * step
      // The last burst of each group that has another one.
      for back in 0..<min(rest, timing.groups) {
        note(column - back * step, segment, (segment.group + segment.bursts - 1 - back) % timing.groups)
      }
    }
    if policy == .closed {
      for turn in 0..<opened {
        let bank = bank(segment, (segment.group + turn) % timing.groups)
        openRow[bank] = -1
        activateReady[bank] = max(activateReady[bank], prechargeReady[bank] + timing.rp)
      }
    }
    lastColumn = column
    statistics.add(segment, timing: timing)
    let latency = segment.isWrite ? timing.cwl : timing.cl
    return Service(first: first + latency, last: column + latency + timing.burst, next: column + timing.ccdS)
  }

  private func bank(_ segment: DRAMSegment, _ group: Int) -> Int {
    (segment.rank * timing.groups + group) * timing.banksPerGroup + segment.bank
  }

  /// Opens a row, closing another first.
  private mutating func open(_ row: Int, bank: Int, group: Int, rank: Int, from arrival: Int) {
    guard openRow[bank] != row else { return statistics.hits += 1 }
    var time = max(arrival, activateReady[bank])
    if openRow[bank] < 0 {
      statistics.misses += 1
    } else {
      statistics.conflicts += 1
      time = max(time, max(arrival, prechargeReady[bank]) + timing.rp)
    }
    for other in rank * timing.groups..<(rank + 1) * timing.groups {
      time = max(time, lastActivate[other] + (other == group ? timing.rrdL : timing.rrdS))
    }
    let oldest = rank * 4 + activateCursor[rank]
    time = max(time, activates[oldest] + timing.faw)
    activates[oldest] = time
    activateCursor[rank] = (activateCursor[rank] + 1) % 4
    lastActivate[group] = time
    openRow[bank] = row
    activateReady[bank] = time + timing.rc
    columnReady[bank] = time + timing.rcd
    prechargeReady[bank] = time + timing.ras
  }

  /// The first clock at which the reads and writes before allow another.
  private func earliestColumn(_ segment: DRAMSegment, _ group: Int) -> Int {
    let own = segment.rank * timing.groups + group
    var time = Self.never
    for other in lastRead.indices {
      let isSameRank = other / timing.groups == segment.rank
      if segment.isWrite {
        let step = other == own ? timing.ccdL : isSameRank ? timing.ccdS : timing.burst + timing.rtrs
        time = max(time, lastWrite[other] + step, lastRead[other] + timing.readToWrite + (isSameRank ? 0 : timing.rtrs))
      } else {
        let step = other == own ? timing.ccdL : isSameRank ? timing.ccdS : timing.burst + timing.rtrs
        let turn =
          isSameRank
          ? timing.cwl + timing.burst + (other == own ? timing.wtrL : timing.wtrS)
          : timing.cwl + timing.burst + timing.rtrs - timing.cl
        time = max(time, lastRead[other] + step, lastWrite[other] + turn)
      }
    }
    return time
  }

  /// Keeps what a read or write forbids afterwards.
  private mutating func note(_ column: Int, _ segment: DRAMSegment, _ group: Int) {
    let bank = bank(segment, group)
    if segment.isWrite {
      lastWrite[segment.rank * timing.groups + group] = column
      prechargeReady[bank] = max(prechargeReady[bank], column + timing.cwl + timing.burst + timing.wr)
    } else {
      lastRead[segment.rank * timing.groups + group] = column
      prechargeReady[bank] = max(prechargeReady[bank], column + timing.rtp)
    }
  }

  /// Does the refreshes that are due by `time`.
  private mutating func refresh(before time: Int) {
    guard nextRefresh <= time else { return }
    // Refreshes of a long pause leave nothing behind but closed rows.
    let passed = max(0, (time - nextRefresh) / timing.refi - 1)
    statistics.refreshes += passed
    nextRefresh += passed * timing.refi
    while nextRefresh <= time {
      var ready = nextRefresh
      for bank in openRow.indices {
        ready = max(ready, openRow[bank] < 0 ? activateReady[bank] : max(nextRefresh, prechargeReady[bank]) + timing.rp)
      }
      for bank in openRow.indices {
        openRow[bank] = -1
        activateReady[bank] = ready + timing.rfc
      }
      nextRefresh += timing.refi
      statistics.refreshes += 1
    }
  }
}

/// What a channel did.
struct DRAMStatistics: Hashable {
  /// Bank accesses of segments that found their row open, their bank closed, or another row open.
  var hits = 0
  var misses = 0
  var conflicts = 0
  /// Bursts.
  var reads = 0
  var writes = 0
  var refreshes = 0
  /// Clocks in which data was on the pins.
  var busy = 0

  /// Rows opened.
  var activates: Int { misses + conflicts }

  fileprivate mutating func add(_ segment: DRAMSegment, timing: DRAMTiming) {
    if segment.isWrite { writes += segment.bursts } else { reads += segment.bursts }
    busy += segment.bursts * timing.burst
  }
}
