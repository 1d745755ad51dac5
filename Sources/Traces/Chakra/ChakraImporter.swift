import Diagnostics
import Documents
import Workloads

/// Reads MLCommons Chakra traces (`.et`): Protocol Buffers messages, each after its length, a `GlobalMetadata` and then
/// `Node`s.
///
/// - Calls of PyTorch on the host (`is_cpu_op`) are mapped by ``PyTorchImporter``. They lie in one another as
///   `ctrl_deps` tells; converters that cut a call in parts around its kernels, `aten::mm(0)`, `aten::mm(1)` …, keep
///   outermost calls only, and there `ctrl_deps` is mere order. Such traces do not tell what is backward either: it is
///   what shares a thread with calls that are called so.
/// - A kernel belongs to the first call among its `data_deps`, or else its `ctrl_deps`; its duration, in whole
///   microseconds, is measured time of the operator.
/// - Nodes that ``ChakraWriter`` wrote hold an operator each.
/// - Skipped are communication, loads and stores, and compute nodes that count operations and bytes without shapes.
struct ChakraImporter {
  /// Longer messages are refused before anything is made of them.
  private static let longestMessage = 1 << 24

  /// Nodes that are neither calls nor work of one, by reason.
  private var skipped: [Workload.Skipped] = []
  private var calls: [PyTorchNode] = []
  private var threads: [Int] = []
  /// The call of each node on the host, by the node's id.
  private var places: [Int: Int] = [:]
  /// The call that a part belongs to, by name and the number PyTorch gave it.
  private var wholes: [String: Int] = [:]
  private var isFlat = false
  private var work: [DeviceWork] = []
  private var operators: [Operator] = []
  private var header: Workload?
  private var waits = WaitingNodes()
  private let source: SourceText
  private let sink: DiagnosticSink
  private var nodeReader: PyTorchNodeReader

  /// Whether bytes look like a Chakra trace: metadata that reads, and the begin of a node.
  static func looksLikeTrace(_ bytes: [UInt8]) -> Bool {
    var reader = ProtobufReader(bytes)
    guard let first = try? reader.message(longest: longestMessage) else { return false }
    var metadata = ProtobufReader(bytes, first)
    while !metadata.isAtEnd {
      guard let (field, value) = try? metadata.next(), field <= 2, case .bytes(let range) = value else { return false }
      if field == 2, (try? ChakraAttribute.read(ProtobufReader(bytes, range))) == nil { return false }
    }
    guard !reader.isAtEnd else { return !first.isEmpty }
    // A node begins with its id or its name.
    guard (try? reader.varint()) != nil, !reader.isAtEnd else { return false }
    return bytes[reader.position] == 0x08 || bytes[reader.position] == 0x12
  }

