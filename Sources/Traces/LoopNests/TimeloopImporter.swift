import Diagnostics
import Documents
import Workloads

/// Reads the `problem` of a Timeloop or Sparseloop input, in the spelling of version 0.3 (`data-spaces`) or 0.4
/// (`data_spaces`): one layer a problem.
///
/// What is computed follows from the projections of the data spaces, whatever their loops are called (``LoopNest``);
/// without a shape, or with the name of Timeloop's own, from its usual names (C, M, R, S, P or E, Q or F, N, G). The
/// read-only data space whose name says so holds the weights, else the one without windows, else the first.
///
/// Densities become patterns where one says the same: `hypergeometric` is `unstructured`; `fixed_structured` keeps the same
/// share of every tile without saying how large a group is, and is read as the smallest N:M of 4, 8, 16 or 32 that is
/// exact and divides the reduction. What is lost is said. A problem has no data types: its operators are fp16 unless the
/// options say otherwise.
struct TimeloopImporter {
  private static let sizes = 1...(1 << 31)
  private static let factors = 1...(1 << 20)

  private let reader: DocumentReader
  private let dataType: DataType
  private var operators: [Operator] = []

  /// Whether a line of the source begins a problem, or includes what may hold one.
  static func looksLikeProblem(_ source: SourceText) -> Bool {
    source.hasLine { line in
      line.starts(with: "problem:".utf8) || line.starts(with: "{{include".utf8) || line.starts(with: "{{ include".utf8)
    }
  }

  /// Reads all problems of a file. What is wrong with them goes to the sink.
  static func read(
    _ source: SourceText, isFile: Bool, options: ImportOptions, sink: DiagnosticSink
  ) throws(DiagnosticList) -> Workload {
    let expanded = try TimeloopTemplate.expand(source, isFile: isFile, sink: sink)
    let root = try YAMLParser.parse(expanded).merged()
    let stem = TraceReader.stem(source.name)
    var workload = Workload(name: stem, source: "Timeloop problem \(source.name)", operators: [])
    guard case .mapping(let entries) = root.content else {
      let _: Int? = DocumentReader(expanded, sink: sink).mismatch(root, expected: "a mapping with the key 'problem'")
      return workload
    }
    var importer = TimeloopImporter(
      reader: DocumentReader(expanded, sink: sink), dataType: options.dataType ?? .fp16)
    guard let problem = root["problem"] else {
      importer.reader.report(.missingKey, "the key 'problem' is missing", at: root.range, help: "add 'problem'")
      return workload
    }
    if let problems = problem.elements {
      for (index, node) in problems.enumerated() { importer.read(node, name: "\(stem).\(index)") }
    } else {
      importer.read(problem, name: stem)
    }
    workload.operators = importer.operators
    let others = entries.map(\.key).filter { !$0.hasPrefix("problem") }
    if !others.isEmpty {
      workload.skipped = [
        Workload.Skipped(
          reason: "what describes no problem", count: others.count, examples: Array(others.prefix(8)))
      ]
    }
    return workload
  }

  private init(reader: DocumentReader, dataType: DataType) {
    self.reader = reader
    self.dataType = dataType
  }

  // MARK: Shape

  /// A tensor and the indices that its projection gives.
  private struct DataSpace {
    var name: String
    var indices: [[(loop: String, coefficients: [String])]]
    var isWritten: Bool
    var range: Range<Int>
  }

  private struct Shape {
    var name: String
    var loops: [String]
    /// Coefficients with their defaults.
    var coefficients: [(name: String, value: Int)]
    var spaces: [DataSpace]
  }

