/// Turns diagnostics into the text a person reads.
public enum DiagnosticRenderer {
  /// The diagnostic as lines of text, without a trailing newline:
  /// ```
  /// gamma.yaml:31:17: error: 192 KiB is more than the 128 KiB that the tile buffer holds [out-of-range]
  ///    31 |   tile: 192 KiB
  ///       |         ^~~~~~~
  ///   help: shrink the tile
  /// ```
  public static func render(_ diagnostic: Diagnostic) -> String {
    var lines: [String] = []
    let place = diagnostic.location.map { "\($0.file):\($0.line):\($0.column): " } ?? ""
    lines.append(
      "\(place)\(diagnostic.severity.rawValue): \(diagnostic.message) [\(diagnostic.code.rawValue)]")
    if let location = diagnostic.location, !location.lineText.isEmpty {
      let number = String(location.line)
      let gutter = String(repeating: " ", count: max(0, 5 - number.count))
      lines.append("\(gutter)\(number) | \(location.lineText)")
      let blank = String(repeating: " ", count: max(5, number.count))
      let indent = String(repeating: " ", count: location.caret)
      let underline = String(repeating: "~", count: max(0, location.length - 1))
      lines.append("\(blank) | \(indent)^\(underline)")
    }
    lines += diagnostic.notes.map { "  note: \($0)" }
    if let help = diagnostic.help { lines.append("  help: \(help)") }
    return lines.joined(separator: "\n")
  }

  /// All of them, one after another; past `limit`, a line says how many more there are.
  public static func render(_ diagnostics: [Diagnostic], limit: Int = 20) -> String {
    var blocks = diagnostics.prefix(limit).map(render)
    if diagnostics.count > limit { blocks.append("… and \(diagnostics.count - limit) more") }
    return blocks.joined(separator: "\n")
  }
}
