import Diagnostics
public import Documents
import Workloads

/// Reads the native text format: a header object on the first line and one operator object on each further line.
///
/// Every line is parsed by itself, so that all problems of a file are found in one go.
struct JSONLinesReader {
  /// The version of the format that this reads and ``TraceWriter`` writes.
  static let version = 1

  let source: SourceText
  let sink: DiagnosticSink

  init(_ source: SourceText, sink: DiagnosticSink) {
    self.source = source
    self.sink = sink
  }

  /// Reads the workload. Problems go to the sink.
  func read() throws(DiagnosticList) -> Workload {
    var workload: Workload?
    var isNewer = false
    var lineNumber = 0
    var operatorCount = 0
    for line in source.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let text = SourceText(name: source.name, bytes: Array(line), precedingLines: lineNumber)
      lineNumber += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      let reader = DocumentReader(text, sink: sink)
      let isHeader = workload == nil
      // A line that does not parse still counts, so that the dependencies of later lines keep their meaning.
      if !isHeader { operatorCount += 1 }
      let node: Node
      do throws(DiagnosticList) { node = try JSONParser.parse(text) } catch {
        for diagnostic in error.diagnostics { sink.report(diagnostic) }
        if isHeader { workload = blank }
        continue
      }
      if isHeader {
        (workload, isNewer) = header(node, text, reader)
      } else if let read = Operator.read(
        node, reader, text: text, index: operatorCount - 1, reportsUnknownKeys: !isNewer)
      {
        workload?.operators.append(read)
      }
    }
    return workload ?? blank
  }

  var blank: Workload {
    Workload(name: TraceReader.stem(source.name), source: source.name, operators: [])
  }

  /// Reads the first line.
  func header(
    _ node: Node, _ text: SourceText, _ reader: DocumentReader
  ) -> (workload: Workload, isNewer: Bool) {
    var workload = blank
    guard node["lacuna_trace"] != nil || node["kind"] == nil else {
      reader.report(
        .missingKey, "the first line must be the header, but this is an operator", at: node.range,
        help: #"put {"lacuna_trace":\#(Self.version),"name":"…"} on a line of its own before it"#)
      return (workload, false)
    }
    guard var fields = Fields(node, reader, what: "the header object") else { return (workload, false) }
    var isNewer = false
    if let found = fields.required("lacuna_trace", in: 1 ... .max), found > Self.version {
      isNewer = true
      reader.report(
        .unknownSchema, "the trace has version \(found), but this build knows only version \(Self.version)",
        at: node["lacuna_trace"]?.range ?? node.range, severity: .warning,
        notes: ["it is read as version \(Self.version); keys that are new are ignored"])
    }
    if let name = fields.optional("name", as: String.self) { workload.name = name }
    if let source = fields.optional("source", as: String.self) { workload.source = source }
    workload.samples = fields.optional("samples", in: 1 ... .max)
    if let list = fields.node("skipped") {
      if let elements = list.elements {
        workload.skipped = elements.compactMap { skipped($0, reader, reportsUnknownKeys: !isNewer) }
      } else {
        let _: Int? = reader.mismatch(list, expected: "a list")
      }
    }
    workload.attributes = fields.attributes(text, keepingUnknown: isNewer)
    if !isNewer { fields.finish() }
    return (workload, isNewer)
  }

  private func skipped(
    _ node: Node, _ reader: DocumentReader, reportsUnknownKeys: Bool
  ) -> Workload.Skipped? {
    guard var fields = Fields(node, reader, what: "an object with a reason and a count") else { return nil }
    let reason = fields.required("reason", as: String.self)
    let count = fields.required("count", in: 1 ... .max)
    let examples = fields.node("examples").map { reader.list($0, of: String.self) } ?? []
    if reportsUnknownKeys { fields.finish() }
    guard let reason, let count else { return nil }
    return Workload.Skipped(reason: reason, count: count, examples: examples)
  }
}

extension TraceReader {
  /// What a line of a trace in JSON holds: its header, or an operator of each kind, as the reader asks for it.
  public static func schema() -> (header: SchemaRecorder, operators: VariantSchema) {
    let header = SchemaRecorder()
    let text = SourceText(name: "schema", text: "")
    header.run { node, reader in _ = JSONLinesReader(text, sink: reader.sink).header(node, text, reader) }
    let operators = VariantSchema(key: "kind", words: OperatorKind.names) { node, reader in
      _ = Operator.read(node, reader, text: text, index: 0, reportsUnknownKeys: true)
    }
    return (header, operators)
  }
}

