import Diagnostics
import Documents
import Quantities

/// Reads constants, each a mapping of `value`, `kind` and `source`, and remembers where they come from.
///
/// What a reading finds it also lists in order. With such a list the same reader runs again without the document, and
/// faster: it meets what was found before, or what is given in its place, and checks it as it always does.
struct ConstantFields {
  /// The mapping; nil where a reading is repeated.
  private var fields: Fields?
  let reader: DocumentReader
  private let path: String
  private let log: Log

  /// What has been read so far; a class because all sections of a description write to it.
  final class Log {
    var constants: [Constant] = []
    /// What was found, in the order in which it was asked for.
    fileprivate(set) var steps: [Step] = []
    fileprivate var next = 0
    fileprivate let replacements: [(step: Int, value: Node)]
    /// Whether a repeated reading found something wrong, or asked for something else.
    fileprivate(set) var hasFailed = false

    init() { replacements = [] }

    /// - Parameter replacements: what stands for the values of constants, by their steps.
    init(repeating steps: [Step], replacing replacements: [(step: Int, value: Node)]) {
      (self.steps, self.replacements) = (steps, replacements)
    }
  }

  /// What a reader asked for and what it got.
  struct Step: Sendable {
    let key: String
    /// Where the constant stands that was asked for; nil for anything else.
    let path: String?
    fileprivate let result: (any Sendable)?
  }

  init?(_ node: Node, _ reader: DocumentReader, path: String, log: Log) {
    guard let fields = Fields(node, reader, what: "a mapping of constants") else { return nil }
    (self.fields, self.reader, self.path, self.log) = (fields, reader, path, log)
  }

  /// The fields of a reading that is repeated.
  init(repeating log: Log, _ reader: DocumentReader) {
    (fields, self.reader, path, self.log) = (nil, reader, "", log)
  }

  /// What `read` finds, or what it found before.
  private mutating func step<T: Sendable>(
    _ key: String, path: String? = nil, replaced: (Node) -> T? = { _ in nil }, _ read: (inout Fields) -> T?
  ) -> T? {
    if var own = fields {
      // The only copy, so that noting what was asked copies nothing.
      fields = nil
      let result = read(&own)
      fields = own
      log.steps.append(Step(key: key, path: path, result: result))
      return result
    }
    let position = log.next
    log.next += 1
    guard !log.hasFailed, position < log.steps.count, log.steps[position].key == key else {
      log.hasFailed = true
      return nil
    }
    if let value = log.replacements.first(where: { $0.step == position })?.value {
      let result = replaced(value)
      if result == nil { log.hasFailed = true }
      return result
    }
    guard let result = log.steps[position].result else { return nil }
    guard let result = result as? T else {
      log.hasFailed = true
      return nil
    }
    return result
  }

  private func section(_ node: Node, _ path: String) -> ConstantFields? {
    ConstantFields(node, reader, path: path, log: log)
  }

  /// A nested section that must be there.
  mutating func section(_ key: String) -> ConstantFields? {
    guard fields != nil else { return has(key) ? ConstantFields(repeating: log, reader) : nil }
    log.steps.append(Step(key: key, path: nil, result: true))
    return fields?.requiredNode(key).flatMap { section($0, path + key + ".") }
  }

  /// A nested section that may be absent.
  mutating func optionalSection(_ key: String) -> ConstantFields? {
    guard has(key) else { return nil }
    return section(key)
  }

  /// Whether there is something under a key.
  private mutating func has(_ key: String) -> Bool { step(key) { $0.node(key) != nil } ?? false }

  /// A list of sections that must be there, named by their place from zero.
  mutating func sections(_ key: String) -> [ConstantFields]? {
    guard fields != nil else {
      let count: Int? = step(key) { _ in nil }
      return count.map { (0..<$0).map { _ in ConstantFields(repeating: log, reader) } }
    }
    guard let node = fields?.requiredNode(key) else { return nil }
    guard let elements = node.elements, !elements.isEmpty else {
      return reader.mismatch(node, expected: "a list of mappings")
    }
    log.steps.append(Step(key: key, path: nil, result: elements.count))
    let sections = elements.enumerated().compactMap { section($1, "\(path)\(key).\($0).") }
    return sections.count == elements.count ? sections : nil
  }

