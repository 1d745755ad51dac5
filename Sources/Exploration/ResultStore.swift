public import Diagnostics
import GRDB
import Quantities

/// The results of a study in an SQLite file: every point once, whatever is killed and whoever else writes.
///
/// Tables: `points`, a row for each point with the columns of ``ResultColumns``; `columns`, what those are; `study`,
/// what the results are of. Points are written in transactions in write-ahead mode: what was written survives the
/// process, and other processes may read and write meanwhile. A point is a function of the study, so that whoever
/// writes one first is right.
public final class ResultStore: Sendable {
  /// Marks files as stores: `LACN`.
  static let applicationID: Int32 = 0x4C41_434E
  static let schemaVersion = 1

  /// The file.
  public let path: String
  private let database: DatabaseQueue
  private let study: DesignStudy
  private let columns: ResultColumns

  /// Creates a store, or opens that of the same study.
  /// - Parameter resumes: whether a store that is there already is to be continued.
  /// - Throws: `unusable-store` for a store that is there without `resumes`, for a file that is none and for one that
  ///   another process does not let go of; `changed-study` for results of another study; `unwritable-file`. What was
  ///   there stays as it was.
  public convenience init(
    _ path: String, for study: DesignStudy, identity: StudyIdentity, resumes: Bool
  ) throws(DiagnosticList) {
    try self.init(path, for: study, identity: identity, resumes: resumes, patience: StoreFile.patience)
  }

  /// - Parameter patience: seconds to wait for another process that writes.
  init(
    _ path: String, for study: DesignStudy, identity: StudyIdentity, resumes: Bool, patience: Double
  ) throws(DiagnosticList) {
    self.path = path
    self.study = study
    columns = ResultColumns(study)
    let isThere = try StoreFile.check(path)
    guard !isThere || resumes else {
      throw DiagnosticList(
        Diagnostic(
          .unusableStore, "\(path) holds results already", help: "add --resume to go on with it, or name another file"))
    }
    if isThere { try StoredResults(path).checkIdentity(identity) }
    let rows = Self.descriptions(columns)
    let names = columns.columns.map(\.name)
    database = try StoreFile.doing(path) {
      let database = try StoreFile.open(path, writes: true, patience: patience)
      try database.write { database in
        // Another process may have been quicker.
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == 0 else { return }
        try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(Self.schemaVersion)")
        try database.execute(sql: "CREATE TABLE study (part TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID")
        try database.execute(
          sql: """
            CREATE TABLE columns (position INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, goal TEXT, \
            title TEXT NOT NULL)
            """)
        let cells = names.map { ", \($0.quotedDatabaseIdentifier)" }.joined()
        try database.execute(
          sql: """
            CREATE TABLE points (point INTEGER PRIMARY KEY, id TEXT NOT NULL, verdict TEXT NOT NULL, \
            detail TEXT NOT NULL\(cells))
            """)
        for (part, content) in identity.parts {
          try database.execute(sql: "INSERT INTO study VALUES (?, ?)", arguments: [part, content])
        }
        for row in rows {
          try database.execute(
            sql: "INSERT INTO columns (name, role, goal, title) VALUES (?, ?, ?, ?)",
            arguments: [row.name, row.role, row.goal, row.title])
        }
      }
      return database
    }
    try StoredResults(path).checkIdentity(identity)
  }

  /// Each column, and each goal as a line of its own that names its column.
  private static func descriptions(
    _ columns: ResultColumns
  ) -> [(name: String, role: String, goal: String?, title: String)] {
    columns.columns.map { ($0.name, $0.role.rawValue, nil, $0.name) }
      + columns.goals.map { ($0.column, "goal", $0.isMaximised ? "maximize" : "minimize", $0.name) }
  }

  /// The indices in a range that have results.
  func finished(in range: Range<Int>) throws(DiagnosticList) -> Set<Int> {
    try StoreFile.doing(path) {
      try database.read { database in
        try Set(
          Int.fetchAll(
            database, sql: "SELECT point FROM points WHERE point >= ? AND point < ?",
            arguments: [range.lowerBound, range.upperBound]))
      }
    }
  }

  /// The result of a point, as it was stored.
  func result(at index: Int) throws(DiagnosticList) -> PointResult? {
    try StoreFile.doing(path) {
      try database.read { database in
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM points WHERE point = ?", arguments: [index])
        else { return nil }
        return result(row)
      }
    }
  }

  private func result(_ row: Row) -> PointResult? {
    guard let verdict = Verdict(row["verdict"], detail: row["detail"]) else { return nil }
    let parameters = study.space.parameters.count
    let values = (0..<parameters).map { Value(row[4 + $0] as DatabaseValue) }
    let figures = study.figureNames.indices.compactMap { row[4 + parameters + $0] as Double? }
    let names = values + figures.map(Value.number)
    return PointResult(
      index: row["point"], values: values, verdict: verdict, figures: figures,
      objectives: figures.isEmpty ? [] : study.objectives.map { $0.expression.number(names) })
  }

  /// A few of the points that were simulated.
  func samples(_ count: Int) throws(DiagnosticList) -> [PointResult] {
    let column = ResultColumns.column("time").quotedDatabaseIdentifier
    return try StoreFile.doing(path) {
      try database.read { database in
        try Row.fetchAll(
          database, sql: "SELECT * FROM points WHERE \(column) IS NOT NULL ORDER BY point LIMIT ?", arguments: [count]
        ).compactMap(result)
      }
    }
  }

  /// Writes results, all or none; those that are there already stay.
  func add(_ results: [PointResult]) throws(DiagnosticList) {
    guard !results.isEmpty else { return }
    let (study, columns) = (study, columns)
    let marks = [String](repeating: "?", count: 4 + columns.columns.count).joined(separator: ", ")
    try StoreFile.doing(path) {
      try database.write { database in
        let statement = try database.cachedStatement(sql: "INSERT OR IGNORE INTO points VALUES (\(marks))")
        for result in results {
          var arguments: [DatabaseValue] = [
            result.index.databaseValue, result.id(in: study).databaseValue, result.verdict.text.databaseValue,
            result.verdict.detail.databaseValue,
          ]
          for cell in columns.cells(result, of: study) { arguments.append(cell?.databaseValue ?? .null) }
          statement.setUncheckedArguments(StatementArguments(arguments))
          try statement.execute()
        }
      }
    }
  }

  /// Lets the file grow to so many pages only, as a full disk would.
  func limitPages(_ count: Int) throws(DiagnosticList) {
    try StoreFile.doing(path) {
      try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(count)") }
    }
  }

  /// Puts everything into the one file, so that it can be copied.
  public func close() throws(DiagnosticList) {
    try StoreFile.doing(path) {
      // Another process that reads or writes keeps the log; nothing is lost then.
      _ = try? database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      try database.close()
    }
  }
}

extension Value {
  init?(_ value: DatabaseValue) {
    switch value.storage {
    case .null, .blob: return nil
    case .int64(let number): self = .number(Double(number))
    case .double(let number): self = .number(number)
    case .string(let text): self = .text(text)
    }
  }

  /// Whole numbers as integers, so that tools show them as such.
  var databaseValue: DatabaseValue {
    switch self {
    case .text(let text): text.databaseValue
    case .number(let number):
      if number == number.rounded(), number.magnitude < 9_007_199_254_740_992 {
        Int64(number).databaseValue
      } else {
        number.databaseValue
      }
    }
  }
}
