/// A part of a JSON or YAML document, and where it stands in the source.
public struct Node: Sendable {
  /// What is there.
  public enum Content: Sendable {
    /// Nothing.
    case null
    /// True or false.
    case bool(Bool)
    /// A number, as written: it is converted where the reader knows what it should be.
    case number(String)
    /// A text.
    case string(String)
    /// A list.
    case sequence([Node])
    /// Keys and values in the order of the source.
    case mapping([Entry])
    /// Whatever a reader asks for: a place in no document, over which a ``SchemaRecorder`` runs it.
    case undetermined(path: [String])
  }

  /// A key and its value.
  public struct Entry: Sendable {
    /// The key.
    public var key: String
    /// Where the key stands, in bytes.
    public var keyRange: Range<Int>
    /// The value.
    public var value: Node

    /// A key and its value.
    public init(key: String, keyRange: Range<Int>, value: Node) {
      self.key = key
      self.keyRange = keyRange
      self.value = value
    }
  }

  /// What is there.
  public var content: Content
  /// Where it stands, in bytes from the start of the source.
  public var range: Range<Int>

  /// A node.
  public init(_ content: Content, range: Range<Int>) {
    self.content = content
    self.range = range
  }

  /// The value of the first entry with that key, if this is a mapping.
  public subscript(key: String) -> Node? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// The elements, if this is a sequence.
  public var elements: [Node]? {
    switch content {
    case .sequence(let elements): elements
    case .undetermined(let path): [Node(.undetermined(path: path + ["[]"]), range: range)]
    default: nil
    }
  }

  /// The text, if this is a string.
  public var text: String? {
    guard case .string(let text) = content else { return nil }
    return text
  }

  /// The number, if this is one that an `Int` holds exactly.
  public var integer: Int? {
    guard case .number(let text) = content else { return nil }
    return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
  }

  /// The number, if this is one.
  public var double: Double? {
    guard case .number(let text) = content else { return nil }
    return Double(text)
  }

  /// The truth value, if this is one.
  public var bool: Bool? {
    guard case .bool(let value) = content else { return nil }
    return value
  }

  /// How a message names what is there.
  public var typeName: String {
    switch content {
    case .null: "nothing"
    case .bool(let value): "\(value)"
    case .number(let text): "the number \(text)"
    case .string(let text): "\"\(text.count > 40 ? text.prefix(40) + "…" : text[...])\""
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .undetermined(let path): path.joined(separator: ".")
    }
  }
}

extension Node {
  /// Appends the value as JSON on one line. A number keeps its spelling where JSON has it, and is a text otherwise.
  public func writeJSON(to text: inout String) {
    switch content {
    case .null, .undetermined: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let number):
      if number.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil {
        text += number
      } else {
        text.append(jsonQuoting: number)
      }
    case .string(let string): text.append(jsonQuoting: string)
    case .sequence(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ", " }
        element.writeJSON(to: &text)
      }
      text += "]"
    case .mapping(let entries):
      text += "{"
      for (index, entry) in entries.enumerated() {
        if index > 0 { text += ", " }
        text.append(jsonQuoting: entry.key)
        text += ": "
        entry.value.writeJSON(to: &text)
      }
      text += "}"
    }
  }
}
