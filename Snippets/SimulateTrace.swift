// A recorded network with 2:4 weights on an H200, beside the same network without zeros.
import Lacuna

let study = try Study(trace: "Traces/bert-large.jsonl.zst", sparsity: ["weights=2:4"])
let report = try study.run(on: "h200")
print(report.comparison.speedup, Report.run(report).text(as: .table))
