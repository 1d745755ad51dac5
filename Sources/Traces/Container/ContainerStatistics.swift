public import Diagnostics
public import Quantities

/// Where the bytes of a container go.
public struct ContainerStatistics: Sendable {
  /// One column of all blocks.
  public struct Column: Hashable, Sendable {
    /// What it holds.
    public var name: String
    /// Values in it.
    public var values: Int
    /// Bytes after folding, before compression.
    public var folded: Bytes
  }

  /// Columns in the order of the format.
  public private(set) var columns: [Column] = []
  /// Operators.
  public private(set) var operators = 0
  /// Blocks and frames that hold them.
  public private(set) var blocks = 0
  /// Frames of the file.
  public private(set) var frames = 0
  /// Distinct signatures, the sum over blocks.
  public private(set) var signatures = 0
  /// Distinct templates of names, the sum over blocks.
  public private(set) var templates = 0
  /// The decompressed stream.
  public private(set) var stream = Bytes.zero
  /// The file.
  public private(set) var file = Bytes.zero

  /// Reads all blocks of a container.
  /// - Throws: `corrupt-trace`.
  public init(_ container: TraceContainer) throws(DiagnosticList) {
    operators = container.operatorCount
    blocks = container.blockCount
    (frames, stream, file) = container.extent
    for index in 0..<container.blockCount {
      let block = try container.block(index)
      signatures += block.signatures.count
      templates += block.templates.count
      for (place, column) in block.columns.enumerated() {
        if place == columns.count { columns.append(Column(name: column.name, values: 0, folded: .zero)) }
        columns[place].values += column.values
        columns[place].folded = columns[place].folded + column.folded
      }
    }
  }
}
