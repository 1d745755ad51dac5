// A network built in code: two linear layers and what is between them, for growing numbers of tokens.
import Lacuna

func feedForward(tokens: Int, width: Int) -> Workload {
  Workload(
    name: "feed-forward", source: "built in code", samples: 1,
    operators: [
      Operator(name: "up", kind: .gemm(GEMM(m: 4 * width, n: tokens, k: width)), dataType: .bf16),
      Operator(
        name: "gelu", kind: .elementwise(Elementwise(.gelu, elements: 4 * width * tokens)), dataType: .bf16,
        dependencies: [0]),
      Operator(
        name: "down", kind: .gemm(GEMM(m: width, n: tokens, k: 4 * width)), dataType: .bf16, dependencies: [1]),
    ])
}

let rule = try SparsityRule(parsing: "weights=2:4")
for tokens in [16, 128, 1024, 8192] {
  let report = try Study(feedForward(tokens: tokens, width: 4096), sparsity: [rule]).run(on: "h200")
  let speedup = formatFixed(report.comparison.speedup, decimals: 2)
  print("\(tokens) tokens: \(report.run.totals.elapsed), \(speedup)× against dense")
}
