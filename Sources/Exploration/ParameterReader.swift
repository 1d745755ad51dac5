import Diagnostics
import Documents
import Hardware
import Quantities
import Simulation
import Workloads

/// Reads the parameters of a study and holds every value against the reader of the machine's description.
struct ParameterReader {
  private let reader: DocumentReader
  private let template: MachineTemplate?
  private let reserved: Set<String>
  private(set) var parameters: [Parameter] = []
  /// Bounds of the numbers a parameter takes; nil for texts.
  private(set) var bounds: [Interval?] = []
  private var owners: [String: String] = [:]

  init(_ reader: DocumentReader, _ template: MachineTemplate?, reserved: Set<String>) {
    self.reader = reader
    self.template = template
    self.reserved = reserved
  }

  private var names: [String] { parameters.map(\.name) }

  mutating func read(_ node: Node) {
    guard let entries = reader.entries(node), !entries.isEmpty else {
      let _: Int? = reader.mismatch(node, expected: "a mapping of at least one parameter")
      return
    }
    for entry in entries {
      if entry.key.wholeMatch(of: /[a-z][a-z0-9_]*/) == nil {
        reader.report(
          .unknownValue, "'\(entry.key)' cannot name a parameter in expressions", at: entry.keyRange,
          help: "use small letters, digits and _, a letter first")
      } else if reserved.contains(entry.key) {
        reader.report(
          .unknownValue, "'\(entry.key)' is the name of a figure that results have", at: entry.keyRange,
          help: "choose another name")
      }
      let (parameter, bounds) = read(entry)
      // A parameter that cannot be read still has a name, so that expressions over it are judged for themselves.
      parameters.append(
        parameter ?? Parameter(name: entry.key, targets: [], domain: .choices([]), condition: nil))
      self.bounds.append(bounds)
    }
    if !parameters.contains(where: \.isFree) {
      reader.report(.emptyRange, "no parameter varies", at: node.range, help: "give one values, or from and to")
    }
  }

  private mutating func read(_ entry: Node.Entry) -> (Parameter?, Interval?) {
    guard var fields = Fields(entry.value, reader, what: "a parameter") else { return (nil, nil) }
    let path = fields.node("path")
    let values = fields.node("values")
    let low = fields.node("from")
    let high = fields.node("to")
    let scale = fields.node("scale").flatMap {
      reader.choice($0, [("linear", false), ("log", true)], what: "a scale")
    }
    let steps = fields.node("steps").flatMap { reader.integer($0, "steps", in: 2...1 << 24) }
    let expression = fields.node("equals").map { self.expression($0) }
    let table = fields.node("table")
    let condition = fields.node("when").flatMap { self.expression($0) }
    let hasSource = fields.node("source").flatMap { String.read($0, reader) } != nil
    fields.finish()
    let targets = path.map { self.targets($0, of: entry.key) } ?? []
    if reader.isRecording {
      // A document has one kind of values, and is asked for no more than that.
      for case let node? in [low, high] {
        let _: Int? = reader.mismatch(node, expected: "", .scalar("a number, with its unit if it has one"))
      }
      if let values { let _: Int? = reader.mismatch(values, expected: "", .list(.scalar("a value"))) }
      _ = table.map(self.table)
    }

    let given = [values != nil, low != nil || high != nil, expression != nil, table != nil].count { $0 }
    guard given == 1 else {
      reader.report(
        given == 0 ? .missingKey : .unknownKey,
        given == 0 ? "'\(entry.key)' has no values" : "'\(entry.key)' has several kinds of values", at: entry.keyRange,
        help: "give one of: values, from and to, equals, table")
      return (nil, nil)
    }
    func parameter(_ domain: Parameter.Domain) -> Parameter {
      Parameter(name: entry.key, targets: targets, domain: domain, condition: condition)
    }
    if let values { return listed(values, targets, parameter) }
    if let expression {
      guard let expression else { return (nil, nil) }
      return (parameter(.expression(expression)), Interval.of(expression, bounds))
    }
    if let table {
      if !hasSource {
        reader.report(
          .missingKey, "the table of '\(entry.key)' needs its source", at: entry.keyRange,
          help: "add source: where its numbers come from")
      }
      guard let (other, entries) = self.table(table) else { return (nil, nil) }
      return (parameter(.table(of: other, entries)), Self.hull(Array(entries.values)))
    }
    guard let low, let high else {
      reader.report(
        .missingKey, "the range of '\(entry.key)' has no \(low == nil ? "'from'" : "'to'")", at: entry.value.range,
        help: "give both ends")
      return (nil, nil)
    }
    return range(low, high, isLogarithmic: scale ?? false, steps: steps, targets, entry, parameter)
  }

