/// Operators of one step of a network, in the order in which they ran.
public struct Workload: Hashable, Sendable {
  /// What a person calls it.
  public var name: String
  /// Where it comes from: file, importer, recording.
  public var source: String
  /// Independent samples (images, sequences) that one step works on, where known.
  public var samples: Int?
  /// The operators.
  public var operators: [Operator]
  /// What the source holds but the workload does not.
  public var skipped: [Skipped]
  /// What the trace says of itself beside that: the text of a JSON object, kept as it is and never interpreted.
  public var attributes: String?

  /// Parts of a source that were left out, and why.
  public struct Skipped: Hashable, Sendable {
    /// Why.
    public var reason: String
    /// How many.
    public var count: Int
    /// Some of their names.
    public var examples: [String]

    /// Parts left out.
    public init(reason: String, count: Int, examples: [String]) {
      self.reason = reason
      self.count = count
      self.examples = examples
    }
  }

  /// A workload.
  public init(
    name: String, source: String, samples: Int? = nil, operators: [Operator], skipped: [Skipped] = [],
    attributes: String? = nil
  ) {
    self.name = name
    self.source = source
    self.samples = samples
    self.operators = operators
    self.skipped = skipped
    self.attributes = attributes
  }

  /// Dense multiply-accumulates of the whole step.
  public var denseMACs: Int {
    operators.reduce(0) { $0 + $1.denseMACs * $1.repeats }
  }
}
