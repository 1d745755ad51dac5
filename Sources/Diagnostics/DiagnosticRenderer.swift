/// Turns diagnostics into the text a person reads.
public enum DiagnosticRenderer {
  /// What the text may hold beside characters.
  public enum Style: Sendable {
    /// Nothing.
    case plain
    /// Colours, as terminals show them.
    case terminal
  }

  /// The diagnostic as lines of text, without a trailing newline:
  /// ```
  /// gamma.yaml:31:17: error: 192 KiB is more than the 128 KiB that the tile buffer holds [out-of-range]
  ///    31 |   tile: 192 KiB
  ///       |         ^~~~~~~
  ///   help: shrink the tile
  /// ```
  public static func render(_ diagnostic: Diagnostic, style: Style = .plain) -> String {
    var lines: [String] = []
    let place = diagnostic.location.map { "\($0.file.printable):\($0.line):\($0.column): " } ?? ""
    let severity = style.marked(diagnostic.severity.rawValue + ":", diagnostic.severity == .error ? "1;31" : "1;35")
    lines.append("\(place)\(severity) \(diagnostic.message.printable) [\(diagnostic.code.rawValue)]")
    if let location = diagnostic.location, !location.lineText.isEmpty {
      let number = String(location.line)
      let gutter = String(repeating: " ", count: max(0, 5 - number.count))
      lines.append("\(gutter)\(number) | \(location.lineText)")
      let blank = String(repeating: " ", count: max(5, number.count))
      let indent = String(repeating: " ", count: location.caret)
      let underline = String(repeating: "~", count: max(0, location.length - 1))
      lines.append("\(blank) | \(indent)\(style.marked("^" + underline, "1;32"))")
    }
    lines += diagnostic.notes.map { "  note: \($0.printable)" }
    if let help = diagnostic.help { lines.append("  help: \(help.printable)") }
    return lines.joined(separator: "\n")
  }

  /// All of them, one after another; past `limit`, a line says how many more there are.
  public static func render(_ diagnostics: [Diagnostic], style: Style = .plain, limit: Int = 20) -> String {
    var blocks = diagnostics.prefix(limit).map { render($0, style: style) }
    if diagnostics.count > limit { blocks.append("… and \(diagnostics.count - limit) more") }
    return blocks.joined(separator: "\n")
  }
}

extension DiagnosticRenderer.Style {
  /// The text in the colour that a terminal's code stands for.
  fileprivate func marked(_ text: String, _ code: String) -> String {
    switch self {
    case .plain: text
    case .terminal: "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
  }
}

extension String {
  /// The text without the control characters that a file can smuggle into a terminal.
  fileprivate var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}
