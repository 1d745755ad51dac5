import Foundation
import Lacuna
import SeededRandom

/// The repository's traces and machines.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func names(_ folder: String, _ ending: String) -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
    return files.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }.sorted()
  }

  static let machines = names("Configs/Hardware", ".yaml")
  static let traces = names("Traces", ".jsonl.zst")

  static func machine(_ name: String) throws -> Machine {
    try MachineReader.read(try InputFile.load(root.appending(path: "Configs/Hardware/\(name).yaml").path))
  }

  static func path(_ trace: String) -> String { root.appending(path: "Traces/\(trace).jsonl.zst").path }

  static func workload(_ trace: String) throws -> Workload { try TraceReader.read(path(trace)).workload }
}

/// A trace and what is asked for beside it.
struct Case: Sendable, CustomStringConvertible {
  let trace: String
  var rules: [String] = []
  var training: TrainingMethod?

  var description: String {
    ([trace] + rules + (training.map { [$0.rawValue] } ?? [])).joined(separator: " ")
  }

  func study() throws -> Study { try Study(trace: Repository.path(trace), sparsity: rules, training: training) }

  /// Every trace dense, at 2:4 and at 16x, and three networks as they are trained.
  static let all: [Case] =
    Repository.traces.flatMap { trace in
      [[], ["weights=2:4"], ["weights=16x"]].map { Case(trace: trace, rules: $0) }
    }
    + ["resnet18", "resnet18-train"].flatMap { trace in
      [("dense", TrainingMethod.dense), ("bdwp", .bdwp), ("sdgp", .sdgp)].map { name, method in
        Case(trace: trace, rules: name == "dense" ? [] : ["weights=2:8"], training: method)
      }
    }
}

extension Machine {
  /// Multiply-accumulates a second of the whole machine at a clock, zeros of sparse operands not counted.
  func peakRate(_ type: DataType, at clock: Hertz) -> Double? {
    switch architecture {
    case .tensorCore(let gpu):
      gpu.dataTypes.resolve(type).map { resolved in
        // A sparse instruction covers twice what it multiplies.
        max(resolved.rate.perCycle, (resolved.rate.sparsePerCycle ?? 0) / 2) * Double(gpu.multiprocessors) * clock.value
      }
    case .s4(let chip):
      chip.dataTypes.resolve(type).map {
        $0.rate.perCycle * Double(chip.chips * chip.cores * chip.unitsPerCore) * clock.value
      }
    case .systolic(let array):
      array.dataTypes.resolve(type).map { $0.rate.perCycle * Double(array.rows * array.columns) * clock.value }
    }
  }

  /// The highest clock.
  var maximumClock: Hertz {
    switch architecture {
    case .tensorCore(let gpu): gpu.maximumClock
    case .s4(let chip): chip.clock
    case .systolic(let array): array.clock
    }
  }

  /// Bytes a second of all off-chip interfaces.
  var peakBandwidth: Double {
    switch architecture {
    case .tensorCore(let gpu): gpu.dram.peakBandwidth.value
    case .s4(let chip): chip.dram.peakBandwidth.value * Double(chip.chips)
    case .systolic(let array): array.dram.peakBandwidth.value
    }
  }

  /// The same without a limit that operators share.
  var withoutSharedLimit: Machine {
    guard case .tensorCore(var gpu) = architecture else { return self }
    gpu.power.cap = nil
    return Machine(name: name, title: title, architecture: .tensorCore(gpu))
  }

  /// The most that may be drawn on average; nil without a limit.
  var powerCap: Watts? {
    switch architecture {
    case .tensorCore(let gpu): gpu.power.cap.map { $0 * gpu.power.settling }
    case .s4(let chip): chip.cap * Double(chip.chips)
    case .systolic: nil
    }
  }

  /// Copies that one read of the shared buffer can fill.
  var largestMulticast: Double {
    switch architecture {
    case .tensorCore(let gpu):
      // Reads that meet on their way are one as well.
      Double(gpu.kernels.map { max($0.cluster.m, $0.cluster.n) }.max() ?? 1)
        / min(gpu.coalescing.denseFirst, gpu.coalescing.sparseFirst)
    case .s4(let chip): Double(chip.unitsPerCore)
    case .systolic(let array): Double(max(array.rows, array.columns))
    }
  }

  /// Whether vector work may hide behind products.
  var overlapsVectorWork: Bool {
    switch architecture {
    case .tensorCore: false
    case .s4: true
    case .systolic(let array): !array.besideWeightGradients.isEmpty
    }
  }
}