  /// Reads a trace. Problems of nodes go to the sink.
  /// - Throws: `corrupt-trace` with the offset and field of what cannot be.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    var importer = ChakraImporter(source: source, sink: sink)
    do throws(ProtobufProblem) {
      try importer.readAll()
    } catch {
      throw DiagnosticList(
        sink.diagnostics + [
          Diagnostic(.corruptTrace, "\(source.name) is no Chakra trace: at byte \(error.offset), \(error.reason)")
        ])
    }
    try sink.throwIfErrors()
    return importer.workload()
  }

  private init(source: SourceText, sink: DiagnosticSink) {
    self.source = source
    self.sink = sink
    nodeReader = PyTorchNodeReader(DocumentReader(source, sink: sink))
  }

  private mutating func readAll() throws(ProtobufProblem) {
    var reader = ProtobufReader(source.bytes)
    var isFirst = true
    while !reader.isAtEnd {
      let message = ProtobufReader(source.bytes, try reader.message(longest: Self.longestMessage))
      if isFirst {
        try readMetadata(message)
        isFirst = false
      } else {
        let node = try ChakraNode(message)
        try waits.add(node)
        if let text = node.texts[ChakraWriter.operatorAttribute] {
          readOperator(node, text)
        } else {
          read(node)
        }
      }
    }
    try waits.check()
  }

  private mutating func readMetadata(_ message: ProtobufReader) throws(ProtobufProblem) {
    var message = message
    while let (_, field, value) = try message.nextField() {
      guard field == 2, case .bytes(let range) = value else { continue }
      let (name, attribute) = try ChakraAttribute.read(ProtobufReader(source.bytes, range))
      guard name == ChakraWriter.headerAttribute, case .text(let text) = attribute else { continue }
      let part = SourceText(name: "\(source.name), attribute \(name)", text: text)
      guard let node = parsed(part) else { continue }
      header = JSONLinesReader(part, sink: sink).header(node, part, DocumentReader(part, sink: sink)).workload
    }
  }

  /// JSON within an attribute; its problems are the trace's.
  private func parsed(_ text: SourceText) -> Node? {
    do throws(DiagnosticList) { return try JSONParser.parse(text) } catch {
      for diagnostic in error.diagnostics { sink.report(diagnostic) }
      return nil
    }
  }

  private mutating func readOperator(_ node: ChakraNode, _ text: String) {
    let part = SourceText(
      name: "\(source.name), node \(node.id), attribute \(ChakraWriter.operatorAttribute)", text: text)
    guard let json = parsed(part),
      let op = Operator.read(
        json, DocumentReader(part, sink: sink), text: part, index: operators.count, reportsUnknownKeys: true)
    else { return }
    operators.append(op)
  }

  private mutating func read(_ node: ChakraNode) {
    let isCall = node.numbers["is_cpu_op"] == nil ? node.inputs.values != nil : node.isOnHost
    if isCall { return readCall(node) }
    let call = (node.dataDependencies + node.controlDependencies).compactMap({ places[$0] }).first
    if call != nil || (node.duration ?? 0) > 0 {
      work.append(
        DeviceWork(
          call: call, name: node.name, start: node.start.map { $0 * 1000 }, duration: (node.duration ?? 0) * 1000))
    }
    guard call == nil else { return }
    switch node.kind {
    case .send, .receive, .collective: skip(node, "communication between devices")
    case .memoryLoad, .memoryStore: skip(node, "loads and stores by themselves")
    case .invalid, .metadata: skip(node, "says something of the trace")
    case .compute where node.numbers["num_ops"] != nil: skip(node, "counts operations and bytes, but has no shapes")
    case .compute: break
    }
  }

  private mutating func skip(_ node: ChakraNode, _ reason: String) {
    let position = skipped.firstIndex { $0.reason == reason } ?? skipped.count
    if position == skipped.count { skipped.append(Workload.Skipped(reason: reason, count: 0, examples: [])) }
    skipped[position].count += 1
    if skipped[position].examples.count < 8, !skipped[position].examples.contains(node.name) {
      skipped[position].examples.append(node.name)
    }
  }

  private mutating func readCall(_ node: ChakraNode) {
    var name = node.name
    if let open = name.lastIndex(of: "("), name.hasSuffix(")"),
      let part = Int(name[name.index(after: open)...].dropLast())
    {
      name = String(name[..<open])
      isFlat = true
      let key = "\(name) \(node.numbers["rf_id"] ?? -1)"
      if part > 0, let whole = wholes[key] {
        places[node.id] = whole
        return
      }
      wholes[key] = calls.count
    }
    places[node.id] = calls.count
    let around = node.controlDependencies.first.flatMap { places[$0] }
    calls.append(
      PyTorchNode(
        id: calls.count, parent: around ?? calls.count, name: name, inputs: arguments(node.inputs),
        outputs: arguments(node.outputs), argumentNames: nodeReader.argumentNames(node.texts["op_schema"] ?? "")))
    threads.append(node.numbers["tid"] ?? 0)
  }

  private func arguments(_ operands: ChakraNode.Operands) -> [PyTorchNode.Argument] {
    PyTorchNodeReader.arguments(values: operands.values, shapes: operands.shapes, types: operands.types)
  }

  private mutating func workload() -> Workload {
    if var result = header {
      result.operators = operators
      return result
    }
    if isFlat {
      let backward = Set(zip(calls, threads).filter { $0.0.name.contains("_backward") }.map(\.1))
      let isTold = Set(threads).count > backward.count
      for index in calls.indices {
        calls[index].parent = index
        calls[index].isBackward = isTold && backward.contains(threads[index])
      }
    }
    let importer = PyTorchImporter(calls)
    let timed = work.contains { $0.duration > 0 } ? "; durations are those of kernels on the device" : ""
    return Workload(
      name: TraceReader.stem(source.name), source: "Chakra trace \(source.name)\(timed)", samples: importer.samples,
      operators: operators + importer.finished(), skipped: importer.skipped() + skipped
    ).measured(work, of: importer)
  }
}

/// Which node waits for whose data: ids must differ, and no node may wait for itself. `ctrl_deps` are not held to that:
/// converters write circles of them.
private struct WaitingNodes {
  private var places: [Int: Int] = [:]
  private var nodes: [(id: Int, offset: Int, dependencies: [Int])] = []

  mutating func add(_ node: ChakraNode) throws(ProtobufProblem) {
    guard places.updateValue(nodes.count, forKey: node.id) == nil else {
      throw ProtobufProblem(offset: node.offset, reason: "'id' is \(node.id), which another node has already")
    }
    nodes.append((node.id, node.offset, node.dataDependencies))
  }

  /// Runs nodes as what they wait for is done; what is left waits in a circle. Ids that no node has are done.
  func check() throws(ProtobufProblem) {
    var waiting = nodes.map { _ in 0 }
    var waiters: [[Int]] = nodes.map { _ in [] }
    for (index, node) in nodes.enumerated() {
      for place in node.dependencies.compactMap({ places[$0] }) {
        waiting[index] += 1
        waiters[place].append(index)
      }
    }
    var ready = waiting.indices.filter { waiting[$0] == 0 }
    while let next = ready.popLast() {
      for waiter in waiters[next] {
        waiting[waiter] -= 1
        if waiting[waiter] == 0 { ready.append(waiter) }
      }
    }
    guard let stuck = waiting.firstIndex(where: { $0 > 0 }) else { return }
    throw ProtobufProblem(
      offset: nodes[stuck].offset,
      reason: "'data_deps' lead from node \(nodes[stuck].id) into a circle of nodes that wait for each other")
  }
}
