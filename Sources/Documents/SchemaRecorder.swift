import Diagnostics

/// Writes down what readers ask for, by running them over a document that nobody wrote: every key is there, and no value
/// is known (``Node/Content/undetermined(path:)``). A key that a reader learns to read is in the schema by that alone.
///
/// Readers must ask for all their keys before they give up over one of them, as they do to tell all mistakes at once.
/// Where a word decides what is read next, the reader is run once for each word.
public final class SchemaRecorder {
  /// What was asked of one place of the document.
  public final class Shape {
    /// The forms of a value that is taken here, in the order in which they were asked for.
    public fileprivate(set) var forms: [ValueForm] = []
    /// The keys of a mapping, in the order in which they were asked for.
    public fileprivate(set) var keys: [String] = []
    /// What stands at a key; `[]` is any element of a list, `*` any key that has no name here.
    public fileprivate(set) var children: [String: Shape] = [:]
    /// Whether other keys are mistakes.
    public fileprivate(set) var isClosed = false
    /// The words that keys without names are chosen from; empty for any.
    public fileprivate(set) var keyWords: [String] = []
    fileprivate var isMapping = false
    fileprivate var visits = 0
    fileprivate var requests: [String: Int] = [:]

    /// Whether a key must be there whatever else is.
    public func isRequired(_ key: String) -> Bool { requests[key] == visits }
  }

  /// What was asked of the whole document.
  public let root = Shape()
  private var given: [String: String] = [:]

  /// A recorder of nothing yet.
  public init() {}

  /// Runs a reader.
  /// - Parameter given: the words that decide what is read next, by path.
  public func run(given: [String: String] = [:], _ read: (Node, DocumentReader) -> Void) {
    self.given = given
    let reader = DocumentReader(SourceText(name: "schema", text: ""), sink: DiagnosticSink(), recorder: self)
    read(Node(.undetermined(path: []), range: 0..<0), reader)
  }

  private func shape(_ path: [String]) -> Shape {
    path.reduce(root) { shape, key in
      if let child = shape.children[key] { return child }
      let child = Shape()
      shape.children[key] = child
      return child
    }
  }

  func record(_ form: ValueForm, at path: [String]) {
    let shape = shape(path)
    // Ranges and words of several runs are one.
    if case .integer(let more) = form, case .integer(let range)? = shape.forms.first {
      shape.forms[0] = .integer(min(range.lowerBound, more.lowerBound)...max(range.upperBound, more.upperBound))
      return
    }
    if case .word(let more) = form,
      let index = shape.forms.firstIndex(where: { if case .word = $0 { true } else { false } }),
      case .word(let words) = shape.forms[index]
    {
      shape.forms[index] = .word(words + more.filter { !words.contains($0) })
    } else if !shape.forms.contains(form) {
      shape.forms.append(form)
    }
  }

  func recordMapping(at path: [String]) {
    let shape = shape(path)
    shape.isMapping = true
    shape.visits += 1
  }

  func recordKey(_ key: String, isRequired: Bool, at path: [String]) -> Node {
    let shape = shape(path)
    if !shape.keys.contains(key) { shape.keys.append(key) }
    if isRequired { shape.requests[key, default: 0] += 1 }
    let place = path + [key]
    _ = self.shape(place)
    if let word = given[place.joined(separator: ".")] {
      record(.word([word]), at: place)
      return .text(word)
    }
    return Node(.undetermined(path: place), range: 0..<0)
  }

  func recordRest(words: [String], at path: [String]) -> Node {
    let shape = shape(path)
    shape.isMapping = true
    shape.keyWords = words
    _ = self.shape(path + ["*"])
    return Node(.undetermined(path: path + ["*"]), range: 0..<0)
  }

  func recordEnd(at path: [String]) { shape(path).isClosed = true }
}

