import Foundation
import Lacuna
import Testing

/// The tables of `TrainingOnSAT.md`, as the model gives them.
///
/// With `RECORD_GOLDENS=1` they are written into the page; otherwise they must be what stands there.
@Suite struct TrainingPageTests {
  /// A training step of each of the five networks.
  private static let networks = ["resnet9", "vgg19", "vit", "resnet18-tiny", "resnet50"]

  /// What is different on a machine.
  private typealias Change = @Sendable (inout SystolicArray) -> Void

  /// The networks under one method and pattern, read once.
  private struct Steps {
    var studies: [Study] = []

    init(_ method: TrainingMethod = .bdwp, _ pattern: String = "2:8", of names: [String] = networks) throws {
      for name in names {
        studies.append(
          try Study(
            trace: Tool.root.appendingPathComponent("Traces/\(name)-train.jsonl.zst").path,
            sparsity: ["weights=\(pattern)"], training: method))
      }
    }

    func run(_ change: (inout SystolicArray) -> Void = { _ in }) throws -> [Comparison] {
      let sat = try Machine(named: Tool.root.appendingPathComponent("Configs/Hardware/sat.yaml").path)
      guard case .systolic(var array) = sat.architecture else { return [] }
      change(&array)
      let machine = Machine(name: sat.name, title: sat.title, architecture: .systolic(array))
      return try run(on: machine)
    }

    func run(on machine: Machine) throws -> [Comparison] {
      try studies.map { try $0.run(on: machine).comparison }
    }
  }

  /// Rows of a Markdown table, the first column words and the others numbers.
  private static func table(_ titles: [String], _ rows: [[String]]) -> [String] {
    let line = { (cells: [String]) in "| " + cells.joined(separator: " | ") + " |" }
    return [line(titles), "|---" + String(repeating: "|--:", count: titles.count - 1) + "|"] + rows.map(line)
  }

  private static func factor(_ value: Double) -> String { formatFixed(value, decimals: 2) + "×" }
  private static func percent(_ value: Double) -> String { formatFixed(value * 100, decimals: 1) + " %" }
  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
  private static func geometricMean(_ values: [Double]) -> Double { exp(mean(values.map { log($0) })) }

  private static func networkTable(_ runs: [Comparison]) -> [String] {
    var rows: [[String]] = []
    for (name, comparison) in zip(networks, runs) {
      let (totals, dense) = (comparison.run.totals, comparison.dense.totals)
      let byKind = Dictionary(uniqueKeysWithValues: comparison.run.totalsByKind.map { ($0.kind, $0.totals.elapsed) })
      func share(_ kinds: [String]) -> Double {
        kinds.reduce(.zero) { $0 + (byKind[$1] ?? .zero) } / totals.elapsed
      }
      let products = share(["gemm", "convolution", "attention"])
      let rest = share(["update", "pruning"])
      func efficiency(_ totals: RunTotals) -> String {
        formatSignificant(2 * Double(totals.macs.dense) / totals.energy.total.value / 1e9, digits: 3)
      }
      rows.append([
        name, dense.elapsed.description, totals.elapsed.description,
        factor(Double(totals.macs.dense) / Double(totals.macs.useful)), factor(comparison.speedup),
        percent(products), percent(1 - products - rest), percent(rest), efficiency(dense), efficiency(totals),
        factor(comparison.energyGain),
      ])
    }
    let ideals = runs.map { Double($0.run.totals.macs.dense) / Double($0.run.totals.macs.useful) }
    rows.append(
      ["**mean**", "", "", factor(mean(ideals)), "**\(factor(mean(runs.map(\.speedup))))**"]
        + Array(repeating: "", count: 5) + [factor(mean(runs.map(\.energyGain)))])
    rows.append(["published mean", "", "", "", "1.75×"] + Array(repeating: "", count: 6))
    return table(
      [
        "network", "dense", "BDWP", "ideal", "speedup", "products", "vector", "the rest", "GFLOPS/W dense", "BDWP",
        "energy gain",
      ], rows)
  }

