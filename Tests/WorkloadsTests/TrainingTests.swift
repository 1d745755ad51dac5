import Diagnostics
import Testing
import Workloads

@Suite struct TrainingTests {
  private static let depth = 5

  /// Equal square products, one after another, with an activation behind each.
  private static let stack: Workload = {
    var operators: [Operator] = []
    for layer in 0..<depth {
      operators.append(
        Operator(
          name: "fc\(layer)", kind: .gemm(GEMM(m: 64, n: 32, k: 64)), dataType: .fp16,
          dependencies: layer == 0 ? [] : [operators.count - 1]))
      operators.append(
        Operator(
          name: "relu\(layer)", kind: .elementwise(Elementwise(.relu, elements: 64 * 32)), dataType: .fp16,
          dependencies: [operators.count - 1]))
    }
    return Workload(name: "stack", source: "test", operators: operators)
  }()

  /// The same with convolutions.
  private static let convolutions: Workload = {
    let convolution = Convolution(
      batch: 2, inputChannels: 32, outputChannels: 32, input: Extent(8, 8), kernel: Extent(3, 3),
      padding: Padding(vertical: 1, horizontal: 1))
    let operators = (0..<depth).map { layer in
      Operator(
        name: "conv\(layer)", kind: .convolution(convolution), dataType: .fp16,
        dependencies: layer == 0 ? [] : [layer - 1])
    }
    return Workload(name: "convolutions", source: "test", operators: operators)
  }()

  private static func trained(_ workload: Workload, _ method: TrainingMethod, _ n: Int, _ m: Int) throws -> Workload {
    try workload.trained(by: method, rules: [SparsityRule(.weights, .structured(n: n, m: m))]).workload
  }

  /// Multiply-accumulates on kept values, the first layer left out, which has no input gradient.
  private static func useful(_ workload: Workload) throws -> Double {
    try workload.operators.filter { $0.kind.isMatrix && !$0.name.contains("0") }.reduce(0) { sum, op in
      let k = try #require(op.matrixProblems.first).k
      let weights = try #require(op.sparsity.weights.keptFraction(alongReduction: k))
      let others = try #require(op.sparsity.activations.keptFraction(alongReduction: k))
      return sum + Double(op.denseMACs * op.repeats) * weights * others
    }
  }

  @Test(arguments: [stack, convolutions], [(2, 4), (2, 8), (2, 16), (1, 4), (4, 4)])
  func `a training step multiplies as often as its method says`(workload: Workload, ratio: (n: Int, m: Int)) throws {
    let one = Double((Self.depth - 1) * (workload.operators.first?.denseMACs ?? 0))
    let s = Double(ratio.n) / Double(ratio.m)
    for (method, expected) in [
      (TrainingMethod.dense, 3), (.srSTE, s + 2), (.sdgp, s + 2), (.sdwp, s + 2), (.bdwp, 2 * s + 1),
      (.biMask, 2 * s + 1), (.transposable, 2 * s + 1), (.sSTE, 3 * s),
    ] {
      #expect(try Self.useful(Self.trained(workload, method, ratio.n, ratio.m)) == expected * one, "\(method)")
    }
  }

  @Test(arguments: [(2, 4, 1.2, 1.5), (2, 8, 4.0 / 3, 2.0), (2, 16, 24.0 / 17, 2.4)])
  func `the ideal speedups are those of the published table`(n: Int, m: Int, one: Double, both: Double) throws {
    let dense = try Self.useful(Self.trained(Self.stack, .dense, n, m))
    for method in [TrainingMethod.srSTE, .sdgp, .sdwp] {
      let speedup = try dense / Self.useful(Self.trained(Self.stack, method, n, m))
      #expect((speedup - one).magnitude < 1e-15 * one + 1e-12)
    }
    for method in [TrainingMethod.bdwp, .biMask, .transposable] {
      #expect((try dense / Self.useful(Self.trained(Self.stack, method, n, m)) - both).magnitude < 1e-12)
    }
    let all = try dense / Self.useful(Self.trained(Self.stack, .sSTE, n, m))
    #expect((all - Double(m) / Double(n)).magnitude < 1e-12)
  }

