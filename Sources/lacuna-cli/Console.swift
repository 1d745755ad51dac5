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

  /// How much is told beside results.
  @TaskLocal static var verbosity: Verbosity?

  /// Tells about diagnostics on standard error, in colour on a terminal; warnings not to those who want it quiet.
  static func show(_ diagnostics: [Diagnostic]) {
    let shown = verbosity == .quiet ? diagnostics.filter { $0.severity == .error } : diagnostics
    guard !shown.isEmpty else { return }
    let text = DiagnosticRenderer.render(shown, style: isTerminal && !refusesColour ? .terminal : .plain)
    _ = send(Array((text + "\n").utf8), to: STDERR_FILENO)
  }

  /// Shows what is being done, on a terminal only; an empty text takes it away. Those who want all of it get a line for
  /// each step, with the time at which it began.
  static func progress(_ text: String) {
    if verbosity == .verbose {
      guard !text.isEmpty else { return }
      let time = start.duration(to: .now) / .seconds(1)
      _ = send(Array("[\(formatFixed(time, decimals: 3)) s] \(text)\n".utf8), to: STDERR_FILENO)
    } else if showsProgress {
      let line = text.prefix(max(0, width(of: STDERR_FILENO) - 1))
      _ = send(Array("\r\u{1B}[K\(line)".utf8), to: STDERR_FILENO)
    }
  }

  /// Whether someone looks on.
  static var showsProgress: Bool { isTerminal && verbosity != .quiet }

  /// When the program began.
  static let start = ContinuousClock.now

  /// The most characters of a table's line: a terminal's width, or 120 in a pipe or a file, for the same bytes anywhere.
  static var tableWidth: Int { isatty(STDOUT_FILENO) == 1 ? max(40, width(of: STDOUT_FILENO)) : 120 }

  /// How many characters a line of the terminal has: what `COLUMNS` says, or else the terminal.
  private static func width(of descriptor: Int32) -> Int {
    if let value = unsafe getenv("COLUMNS"), let columns = unsafe Int(String(cString: value)), columns > 0 {
      return columns
    }
    var size = winsize()
    return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 120
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
