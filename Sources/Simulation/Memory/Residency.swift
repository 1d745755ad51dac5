import Quantities
import Workloads

/// Where results wait between operators.
///
/// A result stays on chip when it and the inputs it was made from fit together; it is then read from there by its
/// consumers. What a backward pass needs later (everything a training run's forward phase makes) is written out as
/// well.
struct Residency {
  fileprivate(set) var inputsOnChip: [Bool] = []
  fileprivate(set) var outputOnChip: [Bool] = []
  /// Equal parts of the step's samples that go through the network one after the other.
  fileprivate(set) var turns = 1

  fileprivate init() {}

  /// The same for all operators.
  init(_ operators: Int, onChip: Bool) {
    inputsOnChip = [Bool](repeating: onChip, count: operators)
    outputOnChip = inputsOnChip
  }
}

/// What of results' waiting does not depend on how much there is room for.
struct ResidencyPlan: Sendable {
  private let way: Way
  /// Those whose results operators use, one operator's after the other's.
  private let producers: [Int]

  private enum Way: Sendable {
    case together([Chained])
    case turns(Turns)
  }

  /// Where results wait with so many bytes of room.
  func residency(capacity: Int) -> Residency {
    switch way {
    case .together(let operators): residency(operators, capacity)
    case .turns(let turns): turns.residency(capacity)
    }
  }

  // MARK: All samples together

  /// An operator whose result waits where it and the inputs fit.
  private struct Chained {
    var bytes: Int64
    /// Its place among ``producers``.
    var producers: Range<Int>
    /// Whether it may read its inputs on chip.
    var takes: Bool
    /// Whether it may leave its result there.
    var leaves: Bool
  }

  /// All samples go through each operator together.
  init(_ operators: [Operator]) {
    var isConsumed = [Bool](repeating: false, count: operators.count)
    // Traces without any dependency are taken as chains.
    let isChain = operators.allSatisfy(\.dependencies.isEmpty)
    var chained: [Chained] = []
    var all: [Int] = []
    chained.reserveCapacity(operators.count)
    for (index, op) in operators.enumerated() {
      let footprint = Footprint(op)
      let activations = footprint.aIsWeights ? footprint.b : footprint.inputs
      let producers = isChain ? (index > 0 ? [index - 1] : []) : op.dependencies
      all += producers
      chained.append(
        Chained(
          bytes: (activations + footprint.c).count, producers: all.count - producers.count..<all.count,
          takes: op.phase != .backwardWeight && !producers.isEmpty, leaves: op.phase != .forward))
      for producer in producers { isConsumed[producer] = true }
    }
    for index in chained.indices where !isConsumed[index] { chained[index].leaves = false }
    (way, producers) = (.together(chained), all)
  }

  private func residency(_ operators: [Chained], _ capacity: Int) -> Residency {
    var residency = Residency()
    residency.inputsOnChip.reserveCapacity(operators.count)
    residency.outputOnChip.reserveCapacity(operators.count)
    let capacity = Int64(capacity)
    for op in operators {
      residency.inputsOnChip.append(op.takes && op.producers.allSatisfy { operators[producers[$0]].bytes <= capacity })
      residency.outputOnChip.append(op.leaves && op.bytes <= capacity)
    }
    return residency
  }

  // MARK: In turns

  /// Takes samples through the whole network in turns, as many at a time as keep everything alive on chip.
  ///
  /// Operators that are equally far from the network's inputs are taken as running together, whatever their order in
  /// the file. What they read, what they make and what later ones still need must fit the capacity; an element-wise
  /// function or a normalization writes over an input that nobody else needs, and a network's results stream out.
  /// Where not even one sample fits, results leave the chip: those that wait longest first, then what is being made,
  /// then what it is made from.
  ///
  /// Left out: different turns for different parts of a network, and samples of different sizes.
  init(turning operators: [Operator], samples: Int?) {
    (way, producers) = (.turns(Turns(operators, samples: max(1, samples ?? 1))), [])
  }

  private struct Turns {
    private let samples: Int
    private let outputs: [Int]
    private let producers: [[Int]]
    /// Whether a result is used at all.
    private let isUsed: [Bool]
    private let steps: [Step]

    private struct Step {
      var bytes: Int
      var alive: [Int]
      /// What leaves the chip, in this order.
      var candidates: [Int]
    }

    init(_ operators: [Operator], samples: Int) {
      let graph = Dependencies(operators)
      let outputs = operators.map { Int(Footprint($0).c.count) }
      // The last step that read each result.
      var reader = [Int](repeating: -1, count: operators.count)
      steps = graph.steps(outputs).enumerated().map { place, step in
        for index in step.operators { for producer in graph.producers[index] { reader[producer] = place } }
        /// What waits goes first, then what is made, then what it is made from.
        func rank(_ index: Int) -> Int { graph.depths[index] == place ? 1 : reader[index] == place ? 2 : 0 }
        var candidates = step.alive + step.operators
        candidates.sort { a, b in
          let (first, second) = (rank(a), rank(b))
          if first != second { return first < second }
          // Of these, what waits longest.
          return (graph.lastUse[b] ?? 0, outputs[b], operators[a].name) < (
            graph.lastUse[a] ?? 0, outputs[a], operators[b].name
          )
        }
        return Step(bytes: step.bytes, alive: step.alive, candidates: candidates)
      }
      (self.samples, self.outputs, producers) = (samples, outputs, graph.producers)
      isUsed = graph.lastUse.map { $0 != nil }
    }

