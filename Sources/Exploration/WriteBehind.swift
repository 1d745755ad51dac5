import Diagnostics
import Dispatch
import Synchronization

/// Writes results into a store while the next ones are computed.
///
/// One batch waits at most, so that memory stays bounded and a kill costs no more than two batches.
final class WriteBehind: Sendable {
  private let store: ResultStore
  /// Nil writes at once, on the thread that asks.
  private let queue: DispatchQueue?
  private let written = DispatchGroup()
  private let problem = Mutex<DiagnosticList?>(nil)

  /// - Parameter threads: how many threads compute; one does its own writing.
  init(_ store: ResultStore, threads: Int) {
    self.store = store
    queue = threads > 1 ? DispatchQueue(label: "results") : nil
  }

  /// Writes results when those before them are written.
  /// - Throws: what kept the ones before them from being written.
  func add(_ results: [PointResult]) throws(DiagnosticList) {
    try finish()
    guard let queue else { return try store.add(results) }
    queue.async(group: written) {
      do throws(DiagnosticList) { try self.store.add(results) } catch { self.problem.withLock { $0 = error } }
    }
  }

  /// Waits until everything is written.
  /// - Throws: what kept it from being.
  func finish() throws(DiagnosticList) {
    written.wait()
    if let problem = problem.withLock({ $0 }) { throw problem }
  }
}
