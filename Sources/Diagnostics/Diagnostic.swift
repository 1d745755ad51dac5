/// One problem a user can act on: what is wrong, where, and what to do.
///
/// Diagnostics are for mistakes in input. Broken invariants of the program trap instead.
public struct Diagnostic: Error, Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// The input cannot be used.
    case error
    /// The input can be used, but the result may not be what was meant.
    case warning
  }

  /// Stable name of the kind of problem.
  public var code: DiagnosticCode
  /// How bad it is.
  public var severity: Severity
  /// What is wrong, with the numbers and their units.
  public var message: String
  /// Where, when it is in a file.
  public var location: SourceLocation?
  /// Context worth knowing.
  public var notes: [String]
  /// What to do about it.
  public var help: String?

  /// A diagnostic; an error unless told otherwise.
  public init(
    _ code: DiagnosticCode, _ message: String, at location: SourceLocation? = nil,
    severity: Severity = .error, notes: [String] = [], help: String? = nil
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.location = location
    self.notes = notes
    self.help = help
  }
}

/// A place in a file, with the text of its line, so that it can be shown after the file is gone.
public struct SourceLocation: Hashable, Sendable {
  /// The file as the user named it.
  public var file: String
  /// 1-based line.
  public var line: Int
  /// 1-based column, in characters.
  public var column: Int
  /// The line's text; long lines are cut to a window around the column.
  public var lineText: String
  /// Where in `lineText` the caret goes, 0-based.
  public var caret: Int
  /// How many characters to underline, at least 1.
  public var length: Int

  /// A place in a file.
  public init(file: String, line: Int, column: Int, lineText: String, caret: Int, length: Int = 1) {
    self.file = file
    self.line = line
    self.column = column
    self.lineText = lineText
    self.caret = caret
    self.length = length
  }
}

/// All problems of one input. Thrown as one error, so that a user can mend them in one go.
public struct DiagnosticList: Error, Hashable, Sendable {
  /// The problems, in the order of the input.
  public var diagnostics: [Diagnostic]

  /// The given problems.
  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
  /// A single problem.
  public init(_ diagnostic: Diagnostic) { self.diagnostics = [diagnostic] }

  /// Whether any of them is an error.
  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Collects the diagnostics of one input while it is being read.
///
/// A class, because the readers of nested parts of a document all report to the same place.
public final class DiagnosticSink {
  /// What has been reported so far.
  public private(set) var diagnostics: [Diagnostic] = []

  /// An empty sink.
  public init() {}

  /// Whether an error has been reported.
  public private(set) var hasErrors = false

  /// Adds one.
  public func report(_ diagnostic: Diagnostic) {
    diagnostics.append(diagnostic)
    if diagnostic.severity == .error { hasErrors = true }
  }

  /// Throws everything reported if any of it is an error.
  public func throwIfErrors() throws(DiagnosticList) {
    if hasErrors { throw DiagnosticList(diagnostics) }
  }

  /// The warnings reported so far.
  public var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }
}
