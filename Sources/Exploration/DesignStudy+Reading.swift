public import Diagnostics
public import Documents
import Hardware
import Quantities
import Simulation
import Traces
import Workloads

extension DesignStudy {
  /// Reads the study of a file, with its machine and its traces, and checks it whole.
  /// - Throws: every problem at once, located.
  public init(path: String) throws(DiagnosticList) {
    try self.init(try InputFile.load(path, limit: Bytes(1 << 24)))
  }

  /// Reads a study.
  /// - Parameter source: the file; paths in it are taken from the folder of its name.
  /// - Throws: every problem at once, located.
  public init(_ source: SourceText) throws(DiagnosticList) {
    let sink = DiagnosticSink()
    let study = Self.read(try YAMLParser.parse(source), DocumentReader(source, sink: sink))
    guard let study, !sink.hasErrors else {
      throw DiagnosticList(sink.diagnostics.sorted { Self.place($0) < Self.place($1) })
    }
    self = study
  }

  /// What studies hold, as this reader asks for it.
  public static func schema() -> SchemaRecorder {
    let recorder = SchemaRecorder()
    for sampler in samplers {
      recorder.run(given: ["sampler.kind": sampler]) { node, reader in _ = read(node, reader) }
    }
    return recorder
  }

  private static func read(_ root: Node, _ reader: DocumentReader) -> DesignStudy? {
    guard var fields = Fields(root, reader, what: "a study") else { return nil }
    if let version = fields.requiredNode("lacuna_study").flatMap({ reader.integer($0, "lacuna_study", in: 1...1 << 20) }
    ),
      version > Self.version
    {
      reader.report(
        .unknownSchema, "the study has version \(version); this build reads 1 to \(Self.version)",
        at: fields.node.range, help: "use a newer lacuna")
    }
    let name = fields.required("name", as: String.self)
    let title = fields.optional("title", as: String.self)
    let seed = fields.optional("seed", in: 0...Int.max) ?? 1
    let files = StudyFiles(reader)
    let template = fields.requiredNode("machine").flatMap(files.machine)
    let workloads = fields.requiredNode("workloads").map(files.workloads) ?? []
    let hasArea = template.map { $0.machine.area != nil } ?? true
    let figures = Figures.names(of: workloads.map(\.name), hasArea: hasArea)

    var parameters = ParameterReader(reader, template, reserved: Set(figures + ResultColumns.fixed))
    if let node = fields.requiredNode("parameters") { parameters.read(node) }
    let names = parameters.parameters.map(\.name) + figures
    let expressions = ExpressionReader(
      reader, names: names, bounds: parameters.bounds, areaLackingMachine: hasArea ? nil : template?.machine.name)
    let objectives = fields.requiredNode("objectives").map { expressions.objectives($0) } ?? []
    let constraints = fields.node("constraints").map { expressions.constraints($0) } ?? []
    let parametersAlone = constraints.filter { $0.expression.names.allSatisfy { $0 < parameters.parameters.count } }
    let space = DesignSpace(parameters: parameters.parameters, constraints: parametersAlone)
    let samplerNode = fields.node("sampler")
    let sampler = samplerNode.map { Self.sampler($0, space, reader) } ?? .grid
    if case .grid? = sampler { Self.checkGrid(space, at: (samplerNode ?? fields.node).range, reader) }
    fields.finish()
    guard let name, let template, let sampler else { return nil }
    return DesignStudy(
      name: name, title: title ?? name, source: reader.source, template: template, workloads: workloads, space: space,
      objectives: objectives,
      constraints: constraints.filter { !$0.expression.names.allSatisfy { $0 < parameters.parameters.count } },
      sampler: sampler, seed: UInt64(seed))
  }

  private static func place(_ diagnostic: Diagnostic) -> (Int, Int) {
    (diagnostic.location?.line ?? 0, diagnostic.location?.column ?? 0)
  }

  private static let samplers = ["grid", "random", "sobol", "nsga2"]

