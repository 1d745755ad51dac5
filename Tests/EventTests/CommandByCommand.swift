@testable import Simulation

/// A channel of memory, command by command: every command of the past is kept, and for each new one the clock is
/// advanced one by one until no rule of the standard's tables forbids it. Slow; nothing is remembered but what was issued.
struct CommandByCommand {
  enum Kind { case activate, precharge, read, write, refresh }

  struct Command {
    var kind: Kind
    var time: Int
    var rank = 0
    var group = 0
    var bank = 0
    var row = 0
  }

  let t: DRAMTiming
  var closesRows = false
  private(set) var past: [Command] = []
  private var refreshesDue = 1

  init(_ timing: DRAMTiming, closesRows: Bool = false) {
    t = timing
    self.closesRows = closesRows
  }

  /// Serves segments in their order, each burst's commands as early as they may be.
  mutating func serve(_ s: DRAMSegment, arrival: Int, start: Int) -> DRAMChannel.Service {
    while refreshesDue * t.refi <= max(start, (past.last { $0.isColumn }?.time ?? -1 << 30) + t.ccdS) { refresh() }
    var columns: [Int] = []
    for index in 0..<s.bursts {
      let group = (s.group + index) % t.groups
      if openRow(s.rank, group, s.bank) != s.row {
        if openRow(s.rank, group, s.bank) != nil { issue(.precharge, s, group, from: arrival) }
        issue(.activate, s, group, from: arrival)
      }
      columns.append(issue(s.isWrite ? .write : .read, s, group, from: max(start, columns.last ?? start)))
    }
    if closesRows {
      for group in Set((0..<s.bursts).map { (s.group + $0) % t.groups }).sorted() {
        issue(.precharge, s, group, from: arrival)
      }
    }
    let latency = s.isWrite ? t.cwl : t.cl
    return DRAMChannel.Service(
      first: columns[0] + latency, last: columns[columns.count - 1] + latency + t.burst,
      next: columns[columns.count - 1] + t.ccdS)
  }

  private func openRow(_ rank: Int, _ group: Int, _ bank: Int) -> Int? {
    for command in past.reversed() {
      if command.kind == .refresh { return nil }
      guard (command.rank, command.group, command.bank) == (rank, group, bank) else { continue }
      if command.kind == .activate { return command.row }
      if command.kind == .precharge { return nil }
    }
    return nil
  }

  @discardableResult
  private mutating func issue(_ kind: Kind, _ s: DRAMSegment, _ group: Int, from: Int) -> Int {
    var command = Command(kind: kind, time: from, rank: s.rank, group: group, bank: s.bank, row: s.row)
    while past.contains(where: { forbids($0, command) }) || hasFourActivates(command) { command.time += 1 }
    past.append(command)
    return command.time
  }

  private mutating func refresh() {
    let due = refreshesDue * t.refi
    for rank in 0..<t.ranks {
      for group in 0..<t.groups {
        for bank in 0..<t.banksPerGroup where openRow(rank, group, bank) != nil {
          issue(
            .precharge, DRAMSegment(rank: rank, bank: bank, row: 0, group: group, bursts: 1, isWrite: false), group,
            from: due)
        }
      }
    }
    var command = Command(kind: .refresh, time: due)
    while past.contains(where: { forbids($0, command) }) { command.time += 1 }
    past.append(command)
    refreshesDue += 1
  }

  private func hasFourActivates(_ new: Command) -> Bool {
    guard new.kind == .activate else { return false }
    let last = past.filter { $0.kind == .activate && $0.rank == new.rank }.map(\.time).sorted().suffix(4)
    guard last.count == 4, let fourth = last.first else { return false }
    return new.time < fourth + t.faw
  }

  /// Whether `old` keeps `new` from being issued at its time.
  private func forbids(_ old: Command, _ new: Command) -> Bool {
    let isSameRank = old.rank == new.rank
    let isSameGroup = isSameRank && old.group == new.group
    let isSameBank = isSameGroup && old.bank == new.bank
    func within(_ clocks: Int) -> Bool { new.time < old.time + clocks }
    switch (old.kind, new.kind) {
    case (.activate, .activate):
      return isSameBank && within(t.ras + t.rp) || isSameRank && within(isSameGroup ? t.rrdL : t.rrdS)
    case (.activate, .precharge): return isSameBank && within(t.ras)
    case (.activate, .read), (.activate, .write): return isSameBank && within(t.rcd)
    case (.activate, .refresh): return within(t.ras + t.rp)
    case (.precharge, .activate): return isSameBank && within(t.rp)
    case (.precharge, .refresh): return within(t.rp)
    case (.read, .precharge): return isSameBank && within(t.rtp)
    case (.write, .precharge): return isSameBank && within(t.cwl + t.burst + t.wr)
    case (.read, .read), (.write, .write):
      return within(isSameGroup ? t.ccdL : isSameRank ? t.ccdS : t.burst + t.rtrs)
    case (.read, .write): return within(t.cl + t.burst + 2 - t.cwl + (isSameRank ? 0 : t.rtrs))
    case (.write, .read):
      return within(
        isSameRank ? t.cwl + t.burst + (isSameGroup ? t.wtrL : t.wtrS) : t.cwl + t.burst + t.rtrs - t.cl)
    case (.refresh, .activate): return within(t.rfc)
    default: return false
    }
  }
}

extension CommandByCommand.Command {
  fileprivate var isColumn: Bool { kind == .read || kind == .write }
}
