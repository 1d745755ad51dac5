public import Quantities

/// How a kind of off-chip memory is organised and timed: one row of the tables in standards and data sheets.
///
/// Everything is said of one channel: the narrowest part that takes commands of its own (a pseudo channel of HBM). A
/// machine has as many as its peak bandwidth asks for.
public struct DRAMTechnology: Hashable, Sendable {
  /// Its name in machine descriptions, for example `DDR4-2400`.
  public var name: String
  /// Transfers of a data pin in a second.
  public var transferRate: Hertz
  /// Data pins of a channel.
  public var width: Int
  /// Transfers of a pin in a clock of the command bus.
  public var transfersPerClock: Int
  /// Transfers of a pin for one read or write command.
  public var burstLength: Int
  /// Sets of devices that share a channel's pins.
  public var ranks: Int
  /// Groups of banks of a rank; commands to different groups may follow each other faster.
  public var bankGroups: Int
  /// Banks of a group.
  public var banksPerGroup: Int
  /// What a rank's bank holds open.
  public var row: Bytes
  /// The intervals between commands.
  public var timing: Timing
  /// How well the intervals are known.
  public var certainty: Certainty
  /// Who says so.
  public var source: String
  /// What its devices spend on each action.
  public var energies: Energies

  /// What the devices of a channel spend, by action.
  public struct Energies: Hashable, Sendable {
    /// Opening and closing a row of one bank.
    public var activate: Joules
    /// Reading, and writing, a byte of an open row.
    public var read, write: JoulesPerByte
    /// A refresh of all banks.
    public var refresh: Joules
    /// Standing by with open rows.
    public var background: Watts
    /// How well they are known.
    public var certainty: Certainty
    /// Who says so.
    public var source: String
  }

  /// A time that is also a least number of clocks, as standards state intervals: the longer one counts.
  public struct Interval: Hashable, Sendable {
    /// The time.
    public var time: Seconds
    /// The least clocks.
    public var clocks: Cycles

    /// An interval.
    public init(_ time: Seconds, clocks: Cycles = .zero) {
      self.time = time
      self.clocks = clocks
    }
  }

  /// Intervals between commands, by the names they have in the standards. A suffix S holds between bank groups, L
  /// within one; technologies without groups have both alike.
  public struct Timing: Hashable, Sendable {
    /// From one read or write to the next (tCCD).
    public var columnToColumnS, columnToColumnL: Interval
    /// From opening a row to its first read or write (tRCD).
    public var activateToColumn: Interval
    /// From closing a row to opening another in its bank (tRP).
    public var precharge: Interval
    /// From a read to its first data (tCL).
    public var readLatency: Interval
    /// From a write to its first data (tCWL).
    public var writeLatency: Interval
    /// From opening a row to closing it (tRAS).
    public var activateToPrecharge: Interval
    /// From opening a row to opening one in another bank (tRRD).
    public var activateToActivateS, activateToActivateL: Interval
    /// In which a rank opens four rows at most (tFAW).
    public var fourActivates: Interval
    /// From a read to closing its row (tRTP).
    public var readToPrecharge: Interval
    /// From a write's last data to closing its row (tWR).
    public var writeRecovery: Interval
    /// From a write's last data to a read (tWTR).
    public var writeToReadS, writeToReadL: Interval
    /// Between data of different ranks (tRTRS).
    public var rankToRank: Interval
    /// What a refresh of all banks takes (tRFC).
    public var refresh: Interval
    /// Between refreshes (tREFI).
    public var refreshInterval: Interval
  }

  /// The rate of one channel.
  public var channelBandwidth: BytesPerSecond { BytesPerSecond(transferRate.value * Double(width) / 8) }

  /// The technology of that name; nil for anything else, such as an interface without banks.
  public static func named(_ name: String) -> DRAMTechnology? { all.first { $0.name == name } }
}