extension SchemaRecorder.Shape {
  /// The place as JSON Schema.
  /// - Parameters:
  ///   - descriptions: what stands at a path, in words, as ``description(of:in:)`` finds it.
  ///   - isYAML: whether documents are YAML, which has more words for true and false.
  public func schema(_ descriptions: [String: String] = [:], isYAML: Bool, path: [String] = []) -> Node {
    func child(_ key: String) -> Node? {
      children[key].map { $0.schema(descriptions, isYAML: isYAML, path: path + [key]) }
    }
    var ways = forms.map { $0.schema(isYAML: isYAML) }
    if isMapping {
      var object: [(String, Node)] = [("type", .text("object"))]
      let properties = keys.compactMap { key in child(key).map { (key, $0) } }
      if !properties.isEmpty { object.append(("properties", .object(properties))) }
      let required = keys.filter(isRequired)
      if !required.isEmpty { object.append(("required", .list(required.map(Node.text)))) }
      if let rest = child("*") {
        if !keyWords.isEmpty { object.append(("propertyNames", .object([("enum", .list(keyWords.map(Node.text)))]))) }
        object.append(("additionalProperties", rest))
      } else if isClosed {
        object.append(("additionalProperties", Node(.bool(false), range: 0..<0)))
      }
      ways.append(object)
    }
    if let element = child("[]") { ways.append([("type", .text("array")), ("items", element)]) }
    ways.removeAll(where: \.isEmpty)
    let text = Self.description(of: path, in: descriptions).map { [("description", Node.text($0.text))] } ?? []
    return switch ways.count {
    case 0: .object(text)
    case 1: .object(text + ways[0])
    default: .object(text + [("anyOf", .list(ways.map(Node.object)))])
    }
  }

  /// What a table of descriptions says of a path: the entry with the longest end of it.
  public static func description(of path: [String], in descriptions: [String: String]) -> (key: String, text: String)? {
    path.indices.lazy.map { path[$0...].joined(separator: ".") }.compactMap { key in descriptions[key].map { (key, $0) }
    }
    .first
  }

  /// The forms of this place in words, lists and mappings among them.
  public var summary: String {
    var ways = forms.map(\.summary)
    if let element = children["[]"] { ways.append("list of \(element.summary)") }
    if isMapping {
      ways.append(keys.isEmpty ? "mapping" : "mapping of \(keys.map { "`\($0)`" }.joined(separator: ", "))")
    }
    return ways.isEmpty ? "anything" : ways.joined(separator: ", or ")
  }
}

/// A document whose keys depend on one word in it.
public struct VariantSchema {
  /// The key of the word.
  public let key: String
  /// The words, with what is read beside each.
  public let variants: [(word: String, shape: SchemaRecorder.Shape)]

  /// Runs a reader once for each word.
  /// - Parameter others: more words that decide, within all variants: each set of them is a run of its own.
  public init(
    key: String, words: [String], others: [[String: String]] = [[:]], _ read: (Node, DocumentReader) -> Void
  ) {
    self.key = key
    variants = words.map { word in
      let recorder = SchemaRecorder()
      for other in others { recorder.run(given: other.merging([key: word]) { $1 }, read) }
      return (word, recorder.root)
    }
  }

  /// What documents must be, as members of a schema: the word decides which of `$defs` holds.
  public var rule: [(String, Node)] {
    [
      ("type", .text("object")),
      ("properties", .object([(key, .object([("enum", .list(variants.map { .text($0.word) }))]))])),
      ("required", .list([.text(key)])),
      (
        "allOf",
        .list(
          variants.map { variant in
            .object([
              ("if", .object([("properties", .object([(key, .object([("const", .text(variant.word))]))]))])),
              ("then", .object([("$ref", .text("#/$defs/\(variant.word)"))])),
            ])
          })
      ),
    ]
  }

  /// The definitions that ``rule`` refers to.
  public func definitions(_ descriptions: [String: String] = [:], isYAML: Bool) -> [(String, Node)] {
    variants.map { ($0.word, $0.shape.schema(descriptions, isYAML: isYAML)) }
  }
}

/// The schema of a whole file.
public func schemaDocument(_ title: String, _ members: [(String, Node)]) -> Node {
  .object(
    [("$schema", .text("https://json-schema.org/draft/2020-12/schema")), ("title", .text(title))] + members)
}