  /// An entry of a table.
  private struct Row: Sendable {
    var key: String
    var keyRange: Range<Int>
  }

  /// All remaining entries as sections, by key: a table.
  /// - Parameter words: what the keys are chosen from; empty for any.
  mutating func sections(
    keys words: [String] = []
  ) -> [(key: String, keyRange: Range<Int>, section: ConstantFields)] {
    guard fields != nil else {
      let rows: [Row] = step("") { _ in nil } ?? []
      return rows.map { ($0.key, $0.keyRange, ConstantFields(repeating: log, reader)) }
    }
    let entries = fields?.rest(keys: words) ?? []
    log.steps.append(Step(key: "", path: nil, result: entries.map { Row(key: $0.key, keyRange: $0.keyRange) }))
    return entries.compactMap { entry in
      section(entry.value, path + entry.key + ".").map { (entry.key, entry.keyRange, $0) }
    }
  }

  /// A list without sources, which must be there.
  mutating func list<T: Sendable>(_ key: String, of what: String, _ read: (Node, DocumentReader) -> T?) -> [T]? {
    let reader = reader
    return step(key) { fields in
      guard let node = fields.requiredNode(key) else { return nil }
      guard let elements = node.elements, !elements.isEmpty else {
        return reader.mismatch(node, expected: "a list of \(what)")
      }
      return elements.compactMap { read($0, reader) }
    }
  }

  /// A quantity greater than zero.
  mutating func quantity<T: Measured & DocumentReadable & Comparable & AdditiveArithmetic & Sendable>(
    _ key: String, as type: T.Type = T.self
  ) -> T? {
    constant(key) { node, reader in
      guard let value = T.read(node, reader) else { return nil }
      guard value > .zero else {
        reader.report(.outOfRange, "'\(key)' is \(value); it must be more than zero", at: node.range)
        return nil
      }
      return value
    }
  }

  /// A quantity greater than zero that may be absent.
  mutating func optionalQuantity<T: Measured & DocumentReadable & Comparable & AdditiveArithmetic & Sendable>(
    _ key: String, as type: T.Type = T.self
  ) -> T? {
    has(key) ? quantity(key) : nil
  }

  /// A whole number from 1 to 2³⁰.
  mutating func count(_ key: String) -> Int? {
    constant(key) { node, reader in reader.integer(node, key, in: 1...1 << 30) }
  }

  /// A whole number from 1 to 2³⁰ that may be absent.
  mutating func optionalCount(_ key: String) -> Int? {
    has(key) ? count(key) : nil
  }

