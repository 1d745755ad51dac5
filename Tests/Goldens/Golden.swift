import Foundation

/// Texts recorded once under `Fixtures/Goldens` beside a test, and compared ever after.
///
/// A missing one is recorded and fails, so that nobody takes an unread text for a tested one. With
/// `RECORD_GOLDENS=1` in the environment all are recorded anew; read the difference before committing it.
public enum Golden {
  /// Compares `text` with the recorded one.
  /// - Throws: ``Mismatch`` when they differ or none was recorded.
  public static func check(_ text: String, _ name: String, testFile: String = #filePath) throws {
    let file = URL(fileURLWithPath: testFile).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/Goldens/\(name)")
    let recorded = try? String(contentsOf: file, encoding: .utf8)
    if recorded == text { return }
    guard let recorded, ProcessInfo.processInfo.environment["RECORD_GOLDENS"] != "1" else {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
      if recorded == nil { throw Mismatch(name: name, difference: "it was missing and has been recorded; read it") }
      return
    }
    throw Mismatch(name: name, difference: difference(recorded, text))
  }

  /// A text that is not the recorded one.
  public struct Mismatch: Error, CustomStringConvertible {
    /// Which one.
    public var name: String
    /// Where they part.
    public var difference: String
    /// For the test's log.
    public var description: String { "golden \(name): \(difference)" }
  }

  private static func difference(_ old: String, _ new: String) -> String {
    let old = old.split(separator: "\n", omittingEmptySubsequences: false)
    let new = new.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(old.count, new.count)
    func shown(_ lines: [Substring]) -> String { line < lines.count ? String(lines[line]) : "(end of text)" }
    return "line \(line + 1) was\n  \(shown(old))\nand is\n  \(shown(new))\n(RECORD_GOLDENS=1 records it anew)"
  }
}
