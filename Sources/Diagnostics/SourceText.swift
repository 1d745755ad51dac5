/// The bytes of one input and the name a user knows it by.
public struct SourceText: Sendable {
  /// The file as the user named it.
  public let name: String
  /// Its content, decompressed.
  public let bytes: [UInt8]
  /// How many lines of the input stand before `bytes`, for inputs read piece by piece.
  public let precedingLines: Int

  /// A named input.
  public init(name: String, bytes: [UInt8], precedingLines: Int = 0) {
    self.name = name
    self.bytes = bytes
    self.precedingLines = precedingLines
  }

  /// A named input from text.
  public init(name: String, text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// The location of a byte range.
  /// - Complexity: linear in `offset`; meant for reporting, not for parsing.
  public func location(of range: Range<Int>) -> SourceLocation {
    let offset = min(max(0, range.lowerBound), bytes.count)
    var lineStart = 0
    var line = 1 + precedingLines
    for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    var lineEnd = offset
    while lineEnd < bytes.count, bytes[lineEnd] != UInt8(ascii: "\n") { lineEnd += 1 }
    let before = Array(decoded(lineStart..<offset))
    let marked = Array(decoded(offset..<min(max(range.upperBound, offset), lineEnd)))
    let after = Array(decoded(min(lineEnd, offset + marked.count)..<lineEnd))

    // A window keeps minified JSON readable: the line's end near the mark, an ellipsis where it is cut.
    let width = 100
    let lead = before.count <= width / 2 ? before : ["…"] + before.suffix(width / 2)
    let room = max(0, width - lead.count)
    let tail = after.count <= room ? after : after.prefix(room) + ["…"]
    let underlined = max(1, min(marked.count, tail.count))
    return SourceLocation(
      file: name, line: line, column: before.count + 1, lineText: String(lead + tail),
      caret: lead.count, length: underlined)
  }

  /// Bytes as characters; tabs and control characters become spaces so that the caret stays in place.
  private func decoded(_ range: Range<Int>) -> String {
    guard range.count <= 4096 else {
      // Only a window of a long line is ever shown; the column stays right for ASCII content.
      let filler = String(repeating: " ", count: range.count - 4096)
      return filler + decoded(range.upperBound - 4096..<range.upperBound)
    }
    return String(
      String(decoding: bytes[range], as: UTF8.self).map { character in
        guard let value = character.asciiValue, value < 32 || value == 127 else { return character }
        return " "
      })
  }
}