  @Test(arguments: [stack, convolutions])
  func `the first operator with weights gets no input gradient, all others get both`(workload: Workload) throws {
    let step = workload.expandedToTraining(optimizer: .momentum)
    let names = Set(step.operators.map(\.name))
    for (index, op) in workload.operators.filter({ $0.weightElements > 0 }).enumerated() {
      #expect(names.contains("\(op.name).backward_data") == (index > 0))
      #expect(names.contains("\(op.name).backward_weight"))
      #expect(names.contains("\(op.name).update"))
    }
    #expect(names.count == step.operators.count)
    let macs = { (phase: Phase) in step.operators.filter { $0.phase == phase }.reduce(0) { $0 + $1.denseMACs } }
    let first = try #require(workload.operators.first).denseMACs
    #expect(macs(.forward) == workload.denseMACs)
    #expect(macs(.backwardWeight) == workload.denseMACs)
    #expect(macs(.backwardData) == workload.denseMACs - first)
  }

  @Test(arguments: [stack, convolutions], TrainingMethod.allCases)
  func `dependencies point backwards, also where passes are inserted`(workload: Workload, method: TrainingMethod) throws
  {
    let step = try Self.trained(workload, method, 2, 8)
    for (index, op) in step.operators.enumerated() {
      #expect(op.dependencies.allSatisfy { (0..<index).contains($0) }, "\(op.name)")
    }
    // What stood before still hangs on what it hung on.
    let dense = workload.expandedToTraining(optimizer: .momentum)
    for op in dense.operators where op.phase == .forward {
      let there = try #require(step.operators.first { $0.name == op.name })
      #expect(there.dependencies.map { step.operators[$0].name } == op.dependencies.map { dense.operators[$0].name })
    }
    #expect(step.operators.allSatisfy { $0.shapeProblems().isEmpty })
  }

  @Test func `a later dense rule exempts what it names`() throws {
    let rules = [
      SparsityRule(.weights, .structured(n: 2, m: 8)), SparsityRule(operators: "fc3*", .weights, .dense),
    ]
    let operators = try Self.stack.trained(by: .bdwp, rules: rules).workload.operators
    let pruned = operators.filter { $0.sparsity.weights != .dense }.map(\.name)
    #expect(pruned.contains("fc2") && pruned.contains("fc2.backward_data"))
    #expect(!pruned.contains { $0.hasPrefix("fc3") })
    #expect(!operators.contains { $0.name.hasPrefix("fc3.prune") })
  }

  @Test func `gradients flow from layer to layer, past the gradients of weights`() throws {
    let step = Self.stack.expandedToTraining(optimizer: .sgd)
    func producers(_ name: String) throws -> [String] {
      let op = try #require(step.operators.first { $0.name == name })
      return op.dependencies.map { step.operators[$0].name }
    }
    #expect(try producers("relu4.backward_data") == ["relu4"])
    #expect(try producers("fc4.backward_data") == ["relu4.backward_data"])
    #expect(try producers("fc4.backward_weight") == ["relu4.backward_data"])
    #expect(try producers("relu3.backward_data") == ["fc4.backward_data"])
    #expect(try producers("fc3.backward_weight") == ["relu3.backward_data"])
    #expect(try producers("fc0.backward_weight") == ["relu0.backward_data"])
  }