  // MARK: Targets

  private mutating func targets(_ node: Node, of name: String) -> [Parameter.Target] {
    var targets: [Parameter.Target] = []
    for element in reader.oneOrMore(node) {
      guard let path = String.read(element, reader) else { continue }
      if let other = owners.updateValue(name, forKey: path) {
        reader.report(
          .duplicateKey, "'\(path)' is set by '\(other)' already", at: element.range,
          help: "let one parameter set it; others may refer to that one")
      }
      if let setting = WorkloadSetting(rawValue: path) {
        targets.append(.workload(setting))
        continue
      }
      guard let template else { continue }
      guard let value = template.value(at: path) else {
        let known = template.paths + WorkloadSetting.allCases.map(\.rawValue)
        reader.report(
          .unknownKey, "\(template.machine.name) has no constant '\(path)'", at: element.range,
          help: nearest(to: path, among: known).map { "did you mean '\($0)'?" }
            ?? "lacuna hardware show \(template.machine.name) lists them")
        continue
      }
      let keys = path.split(separator: ".").map(String.init)
      targets.append(.constant(keys, kind(of: value, at: keys, template)))
    }
    return targets
  }

  /// How a constant is written, as its reader has it.
  private func kind(of value: Node, at path: [String], _ template: MachineTemplate) -> ValueKind {
    switch value.content {
    case .bool: return .flag
    case .sequence, .mapping: return .list
    case .null, .number, .undetermined: break
    case .string(let text):
      guard let (_, base) = UnitTable.read(text) else { return .word }
      return .quantity(base: base)
    }
    // Whether a number must be whole, only the reader knows.
    let probe = Node(.number("1.5"), range: 0..<0)
    guard case .failure(let list) = template.read([(path, probe)]) else { return .number }
    return list.diagnostics.contains { $0.code == .wrongType } ? .integer : .number
  }

  /// Reports what the readers of the targets have against a value.
  private func check(_ node: Node, for targets: [Parameter.Target]) {
    for target in targets {
      switch target {
      case .constant(let path, _):
        guard case .failure(let list)? = template?.read([(path, node)], in: reader.source) else { continue }
        // Whether values fit each other is seen point by point: it depends on the others.
        for diagnostic in list.diagnostics where diagnostic.code != .inconsistentHardware {
          reader.sink.report(diagnostic)
        }
      case .workload(.sparsity):
        if let pattern = SparsityPattern.read(node, reader) { StudyFiles.refuseMask(pattern, at: node, reader) }
      case .workload(.dataType), .workload(.weightType): _ = DataType.read(node, reader)
      case .workload(.training):
        _ = reader.choice(node, TrainingMethod.allCases.map { ($0.rawValue, $0) }, what: "a training method")
      case .workload(.mapping): _ = SimulationOptions.Mapping.read(node, reader)
      case .workload(.samples): _ = reader.integer(node, "samples", in: 1...1 << 30)
      }
    }
  }

  // MARK: Values

  private func listed(
    _ node: Node, _ targets: [Parameter.Target], _ parameter: (Parameter.Domain) -> Parameter
  ) -> (Parameter?, Interval?) {
    guard let elements = node.elements else {
      let _: Int? = reader.mismatch(node, expected: "a list of values", help: "write values: [1, 2, 4]")
      return (nil, nil)
    }
    guard !elements.isEmpty else {
      reader.report(.emptyRange, "the list has no values", at: node.range, help: "give at least one")
      return (nil, nil)
    }
    var choices: [Parameter.Choice] = []
    for element in elements {
      check(element, for: targets)
      let value = Self.value(element)
      if choices.contains(where: { $0.value == value }) {
        reader.report(
          .duplicateKey, "the value \(value) is listed twice", at: element.range, help: "keep one of them")
      }
      choices.append(Parameter.Choice(value: value, node: element))
    }
    return (parameter(.choices(choices)), Self.hull(choices.map(\.value)))
  }

