import Documents
public import Exploration
import Hardware
import Quantities

/// What studies found, as text. Equal results give equal text.
public enum StudyReport {
  /// What a study is about to do.
  public static func text(_ preview: SpacePreview) -> String {
    let study = preview.study
    var text = TableReport.heading([study.name, study.template.machine.name, study.sampler.name])
    text += TableReport.wrapped(study.title.printable) + "\n"
    var table = TextTable([.words("parameter"), .words("sets", cut: .end), .number("values")])
    for parameter in study.space.parameters {
      let count = parameter.isFree ? parameter.count.map(String.init) ?? "continuous" : "derived"
      table.add([parameter.name, parameter.paths.joined(separator: ", "), count])
    }
    text += table.text() + "\n"
    var size = TextTable([.words(""), .words("", cut: .wrap)])
    size.add(["combinations", preview.combinations.map { countText($0) } ?? "without end"])
    if let allowed = preview.allowed { size.add(["within the constraints on them", countText(allowed)]) }
    size.add(["points to look at", countText(preview.points)])
    size.add(["feasible", "\(preview.feasible) of \(preview.tried) tried"])
    size.add(["time of a point", Seconds(preview.secondsPerPoint).description])
    size.add(["time of all, on one thread", Seconds(preview.secondsPerPoint * Double(preview.points)).description])
    text += size.text(titles: false)
    return text + reasons(preview.reasons)
  }

  /// What a study has found so far.
  public static func text(_ summary: StudySummary) -> String {
    var text = TableReport.heading([summary.name, plural(summary.points, "point")])
    text += TableReport.wrapped(summary.title.printable)
    text += "\n\(countText(summary.feasible)) feasible, \(summary.front.count) of them on the front\n"
    text += reasons(summary.reasons)
    if !summary.effects.isEmpty {
      var table = TextTable([.words("variance explained by")] + summary.effects.map { .number($0.goal) })
      for (row, part) in summary.effects[0].parts.enumerated() {
        table.add([part.parameter] + summary.effects.map { percentText($0.parts[row].fraction) })
      }
      text += "\n" + table.text()
    }
    if summary.columns.goals.count > 1 {
      var table = TextTable([.number("points"), .number("hypervolume")])
      for mark in summary.hypervolume { table.add([countText(mark.points), formatFixed(mark.fraction, decimals: 4)]) }
      text += "\n" + table.text()
    }
    return text
  }

  private static func reasons(_ reasons: [(reason: String, count: Int)]) -> String {
    guard !reasons.isEmpty else { return "" }
    var table = TextTable([.words("why not", cut: .end), .number("points")])
    for reason in reasons { table.add([reason.reason, countText(reason.count)]) }
    return "\n" + table.text()
  }

  /// What a study has found so far, for scripts.
  public static func json(_ summary: StudySummary) -> String {
    JSONValue.object([
      ("schema_version", .integer(Version.reportSchema)), ("study", .string(summary.name)),
      ("points", .integer(summary.points)), ("feasible", .integer(summary.feasible)),
      ("infeasible", .object(summary.reasons.map { ($0.reason, .integer($0.count)) })),
      (
        "hypervolume",
        .array(
          summary.hypervolume.map { .object([("points", .integer($0.points)), ("fraction", .number($0.fraction))]) })
      ),
      (
        "variance_explained",
        .object(
          summary.effects.map { effect in
            (effect.goal, .object(effect.parts.map { ($0.parameter, .optional($0.fraction)) }))
          })
      ),
      ("front", .array(summary.front.map { object($0, summary.columns) })),
    ]).text
  }

  /// Points in aligned columns: parameters, and what is sought.
  public static func text(_ points: [StoredResults.Point], _ columns: ResultColumns) -> String {
    let sought = Set(columns.goals.map(\.column))
    let shown = columns.columns.indices.filter {
      columns.columns[$0].role == .parameter || sought.contains(columns.columns[$0].name)
    }
    var table = TextTable([.number("point")] + shown.map { .number(title(columns.columns[$0].name)) })
    for point in points {
      table.add(["\(point.index)"] + shown.map { shownText(point.cells[$0], columns.columns[$0].name) })
    }
    return table.text()
  }

