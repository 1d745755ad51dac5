public import Diagnostics
public import Documents
import Quantities
import Workloads

/// Reads machine descriptions.
public enum MachineReader {
  /// The version of the description format this build reads.
  public static let version = 1

  /// Reads one description in YAML.
  /// - Throws: every problem of the file at once, located.
  public static func read(_ source: SourceText) throws(DiagnosticList) -> Machine {
    let sink = DiagnosticSink()
    let reader = DocumentReader(source, sink: sink)
    let root = try YAMLParser.parse(source)
    var machine = read(root, reader)
    machine?.input = InputDigest(source)
    guard !sink.hasErrors else { throw DiagnosticList(inFileOrder(sink.diagnostics)) }
    guard let machine else {
      throw DiagnosticList(Diagnostic(.emptyFile, "\(source.name) describes no machine"))
    }
    return machine
  }

  /// Sections are read in the order of the engine's needs, not of the file.
  private static func inFileOrder(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    func key(_ item: (offset: Int, element: Diagnostic)) -> (Int, Int, Int) {
      (item.element.location?.line ?? 0, item.element.location?.column ?? 0, item.offset)
    }
    return diagnostics.enumerated().sorted { key($0) < key($1) }.map(\.element)
  }

  private static let families = ["tensor-core", "s4", "systolic"]

  /// What descriptions hold, an engine at a time, as this reader asks for it.
  public static func schema() -> VariantSchema {
    VariantSchema(key: "engine", words: families) { node, reader in _ = read(node, reader) }
  }

  static func read(
    _ root: Node, _ reader: DocumentReader, log: ConstantFields.Log = ConstantFields.Log()
  ) -> Machine? {
    guard var fields = ConstantFields(root, reader, path: "", log: log) else { return nil }
    let machine = read(&fields, reader)
    let unknowns = fields.node("unknowns")
    if reader.isRecording, let unknowns { _ = variants(unknowns, of: root, constants: [], reader) }
    guard var machine else { return nil }
    machine.constants = log.constants
    if let unknowns { machine.variants = variants(unknowns, of: root, constants: log.constants, reader) }
    return machine
  }

  /// The machine of an earlier reading with other values for some constants, checked like any other; nil where that
  /// finds something wrong. It has no constants.
  /// - Parameter area: the areas, where none of the values changes them.
  static func read(
    repeating steps: [ConstantFields.Step], replacing values: [(step: Int, value: Node)], area: AreaModel?,
    _ reader: DocumentReader
  ) -> Machine? {
    let log = ConstantFields.Log(repeating: steps, replacing: values)
    var fields = ConstantFields(repeating: log, reader)
    guard let machine = read(&fields, reader, area: area), !log.hasFailed else { return nil }
    return machine
  }

  private static func read(
    _ fields: inout ConstantFields, _ reader: DocumentReader, area known: AreaModel? = nil
  ) -> Machine? {
    if let version = fields.plain("lacuna_hardware", as: Int.self), !(1...Self.version).contains(version) {
      fields.contradiction(
        "the description has version \(version); this build reads 1 to \(Self.version)",
        help: version > Self.version ? "use a newer lacuna" : "write lacuna_hardware: \(Self.version)")
    }
    let name = fields.plain("name", as: String.self)
    let title = fields.plain("title", as: String.self)
    let family = fields.requiredNode("engine").flatMap {
      reader.choice($0, Self.families.map { ($0, $0) }, what: "an engine")
    }
    let architecture: Architecture? =
      switch family {
      case "tensor-core": TensorCoreGPU(reading: &fields).map(Architecture.tensorCore)
      case "s4": S4Processor(reading: &fields).map(Architecture.s4)
      case "systolic": SystolicArray(reading: &fields).map(Architecture.systolic)
      default: nil
      }
    _ = fields.node("unknowns")
    // The last to be read: a reading that is repeated may know it already.
    let area = known ?? family.flatMap { AreaModel(reading: &fields, of: $0) }
    if known == nil, area != nil, let technology = architecture?.dram.technology,
      DRAMTechnology.named(technology) == nil, let node = fields.node("area")
    {
      fields.report(
        .inconsistentHardware, "areas are for channels of memory, and '\(technology)' has none that are known",
        at: node.range, help: "name a technology: \(DRAMTechnology.all.map(\.name).joined(separator: ", "))")
    }
    // Without an engine no key can be judged.
    if family != nil { fields.finish() }
    guard let name, let title, let architecture else { return nil }
    return Machine(name: name, title: title, architecture: architecture, area: area)
  }
}

