/// Why a text is not a quantity.
public enum QuantityError: Error, Hashable, Sendable {
  /// The text does not start with a number.
  case notANumber
  /// A number without a unit, where one is needed.
  case missingUnit(accepted: [String])
  /// A unit of something else, or of nothing.
  case unknownUnit(String, accepted: [String])
  /// The number is infinite, not a number, or does not fit.
  case outOfRange
}

/// A value written as a number and a unit: every ``Quantity``, ``Bytes`` and ``Cycles``.
public protocol Measured: Sendable, CustomStringConvertible {
  /// The word messages use for what is measured.
  static var dimensionName: String { get }
  /// The units it is read with.
  static var unitSymbols: [String] { get }
  /// Reads `text`, for example `"1.98 GHz"`.
  /// - Throws: ``QuantityError``.
  init(parsing text: String) throws(QuantityError)
}

extension Quantity: Measured {
  /// The word messages use for what is measured.
  public static var dimensionName: String { D.name }
  /// The units it is read with.
  public static var unitSymbols: [String] { D.units.map(\.symbol) }

  /// Reads a number and one of the dimension's units, for example `"1.98 GHz"`.
  /// - Throws: ``QuantityError``.
  public init(parsing text: String) throws(QuantityError) {
    let (number, symbol) = try splitUnit(text)
    guard !symbol.isEmpty else { throw .missingUnit(accepted: Self.unitSymbols) }
    let units = D.units
    guard
      let unit = units.first(where: { $0.symbol == symbol })
        ?? units.first(where: { $0.symbol == symbol.microNormalised })
    else { throw .unknownUnit(symbol, accepted: Self.unitSymbols) }
    guard (number * unit.scale).isFinite else { throw .outOfRange }
    self.init(number * unit.scale)
  }
}

extension Bytes: Measured {
  /// The word messages use for what is measured.
  public static var dimensionName: String { ByteDimension.name }
  /// The units it is read with.
  public static var unitSymbols: [String] { ByteDimension.units.map(\.symbol) }

  /// Reads a size such as `"50 MiB"`, which must be a whole number of bytes.
  /// - Throws: ``QuantityError``.
  public init(parsing text: String) throws(QuantityError) {
    let size = try Quantity<ByteDimension>(parsing: text)
    guard let count = Int64(exactly: size.value.rounded()) else { throw .outOfRange }
    self.init(count)
  }
}

extension Cycles: Measured {
  /// The word messages use for what is measured.
  public static var dimensionName: String { "cycle count" }
  /// The units it is read with.
  public static var unitSymbols: [String] { ["cycles", "cycle", "clk"] }

  /// Reads a whole number of cycles such as `"700 cycles"` or `"700 clk"`.
  /// - Throws: ``QuantityError``.
  public init(parsing text: String) throws(QuantityError) {
    let accepted = Self.unitSymbols
    let (number, symbol) = try splitUnit(text)
    guard !symbol.isEmpty else { throw .missingUnit(accepted: accepted) }
    guard accepted.contains(symbol) else { throw .unknownUnit(symbol, accepted: accepted) }
    guard let count = Int64(exactly: number) else { throw .outOfRange }
    self.init(count)
  }
}

extension String {
  /// Greek mu and the micro sign look the same; both mean micro.
  fileprivate var microNormalised: String {
    String(map { $0 == "μ" ? "µ" : $0 })
  }
}

/// Splits `"1.98 GHz"` into its number and its unit; grouping commas are accepted in the number.
private func splitUnit(_ text: String) throws(QuantityError) -> (Double, String) {
  let space = UInt8(ascii: " ")
  let body = text.utf8.drop { $0 == space }
  func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
  func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }
  func isExponent(_ byte: UInt8) -> Bool { byte | 0x20 == UInt8(ascii: "e") }
  var end = body.startIndex
  var previous: UInt8?
  while end < body.endIndex {
    let byte = body[end]
    let next = body.index(after: end)
    let beginsExponent =
      isExponent(byte) && previous != nil && next < body.endIndex && (isDigit(body[next]) || isSign(body[next]))
    guard
      isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") || beginsExponent
        || isSign(byte) && previous.map(isExponent) ?? true
    else { break }
    previous = byte
    end = next
  }
  var digits = String(body[..<end]) ?? ""
  if digits.utf8.contains(UInt8(ascii: ",")) { digits.removeAll { $0 == "," } }
  guard let number = Double(digits) else { throw .notANumber }
  guard number.isFinite else { throw .outOfRange }
  var unit = body[end...].drop { $0 == space }
  while unit.last == space { unit.removeLast() }
  return (number, String(unit) ?? "")
}
