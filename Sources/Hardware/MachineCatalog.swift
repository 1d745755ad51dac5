public import Diagnostics
import Traces

/// Provisional.
public enum MachineCatalog {
  /// Names.
  public static func names() throws(DiagnosticList) -> [String] { [] }
  /// Finds a machine.
  public static func find(_ name: String) throws(DiagnosticList) -> Machine {
    throw DiagnosticList(Diagnostic(.unknownHardware, "there is no machine '\(name)'"))
  }
}
