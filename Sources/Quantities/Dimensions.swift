/// Time, in seconds.
public enum TimeDimension: Dimension {
  /// The word used in messages.
  public static let name = "time"
  /// Accepted spellings.
  public static let units = [
    Unit("s", 1), Unit("ms", 1e-3), Unit("µs", 1e-6), Unit("us", 1e-6, printed: false), Unit("ns", 1e-9),
    Unit("ps", 1e-12), Unit("min", 60, printed: false), Unit("h", 3600, printed: false),
  ]
}
/// Frequency, in hertz.
public enum FrequencyDimension: Dimension {
  /// The word used in messages.
  public static let name = "frequency"
  /// Accepted spellings.
  public static let units = [Unit("Hz", 1), Unit("kHz", 1e3), Unit("MHz", 1e6), Unit("GHz", 1e9)]
}
/// Data rate over time, in bytes a second.
public enum BandwidthDimension: Dimension {
  /// The word used in messages.
  public static let name = "bandwidth"
  /// Accepted spellings.
  public static let units =
    [
      Unit("B/s", 1), Unit("kB/s", 1e3), Unit("MB/s", 1e6), Unit("GB/s", 1e9), Unit("TB/s", 1e12),
    ] + binaryPrefixes.map { Unit("\($0.symbol)B/s", $0.scale, printed: false) }
}
/// Data rate over clocks, in bytes a clock cycle.
public enum BytesPerCycleDimension: Dimension {
  /// The word used in messages.
  public static let name = "bytes per cycle"
  /// Accepted spellings.
  public static let units = [Unit("B/clk", 1), Unit("KiB/clk", 1024, printed: false)]
}
/// Rate of multiply-accumulate operations, per second.
public enum MACRateDimension: Dimension {
  /// The word used in messages.
  public static let name = "MAC rate"
  /// Accepted spellings.
  public static let units = [
    Unit("MAC/s", 1), Unit("kMAC/s", 1e3), Unit("MMAC/s", 1e6), Unit("GMAC/s", 1e9),
    Unit("TMAC/s", 1e12), Unit("PMAC/s", 1e15),
  ]
}
/// Operations of a vector unit, per second.
public enum OperationRateDimension: Dimension {
  /// The word used in messages.
  public static let name = "operation rate"
  /// Accepted spellings.
  public static let units = [
    Unit("OPS", 1), Unit("KOPS", 1e3), Unit("MOPS", 1e6), Unit("GOPS", 1e9), Unit("TOPS", 1e12),
  ]
}
/// Energy, in joules.
public enum EnergyDimension: Dimension {
  /// The word used in messages.
  public static let name = "energy"
  /// Accepted spellings.
  public static let units = [
    Unit("J", 1), Unit("kJ", 1e3), Unit("mJ", 1e-3), Unit("µJ", 1e-6), Unit("uJ", 1e-6, printed: false),
    Unit("nJ", 1e-9), Unit("pJ", 1e-12), Unit("fJ", 1e-15),
  ]
}
/// Energy to move data, in joules a byte.
public enum EnergyPerByteDimension: Dimension {
  /// The word used in messages.
  public static let name = "energy per byte"
  /// Accepted spellings.
  public static let units = [
    Unit("J/B", 1), Unit("nJ/B", 1e-9), Unit("pJ/B", 1e-12), Unit("fJ/B", 1e-15),
    Unit("pJ/bit", 8e-12, printed: false), Unit("fJ/bit", 8e-15, printed: false),
  ]
}
/// Power, in watts.
public enum PowerDimension: Dimension {
  /// The word used in messages.
  public static let name = "power"
  /// Accepted spellings.
  public static let units = [Unit("W", 1), Unit("kW", 1e3), Unit("mW", 1e-3), Unit("µW", 1e-6)]
}
/// Electric potential, in volts.
public enum VoltageDimension: Dimension {
  /// The word used in messages.
  public static let name = "voltage"
  /// Accepted spellings.
  public static let units = [Unit("V", 1), Unit("mV", 1e-3)]
}
/// Silicon area, in square millimetres.
public enum AreaDimension: Dimension {
  /// The word used in messages.
  public static let name = "area"
  /// Accepted spellings.
  public static let units = [
    Unit("mm²", 1), Unit("mm^2", 1, printed: false), Unit("µm²", 1e-6), Unit("um^2", 1e-6, printed: false),
  ]
}

let binaryPrefixes: [(symbol: String, scale: Double)] = [
  ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
]

/// A time.
public typealias Seconds = Quantity<TimeDimension>
/// A clock frequency.
public typealias Hertz = Quantity<FrequencyDimension>
/// A data rate over time.
public typealias BytesPerSecond = Quantity<BandwidthDimension>
/// A data rate over clock cycles.
public typealias BytesPerCycle = Quantity<BytesPerCycleDimension>
/// A rate of multiply-accumulates.
public typealias MACsPerSecond = Quantity<MACRateDimension>
/// A rate of vector operations.
public typealias OperationsPerSecond = Quantity<OperationRateDimension>
/// An energy.
public typealias Joules = Quantity<EnergyDimension>
/// An energy for each byte moved.
public typealias JoulesPerByte = Quantity<EnergyPerByteDimension>
/// A power.
public typealias Watts = Quantity<PowerDimension>
/// A supply voltage.
public typealias Volts = Quantity<VoltageDimension>
/// A silicon area.
public typealias SquareMillimetres = Quantity<AreaDimension>

/// The rate a port of `a` bytes a cycle has at clock `b`.
@inlinable public func * (a: BytesPerCycle, b: Hertz) -> BytesPerSecond { BytesPerSecond(a.value * b.value) }
/// The time `a` takes at rate `b`.
@inlinable public func / (a: Bytes, b: BytesPerSecond) -> Seconds { Seconds(Double(a.count) / b.value) }
/// The average rate of moving `a` in `b`.
@inlinable public func / (a: Bytes, b: Seconds) -> BytesPerSecond { BytesPerSecond(Double(a.count) / b.value) }
/// The time `a` cycles take at clock `b`.
@inlinable public func / (a: Cycles, b: Hertz) -> Seconds { Seconds(Double(a.count) / b.value) }
/// The average power of spending `a` in `b`.
@inlinable public func / (a: Joules, b: Seconds) -> Watts { Watts(a.value / b.value) }
/// The energy of drawing `a` for `b`.
@inlinable public func * (a: Watts, b: Seconds) -> Joules { Joules(a.value * b.value) }
/// The energy of moving `a` at `b` for each byte.
@inlinable public func * (a: Bytes, b: JoulesPerByte) -> Joules { Joules(Double(a.count) * b.value) }