extension DocumentReader {
  /// Reads a list whose elements are all of one type; those that are not are reported and left out.
  func list<T: DocumentReadable>(_ node: Node, of type: T.Type) -> [T] {
    guard let elements = node.elements else {
      let _: Int? = mismatch(node, expected: "a list")
      return []
    }
    return elements.compactMap { T.read($0, self) }
  }
}

extension Operator {
  /// Reads an operator line.
  /// - Parameters:
  ///   - index: the operator's own index: dependencies must be smaller.
  ///   - reportsUnknownKeys: whether unknown keys are mistakes; else they are kept as attributes.
  static func read(
    _ node: Node, _ reader: DocumentReader, text: SourceText, index: Int, reportsUnknownKeys: Bool
  ) -> Operator? {
    guard var fields = Fields(node, reader, what: "an operator object") else { return nil }
    let name = fields.required("name", as: String.self)
    let kindName = fields.requiredNode("kind").flatMap {
      reader.choice($0, OperatorKind.names.map { ($0, $0) }, what: "a kind of operator")
    }
    let phase = fields.node("phase").flatMap {
      reader.choice($0, Phase.allCases.map { ($0.rawValue, $0) }, what: "a phase")
    }
    let dataType = fields.required("dtype", as: DataType.self)
    let outputType = fields.optional("out_dtype", as: DataType.self)
    let weightType = fields.optional("weight_dtype", as: DataType.self)
    let sparsity = fields.node("sparsity").map { OperandSparsity.read($0, reader) } ?? .dense
    let dependencies = fields.node("deps").map { node in
      (node.elements ?? []).compactMap { element -> Int? in
        guard let value = reader.integer(element, "deps", in: .min ... .max, form: .integer(0 ... .max)) else {
          return nil
        }
        if value >= 0, value < index { return value }
        reader.report(
          .danglingDependency,
          "operator \(index) depends on operator \(value), which \(value < 0 ? "cannot exist" : "does not come before it")",
          at: element.range, help: "dependencies are indices of earlier lines; the first operator is 0")
        return nil
      }
    }
    if let node = node["deps"], node.elements == nil { let _: Int? = reader.mismatch(node, expected: "a list") }
    let repeats = fields.optional("repeat", in: 1 ... .max) ?? 1
    let start = fields.optional("start_ns", in: -1 << 60...1 << 60)
    let duration = fields.optional("duration_ns", in: 0...1 << 60)
    // Without a kind nobody knows which keys belong here.
    guard let kindName else { return nil }
    let kind = OperatorKind.read(kindName, &fields)
    let attributes = fields.attributes(text, keepingUnknown: !reportsUnknownKeys)
    if reportsUnknownKeys { fields.finish() }
    guard let name, let dataType, let kind else { return nil }
    let result = Operator(
      name: name, kind: kind, phase: phase ?? .inference, dataType: dataType, outputType: outputType,
      weightType: weightType, sparsity: sparsity, dependencies: dependencies ?? [], repeats: repeats,
      measured: start == nil && duration == nil
        ? nil : RecordedTime(start: start.map { .nanoseconds($0) }, duration: duration.map { .nanoseconds($0) }),
      attributes: attributes)
    for problem in result.shapeProblems() {
      reader.report(
        problem.code, problem.message, at: node[problem.key]?.range ?? node.range, help: problem.help)
    }
    return result
  }
}

extension Fields {
  /// The object of the key `attributes` as it is written, and with it the members that this version does not know.
  fileprivate mutating func attributes(_ text: SourceText, keepingUnknown: Bool) -> String? {
    func written(_ range: Range<Int>) -> String { String(decoding: text.bytes[range], as: UTF8.self) }
    let unknown = keepingUnknown ? rest().filter { $0.key != "attributes" } : []
    let node = node("attributes")
    var members: [Node.Entry] = []
    switch node?.content {
    case .mapping(let entries)?: members = entries
    case nil: break
    default: if let node { let _: Int? = reader.mismatch(node, expected: "an object", .mapping) }
    }
    guard !unknown.isEmpty else { return node.map { written($0.range) } }
    return "{" + (members + unknown).map { written($0.keyRange) + ":" + written($0.value.range) }.joined(separator: ",")
      + "}"
  }
}

extension OperandSparsity {
  fileprivate static func read(_ node: Node, _ reader: DocumentReader) -> OperandSparsity {
    var sparsity = OperandSparsity.dense
    guard var fields = Fields(node, reader, what: "an object with the patterns of the operands") else {
      return sparsity
    }
    for operand in Operand.allCases {
      if let pattern = fields.optional(operand.rawValue, as: SparsityPattern.self) { sparsity[operand] = pattern }
    }
    fields.finish()
    return sparsity
  }
}
