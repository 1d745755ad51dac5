public import Diagnostics
public import Quantities

/// A value that can be read from a part of a document.
public protocol DocumentReadable {
  /// Reads the value, or reports why not and returns nil.
  static func read(_ node: Node, _ reader: DocumentReader) -> Self?
}

/// Reads typed values out of a document and reports every problem with its place.
public struct DocumentReader {
  /// Where the document came from.
  public let source: SourceText
  /// Where problems go.
  public let sink: DiagnosticSink
  /// Where it is written down what readers ask for; nil where they read a document.
  let recorder: SchemaRecorder?

  /// A reader of one document.
  public init(_ source: SourceText, sink: DiagnosticSink) { self.init(source, sink: sink, recorder: nil) }

  init(_ source: SourceText, sink: DiagnosticSink, recorder: SchemaRecorder?) {
    self.source = source
    self.sink = sink
    self.recorder = recorder
  }

  /// Whether readers are run to see what they ask for.
  public var isRecording: Bool { recorder != nil }

  /// Reports a problem with a node.
  public func report(
    _ code: DiagnosticCode, _ message: String, at range: Range<Int>,
    severity: Diagnostic.Severity = .error, notes: [String] = [], help: String? = nil
  ) {
    guard recorder == nil else { return }
    // Finding a place takes time in proportion to the source, so a flood of problems would take its square. A first
    // error always gets through: it decides whether the source can be used.
    guard sink.diagnostics.count < 1000 || (severity == .error && !sink.hasErrors) else { return }
    sink.report(
      Diagnostic(
        code, message, at: source.location(of: range), severity: severity, notes: notes, help: help))
  }

  /// Reports that `node` is not `expected`, and returns nil.
  /// - Parameter form: what is expected, for a schema; in the words of `expected` if nil.
  public func mismatch<T>(_ node: Node, expected: String, _ form: ValueForm? = nil, help: String? = nil) -> T? {
    if case .undetermined(let path) = node.content {
      recorder?.record(form ?? .described(expected), at: path)
      return nil
    }
    report(.wrongType, "expected \(expected), found \(node.typeName)", at: node.range, help: help)
    return nil
  }

  /// The text, if the node is one; where it may also be something else.
  public func text(ifAny node: Node, _ form: ValueForm = .text) -> String? {
    if case .undetermined(let path) = node.content { recorder?.record(form, at: path) }
    return node.text
  }

  /// The elements of a list, or the node alone where a list of one needs no brackets.
  public func oneOrMore(_ node: Node) -> [Node] {
    guard let elements = node.elements else { return [node] }
    return isRecording ? elements + [node] : elements
  }

  /// The keys and values of a mapping whose keys are not known here.
  /// - Parameter words: what the keys are chosen from; empty for any.
  public func entries(_ node: Node, keys words: [String] = []) -> [Node.Entry]? {
    switch node.content {
    case .mapping(let entries): return entries
    case .undetermined(let path):
      guard let value = recorder?.recordRest(words: words, at: path) else { return nil }
      return [Node.Entry(key: "*", keyRange: 0..<0, value: value)]
    default: return nil
    }
  }

  /// Reads one word of a closed set.
  public func choice<T>(_ node: Node, _ choices: [(name: String, value: T)], what: String) -> T? {
    guard let word = node.text else { return mismatch(node, expected: what, .word(choices.map(\.name))) }
    if let match = choices.first(where: { $0.name == word }) { return match.value }
    let names = choices.map(\.name)
    report(
      .unknownValue, "'\(word)' is not \(what)", at: node.range,
      notes: ["known: \(names.joined(separator: ", "))"],
      help: nearest(to: word, among: names).map { "did you mean '\($0)'?" })
    return nil
  }
}

/// The fields of one mapping. Every key must be asked for; ``finish()`` reports those that were not.
public struct Fields {
  /// The reader this reports to.
  public let reader: DocumentReader
  /// The mapping.
  public let node: Node
  private let entries: [Node.Entry]
  private var asked: [String] = []

  /// The fields of `node`, or nil after reporting that it is not a mapping.
  public init?(_ node: Node, _ reader: DocumentReader, what: String) {
    switch node.content {
    case .mapping(let entries): self.entries = entries
    case .undetermined(let path):
      reader.recorder?.recordMapping(at: path)
      entries = []
    default:
      let _: Int? = reader.mismatch(node, expected: what)
      return nil
    }
    self.reader = reader
    self.node = node
  }

  /// The value of an optional key; a null counts as absent.
  public mutating func node(_ key: String) -> Node? { node(key, isRequired: false) }

  private mutating func node(_ key: String, isRequired: Bool) -> Node? {
    if case .undetermined(let path) = node.content {
      // Whether a key may be absent is up to who asks first.
      defer { asked.append(key) }
      return reader.recorder?.recordKey(key, isRequired: isRequired && !asked.contains(key), at: path)
    }
    asked.append(key)
    guard let entry = entries.first(where: { $0.key == key }) else { return nil }
    if case .null = entry.value.content { return nil }
    return entry.value
  }

  /// The value of a key that must be there.
  public mutating func requiredNode(_ key: String) -> Node? {
    if let node = node(key, isRequired: true) { return node }
    let close = nearest(
      to: key, among: entries.map(\.key).filter { name in !asked.contains(name) })
    reader.report(
      .missingKey, "the key '\(key)' is missing", at: node.range,
      help: close.map { "is '\($0)' meant to be '\(key)'?" } ?? "add '\(key)'")
    return nil
  }

