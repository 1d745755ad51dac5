public import Diagnostics
public import Documents

/// A machine's description whose constants can be given other values.
///
/// Every machine that comes of it is read and checked as a file with those values would be.
public struct MachineTemplate: Sendable {
  /// The description as it was read.
  public let source: SourceText
  /// The machine as described.
  public let machine: Machine
  private let root: Node
  /// What reading the description found, and where among it each constant is.
  private let steps: [ConstantFields.Step]
  private let positions: [[String]: Int]

  /// Reads a description.
  /// - Throws: every problem of the file at once, located.
  public init(_ source: SourceText) throws(DiagnosticList) {
    self.source = source
    machine = try MachineReader.read(source)
    // Answers to what nobody knows belong to the machine as published, not to one that is being designed.
    root = try YAMLParser.parse(source).without("unknowns")
    let log = ConstantFields.Log()
    _ = MachineReader.read(root, DocumentReader(source, sink: DiagnosticSink()), log: log)
    steps = log.steps
    var positions: [[String]: Int] = [:]
    for (position, step) in steps.enumerated() {
      if let path = step.path { positions[path.split(separator: ".").map(String.init)] = position }
    }
    self.positions = positions
  }

  /// The paths of the constants, as ``Constant/path`` has them.
  public var paths: [String] { machine.constants.map(\.path) }

  /// The value of a constant as it is written; nil where there is none of that path.
  public func value(at path: String) -> Node? {
    guard paths.contains(path) else { return nil }
    var node = root
    for key in path.split(separator: ".") {
      guard let child = node[String(key)] else { return nil }
      node = child
    }
    return node["value"]
  }

  /// What the reader says of the machine with other values for some constants.
  /// - Parameters:
  ///   - values: paths of constants that exist, as keys in order, and what replaces their values.
  ///   - source: where the values stand, for the places of problems.
  public func read(
    _ values: [(path: [String], value: Node)], in source: SourceText? = nil
  ) -> Result<Machine, DiagnosticList> {
    let sink = DiagnosticSink()
    let machine = MachineReader.read(changed(values), DocumentReader(source ?? self.source, sink: sink))
    guard !sink.hasErrors, let machine else { return .failure(DiagnosticList(sink.diagnostics)) }
    return .success(machine)
  }

  /// The machine that ``read(_:in:)`` gives, without its constants: fast enough to try many values.
  /// - Parameter values: paths of constants that exist, as keys in order, and what replaces their values.
  public func machine(with values: [(path: [String], value: Node)]) -> Result<Machine, DiagnosticList> {
    let replacements = values.map { path, value in
      guard let position = positions[path] else { preconditionFailure("no constant \(path.joined(separator: "."))") }
      return (position, value)
    }
    // Areas are read only where a value changes them.
    let area = values.contains { $0.path.first == "area" } ? nil : machine.area
    if let machine = MachineReader.read(
      repeating: steps, replacing: replacements, area: area, DocumentReader(source, sink: DiagnosticSink()))
    {
      return .success(machine)
    }
    // What is wrong is told with its place.
    return read(values).map { machine in
      var machine = machine
      machine.constants = []
      return machine
    }
  }

  /// The description with other values for some constants, as JSON, which is YAML: any reader of descriptions takes it.
  public func text(_ values: [(path: [String], value: Node)]) -> String {
    var text = ""
    changed(values).writeJSON(to: &text)
    return text + "\n"
  }

  private func changed(_ values: [(path: [String], value: Node)]) -> Node {
    var changed = root
    for (path, value) in values {
      guard let replaced = changed.replacingConstant(at: path[...], with: value) else {
        preconditionFailure("no constant \(path.joined(separator: "."))")
      }
      changed = replaced
    }
    return changed
  }
}
