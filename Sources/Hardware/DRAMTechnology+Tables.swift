import Quantities

extension DRAMTechnology {
  /// Every technology with a table.
  public static let all: [DRAMTechnology] = [ddr4, lpddr4x, gddr6, gddr6x, hbm2e, hbm3, hbm3e]

  /// A module of x8 devices of 8 Gb: one rank of 64 pins.
  static let ddr4 = DRAMTechnology(
    name: "DDR4-2400", transferRate: Hertz(2.4e9), width: 64, transfersPerClock: 2, burstLength: 8, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(8192),
    timing: Timing(
      columnToColumnS: clocks(4), columnToColumnL: ns(5, 5), activateToColumn: ns(13.32), precharge: ns(13.32),
      readLatency: ns(13.32), writeLatency: ns(10), activateToPrecharge: ns(32), activateToActivateS: ns(3.3, 4),
      activateToActivateL: ns(4.9, 4), fourActivates: ns(21, 20), readToPrecharge: ns(7.5, 4), writeRecovery: ns(15),
      writeToReadS: ns(2.5, 2), writeToReadL: ns(7.5, 4), rankToRank: clocks(2), refresh: ns(350),
      refreshInterval: ns(7800)),
    certainty: .published,
    source: "JESD79-4, DDR4-2400R (16-16-16), x8 devices of 8 Gb, rows of 1 KiB; DRAMsim3 has the same for MT40A1G8PM")

  /// A channel of 16 pins. Its data strobe's delay counts to the controller.
  static let lpddr4x = DRAMTechnology(
    name: "LPDDR4X", transferRate: Hertz(4.266e9), width: 16, transfersPerClock: 2, burstLength: 16, ranks: 1,
    bankGroups: 1, banksPerGroup: 8, row: Bytes(2048),
    timing: Timing(
      columnToColumnS: clocks(8), columnToColumnL: clocks(8), activateToColumn: ns(18, 4), precharge: ns(18, 4),
      readLatency: ns(16.87), writeLatency: ns(8.43), activateToPrecharge: ns(42, 3),
      activateToActivateS: ns(7.5, 4), activateToActivateL: ns(7.5, 4), fourActivates: ns(30),
      readToPrecharge: ns(7.5, 8), writeRecovery: ns(18, 6), writeToReadS: ns(10, 8), writeToReadL: ns(10, 8),
      rankToRank: clocks(4), refresh: ns(280), refreshInterval: ns(3904)),
    certainty: .assumed,
    source: "after JESD209-4 at 4266 MT/s: RL 36, WL 18, 8 Gb a channel, refresh of all banks; not checked against it")

  static let gddr6 = DRAMTechnology(
    name: "GDDR6", transferRate: Hertz(16e9), width: 16, transfersPerClock: 8, burstLength: 16, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(2048),
    timing: Timing(
      columnToColumnS: clocks(2), columnToColumnL: clocks(3), activateToColumn: ns(14), precharge: ns(14),
      readLatency: ns(14), writeLatency: ns(4), activateToPrecharge: ns(28), activateToActivateS: ns(5),
      activateToActivateL: ns(5), fourActivates: ns(20), readToPrecharge: ns(2, 2), writeRecovery: ns(14),
      writeToReadS: ns(4, 4), writeToReadL: ns(5, 4), rankToRank: clocks(2), refresh: ns(120),
      refreshInterval: ns(1900)),
    certainty: .assumed,
    source: "organisation of JESD250; JEDEC leaves the intervals to makers, these are of the order that others simulate"
  )

  /// Four levels a pin double the data of a transfer; otherwise as GDDR6.
  static let gddr6x: DRAMTechnology = {
    var technology = gddr6
    (technology.name, technology.transferRate) = ("GDDR6X", Hertz(19.5e9))
    technology.source = "as GDDR6, at 19.5 GT/s; makers publish no intervals"
    return technology
  }()

  /// A pseudo channel of 64 pins, eight to sixteen a stack.
  static let hbm2e = DRAMTechnology(
    name: "HBM2e", transferRate: Hertz(3.2e9), width: 64, transfersPerClock: 2, burstLength: 4, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(1024),
    timing: hbm(refresh: 350),
    certainty: .assumed,
    source: "organisation of JESD235; intervals are the makers', these are of the order that others simulate")

  /// A pseudo channel of 32 pins, 32 a stack.
  static let hbm3 = DRAMTechnology(
    name: "HBM3", transferRate: Hertz(6.4e9), width: 32, transfersPerClock: 4, burstLength: 8, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(1024),
    timing: hbm(refresh: 350),
    certainty: .assumed,
    source: "organisation of JESD238; intervals are the makers', taken as those of HBM2e")

  static let hbm3e: DRAMTechnology = {
    var technology = hbm3
    (technology.name, technology.transferRate) = ("HBM3e", Hertz(9.2e9))
    technology.source = "as HBM3, at 9.2 GT/s"
    return technology
  }()

  private static func hbm(refresh: Double) -> Timing {
    Timing(
      columnToColumnS: clocks(2), columnToColumnL: ns(2.5, 4), activateToColumn: ns(14), precharge: ns(14),
      readLatency: ns(14), writeLatency: ns(5), activateToPrecharge: ns(28), activateToActivateS: ns(2.5, 2),
      activateToActivateL: ns(3.75, 3), fourActivates: ns(16), readToPrecharge: ns(5, 2), writeRecovery: ns(15),
      writeToReadS: ns(2.5, 2), writeToReadL: ns(5, 4), rankToRank: clocks(2), refresh: ns(refresh),
      refreshInterval: ns(3900))
  }

  private static func ns(_ time: Double, _ clocks: Int64 = 0) -> Interval {
    Interval(Seconds(time * 1e-9), clocks: Cycles(clocks))
  }

  private static func clocks(_ count: Int64) -> Interval { Interval(.zero, clocks: Cycles(count)) }
}
