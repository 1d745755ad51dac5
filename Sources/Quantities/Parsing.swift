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
    let accepted = Self.unitSymbols
    guard !symbol.isEmpty else { throw .missingUnit(accepted: accepted) }
    guard let unit = D.units.first(where: { $0.symbol == symbol || $0.symbol == symbol.microNormalised }) else {
      throw .unknownUnit(symbol, accepted: accepted)
    }
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
  let body = text.drop { $0 == " " }
  var end = body.startIndex
  while end < body.endIndex {
    let character = body[end]
    let isExponent =
      (character == "e" || character == "E") && end != body.startIndex
      && body[body.index(after: end)...].first.map { $0.isNumber || $0 == "-" || $0 == "+" } == true
    let isSign =
      (character == "-" || character == "+")
      && (end == body.startIndex || "eE".contains(body[body.index(before: end)]))
    guard character.isASCII, character.isNumber || character == "." || character == "," || isExponent || isSign
    else { break }
    end = body.index(after: end)
  }
  let digits = String(body[..<end].filter { $0 != "," })
  guard let number = Double(digits) else { throw .notANumber }
  guard number.isFinite else { throw .outOfRange }
  var unit = body[end...].drop { $0 == " " }
  while unit.last == " " { unit.removeLast() }
  return (number, String(unit))
}
