import Diagnostics
import Documents
import Workloads

/// Reads what PyTorch's profiler writes (`torch.profiler`, Kineto): a Chrome trace of the calls on the host, with the
/// shapes of their operands, and of the work on the device.
///
/// - Calls nest by time on each thread, and mean what they mean in an execution trace: ``PyTorchImporter`` maps both.
/// - Kineto records no results: ``PyTorchNode/inferredResult`` works them out. Of lists of tensors it records shapes
///   only, and only of short ones: their type is that of the last tensor with as many elements before them.
/// - It does not say which tensor is whose: operators have no dependencies, and run in order.
/// - A kernel belongs to the call with its External id, or to that of the launch with its correlation; its time is the
///   measured duration of the operator that this call is part of.
struct KinetoImporter {
  /// A call on the host; times in nanoseconds.
  private struct Call {
    var node: PyTorchNode
    var externalID: Int?
    var thread: Int
    var start: Int
    var end: Int
    /// Where it stands in the file.
    var range: Range<Int>
  }

  /// Work on the device, before the calls have their places.
  private struct Work {
    var externalID: Int?
    var correlation: Int?
    var work: DeviceWork
  }

  private let reader: DocumentReader
  private var calls: [Call] = []
  private var threads: [String: Int] = [:]
  /// The External ids of launches by correlation.
  private var launches: [Int: Int] = [:]
  private var work: [Work] = []
  private var hasShapes = false

