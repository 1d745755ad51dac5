public import Diagnostics
import SystemPackage
import Traces

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The machine descriptions that come with the program.
///
/// They are looked for as `Configs/Hardware/NAME.yaml` in the working folder, then beside the executable and in every
/// folder above it (a build in a checkout), then as `share/lacuna/Hardware/NAME.yaml` there (an installation).
public enum MachineCatalog {
  /// The names of all machines, sorted.
  public static func names() throws(DiagnosticList) -> [String] {
    Set(folders.flatMap(names(inFolder:))).sorted()
  }

  /// Reads the machine called `name`.
  /// - Throws: `unknown-hardware` with the nearest name, or everything wrong with its description.
  public static func find(_ name: String) throws(DiagnosticList) -> Machine {
    for folder in folders where names(inFolder: folder).contains(name) {
      return try MachineReader.read(try InputFile.load("\(folder)/\(name).yaml"))
    }
    let known = try names()
    throw DiagnosticList(
      Diagnostic(
        .unknownHardware, "there is no machine '\(name)'",
        notes: [known.isEmpty ? "no folder Configs/Hardware was found" : "known: \(known.joined(separator: ", "))"],
        help: nearest(to: name, among: known).map { "did you mean '\($0)'?" }
          ?? "give one of these names, or the path of a description"))
  }

  private static func names(inFolder folder: String) -> [String] {
    InputFile.names(inFolder: folder).compactMap {
      $0.hasSuffix(".yaml") ? String($0.dropLast(".yaml".count)) : nil
    }
  }

  private static var folders: [String] {
    var folders = ["Configs/Hardware"]
    var folder = FilePath(executable).removingLastComponent()
    while !folder.isEmpty, folder.lastComponent != nil {
      folders.append(folder.appending("Configs/Hardware").string)
      folders.append(folder.appending("share/lacuna/Hardware").string)
      folder = folder.removingLastComponent()
    }
    return folders
  }

  /// Where the running program really is; symbolic links are followed where the system tells.
  private static var executable: String {
    #if os(Linux)
      var buffer = [CChar](repeating: 0, count: 4096)
      let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
      if count > 0, count < buffer.count {
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    #endif
    return CommandLine.arguments.first ?? ""
  }
}
