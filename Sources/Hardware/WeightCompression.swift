public import Quantities

/// What a library takes to prune weights and store them compactly: `setup` + bytes of dense weights / `rate`.
public struct WeightCompression: Hashable, Sendable {
  /// Time of each tensor, whatever its size.
  public var setup: Seconds
  /// Dense weights a second.
  public var rate: BytesPerSecond

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.optionalSection("compression") else { return nil }
    let setup: Seconds? = fields.quantity("setup")
    let rate: BytesPerSecond? = fields.quantity("rate")
    fields.finish()
    guard let setup, let rate else { return nil }
    self.setup = setup
    self.rate = rate
  }
}
