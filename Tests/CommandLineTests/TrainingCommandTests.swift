import Foundation
import Lacuna
import Testing

@Suite struct TrainingCommandTests {
  private static let step = ["simulate", "Traces/resnet9-train.jsonl.zst", "--hardware", "sat", "--format", "json"]

  private static func elapsed(_ outcome: Tool.Outcome) throws -> Double {
    try #require(try json(outcome)["totals"]?["elapsed_s"]?.double)
  }

  @Test func `a schedule takes its steps' time, energy and operations`() throws {
    let pruned = try json(
      try Tool.run(Self.step + ["--training", "bdwp", "--sparsity", "weights=2:8"]))
    let outcome = try Tool.run(Self.step + ["--training", "bdwp", "--schedule", "dense=100,2:8=900"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let run = try json(outcome)
    for (total, keys) in [("elapsed_s", ["elapsed_s"]), ("energy_j", ["energy", "total_j"])] {
      func value(_ part: String) throws -> Double {
        var node = try #require(pruned[part])
        for key in keys { node = try #require(node[key]) }
        return try #require(node.double)
      }
      let expected = try 100 * value("dense_totals") + 900 * value("totals")
      let found = try #require(run["total"]?[total]?.double)
      #expect((found / expected - 1).magnitude < 1e-12, "\(total)")
      let dense = try #require(run["dense_total"]?[total]?.double)
      #expect(try (dense / (1000 * value("dense_totals")) - 1).magnitude < 1e-12, "\(total)")
    }
    let macs = try ["dense", "useful"].map { try #require(pruned["totals"]?["macs"]?[$0]?.double) }
    #expect(run["total"]?["operations"]?.double == 2 * (100 * macs[0] + 900 * macs[1]))
    #expect(run["steps"]?.integer == 1000)
    #expect(run["phases"]?.elements?.map { $0["pattern"]?.text } == ["dense", "2:8"])
  }

  @Test func `a schedule keeps to the layers that rules name`() throws {
    let rules = ["--sparsity", "weights=2:8", "--sparsity", "residual*:weights=dense"]
    let all = ["--training", "bdwp", "--schedule", "2:4=10"]
    func operations(_ arguments: [String]) throws -> Double {
      try #require(try json(try Tool.run(Self.step + arguments))["total"]?["operations"]?.double)
    }
    let step = try json(
      try Tool.run(
        Self.step + ["--training", "bdwp", "--sparsity", "weights=2:4", "--sparsity", "residual*:weights=dense"]))
    let useful = try #require(step["totals"]?["macs"]?["useful"]?.double)
    #expect(try operations(all + rules) == 20 * useful)
    #expect(try operations(all) < 20 * useful)
  }

  @Test(arguments: [
    (["--schedule", "2:8=10"], "--schedule needs --training"),
    (["--training", "dense", "--schedule", "2:8=10"], "dense training has no schedule of patterns"),
    (["--training", "bdwp", "--schedule", "2:8"], "'2:8' is not a phase of a schedule"),
    (["--training", "bdwp", "--schedule", "2:32=10"], "its pruner holds groups of up to 16 values, too few for 2:32"),
    (["--training", "bdwp", "--sparsity", "weights=4:2"], "'4:2' cannot exist: of 2 elements, 4 cannot be kept"),
  ])
  func `what cannot be trained is refused`(arguments: [String], message: String) throws {
    let outcome = try Tool.run(Self.step + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test func `each product takes the faster dataflow, or the forced one, and says so`() throws {
    func mappings(_ dataflow: [String]) throws -> (elapsed: Double, mappings: [String]) {
      let outcome = try Tool.run(Self.step + ["--training", "bdwp", "--sparsity", "weights=2:8"] + dataflow)
      let operators = try #require(try json(outcome)["operators"]?.elements)
      return (
        try Self.elapsed(outcome), operators.compactMap { $0["once"]?["mapping"]?.text }.filter { $0.contains("folds") }
      )
    }
    let (best, mixed) = try mappings([])
    #expect(mixed.contains { $0.hasPrefix("ws") } && mixed.contains { $0.hasPrefix("os") })
    for dataflow in ["ws", "os"] {
      let (forced, same) = try mappings(["--dataflow", dataflow])
      #expect(same.allSatisfy { $0.hasPrefix(dataflow) } && same.count == mixed.count)
      #expect(forced >= best)
    }
  }

  /// Machines of all three families; every method runs on each, and prunes what the machine can use.
  @Test(arguments: TrainingMethod.allCases.filter { $0 != .dense })
  func `one command compares a training method on all families`(_ method: TrainingMethod) throws {
    let outcome = try Tool.run([
      "compare", "Traces/resnet9-train.jsonl.zst", "--hardware", "sat,h200,s4", "--training", method.rawValue,
      "--sparsity", "weights=2:4", "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let runs = try #require(try json(outcome)["runs"]?.elements)
    #expect(runs.map { $0["machine"]?.text } == ["sat", "h200", "s4"])
    for run in runs {
      let macs = try #require(run["totals"]?["macs"])
      let (dense, useful) = (try #require(macs["dense"]?.double), try #require(macs["useful"]?.double))
      // Gradients are pruned on SAT only; tensor cores and S4 take sparse weights.
      let isExploited = method != .sdgp || run["machine"]?.text == "sat"
      #expect((useful < 0.9 * dense) == isExploited, "\(run["machine"]?.text ?? "")")
      // The library that compresses weights for tensor cores takes longer than these products save.
      let pays = isExploited && run["machine"]?.text != "h200"
      #expect(((run["speedup"]?.double ?? 0) > 1) == pays, "\(run["machine"]?.text ?? "")")
    }
  }

  @Test func `a forward pass becomes the training step that a method would make of it`() throws {
    let forward = try Tool.run([
      "trace", "import", "Traces/resnet18.jsonl.zst", "--optimizer", "momentum", "-o", "-",
    ])
    #expect(forward.status == 0, "\(forward.errors)")
    let expanded = try TraceReader.read(
      SourceText(name: "expanded.jsonl", text: forward.output))
    let trace = try TraceReader.read(Tool.root.appendingPathComponent("Traces/resnet18.jsonl.zst").path)
    #expect(expanded.workload == trace.workload.expandedToTraining(optimizer: .momentum))
    let again = try Tool.run([
      "trace", "import", "Traces/resnet9-train.jsonl.zst", "--optimizer", "momentum", "-o", "-",
    ])
    #expect(again.status == 2 && again.errors.contains("is a training step already"))
  }
}
