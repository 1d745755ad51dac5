import Diagnostics
import Documents
import Workloads

/// Reads what PyTorch's `ExecutionTraceObserver` writes, schemas 1.0.1 to 1.1.1.
///
/// Calls nest (`linear` runs `t` and `addmm`); each piece of work is taken once, at the outermost call whose shapes
/// suffice. Autocast wraps a call in one of the same name, which casts and calls again: there the inner one counts.
struct PyTorchImporter {
  private static let newestSchema = (1, 1, 1)

  /// What is known about a node from those around it.
  private struct Scope {
    var isTaken = false
    var isBackward = false
    /// Adds a finished gradient to the one of earlier steps.
    var isAccumulation = false
    var isOptimizer = false
  }

  let nodes: [PyTorchNode]
  /// The index of the node around each; nil at the top.
  private let parents: [Int?]
  private let children: [[Int]]
  private var scopes: [Scope]
  private var skipReasons: [String?]
  /// Whether work inside was taken, so that the node itself is no loss.
  private var holdsWork: [Bool]
  /// The operators that last wrote each storage. An id is used again once its tensor is gone.
  private var writers: [Int: [Int]] = [:]
  private var forwardProducts: [ForwardProduct] = []
  private var counts: [String: Int] = [:]
  /// The operators that each call became, where it was taken.
  private var taken: [Range<Int>?]
  private var operators: [Operator] = []
  private(set) var samples: Int?
  private var hasSeenMatrix = false