  /// A value that must be there.
  public mutating func required<T: DocumentReadable>(_ key: String, as type: T.Type = T.self) -> T? {
    requiredNode(key).flatMap { T.read($0, reader) }
  }

  /// A value that may be absent. A value that is there but cannot be read is reported, and reads as absent.
  public mutating func optional<T: DocumentReadable>(_ key: String, as type: T.Type = T.self) -> T? {
    node(key).flatMap { T.read($0, reader) }
  }

  /// An integer that must be there and lie in `range`.
  public mutating func required(_ key: String, in range: ClosedRange<Int>) -> Int? {
    requiredNode(key).flatMap { reader.integer($0, key, in: range) }
  }

  /// An integer that may be absent and must lie in `range`.
  public mutating func optional(_ key: String, in range: ClosedRange<Int>) -> Int? {
    node(key).flatMap { reader.integer($0, key, in: range) }
  }

  /// The keys nobody has asked for, with their values, in the order of the source. They count as asked from now on.
  /// - Parameter words: what the keys are chosen from; empty for any.
  public mutating func rest(keys words: [String] = []) -> [Node.Entry] {
    if reader.isRecording { return reader.entries(node, keys: words) ?? [] }
    let rest = entries.filter { !asked.contains($0.key) }
    asked += rest.map(\.key)
    return rest
  }

  /// Reports every key that nobody asked for.
  public func finish() {
    if case .undetermined(let path) = node.content { reader.recorder?.recordEnd(at: path) }
    for entry in entries where !asked.contains(entry.key) {
      let close = nearest(to: entry.key, among: asked)
      reader.report(
        .unknownKey, "unknown key '\(entry.key)'", at: entry.keyRange,
        notes: close == nil && !asked.isEmpty ? ["known here: \(Set(asked).sorted().joined(separator: ", "))"] : [],
        help: close.map { "did you mean '\($0)'?" })
    }
  }
}

extension DocumentReader {
  /// Reads an integer in `range`.
  /// - Parameter form: what a schema says of it where `range` is checked elsewhere; the range if nil.
  public func integer(
    _ node: Node, _ what: String, in range: ClosedRange<Int>, form: ValueForm? = nil
  ) -> Int? {
    guard case .number(let text) = node.content else {
      return mismatch(node, expected: "a whole number", form ?? .integer(range))
    }
    guard let value = node.integer else {
      let isTooLarge = text.allSatisfy { $0.isNumber || $0 == "-" }
      if isTooLarge {
        report(.outOfRange, "'\(what)' is \(text), more than a 64-bit number holds", at: node.range)
        return nil
      }
      return mismatch(node, expected: "a whole number")
    }
    guard range.contains(value) else {
      let limits =
        range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      report(.outOfRange, "'\(what)' is \(value); it must be \(limits)", at: node.range)
      return nil
    }
    return value
  }

  /// Reads a number in `range`.
  public func number(_ node: Node, _ what: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = node.double else { return mismatch(node, expected: "a number", .number(range)) }
    guard range.contains(value) else {
      report(
        .outOfRange, "'\(what)' is \(value); it must be from \(range.lowerBound) to \(range.upperBound)",
        at: node.range)
      return nil
    }
    return value
  }

  /// Reads a number with a unit.
  public func measured<T: Measured>(_ node: Node, as type: T.Type = T.self) -> T? {
    let text: String
    switch node.content {
    case .string(let string): text = string
    case .number(let number): text = number
    default:
      return mismatch(
        node, expected: "a \(T.dimensionName) with its unit",
        .quantity(dimension: T.dimensionName, units: T.unitSymbols))
    }
    do throws(QuantityError) {
      return try T(parsing: text)
    } catch {
      switch error {
      case .notANumber:
        return mismatch(node, expected: "a \(T.dimensionName) with its unit")
      case .missingUnit(let accepted):
        report(
          .missingUnit, "\(text) has no unit; a \(T.dimensionName) needs one", at: node.range,
          help: "write \(text) \(accepted[0]), or another of: \(accepted.joined(separator: ", "))")
      case .unknownUnit(let unit, let accepted):
        report(
          .wrongUnit, "'\(unit)' is not a unit of \(T.dimensionName)", at: node.range,
          help: "use one of: \(accepted.joined(separator: ", "))")
      case .outOfRange:
        report(.outOfRange, "\(text) is not a \(T.dimensionName) this can hold", at: node.range)
      }
      return nil
    }
  }
}

extension String: DocumentReadable {
  /// Reads a text.
  public static func read(_ node: Node, _ reader: DocumentReader) -> String? {
    node.text ?? reader.mismatch(node, expected: "a text", .text)
  }
}

extension Bool: DocumentReadable {
  /// Reads true or false.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Bool? {
    node.bool ?? reader.mismatch(node, expected: "true or false", .boolean)
  }
}

extension Double: DocumentReadable {
  /// Reads a finite number.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Double? {
    reader.number(node, "value", in: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
  }
}

extension Int: DocumentReadable {
  /// Reads a whole number.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Int? {
    reader.integer(node, "value", in: .min ... .max)
  }
}

extension Quantity: DocumentReadable {
  /// Reads a number with a unit.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Self? { reader.measured(node) }
}

extension Bytes: DocumentReadable {
  /// Reads a size with its unit.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Self? { reader.measured(node) }
}

extension Cycles: DocumentReadable {
  /// Reads a cycle count with its unit.
  public static func read(_ node: Node, _ reader: DocumentReader) -> Self? { reader.measured(node) }
}