  private static func methodTable() throws -> [String] {
    var rows: [[String]] = []
    for (method, n, m) in [
      (TrainingMethod.srSTE, 2, 8), (.sdgp, 2, 8), (.sdwp, 2, 8), (.bdwp, 2, 4), (.bdwp, 2, 8), (.bdwp, 2, 16),
      (.biMask, 2, 8), (.transposable, 2, 8), (.sSTE, 2, 4),
    ] {
      let s = Double(n) / Double(m)
      let ideal =
        switch method {
        case .dense: 1.0
        case .srSTE, .sdgp, .sdwp: 3 / (s + 2)
        case .bdwp, .biMask, .transposable: 3 / (2 * s + 1)
        case .sSTE: 1 / s
        }
      let runs = try Steps(method, "\(n):\(m)").run()
      rows.append([
        "\(method.rawValue) \(n):\(m)", factor(ideal), factor(mean(runs.map(\.speedup))),
        factor(mean(runs.map(\.energyGain))),
      ])
    }
    return table(["method", "ideal", "speedup", "energy gain"], rows)
  }

  private static let ablations: [(name: String, change: Change)] = [
    ("everything as described", { _ in }),
    ("without interleaving", { $0.interleaving = 1 }),
    ("without pre-generation: pruned each time weights are loaded", { $0.pruner?.pregenerates = false }),
    ("pruning not beside weight gradients", { $0.besideWeightGradients.remove(.pruner) }),
    ("updates not beside weight gradients", { $0.besideWeightGradients.remove(.updater) }),
    ("vector work not beside weight gradients", { $0.besideWeightGradients.remove(.vector) }),
    ("nothing beside weight gradients", { $0.besideWeightGradients = [] }),
    ("without off-line scheduling: weight-stationary only", { $0.dataflows = [.weightStationary] }),
    ("without off-line scheduling: output-stationary only", { $0.dataflows = [.outputStationary] }),
    (
      "none of these, weight-stationary",
      {
        $0.interleaving = 1
        $0.pruner?.pregenerates = false
        $0.besideWeightGradients = []
        $0.dataflows = [.weightStationary]
      }
    ),
  ]

  private static func ablationTable(_ steps: Steps, _ full: [Comparison]) throws -> [String] {
    let recorded = try Steps(of: ["resnet18"])
    let fullRecorded = try recorded.run()
    func ratio(_ runs: [Comparison], _ full: [Comparison], _ totals: (Comparison) -> RunTotals) -> String {
      factor(geometricMean(zip(runs, full).map { totals($0).elapsed / totals($1).elapsed }))
    }
    let rows = try ablations.map { name, change in
      let (runs, small) = (try steps.run(change), try recorded.run(change))
      return [
        name, ratio(runs, full, \.dense.totals), ratio(runs, full, \.run.totals), factor(mean(runs.map(\.speedup))),
        ratio(small, fullRecorded, \.dense.totals), ratio(small, fullRecorded, \.run.totals),
        factor(mean(small.map(\.speedup))),
      ]
    }
    return table(["", "dense step", "BDWP step", "speedup", "32 images: dense", "BDWP", "speedup"], rows)
  }

  private static func machineTable() throws -> [String] {
    let machines = ["sat", "s4", "rtx-3090", "a100", "h200"]
    let asked: [(TrainingMethod, String)] = [(.bdwp, "2:4"), (.sSTE, "2:4"), (.bdwp, "2:8")]
    let rows = try asked.flatMap { method, pattern in
      let steps = try Steps(method, pattern)
      let runs = try machines.map { name -> [Comparison]? in
        let machine = try Machine(named: Tool.root.appendingPathComponent("Configs/Hardware/\(name).yaml").path)
        // Some machines have no FP8.
        return method == .sSTE ? try? steps.run(on: machine) : try steps.run(on: machine)
      }
      return networks.indices.map { index in
        ["\(networks[index]), \(method.rawValue) \(pattern)"] + runs.map { $0.map { factor($0[index].speedup) } ?? "–" }
      }
    }
    return table(["speedup over dense on the same machine"] + machines, rows)
  }