  /// Reads a trace. Problems of events go to the sink.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    var importer = KinetoImporter(reader: DocumentReader(source, sink: sink))
    var parser = JSONParser(source)
    var hasEvents = false
    try parser.forEachMember { (parser, key, keyRange) throws(DiagnosticList) in
      guard key == "traceEvents" else {
        _ = try parser.parseValue()
        return
      }
      guard !hasEvents else {
        throw DiagnosticList(
          Diagnostic(.duplicateKey, "the key 'traceEvents' appears twice", at: source.location(of: keyRange)))
      }
      hasEvents = true
      try parser.forEachElement { (parser) throws(DiagnosticList) in
        importer.readEvent(try parser.parseValue())
        try TraceReader.stopIfHopeless(sink)
      }
    }
    try parser.expectEnd()
    try sink.throwIfErrors()
    guard importer.calls.isEmpty || importer.hasShapes else {
      throw DiagnosticList(
        Diagnostic(
          .emptyTrace, "no call in \(source.name) has the shapes of its operands",
          help: "record with torch.profiler.profile(record_shapes=True)"))
    }
    return importer.workload(source)
  }

  private init(reader: DocumentReader) { self.reader = reader }

  private mutating func readEvent(_ event: Node) {
    guard var fields = Fields(event, reader, what: "an event of the trace") else { return }
    guard fields.node("ph")?.text == "X", let category = fields.node("cat")?.text else { return }
    let arguments = fields.node("args")
    func number(_ key: String) -> Int? { arguments?[key]?.integer }
    let externalID = number("External id") ?? number("external id")
    switch category {
    case "cpu_op", "user_annotation":
      let name = fields.required("name", as: String.self)
      guard let (start, duration) = times(&fields), let name else { return }
      let place = "\(text(fields.node("pid")))/\(text(fields.node("tid")))"
      let thread = threads[place] ?? threads.count
      threads[place] = thread
      if arguments?["Input Dims"] != nil { hasShapes = true }
      let node = PyTorchNode(
        id: 0, parent: 0, name: name, inputs: operands(arguments), outputs: [],
        argumentNames: Self.argumentNames[name] ?? [])
      calls.append(
        Call(
          node: node, externalID: externalID, thread: thread, start: start, end: start + duration, range: event.range))
    case "kernel", "gpu_memcpy", "gpu_memset":
      let name = fields.required("name", as: String.self)
      guard let (start, duration) = times(&fields), let name else { return }
      work.append(
        Work(
          externalID: externalID, correlation: number("correlation"),
          work: DeviceWork(name: name, start: start, duration: duration)))
    default:
      if let externalID, let correlation = number("correlation") { launches[correlation] = externalID }
    }
  }

  private func text(_ node: Node?) -> String {
    switch node?.content {
    case .number(let text), .string(let text): text
    default: ""
    }
  }

  /// Begin and duration in nanoseconds.
  private func times(_ fields: inout Fields) -> (start: Int, duration: Int)? {
    // Begins may count from 1970, in microseconds.
    let start = fields.requiredNode("ts").flatMap { nanoseconds($0, "ts", below: 1 << 52) }
    let duration = fields.requiredNode("dur").flatMap { nanoseconds($0, "dur", below: 1 << 50) }
    guard let start, let duration else { return nil }
    return (start, duration)
  }

  /// Microseconds as nanoseconds. Begins have more digits than a `Double` keeps.
  private func nanoseconds(_ node: Node, _ what: String, below limit: Int) -> Int? {
    guard case .number(let text) = node.content else { return reader.mismatch(node, expected: "microseconds") }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let digits = ((parts.count > 1 ? parts[1] : "") + "000").prefix(3)
    if parts.count <= 2, let whole = Int(parts[0]), let fraction = Int(digits), !text.hasPrefix("-"), whole < limit {
      return whole * 1000 + fraction
    }
    if let value = node.double, value >= 0, value < Double(limit) { return Int((value * 1000).rounded()) }
    reader.report(.outOfRange, "'\(what)' is \(text); it must be from 0 to \(limit) microseconds", at: node.range)
    return nil
  }

  /// The operands of a call. What is no tensor stands in `Concrete Inputs`, in newer traces.
  private func operands(_ arguments: Node?) -> [PyTorchNode.Argument] {
    let shapes = arguments?["Input Dims"]?.elements ?? []
    let concrete = arguments?["Concrete Inputs"]?.elements ?? []
    return (arguments?["Input type"]?.elements ?? []).enumerated().map { index, type in
      let shape = index < shapes.count ? shapes[index] : nil
      switch type.text ?? "" {
      case "TensorList":
        let lists = (shape?.elements ?? []).filter { $0.elements != nil }
        return .tensors(lists.map { PyTorchNode.Tensor(shape: PyTorchNodeReader.shape($0)) })
      case "", "Scalar", "ScalarList":
        let text = index < concrete.count ? concrete[index].text ?? "" : ""
        return PythonLiteralParser.parse(text).map(PyTorchNodeReader.scalar) ?? .none
      case let type:
        return .tensor(PyTorchNode.Tensor(shape: PyTorchNodeReader.shape(shape), type: DataType(pytorch: type)))
      }
    }
  }

  /// The operands of calls whose positions differ from those of their relatives.
  private static let argumentNames: [String: [String]] = [
    "aten::cudnn_convolution": [
      "self", "weight", "padding", "stride", "dilation", "groups", "benchmark", "deterministic", "allow_tf32",
    ],
    "aten::_scaled_dot_product_flash_attention": ["query", "key", "value", "dropout_p", "is_causal"],
    "aten::_scaled_dot_product_efficient_attention": [
      "query", "key", "value", "attn_bias", "compute_log_sumexp", "dropout_p", "is_causal",
    ],
    "aten::_scaled_dot_product_cudnn_attention": [
      "query", "key", "value", "attn_bias", "compute_log_sumexp", "dropout_p", "is_causal",
    ],
    "aten::_scaled_dot_product_flash_attention_backward": [
      "grad_out", "query", "key", "value", "out", "logsumexp", "cum_seq_q", "cum_seq_k", "max_q", "max_k", "dropout_p",
      "is_causal",
    ],
    "aten::_scaled_dot_product_efficient_attention_backward": [
      "grad_out_", "query", "key", "value", "attn_bias", "out", "logsumexp", "philox_seed", "philox_offset",
      "dropout_p",
      "grad_input_mask", "is_causal",
    ],
    "aten::_scaled_dot_product_cudnn_attention_backward": [
      "grad_out", "query", "key", "value", "out", "logsumexp", "philox_seed", "philox_offset", "attn_bias", "cum_seq_q",
      "cum_seq_k", "max_q", "max_k", "dropout_p", "is_causal",
    ],
  ]

  private mutating func workload(_ source: SourceText) -> Workload {
    // A call that begins with the one around it ends no later; where they also end together, it has the higher id.
    calls.sort { a, b in
      (a.start, b.end, a.externalID ?? .max) < (b.start, a.end, b.externalID ?? .max)
    }
    var open: [Int: [Int]] = [:]
    var places: [Int: Int] = [:]
    var repeated: [Int] = []
    for index in calls.indices {
      let call = calls[index]
      var around = open[call.thread] ?? []
      while let last = around.last, calls[last].end <= call.start { around.removeLast() }
      calls[index].node.id = index
      calls[index].node.parent = around.last ?? index
      around.append(index)
      open[call.thread] = around
      guard let id = call.externalID else { continue }
      if places[id] == nil { places[id] = index } else { repeated.append(index) }
    }
    if let first = repeated.first {
      reader.report(
        .duplicateKey, "another call has the 'External id' \(calls[first].externalID ?? 0) of this one",
        at: calls[first].range, severity: .warning,
        notes: ["so have \(repeated.count) calls; work on the device counts for the first one with its id"])
    }
    var types: [Int: DataType] = [:]
    let importer = PyTorchImporter(calls.map { $0.node.completed(&types) })
    let pieces = work.map { piece in
      var work = piece.work
      work.call = (piece.externalID ?? piece.correlation.flatMap { launches[$0] }).flatMap { places[$0] }
      return work
    }
    return Workload(
      name: TraceReader.stem(source.name),
      source: "Kineto trace \(source.name); durations are those of kernels on the device", samples: importer.samples,
      operators: importer.finished(), skipped: importer.skipped()
    ).measured(pieces, of: importer)
  }
}

extension PyTorchNode {
  /// The call with the types of lists and with what it returns. Where that does not follow from the operands, nor does
  /// how much work it is, so that it has none to be judged by.
  /// - Parameter types: of the last tensor with each number of elements so far.
  fileprivate func completed(_ types: inout [Int: DataType]) -> PyTorchNode {
    var node = self
    for index in inputs.indices {
      switch inputs[index] {
      case .tensors(let tensors):
        node.inputs[index] = .tensors(tensors.map { Tensor(shape: $0.shape, type: types[$0.elements]) })
      case .tensor(let tensor): types[tensor.elements] = tensor.type
      default: break
      }
    }
    guard let result = node.inferredResult else {
      node.inputs = []
      return node
    }
    node.outputs = [.tensor(result)]
    types[result.elements] = result.type
    return node
  }
}
