import Hardware
import Quantities
import SeededRandom
import Testing

@testable import Simulation

@Suite("Operators beside each other")
struct OverlapTests {
  /// Operators in the order of a trace.
  private struct Step {
    var isMatrix: Bool
    var time: Double
    var memory = 0.0
    var after: [Int] = []
    var repeats = 1
  }

  private func estimate(_ step: Step) -> Estimate {
    var estimate = Estimate(.vector, elapsed: Seconds(step.time), bound: .vector)
    estimate.memory = UnitTime(busy: Seconds(step.memory), of: Seconds(step.time))
    return estimate
  }

  /// What each adds to the step.
  private func added(_ steps: [Step]) -> [Double] {
    var overlap = OperatorOverlap(operators: steps.count)
    return steps.map { step in
      overlap.add(estimate(step), isMatrix: step.isMatrix, repeats: step.repeats, after: step.after).value
        * Double(step.repeats)
    }
  }

  private func total(_ steps: [Step]) -> Double { added(steps).reduce(0, +) }

  @Test func `vector work streams behind the product it depends on`() {
    #expect(added([Step(isMatrix: true, time: 10), Step(isMatrix: false, time: 4, after: [0])]) == [10, 0])
    #expect(added([Step(isMatrix: true, time: 4), Step(isMatrix: false, time: 10, after: [0])]) == [4, 6])
    // Several together.
    let chain = [Step(isMatrix: true, time: 10)] + (0..<3).map { Step(isMatrix: false, time: 4, after: [$0]) }
    #expect(added(chain) == [10, 0, 0, 2])
  }

  @Test func `a product waits for vector work that it depends on, and not for other`() {
    let work = [Step(isMatrix: true, time: 4), Step(isMatrix: false, time: 10, after: [0])]
    #expect(total(work + [Step(isMatrix: true, time: 5, after: [1])]) == 15)
    #expect(total(work + [Step(isMatrix: true, time: 5, after: [0])]) == 10)
    #expect(total(work + [Step(isMatrix: true, time: 8, after: [0])]) == 12)
  }

  @Test func `vector work cannot run before what it depends on`() {
    // Of two products, it hides behind the one it follows only.
    let products = [Step(isMatrix: true, time: 10), Step(isMatrix: true, time: 2)]
    #expect(total(products + [Step(isMatrix: false, time: 6, after: [0])]) == 12)
    #expect(total(products + [Step(isMatrix: false, time: 6, after: [1])]) == 16)
    #expect(total(products + [Step(isMatrix: false, time: 6, after: [0, 1])]) == 16)
  }

  @Test func `operators that share the memory take as long as their bytes`() {
    let product = Step(isMatrix: true, time: 10, memory: 8)
    #expect(total([product, Step(isMatrix: false, time: 4, memory: 2, after: [0])]) == 10)
    #expect(total([product, Step(isMatrix: false, time: 4, memory: 4, after: [0])]) == 12)
  }

  @Test func `what takes no time passes on what it waits for`() {
    var overlap = OperatorOverlap(operators: 3)
    _ = overlap.add(estimate(Step(isMatrix: true, time: 4)), isMatrix: true, repeats: 1, after: [])
    overlap.pass(after: [0])
    let product = Step(isMatrix: false, time: 6)
    #expect(overlap.add(estimate(product), isMatrix: false, repeats: 1, after: [1]).value == 2)
  }

  @Test(arguments: 1...40)
  func `the step is no longer than all, no shorter than each unit, the memory and the longest way`(seed: Int) {
    var generator = SeededGenerator(seed: seed)
    var steps: [Step] = []
    for index in 0..<30 {
      let time = Double(Int.random(in: 1...20, using: &generator))
      let memory = time * Double.random(in: 0...1, using: &generator)
      let after = (0..<index).filter { _ in Int.random(in: 0..<max(2, index), using: &generator) == 0 }
      steps.append(
        Step(
          isMatrix: Bool.random(using: &generator), time: time, memory: memory, after: after,
          repeats: Int.random(in: 1...3, using: &generator)))
    }
    let all = added(steps)
    let step = all.reduce(0, +)
    func sum(_ value: (Step) -> Double) -> Double { steps.reduce(0) { $0 + value($1) * Double($1.repeats) } }
    #expect(all.allSatisfy { $0 >= 0 })
    #expect(step <= sum(\.time) * (1 + 1e-12))
    for lower in [sum { $0.isMatrix ? $0.time : 0 }, sum { $0.isMatrix ? 0 : $0.time }, sum(\.memory)] {
      #expect(step >= lower * (1 - 1e-12))
    }
    // The longest way: products wait for everything before them, vector operators at least end no earlier.
    var ends: [Double] = []
    for step in steps {
      let before = step.after.map { ends[$0] }.max() ?? 0
      let time = step.time * Double(step.repeats)
      ends.append(step.isMatrix ? before + time : max(before, time))
    }
    #expect(step >= (ends.max() ?? 0) * (1 - 1e-12))
    // A further dependency is never faster.
    for index in 1..<steps.count {
      var bound = steps
      bound[index].after.append(index - 1)
      #expect(total(bound) >= step * (1 - 1e-12))
    }
  }

  @Test(arguments: 1...10)
  func `chains take each product, and of the vector work after it what is longer than that`(seed: Int) {
    var generator = SeededGenerator(seed: seed)
    let steps = (0..<40).map { index in
      Step(
        isMatrix: Int.random(in: 0..<3, using: &generator) == 0,
        time: Double(Int.random(in: 1...20, using: &generator)), after: index > 0 ? [index - 1] : [])
    }
    var expected: [Double] = []
    var slack = 0.0
    for step in steps {
      let hidden = step.isMatrix ? 0 : min(slack, step.time)
      expected.append(step.time - hidden)
      slack = step.isMatrix ? step.time : slack - hidden
    }
    #expect(added(steps) == expected)
  }
}
