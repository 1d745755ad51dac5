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
enum InOrder {
  /// The processors of this machine.
  static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

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
}
