import Documents
import Hardware
import Quantities

extension TableReport {
  /// The components, and beside their sum what the maker says.
  static func area(_ machine: Machine, _ breakdown: AreaBreakdown) -> String {
    var text = heading([machine.name, machine.title, breakdown.node.rawValue]) + "\n"
    var table = TextTable([
      .words("component"), .number("count"), .words("of"), .number("each"), .number("area"), .number("share"),
    ])
    for component in breakdown.components {
      table.add([
        component.name.rawValue, count(component.count), component.name.unit,
        (component.area / component.count).description, component.area.description,
        percentText(component.area / breakdown.total),
      ])
    }
    table.add(["total", "", "", "", breakdown.total.description, ""])
    text += table.text()
    guard let die = breakdown.die else { return text + "\nno published die to compare it with\n" }
    return text + "\npublished die \(die), the sum \(signed(breakdown.total / die - 1))\n"
  }

  private static func count(_ value: Double) -> String {
    let whole = value.rounded()
    return (value - whole).magnitude <= 1e-3 * value ? countText(Int(whole)) : formatSignificant(value, digits: 3)
  }
}

extension CSVReport {
  static func area(_ machine: Machine, _ breakdown: AreaBreakdown) -> String {
    var table = CSVTable(["schema_version", "machine", "node", "component", "count", "of", "area_mm2"])
    for component in breakdown.components {
      table.add([
        cell(Version.reportSchema), machine.name, breakdown.node.rawValue, component.name.rawValue,
        cell(component.count), component.name.unit, cell(component.area.value),
      ])
    }
    return table.text
  }
}

extension JSONReport {
  static func area(_ machine: Machine, _ breakdown: AreaBreakdown) -> [(String, JSONValue)] {
    [
      ("machine", .string(machine.name)), ("node", .string(breakdown.node.rawValue)),
      ("total_mm2", .number(breakdown.total.value)), ("die_mm2", .optional(breakdown.die?.value)),
      (
        "components",
        .array(
          breakdown.components.map {
            .object([
              ("name", .string($0.name.rawValue)), ("count", .number($0.count)), ("of", .string($0.name.unit)),
              ("area_mm2", .number($0.area.value)),
            ])
          })
      ),
    ]
  }
}
