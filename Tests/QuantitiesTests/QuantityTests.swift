import Quantities
import SeededRandom
import Testing

/// A dimension with its type erased, so that one test speaks of all of them.
struct DimensionCase: Sendable, CustomTestStringConvertible {
  let name: String
  let units: [Unit]
  let print: @Sendable (Double) -> String
  let parse: @Sendable (String) throws -> Double
  var testDescription: String { name }

  init<D: Dimension>(_ dimension: D.Type) {
    name = D.name
    units = D.units
    print = { Quantity<D>($0).description }
    parse = { try Quantity<D>(parsing: $0).value }
  }

  static let all = [
    DimensionCase(TimeDimension.self), DimensionCase(FrequencyDimension.self), DimensionCase(ByteDimension.self),
    DimensionCase(BandwidthDimension.self), DimensionCase(BytesPerCycleDimension.self),
    DimensionCase(MACRateDimension.self), DimensionCase(OperationRateDimension.self),
    DimensionCase(EnergyDimension.self), DimensionCase(EnergyPerByteDimension.self),
    DimensionCase(PowerDimension.self), DimensionCase(VoltageDimension.self), DimensionCase(AreaDimension.self),
  ]
}

@Suite struct QuantityTests {
  @Test(arguments: DimensionCase.all)
  func `what is printed parses again, to three digits, and prints the same`(_ dimension: DimensionCase) throws {
    var generator = SeededGenerator(seed: 20)
    let printed = dimension.units.filter(\.printed).map(\.scale)
    let smallest = try #require(printed.min())
    let largest = try #require(printed.max())
    for _ in 0..<2000 {
      // Spread evenly over the orders of magnitude, and some beyond the named units.
      let lower = smallest / 100
      let decades = Double.random(in: 0...1, using: &generator)
      var value = lower
      var ratio = largest * 1000 / lower
      var weight = decades
      // value = lower · ratio^decades, by halving: no mathematics library is needed.
      for _ in 0..<40 {
        ratio = ratio.squareRoot()
        weight *= 2
        if weight >= 1 {
          value *= ratio
          weight -= 1
        }
      }
      let text = dimension.print(value)
      let again = try dimension.parse(text)
      #expect((again - value).magnitude <= 0.00501 * value, "\(value) printed as \(text)")
      #expect(dimension.print(again) == text, "\(value)")
    }
  }

  @Test(arguments: DimensionCase.all)
  func `every accepted spelling of a unit parses to its scale`(_ dimension: DimensionCase) throws {
    for unit in dimension.units {
      #expect(try dimension.parse("2 \(unit.symbol)") == 2 * unit.scale)
      #expect(try dimension.parse("2\(unit.symbol)") == 2 * unit.scale)
    }
  }

  @Test(arguments: DimensionCase.all)
  func `a bare number and a foreign unit are refused with what is accepted`(_ dimension: DimensionCase) {
    let accepted = dimension.units.map(\.symbol)
    #expect(throws: QuantityError.missingUnit(accepted: accepted)) { try dimension.parse("5") }
    #expect(throws: QuantityError.unknownUnit("parsec", accepted: accepted)) { try dimension.parse("5 parsec") }
  }

  @Test(arguments: ["", "GHz", "-", "one GHz", "1.2.3 GHz", "nan GHz"])
  func `a text without a number is refused`(_ text: String) {
    #expect(throws: QuantityError.notANumber) { try Hertz(parsing: text) }
  }

  @Test func `a number that does not fit is refused`() {
    #expect(throws: QuantityError.outOfRange) { try Hertz(parsing: "1e308 GHz") }
    #expect(throws: QuantityError.outOfRange) { try Bytes(parsing: "1e10 TB") }
    #expect(throws: QuantityError.outOfRange) { try Cycles(parsing: "1.5 cycles") }
  }

  @Test func `units are told apart by case`() {
    #expect(throws: QuantityError.self) { try Hertz(parsing: "1 ghz") }
    #expect(throws: QuantityError.self) { try Bytes(parsing: "1 KB") }
  }

