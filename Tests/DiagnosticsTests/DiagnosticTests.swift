import Diagnostics
import Foundation
import Goldens
import Lacuna
import Testing

@Suite struct DiagnosticCodeTests {
  @Test func `every code has a bad input`() {
    let covered = Set(BadInput.all.map(\.code))
    let uncovered = DiagnosticCode.allCases.filter { !covered.contains($0) }
    #expect(uncovered.isEmpty, "add a bad input for \(uncovered.map(\.rawValue))")
  }

  @Test(arguments: BadInput.all.indices)
  func `a bad input is told under its code`(_ index: Int) throws {
    let input = BadInput.all[index]
    let diagnostics = try input.diagnose(try ScratchFolder())
    #expect(diagnostics.contains { $0.code == input.code }, "\(input.title): \(diagnostics)")
  }

  @Test func `what is said about every bad input reads as recorded`() throws {
    var text = ""
    for input in BadInput.all {
      let place = try ScratchFolder()
      let rendered = DiagnosticRenderer.render(try input.diagnose(place))
      text += "== \(input.code.rawValue): \(input.title)\n\(place.anonymous(rendered))\n\n"
    }
    try Golden.check(text, "diagnostics.txt")
  }

  @Test(arguments: DiagnosticCode.allCases)
  func `codes are lower case with hyphens`(_ code: DiagnosticCode) {
    #expect(code.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
  }
}

@Suite struct DiagnosticRendererTests {
  private static let diagnostic = Diagnostic(
    .outOfRange, "192 KiB is more than the 128 KiB that the tile buffer holds",
    at: SourceText(name: "gamma.yaml", text: "a: 1\ntile: 192 KiB\n").location(of: 11..<18),
    notes: ["the buffer is split in halves"], help: "shrink the tile")

  @Test func `a located error shows its line and a caret`() throws {
    try Golden.check(DiagnosticRenderer.render(Self.diagnostic) + "\n", "located.txt")
  }

  @Test func `colours appear only when asked for`() throws {
    let plain = DiagnosticRenderer.render(Self.diagnostic)
    let coloured = DiagnosticRenderer.render(Self.diagnostic, style: .terminal)
    #expect(!plain.contains("\u{1B}"))
    #expect(coloured.contains("\u{1B}[1;31merror:\u{1B}[0m"))
    #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == plain)
  }

  @Test func `a warning without a place has one line`() {
    let warning = Diagnostic(.unknownSchema, "newer", severity: .warning)
    #expect(DiagnosticRenderer.render(warning) == "warning: newer [unknown-schema]")
  }

  @Test func `past the limit a line counts the rest`() {
    let many = (1...23).map { Diagnostic(.emptyFile, "number \($0)") }
    let lines = DiagnosticRenderer.render(many).split(separator: "\n")
    #expect(lines.count == 21)
    #expect(lines.last == "… and 3 more")
  }

  @Test func `control characters of a file do not reach the terminal`() {
    let text = DiagnosticRenderer.render(Diagnostic(.unknownKey, "unknown key '\u{1B}[2J'", help: "\u{7}"))
    #expect(!text.contains("\u{1B}") && !text.contains("\u{7}"))
  }
}

@Suite struct SourceLocationTests {
  private func caretLine(_ text: String, at range: Range<Int>) -> (location: Diagnostics.SourceLocation, marked: String)
  {
    let location = SourceText(name: "file", text: text).location(of: range)
    let line = Array(location.lineText)
    return (location, String(line[location.caret..<min(line.count, location.caret + location.length)]))
  }

  @Test func `the caret stands under what is meant, after tabs`() {
    let (location, marked) = caretLine("\t\tkey:\tvalue\n", at: 7..<12)
    #expect(marked == "value")
    #expect(location.column == 8)
    #expect(!location.lineText.contains("\t"))
  }

  @Test func `columns count characters, not bytes`() {
    let text = "größe: zwölf\n"
    let start = text.utf8.count - "zwölf\n".utf8.count
    let (location, marked) = caretLine(text, at: start..<start + "zwölf".utf8.count)
    #expect(marked == "zwölf")
    #expect(location.column == 8)
  }

  @Test(arguments: [0, 60, 5_000, 99_990])
  func `a long line is cut to a window around the mark`(_ offset: Int) {
    var bytes = Array(repeating: UInt8(ascii: "x"), count: 100_000)
    bytes[offset] = UInt8(ascii: "!")
    let location = SourceText(name: "file", bytes: bytes).location(of: offset..<offset + 1)
    #expect(location.lineText.count <= 102)
    #expect(Array(location.lineText)[location.caret] == "!")
    #expect(location.column == offset + 1)
  }

  @Test func `a line that fits the window is shown whole`() {
    let text = String(repeating: "x", count: 90) + "!" + "yyy"
    let location = SourceText(name: "file", text: text).location(of: 90..<91)
    #expect(location.lineText == text)
    #expect(location.caret == 90)
  }

  @Test func `the end of a file has a place`() {
    let location = SourceText(name: "file", text: "a\nbc").location(of: 4..<5)
    #expect((location.line, location.column, location.caret) == (2, 3, 2))
  }

  @Test func `lines before a piece are counted`() {
    let source = SourceText(name: "file", bytes: Array("x\ny".utf8), precedingLines: 41)
    #expect(source.location(of: 2..<3).line == 43)
  }

  @Test func `bytes that are not UTF-8 still have a place`() {
    let source = SourceText(name: "file", bytes: [0xFF, 0xFE, UInt8(ascii: "a")])
    #expect(source.location(of: 2..<3).line == 1)
  }
}

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("h20", "h200"), ("H200", "h200"), ("resnet5O", "resnet50"), ("wieghts", "weights"), ("gem", "gemm"),
    ("gmem", "gemm"),
  ])
  func `a slip of the keyboard finds its word`(_ word: String, _ meant: String) {
    #expect(nearest(to: word, among: ["t4", "h200", "resnet50", "weights", "gemm"]) == meant)
  }

  @Test(arguments: ["", "a100", "completely-different"])
  func `a stranger finds nothing`(_ word: String) {
    #expect(nearest(to: word, among: ["weights", "h200", "softmax"]) == nil)
  }

  @Test func `of equally near words the first in order wins`() {
    #expect(nearest(to: "rtx", among: ["rty", "rta"]) == "rta")
  }

  @Test func `nothing is near to nothing`() {
    #expect(nearest(to: "x", among: []) == nil)
  }
}