  private static let assumptions: [(name: String, values: [(String, Change)])] = [
    (
      "array (32×32)",
      [16, 64].map { side in
        (
          "\(side)×\(side)",
          {
            $0.rows = side
            $0.columns = side
          }
        )
      }
    ),
    ("clock (200 MHz)", [100.0, 300, 400].map { mega in ("\(Int(mega)) MHz", { $0.clock = Hertz(mega * 1e6) }) }),
    (
      "off-chip bandwidth (19.2 GB/s)",
      [(12.8, "12.8 GB/s"), (25.6, "25.6 GB/s"), (38.4, "two modules"), (76.8, "four modules")].map { rate, name in
        (
          name,
          {
            $0.dram.streamBandwidth = $0.dram.streamBandwidth * (rate / 19.2)
            $0.dram.peakBandwidth = $0.dram.peakBandwidth * (rate / 19.2)
          }
        )
      }
    ),
    (
      "accumulator latency (4 cycles, interleaving 4)",
      [1, 8, 16].map { cycles in ("\(cycles)", { $0.accumulatorLatency = Cycles(cycles) }) }
    ),
    (
      "vector lanes (32, two operations a cycle)",
      [8, 16, 64, 128].map { lanes in
        (
          "\(lanes)",
          {
            $0.vector.operationsPerCycle = Double(2 * lanes)
            $0.vector.transcendentalsPerCycle = Double(lanes) / 4
          }
        )
      }
    ),
    ("operations a lane and cycle (2)", [("1", { $0.vector.operationsPerCycle = 32 })]),
    ("update lanes (32)", [8, 128].map { lanes in ("\(lanes)", { $0.updater?.lanes = lanes }) }),
    ("pruning lanes (32)", [8, 128].map { lanes in ("\(lanes)", { $0.pruner?.lanes = lanes }) }),
    ("pre-generation (on)", [("off", { $0.pruner?.pregenerates = false })]),
    (
      "beside weight gradients (vector, pruner, updater)",
      [
        ("pruner, updater", { $0.besideWeightGradients = [.pruner, .updater] }),
        ("nothing", { $0.besideWeightGradients = [] }),
      ]
    ),
    (
      "buffers (1 MiB each)",
      [(0.25, "256 KiB"), (4, "4 MiB")].map { scale, name in
        (
          name,
          { array in
            for buffer in [\SystolicArray.inputBuffer, \.weightBuffer, \.outputBuffer] {
              array[keyPath: buffer] = Bytes(Int64(Double(array[keyPath: buffer].count) * scale))
            }
          }
        )
      }
    ),
  ]

  private static func assumptionTable(_ steps: Steps, _ full: [Comparison]) throws -> [String] {
    var rows = [["as described", ""] + full.map { factor($0.speedup) } + [factor(mean(full.map(\.speedup)))]]
    for (name, values) in assumptions {
      for (index, (value, change)) in values.enumerated() {
        let speedups = try steps.run(change).map(\.speedup)
        rows.append([index == 0 ? name : "", value] + speedups.map(factor) + [factor(mean(speedups))])
      }
    }
    return table(["assumption", "instead"] + networks + ["mean"], rows)
  }

  /// The page with what stands between its marks replaced.
  private static func filled(_ page: String, _ tables: [String: [String]]) -> String {
    var lines: [String] = []
    var isTable = false
    for line in page.components(separatedBy: "\n") {
      let mark = line.hasPrefix("<!-- ") ? line.dropFirst(5).dropLast(4) : ""
      if let rows = tables[String(mark)] {
        isTable = true
        lines += [line, ""] + rows + [""]
      } else if mark == "end" {
        isTable = false
        lines.append(line)
      } else if !isTable {
        lines.append(line)
      }
    }
    return lines.joined(separator: "\n")
  }

  @Test func `the page on SAT shows what the model gives`() throws {
    let steps = try Steps()
    let full = try steps.run()
    let tables = [
      "networks": Self.networkTable(full), "methods": try Self.methodTable(),
      "machines": try Self.machineTable(),
      "ablation": try Self.ablationTable(steps, full), "assumptions": try Self.assumptionTable(steps, full),
    ]
    let file = Tool.root.appendingPathComponent("Sources/Lacuna/Lacuna.docc/TrainingOnSAT.md")
    let page = try String(contentsOf: file, encoding: .utf8)
    let current = Self.filled(page, tables)
    for mark in tables.keys { #expect(page.contains("<!-- \(mark) -->"), "\(mark)") }
    if ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1" {
      try current.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(page == current, "TrainingOnSAT.md is not what the model gives; record it with RECORD_GOLDENS=1")
    }
  }
}
