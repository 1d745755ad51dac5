import Diagnostics
import Documents
import Workloads

// JSON Lines to and from blocks without an `Operator` for each line. Lines of a trace differ in little but their names
// and dependencies, so what lies between is read, checked and written once for all lines that share it.

// MARK: Writing

extension OperatorBlock {
  /// Appends the lines of some of the operators.
  /// - Parameters:
  ///   - range: places within the block.
  ///   - origin: the operator of the trace that becomes the first; dependencies before it are left out.
  func writeJSONLines(_ range: Range<Int>, origin: Int = 0, to text: inout [UInt8]) {
    guard !range.isEmpty else { return }
    let lines = LineParts(self)
    var cursor = Cursor(self)
    while cursor.index < range.upperBound {
      if cursor.index >= range.lowerBound { write(cursor, lines, origin, to: &text) }
      cursor.advance()
    }
  }

  private func write(_ cursor: Cursor, _ lines: LineParts, _ origin: Int, to text: inout [UInt8]) {
    let signature = Int(cursor.record.signature)
    text += lines.opening
    NameTemplate.join(lines.templates[Int(cursor.record.template)][...], numbers, cursor.numbers, into: &text)
    text += lines.shapes[signature]
    if lines.hasFractions[signature] {
      var op = signatures[signature].blank
      cursor.fill(&op.sparsity)
      text += LineParts.members(op.sparsityMember.map { [$0] } ?? [])
    }
    var hasDependencies = false
    for distance in distances[cursor.distances..<cursor.distances + Int(cursor.record.dependencies)] {
      let dependency = first + cursor.index - Int(distance) - origin
      guard dependency >= 0 else { continue }
      text += hasDependencies ? lines.comma : lines.dependencies
      NameTemplate.append(decimal: UInt64(dependency), to: &text)
      hasDependencies = true
    }
    if hasDependencies { text.append(UInt8(ascii: "]")) }
    if let measured = cursor.measured {
      if let start = measured.start { text += Array(#","start_ns":\#(start.nanoseconds)"#.utf8) }
      if let duration = measured.duration { text += Array(#","duration_ns":\#(duration.nanoseconds)"#.utf8) }
    }
    text += lines.closings[signature]
    let attributes = cursor.attributes
    if !attributes.isEmpty {
      text += lines.attributes
      text += attributes
    }
    text += lines.end
  }
}

/// The parts that lines of a block share.
private struct LineParts {
  let opening = Array(#"{"name":""#.utf8)
  let dependencies = Array(#","deps":["#.utf8)
  let comma = Array(",".utf8)
  let attributes = Array(#","attributes":"#.utf8)
  let end = Array("}\n".utf8)
  /// Templates as they stand within quotes.
  var templates: [[UInt8]] = []
  /// From the quote after the name to the shape, and the sparsity where it holds no fraction.
  var shapes: [[UInt8]] = []
  var hasFractions: [Bool] = []
  var closings: [[UInt8]] = []

  init(_ block: OperatorBlock) {
    for id in 0..<block.templates.count { templates.append(Self.quoted(block.templates[id])) }
    for signature in block.signatures {
      let op = signature.blank
      let hasFractions = signature.fractions > 0
      self.hasFractions.append(hasFractions)
      shapes.append(
        [UInt8(ascii: "\"")]
          + Self.members(op.shapeMembers + (hasFractions ? [] : op.sparsityMember.map { [$0] } ?? [])))
      closings.append(Self.members(op.closingMembers))
    }
  }

  /// Members with a comma before each.
  static func members(_ members: [(String, JSONText)]) -> [UInt8] {
    var text = ""
    for (key, value) in members {
      text += ","
      text.append(jsonQuoting: key)
      text += ":"
      value.write(to: &text)
    }
    return Array(text.utf8)
  }

  private static func quoted(_ template: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    for part in template.split(separator: NameTemplate.slot, omittingEmptySubsequences: false) {
      var text = ""
      text.append(jsonQuoting: String(decoding: part, as: UTF8.self))
      result += text.utf8.dropFirst().dropLast()
      result.append(NameTemplate.slot)
    }
    return result.dropLast()
  }
}

// MARK: Reading

/// Reads operator lines into a block.
struct LineReader {
  /// What stands between the names and dependencies of lines.
  private enum Shared {
    case usable(OperatorSignature, fractions: [Double], attributes: [UInt8]?)
    /// Something that needs a look at the whole line.
    case unusable
  }

  private let source: String
  private let sink: DiagnosticSink
  private let reportsUnknownKeys: Bool
  private var keys = ByteTable()
  private var shared: [Shared] = []
  private var key: [UInt8] = []
  private var dependencies: [Int] = []

  init(source: String, sink: DiagnosticSink, reportsUnknownKeys: Bool) {
    self.source = source
    self.sink = sink
    self.reportsUnknownKeys = reportsUnknownKeys
  }

  /// Appends the operator of a line, or reports what is wrong with it.
  mutating func read(_ line: ArraySlice<UInt8>, number: Int, into block: inout OperatorBlock) {
    if readQuickly(line, into: &block) { return }
    let text = SourceText(name: source, bytes: Array(line), precedingLines: number)
    let reader = DocumentReader(text, sink: sink)
    do throws(DiagnosticList) {
      let node = try JSONParser.parse(text)
      if let op = Operator.read(
        node, reader, text: text, index: block.first + block.count, reportsUnknownKeys: reportsUnknownKeys)
      {
        block.append(op)
      }
    } catch {
      for diagnostic in error.diagnostics { sink.report(diagnostic) }
    }
  }

  private static let opening = Array(#"{"name":""#.utf8)
  private static let dependencyKey = Array(#","deps":["#.utf8)
  private static let startKey = Array(#","start_ns":"#.utf8)
  private static let durationKey = Array(#","duration_ns":"#.utf8)

  /// Reads a line as Lacuna writes it. Says no to all others, which may well be right.
  private mutating func readQuickly(_ line: ArraySlice<UInt8>, into block: inout OperatorBlock) -> Bool {
    guard line.count > Self.opening.count, line.last == UInt8(ascii: "}"), line.starts(with: Self.opening) else {
      return false
    }
    let nameStart = line.startIndex + Self.opening.count
    var position = nameStart
    while position < line.endIndex, line[position] != UInt8(ascii: "\"") {
      guard line[position] >= 0x20, line[position] < 0x80, line[position] != UInt8(ascii: "\\") else { return false }
      position += 1
    }
    guard position < line.endIndex else { return false }
    let name = line[nameStart..<position]
    let end = line.endIndex - 1
    // A comma before one of the keys of an operator's own values; if it stands within a text, what lies before it is
    // no list of members, and the line is read in full.
    let middleStart = position + 1
    position = middleStart
    while position < end {
      if line[position] == UInt8(ascii: ","), position + 2 < end {
        let letter = line[position + 2]
        if letter == UInt8(ascii: "d") || letter == UInt8(ascii: "s") {
          let rest = line[position...]
          if rest.starts(with: Self.dependencyKey) || rest.starts(with: Self.startKey)
            || rest.starts(with: Self.durationKey)
          {
            break
          }
        }
      }
      position += 1
    }
    let middle = line[middleStart..<position]
    let index = block.first + block.count
    dependencies.removeAll(keepingCapacity: true)
    if line[position...].starts(with: Self.dependencyKey) {
      position += Self.dependencyKey.count
      while true {
        guard let value = Self.integer(line, &position), value < Int64(index), position < end else { return false }
        dependencies.append(index - Int(value))
        position += 1
        if line[position - 1] == UInt8(ascii: "]") { break }
        guard line[position - 1] == UInt8(ascii: ",") else { return false }
      }
    }
    var start: Int64?
    var duration: Int64?
    if line[position...].starts(with: Self.startKey) {
      position += Self.startKey.count
      start = Self.integer(line, &position)
      if start == nil { return false }
    }
    if line[position...].starts(with: Self.durationKey) {
      position += Self.durationKey.count
      duration = Self.integer(line, &position)
      if duration == nil { return false }
    }
    key.removeAll(keepingCapacity: true)
    key.append((start != nil ? 1 : 0) + (duration != nil ? 2 : 0))
    key += middle
    key.append(0)
    key += line[position...]
    let id = keys.insert(key)
    if id == shared.count {
      shared.append(
        read(Array(middle) + Array(line[position...]), hasStart: start != nil, hasDuration: duration != nil))
    }
    guard case .usable(let signature, let fractions, let attributes) = shared[id] else { return false }
    let template = block.insert(name: name)
    block.distances.append(contentsOf: dependencies.lazy.map { UInt64($0) })
    block.fractions += fractions
    let number = block.insert(signature)
    block.append(
      template: template, signature: number, dependencies: dependencies.count, start: start, duration: duration,
      attributes: attributes)
    return true
  }

  /// Reads what lines share as a line of its own.
  private func read(_ members: [UInt8], hasStart: Bool, hasDuration: Bool) -> Shared {
    let text = SourceText(name: source, bytes: Self.opening + Array("\"".utf8) + members)
    let sink = DiagnosticSink()
    guard let node = try? JSONParser.parse(text),
      node["deps"] == nil, node["start_ns"] == nil, node["duration_ns"] == nil,
      let op = Operator.read(
        node, DocumentReader(text, sink: sink), text: text, index: 0, reportsUnknownKeys: reportsUnknownKeys),
      sink.diagnostics.isEmpty
    else { return .unusable }
    var fractions: [Double] = []
    var signature = OperatorSignature(op, fractions: &fractions)
    signature.hasStart = hasStart
    signature.hasDuration = hasDuration
    return .usable(signature, fractions: fractions, attributes: op.attributes.map { Array($0.utf8) })
  }

  /// A whole number of at most 15 digits as JSON writes it, not negative.
  private static func integer(_ line: ArraySlice<UInt8>, _ position: inout Int) -> Int64? {
    let start = position
    var value: Int64 = 0
    while position < line.endIndex, line[position] &- 0x30 < 10 {
      value = value &* 10 &+ Int64(line[position] &- 0x30)
      position += 1
    }
    let digits = position - start
    return digits == 0 || digits > 15 || (digits > 1 && line[start] == 0x30) ? nil : value
  }
}
