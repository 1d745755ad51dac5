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
    source: "JESD79-4, DDR4-2400R (16-16-16), x8 devices of 8 Gb, rows of 1 KiB; DRAMsim3 has the same for MT40A1G8PM",
    energies: energies(
      [Supply(volts: 1.2, idd0: 48, idd2n: 34, idd3n: 43, idd4r: 135, idd4w: 123, idd5: 250)], devices: 8,
      bytesPerSecond: 2.4e9, open: 32, closed: 13.32, refresh: 350, .published,
      "currents of the Micron MT40A1G8PM-083E as in DRAMsim3, eight devices; without termination of the pins"))

  /// A channel of 16 pins. Its data strobe's delay counts to the controller.
  static let lpddr4x = DRAMTechnology(
    name: "LPDDR4X", transferRate: Hertz(4.266e9), width: 16, transfersPerClock: 2, burstLength: 16, ranks: 1,
    bankGroups: 1, banksPerGroup: 8, row: Bytes(2048),
    timing: Timing(
      columnToColumnS: clocks(8), columnToColumnL: clocks(8), activateToColumn: ns(18, 4), precharge: ns(18, 4),
      readLatency: ns(16.87), writeLatency: ns(8.43), activateToPrecharge: ns(42, 3),
      activateToActivateS: ns(10, 4), activateToActivateL: ns(10, 4), fourActivates: ns(40),
      readToPrecharge: ns(7.5, 8), writeRecovery: ns(18, 6), writeToReadS: ns(10, 8), writeToReadL: ns(10, 8),
      rankToRank: clocks(4), refresh: ns(280), refreshInterval: ns(3904)),
    certainty: .published,
    source: "JESD209-4 at 4266 MT/s, 8 Gb a channel, refresh of all banks, as in DRAMSys (JEDEC_512Mbx16_LPDDR4-4266)",
    energies: energies(
      [
        Supply(volts: 1.8, idd0: 3.5, idd2n: 2, idd3n: 2.25, idd4r: 2.25, idd4w: 2.25, idd5: 10),
        Supply(volts: 1.1, idd0: 45, idd2n: 27, idd3n: 30, idd4r: 275, idd4w: 210, idd5: 90),
        Supply(volts: 0.6, idd0: 0.75, idd2n: 0.75, idd3n: 0.75, idd4r: 150, idd4w: 55, idd5: 0.75),
      ], devices: 1, bytesPerSecond: 6.4e9, open: 42, closed: 18, refresh: 280, .assumed,
      "currents of a channel of a Micron 6 Gb LPDDR4-3200 as in DRAMSys, its pins at 0.6 V instead of 1.1 V"))

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
    source:
      "organisation of JESD250; JEDEC leaves the intervals to makers, these are of the order that others simulate",
    energies: Energies(
      activate: Joules(1.66e-9), read: JoulesPerByte(60e-12), write: JoulesPerByte(60e-12), refresh: Joules(40e-9),
      background: Watts(0.1), certainty: .assumed,
      source: "7.5 pJ a bit with its pins, as makers round it; rows as HBM2's by their length; the rest of that order")
  )

  /// Four levels a pin double the data of a transfer; otherwise as GDDR6.
  static let gddr6x: DRAMTechnology = {
    var technology = gddr6
    (technology.name, technology.transferRate) = ("GDDR6X", Hertz(19.5e9))
    technology.source = "as GDDR6, at 19.5 GT/s; makers publish no intervals"
    technology.energies.source = "as GDDR6"
    return technology
  }()

  /// A pseudo channel of 64 pins, eight to sixteen a stack.
  static let hbm2e = DRAMTechnology(
    name: "HBM2e", transferRate: Hertz(3.2e9), width: 64, transfersPerClock: 2, burstLength: 4, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(1024),
    timing: hbm(refresh: 350),
    certainty: .assumed,
    source: "organisation of JESD235; intervals are the makers', these are of the order that others simulate",
    energies: hbmEnergies)

  /// A pseudo channel of 32 pins, 32 a stack.
  static let hbm3 = DRAMTechnology(
    name: "HBM3", transferRate: Hertz(6.4e9), width: 32, transfersPerClock: 4, burstLength: 8, ranks: 1,
    bankGroups: 4, banksPerGroup: 4, row: Bytes(1024),
    timing: hbm(refresh: 350),
    certainty: .assumed,
    source: "organisation of JESD238; intervals are the makers', taken as those of HBM2e", energies: hbmEnergies)

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

  /// Half of a legacy channel of 128 pins; a row is as long.
  private static let hbmEnergies: Energies = {
    var half = energies(
      [Supply(volts: 1.2, idd0: 65, idd2n: 40, idd3n: 55, idd4r: 390, idd4w: 500, idd5: 250)], devices: 1,
      bytesPerSecond: 32e9, open: 34, closed: 14, refresh: 260, .assumed,
      "currents of an HBM2 channel of 8 Gb at 2 GT/s as in DRAMsim3, half of it; without the pins of its interface")
    half.refresh = half.refresh * 0.5
    half.background = half.background * 0.5
    return half
  }()

  /// A supply of a device: its voltage, and its average currents in mA by the names they have in data sheets.
  private struct Supply {
    /// Rows open and close without end; all banks closed; all open; reading and writing without end; refreshing.
    var volts, idd0, idd2n, idd3n, idd4r, idd4w, idd5: Double
  }

  /// Energies by action from currents, as makers' technical notes have it (Micron TN-40-07): of a current that is
  /// measured while something goes on, what would flow without it is taken off.
  ///
  ///     activate = V · (IDD0·tRC − IDD3N·tRAS − IDD2N·tRP)     read = V · (IDD4R − IDD3N) / rate
  ///     refresh  = V · (IDD5 − IDD3N) · tRFC                   background = V · IDD3N
  ///
  /// - Parameters:
  ///   - rate: of one device, when the currents were measured.
  ///   - open, closed, refresh: tRAS, tRP and tRFC in nanoseconds.
  private static func energies(
    _ supplies: [Supply], devices: Double, bytesPerSecond rate: Double, open: Double, closed: Double, refresh: Double,
    _ certainty: Certainty, _ source: String
  ) -> Energies {
    func watts(_ amperes: (Supply) -> Double) -> Double {
      supplies.reduce(0) { $0 + $1.volts * amperes($1) * 1e-3 }
    }
    let activate = watts { $0.idd0 * (open + closed) - $0.idd3n * open - $0.idd2n * closed } * 1e-9
    return Energies(
      activate: Joules(activate * devices), read: JoulesPerByte(watts { $0.idd4r - $0.idd3n } / rate),
      write: JoulesPerByte(watts { $0.idd4w - $0.idd3n } / rate),
      refresh: Joules(watts { $0.idd5 - $0.idd3n } * refresh * 1e-9 * devices),
      background: Watts(watts { $0.idd3n } * devices), certainty: certainty, source: source)
  }

  private static func ns(_ time: Double, _ clocks: Int64 = 0) -> Interval {
    Interval(Seconds(time * 1e-9), clocks: Cycles(clocks))
  }

  private static func clocks(_ count: Int64) -> Interval { Interval(.zero, clocks: Cycles(count)) }
}
