import ArgumentParser
import Lacuna

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The only place that prints.
enum Console {
  /// What the program ends with.
  enum Status {
    /// Everything asked for was done.
    static let success: Int32 = 0
    /// Good input, but the run failed.
    static let failure: Int32 = 1
    /// Bad input or usage.
    static let usage: Int32 = 2
  }

  /// Writes a whole result to standard output.
  /// - Throws: `closed-output` or `unwritable-file`.
  static func output(_ text: String) throws(DiagnosticList) { try output(Array(text.utf8)) }

  /// Writes a whole result to standard output.
  /// - Throws: `closed-output` or `unwritable-file`.
  static func output(_ bytes: [UInt8]) throws(DiagnosticList) {
    let problem = send(bytes, to: STDOUT_FILENO)
    guard problem != 0 else { return }
    if problem == EPIPE || problem == EBADF {
      throw DiagnosticList(
        Diagnostic(.closedOutput, "the reader of the output went away before all of it was written"))
    }
    throw DiagnosticList(Diagnostic(.unwritableFile, "standard output cannot be written (error \(problem))"))
  }

  /// Tells about diagnostics on standard error, in colour on a terminal.
  static func show(_ diagnostics: [Diagnostic]) {
    guard !diagnostics.isEmpty else { return }
    let text = DiagnosticRenderer.render(diagnostics, style: isTerminal && !refusesColour ? .terminal : .plain)
    _ = send(Array((text + "\n").utf8), to: STDERR_FILENO)
  }

  /// Shows what is being done, on a terminal only; an empty text takes it away.
  static func progress(_ text: String) {
    guard isTerminal else { return }
    _ = send(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO)
  }

  /// Tells why the program ends.
  /// - Returns: its exit status.
  static func report(_ error: any Error) -> Int32 {
    progress("")
    if let list = error as? DiagnosticList {
      show(list.diagnostics)
      return list.diagnostics.contains { $0.code == .unwritableFile } ? Status.failure : Status.usage
    }
    let text = LacunaCommand.fullMessage(for: error)
    switch LacunaCommand.exitCode(for: error) {
    // Help and version are results.
    case .success:
      do {
        try output(text + "\n")
        return Status.success
      } catch {
        return report(error)
      }
    case .validationFailure:
      _ = send(Array((text + "\n").utf8), to: STDERR_FILENO)
      return Status.usage
    default:
      _ = send(Array((text + "\n").utf8), to: STDERR_FILENO)
      return Status.failure
    }
  }

  private static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether the user wants no colour anywhere (no-color.org).
  private static var refusesColour: Bool {
    guard let value = unsafe getenv("NO_COLOR") else { return false }
    return unsafe value.pointee != 0
  }

  /// Writes all bytes.
  /// - Returns: the system's error number, 0 for success.
  private static func send(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      rest = rest.dropFirst(count)
    }
    return 0
  }
}