  @Test func `gradients of a result that several operators use are added up`() throws {
    let product = OperatorKind.gemm(GEMM(m: 64, n: 32, k: 64))
    let workload = Workload(
      name: "fork", source: "test",
      operators: [
        Operator(name: "stem", kind: product, dataType: .fp16),
        Operator(name: "left", kind: product, dataType: .fp16, dependencies: [0]),
        Operator(name: "right", kind: product, dataType: .fp16, dependencies: [0]),
        Operator(
          name: "join", kind: .elementwise(Elementwise(.add, elements: 64 * 32, inputs: 3)), dataType: .fp16,
          dependencies: [0, 1, 2]),
      ])
    let step = workload.expandedToTraining(optimizer: .sgd)
    let sum = try #require(step.operators.first { $0.name == "stem.backward_sum" })
    // One gradient comes past the join unchanged, the others from the two products.
    #expect(sum.kind == .elementwise(Elementwise(.add, elements: 64 * 32, inputs: 3)))
    #expect(
      sum.dependencies.map { step.operators[$0].name } == ["join", "right.backward_data", "left.backward_data"])
    let last = try #require(step.operators.first { $0.name == "stem.backward_weight" })
    #expect(last.dependencies.map { step.operators[$0].name } == ["stem.backward_sum"])
  }

  @Test func `what stands before everything trained gets no gradient, what uses an embedding does`() throws {
    let product = OperatorKind.gemm(GEMM(m: 64, n: 32, k: 64))
    func step(_ first: OperatorKind) -> [String] {
      Workload(
        name: "net", source: "test",
        operators: [
          Operator(name: "first", kind: first, dataType: .fp16),
          Operator(name: "fc", kind: product, dataType: .fp16, dependencies: [0]),
        ]
      ).expandedToTraining(optimizer: .sgd).operators.filter { $0.phase != .forward }.map(\.name)
    }
    #expect(step(.elementwise(Elementwise(.relu, elements: 64))) == ["fc.backward_weight", "fc.update"])
    #expect(
      step(.embedding(Embedding(rows: 32, width: 64, vocabulary: 100)))
        == ["fc.backward_data", "fc.backward_weight", "first.backward_weight", "fc.update"])
  }

  @Test func `additions pass gradients on without work`() throws {
    var workload = Self.convolutions
    workload.operators.append(
      Operator(
        name: "add", kind: .elementwise(Elementwise(.add, elements: 64, inputs: 2)), dataType: .fp16,
        dependencies: [Self.depth - 1]))
    let step = workload.expandedToTraining(optimizer: .sgd)
    #expect(!step.operators.contains { $0.name.hasPrefix("add.") })
    let last = try #require(step.operators.first { $0.name == "conv4.backward_data" })
    #expect(last.dependencies.map { step.operators[$0].name } == ["add"])
  }

  @Test func `backward products are the transposes of the forward one`() throws {
    let forward = GEMM(m: 6, n: 10, k: 14, batch: 3)
    let workload = Workload(
      name: "net", source: "test",
      operators: [
        Operator(name: "first", kind: .gemm(GEMM(m: 14, n: 10, k: 4)), dataType: .fp16),
        Operator(name: "fc", kind: .gemm(forward), dataType: .fp16, repeats: 2),
      ])
    let step = workload.expandedToTraining(optimizer: .adam)
    func kind(_ name: String) -> OperatorKind? { step.operators.first { $0.name == name }?.kind }
    // Gradient of the input: Wᵀ[k×m] · [m×n]; of the weights: [m×n] · Xᵀ[n×k].
    #expect(kind("fc.backward_data") == .gemm(GEMM(m: 14, n: 10, k: 6, batch: 3)))
    #expect(kind("fc.backward_weight") == .gemm(GEMM(m: 6, n: 14, k: 10, batch: 3, hasWeights: false)))
    #expect(kind("fc.update") == .update(WeightUpdate(parameters: 3 * 6 * 14, optimizer: .adam)))
    #expect(step.operators.filter { $0.name.hasPrefix("fc.") }.allSatisfy { $0.repeats == 2 })
  }

  @Test func `a product of two activations gets both gradients, experts one product for each width`() throws {
    let workload = Workload(
      name: "net", source: "test",
      operators: [
        Operator(name: "first", kind: .gemm(GEMM(m: 14, n: 10, k: 3)), dataType: .fp16),
        Operator(name: "scores", kind: .gemm(GEMM(m: 6, n: 10, k: 14, hasWeights: false)), dataType: .fp16),
        Operator(name: "experts", kind: .groupedGEMM(GroupedGEMM(m: 8, k: 4, columns: [3, 0, 5, 3])), dataType: .fp16),
      ])
    let step = workload.expandedToTraining(optimizer: .sgd)
    func macs(_ prefix: String) -> [Int] {
      step.operators.filter { $0.name.hasPrefix(prefix) && $0.kind.isMatrix }.map(\.denseMACs)
    }
    #expect(macs("scores.backward_data") == [840, 840])
    #expect(macs("experts.backward_weight") == [8 * 4 * 3 * 2, 8 * 4 * 5])
    #expect(macs("experts.backward_data") == [8 * 4 * 11])
    #expect(macs("first.backward_data").isEmpty)
  }

  private static let forwardPasses = (0..<depth).map { "fc\($0).prune_forward" }
  private static let backwardPasses = (1..<depth).reversed().map { "fc\($0).backward_data.prune_backward" }
  private static let weightPasses: [(TrainingMethod, [String])] = [
    (.dense, []), (.srSTE, forwardPasses), (.sdwp, backwardPasses), (.bdwp, forwardPasses + backwardPasses),
    (.biMask, forwardPasses + backwardPasses), (.transposable, (0..<depth).map { "fc\($0).prune_transposable" }),
  ]

  @Test(arguments: weightPasses)
  func `weights are pruned after their update, at the end of the step`(
    method: TrainingMethod, passes: [String]
  ) throws {
    let step = try Self.trained(Self.stack, method, 2, 8)
    #expect(step.operators.suffix(passes.count).map(\.name) == passes)
    #expect(step.operators.filter { $0.kind.name == "pruning" }.map(\.name) == passes)
    for pass in step.operators.suffix(passes.count) {
      #expect(pass.kind == .pruning(Pruning(elements: 64 * 64, n: 2, m: 8)) && pass.phase == .update)
    }
  }

  @Test func `gradients are pruned right before their use, and used from there`() throws {
    let step = try Self.trained(Self.stack, .sdgp, 2, 8)
    let passes = step.operators.indices.filter { step.operators[$0].kind.name == "pruning" }
    #expect(passes.count == Self.depth - 1)
    for index in passes {
      let pass = step.operators[index]
      let user = step.operators[index + 1]
      #expect(pass.name == "\(user.name).prune_gradient" && pass.phase == .backwardData)
      #expect(pass.kind == .pruning(Pruning(elements: 64 * 32, n: 2, m: 8)))
      #expect(user.sparsity == OperandSparsity(activations: .structured(n: 2, m: 8)))
      #expect(user.dependencies.contains(index))
      #expect(
        pass.dependencies.map { step.operators[$0].name }
          == user.dependencies.dropLast().map { step.operators[$0].name })
    }
  }

  @Test(arguments: [
    (TrainingMethod.srSTE, [Phase.forward]), (.sdwp, [.backwardData]), (.bdwp, [.forward, .backwardData]),
    (.biMask, [.forward, .backwardData]), (.transposable, [.forward, .backwardData]),
    (.sSTE, [.forward, .backwardData, .backwardWeight]),
  ])
  func `weights are sparse in the products that their method prunes, and in no other`(
    method: TrainingMethod, phases: [Phase]
  ) throws {
    let step = try Self.trained(Self.convolutions, method, 2, 8)
    for op in step.operators where op.kind.isMatrix {
      #expect((op.sparsity.weights != .dense) == phases.contains(op.phase), "\(op.name)")
      #expect(op.sparsity.activations == .dense)
    }
  }

  @Test func `separate masks after a permutation bring the gradients into its order before their use`() throws {
    let step = try Self.trained(Self.stack, .biMask, 2, 8)
    let copies = step.operators.indices.filter { step.operators[$0].name.hasSuffix(".permute_gradient") }
    #expect(copies.count == Self.depth - 1)
    for index in copies {
      let (copy, user) = (step.operators[index], step.operators[index + 1])
      #expect(copy.kind == .elementwise(Elementwise(.copy, elements: 64 * 32)) && copy.phase == .backwardData)
      #expect(copy.name == "\(user.name).permute_gradient" && user.dependencies.contains(index))
    }
  }

  @Test func `a mask that holds along both axes needs groups on both, or the layer stays dense`() throws {
    var workload = Self.stack
    workload.operators[2].kind = .gemm(GEMM(m: 60, n: 32, k: 64))
    let (step, notes) = try workload.trained(
      by: .transposable, rules: [SparsityRule(.weights, .structured(n: 2, m: 8))])
    #expect(notes.flatMap(\.operators) == ["fc1", "fc1.backward_data"])
    #expect(!step.operators.contains { $0.name == "fc1.prune_transposable" })
    let both = try workload.trained(by: .bdwp, rules: [SparsityRule(.weights, .structured(n: 2, m: 8))])
    #expect(both.notes.flatMap(\.operators) == ["fc1.backward_data"])
  }

  @Test func `S-STE prunes the output gradients of weight gradients and runs its products in FP8`() throws {
    let rules = [SparsityRule(.weights, .structured(n: 2, m: 4))]
    let step = try Self.stack.trained(by: .sSTE, rules: rules).workload
    for op in step.operators where op.kind.isMatrix {
      #expect(op.dataType == .fp8 && op.outputType == .fp16, "\(op.name)")
    }
    let gradients = step.operators.filter { $0.name.hasSuffix(".backward_weight.prune_gradient") }
    #expect(gradients.map(\.kind) == Array(repeating: .pruning(Pruning(elements: 64 * 32, n: 2, m: 4)), count: 5))
    #expect(gradients.allSatisfy { $0.dataType == .fp16 && $0.outputType == .fp8 })
    let kept = try Self.stack.trained(by: .sSTE, rules: rules, keepsTypes: true).workload
    #expect(kept.operators.allSatisfy { $0.dataType == .fp16 })
    #expect(kept.operators.map(\.name) == step.operators.map(\.name))
  }

  @Test func `a layer that groups do not divide stays dense with a note`() throws {
    var workload = Self.convolutions
    workload.operators[0].kind = .convolution(
      Convolution(inputChannels: 3, outputChannels: 32, input: Extent(8, 8), kernel: Extent(3, 3)))
    let (step, notes) = try workload.trained(
      by: .bdwp, rules: [SparsityRule(.weights, .structured(n: 2, m: 8))])
    #expect(notes.map(\.operators) == [["conv0"]])
    #expect(step.operators.first?.sparsity == .dense)
    #expect(!step.operators.contains { $0.name == "conv0.prune_forward" })
  }

  @Test(arguments: TrainingMethod.allCases)
  func `a recorded training step is not expanded again`(method: TrainingMethod) throws {
    let recorded = Self.stack.expandedToTraining(optimizer: .momentum)
    #expect(recorded.isTraining && !Self.stack.isTraining)
    #expect(try Self.trained(recorded, method, 2, 8) == Self.trained(Self.stack, method, 2, 8))
    #expect(try recorded.trained(by: .dense, rules: []).workload == recorded)
  }

  @Test(arguments: [
    (["weights=16x"], DiagnosticCode.invalidPattern), (["weights=unstructured(0.5)"], .invalidPattern),
    ([], .missingKey),
    (["weights=dense"], .missingKey), (["fc9:weights=2:8"], .matchesNothing), (["relu*:weights=2:8"], .matchesNothing),
  ])
  func `a method without an N to M pattern for something is refused`(rules: [String], code: DiagnosticCode) throws {
    let rules = try rules.map { try SparsityRule(parsing: $0) }
    let error = #expect(throws: DiagnosticList.self) { try Self.stack.trained(by: .bdwp, rules: rules) }
    #expect(error?.diagnostics.map(\.code) == [code])
  }

  @Test func `a rule for some layers prunes those only`() throws {
    let rules = try ["fc1*:weights=2:4", "fc2*:weights=2:8"].map { try SparsityRule(parsing: $0) }
    let step = try Self.stack.trained(by: .bdwp, rules: rules).workload
    let pruned = step.operators.filter { $0.sparsity.weights != .dense }
    #expect(pruned.map(\.name) == ["fc1", "fc2", "fc2.backward_data", "fc1.backward_data"])
    #expect(pruned.map(\.sparsity.weights) == [4, 8, 8, 4].map { .structured(n: 2, m: $0) })
  }
}
