// Why is 2:4 not twice as fast? Cause by cause, and the same for one operator.
import Lacuna

let study = try Study(trace: "Traces/bert-large.jsonl.zst", sparsity: ["weights=2:4"])
let machine = try Machine(named: "h200")
let losses = try study.losses(on: machine)
print("ideal \(formatFixed(losses.waterfall.ideal, decimals: 2))×")
for step in losses.waterfall.steps where abs(step.factor - 1) > 0.01 {
  print("\(step.cause.title): \(formatFixed(step.factor, decimals: 2))×")
}
print("predicted \(formatFixed(losses.waterfall.predicted, decimals: 2))×")

let one = try study.losses(on: machine, operators: "linear.5")
print("\(one.waterfall.subject): \(formatFixed(one.waterfall.predicted, decimals: 2))×")
