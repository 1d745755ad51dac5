public import Diagnostics
import Yams

/// Reads YAML into ``Node``s that know where they stand. The parsing itself is Yams'.
public enum YAMLParser {
  /// What a document may unfold to.
  private static let mostNodes = 1 << 20

  /// Parses a source that holds one YAML document.
  /// - Throws: a located `yaml-syntax`, `duplicate-key` or `too-large` diagnostic.
  public static func parse(_ source: SourceText) throws(DiagnosticList) -> Node {
    var lineStarts = [0]
    for (index, byte) in source.bytes.enumerated() where byte == UInt8(ascii: "\n") {
      lineStarts.append(index + 1)
    }
    func offset(_ mark: Mark?) -> Int {
      guard let mark, mark.line >= 1 else { return 0 }
      let start = mark.line <= lineStarts.count ? lineStarts[mark.line - 1] : source.bytes.count
      return min(source.bytes.count, start + max(0, mark.column - 1))
    }
    func problem(_ code: DiagnosticCode, _ message: String, _ mark: Mark?) -> DiagnosticList {
      let start = offset(mark)
      return DiagnosticList(Diagnostic(code, message, at: source.location(of: start..<start + 1)))
    }
    // Aliases of aliases stand for more nodes than any memory holds.
    var count = 0
    func convert(_ node: Yams.Node) -> Node {
      let start = offset(node.mark)
      count += 1
      guard count <= mostNodes else { return Node(.null, range: start..<start + 1) }
      switch node {
      case .scalar(let scalar):
        let isPlain = scalar.style == .plain || scalar.style == .any
        let content: Node.Content =
          switch node.tag {
          case Tag(.null) where isPlain: .null
          case Tag(.bool) where isPlain:
            .bool(["true", "yes", "on"].contains(scalar.string.lowercased()))
          case Tag(.int) where isPlain: .number(scalar.string)
          case Tag(.float) where isPlain && Double(scalar.string) != nil: .number(scalar.string)
          default: .string(scalar.string)
          }
        let length = scalar.string.utf8.count + (isPlain ? 0 : 2)
        return Node(content, range: start..<start + max(1, length))
      case .sequence(let sequence):
        return Node(.sequence(sequence.map(convert)), range: start..<start + 1)
      case .mapping(let mapping):
        let entries = mapping.map { key, value in
          let keyStart = offset(key.mark)
          let text = key.string ?? ""
          return Node.Entry(
            key: text, keyRange: keyStart..<keyStart + max(1, text.utf8.count), value: convert(value))
        }
        return Node(.mapping(entries), range: start..<start + 1)
      case .alias:
        // Yams resolves aliases while composing; a free-standing one has nothing to stand for.
        return Node(.null, range: start..<start + 1)
      }
    }

    try source.checkEncoding()
    do {
      guard let root = try Yams.compose(yaml: String(decoding: source.bytes, as: UTF8.self)) else {
        throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds no YAML document"))
      }
      let node = convert(root)
      guard count <= mostNodes else {
        throw problem(
          .tooLarge, "the document holds more than \(mostNodes) nodes, those that aliases repeat counted", nil)
      }
      return node
    } catch let list as DiagnosticList {
      throw list
    } catch YamlError.scanner(_, let message, let mark, _), YamlError.parser(_, let message, let mark, _),
      YamlError.composer(_, let message, let mark, _)
    {
      throw problem(.yamlSyntax, message, mark)
    } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
      let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
      throw problem(.duplicateKey, "the key \(names) appears twice in this mapping", context.mark)
    } catch {
      throw problem(.yamlSyntax, "\(error)", nil)
    }
  }
}
