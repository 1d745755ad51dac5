import Hardware
public import Quantities

/// What off-chip memory's devices did, and what they spent on it by the tables of their technology.
///
///     activate = rows opened · energy of one          read, write = bytes in whole bursts · energy of a byte
///     refresh  = channels · time / tREFI · energy     background  = channels · power · time
///
/// A stream so takes read + activate / row for every byte. It is told beside ``EnergyBreakdown/dram``, which is the
/// machine's own energy of a byte, with controller and pins: the two are not added up.
public struct MemoryActions: Hashable, Sendable {
  /// Rows that were opened, in single banks.
  public var activates = 0
  /// Bytes that were read, in whole bursts.
  public var read = Bytes.zero
  /// Bytes that were written, in whole bursts.
  public var written = Bytes.zero
  /// Spent on opening and closing rows.
  public var activateEnergy = Joules.zero
  /// Spent on reading.
  public var readEnergy = Joules.zero
  /// Spent on writing.
  public var writeEnergy = Joules.zero
  /// Spent on refreshes.
  public var refreshEnergy = Joules.zero
  /// Spent on standing by.
  public var backgroundEnergy = Joules.zero

  init() {}

  /// - Parameters:
  ///   - banks: what all channels of one interface did in one run.
  ///   - time: how long one run took.
  ///   - runs: runs of all interfaces.
  init(_ banks: BankActivity, of technology: DRAMTechnology, time: Seconds, runs: Int) {
    let energies = technology.energies
    activates = banks.activates * runs
    (read, written) = (Bytes(Int64(banks.read * runs)), Bytes(Int64(banks.written * runs)))
    activateEnergy = energies.activate * Double(activates)
    (readEnergy, writeEnergy) = (read * energies.read, written * energies.write)
    let standing = time * Double(banks.channels * runs)
    refreshEnergy = energies.refresh * (standing / technology.timing.refreshInterval.time)
    backgroundEnergy = energies.background * standing
  }

  /// All of it.
  public var energy: Joules { activateEnergy + readEnergy + writeEnergy + refreshEnergy + backgroundEnergy }

  /// Each action with its name in tables and files.
  public var energies: [(name: String, energy: Joules)] {
    [
      ("activate", activateEnergy), ("read", readEnergy), ("write", writeEnergy), ("refresh", refreshEnergy),
      ("background", backgroundEnergy),
    ]
  }

  /// Adds what another operator made them do, `repeats` times.
  mutating func add(_ other: MemoryActions, times repeats: Int) {
    activates += other.activates * repeats
    read += other.read * Int64(repeats)
    written += other.written * Int64(repeats)
    activateEnergy += other.activateEnergy * Double(repeats)
    readEnergy += other.readEnergy * Double(repeats)
    writeEnergy += other.writeEnergy * Double(repeats)
    refreshEnergy += other.refreshEnergy * Double(repeats)
    backgroundEnergy += other.backgroundEnergy * Double(repeats)
  }
}

/// What the banks of all channels of an interface did.
struct BankActivity: Hashable {
  var channels: Int
  var activates: Int
  /// Bytes in whole bursts.
  var read, written: Int
}