extension DRAM {
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("dram") else { return nil }
    let technology = fields.plain("technology", as: String.self)
    let peak = fields.quantity("peak_bandwidth", as: BytesPerSecond.self)
    let stream = fields.quantity("stream_bandwidth", as: BytesPerSecond.self)
    let capacity = fields.quantity("capacity", as: Bytes.self)
    let latency = fields.quantity("latency", as: Seconds.self)
    let energy = fields.quantity("energy", as: JoulesPerByte.self)
    let writeEnergy = fields.optionalQuantity("write_energy", as: JoulesPerByte.self)
    fields.finish()
    if let peak, let stream, stream > peak {
      fields.contradiction(
        "streams reach \(stream), more than the interface's peak of \(peak)",
        help: "stream_bandwidth must not exceed peak_bandwidth")
    }
    guard let technology, let peak, let stream, let capacity, let latency, let energy else { return nil }
    self.init(
      technology: technology, peakBandwidth: peak, streamBandwidth: stream, capacity: capacity, latency: latency,
      energy: energy, writeEnergy: writeEnergy)
  }
}

extension VectorUnit {
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("vector") else { return nil }
    let operations = fields.number("operations_per_cycle", in: 0.001...1e9)
    let transcendentals = fields.number("transcendentals_per_cycle", in: 0.001...1e9)
    let energy = fields.quantity("energy", as: Joules.self)
    fields.finish()
    guard let operations, let transcendentals, let energy else { return nil }
    self.init(operationsPerCycle: operations, transcendentalsPerCycle: transcendentals, energy: energy)
  }
}

extension DataTypeSupport {
  init?(reading parent: inout ConstantFields) {
    guard var table = parent.section("data_types") else { return nil }
    var rates: [DataType: MACRate] = [:]
    var named: Set<DataType> = []
    let sections = table.sections(keys: DataType.allCases.map(\.rawValue))
    if sections.isEmpty {
      table.contradiction("the machine multiplies no data type", help: "add at least one, such as fp16")
    }
    for (key, keyRange, section) in sections {
      var section = section
      let perCycle = section.number("macs_per_cycle", in: 0.001...1e9)
      let sparse = section.optionalNumber("sparse_macs_per_cycle", in: 0.001...1e9)
      let energy = section.quantity("mac_energy", as: Joules.self)
      section.finish()
      guard let type = DataType(rawValue: key) else {
        section.report(
          .unknownValue, "'\(key)' is not a data type", at: keyRange,
          help: nearest(to: key, among: DataType.allCases.map(\.rawValue)).map { "did you mean '\($0)'?" })
        continue
      }
      named.insert(type)
      if let perCycle, let sparse, sparse < perCycle {
        section.contradiction(
          "sparse instructions of \(key) cover \(sparse) MACs a cycle, fewer than the \(perCycle) of dense ones")
      }
      guard let perCycle, let energy else { continue }
      rates[type] = MACRate(perCycle: perCycle, sparsePerCycle: sparse, energy: energy)
    }
    var substitutes: [DataType: DataType] = [:]
    if let node = parent.node("substitutes") {
      guard let entries = parent.reader.entries(node, keys: DataType.allCases.map(\.rawValue)) else {
        let _: Int? = parent.reader.mismatch(node, expected: "a mapping from types to types that stand in for them")
        return nil
      }
      for entry in entries {
        let target = DataType.read(entry.value, parent.reader)
        guard let type = DataType(rawValue: entry.key) else {
          parent.report(.unknownValue, "'\(entry.key)' is not a data type", at: entry.keyRange)
          continue
        }
        if let target, !named.contains(target) {
          parent.report(
            .inconsistentHardware, "\(type.rawValue) is to run as \(target.rawValue), which has no rate",
            at: entry.value.range)
        }
        substitutes[type] = target
      }
    }
    guard !rates.isEmpty else { return nil }
    self.init(rates: rates, substitutes: substitutes)
  }
}
