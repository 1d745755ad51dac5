import Simulation
import Workloads

extension JSONReport {
  static func losses(_ losses: LossReport) -> [(String, JSONValue)] {
    let waterfall = losses.waterfall
    return [
      ("workload", .string(losses.report.run.workload)), ("machine", .string(waterfall.machine)),
      ("asked", .array(losses.report.asked.map(JSONValue.string))),
      ("operator", losses.operators == nil ? .null : .string(waterfall.subject)),
      ("ideal_speedup", .number(waterfall.ideal)), ("predicted_speedup", .number(waterfall.predicted)),
      (
        "steps",
        .array(
          waterfall.steps.map { step in
            .object([
              ("cause", .string(step.cause.name.replacingHyphens)), ("title", .string(step.cause.title)),
              ("factor", .number(step.factor)), ("speedup", .number(step.speedup)),
            ])
          })
      ),
      ("largest_loss", waterfall.largestLoss.map { .string($0.cause.name.replacingHyphens) } ?? .null),
      (
        "operators",
        .array(
          losses.details.map { first, members, estimate in
            .object([
              ("name", .string(first.name)), ("members", .integer(members)), ("kind", .string(first.kind)),
              ("shape", .string(first.shape)), ("phase", .string(first.phase.rawValue)),
              ("sparsity", .string(first.sparsity.text)), ("once", .object(once(estimate))),
            ])
          })
      ),
    ]
  }
}
