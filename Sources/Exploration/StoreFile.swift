import Diagnostics
import GRDB

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is done to files of results before and around GRDB.
enum StoreFile {
  /// Seconds to wait for another process that writes.
  static let patience = 20.0

  /// Opens a connection.
  ///
  /// SQLite itself waits for others in transactions but not while a connection turns the journal to write-ahead: of two
  /// that open a new file at once, one is refused at once. Such a one asks again.
  static func open(_ path: String, writes: Bool = false, patience: Double = patience) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = !writes
    configuration.busyMode = .timeout(patience)
    if writes { configuration.journalMode = .wal }
    let start = ContinuousClock.now
    while true {
      do { return try DatabaseQueue(path: path, configuration: configuration) } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now - start < .seconds(patience)
      {
        usleep(1000)
      }
    }
  }

  /// Whether there is a store; false for no file and for a database without anything in it.
  /// - Throws: `unusable-store` for anything else.
  static func check(_ path: String) throws(DiagnosticList) -> Bool {
    try doing(path) {
      guard FileSize.of(path) > 0 else { return false }
      let database = try open(path)
      let (id, version, tables) = try database.read { database in
        (
          try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0,
          try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0,
          try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        )
      }
      try database.close()
      if id == 0, tables == 0 { return false }
      guard id == ResultStore.applicationID else {
        throw DiagnosticList(
          Diagnostic(
            .unusableStore, "\(path) is a database of another program, not a store of results",
            help: "name another file"))
      }
      guard version <= ResultStore.schemaVersion else {
        throw DiagnosticList(
          Diagnostic(
            .unusableStore,
            "\(path) has the layout \(version) of a newer lacuna; this build knows \(ResultStore.schemaVersion)",
            help: "use a newer lacuna"))
      }
      return true
    }
  }

  /// Does something to a store and says what went wrong in the words of a user.
  static func doing<T>(_ path: String, _ body: () throws -> T) throws(DiagnosticList) -> T {
    do { return try body() } catch let list as DiagnosticList { throw list } catch let error as DatabaseError {
      throw DiagnosticList(diagnostic(path, error))
    } catch {
      throw DiagnosticList(Diagnostic(.unusableStore, "\(path) cannot be used: \(error)"))
    }
  }

  private static func diagnostic(_ path: String, _ error: DatabaseError) -> Diagnostic {
    let message = error.message ?? "error \(error.resultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return Diagnostic(
        .unusableStore, "\(path) is held by another process that does not let go of it",
        help: "wait for that process, or end it; what it wrote stays")
    case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_SCHEMA:
      return Diagnostic(
        .unusableStore, "\(path) is no store of results: \(message)", help: "name another file")
    case .SQLITE_FULL:
      return Diagnostic(
        .unwritableFile, "there is no room to write \(path)",
        help: "make room and add --resume: what was written stays")
    case .SQLITE_IOERR:
      return Diagnostic(
        .unwritableFile, "\(path) cannot be written: \(message)",
        help: "see that its disk has room and works, and add --resume: what was written stays")
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      return Diagnostic(
        .unwritableFile, "\(path) cannot be opened or written: \(message)",
        help: "check that its folder exists and may be written")
    default: return Diagnostic(.unusableStore, "\(path) cannot be used: \(message)")
    }
  }
}
