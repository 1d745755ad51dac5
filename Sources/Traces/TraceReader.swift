public import Diagnostics
public import Documents
public import Workloads

/// What a model description leaves open. A format that leaves none of it open ignores it, with a warning.
public struct ImportOptions: Hashable, Sendable {
  /// Which part of text generation.
  public enum Phase: String, CaseIterable, Sendable {
    /// All tokens of a prompt at once.
    case prefill
    /// One token after a context.
    case decode
  }

  /// Which part of text generation; prefill if nil.
  public var phase: Phase?
  /// Tokens of each sequence in prefill; 512 if nil.
  public var sequenceLength: Int?
  /// Keys that a decoded token attends to; as many as `sequenceLength` if nil.
  public var contextLength: Int?
  /// Sequences or images; 1 if nil.
  public var batch: Int?
  /// How tensors are stored; nil takes the model's own type.
  public var dataType: DataType?

  /// Prefill of one sequence of 512 tokens unless told otherwise.
  public init(
    phase: Phase? = nil, sequenceLength: Int? = nil, contextLength: Int? = nil, batch: Int? = nil,
    dataType: DataType? = nil
  ) {
    self.phase = phase
    self.sequenceLength = sequenceLength
    self.contextLength = contextLength
    self.batch = batch
    self.dataType = dataType
  }

  /// What may be left open, in the words of messages.
  enum Setting: String, CaseIterable {
    case phase
    case sequenceLength = "sequence length"
    case contextLength = "context length"
    case batch
  }

  /// Warns of what was given but means nothing to the input.
  /// - Parameter used: what does mean something.
  func reportUnused(besides used: Set<Setting>, _ reason: String, _ sink: DiagnosticSink) {
    let given: [Setting: Bool] = [
      .phase: phase != nil, .sequenceLength: sequenceLength != nil, .contextLength: contextLength != nil,
      .batch: batch != nil,
    ]
    for setting in Setting.allCases where given[setting] == true && !used.contains(setting) {
      sink.report(
        Diagnostic(.unknownKey, "the \(setting.rawValue) changes nothing: \(reason)", severity: .warning))
    }
  }
}

/// The formats that can be read.
public enum TraceFormat: String, CaseIterable, Sendable {
  /// Lacuna's own container.
  case container
  /// Lacuna's own text format: a header line and one operator a line.
  case jsonLines
  /// What PyTorch's `ExecutionTraceObserver` writes.
  case pytorchExecutionTrace
  /// What PyTorch's profiler writes.
  case kineto
  /// A trace of MLCommons Chakra.
  case chakra
  /// A layer table of SCALE-Sim.
  case scaleSimTopology
  /// The `config.json` of a Hugging Face model.
  case huggingFaceConfig
  /// A model in the Open Neural Network Exchange format.
  case onnx
  /// A layer as Timeloop and Sparseloop describe it.
  case timeloopProblem
  /// Layers as ZigZag and Stream describe them.
  case zigzagWorkload
  /// A StableHLO program as text.
  case stableHLO

  /// What messages call it.
  public var title: String {
    switch self {
    case .container: "Lacuna trace container"
    case .jsonLines: "Lacuna JSON Lines"
    case .pytorchExecutionTrace: "PyTorch execution trace"
    case .kineto: "PyTorch profiler trace (Kineto)"
    case .chakra: "Chakra trace"
    case .scaleSimTopology: "SCALE-Sim topology CSV"
    case .huggingFaceConfig: "Hugging Face config.json"
    case .onnx: "ONNX model"
    case .timeloopProblem: "Timeloop problem"
    case .zigzagWorkload: "ZigZag workload"
    case .stableHLO: "StableHLO program"
    }
  }
}

/// A workload, and what there is to say about how it was read.
public struct ImportedTrace: Sendable {
  /// The workload.
  public var workload: Workload
  /// Problems that did not keep it from being read.
  public var warnings: [Diagnostic]
  /// What the input was.
  public var format: TraceFormat
  /// The file it was read from; nil for content that was in memory.
  public var input: InputDigest?