  private func range(
    _ low: Node, _ high: Node, isLogarithmic: Bool, steps: Int?, _ targets: [Parameter.Target], _ entry: Node.Entry,
    _ parameter: (Parameter.Domain) -> Parameter
  ) -> (Parameter?, Interval?) {
    check(low, for: targets)
    check(high, for: targets)
    guard case .number(let first) = Self.value(low), case .number(let last) = Self.value(high) else {
      let node = if case .number = Self.value(low) { high } else { low }
      let _: Int? = reader.mismatch(node, expected: "a number", help: "use values for a list of words")
      return (nil, nil)
    }
    guard first < last else {
      reader.report(
        .emptyRange, "'\(entry.key)' goes from \(low.typeName) to \(high.typeName): nothing lies between",
        at: low.range,
        help: first == last ? "give the one value as a list" : "swap the ends")
      return (nil, nil)
    }
    guard !isLogarithmic || first > 0 else {
      reader.report(
        .outOfRange, "a logarithmic range cannot begin at \(numberText(first))", at: low.range,
        help: "begin above zero, or use scale: linear")
      return (nil, nil)
    }
    let kind = targets.lazy.compactMap { target in if case .constant(_, let kind) = target { kind } else { nil } }.first
    let isWhole = kind == .integer || targets.contains { if case .workload(.samples) = $0 { true } else { false } }
    let bounds = Interval(low: first, high: last)
    guard let steps else {
      return (
        parameter(.range(low: first, high: last, isLogarithmic: isLogarithmic, isWhole: isWhole)), bounds
      )
    }
    var choices: [Parameter.Choice] = []
    for step in 0..<steps {
      let fraction = Double(step) / Double(steps - 1)
      var number = Interpolation.value(fraction, first, last, isLogarithmic: isLogarithmic)
      if isWhole { number = number.rounded() }
      let value = Value.number(number)
      guard choices.last?.value != value else { continue }
      choices.append(Parameter.Choice(value: value, node: (kind ?? .number).node(value)))
    }
    return (parameter(.choices(choices)), bounds)
  }

  private func table(_ node: Node) -> (Int, [Value: Value])? {
    guard var fields = Fields(node, reader, what: "a table") else { return nil }
    let of = fields.requiredNode("of")
    let values = fields.requiredNode("values")
    fields.finish()
    if reader.isRecording, let values, let entries = reader.entries(values) {
      for entry in entries { _ = Double.read(entry.value, reader) }
    }
    guard let of, let values, let name = String.read(of, reader) else { return nil }
    guard let other = names.firstIndex(of: name) else {
      reader.report(
        .unknownKey, "there is no parameter '\(name)' before this one", at: of.range,
        help: nearest(to: name, among: names).map { "did you mean '\($0)'?" })
      return nil
    }
    guard case .mapping(let entries) = values.content else {
      return reader.mismatch(values, expected: "a mapping from values of '\(name)' to numbers")
    }
    var table: [Value: Value] = [:]
    for entry in entries {
      guard let number = Double.read(entry.value, reader) else { continue }
      table[Double(entry.key).map(Value.number) ?? Self.value(Node(.string(entry.key), range: 0..<0))] = .number(number)
    }
    if case .choices(let choices) = parameters[other].domain {
      let missing = choices.map(\.value).filter { table[$0] == nil }
      if !missing.isEmpty {
        reader.report(
          .missingKey, "the table has no line for \(missing.map(\.description).joined(separator: ", "))",
          at: values.range, help: "give a number for each value of '\(name)'")
      }
    }
    return (other, table)
  }

  private func expression(_ node: Node) -> Expression? { ExpressionReader.read(node, reader, names: names) }

  /// A written value as expressions see it: numbers with units in the base unit, switches as 0 and 1.
  static func value(_ node: Node) -> Value {
    switch node.content {
    case .null, .undetermined: return .text("none")
    case .bool(let value): return .number(value ? 1 : 0)
    case .number(let text): return Double(text).map(Value.number) ?? .text(text)
    case .string(let text): return UnitTable.read(text).map { .number($0.value) } ?? .text(text)
    case .sequence, .mapping:
      var text = ""
      node.writeJSON(to: &text)
      return .text(text)
    }
  }

  private static func hull(_ values: [Value]) -> Interval? {
    var numbers: [Double] = []
    for case .number(let number) in values { numbers.append(number) }
    guard numbers.count == values.count, let low = numbers.min(), let high = numbers.max() else { return nil }
    return Interval(low: low, high: high)
  }
}
