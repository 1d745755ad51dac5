import Foundation
import Lacuna

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

  /// Every trace dense, at 2:4 and at 16x, and the two networks of training as they are trained.
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

  /// The most that may be drawn on average; nil without a limit.
  var powerCap: Watts? {
    switch architecture {
    case .tensorCore(let gpu): gpu.power.cap
    case .s4(let chip): chip.cap * Double(chip.chips)
    case .systolic: nil
    }
  }

  /// Copies that one read of the shared buffer can fill.
  var largestMulticast: Double {
    switch architecture {
    case .tensorCore(let gpu): Double(gpu.kernels.map { max($0.cluster.m, $0.cluster.n) }.max() ?? 1)
    case .s4(let chip): Double(chip.unitsPerCore)
    case .systolic(let array): Double(max(array.rows, array.columns))
    }
  }

  /// Whether vector work may hide behind products.
  var overlapsVectorWork: Bool {
    if case .s4 = architecture { true } else { false }
  }
}