  /// A read workload.
  public init(workload: Workload, warnings: [Diagnostic], format: TraceFormat) {
    self.workload = workload
    self.warnings = warnings
    self.format = format
  }
}

/// Reads workloads in any of the formats, which it tells apart by content.
public enum TraceReader {
  /// Reads a file, or standard input when `path` is `-`. The endings of a trace may be left out where that leaves no doubt:
  /// `Traces/resnet50` for `Traces/resnet50.jsonl.zst`.
  /// - Throws: everything ``InputFile/load(_:limit:)`` throws, `unknown-format`, and all problems of the content.
  public static func read(
    _ path: String, options: ImportOptions = ImportOptions()
  ) throws(DiagnosticList) -> ImportedTrace {
    let source = try InputFile.load(completed(path))
    var trace = try read(source, isFile: path != "-", options: options)
    trace.input = InputDigest(source)
    return trace
  }

  /// The path with the endings of the only file that has this name otherwise; as it is where it exists, or where several
  /// files do.
  static func completed(_ path: String) -> String {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    let name = path.dropFirst(folder.count)
    guard !name.isEmpty, name != "-" else { return path }
    let names = InputFile.names(inFolder: folder.isEmpty ? "." : folder)
    let longer = names.filter { $0.hasPrefix(name + ".") }
    return names.contains(String(name)) || longer.count != 1 ? path : folder + longer[0]
  }

  /// Reads a workload from content that is in memory.
  /// - Throws: `unknown-format`, and all problems of the content.
  public static func read(
    _ source: SourceText, options: ImportOptions = ImportOptions()
  ) throws(DiagnosticList) -> ImportedTrace {
    try read(source, isFile: false, options: options)
  }

  /// - Parameter isFile: whether the source's name is its path, and other files may be found from there.
  private static func read(
    _ source: SourceText, isFile: Bool, options: ImportOptions
  ) throws(DiagnosticList) -> ImportedTrace {
    let format = try detect(source)
    let sink = DiagnosticSink()
    let workload =
      switch format {
      case .container: try TraceContainer.workload(stream: source.bytes, name: source.name)
      case .jsonLines: try JSONLinesReader(source, sink: sink).read()
      case .pytorchExecutionTrace: try PyTorchImporter.read(source, sink: sink)
      case .kineto: try KinetoImporter.read(source, sink: sink)
      case .chakra: try ChakraImporter.read(source, sink: sink)
      case .scaleSimTopology: try ScaleSimTopology.read(source, sink: sink)
      case .huggingFaceConfig: try HuggingFaceImporter.read(source, options: options, sink: sink)
      case .onnx: try ONNXImporter.read(source.bytes, name: source.name, options: options, sink: sink)
      case .timeloopProblem:
        try TimeloopImporter.read(source, isFile: isFile, options: options, sink: sink)
      case .zigzagWorkload: try ZigZagImporter.read(source, sink: sink)
      case .stableHLO: try StableHLOImporter.read(source, sink: sink)
      }
    // These two say themselves what they used.
    if format != .huggingFaceConfig, format != .onnx {
      options.reportUnused(besides: [], "the input is a \(format.title), whose sizes are fixed", sink)
    }
    try sink.throwIfErrors()
    guard !workload.operators.isEmpty else {
      let skipped = workload.skipped.map {
        "\($0.count) skipped: \($0.reason) (\($0.examples.joined(separator: ", ")))"
      }
      throw DiagnosticList(
        sink.diagnostics + [
          Diagnostic(.emptyTrace, "\(source.name) holds no operator to simulate", notes: skipped)
        ])
    }
    try checkTotals(workload, source)
    return ImportedTrace(workload: workload, warnings: sink.warnings, format: format)
  }

