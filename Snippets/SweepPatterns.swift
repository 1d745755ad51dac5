// How far does pruning pay? ResNet-50 on an S4, twice as sparse each time.
import Lacuna

let machine = try Machine(named: "s4")
for rate in [1, 2, 4, 8, 16, 32] {
  let study = try Study(trace: "Traces/resnet50.jsonl.zst", sparsity: ["weights=\(rate)x"], dataType: .int8)
  let report = try study.run(on: machine)
  let totals = report.run.totals
  let slowest = Bound.allCases.max { totals.byBound[$0] < totals.byBound[$1] }
  print(
    "\(rate)x: \(formatFixed(report.comparison.speedup, decimals: 2))×, mostly bound by \(slowest?.name ?? "nothing"),",
    "\(totals.energy.total)")
}