  private static func sampler(_ node: Node, _ space: DesignSpace, _ reader: DocumentReader) -> Sampler? {
    let kinds = samplers.map { ($0, $0) }
    if reader.text(ifAny: node, .word(["grid"])) != nil {
      guard let kind = reader.choice(node, kinds, what: "a sampler") else { return nil }
      if kind == "grid" { return .grid }
      reader.report(
        .missingKey, "the sampler \(kind) needs to know how many points it may look at", at: node.range,
        help: kind == "nsga2"
          ? "write {kind: nsga2, population: 64, generations: 32}" : "write {kind: \(kind), points: 1000}")
      return nil
    }
    guard var fields = Fields(node, reader, what: "a sampler") else { return nil }
    defer { fields.finish() }
    guard let kind = fields.requiredNode("kind").flatMap({ reader.choice($0, kinds, what: "a sampler") }) else {
      _ = fields.rest()
      return nil
    }
    let most = 1 << 40
    switch kind {
    case "grid": return .grid
    case "random": return fields.required("points", in: 1...most).map(Sampler.random)
    case "sobol":
      guard let points = fields.required("points", in: 1...Int(UInt32.max)) else { return nil }
      guard space.free.count <= SobolSequence.mostDimensions else {
        reader.report(
          .outOfRange,
          "Sobol sequences go up to \(SobolSequence.mostDimensions) dimensions; the study varies \(space.free.count)",
          at: node.range, help: "use random")
        return nil
      }
      return .sobol(points: points)
    default:
      let population = fields.required("population", in: 4...1 << 16)
      let generations = fields.required("generations", in: 1...1 << 24)
      guard let population, let generations else { return nil }
      guard population.isMultiple(of: 2) else {
        reader.report(.outOfRange, "a population of \(population) is odd; parents come in pairs", at: node.range)
        return nil
      }
      return .nsga2(population: population, generations: generations)
    }
  }

  /// A grid needs a finite number of combinations.
  private static func checkGrid(_ space: DesignSpace, at range: Range<Int>, _ reader: DocumentReader) {
    guard space.count == nil else { return }
    let endless = space.parameters.filter { $0.isFree && $0.count == nil }.map { "'\($0.name)'" }
    reader.report(
      .outOfRange,
      endless.isEmpty
        ? "the grid has more than 2^53 points"
        : "a grid needs steps for the continuous range of \(endless.joined(separator: ", "))", at: range,
      help: endless.isEmpty ? "use a sampler with a number of points" : "add steps, or use another sampler")
  }
}

/// Reads the machine and the workloads of a study.
struct StudyFiles {
  private let reader: DocumentReader
  private let folder: String

  init(_ reader: DocumentReader) {
    self.reader = reader
    let name = reader.source.name
    folder = name.lastIndex(of: "/").map { String(name[...$0]) } ?? ""
  }

  /// Problems of a file that the study names are told where it names it, the file's own places beside them.
  private func loading<T>(_ node: Node, _ what: String, _ body: () throws(DiagnosticList) -> T) -> T? {
    do throws(DiagnosticList) { return try body() } catch {
      for diagnostic in error.diagnostics.prefix(20) {
        let place = diagnostic.location.map { "\($0.file):\($0.line):\($0.column): " } ?? ""
        reader.report(
          diagnostic.code, "\(what): \(place)\(diagnostic.message)", at: node.range, severity: diagnostic.severity,
          notes: diagnostic.notes, help: diagnostic.help)
      }
      return nil
    }
  }

  /// Refuses real zeros for the weights of all operators, whose shapes differ.
  static func refuseMask(_ pattern: SparsityPattern, at node: Node, _ reader: DocumentReader) {
    guard case .mask = pattern else { return }
    reader.report(
      .unsupportedPattern, "\(pattern) has the zeros of one operator, not of all weights", at: node.range,
      help: "give it to a workload: sparsity: ['OPERATOR:weights=\(pattern)']")
  }

