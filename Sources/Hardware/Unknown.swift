import Diagnostics
import Documents

/// The same machine with another answer to something that nobody has published.
public struct MachineVariant: Sendable {
  /// What is not known, for example `L2 size`.
  public var unknown: String
  /// The constants that differ, with their values here.
  public var values: [(path: String, value: String)]
  /// The machine with them.
  public var machine: Machine
}

extension MachineReader {
  /// The machines that `unknowns` describes: a list of what is not known, each with alternatives, which are mappings
  /// from the paths of constants to values. Every alternative is read and checked like the description itself.
  static func variants(_ unknowns: Node, of root: Node, constants: [Constant], _ reader: DocumentReader)
    -> [MachineVariant]
  {
    guard let elements = unknowns.elements else {
      let _: Int? = reader.mismatch(unknowns, expected: "a list of what is not known")
      return []
    }
    var variants: [MachineVariant] = []
    for element in elements {
      guard var fields = Fields(element, reader, what: "a mapping of name, source and alternatives") else { continue }
      let name = fields.required("name", as: String.self)
      let source = fields.required("source", as: String.self)
      let alternatives = fields.requiredNode("alternatives")
      fields.finish()
      guard let alternatives, reader.isRecording || (name != nil && source != nil) else { continue }
      for alternative in reader.oneOrMore(alternatives) {
        guard let entries = reader.entries(alternative) else {
          let _: Int? = reader.mismatch(alternative, expected: "a mapping from constants to values")
          continue
        }
        guard !reader.isRecording else { continue }
        var changed = root.without("unknowns")
        var values: [(path: String, value: String)] = []
        for entry in entries {
          let path = entry.key.split(separator: ".").map(String.init)
          guard let replaced = changed.replacingConstant(at: path[...], with: entry.value) else {
            reader.report(
              .unknownKey, "there is no constant '\(entry.key)'", at: entry.keyRange,
              help: nearest(to: entry.key, among: constants.map(\.path)).map { "did you mean '\($0)'?" })
            continue
          }
          changed = replaced
          values.append((entry.key, ConstantFields.text(entry.value)))
        }
        if let machine = read(changed, reader) {
          variants.append(MachineVariant(unknown: name ?? "", values: values, machine: machine))
        }
      }
    }
    return variants
  }
}

extension Node {
  /// The mapping without a key.
  func without(_ key: String) -> Node {
    guard case .mapping(let entries) = content else { return self }
    return Node(.mapping(entries.filter { $0.key != key }), range: range)
  }

  /// The document with another value for the constant at a path; nil where there is none.
  func replacingConstant(at path: ArraySlice<String>, with value: Node) -> Node? {
    guard case .mapping(var entries) = content,
      let index = entries.firstIndex(where: { $0.key == path.first ?? "value" }),
      let replaced = path.isEmpty ? value : entries[index].value.replacingConstant(at: path.dropFirst(), with: value)
    else { return nil }
    entries[index].value = replaced
    return Node(.mapping(entries), range: range)
  }
}