  /// Reads a trace. Problems of nodes go to the sink.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    let reader = DocumentReader(source, sink: sink)
    var nodeReader = PyTorchNodeReader(reader)
    var nodes: [PyTorchNode] = []
    var schema: String?
    var hasNodes = false
    var parser = JSONParser(source)
    try parser.forEachMember { (parser, key, keyRange) throws(DiagnosticList) in
      switch key {
      case "schema":
        let node = try parser.parseValue()
        schema = node.text
        if isNewer(schema ?? "") {
          reader.report(
            .unknownSchema, "the schema \(schema ?? "") is newer than 1.1.1, the newest one known", at: node.range,
            severity: .warning, notes: ["it is read as 1.1.1"])
        }
      case "nodes":
        guard !hasNodes else {
          throw DiagnosticList(
            Diagnostic(.duplicateKey, "the key 'nodes' appears twice", at: source.location(of: keyRange)))
        }
        hasNodes = true
        try parser.forEachElement { (parser) throws(DiagnosticList) in
          if let node = nodeReader.read(try parser.parseValue()) { nodes.append(node) }
          try TraceReader.stopIfHopeless(sink)
        }
      default: _ = try parser.parseValue()
      }
    }
    try parser.expectEnd()
    nodes.sort { $0.id < $1.id }
    let importer = PyTorchImporter(nodes)
    return Workload(
      name: TraceReader.stem(source.name),
      source: "PyTorch execution trace \(source.name), schema \(schema ?? "not given")", samples: importer.samples,
      operators: importer.finished(), skipped: importer.skipped())
  }

  private static func isNewer(_ schema: String) -> Bool {
    let numbers = schema.prefix { $0 != "-" }.split(separator: ".").compactMap { Int($0) }
    guard numbers.count == 3 else { return true }
    return (numbers[0], numbers[1], numbers[2]) > newestSchema
  }

  /// What calls do.
  /// - Parameter nodes: the calls in the order in which they began, which is that of their ids.
  init(_ nodes: [PyTorchNode]) {
    self.nodes = nodes
    var indices: [Int: Int] = [:]
    for (index, node) in nodes.enumerated() { indices[node.id] = index }
    // A call starts after the one around it; anything else would be a loop.
    let parents = nodes.enumerated().map { index, node in
      indices[node.parent].flatMap { $0 < index ? $0 : nil }
    }
    var children: [[Int]] = Array(repeating: [], count: nodes.count)
    for (index, parent) in parents.enumerated() {
      if let parent { children[parent].append(index) }
    }
    self.parents = parents
    self.children = children
    self.scopes = Array(repeating: Scope(), count: nodes.count)
    self.skipReasons = Array(repeating: nil, count: nodes.count)
    self.holdsWork = Array(repeating: false, count: nodes.count)
    self.taken = Array(repeating: nil, count: nodes.count)
    walk()
  }

  private mutating func walk() {
    var isWrapper = Array(repeating: false, count: nodes.count)
    for (index, parent) in parents.enumerated() {
      if let parent, nodes[parent].name == nodes[index].name { isWrapper[parent] = true }
    }
    for (index, node) in nodes.enumerated() {
      var scope = parents[index].map { scopes[$0] } ?? Scope()
      if node.isBackward || node.name.hasPrefix("autograd::engine::evaluate_function") { scope.isBackward = true }
      if node.name.contains("AccumulateGrad") { scope.isAccumulation = true }
      let isInOptimizer = scope.isOptimizer
      if node.name.hasPrefix("Optimizer.") { scope.isOptimizer = true }
      scopes[index] = scope
      guard !scope.isTaken else { continue }
      if isWrapper[index] {
        passStoragesThrough(index)
        continue
      }
      if node.name.hasPrefix("Optimizer.step"), !isInOptimizer {
        if let update = optimizerStep(index) { take([update], index) }
        continue
      }
      guard !node.isScope else { continue }
      switch mapping(node, isBackward: scope.isBackward) {
      case .operators(let mapped): take(mapped, index)
      case .skip(let reason):
        skipReasons[index] = reason
        passStoragesThrough(index)
      }
    }
  }

  private func mapping(_ node: PyTorchNode, isBackward: Bool) -> PyTorchMapping {
    if let kinds = node.matrixMapping(
      isBackward: isBackward, forward: forwardProducts,
      isComputed: { storage in writers[storage].map { !$0.isEmpty } ?? false })
    {
      return kinds
    }
    return node.vectorMapping()
  }

  private mutating func take(_ mapped: [PyTorchMapping.Work], _ index: Int) {
    let node = nodes[index]
    guard let type = mapped.first?.dataType else {
      skipReasons[index] = "no data type that is known"
      return
    }
    let scope = scopes[index]
    let title = node.title
    let number = counts[title, default: 0]
    var taken: [Operator] = []
    let read = mapped.first?.storages?.read ?? node.inputTensors.compactMap(\.storage)
    let dependencies = Set(read.flatMap { writers[$0] ?? [] }).sorted()
    for work in mapped {
      let phase: Phase =
        work.phase
        ?? (scope.isOptimizer
          ? .update : scope.isAccumulation ? .backwardWeight : scope.isBackward ? .backwardData : .inference)
      let candidate = Operator(
        name: "\(title).\(number)\(work.suffix)", kind: work.kind, phase: phase, dataType: work.dataType ?? type,
        outputType: work.outputType, dependencies: dependencies)
      if let problem = candidate.shapeProblems().first {
        skipReasons[index] =
          work.kind.sizes.contains { $0.value == 0 }
          ? "empty tensors" : "sizes that cannot be: \(problem.code.rawValue)"
        return
      }
      taken.append(candidate)
    }
    counts[title] = number + 1
    scopes[index].isTaken = true
    var ancestor: Int? = index
    while let here = ancestor, !holdsWork[here] {
      holdsWork[here] = true
      ancestor = parents[here]
    }
    let first = operators.count
    operators += taken
    self.taken[index] = first..<operators.count
    if taken.contains(where: \.kind.isMatrix), !hasSeenMatrix {
      hasSeenMatrix = true
      samples = node.samples
    }
    if let product = mapped.first?.forwardProduct { forwardProducts.append(product) }
    for (position, tensor) in node.outputTensors.enumerated() {
      // Where one call becomes several operators, each has its own result.
      let writer = mapped.firstIndex { $0.output == position } ?? 0
      if let storage = tensor.storage, tensor.type != nil { writers[storage] = [first + writer] }
    }
    for storage in mapped.first?.storages?.written ?? [] { writers[storage] = [first] }
  }

  /// What a call that is not taken leaves behind: views keep their storage's writers, allocations and constants start
  /// anew, and anything else hands on what it read. What the call around it returns is settled already.
  private mutating func passStoragesThrough(_ index: Int) {
    let node = nodes[index]
    let inputs = Set(node.inputTensors.compactMap(\.storage))
    let settled = parents[index].map { nodes[$0].outputTensors.compactMap(\.storage) } ?? []
    let isNew = node.name.contains("empty") || node.name.hasSuffix("resize_") || node.createsConstants
    let origin = isNew ? [] : Set(inputs.flatMap { writers[$0] ?? [] }).sorted()
    for storage in node.outputTensors.compactMap(\.storage)
    where !inputs.contains(storage) && !settled.contains(storage) {
      writers[storage] = origin
    }
  }

  /// The whole step of an optimizer as one update; nil where it shows no tensors.
  private func optimizerStep(_ index: Int) -> PyTorchMapping.Work? {
    var calls: [Int] = []
    var open = children[index]
    while let next = open.popLast() {
      calls.append(next)
      open += children[next]
    }
    let gradients = nodes[..<index].reversed().prefix { !$0.name.hasPrefix("Optimizer.step") }
      .filter { $0.name == "torch::autograd::AccumulateGrad" }
    return PyTorchMapping.optimizerStep(
      nodes[index].name, calls.sorted().map { nodes[$0] }, gradients: gradients.compactMap(\.inputTensors.first))
  }

  /// The operators that the work of a call is part of: its own, or those of a call around it; nil where none is taken.
  func operators(around index: Int) -> Range<Int>? {
    var here: Int? = index
    while let call = here {
      if let range = taken[call] { return range }
      here = parents[call]
    }
    return nil
  }

  /// The operators in the order in which they ran.
  func finished() -> [Operator] {
    guard operators.contains(where: { $0.phase != .inference && $0.phase != .update }) else { return operators }
    return operators.map { operation in
      var operation = operation
      if operation.phase == .inference { operation.phase = .forward }
      return operation
    }
  }

  /// What was left out, counted at the outermost call, by reason in order of first appearance.
  func skipped() -> [Workload.Skipped] {
    var isCounted = Array(repeating: false, count: nodes.count)
    var skipped: [Workload.Skipped] = []
    for index in nodes.indices {
      if let parent = parents[index], isCounted[parent] || scopes[parent].isTaken {
        isCounted[index] = true
        continue
      }
      guard let reason = skipReasons[index], !holdsWork[index] else { continue }
      isCounted[index] = true
      let entry = skipped.firstIndex { $0.reason == reason }
      if entry == nil { skipped.append(Workload.Skipped(reason: reason, count: 0, examples: [])) }
      let position = entry ?? skipped.count - 1
      skipped[position].count += 1
      if skipped[position].examples.count < 8, !skipped[position].examples.contains(nodes[index].name) {
        skipped[position].examples.append(nodes[index].name)
      }
    }
    return skipped
  }
}
