/// How well a number of a machine description is known.
public enum Certainty: String, CaseIterable, Hashable, Sendable {
  /// Measured, with the measurement at hand.
  case measured
  /// Stated by the maker or in a publication.
  case published
  /// Arithmetic on measured or published numbers.
  case derived
  /// Nobody verified it; chosen so that the model can run.
  case assumed
}

/// One number of a machine description and where it comes from.
public struct Constant: Hashable, Sendable {
  /// Where it stands in the description, for example `l2.capacity`.
  public var path: String
  /// Its value with its unit.
  public var value: String
  /// How well it is known.
  public var certainty: Certainty
  /// Who says so.
  public var source: String

  /// A constant.
  public init(path: String, value: String, certainty: Certainty, source: String) {
    self.path = path
    self.value = value
    self.certainty = certainty
    self.source = source
  }
}
