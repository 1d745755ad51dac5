import Diagnostics
import Documents
import Workloads

/// What the `sparsity_config` of compressed-tensors says about zeros in a model's weights: a `sparsity_structure` of N:M,
/// or `unstructured` with a `global_sparsity`, in the modules that `targets` names and `ignore` does not.
///
/// Both lists name classes (`Linear`: every product with weights), modules (`model.layers.3.mlp.down_proj`), or, after
/// `re:`, expressions that modules begin with. Of expressions, characters, `.`, `\d`, `[0-9]`, `*`, `+`, `?`, `^` and a last
/// `$` are read; others are said to match nothing. Modules are called as in models of Llama's family.
struct WeightSparsity {
  private(set) var pattern: SparsityPattern = .dense
  private var targets: [Rule] = []
  private var ignored: [Rule] = []

  private struct Rule {
    var text: String
    var expression: ModuleExpression?
    var range: Range<Int>
    var hasMatched = false

    mutating func matches(_ module: String) -> Bool {
      let isMatch = text == "Linear" || text == module || (expression?.matches(module) ?? false)
      hasMatched = hasMatched || isMatch
      return isMatch
    }
  }

  /// Reads a configuration; everything dense where it says nothing.
  init(_ root: Node, _ reader: DocumentReader) {
    guard let config = root["quantization_config"]?["sparsity_config"] ?? root["sparsity_config"],
      let structure = config["sparsity_structure"], structure.text != nil
    else { return }
    if structure.text == "unstructured" {
      if let zeros = config["global_sparsity"] {
        pattern = reader.number(zeros, "global_sparsity", in: 0...0.9999).map { .unstructured(zeros: $0) } ?? .dense
      }
    } else if structure.text != "0:0" {
      pattern = SparsityPattern.read(structure, reader) ?? .dense
    }
    func rules(_ key: String) -> [Rule] {
      (config[key]?.elements ?? []).prefix(1 << 14).compactMap { node in
        node.text.map {
          Rule(
            text: $0, expression: $0.hasPrefix("re:") ? ModuleExpression($0.dropFirst(3)) : nil, range: node.range)
        }
      }
    }
    (targets, ignored) = (rules("targets"), rules("ignore"))
  }

  /// How many of `count` layers have the pattern in the product that the network builder calls `name`.
  mutating func layers(of name: String, _ count: Int) -> Int {
    guard pattern != .dense else { return 0 }
    let isPlain = (targets + ignored).allSatisfy { $0.text == "Linear" }
    guard name.hasPrefix("layer."), !isPlain else { return isPruned(Self.module(name, layer: 0)) ? count : 0 }
    // No network has more layers than this; what claims to is refused by its counts.
    guard count <= 1 << 12 else { return isPruned(Self.module(name, layer: 0)) ? count : 0 }
    return (0..<count).count { isPruned(Self.module(name, layer: $0)) }
  }

  private mutating func isPruned(_ module: String) -> Bool {
    var isTarget = targets.isEmpty
    for index in targets.indices where targets[index].matches(module) { isTarget = true }
    var isIgnored = false
    for index in ignored.indices where ignored[index].matches(module) { isIgnored = true }
    return isTarget && !isIgnored
  }

  /// Warns of rules that no product of the network fits.
  func reportUnmatched(_ reader: DocumentReader) {
    guard pattern != .dense else { return }
    for rule in targets + ignored where !rule.hasMatched {
      reader.report(
        .matchesNothing, "'\(rule.text)' names no product of this model", at: rule.range, severity: .warning,
        notes: ["products are called like \(Self.module("layer.q_proj", layer: 0))"])
    }
  }

  /// `model.layers.3.self_attn.q_proj` for `layer.q_proj`.
  private static func module(_ name: String, layer: Int) -> String {
    guard name.hasPrefix("layer.") else { return name }
    var parts = name.split(separator: ".").dropFirst().map(String.init)
    if parts.first == "experts" { parts.insert("0", at: 1) }
    let isFeedForward = ["gate_proj", "up_proj", "down_proj", "fc1", "fc2"].contains(parts.last ?? "")
    if parts.count > 1, parts[0] == "kv_b_proj" { parts.removeLast() }
    return "model.layers.\(layer).\(isFeedForward ? "mlp" : "self_attn").\(parts.joined(separator: "."))"
  }
}

/// An expression that a module's name begins with, of the few forms that configurations use.
struct ModuleExpression {
  private enum Characters {
    case any, digit
    case one(Character)

    func contain(_ character: Character) -> Bool {
      switch self {
      case .any: true
      case .digit: character.isASCII && character.isNumber
      case .one(let own): own == character
      }
    }
  }

  private struct Step {
    var characters: Characters
    var isOptional = false
    var repeats = false
  }

  private var steps: [Step] = []
  private var isWhole = false

  /// Reads an expression; nil for forms that are not known here.
  init?(_ text: Substring) {
    var rest = text
    if rest.first == "^" { rest.removeFirst() }
    while let character = rest.popFirst() {
      switch character {
      case "$" where rest.isEmpty: isWhole = true
      case ".": steps.append(Step(characters: .any))
      case "[" where rest.hasPrefix("0-9]"):
        rest = rest.dropFirst(4)
        steps.append(Step(characters: .digit))
      case "\\":
        guard let escaped = rest.popFirst(), escaped == "d" || !(escaped.isLetter || escaped.isNumber) else {
          return nil
        }
        steps.append(Step(characters: escaped == "d" ? .digit : .one(escaped)))
      case "*", "+", "?":
        guard let last = steps.indices.last, !steps[last].isOptional, !steps[last].repeats else { return nil }
        steps[last].isOptional = character != "+"
        steps[last].repeats = character != "?"
      case "(", ")", "[", "]", "{", "}", "|", "^", "$": return nil
      default: steps.append(Step(characters: .one(character)))
      }
    }
  }

  /// Whether the name, or its beginning, fits: all ways through the expression are followed at once.
  func matches(_ name: String) -> Bool {
    func closed(_ places: Set<Int>) -> Set<Int> {
      var all = places
      for place in steps.indices where all.contains(place) && steps[place].isOptional { all.insert(place + 1) }
      return all
    }
    var places = closed([0])
    for character in name {
      if !isWhole, places.contains(steps.count) { return true }
      var next: Set<Int> = []
      for place in places where place < steps.count && steps[place].characters.contain(character) {
        next.insert(place + 1)
        if steps[place].repeats { next.insert(place) }
      }
      places = closed(next)
    }
    return places.contains(steps.count)
  }
}