    func residency(_ capacity: Int) -> Residency {
      var residency = Residency()
      let most = max(1, steps.reduce(1) { max($0, $1.bytes) })
      let together = Int(Double(capacity) * Double(samples) / Double(most))
      let turns = together >= samples ? 1 : (samples + max(1, together) - 1) / max(1, together)
      residency.turns = turns

      let room = Double(capacity) * Double(turns)
      var isOff = [Bool](repeating: false, count: outputs.count)
      for step in steps where Double(step.bytes) > room {
        // What is off already takes no room.
        var need = Double(step.bytes) - step.alive.reduce(0) { $0 + (isOff[$1] ? Double(outputs[$1]) : 0) }
        for candidate in step.candidates where need > room && !isOff[candidate] {
          isOff[candidate] = true
          need -= Double(outputs[candidate])
        }
      }
      residency.inputsOnChip.reserveCapacity(outputs.count)
      residency.outputOnChip.reserveCapacity(outputs.count)
      for index in outputs.indices {
        let producers = producers[index]
        residency.inputsOnChip.append(!producers.isEmpty && producers.allSatisfy { !isOff[$0] })
        residency.outputOnChip.append(!isOff[index] && isUsed[index])
      }
      return residency
    }
  }
}

/// Who makes and who uses what, whatever the order of the file.
struct Dependencies {
  let producers: [[Int]]
  /// How many operators there are between the network's inputs and this one, on the longest way.
  let depths: [Int]
  /// The depth of the last operator that uses a result; nil for results of the network.
  let lastUse: [Int?]
  private let consumers: [Int]
  private let operators: [Operator]

  /// Operators that run together.
  struct Step {
    var operators: [Int] = []
    /// Results of earlier steps that this or a later one uses.
    var alive: [Int] = []
    /// Everything that must be somewhere.
    var bytes = 0
  }

  init(_ operators: [Operator]) {
    self.operators = operators
    // Traces without any dependency are taken as chains.
    let isChain = operators.allSatisfy(\.dependencies.isEmpty)
    producers = operators.indices.map { isChain ? ($0 > 0 ? [$0 - 1] : []) : operators[$0].dependencies }
    var depths: [Int] = []
    var lastUse = [Int?](repeating: nil, count: operators.count)
    var consumers = [Int](repeating: 0, count: operators.count)
    for index in operators.indices {
      depths.append(producers[index].reduce(0) { max($0, depths[$1] + 1) })
      for producer in producers[index] {
        lastUse[producer] = max(lastUse[producer] ?? 0, depths[index])
        consumers[producer] += 1
      }
    }
    (self.depths, self.lastUse, self.consumers) = (depths, lastUse, consumers)
  }

  /// The steps, by depth.
  func steps(_ outputs: [Int]) -> [Step] {
    var steps = [Step](repeating: Step(), count: (depths.max() ?? -1) + 1)
    func waits(_ index: Int) -> Range<Int> { depths[index] + 1..<max(depths[index], lastUse[index] ?? 0) + 1 }
    var alive = [Int](repeating: 0, count: steps.count)
    for index in operators.indices { for depth in waits(index) { alive[depth] += 1 } }
    for depth in steps.indices { steps[depth].alive.reserveCapacity(alive[depth]) }
    for index in operators.indices {
      steps[depths[index]].operators.append(index)
      steps[depths[index]].bytes += working(at: index, outputs)
      for depth in waits(index) {
        steps[depth].alive.append(index)
        steps[depth].bytes += outputs[index]
      }
    }
    return steps
  }

  /// Bytes an operator needs beside what is alive: inputs from outside, and its result unless it is written over an
  /// input or streams out.
  private func working(at index: Int, _ outputs: [Int]) -> Int {
    let outside = producers[index].isEmpty ? externalBytes(at: index) : 0
    guard lastUse[index] != nil else { return outside }
    let isInPlace =
      switch operators[index].kind {
      case .elementwise, .normalization:
        producers[index].contains { consumers[$0] == 1 && outputs[$0] >= outputs[index] }
      default: false
      }
    return outside + (isInPlace ? 0 : outputs[index])
  }

  /// Bytes that come from outside the network to an operator without producers: an image, or the indices of a gather.
  func externalBytes(at index: Int) -> Int {
    if case .embedding(let embedding) = operators[index].kind { return embedding.rows * 4 }
    let footprint = Footprint(operators[index])
    return Int((footprint.aIsWeights ? footprint.b : footprint.inputs).count)
  }

  /// Bytes that a step gets from and gives back to the host.
  var transferredBytes: Bytes {
    operators.indices.reduce(.zero) { sum, index in
      let result = lastUse[index] == nil ? Footprint(operators[index]).c : .zero
      return sum + result + (producers[index].isEmpty ? Bytes(Int64(externalBytes(at: index))) : .zero)
    }
  }
}
