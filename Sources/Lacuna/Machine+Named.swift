public import Diagnostics
public import Hardware
import Traces

extension Machine {
  /// A machine of the catalog, or one that a file describes.
  /// - Parameter name: a name such as `h200`, or a path: it has a slash or ends in `.yaml`.
  /// - Throws: `unknown-hardware`, or all problems of the description.
  public init(named name: String) throws(DiagnosticList) {
    self = try MachineReader.read(try Self.source(named: name))
  }

  /// The description that a name or path means, as it is written.
  static func source(named name: String) throws(DiagnosticList) -> SourceText {
    let isPath = name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
    return isPath ? try InputFile.load(name) : try MachineCatalog.source(of: name)
  }
}
