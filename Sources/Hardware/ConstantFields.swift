import Diagnostics
import Documents
import Quantities

/// Reads constants, each a mapping of `value`, `kind` and `source`, and remembers where they come from.
struct ConstantFields {
  private var fields: Fields
  private let path: String
  private let log: Log

  /// The constants read so far; a class because all sections of a description write to it.
  final class Log {
    var constants: [Constant] = []
  }

  init?(_ node: Node, _ reader: DocumentReader, path: String, log: Log) {
    guard let fields = Fields(node, reader, what: "a mapping of constants") else { return nil }
    self.fields = fields
    self.path = path
    self.log = log
  }

  /// A nested section that must be there.
  mutating func section(_ key: String) -> ConstantFields? {
    fields.requiredNode(key).flatMap { ConstantFields($0, fields.reader, path: path + key + ".", log: log) }
  }

  /// A nested section that may be absent.
  mutating func optionalSection(_ key: String) -> ConstantFields? {
    fields.node(key).flatMap { ConstantFields($0, fields.reader, path: path + key + ".", log: log) }
  }

  /// A list of sections that must be there, named by their place from zero.
  mutating func sections(_ key: String) -> [ConstantFields]? {
    guard let node = fields.requiredNode(key) else { return nil }
    guard let elements = node.elements, !elements.isEmpty else {
      return fields.reader.mismatch(node, expected: "a list of mappings")
    }
    let sections = elements.enumerated().compactMap { index, element in
      ConstantFields(element, fields.reader, path: "\(path)\(key).\(index).", log: log)
    }
    return sections.count == elements.count ? sections : nil
  }

  /// All remaining entries as sections, by key: a table.
  /// - Parameter words: what the keys are chosen from; empty for any.
  mutating func sections(
    keys words: [String] = []
  ) -> [(key: String, keyRange: Range<Int>, section: ConstantFields)] {
    fields.rest(keys: words).compactMap { entry in
      ConstantFields(entry.value, fields.reader, path: path + entry.key + ".", log: log)
        .map { (entry.key, entry.keyRange, $0) }
    }
  }

  /// A quantity greater than zero.
  mutating func quantity<T: Measured & DocumentReadable & Comparable & AdditiveArithmetic>(
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
  mutating func optionalQuantity<T: Measured & DocumentReadable & Comparable & AdditiveArithmetic>(
    _ key: String, as type: T.Type = T.self
  ) -> T? {
    fields.node(key) == nil ? nil : quantity(key)
  }

  /// A whole number from 1 to 2³⁰.
  mutating func count(_ key: String) -> Int? {
    constant(key) { node, reader in reader.integer(node, key, in: 1...1 << 30) }
  }

  /// A whole number from 1 to 2³⁰ that may be absent.
  mutating func optionalCount(_ key: String) -> Int? {
    fields.node(key) == nil ? nil : count(key)
  }

  /// A number in a range.
  mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    constant(key) { node, reader in reader.number(node, key, in: range) }
  }

  /// A number in a range that may be absent.
  mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>) -> Double? {
    fields.node(key) == nil ? nil : number(key, in: range)
  }

  /// A plain value without a source of its own: a switch, a name, a list.
  mutating func plain<T: DocumentReadable>(_ key: String, as type: T.Type = T.self) -> T? {
    fields.required(key)
  }

  /// A plain value that may be absent.
  mutating func optionalPlain<T: DocumentReadable>(_ key: String, as type: T.Type = T.self) -> T? {
    fields.optional(key)
  }

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
  mutating func choice<T: RawRepresentable & CaseIterable>(_ key: String, what: String) -> T?
  where T.RawValue == String {
    constant(key) { node, reader in
      reader.choice(node, T.allCases.map { ($0.rawValue, $0) }, what: what)
    }
  }

  /// A list of words of a closed set.
  mutating func choices<T: RawRepresentable & CaseIterable>(_ key: String, what: String) -> [T]?
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
  mutating func optionalChoices<T: RawRepresentable & CaseIterable>(_ key: String, what: String) -> [T]?
  where T.RawValue == String {
    fields.node(key) == nil ? nil : choices(key, what: what)
  }

  /// Reports values that contradict each other.
  func contradiction(_ message: String, help: String? = nil) {
    fields.reader.report(.inconsistentHardware, message, at: fields.node.range, help: help)
  }

  func report(_ code: DiagnosticCode, _ message: String, at range: Range<Int>, help: String? = nil) {
    fields.reader.report(code, message, at: range, help: help)
  }

  var reader: DocumentReader { fields.reader }

  mutating func node(_ key: String) -> Node? { fields.node(key) }
  mutating func requiredNode(_ key: String) -> Node? { fields.requiredNode(key) }

  func finish() { fields.finish() }

  private mutating func constant<T>(_ key: String, _ read: (Node, DocumentReader) -> T?) -> T? {
    guard let node = fields.requiredNode(key) else { return nil }
    let reader = fields.reader
    switch node.content {
    case .mapping, .undetermined: break
    default:
      reader.report(
        .wrongType, "'\(key)' needs its source: expected a mapping of value, kind and source, found \(node.typeName)",
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
      log.constants.append(
        Constant(path: path + key, value: Self.text(value), certainty: certainty, source: source))
    }
    return result
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
