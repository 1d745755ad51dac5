import Testing
import Traces
import Workloads

@Suite struct CommittedTracesTests {
  private func load(_ name: String) throws -> Workload {
    try TraceReader.read("\(repository)/Traces/\(name).jsonl.zst").workload
  }

  private func count(_ workload: Workload, _ kind: String, _ phase: Phase = .inference) -> Int {
    workload.operators.filter { $0.kind.name == kind && $0.phase == phase }.count
  }

  @Test func `ResNet-50 has the multiply-accumulates of its architecture`() throws {
    let workload = try load("resnet50")
    #expect(workload.denseMACs == 32 * 4_089_184_256)
    #expect(count(workload, "convolution") == 53 && count(workload, "gemm") == 1)
    #expect(workload.samples == 32)
  }

  @Test func `ResNet-18 has the multiply-accumulates of its architecture`() throws {
    let workload = try load("resnet18")
    #expect(workload.denseMACs == 1_814_073_344)
    #expect(workload.operators.reduce(0) { $0 + $1.weightElements } == 11_678_912)
    #expect(count(workload, "convolution") == 20)
  }

  @Test func `BERT-large has 24 layers of six products, and a pooler`() throws {
    let workload = try load("bert-large")
    #expect(count(workload, "gemm") == 24 * 6 + 1 && count(workload, "attention") == 24)
    let layer = 1024 * (4 * 1024 * 1024 + 2 * 1024 * 4096) + 2 * 8 * 16 * 128 * 128 * 64
    #expect(workload.denseMACs == 24 * layer + 8 * 1024 * 1024)
  }

  @Test func `Llama-2-7B has four layers of seven products and a head`() throws {
    let workload = try load("llama2-7b-prefill")
    // One small product more computes the rotary angles.
    #expect(count(workload, "gemm") == 4 * 7 + 1 + 1 && count(workload, "attention") == 4)
    let layer = 512 * (4 * 4096 * 4096 + 3 * 4096 * 11008) + 2 * 32 * (512 * 513 / 2) * 128
    #expect(workload.denseMACs == 4 * layer + 512 * 4096 * 32000 + 512 * 64)
  }

  @Test func `training runs every convolution three times but for the first`() throws {
    let workload = try load("resnet18-train")
    #expect(count(workload, "convolution", .forward) == 20)
    #expect(count(workload, "convolution", .backwardData) == 19)
    #expect(count(workload, "convolution", .backwardWeight) == 20)
    #expect(
      [Phase.forward, .backwardData, .backwardWeight].map { count(workload, "gemm", $0) } == [1, 1, 1])
    let updates = workload.operators.compactMap { operation -> WeightUpdate? in
      if case .update(let update) = operation.kind { update } else { nil }
    }
    // Every filter and norm of ResNet-18, and a classifier of 200.
    #expect(updates == [WeightUpdate(parameters: 11_176_512 + 512 * 200 + 200, optimizer: .momentum)])
    let macs = { (phase: Phase) in
      workload.operators.filter { $0.phase == phase }.reduce(0) { $0 + $1.denseMACs }
    }
    let first = 32 * 64 * 32 * 32 * 3 * 7 * 7
    #expect(macs(.forward) == macs(.backwardWeight))
    #expect(macs(.forward) == macs(.backwardData) + first)
  }

  /// Multiply-accumulates of one image forward, and weights of convolutions and linear layers. ResNet-18 and ResNet-50
  /// are torchvision's; norms and biases do not count.
  @Test(arguments: [
    ("resnet9-train", 379_261_952, 6_568_640), ("vgg19-train", 398_182_400, 20_070_080),
    ("vit-train", 1_420_343_808, 21_290_496), ("resnet18-tiny-train", 148_148_224, 11_166_912 + 512 * 200),
    ("resnet50-train", 4_089_184_256, 25_557_032 - 53_120 - 1000),
  ])
  func `a training step of a published network has its multiply-accumulates and weights`(
    name: String, macs: Int, weights: Int
  ) throws {
    let workload = try load(name)
    #expect(workload.samples == 512 && workload.isTraining)
    let forward = workload.operators.filter { $0.phase == .forward }
    #expect(forward.reduce(0) { $0 + $1.denseMACs } == 512 * macs)
    let updates = workload.operators.reduce(0) { sum, op in
      if case .update(let update) = op.kind { sum + update.parameters } else { sum }
    }
    #expect(updates == weights)
    // The rest follows from the forward pass.
    var pass = workload
    pass.operators = forward
    let optimizer = name == "vit-train" ? WeightUpdate.Optimizer.adam : .momentum
    #expect(pass.expandedToTraining(optimizer: optimizer) == workload)
  }

  @Test func `ResNet-18 as written and as recorded multiply as often for an image`() throws {
    let (written, recorded) = (try load("resnet18-tiny-train"), try load("resnet18-train"))
    for phase in [Phase.forward, .backwardData, .backwardWeight] {
      let macs = { (workload: Workload) in
        workload.operators.filter { $0.phase == phase && $0.kind.isMatrix }.reduce(0) { $0 + $1.denseMACs }
      }
      #expect(macs(written) == macs(recorded) * 16)
    }
  }

  @Test(arguments: [
    "bert-large", "resnet50", "resnet18", "resnet18-train", "llama2-7b-prefill", "resnet9-train", "vgg19-train",
    "vit-train", "resnet18-tiny-train", "resnet50-train",
  ])
  func `a committed trace is named after its file, orderly, and says what it skipped`(name: String) throws {
    let workload = try load(name)
    #expect(workload.name == name)
    #expect(!workload.source.isEmpty)
    #expect(Set(workload.operators.map(\.name)).count == workload.operators.count)
    #expect(workload.skipped.allSatisfy { !$0.reason.isEmpty && $0.count >= $0.examples.count })
    #expect(!workload.skipped.contains { $0.reason == "unknown operator" })
    // Only sources of data have nothing before them.
    let withoutOrigin = workload.operators.filter { $0.dependencies.isEmpty && $0.kind.isMatrix }
    #expect(withoutOrigin.count <= 1)
  }
}
