import Diagnostics
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Work on several threads whose results come in the order of their inputs, so that nothing depends on how many there are.
package enum InOrder {
  /// The processors of this machine.
  package static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Takes inputs from `next` until it gives nil, transforms up to `threads` of them at once, and hands the results
  /// to `consume` in order.
  static func stream<Input: Sendable, Output: Sendable>(
    threads: Int, next: () throws(DiagnosticList) -> Input?,
    transform: @Sendable (Input) throws(DiagnosticList) -> Output,
    consume: (Output) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    while true {
      var wave: [Input] = []
      while wave.count < max(1, threads), let input = try next() { wave.append(input) }
      if wave.isEmpty { return }
      if wave.count == 1 {
        try consume(try transform(wave[0]))
        continue
      }
      let inputs = wave
      let results = Mutex([Result<Output, DiagnosticList>?](repeating: nil, count: inputs.count))
      DispatchQueue.concurrentPerform(iterations: inputs.count) { index in
        let result: Result<Output, DiagnosticList>
        do throws(DiagnosticList) { result = .success(try transform(inputs[index])) } catch { result = .failure(error) }
        results.withLock { $0[index] = result }
      }
      for result in results.withLock({ $0 }) { if let result { try consume(try result.get()) } }
    }
  }

  /// The inputs transformed on up to `threads` threads, each of which takes a few neighbours at a time.
  package static func map<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], threads: Int, _ transform: @Sendable (Input) -> Output
  ) -> [Output] {
    // Enough pieces that nobody waits long for the slowest, few enough that handing them out costs nothing.
    let pieces = min(inputs.count, threads * 64)
    guard threads > 1, pieces > 1 else { return inputs.map(transform) }
    let outputs = Mutex([[Output]](repeating: [], count: pieces))
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      while true {
        let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard piece < pieces else { return }
        let range = piece * inputs.count / pieces..<(piece + 1) * inputs.count / pieces
        let part = inputs[range].map(transform)
        outputs.withLock { $0[piece] = part }
      }
    }
    return outputs.withLock { $0 }.flatMap { $0 }
  }
}
