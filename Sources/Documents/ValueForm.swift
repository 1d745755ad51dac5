/// What a reader takes for a value, as it tells a ``SchemaRecorder``.
public enum ValueForm: Hashable, Sendable {
  /// A whole number.
  case integer(ClosedRange<Int>)
  /// A number.
  case number(ClosedRange<Double>)
  /// True or false.
  case boolean
  /// Any text.
  case text
  /// A number with one of these units.
  case quantity(dimension: String, units: [String])
  /// One of these words.
  case word([String])
  /// A list of a form, of any length or one of these.
  indirect case list(ValueForm, counts: [Int] = [])
  /// A mapping of anything.
  case mapping
  /// A number, a text or a switch, in words.
  case scalar(String)
  /// Anything, in words.
  case described(String)
}

extension ValueForm {
  /// The form as JSON Schema.
  func schema(isYAML: Bool) -> [(String, Node)] {
    switch self {
    case .integer(let range):
      [("type", .text("integer"))] + (range.lowerBound == .min ? [] : [("minimum", .integer(range.lowerBound))])
        + (range.upperBound == .max ? [] : [("maximum", .integer(range.upperBound))])
    case .number(let range):
      [("type", .text("number"))]
        + (range.lowerBound.magnitude < 1e300 ? [("minimum", .number(range.lowerBound))] : [])
        + (range.upperBound.magnitude < 1e300 ? [("maximum", .number(range.upperBound))] : [])
    // YAML of version 1.1 has more words for them than that of 1.2, which editors read.
    case .boolean:
      isYAML
        ? [
          (
            "enum",
            .list([Node(.bool(true), range: 0..<0), Node(.bool(false), range: 0..<0), .text("yes"), .text("no")])
          )
        ]
        : [("type", .text("boolean"))]
    case .text: [("type", .text("string"))]
    case .quantity(_, let units):
      [
        ("type", .text("string")),
        ("pattern", .text("^ *[-+]?[0-9.,]+([eE][-+]?[0-9]+)? *(\(units.map(\.escaped).joined(separator: "|"))) *$")),
      ]
    case .word(let words): [("enum", .list(words.map(Node.text)))]
    case .list(let form, let counts):
      [("type", .text("array")), ("items", .object(form.schema(isYAML: isYAML)))]
        + (counts.min().map { [("minItems", .integer($0))] } ?? [])
        + (counts.max().map { [("maxItems", .integer($0))] } ?? [])
    case .mapping: [("type", .text("object"))]
    case .scalar: [("type", .list(["string", "number", "boolean"].map(Node.text)))]
    case .described: []
    }
  }

  /// The form in words, for a page of documentation.
  public var summary: String {
    switch self {
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (.min, .max): "whole number"
      case (let low, .max): "whole number from \(low)"
      case (let low, let high): "whole number from \(low) to \(high)"
      }
    case .number(let range):
      range.upperBound < 1e300 ? "number from \(range.lowerBound.plain) to \(range.upperBound.plain)" : "number"
    case .boolean: "yes or no"
    case .text: "text"
    case .quantity(let dimension, let units): "\(dimension) in \(units.joined(separator: ", "))"
    case .word(let words): words.map { "`\($0)`" }.joined(separator: ", ")
    case .list(let form, let counts):
      "list of \(counts.isEmpty ? "" : counts.map(String.init).joined(separator: " or ") + " × ")\(form.summary)"
    case .mapping: "mapping"
    case .scalar(let text), .described(let text): text
    }
  }
}

extension Double {
  /// The number without a fraction that is none.
  fileprivate var plain: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}

extension String {
  /// The text as a part of a regular expression that stands for itself.
  fileprivate var escaped: String { map { ".*+?^$()[]{}|\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() }
}

extension Node {
  /// A text of no document.
  package static func text(_ text: String) -> Node { Node(.string(text), range: 0..<0) }
  /// A number of no document.
  package static func integer(_ value: Int) -> Node { Node(.number("\(value)"), range: 0..<0) }
  /// A number of no document.
  package static func number(_ value: Double) -> Node { Node(.number("\(value)"), range: 0..<0) }
  /// A list of no document.
  package static func list(_ elements: [Node]) -> Node { Node(.sequence(elements), range: 0..<0) }
  /// A mapping of no document.
  package static func object(_ members: [(String, Node)]) -> Node {
    Node(.mapping(members.map { Entry(key: $0.0, keyRange: 0..<0, value: $0.1) }), range: 0..<0)
  }
}
