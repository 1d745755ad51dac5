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

  /// How many of `rest` inputs one of so many threads takes at a time: a share, so that shares become small towards the
  /// end and nobody waits long for the last one.
  package static func share(of rest: Int, threads: Int) -> Int { min(rest, max(1, rest / (4 * threads))) }

  /// The inputs transformed on up to `threads` threads, a share at a time.
  package static func map<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], threads: Int, _ transform: @Sendable (Input) -> Output
  ) -> [Output] {
    guard threads > 1, inputs.count > 1 else { return inputs.map(transform) }
    let next = Mutex(0)
    let outputs = Mutex<[(first: Int, part: [Output])]>([])
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      while true {
        let range = next.withLock { first in
          let count = share(of: inputs.count - first, threads: threads)
          defer { first += count }
          return first..<first + count
        }
        guard !range.isEmpty else { return }
        let part = inputs[range].map(transform)
        outputs.withLock { $0.append((range.lowerBound, part)) }
      }
    }
    return outputs.withLock { $0.sorted { $0.first < $1.first }.flatMap(\.part) }
  }
}
