/// The bytes of one input and the name a user knows it by.
public struct SourceText: Sendable {
  /// The file as the user named it.
  public let name: String
  /// Its content, decompressed.
  public let bytes: [UInt8]
  /// How many lines of the input stand before `bytes`, for inputs read piece by piece.
  public let precedingLines: Int
  /// The inputs that `bytes` were put together from, in order; empty for an input of one piece.
  public let pieces: [Piece]

  /// Bytes that stand in another input: their places are told there.
  public struct Piece: Sendable {
    /// Which of the bytes.
    public var range: Range<Int>
    /// Where they come from.
    public var source: SourceText
    /// Where in that source they begin.
    public var offset: Int

    /// Bytes of another input.
    public init(range: Range<Int>, source: SourceText, offset: Int) {
      self.range = range
      self.source = source
      self.offset = offset
    }
  }

  /// A named input.
  public init(name: String, bytes: [UInt8], precedingLines: Int = 0, pieces: [Piece] = []) {
    self.name = name
    self.bytes = bytes
    self.precedingLines = precedingLines
    self.pieces = pieces
  }

  /// A named input from text.
  public init(name: String, text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// Refuses what is not UTF-8.
  /// - Throws: `invalid-text` at the first line that is not.
  public func checkEncoding() throws(DiagnosticList) {
    var start = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: line, as: UTF8.self) == nil {
        throw DiagnosticList(
          Diagnostic(.invalidText, "the line is not valid UTF-8", at: location(of: start..<start + 1)))
      }
      start += line.count + 1
    }
  }

  /// The location of a byte range.
  /// - Complexity: linear in `offset`; meant for reporting, not for parsing.
  public func location(of range: Range<Int>) -> SourceLocation {
    if let piece = pieces.last(where: { $0.range.lowerBound <= range.lowerBound }) {
      let shift = piece.offset - piece.range.lowerBound
      return piece.source.location(of: range.lowerBound + shift..<range.upperBound + shift)
    }
    // A byte order mark is no column.
    var lineStart = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let offset = min(max(lineStart, range.lowerBound), bytes.count)
    var line = 1 + precedingLines
    for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    var lineEnd = offset
    while lineEnd < bytes.count, bytes[lineEnd] != UInt8(ascii: "\n") { lineEnd += 1 }
    // A window keeps minified JSON readable: the line's end near the mark, an ellipsis where it is cut. What lies
    // further away is never decoded; the column stays right where it is ASCII.
    let width = 100
    let unseen = max(0, offset - lineStart - 4 * width)
    let before = Array(decoded(lineStart + unseen..<offset))
    let visibleEnd = min(lineEnd, offset + 4 * width)
    let marked = decoded(offset..<min(max(range.upperBound, offset), visibleEnd))
    let after = Array(decoded(offset..<visibleEnd))
    let fits = unseen == 0 && (before.count <= width / 2 || before.count + after.count <= width)
    let lead = fits ? before : ["…"] + before.suffix(width / 2)
    let room = max(0, width - lead.count)
    let tail = after.count <= room ? after : after.prefix(room) + ["…"]
    let underlined = max(1, min(marked.count, tail.count))
    return SourceLocation(
      file: name, line: line, column: unseen + before.count + 1, lineText: String(lead + tail),
      caret: lead.count, length: underlined)
  }

  /// Bytes as characters; tabs and control characters become spaces so that the caret stays in place.
  private func decoded(_ range: Range<Int>) -> String {
    String(
      String(decoding: bytes[range], as: UTF8.self).map { character in
        guard let value = character.asciiValue, value < 32 || value == 127 else { return character }
        return " "
      })
  }
}
