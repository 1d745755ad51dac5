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
  /// At every operator its inputs, its result and what later operators still need must fit `capacity` together; an
  /// element-wise function or a normalization whose input nobody else needs writes over it, and a network's results
  /// stream out. Where not even one sample fits, results leave the chip, those that are needed last first.
  ///
  /// Left out: different turns for different parts of a network, and samples of different sizes.
  init(turning operators: [Operator], capacity: Int, samples: Int?) {
    let graph = Dependencies(operators)
    let outputs = operators.map { Int(Footprint($0).c.count) }
    let samples = max(1, samples ?? 1)
    let needs = operators.indices.map { graph.alive[$0].reduce(graph.working(at: $0, outputs)) { $0 + outputs[$1] } }
    let most = max(1, needs.max() ?? 1)
    let together = Int((Double(capacity) * Double(samples) / Double(most)).rounded(.down))
    turns = (samples + max(1, together) - 1) / max(1, together)
    if together >= samples { turns = 1 }

    let room = Double(capacity) * Double(turns)
    var isOff = [Bool](repeating: false, count: operators.count)
    for index in operators.indices where Double(needs[index]) > room {
      // What is off already takes no room.
      var need = Double(needs[index]) - graph.alive[index].reduce(0) { $0 + (isOff[$1] ? Double(outputs[$1]) : 0) }
      // What waits longest leaves first, then the result, then the inputs.
      let waiting = graph.alive[index].filter { !graph.producers[index].contains($0) }
        .sorted { (graph.nextUse(of: $0, after: index), $1) > (graph.nextUse(of: $1, after: index), $0) }
      let inputs = graph.alive[index].filter { graph.producers[index].contains($0) }
      for candidate in waiting + [index] + inputs where need > room && !isOff[candidate] {
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

/// Who makes and who uses what.
struct Dependencies {
  let producers: [[Int]]
  /// The last operator that uses a result; nil for results of the network.
  let lastUse: [Int?]
  /// For each operator, results of earlier ones that it or a later one uses.
  let alive: [[Int]]
  private let operators: [Operator]

  init(_ operators: [Operator]) {
    self.operators = operators
    // Traces without any dependency are taken as chains.
    let isChain = operators.allSatisfy(\.dependencies.isEmpty)
    producers = operators.indices.map { isChain ? ($0 > 0 ? [$0 - 1] : []) : operators[$0].dependencies }
    var lastUse = [Int?](repeating: nil, count: operators.count)
    for index in operators.indices { for producer in producers[index] { lastUse[producer] = index } }
    var alive: [[Int]] = []
    var current: [Int] = []
    for index in operators.indices {
      current = current.filter { lastUse[$0] ?? -1 >= index }
      alive.append(current)
      if lastUse[index] != nil { current.append(index) }
    }
    self.lastUse = lastUse
    self.alive = alive
  }

  /// Bytes an operator needs beside what is alive: inputs from outside, and its result unless it is written over an
  /// input or streams out.
  func working(at index: Int, _ outputs: [Int]) -> Int {
    let outside = producers[index].isEmpty ? externalBytes(at: index) : 0
    guard lastUse[index] != nil else { return outside }
    let isInPlace =
      switch operators[index].kind {
      case .elementwise, .normalization: producers[index].contains { lastUse[$0] == index && outputs[$0] >= outputs[index] }
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

  func nextUse(of index: Int, after now: Int) -> Int {
    (now + 1..<producers.count).first { producers[$0].contains(index) } ?? .max
  }
}
