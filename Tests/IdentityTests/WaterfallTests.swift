import Lacuna
import Testing

/// Identities of waterfalls on real traces.
@Suite struct WaterfallTests {
  static let cases = [
    Case(trace: "bert-large", rules: ["weights=2:4"]), Case(trace: "resnet50", rules: ["weights=16x"]),
    Case(trace: "resnet18", rules: ["weights=unstructured(0.8)"]), Case(trace: "resnet18", rules: []),
    Case(trace: "resnet18", rules: ["weights=2:8"], training: .bdwp),
  ]
  static let machines = ["h200", "rtx-3090", "t4", "s4", "sat", "systolic-32x32"]

  @Test(arguments: cases, machines)
  func `the factors take the ideal to the predicted speedup, each cause once`(_ sample: Case, _ name: String) throws {
    let losses = try sample.study().losses(on: try Repository.machine(name))
    let waterfall = losses.waterfall
    let product = waterfall.steps.reduce(waterfall.ideal) { $0 * $1.factor }
    #expect((product / waterfall.predicted - 1).magnitude < 1e-12)
    #expect((waterfall.predicted / losses.report.comparison.speedup - 1).magnitude < 1e-12)
    #expect(waterfall.ideal >= 1)
    #expect(Set(waterfall.steps.map(\.cause)).count == waterfall.steps.count)
    #expect(waterfall.steps.allSatisfy { $0.factor > 0 && $0.factor.isFinite })
    let order = waterfall.steps.compactMap { LossCause.allCases.firstIndex(of: $0.cause) }
    #expect(order == order.sorted())
    // Without any cause of the model, every shipped machine multiplies kept values as fast as others, but for GPUs,
    // whose vector lanes do the products of unstructured weights.
    let rate = try #require(waterfall.steps.first)
    #expect(rate.cause == .rate)
    // Useful multiply-accumulates are whole numbers, which unstructured zeros need not leave.
    let isOnLanes = sample.rules.contains { $0.contains("unstructured") } && ["h200", "rtx-3090"].contains(name)
    #expect(isOnLanes ? rate.factor < 1 : (rate.factor - 1).magnitude < 1e-7, "\(rate)")
  }

  @Test(arguments: ["h200", "s4", "sat"])
  func `some operators have a waterfall of their own`(_ name: String) throws {
    let study = try Case(trace: "resnet18", rules: ["weights=2:4"]).study()
    let chosen = try #require(study.workload.operators.first { $0.sparsity != .dense })
    let losses = try study.losses(on: try Repository.machine(name), operators: chosen.name)
    #expect(losses.operators == [try #require(study.workload.operators.firstIndex(of: chosen))])
    #expect((losses.waterfall.ideal - 2).magnitude < 1e-9)
    let run = losses.report.comparison
    let index = try #require(losses.operators?.first)
    let speedup = run.dense.operators[index].exposed / run.run.operators[index].exposed
    #expect((losses.waterfall.predicted / speedup - 1).magnitude < 1e-12)
  }
}
