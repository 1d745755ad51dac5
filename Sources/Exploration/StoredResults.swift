public import Diagnostics
import Documents
import GRDB
import Hardware

/// A store as it is read: without the study that filled it, or while a process fills it.
public struct StoredResults {
  /// The file.
  public let path: String
  /// What the results are of: the parts of the study's identity.
  public let parts: [(part: String, content: String)]
  /// What its columns are.
  public let columns: ResultColumns
  private let database: DatabaseQueue

  /// A row.
  public struct Point: Sendable {
    /// Its place in the sampler's sequence, from zero.
    public let index: Int
    /// The fingerprint of its values.
    public let id: String
    /// Whether it is feasible, and if not, why.
    public let verdict: Verdict
    /// The values of ``ResultColumns/columns``; nil for what the point does not have.
    public let cells: [Value?]
  }

  /// Opens a store for reading.
  /// - Throws: `unreadable-file`, `unusable-store`.
  public init(_ path: String) throws(DiagnosticList) {
    guard try StoreFile.check(path) else {
      throw DiagnosticList(
        Diagnostic(
          .unreadableFile, "\(path) holds no results", help: "lacuna explore STUDY -o \(path) makes some"))
    }
    self.path = path
    (database, parts, columns) = try StoreFile.doing(path) {
      let database = try StoreFile.open(path)
      let (parts, columns) = try database.read { database in
        (
          try Row.fetchAll(database, sql: "SELECT part, content FROM study ORDER BY part").map {
            (part: $0["part"] as String, content: $0["content"] as String)
          }, try Self.columns(database)
        )
      }
      return (database, parts, columns)
    }
  }

  private static func columns(_ database: Database) throws -> ResultColumns {
    var columns: [ResultColumns.Column] = []
    var goals: [ResultColumns.Goal] = []
    for row in try Row.fetchAll(database, sql: "SELECT * FROM columns ORDER BY position") {
      if let role = ResultColumns.Role(rawValue: row["role"]) {
        columns.append(ResultColumns.Column(name: row["name"], role: role))
      } else {
        goals.append(
          ResultColumns.Goal(name: row["title"], column: row["name"], isMaximised: row["goal"] == "maximize"))
      }
    }
    return ResultColumns(columns: columns, goals: goals)
  }

  /// A part of what the results are of.
  public func part(_ name: String) -> String? { parts.first { $0.part == name }?.content }

  /// Refuses a study that is not the one these results are of, and says what differs.
  func checkIdentity(_ identity: StudyIdentity) throws(DiagnosticList) {
    let asked = identity.parts.sorted { $0.part < $1.part }
    guard asked.map(\.part) != parts.map(\.part) || asked.map(\.content) != parts.map(\.content) else { return }
    let names = Set(asked.map(\.part) + parts.map(\.part)).sorted()
    let changed = names.filter { name in asked.first { $0.part == name }?.content != part(name) }
    throw DiagnosticList(
      Diagnostic(
        .changedStudy, "\(path) holds results of something else: \(changed.joined(separator: ", ")) changed since",
        notes: ["results of different studies or programs are never mixed"],
        help: "name another file for the new results"))
  }

  /// Hands over every point in the order of the sampler's sequence; memory stays bounded.
  public func forEachPoint(_ body: (Point) throws -> Void) throws(DiagnosticList) {
    try StoreFile.doing(path) {
      try database.read { database in
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM points ORDER BY point")
        while let row = try rows.next() { if let point = point(row) { try body(point) } }
      }
    }
  }

  /// The point at an index.
  public func point(at index: Int) throws(DiagnosticList) -> Point? {
    try StoreFile.doing(path) {
      try database.read { database in
        try Row.fetchOne(database, sql: "SELECT * FROM points WHERE point = ?", arguments: [index]).flatMap(point)
      }
    }
  }

  private func point(_ row: Row) -> Point? {
    guard let verdict = Verdict(row["verdict"], detail: row["detail"]) else { return nil }
    return Point(
      index: row["point"], id: row["id"], verdict: verdict,
      cells: columns.columns.indices.map { Value(row[4 + $0] as DatabaseValue) })
  }
}

extension StoredResults {
  /// The costs of a point, all to be made small; nil where it is not feasible or an objective is no number.
  public func costs(of point: Point) -> [Double]? {
    guard point.verdict.isFeasible else { return nil }
    var costs: [Double] = []
    for goal in columns.goals {
      guard let column = columns.columns.firstIndex(where: { $0.name == goal.column }),
        case .number(let number)? = point.cells[column], number.isFinite
      else { return nil }
      costs.append(goal.cost(number))
    }
    return costs
  }
}

extension StoredResults {
  /// The best feasible points by an objective, best first.
  /// - Parameter objective: its name or column; the first if nil.
  /// - Throws: `unknown-value` for an objective that the study does not have.
  public func best(_ count: Int, by objective: String?) throws(DiagnosticList) -> [Point] {
    let names = columns.goals.map(\.name)
    guard let index = objective.map({ name in columns.goals.firstIndex { $0.name == name || $0.column == name } }) ?? 0
    else {
      throw DiagnosticList(
        Diagnostic(
          .unknownValue, "'\(objective ?? "")' is no objective of the study",
          notes: ["known: \(names.joined(separator: ", "))"],
          help: nearest(to: objective ?? "", among: names).map { "did you mean '\($0)'?" }))
    }
    var best: [(point: Point, cost: Double)] = []
    try forEachPoint { point in
      guard let cost = costs(of: point)?[index], best.count < count || cost < (best.last?.cost ?? .infinity) else {
        return
      }
      let place = best.firstIndex { cost < $0.cost } ?? best.count
      best.insert((point, cost), at: place)
      if best.count > count { best.removeLast() }
    }
    return best.map(\.point)
  }

  /// The description of a point's machine, as any reader of descriptions takes it.
  /// - Throws: what is wrong with the study that the store holds.
  public func machineText(of point: Point) throws(DiagnosticList) -> String {
    let study = SourceText(name: "the study of \(path)", text: part("study") ?? "")
    let template = try MachineTemplate(SourceText(name: "the machine of \(path)", text: part("machine") ?? ""))
    let sink = DiagnosticSink()
    var parameters = ParameterReader(DocumentReader(study, sink: sink), template, reserved: [])
    if let node = try YAMLParser.parse(study)["parameters"] { parameters.read(node) }
    try sink.throwIfErrors()
    let space = DesignSpace(parameters: parameters.parameters)
    return template.text(space.constantValues(Array(point.cells.prefix(space.parameters.count))))
  }
}