  @Test(arguments: [
    ("940 MHz", 940e6), ("1.755 GHz", 1.755e9), ("1,980 MHz", 1980e6), ("1e3 kHz", 1e6), (" 7 Hz ", 7),
  ])
  func `clocks are read exactly`(_ text: String, _ hertz: Double) throws {
    #expect(try Hertz(parsing: text).value == hertz)
  }

  @Test func `both micro signs are understood`() throws {
    #expect(try Seconds(parsing: "3 \u{B5}s") == Seconds(parsing: "3 \u{3BC}s"))
    #expect(try Seconds(parsing: "3 us") == Seconds(parsing: "3 µs"))
  }

  @Test(arguments: [
    ("1 kB", 1000), ("1 KiB", 1024), ("50 MiB", 52_428_800), ("141 GB", 141_000_000_000), ("0.5 KiB", 512),
  ])
  func `kB and KiB differ`(_ text: String, _ count: Int64) throws {
    #expect(try Bytes(parsing: text) == Bytes(count))
  }

  @Test(arguments: [
    (999.4, "999 Hz"), (999.5, "1.00 kHz"), (999.9, "1.00 kHz"), (1000, "1.00 kHz"), (9996, "10.0 kHz"),
    (999_499, "999 kHz"), (999_500, "1.00 MHz"), (1e15, "1000000 GHz"), (0, "0 Hz"), (-1500, "-1.50 kHz"),
  ])
  func `rounding carries into the next unit`(_ hertz: Double, _ text: String) {
    #expect(Hertz(hertz).description == text)
  }

  @Test(arguments: [
    (0, "0 B"), (512, "512 B"), (1024, "1 KiB"), (192 * 1024, "192 KiB"), (4_270_000_000, "4.27 GB"),
    (1_073_741_824, "1 GiB"), (1000, "1.00 kB"),
  ])
  func `sizes print as whole binary units where they are some`(_ count: Int64, _ text: String) {
    #expect(Bytes(count).description == text)
  }

  @Test(arguments: [(0, "0 cycles"), (1, "1 cycle"), (73_583, "73,583 cycles"), (-1234, "-1,234 cycles")])
  func `cycles print grouped`(_ count: Int64, _ text: String) {
    #expect(Cycles(count).description == text)
  }

  @Test(arguments: [(0, 0), (1, 1), (8, 1), (9, 2), (4096, 512)])
  func `bits take whole bytes`(_ bits: Int64, _ bytes: Int64) {
    #expect(Bytes(bits: bits).count == bytes)
  }

  @Test func `dimensions combine as physics has it`() {
    #expect(BytesPerCycle(64) * Hertz(1e9) == BytesPerSecond(64e9))
    #expect(Bytes(64) / BytesPerSecond(32) == Seconds(2))
    #expect(Bytes(64) / Seconds(2) == BytesPerSecond(32))
    #expect(Cycles(500) / Hertz(1000) == Seconds(0.5))
    #expect(Joules(6) / Seconds(2) == Watts(3))
    #expect(Watts(3) * Seconds(2) == Joules(6))
    #expect(Bytes(4) * JoulesPerByte(2) == Joules(8))
  }
}

@Suite struct NumberFormattingTests {
  @Test(arguments: [
    (0.0, "0"), (1, "1.00"), (12.345, "12.3"), (123.45, "123"), (9.996, "10.0"), (99.96, "100"), (0.012345, "0.0123"),
    (123_456, "123000"), (-2.5, "-2.50"),
  ])
  func `three digits are kept`(_ value: Double, _ text: String) {
    #expect(formatSignificant(value, digits: 3) == text)
  }

  @Test(arguments: [(1.005, 1, "1.0"), (2.25, 1, "2.3"), (-0.01, 1, "0.0"), (7, 0, "7"), (0.5, 3, "0.500")])
  func `decimals are fixed`(_ value: Double, _ decimals: Int, _ text: String) {
    #expect(formatFixed(value, decimals: decimals) == text)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func `thousands are grouped`(_ value: Int64, _ text: String) {
    #expect(formatGrouped(value) == text)
  }
}