  /// A number in a range.
  mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    constant(key) { node, reader in reader.number(node, key, in: range) }
  }

  /// A number in a range that may be absent.
  mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>) -> Double? {
    has(key) ? number(key, in: range) : nil
  }

  /// A plain value without a source of its own: a switch, a name, a list.
  mutating func plain<T: DocumentReadable & Sendable>(_ key: String, as type: T.Type = T.self) -> T? {
    step(key) { $0.required(key) }
  }

  /// A plain value that may be absent.
  mutating func optionalPlain<T: DocumentReadable & Sendable>(_ key: String, as type: T.Type = T.self) -> T? {
    step(key) { $0.optional(key) }
  }

  /// An area and the technology node it is known at.
  mutating func area(_ key: String) -> NodeArea? {
    constant(key) { node, reader in NodeArea.read(node, reader) }
  }

  /// An area and its node that may be absent.
  mutating func optionalArea(_ key: String) -> NodeArea? { has(key) ? area(key) : nil }

  /// A constant switch.
  mutating func flag(_ key: String) -> Bool? {
    constant(key) { node, reader in Bool.read(node, reader) }
  }

  /// A list of whole numbers from 1 to 2³⁰.
  mutating func counts(_ key: String) -> [Int]? {
    constant(key) { node, reader in
      guard let elements = node.elements, !elements.isEmpty else {
        return reader.mismatch(node, expected: "a list of whole numbers")
      }
      let values = elements.compactMap { reader.integer($0, key, in: 1...1 << 30) }
      return values.count == elements.count ? values : nil
    }
  }

  /// One word of a closed set.
  mutating func choice<T: RawRepresentable & CaseIterable & Sendable>(_ key: String, what: String) -> T?
  where T.RawValue == String {
    constant(key) { node, reader in
      reader.choice(node, T.allCases.map { ($0.rawValue, $0) }, what: what)
    }
  }

  /// A list of words of a closed set.
  mutating func choices<T: RawRepresentable & CaseIterable & Sendable>(_ key: String, what: String) -> [T]?
  where T.RawValue == String {
    constant(key) { node, reader in
      guard let elements = node.elements, !elements.isEmpty else {
        return reader.mismatch(node, expected: "a list of \(what)s")
      }
      let values = elements.compactMap {
        reader.choice($0, T.allCases.map { ($0.rawValue, $0) }, what: "a \(what)")
      }
      return values.count == elements.count ? values : nil
    }
  }

  /// A list of words of a closed set that may be absent.
  mutating func optionalChoices<T: RawRepresentable & CaseIterable & Sendable>(_ key: String, what: String) -> [T]?
  where T.RawValue == String {
    has(key) ? choices(key, what: what) : nil
  }

  /// Reports values that contradict each other.
  func contradiction(_ message: String, help: String? = nil) {
    report(.inconsistentHardware, message, at: fields?.node.range ?? 0..<0, help: help)
  }

  func report(_ code: DiagnosticCode, _ message: String, at range: Range<Int>, help: String? = nil) {
    guard fields != nil else {
      log.hasFailed = true
      return
    }
    reader.report(code, message, at: range, help: help)
  }

  mutating func node(_ key: String) -> Node? { step(key) { $0.node(key) } }
  mutating func requiredNode(_ key: String) -> Node? { step(key) { $0.requiredNode(key) } }

  func finish() { fields?.finish() }

  private mutating func constant<T: Sendable>(_ key: String, _ read: (Node, DocumentReader) -> T?) -> T? {
    let (reader, log, path) = (reader, log, path + key)
    return step(key, path: path, replaced: { read($0, reader) }) { fields in
      guard let node = fields.requiredNode(key) else { return nil }
      switch node.content {
      case .mapping, .undetermined: break
      default:
        reader.report(
          .wrongType,
          "'\(key)' needs its source: expected a mapping of value, kind and source, found \(node.typeName)",
          at: node.range, help: "write {value: …, kind: measured|published|derived|assumed, source: \"…\"}")
        return nil
      }
      guard var parts = Fields(node, reader, what: "a constant") else { return nil }
      let value = parts.requiredNode("value")
      let certainty = parts.requiredNode("kind").flatMap {
        reader.choice($0, Certainty.allCases.map { ($0.rawValue, $0) }, what: "a kind of constant")
      }
      let source = parts.required("source", as: String.self)
      parts.finish()
      guard let value, let result = read(value, reader) else { return nil }
      if let certainty, let source {
        log.constants.append(Constant(path: path, value: Self.text(value), certainty: certainty, source: source))
      }
      return result
    }
  }

  /// A value as the description writes it.
  static func text(_ node: Node) -> String {
    switch node.content {
    case .null, .undetermined: "none"
    case .bool(let value): value ? "yes" : "no"
    case .number(let text), .string(let text): text
    case .sequence(let elements): elements.map(text).joined(separator: ", ")
    case .mapping(let entries): entries.map { "\($0.key) \(text($0.value))" }.joined(separator: ", ")
    }
  }
}
