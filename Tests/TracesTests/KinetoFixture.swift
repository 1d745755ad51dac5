/// Writes traces of PyTorch's profiler by hand. Times are in microseconds.
struct KinetoFixture {
  private var events: [String] = []

  /// Adds a call on the host: operands as shape and type, what is no tensor as text.
  mutating func call(
    _ name: String, id: Int, at start: Double, for duration: Double = 10, thread: Int = 1,
    _ operands: [(shape: [Int], type: String)] = [], concrete: [String] = []
  ) {
    let values = concrete.isEmpty ? operands.map { _ in "" } : concrete
    let types = operands.map { "\"\($0.type)\"" }.joined(separator: ",")
    events.append(
      """
      {"ph":"X","cat":"cpu_op","name":"\(name)","pid":1,"tid":\(thread),"ts":\(start),"dur":\(duration),
       "args":{"External id":\(id),"Input Dims":\(operands.map(\.shape)),"Input type":[\(types)],
       "Concrete Inputs":\(values)}}
      """)
  }

  /// Adds a kernel.
  mutating func kernel(_ name: String, at start: Double, for duration: Double, _ link: String) {
    event(
      #"{"ph":"X","cat":"kernel","name":"\#(name)","pid":0,"tid":7,"ts":\#(start),"dur":\#(duration),"args":{\#(link)}}"#
    )
  }

  /// Adds an event as it is.
  mutating func event(_ text: String) { events.append(text) }

  var text: String {
    "{\"schemaVersion\":1,\"deviceProperties\":[],\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}"
  }
}