  private func path(_ name: String) -> String { name.hasPrefix("/") ? name : folder + name }

  func machine(_ node: Node) -> MachineTemplate? {
    guard let name = String.read(node, reader) else { return nil }
    return loading(node, "the machine '\(name)'") { () throws(DiagnosticList) in
      let isFile = name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
      return try MachineTemplate(isFile ? try InputFile.load(path(name)) : try MachineCatalog.source(of: name))
    }
  }

  func workloads(_ node: Node) -> [StudyWorkload] {
    guard let elements = node.elements, !elements.isEmpty else {
      let _: Int? = reader.mismatch(node, expected: "a list of at least one workload")
      return []
    }
    var workloads: [StudyWorkload] = []
    for element in elements {
      guard let workload = self.workload(element) else { continue }
      if workloads.contains(where: { $0.name == workload.name }) {
        reader.report(
          .duplicateKey, "two workloads are called '\(workload.name)'", at: element.range, help: "give one another name"
        )
      }
      workloads.append(workload)
    }
    return workloads
  }

  private func workload(_ node: Node) -> StudyWorkload? {
    guard var fields = Fields(node, reader, what: "a workload") else { return nil }
    let traceNode = fields.requiredNode("trace")
    let name = fields.optional("name", as: String.self)
    let weight = fields.node("weight").flatMap { reader.number($0, "weight", in: 1e-12...1e12) } ?? 1
    var changes = WorkloadChanges()
    var masks = MaskResolver(folder: folder)
    let rules = fields.node("sparsity")
    if let rules {
      for rule in reader.oneOrMore(rules) {
        guard let text = String.read(rule, reader) else { continue }
        let read = loading(rule, "a rule") { () throws(DiagnosticList) in
          try masks.resolve([try SparsityRule(parsing: text)])
        }
        changes.rules += read ?? []
      }
    }
    changes.training = fields.node("training").flatMap { node in
      reader.choice(node, TrainingMethod.allCases.map { ($0.rawValue, $0) }, what: "a training method")
    }
    changes.dataType = fields.optional("data_type")
    changes.weightType = fields.optional("weight_type")
    let samples = fields.optional("samples", in: 1...1 << 30)
    let fuses = fields.optional("fuse", as: Bool.self) ?? false
    let mapping = fields.node("mapping").flatMap { SimulationOptions.Mapping.read($0, reader) } ?? .usual
    fields.finish()
    guard let traceNode, let path = String.read(traceNode, reader) else { return nil }
    let trace = loading(traceNode, "the trace '\(path)'") { () throws(DiagnosticList) in
      let isFile = path.contains("/") || path.contains(".")
      let shipped = ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil)
      return try masks.resolve(
        try TraceReader.read((isFile ? nil : shipped.path(of: path)) ?? self.path(path)).workload)
    }
    guard let trace else { return nil }
    if let rules, changes.rules.contains(where: { if case .mask = $0.pattern { true } else { false } }) {
      // Zeros that do not fit their operators are told before anything runs.
      _ = loading(rules, "the masks of '\(path)'") { () throws(DiagnosticList) in try trace.applying(changes.rules) }
    }
    let own = name ?? String(trace.name.map { $0.isLetter || $0.isNumber ? $0 : "_" }).lowercased()
    guard own.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil else {
      reader.report(
        .unknownValue, "'\(own)' cannot name a workload in expressions", at: node.range,
        help: "add a name of small letters, digits and _")
      return nil
    }
    return StudyWorkload(
      name: own, weight: weight, trace: trace, options: SimulationOptions(fusesEpilogues: fuses, mapping: mapping),
      changes: changes,
      samples: samples)
  }
}

extension SimulationOptions.Mapping {
  /// Reads which mappings an array chooses from.
  static func read(_ node: Node, _ reader: DocumentReader) -> Self? {
    reader.choice(node, allCases.map { ($0.rawValue, $0) }, what: "a choice of mappings")
  }
}