  /// Timeloop's own convolution, its loops called as `instance` calls them.
  private func usualShape(_ instance: Node) -> Shape {
    let (rows, columns) = (instance["E"] == nil ? "P" : "E", instance["F"] == nil ? "Q" : "F")
    func space(_ name: String, _ loops: [String], windows: Bool = false, isWritten: Bool = false) -> DataSpace {
      let plain = loops.map { [($0, [String]())] }
      let windowed = [[("R", ["Wdilation"]), (rows, ["Wstride"])], [("S", ["Hdilation"]), (columns, ["Hstride"])]]
      return DataSpace(
        name: name, indices: windows ? plain + windowed : plain, isWritten: isWritten, range: instance.range)
    }
    return Shape(
      name: "CNN-layer", loops: ["C", "M", "R", "S", "N", rows, columns, "G"],
      coefficients: ["Wstride", "Hstride", "Wdilation", "Hdilation"].map { ($0, 1) },
      spaces: [
        space("Weights", ["G", "C", "M", "R", "S"]), space("Inputs", ["N", "G", "C"], windows: true),
        space("Outputs", ["N", "G", "M", columns, rows], isWritten: true),
      ])
  }

  private func shape(_ node: Node?, _ instance: Node) -> Shape? {
    guard let node else { return usualShape(instance) }
    if let name = node.text {
      if name.lowercased().replacing("_", with: "-") == "cnn-layer" { return usualShape(instance) }
      reader.report(
        .unknownValue, "'\(name)' is no shape that is known here", at: node.range,
        help: "write out its dimensions and data spaces")
      return nil
    }
    guard var fields = Fields(node, reader, what: "a shape") else { return nil }
    let name = fields.optional("name", as: String.self) ?? "problem"
    let dimensions = fields.requiredNode("dimensions")
    let coefficients = fields.node("coefficients")
    let spaces = fields.node("data_spaces") ?? fields.node("data-spaces") ?? fields.node("dataSpaces")
    _ = fields.node("version")
    fields.finish()
    guard let spaces else {
      reader.report(.missingKey, "the key 'data_spaces' is missing", at: node.range, help: "add 'data_spaces'")
      return nil
    }
    guard let dimensions, let loops = list(dimensions, "a list of loops", String.self) else { return nil }
    var shape = Shape(name: name, loops: loops, coefficients: [], spaces: [])
    for coefficient in coefficients?.elements ?? [] {
      guard var fields = Fields(coefficient, reader, what: "a coefficient") else { return nil }
      guard let name = fields.required("name", as: String.self) else { return nil }
      shape.coefficients.append((name, fields.optional("default", in: Self.factors) ?? 1))
    }
    guard let elements = spaces.elements else { return reader.mismatch(spaces, expected: "a list of data spaces") }
    for element in elements {
      guard let space = dataSpace(element, shape) else { return nil }
      shape.spaces.append(space)
    }
    return shape
  }

  private func dataSpace(_ node: Node, _ shape: Shape) -> DataSpace? {
    guard var fields = Fields(node, reader, what: "a data space") else { return nil }
    let name = fields.required("name", as: String.self)
    let projection = fields.requiredNode("projection")
    let isWritten =
      fields.optional("read_write", as: Bool.self) ?? fields.optional("read-write", as: Bool.self) ?? false
    guard let name, let projection else { return nil }
    guard let indices = projection.elements else {
      return reader.mismatch(projection, expected: "a list of indices, each a list of terms")
    }
    var space = DataSpace(name: name, indices: [], isWritten: isWritten, range: node.range)
    for index in indices {
      guard let terms = index.elements else { return reader.mismatch(index, expected: "a list of terms") }
      var read: [(loop: String, coefficients: [String])] = []
      for term in terms {
        guard let words = list(term, "a loop and its coefficients", String.self), let loop = words.first else {
          return nil
        }
        for (word, known) in [(loop, shape.loops)] + words.dropFirst().map({ ($0, shape.coefficients.map(\.name)) })
        where !known.contains(word) {
          reader.report(
            .unknownValue, "'\(word)' is neither among the dimensions nor a coefficient", at: term.range,
            notes: ["known: \(known.joined(separator: ", "))"])
          return nil
        }
        read.append((loop, Array(words.dropFirst())))
      }
      space.indices.append(read)
    }
    return space
  }

