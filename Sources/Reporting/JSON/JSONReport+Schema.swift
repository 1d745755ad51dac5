public import Documents

extension JSONReport {
  /// What ``text(_:)`` writes of a run, as JSON Schema, seen at a run that has something of everything.
  /// - Parameter sample: a run with notes, skipped parts and assumed constants.
  public static func schema(ofRunsLike sample: RunReport) -> [(String, Node)] {
    let value = JSONValue.object(
      header("run") + run(sample) + [("operators", operators(sample.comparison))])
    var members = value.schema
    // What says that this is the report of a run, and by which rules, never varies.
    if let index = members.firstIndex(where: { $0.0 == "properties" }),
      case .mapping(var entries) = members[index].1.content
    {
      for (place, entry) in entries.enumerated() {
        switch entry.key {
        case "report": entries[place].value = JSONValue.object([("const", .string("run"))]).node
        case "schema_version":
          entries[place].value = JSONValue.object([("const", .integer(Version.reportSchema))]).node
        default: break
        }
      }
      members[index].1.content = .mapping(entries)
    }
    return members
  }

  /// A document as JSON over several lines.
  public static func text(_ document: Node) -> String { JSONValue(document).text }
}

extension JSONValue {
  /// The value's form as the members of a JSON Schema.
  fileprivate var schema: [(String, Node)] {
    func type(_ names: String...) -> [(String, Node)] {
      [("type", (names.count == 1 ? JSONValue.string(names[0]) : .array(names.map(JSONValue.string))).node)]
    }
    func object(_ members: [(String, JSONValue)], required: [String]) -> [(String, Node)] {
      type("object") + [
        ("properties", .object(members.map { ($0, Node.object($1.schema)) })),
        ("required", JSONValue.array(required.map(JSONValue.string)).node),
        ("additionalProperties", JSONValue.bool(false).node),
      ]
    }
    return switch self {
    case .null: type("null")
    case .bool: type("boolean")
    case .integer: type("integer")
    case .optionalInteger: type("integer", "null")
    // What is not finite is written as null.
    case .number, .optionalNumber: type("number", "null")
    case .string: type("string")
    case .optionalString: type("string", "null")
    case .strings: type("array") + [("items", Node.object(type("string")))]
    case .array(let elements): type("array") + (elements.first.map { [("items", Node.object($0.schema))] } ?? [])
    case .object(let members), .optionalObject(let members?):
      object(
        members,
        required: members.compactMap {
          if case .optionalObject = $0.1 { nil } else { $0.0 }
        })
    case .optionalObject(nil): type("object")
    case .sparse(let members):
      object(
        members.map { ($0.key, $0.value) }, required: [members.first, members.last].compactMap { $0?.key })
    }
  }

  /// The value as a node of no document.
  fileprivate var node: Node {
    switch self {
    case .bool(let value): Node(.bool(value), range: 0..<0)
    case .integer(let value): .integer(value)
    case .string(let text): .text(text)
    case .array(let values): .list(values.map(\.node))
    case .object(let members): .object(members.map { ($0, $1.node) })
    default: Node(.null, range: 0..<0)
    }
  }

  /// What a node holds.
  fileprivate init(_ node: Node) {
    switch node.content {
    case .null, .undetermined: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let text):
      self = Int(text).map(JSONValue.integer) ?? Double(text).map(JSONValue.number) ?? .string(text)
    case .string(let text): self = .string(text)
    case .sequence(let elements): self = .array(elements.map(JSONValue.init))
    case .mapping(let entries): self = .object(entries.map { ($0.key, JSONValue($0.value)) })
    }
  }
}