  /// Everything about one point.
  public static func text(_ point: StoredResults.Point, of columns: ResultColumns) -> String {
    var table = TextTable([.words(""), .words("", cut: .wrap)])
    table.add(["point", "\(point.index)"])
    table.add(["id", point.id])
    table.add(["verdict", point.verdict.text])
    if !point.verdict.detail.isEmpty { table.add(["", point.verdict.detail]) }
    for (column, cell) in zip(columns.columns, point.cells) {
      table.add([title(column.name), shownText(cell, column.name)])
    }
    return table.text(titles: false)
  }

  /// Points for scripts.
  public static func json(_ points: [StoredResults.Point], _ columns: ResultColumns) -> String {
    JSONValue.object([
      ("schema_version", .integer(Version.reportSchema)), ("points", .array(points.map { object($0, columns) })),
    ]).text
  }

  private static func object(_ point: StoredResults.Point, _ columns: ResultColumns) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("point", .integer(point.index)), ("id", .string(point.id)), ("verdict", .string(point.verdict.text)),
      ("detail", .string(point.verdict.detail)),
    ]
    for (column, cell) in zip(columns.columns, point.cells) {
      switch cell {
      case .number(let number)?
      where column.role == .parameter && number == number.rounded() && number.magnitude < 1e15:
        members.append((column.name, .integer(Int(number))))
      case .number(let number)?: members.append((column.name, .number(number)))
      case .text(let text)?: members.append((column.name, .string(text)))
      case nil: members.append((column.name, .null))
      }
    }
    return .object(members)
  }

  /// The first line of a table of points.
  public static func csvHeader(_ columns: ResultColumns) -> String {
    CSVTable(["point", "id", "verdict", "detail"] + columns.columns.map(\.name)).text
  }

  /// A point's line in a table.
  public static func csvLine(_ point: StoredResults.Point) -> String {
    let cells = ["\(point.index)", point.id, point.verdict.text, point.verdict.detail]
    return (cells + point.cells.map { $0?.description ?? "" }).map(CSVTable.quoted).joined(separator: ",") + "\n"
  }

  // MARK: Cells

  static func title(_ column: String) -> String {
    for suffix in ["_joule_seconds", "_seconds", "_joules", "_watts", "_mm2"] where column.hasSuffix(suffix) {
      return String(column.dropLast(suffix.count))
    }
    return column
  }

  /// The units that a column's numbers are written in.
  static func units(_ column: String) -> [Unit] {
    if column.hasSuffix("joule_seconds") { return [Unit("J·s", 1), Unit("mJ·s", 1e-3), Unit("µJ·s", 1e-6)] }
    if column.hasSuffix("_seconds") { return TimeDimension.units }
    if column.hasSuffix("_joules") { return EnergyDimension.units }
    if column.hasSuffix("_watts") { return PowerDimension.units }
    if column.hasSuffix("_mm2") { return AreaDimension.units }
    return column.hasSuffix("dram_bytes") ? ByteDimension.units : []
  }

  static func shownText(_ cell: Value?, _ column: String) -> String {
    switch cell {
    case nil: "–"
    case .text(let text)?: text
    case .number(let number)?:
      if column.hasSuffix("joule_seconds") {
        "\(formatSignificant(number * 1e3, digits: 4)) mJ·s"
      } else if column.hasSuffix("_seconds") {
        Seconds(number).formatted(significantDigits: 4)
      } else if column.hasSuffix("_joules") {
        Joules(number).formatted(significantDigits: 4)
      } else if column.hasSuffix("_watts") {
        Watts(number).formatted(significantDigits: 4)
      } else if column.hasSuffix("_mm2") {
        SquareMillimetres(number).formatted(significantDigits: 4)
      } else if column.hasSuffix("dram_bytes") {
        bytesText(Bytes(Int64(number)))
      } else if number == number.rounded() || number.magnitude >= 10_000, number.magnitude < 1e15 {
        countText(Int(number.rounded()))
      } else {
        formatSignificant(number, digits: 4)
      }
    }
  }
}
