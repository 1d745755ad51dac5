import Quantities

/// Operators on a matrix unit and a vector unit that work side by side, in the order of the trace on each of them,
/// limited by what they depend on.
///
/// Vector operators take data as it comes: one begins with the first data of what it depends on, and ends no earlier
/// than that. A matrix operator begins when all its operands are there. Off-chip memory serves one operator after the
/// other, so that those that run beside each other take as long as their bytes do together:
///
///     vector   begin = max(what the unit had to do, begin of producers), end = max(begin + time, end of producers)
///     matrix   begin = max(end of the matrix operator before, end of producers), end = begin + time
///     both     end ≥ memory's end = max(memory's end before, begin) + its memory time
///
/// What an operator adds to the step is how much later the last end is with it; the sum of all that is the step.
///
/// Left out: the time to the first data of a producer; that vector work of long operators could let shorter ones pass.
struct OperatorOverlap {
  private var begins: [Double] = []
  private var ends: [Double] = []
  // From when on each unit has nothing to do, and memory; the last end of all.
  private var matrix = 0.0
  private var vector = 0.0
  private var memory = 0.0
  private var last = 0.0

  init(operators: Int) {
    begins.reserveCapacity(operators)
    ends.reserveCapacity(operators)
  }

  /// Adds the next operator of the trace, which takes no time: what depends on it depends on its producers.
  mutating func pass(after producers: some Sequence<Int>) {
    let (begin, end) = ready(producers)
    begins.append(begin)
    ends.append(end)
  }

  /// Adds the next operator of the trace.
  /// - Returns: what each of its runs adds to the step.
  mutating func add(
    _ estimate: Estimate, isMatrix: Bool, repeats: Int, after producers: some Sequence<Int>
  ) -> Seconds {
    let (first, complete) = ready(producers)
    let time = estimate.elapsed.value * Double(repeats)
    let begin: Double
    var end: Double
    if isMatrix {
      begin = max(matrix, complete)
      end = begin + time
    } else {
      begin = max(vector, first)
      vector = begin + time
      end = max(vector, complete)
    }
    // Refreshes and rows that open keep others waiting as data does.
    let occupied = estimate.memory.busy + estimate.memory.stalled[.dram]
    memory = max(memory, begin) + occupied.value * Double(repeats)
    end = max(end, memory)
    if isMatrix { matrix = end }
    begins.append(begin)
    ends.append(end)
    // What hides behind nothing takes its own time, to the last bit.
    guard begin < last else {
      last = end
      return estimate.elapsed
    }
    let added = max(0, end - last)
    last = max(last, end)
    return Seconds(added / Double(repeats))
  }

  private func ready(_ producers: some Sequence<Int>) -> (first: Double, complete: Double) {
    producers.reduce((0, 0)) { (max($0.0, begins[$1]), max($0.1, ends[$1])) }
  }
}
