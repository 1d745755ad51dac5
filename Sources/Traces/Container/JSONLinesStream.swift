import Diagnostics
import Documents
import Workloads

/// Operator lines that make up one or more blocks, not yet read.
struct LineChunk: Sendable {
  var text: [UInt8]
  /// Lines before it.
  var precedingLines: Int
  /// Operators before it.
  var first: Int
}

/// JSON Lines as they arrive: the header, then chunks of whole lines.
final class JSONLinesStream {
  /// The most bytes of a chunk, beyond its last line.
  private static let chunkSize = 1 << 24
  /// The longest line.
  private static let longestLine = 1 << 28

  let name: String
  private(set) var header: Workload
  /// Whether the file is of a newer version, whose keys are kept as attributes.
  private(set) var isNewer = false
  private let source: () throws(DiagnosticList) -> [UInt8]
  private var rest: [UInt8] = []
  private var hasEnded = false
  private var lines = 0
  private var operators = 0

  /// Reads the header from the text that `source` gives piece by piece; an empty piece is its end.
  init(
    name: String, sink: DiagnosticSink, source: @escaping () throws(DiagnosticList) -> [UInt8]
  ) throws(DiagnosticList) {
    self.name = name
    self.source = source
    header = Workload(name: TraceReader.stem(name), source: name, operators: [])
    while let line = try nextLine() {
      lines += 1
      if Self.isBlank(line[...]) { continue }
      let text = SourceText(name: name, bytes: line, precedingLines: lines - 1)
      let lines = JSONLinesReader(text, sink: sink)
      (header, isNewer) = lines.header(try JSONParser.parse(text), text, DocumentReader(text, sink: sink))
      try sink.throwIfErrors()
      return
    }
    throw DiagnosticList(Diagnostic(.emptyFile, "\(name) holds nothing but white space"))
  }

  /// White space as JSON Lines have it.
  static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
    line.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }
  }

  private func more() throws(DiagnosticList) -> Bool {
    guard rest.count <= Self.longestLine else {
      throw Compression.tooLarge(name, "has a line of at least", rest.count, limit: Self.longestLine)
    }
    let piece = try source()
    hasEnded = piece.isEmpty
    rest += piece
    return !hasEnded
  }

  private func nextLine() throws(DiagnosticList) -> [UInt8]? {
    var searched = 0
    while true {
      if let end = rest[searched...].firstIndex(of: 0x0A) {
        defer { rest.removeSubrange(...end) }
        return Array(rest[..<end])
      }
      searched = rest.count
      guard try more() else {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
      }
    }
  }

  /// The next lines, at most those of one full block.
  func next() throws(DiagnosticList) -> LineChunk? {
    let (precedingLines, first) = (lines, operators)
    var position = 0
    var isFull = false
    while !isFull {
      let start = position
      if let end = rest[position...].firstIndex(of: 0x0A) {
        position = end + 1
      } else {
        if !hasEnded, try more() { continue }
        position = rest.count
        isFull = true
        if start == position { break }
      }
      lines += 1
      if !Self.isBlank(rest[start..<position].last == 0x0A ? rest[start..<position - 1] : rest[start..<position]) {
        operators += 1
      }
      isFull = isFull || operators - first == OperatorBlock.capacity || position >= Self.chunkSize
    }
    guard position > 0 else { return nil }
    let text = Array(rest[..<position])
    rest.removeSubrange(..<position)
    return LineChunk(text: text, precedingLines: precedingLines, first: first)
  }

  /// Reads the operators of a chunk.
  /// - Throws: all problems of its lines.
  static func blocks(
    _ chunk: LineChunk, name: String, isNewer: Bool
  ) throws(DiagnosticList) -> [OperatorBlock] {
    let sink = DiagnosticSink()
    var reader = LineReader(source: name, sink: sink, reportsUnknownKeys: !isNewer)
    var blocks: [OperatorBlock] = []
    var block = OperatorBlock(first: chunk.first)
    var number = chunk.precedingLines
    var position = 0
    while position < chunk.text.count {
      let end = chunk.text[position...].firstIndex(of: 0x0A) ?? chunk.text.count
      let line = chunk.text[position..<end]
      position = end + 1
      number += 1
      if isBlank(line) { continue }
      if block.isFull {
        blocks.append(block)
        block = OperatorBlock(first: block.first + block.count)
      }
      reader.read(line, number: number - 1, into: &block)
      try TraceReader.stopIfHopeless(sink)
    }
    try sink.throwIfErrors()
    if block.count > 0 { blocks.append(block) }
    return blocks
  }
}