  private func list<T: DocumentReadable>(_ node: Node, _ what: String, _ type: T.Type) -> [T]? {
    guard let elements = node.elements else { return reader.mismatch(node, expected: what) }
    let values = elements.compactMap { T.read($0, reader) }
    return values.count == elements.count ? values : nil
  }

  // MARK: Problems

  private mutating func read(_ node: Node, name: String) {
    guard var fields = Fields(node, reader, what: "a problem") else { return }
    _ = fields.node("version")
    let shapeNode = fields.node("shape")
    var instance = fields.node("instance")
    let rest = fields.rest()
    if instance == nil {
      instance = Node(.mapping(rest), range: node.range)
    } else {
      for entry in rest where entry.key != "name" {
        reader.report(.unknownKey, "unknown key '\(entry.key)'", at: entry.keyRange, severity: .warning)
      }
    }
    guard let instance, let shape = shape(shapeNode, instance) else { return }
    guard case .mapping(let entries) = instance.content else {
      let _: Int? = reader.mismatch(instance, expected: "a mapping of loops to their sizes")
      return
    }
    var sizes = Dictionary(shape.loops.map { ($0, 1) }) { first, _ in first }
    var factors = Dictionary(shape.coefficients) { first, _ in first }
    var densities: [Node.Entry] = []
    var isWhole = true
    for entry in entries {
      // Files write Wstride and WStride of the same shape.
      let coefficient = shape.coefficients.first { $0.name.lowercased() == entry.key.lowercased() }?.name
      if sizes[entry.key] != nil {
        let size = reader.integer(entry.value, entry.key, in: Self.sizes)
        isWhole = isWhole && size != nil
        sizes[entry.key] = size ?? 1
      } else if let coefficient {
        let factor = reader.integer(entry.value, entry.key, in: Self.factors)
        isWhole = isWhole && factor != nil
        factors[coefficient] = factor ?? 1
      } else if entry.key == "densities", case .mapping(let spaces) = entry.value.content {
        densities = spaces
      } else {
        let known = shape.loops + shape.coefficients.map(\.name) + ["densities"]
        reader.report(
          .unknownKey, "'\(entry.key)' is no dimension of the shape '\(shape.name)'", at: entry.keyRange,
          notes: ["known here: \(known.joined(separator: ", "))"])
        isWhole = false
      }
    }
    guard isWhole, let roles = roles(shape, node) else { return }
    func indices(_ space: DataSpace) -> [LoopNest.Index] {
      space.indices.map { index in
        index.map { term in
          LoopNest.Term(loop: term.loop, factor: saturating(term.coefficients.map { factors[$0] ?? 1 }))
        }
      }
    }
    let nest = LoopNest(
      sizes: sizes, weights: indices(roles.weights), inputs: indices(roles.inputs), outputs: indices(roles.outputs))
    let place = (node["instance"] ?? node).range
    do throws(LoopNest.Unreadable) {
      var op = Operator(name: name, kind: try nest.kind(), dataType: dataType)
      guard op.shapeProblems().isEmpty else { return reader.report(op.shapeProblems(), at: place) }
      for (space, operand) in [(roles.weights, OperandSparsity.Operand.weights), (roles.inputs, .activations)] {
        guard let entry = densities.first(where: { $0.key == space.name }) else { continue }
        guard let pattern = pattern(entry.value, of: op) else { return }
        op.sparsity[operand] = pattern
      }
      report(densities, shape, roles.outputs)
      operators.append(op)
    } catch {
      reader.report(.unsupportedOperator, "'\(name)' is not read: \(error.reason)", at: place)
    }
  }