/// Operators of all kinds, shapes and patterns, drawn from a seed.
enum RandomWorkload {
  static func make(seed: UInt64, count: Int) -> Workload {
    var generator = SeededGenerator(seed: seed)
    func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &generator)] }
    let sizes = [1, 2, 3, 7, 16, 17, 31, 64, 65, 100, 128, 200, 384, 1000, 1024, 4096]
    let patterns: [SparsityPattern] = [
      .dense, .structured(n: 2, m: 4), .structured(n: 1, m: 4), .structured(n: 2, m: 8), .structured(n: 2, m: 16),
      .structured(n: 3, m: 4), .bank(size: 64, rate: 16), .bank(size: 64, rate: 32), .bank(size: 16, rate: 4),
      .unstructured(zeros: 0.7), .unstructured(zeros: 0.99), .block(rows: 32, columns: 32, zeros: 0.5), .fanIn(1),
      .vectorStructured(v: 64, n: 2, m: 8), .tile(rows: 128, columns: 128, fraction: 0.5, n: 2, m: 4),
      .wrapped(block: 64, n: 2, m: 4), .block(rows: 1, columns: 16, zeros: 0.5),
    ]
    var operators: [Operator] = []
    while operators.count < count {
      let kind: OperatorKind
      switch Int.random(in: 0..<10, using: &generator) {
      case 0, 1, 2:
        kind = .gemm(
          GEMM(
            m: pick(sizes), n: pick(sizes), k: pick(sizes), batch: pick([1, 1, 3, 16]),
            hasWeights: pick([true, true, false])))
      case 3, 4:
        let groups = pick([1, 1, 1, 2, 32])
        kind = .convolution(
          Convolution(
            batch: pick([1, 5, 32]), inputChannels: groups * pick([1, 3, 16, 64]),
            outputChannels: groups * pick([1, 5, 32, 128]), input: Extent(pick([7, 14, 28]), pick([7, 15, 28])),
            kernel: Extent(pick([1, 3]), pick([1, 3, 5])), stride: Extent(pick([1, 2]), pick([1, 2])),
            padding: Padding(vertical: 1, horizontal: 2), groups: groups))
      case 5:
        let queries = pick([1, 5, 128, 500])
        kind = .attention(
          Attention(
            batch: pick([1, 4]), heads: 8, keyValueHeads: pick([1, 2, 8]), queryLength: queries,
            keyLength: queries + pick([0, 0, 3, 900]), headDimension: pick([16, 64, 128]),
            isCausal: pick([true, false]),
            window: pick([nil, nil, 1, 100])))
      case 6:
        kind = .groupedGEMM(
          GroupedGEMM(m: pick(sizes), k: pick(sizes), columns: [pick([0, 1, 9]), 17, pick([1, 300])]))
      case 7: kind = .elementwise(Elementwise(pick([.add, .gelu, .copy, .exp]), elements: pick(sizes) * pick(sizes)))
      case 8:
        kind = pick([
          .normalization(Normalization(pick([.layer, .rms, .batch]), rows: pick(sizes), width: pick(sizes))),
          .softmax(Softmax(rows: pick(sizes), width: pick(sizes))),
          .reduction(Reduction(outputs: pick(sizes), width: pick(sizes))),
        ])
      default:
        kind = pick([
          .embedding(Embedding(rows: pick(sizes), width: pick(sizes), vocabulary: 1000)),
          .update(WeightUpdate(parameters: pick(sizes) * pick(sizes), optimizer: pick([.sgd, .momentum, .adam]))),
          .pruning(Pruning(elements: pick(sizes) * 16, n: 2, m: pick([4, 8, 16]))),
        ])
      }
      var op = Operator(
        name: "op\(operators.count)", kind: kind, phase: pick([.inference, .forward, .backwardData, .backwardWeight]),
        dataType: pick([.fp16, .fp16, .fp32, .bf16]), outputType: pick([.fp16, .fp32]), repeats: pick([1, 1, 4]))
      if case .update = kind { op.phase = .update }
      if op.kind.isMatrix {
        op.sparsity.weights = pick(patterns)
        if op.sparsity.weights == .dense { op.sparsity.activations = pick(patterns) }
        if case .attention = kind { op.sparsity = OperandSparsity(scores: pick(patterns)) }
      }
      if operators.count > 0 {
        op.dependencies = pick([[], [operators.count - 1], [Int.random(in: 0..<operators.count, using: &generator)]])
      }
      if op.shapeProblems().isEmpty { operators.append(op) }
    }
    return Workload(name: "random", source: "test", samples: 4, operators: operators)
  }
}
