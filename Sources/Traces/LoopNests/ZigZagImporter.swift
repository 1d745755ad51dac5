import Diagnostics
import Documents
import Workloads

/// Reads the workload of ZigZag or Stream: a list of layers, each a nest of loops with its equation.
///
/// Products follow from the equation (``LoopNest``); poolings, additions and functions of each element from
/// `operator_type`. W is a parameter where no other layer makes it. Precisions are bits; one between two sizes that are
/// known is stored in the larger. `padding` shrinks the input by what it adds.
struct ZigZagImporter {
  private static let sizes = 1...(1 << 31)
  private static let operands = ["W", "I", "O"]
  /// Keys that say nothing of the work.
  private static let unused: Set<String> = ["memory_operand_links", "layer_type", "pr_loop_sizes", "constant_operands"]

  private let reader: DocumentReader
  private var operators: [Operator] = []
  private var skipped: [Workload.Skipped] = []
  /// The operators that a layer's result comes from, by its id.
  private var producers: [Int: [Int]] = [:]
  private var batches: Set<Int> = []

  /// Whether a line of the source is the `loop_dims` of a layer.
  static func looksLikeWorkload(_ source: SourceText) -> Bool {
    source.hasLine { line in
      line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "-") }.starts(with: "loop_dims".utf8)
    }
  }

  /// Reads all layers. What is wrong with them goes to the sink.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    let root = try YAMLParser.parse(source).merged()
    var workload = Workload(
      name: TraceReader.stem(source.name), source: "ZigZag workload \(source.name)", operators: [])
    var importer = ZigZagImporter(reader: DocumentReader(source, sink: sink))
    guard let layers = root.elements ?? root["layers"]?.elements else {
      let _: Int? = importer.reader.mismatch(root, expected: "a list of layers")
      return workload
    }
    for layer in layers {
      try TraceReader.stopIfHopeless(sink)
      importer.read(layer)
    }
    workload.operators = importer.operators
    workload.skipped = importer.skipped
    if importer.batches.count == 1 { workload.samples = importer.batches.first }
    return workload
  }

  private init(reader: DocumentReader) { self.reader = reader }

  private mutating func read(_ node: Node) {
    guard var fields = Fields(node, reader, what: "a layer") else { return }
    let id = fields.required("id", in: 0...(1 << 31))
    let name = fields.optional("name", as: String.self) ?? id.map { "layer_\($0)" } ?? "layer"
    let type = fields.optional("operator_type", as: String.self) ?? ""
    let equation = fields.requiredNode("equation")
    let relations = relations(fields.node("dimension_relations"))
    let sizes = sizes(&fields)
    let padding = padding(&fields)
    let types = types(fields.node("operand_precision"))
    let sources = fields.node("operand_source")
    for entry in fields.rest() where !Self.unused.contains(entry.key) {
      reader.report(.unknownKey, "'\(entry.key)' is not read", at: entry.keyRange, severity: .warning)
    }
    guard let id, let equation, let relations, let sizes, let padding, let types else { return }
    guard producers[id] == nil else {
      return reader.report(.duplicateKey, "two layers have the id \(id)", at: (node["id"] ?? node).range)
    }
    guard let made = dependencies(sources, id) else { return }
    guard let tensors = tensors(equation, relations) else { return }
    let operands = Set(made.values.joined()).sorted()
    producers[id] = operands
    var nest = LoopNest(
      sizes: sizes, weights: tensors["W"] ?? [], inputs: tensors["I"] ?? [], outputs: tensors["O"] ?? [],
      hasWeights: made["W"] == nil)
    for (loop, amount) in padding {
      if let index = relations[loop] { nest.padding[index] = amount }
    }
    do throws(LoopNest.Unreadable) {
      guard let kind = try kind(type, nest, readsWeights: tensors["W"] != nil) else {
        skip(type.isEmpty ? name : type)
        return
      }
      if let batch = sizes["b"] { batches.insert(batch) }
      let op = Operator(
        name: name, kind: kind, dataType: types.operands, outputType: types.output,
        weightType: kind.isMatrix ? types.weights : nil, dependencies: operands)
      let problems = op.shapeProblems()
      guard problems.isEmpty else { return reader.report(problems, at: node.range) }
      producers[id] = [operators.count]
      operators.append(op)
    } catch {
      reader.report(.unsupportedOperator, "'\(name)' is not read: \(error.reason)", at: equation.range)
    }
  }

  private mutating func skip(_ type: String) {
    let reason = "are of a type that is not read"
    if skipped.isEmpty { skipped.append(Workload.Skipped(reason: reason, count: 0, examples: [])) }
    skipped[0].count += 1
    if skipped[0].examples.count < 8, !skipped[0].examples.contains(type) { skipped[0].examples.append(type) }
  }

  private func kind(
    _ type: String, _ nest: LoopNest, readsWeights: Bool
  ) throws(LoopNest.Unreadable) -> OperatorKind? {
    let elements = saturating(Set(nest.outputs.joined().map(\.loop)).map { nest.sizes[$0] ?? 1 })
    switch type.lowercased() {
    case "conv", "gemm", "matmul", "fc", "dense", "": return try nest.kind()
    case "add", "sum", "sub": return .elementwise(Elementwise(.add, elements: elements, inputs: readsWeights ? 2 : 1))
    case "mul", "div": return .elementwise(Elementwise(.multiply, elements: elements, inputs: readsWeights ? 2 : 1))
    case "relu", "clip": return .elementwise(Elementwise(.relu, elements: elements))
    case "gelu": return .elementwise(Elementwise(.gelu, elements: elements))
    case "silu": return .elementwise(Elementwise(.silu, elements: elements))
    case "sigmoid": return .elementwise(Elementwise(.sigmoid, elements: elements))
    case "tanh": return .elementwise(Elementwise(.tanh, elements: elements))
    case let pool where pool.hasSuffix("pooling") || pool.hasSuffix("pool"):
      let roles = try nest.roles()
      guard roles.windows.count <= 2 else {
        throw LoopNest.Unreadable(reason: "it pools over \(roles.windows.count) axes, and only two are known here")
      }
      let width = roles.windows.last ?? LoopNest.Window()
      let height = roles.windows.count == 2 ? roles.windows[0] : LoopNest.Window()
      return .pooling(
        Pooling(
          batch: 1, channels: saturating(roles.groups, roles.columns), input: Extent(height.input, width.input),
          output: Extent(height.positions, width.positions), kernel: Extent(height.taps, width.taps)))
    default:
      // Whatever it is called, a product over a reduction is one.
      let reduced = Set(nest.sizes.filter { $0.value > 1 }.keys).subtracting(nest.outputs.joined().map(\.loop))
      return reduced.isEmpty ? nil : try nest.kind()
    }
  }

  // MARK: Keys

  /// The size of each loop, in lower case, as equations write them.
  private func sizes(_ fields: inout Fields) -> [String: Int]? {
    let (names, values) = (fields.requiredNode("loop_dims"), fields.requiredNode("loop_sizes"))
    guard let names, let values else { return nil }
    guard let loops = names.elements else { return reader.mismatch(names, expected: "a list of loops") }
    guard let counts = values.elements else { return reader.mismatch(values, expected: "a list of sizes") }
    guard loops.count == counts.count else {
      reader.report(
        .inconsistentShape, "\(counts.count) sizes for \(loops.count) loops", at: values.range,
        help: "give each of loop_dims its size")
      return nil
    }
    var sizes: [String: Int] = [:]
    var isWhole = true
    for (loop, count) in zip(loops, counts) {
      guard let name = String.read(loop, reader)?.lowercased(),
        let size = reader.integer(count, name, in: Self.sizes)
      else {
        isWhole = false
        continue
      }
      if sizes.updateValue(size, forKey: name) != nil {
        reader.report(.duplicateKey, "the loop '\(name)' appears twice", at: loop.range)
        isWhole = false
      }
    }
    return isWhole ? sizes : nil
  }

  /// `padding: [[3, 2], [3, 2]]`, a pair for each of `pr_loop_dims`.
  private func padding(_ fields: inout Fields) -> [String: (before: Int, after: Int)]? {
    let (node, loops) = (fields.node("padding"), fields.node("pr_loop_dims"))
    guard let node else { return [:] }
    let names = (loops?.elements ?? []).compactMap(\.text)
    guard let pairs = node.elements, pairs.count == names.count else {
      return reader.mismatch(node, expected: "a pair for each of pr_loop_dims")
    }
    var padding: [String: (before: Int, after: Int)] = [:]
    for (name, pair) in zip(names, pairs) {
      let amounts = (pair.elements ?? []).compactMap { reader.integer($0, "padding", in: 0...(1 << 20)) }
      guard amounts.count == 2 else { return reader.mismatch(pair, expected: "the padding before and after") }
      padding[name.lowercased()] = (amounts[0], amounts[1])
    }
    return padding
  }

  /// The type of the operands when they are multiplied, of the weights in memory, and of the result.
  private func types(_ node: Node?) -> (operands: DataType, weights: DataType?, output: DataType)? {
    guard let node else { return (.int8, nil, .int8) }
    var read: [String: DataType] = [:]
    for key in ["W", "I", "O", "O_final"] {
      guard let value = node[key] else { continue }
      guard let bits = reader.integer(value, key, in: 0...64) else { return nil }
      let known: [DataType] = [.int4, .int8, .int16, .int32, .int64]
      read[key] = known.first { $0.bits >= bits } ?? .int64
    }
    let input = read["I"] ?? .int8
    let weights = read["W"] ?? input
    // Narrower weights are widened on their way; wider ones set the width of both.
    let operands = weights.bits > input.bits ? weights : input
    return (operands, weights == operands ? nil : weights, read["O_final"] ?? read["O"] ?? operands)
  }

  /// The operators that make each operand, where layers before this one do.
  private func dependencies(_ node: Node?, _ id: Int) -> [String: [Int]]? {
    guard let node else { return [:] }
    guard case .mapping(let entries) = node.content else {
      return reader.mismatch(node, expected: "the layer that each operand comes from")
    }
    var made: [String: [Int]] = [:]
    for entry in entries {
      guard let source = reader.integer(entry.value, entry.key, in: -1...(1 << 31)) else { return nil }
      // An operand that a layer makes itself comes from outside.
      if source == id || source < 0 { continue }
      guard let operators = producers[source] else {
        reader.report(
          .danglingDependency, "'\(entry.key)' comes from layer \(source), which does not come before this one",
          at: entry.value.range)
        return nil
      }
      made[entry.key] = operators
    }
    return made
  }

  // MARK: Equations

  /// `ix=2*ox+1*fx` as the terms of `ix`.
  private func relations(_ node: Node?) -> [String: LoopNest.Index]? {
    guard let node else { return [:] }
    guard let elements = node.elements else { return reader.mismatch(node, expected: "a list of equations") }
    var relations: [String: LoopNest.Index] = [:]
    for element in elements {
      guard let text = element.text?.filter({ !$0.isWhitespace }).lowercased() else {
        return reader.mismatch(element, expected: "an equation such as ix=2*ox+1*fx")
      }
      let sides = text.split(separator: "=", omittingEmptySubsequences: false)
      let terms = sides.last?.split(separator: "+", omittingEmptySubsequences: false).map { Self.term($0) } ?? []
      guard sides.count == 2, Self.isName(sides[0]), !terms.contains(where: { $0 == nil }) else {
        reader.report(
          .unknownValue, "'\(text)' is no relation of loops", at: element.range,
          help: "write it as ix=2*ox+1*fx")
        return nil
      }
      relations[String(sides[0])] = terms.compactMap(\.self)
    }
    return relations
  }

  private static func isName(_ text: some StringProtocol) -> Bool {
    text.first?.isLetter == true && text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }

  private static func term(_ text: Substring) -> LoopNest.Term? {
    let factors = text.split(separator: "*", omittingEmptySubsequences: false)
    guard let loop = factors.last, isName(loop), factors.count <= 2 else { return nil }
    guard factors.count == 2 else { return LoopNest.Term(loop: String(loop)) }
    guard let factor = Int(factors[0]), (1...(1 << 20)).contains(factor) else { return nil }
    return LoopNest.Term(loop: String(loop), factor: factor)
  }

  /// `O[b][k]+=W[k][c]*I[b][c]` as the indices of each tensor.
  private func tensors(_ node: Node, _ relations: [String: LoopNest.Index]) -> [String: [LoopNest.Index]]? {
    guard let text = node.text?.filter({ !$0.isWhitespace }) else {
      return reader.mismatch(node, expected: "an equation such as O[b][k]+=W[k][c]*I[b][c]")
    }
    var tensors: [String: [LoopNest.Index]] = [:]
    for part in text.split(whereSeparator: { "+=*".contains($0) }) {
      let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
      let indices = pieces.dropFirst()
      let name = String(pieces[0]).uppercased()
      guard Self.operands.contains(name), indices.allSatisfy({ $0.hasSuffix("]") && Self.isName($0.dropLast()) }),
        tensors[name] == nil
      else {
        reader.report(
          .unknownValue, "'\(part)' is no operand with its loops", at: node.range,
          help: "write an equation of O, W and I, such as O[b][k]+=W[k][c]*I[b][c]")
        return nil
      }
      tensors[name] = indices.map { index in
        let loop = index.dropLast().lowercased()
        return relations[loop] ?? [LoopNest.Term(loop: loop)]
      }
    }
    guard tensors["O"] != nil, tensors["I"] != nil else {
      reader.report(.unknownValue, "the equation has no O or no I", at: node.range)
      return nil
    }
    return tensors
  }
}