  private func roles(
    _ shape: Shape, _ node: Node
  ) -> (weights: DataSpace, inputs: DataSpace, outputs: DataSpace)? {
    let written = shape.spaces.filter(\.isWritten)
    let read = shape.spaces.filter { !$0.isWritten }
    guard written.count == 1, read.count == 2 else {
      reader.report(
        .unsupportedOperator,
        "the problem reads \(read.count) and writes \(written.count) data spaces; only two and one are a product",
        at: (node["shape"] ?? node).range)
      return nil
    }
    func isNamed(_ space: DataSpace, _ words: [String]) -> Bool {
      words.contains { space.name.lowercased().contains($0) }
    }
    func hasWindows(_ space: DataSpace) -> Bool { space.indices.contains { $0.count > 1 } }
    let place =
      read.firstIndex { isNamed($0, ["weight", "filter", "kernel"]) }
      ?? read.firstIndex { isNamed($0, ["input", "ifmap", "act", "image"]) }.map { 1 - $0 }
      ?? read.firstIndex(where: hasWindows).map { 1 - $0 } ?? 0
    return (read[place], read[1 - place], written[0])
  }

  // MARK: Densities

  /// Says what becomes of densities that no operand takes.
  private func report(_ densities: [Node.Entry], _ shape: Shape, _ outputs: DataSpace) {
    for entry in densities {
      guard let space = shape.spaces.first(where: { $0.name == entry.key }) else {
        reader.report(
          .unknownKey, "'\(entry.key)' is no data space of the shape '\(shape.name)'", at: entry.keyRange,
          notes: ["known here: \(shape.spaces.map(\.name).joined(separator: ", "))"])
        continue
      }
      if space.name == outputs.name {
        reader.report(
          .unsupportedPattern, "the density of the result '\(entry.key)' is not kept: results are dense here",
          at: entry.keyRange, severity: .warning)
      }
    }
  }

  private func pattern(_ node: Node, of op: Operator) -> SparsityPattern? {
    var density = node
    var distribution = "hypergeometric"
    var place = node.range
    if case .mapping = node.content {
      guard var fields = Fields(node, reader, what: "a density") else { return nil }
      if let word = fields.node("distribution") {
        place = word.range
        guard let text = String.read(word, reader) else { return nil }
        distribution = text.lowercased().replacing("-", with: "_")
      }
      guard let value = fields.requiredNode("density") else { return nil }
      density = value
    }
    guard let value = reader.number(density, "density", in: 0.0001...1) else { return nil }
    if value == 1 { return .dense }
    // As a user would have written it: 1 - 0.7 is 0.30000000000000004.
    let unstructured = SparsityPattern.unstructured(zeros: ((1 - value) * 1e9).rounded() / 1e9)
    func warn(_ message: String) -> SparsityPattern {
      reader.report(
        .unsupportedPattern, "\(message); it is read as \(unstructured)", at: place, severity: .warning,
        help: "choose a pattern with --sparsity")
      return unstructured
    }
    switch distribution {
    case "hypergeometric", "uniform": return unstructured
    case "fixed_structured":
      for m in [4, 8, 16, 32] {
        let n = (value * Double(m)).rounded()
        guard abs(n - value * Double(m)) < 1e-9, n >= 1 else { continue }
        var candidate = op
        candidate.sparsity.weights = .structured(n: Int(n), m: m)
        guard candidate.shapeProblems().isEmpty else { continue }
        reader.report(
          .unsupportedPattern, "a fixed structure does not say its group; it is read as \(Int(n)):\(m)", at: place,
          severity: .warning, help: "choose another with --sparsity")
        return .structured(n: Int(n), m: m)
      }
      return warn("no N:M of a group of up to 32 keeps \(value) of this reduction exactly")
    default: return warn("the distribution '\(distribution)' is none of the patterns here")
    }
  }
}

extension DocumentReader {
  /// Reports what keeps an operator from being simulated, all at one place.
  func report(_ problems: [ShapeProblem], at range: Range<Int>) {
    for problem in problems { report(problem.code, problem.message, at: range, help: problem.help) }
  }
}

extension SourceText {
  /// Whether one of the lines begins as `body` says; only the first megabyte is looked at.
  func hasLine(where body: (ArraySlice<UInt8>) -> Bool) -> Bool {
    let part = bytes.prefix(1 << 20)
    var start = part.startIndex
    while start < part.endIndex {
      if body(part[start...]) { return true }
      guard let end = part[start...].firstIndex(of: UInt8(ascii: "\n")) else { return false }
      start = end + 1
    }
    return false
  }
}
