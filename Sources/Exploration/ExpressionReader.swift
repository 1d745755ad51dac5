import Diagnostics
import Documents

/// Reads the objectives and constraints of a study.
struct ExpressionReader {
  let reader: DocumentReader
  let names: [String]
  /// Bounds of the parameters, the first of the names. Figures are above zero.
  let bounds: [Interval]

  /// The machine that says nothing of areas, so that there is no such figure; nil where there is.
  private let areaLackingMachine: String?

  init(_ reader: DocumentReader, names: [String], bounds: [Interval?], areaLackingMachine: String? = nil) {
    self.reader = reader
    self.areaLackingMachine = areaLackingMachine
    self.names = names
    self.bounds =
      bounds.map { $0 ?? .anything }
      + [Interval](repeating: Interval(low: 0, high: .infinity), count: names.count - bounds.count)
  }

  /// Reads an expression and places what is wrong with it in the study.
  static func read(
    _ node: Node, _ reader: DocumentReader, names: [String], areaLackingMachine: String? = nil
  ) -> Expression? {
    let text: String
    switch node.content {
    case .string(let string), .number(let string): text = string
    case .bool(let value): text = value ? "true" : "false"
    default: return reader.mismatch(node, expected: "an expression", .scalar("an expression"))
    }
    do throws(ExpressionError) {
      return try ExpressionParser.parse(text, names: names)
    } catch {
      // A quoted text begins one byte after its quote.
      let isQuoted = node.range.count == text.utf8.count + 2
      let start = node.range.lowerBound + (isQuoted ? 1 : 0)
      let range = start + error.range.lowerBound..<start + error.range.upperBound
      let word = String(
        decoding: Array(text.utf8)[min(error.range.lowerBound, text.utf8.count)...].prefix(error.range.count),
        as: UTF8.self)
      if let machine = areaLackingMachine, word == Figures.area {
        reader.report(
          .missingKey, "the description of \(machine) says nothing of areas, so its designs have none", at: range,
          help: "add a section 'area' to it; 'lacuna hardware show sat' has one")
        return nil
      }
      reader.report(.invalidExpression, error.message, at: range, help: error.help)
      return nil
    }
  }

  private func read(_ node: Node) -> Expression? {
    Self.read(node, reader, names: names, areaLackingMachine: areaLackingMachine)
  }

  func objectives(_ node: Node) -> [DesignStudy.Objective] {
    guard let elements = node.elements, !elements.isEmpty else {
      return reader.mismatch(node, expected: "a list of at least one objective") ?? []
    }
    var objectives: [DesignStudy.Objective] = []
    for element in elements {
      guard let objective = objective(element) else { continue }
      if objectives.contains(where: { $0.name == objective.name }) {
        reader.report(
          .duplicateKey, "two objectives are called '\(objective.name)'", at: element.range, help: "name one otherwise")
      }
      objectives.append(objective)
    }
    return objectives
  }

  private func objective(_ node: Node) -> DesignStudy.Objective? {
    if reader.text(ifAny: node) != nil {
      return read(node).map { DesignStudy.Objective(name: $0.text, isMaximised: false, expression: $0) }
    }
    guard var fields = Fields(node, reader, what: "an objective") else { return nil }
    let least = fields.node("minimize")
    let most = fields.node("maximize")
    let name = fields.optional("name", as: String.self)
    fields.finish()
    if reader.isRecording { for case let node? in [least, most] { _ = read(node) } }
    guard let node = least ?? most, least == nil || most == nil else {
      reader.report(
        .missingKey, "an objective is to be minimized or maximized", at: node.range,
        help: "write minimize: or maximize: and an expression")
      return nil
    }
    return read(node).map {
      DesignStudy.Objective(name: name ?? $0.text, isMaximised: most != nil, expression: $0)
    }
  }

  func constraints(_ node: Node) -> [Constraint] {
    guard let elements = node.elements else {
      return reader.mismatch(node, expected: "a list of conditions") ?? []
    }
    var constraints: [Constraint] = []
    for element in elements {
      guard let expression = read(element) else { continue }
      guard expression.isCondition else {
        reader.report(
          .invalidExpression, "'\(expression.text)' is no condition", at: element.range,
          help: "compare it with something, such as \(expression.text) <= 1")
        continue
      }
      if !Interval.of(expression, bounds).canHold {
        reader.report(
          .contradictoryConstraints, "no point of the space has \(expression.text)", at: element.range,
          notes: rangeNotes(of: expression), help: "widen the range, or leave the constraint out")
      }
      constraints.append(Constraint(expression: expression, range: element.range))
    }
    reportContradictions(constraints)
    return constraints
  }

  private func rangeNotes(of expression: Expression) -> [String] {
    expression.names.sorted().filter { bounds[$0].low.isFinite && bounds[$0].high.isFinite }.map {
      "\(names[$0]) goes from \(numberText(bounds[$0].low)) to \(numberText(bounds[$0].high))"
    }
  }

  /// Bounds that two constraints put on one name must leave something between them.
  private func reportContradictions(_ constraints: [Constraint]) {
    var lower: [Int: (value: Double, isStrict: Bool, text: String)] = [:]
    var upper = lower
    for constraint in constraints {
      guard case .binary(let operation, .name(let name), .value(.number(let number))) = constraint.expression.root
      else { continue }
      let text = constraint.expression.text
      switch operation {
      case .less, .lessOrEqual:
        if upper[name].map({ number < $0.value }) ?? true { upper[name] = (number, operation == .less, text) }
      case .greater, .greaterOrEqual:
        if lower[name].map({ number > $0.value }) ?? true { lower[name] = (number, operation == .greater, text) }
      default: continue
      }
      guard let low = lower[name], let high = upper[name],
        low.value > high.value || (low.value == high.value && (low.isStrict || high.isStrict))
      else { continue }
      reader.report(
        .contradictoryConstraints, "no design has both \(low.text) and \(high.text)", at: constraint.range,
        help: "leave one of them out")
    }
  }
}
