import Quantities
import Workloads

/// Where results wait between operators.
///
/// A result stays on chip when it and the inputs it was made from fit together; it is then read from there by its
/// consumers. What a backward pass needs later (everything a training run's forward phase makes) is written out as
/// well.
struct Residency {
  private(set) var inputsOnChip: [Bool] = []
  private(set) var outputOnChip: [Bool] = []
  /// Equal parts of the step's samples that go through the network one after the other.
  private(set) var turns = 1

  /// The same for all operators.
  init(_ operators: [Operator], onChip: Bool) {
    inputsOnChip = operators.map { _ in onChip }
    outputOnChip = inputsOnChip
  }

  init(_ operators: [Operator], capacity: Int) {
    var fits: [Bool] = []
    var isConsumed = [Bool](repeating: false, count: operators.count)
    // Traces without any dependency are taken as chains.
    let isChain = operators.allSatisfy(\.dependencies.isEmpty)
    for (index, op) in operators.enumerated() {
      let footprint = Footprint(op)
      let activations = footprint.aIsWeights ? footprint.b : footprint.inputs
      fits.append((activations + footprint.c).count <= Int64(capacity))
      let producers = isChain ? (index > 0 ? [index - 1] : []) : op.dependencies
      inputsOnChip.append(
        op.phase != .backwardWeight && !producers.isEmpty && producers.allSatisfy { fits[$0] })
      for producer in producers { isConsumed[producer] = true }
    }
    for (index, op) in operators.enumerated() {
      outputOnChip.append(fits[index] && isConsumed[index] && op.phase != .forward)
    }
  }
}

extension Residency {
  /// Takes samples through the whole network in turns, as many at a time as keep everything alive on chip.
  ///
  /// Operators that are equally far from the network's inputs are taken as running together, whatever their order in
  /// the file. What they read, what they make and what later ones still need must fit `capacity`; an element-wise
  /// function or a normalization writes over an input that nobody else needs, and a network's results stream out.
  /// Where not even one sample fits, results leave the chip: those that wait longest first, then what is being made,
  /// then what it is made from.
  ///
  /// Left out: different turns for different parts of a network, and samples of different sizes.
  init(turning operators: [Operator], capacity: Int, samples: Int?) {
    let graph = Dependencies(operators)
    let outputs = operators.map { Int(Footprint($0).c.count) }
    let samples = max(1, samples ?? 1)
    let steps = graph.steps(outputs)
    let most = max(1, steps.map(\.bytes).max() ?? 1)
    let together = Int(Double(capacity) * Double(samples) / Double(most))
    turns = together >= samples ? 1 : (samples + max(1, together) - 1) / max(1, together)

    let room = Double(capacity) * Double(turns)
    var isOff = [Bool](repeating: false, count: operators.count)
    for step in steps where Double(step.bytes) > room {
      // What is off already takes no room.
      var need = Double(step.bytes) - step.alive.reduce(0) { $0 + (isOff[$1] ? Double(outputs[$1]) : 0) }
      let inputs = Set(step.operators.flatMap { graph.producers[$0] })
      func longest(_ candidates: [Int]) -> [Int] {
        candidates.sorted { a, b in
          (graph.lastUse[b] ?? 0, outputs[b], operators[a].name) < (
            graph.lastUse[a] ?? 0, outputs[a], operators[b].name
          )
        }
      }
      let (waiting, read) = (step.alive.filter { !inputs.contains($0) }, step.alive.filter(inputs.contains))
      for candidate in longest(waiting) + longest(step.operators) + longest(read)
      where need > room && !isOff[candidate] {
        isOff[candidate] = true
        need -= Double(outputs[candidate])
      }
    }
    for index in operators.indices {
      let producers = graph.producers[index]
      inputsOnChip.append(!producers.isEmpty && producers.allSatisfy { !isOff[$0] })
      outputOnChip.append(!isOff[index] && graph.lastUse[index] != nil)
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
    for index in operators.indices {
      steps[depths[index]].operators.append(index)
      steps[depths[index]].bytes += working(at: index, outputs)
      for depth in depths[index] + 1..<max(depths[index], lastUse[index] ?? 0) + 1 {
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
