public import Diagnostics
import Traces

/// The machine descriptions that come with the program, each `Hardware/NAME.yaml`; ``Traces/ShippedFolder`` says where
/// they are looked for.
public enum MachineCatalog {
  private static let folder = ShippedFolder("Hardware", suffix: ".yaml")

  /// The names of all machines, sorted.
  public static func names() throws(DiagnosticList) -> [String] { folder.names() }

  /// Reads the machine called `name`.
  /// - Throws: `unknown-hardware` with the nearest name, or everything wrong with its description.
  public static func find(_ name: String) throws(DiagnosticList) -> Machine {
    try MachineReader.read(try source(of: name))
  }

  /// The description of the machine called `name`, as it is written.
  /// - Throws: `unknown-hardware` with the nearest name.
  public static func source(of name: String) throws(DiagnosticList) -> SourceText {
    if let path = folder.path(of: name) { return try InputFile.load(path) }
    let known = try names()
    throw DiagnosticList(
      Diagnostic(
        .unknownHardware, "there is no machine '\(name)'",
        notes: [known.isEmpty ? "no folder Configs/Hardware was found" : "known: \(known.joined(separator: ", "))"],
        help: nearest(to: name, among: known).map { "did you mean '\($0)'?" }
          ?? "give one of these names, or the path of a description"))
  }
}
