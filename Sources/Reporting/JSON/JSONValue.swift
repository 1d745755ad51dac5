import Documents

/// JSON to be written, keys in the order given.
enum JSONValue {
  case null
  case bool(Bool)
  case integer(Int)
  /// Written with the fewest digits that read back as the same number; null where it is none.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(String, JSONValue)])
  /// An object that is left out where it is absent.
  case optionalObject([(String, JSONValue)]?)
  /// An object of which some members may be left out.
  case sparse([(key: String, value: JSONValue, isThere: Bool)])
  /// A number that may be absent: null then.
  case optionalNumber(Double?)
  /// A count that may be absent: null then.
  case optionalInteger(Int?)
  /// A text that may be absent: null then.
  case optionalString(String?)
  /// A list of texts, which may be empty.
  case strings([String])

  /// A number that may be absent.
  static func optional(_ value: Double?) -> JSONValue { .optionalNumber(value) }
  /// A count that may be absent.
  static func optional(_ value: Int?) -> JSONValue { .optionalInteger(value) }

  /// The value over several lines, with a newline at the end. Arrays and objects of plain values take one line.
  var text: String {
    var text = ""
    write(to: &text, indent: "")
    return text + "\n"
  }

  /// The value on one line, without a newline.
  var line: String {
    var text = ""
    writeLine(to: &text)
    return text
  }

  private func writeLine(to text: inout String) {
    func enclose(_ open: String, _ close: String, _ members: [(key: String?, value: JSONValue)]) {
      text += open
      for (index, member) in members.enumerated() {
        if index > 0 { text += ", " }
        if let key = member.key {
          text.append(jsonQuoting: key)
          text += ": "
        }
        member.value.writeLine(to: &text)
      }
      text += close
    }
    switch self {
    case .array(let values): enclose("[", "]", values.map { (nil, $0) })
    case .strings(let values): JSONValue.array(values.map(JSONValue.string)).writeLine(to: &text)
    case .object(let members), .optionalObject(let members?):
      enclose("{", "}", members.filter { !$0.1.isLeftOut }.map { ($0, $1) })
    case .sparse(let members): enclose("{", "}", members.filter(\.isThere).map { ($0.key, $0.value) })
    default: write(to: &text, indent: "")
    }
  }

  private var isPlain: Bool {
    switch self {
    case .null, .bool, .integer, .number, .string, .optionalNumber, .optionalInteger, .optionalString: true
    case .array, .strings, .object, .optionalObject, .sparse: false
    }
  }

  private var isLeftOut: Bool {
    if case .optionalObject(nil) = self { true } else { false }
  }

  private func write(to text: inout String, indent: String) {
    switch self {
    case .null, .optionalNumber(nil), .optionalInteger(nil), .optionalString(nil), .optionalObject(nil): text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value), .optionalInteger(let value?): text += String(value)
    case .number(let value), .optionalNumber(let value?): text += value.isFinite ? "\(value)" : "null"
    case .string(let value), .optionalString(let value?): text.append(jsonQuoting: value)
    case .array(let values):
      Self.enclose("[", "]", values.map { ("", $0) }, to: &text, indent: indent)
    case .strings(let values): JSONValue.array(values.map(JSONValue.string)).write(to: &text, indent: indent)
    case .object(let members), .optionalObject(let members?):
      Self.enclose("{", "}", members.filter { !$0.1.isLeftOut }, to: &text, indent: indent)
    case .sparse(let members):
      Self.enclose("{", "}", members.filter(\.isThere).map { ($0.key, $0.value) }, to: &text, indent: indent)
    }
  }

  private static func enclose(
    _ open: String, _ close: String, _ members: [(key: String, value: JSONValue)], to text: inout String,
    indent: String
  ) {
    text += open
    let isFlat = members.allSatisfy(\.value.isPlain)
    let inner = indent + "  "
    for (index, member) in members.enumerated() {
      if index > 0 { text += isFlat ? ", " : "," }
      if !isFlat { text += "\n" + inner }
      if open == "{" {
        text.append(jsonQuoting: member.key)
        text += ": "
      }
      member.value.write(to: &text, indent: inner)
    }
    if !isFlat { text += "\n" + indent }
    text += close
  }
}
