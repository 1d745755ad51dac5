/// The units of all dimensions, for text whose dimension its reader does not know.
public enum UnitTable {
  /// A unit of some dimension.
  public struct Entry: Sendable {
    /// The spelling, for example `"GB/s"`.
    public let symbol: String
    /// How many base units one of these is.
    public let scale: Double
    /// The spelling of its dimension's base unit, for example `"B/s"`.
    public let base: String
  }

  /// All units, the longest spellings first.
  public static let entries: [Entry] = {
    let dimensions: [any Dimension.Type] = [
      TimeDimension.self, FrequencyDimension.self, BandwidthDimension.self, BytesPerCycleDimension.self,
      MACRateDimension.self, OperationRateDimension.self, EnergyDimension.self, EnergyPerByteDimension.self,
      PowerDimension.self, VoltageDimension.self, AreaDimension.self, ByteDimension.self,
    ]
    var entries = ["cycles", "cycle", "clk"].map { Entry(symbol: $0, scale: 1, base: "cycles") }
    for dimension in dimensions {
      let base = dimension.units.first { $0.scale == 1 }?.symbol ?? dimension.units[0].symbol
      entries += dimension.units.map { Entry(symbol: $0.symbol, scale: $0.scale, base: base) }
    }
    return entries.sorted { ($1.symbol.count, $0.symbol) < ($0.symbol.count, $1.symbol) }
  }()

  /// The number and the unit of a text such as `"1.98 GHz"`, in the base unit of whatever dimension it has; nil for
  /// any other text.
  public static func read(_ text: String) -> (value: Double, base: String)? {
    guard let start = text.firstIndex(where: { !("0"..."9").contains($0) && !"+-.,eE".contains($0) }),
      let number = Double(text[..<start].filter { $0 != "," })
    else { return nil }
    let symbol = text[start...].drop { $0 == " " }
    guard let unit = entries.first(where: { $0.symbol == symbol }) else { return nil }
    return (number * unit.scale, unit.base)
  }
}
