public import Diagnostics
public import Hardware
import Traces

extension Machine {
  /// A machine of the catalog, or one that a file describes.
  /// - Parameter name: a name such as `h200`, or a path: it has a slash or ends in `.yaml`.
  /// - Throws: `unknown-hardware`, or all problems of the description.
  public init(named name: String) throws(DiagnosticList) {
    if name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
      self = try MachineReader.read(try InputFile.load(name))
    } else {
      self = try MachineCatalog.find(name)
    }
  }
}