  /// Refuses workloads whose work, all operators together, is beyond what sums of `Int` keep exactly.
  private static func checkTotals(_ workload: Workload, _ source: SourceText) throws(DiagnosticList) {
    var total = 0.0
    for operation in workload.operators {
      let work = operation.vectorWork
      let elements = Double(work.elementsRead) + Double(work.elementsWritten) + Double(work.operations)
      total += (Double(operation.denseMACs) + elements) * Double(operation.repeats)
    }
    guard total > Double(1 << 60) else { return }
    throw DiagnosticList(
      Diagnostic(
        .sizeOverflow,
        "the operators of \(source.name) together do more work than the 2^60 operations that are counted",
        help: "check the sizes; some are probably wrong"))
  }

  /// Stops reading an input that has hundreds of problems: finding the place of each costs time, and nobody mends so
  /// many by hand.
  static func stopIfHopeless(_ sink: DiagnosticSink) throws(DiagnosticList) {
    if sink.hasErrors, sink.diagnostics.count >= 500 { throw DiagnosticList(sink.diagnostics) }
  }

  /// Tells the format by content.
  static func detect(_ source: SourceText) throws(DiagnosticList) -> TraceFormat {
    if ContainerFormat.looksLikeContainer(source.bytes) { return .container }
    if ChakraImporter.looksLikeTrace(source.bytes) { return .chakra }
    if ONNXImporter.looksLikeModel(source.bytes) { return .onnx }
    let start = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let first = source.bytes[start...].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
    if first == nil { throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) holds nothing but white space")) }
    if first == UInt8(ascii: "{"), !source.bytes[start...].starts(with: "{{".utf8) { return try detectJSON(source) }
    if ScaleSimTopology.looksLikeTopology(source) { return .scaleSimTopology }
    if StableHLOModule.looksLikeModule(source) { return .stableHLO }
    if TimeloopImporter.looksLikeProblem(source) { return .timeloopProblem }
    if ZigZagImporter.looksLikeWorkload(source) { return .zigzagWorkload }
    throw unknownFormat(source, found: "its first line is none of these formats' headers")
  }

  private static func detectJSON(_ source: SourceText) throws(DiagnosticList) -> TraceFormat {
    var keys: [String] = []
    var format: TraceFormat?
    var parser = JSONParser(source)
    do throws(DiagnosticList) {
      try parser.forEachMember { (parser, key, _) throws(DiagnosticList) in
        keys.append(key)
        switch key {
        case "lacuna_trace": format = .jsonLines
        case "nodes": format = .pytorchExecutionTrace
        case "traceEvents": format = .kineto
        case "model_type": format = .huggingFaceConfig
        default: break
        }
        // The rest of the object cannot change the answer.
        if format != nil { throw DiagnosticList([]) }
        _ = try parser.parseValue()
      }
    } catch {
      if let format { return format }
      throw error
    }
    // Operators without the header, and models without their type: their readers say what is missing.
    if keys.contains("kind") { return .jsonLines }
    if keys.contains("architectures") || keys.contains("text_config") || keys.contains("hidden_size") {
      return .huggingFaceConfig
    }
    throw unknownFormat(source, found: "a JSON object with the keys \(keys.prefix(8).joined(separator: ", "))")
  }

  private static func unknownFormat(_ source: SourceText, found: String) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .unknownFormat, "\(source.name) is in no format that is read here: \(found)",
        at: source.location(of: 0..<1), notes: TraceFormat.allCases.map { "read: \($0.title)" }))
  }

  /// The name of a file without folders and the extensions of formats: what a workload is called if nothing else
  /// names it.
  static func stem(_ path: String) -> String {
    var stem = path.split(separator: "/").last ?? "-"
    while let dot = stem.lastIndex(of: "."), dot != stem.startIndex,
      extensions.contains(String(stem[stem.index(after: dot)...]))
    {
      stem = stem[..<dot]
    }
    return stem == "-" ? "trace" : String(stem)
  }

  private static let extensions: Set<String> = [
    "ltrace", "zst", "gz", "json", "jsonl", "csv", "et", "pytorch_et", "kineto", "onnx", "yaml", "yml", "mlir",
  ]
}
