import Quantities
public import Simulation
import Workloads

/// Where a pattern's speedup is lost, and the run it was asked about.
public struct LossReport: Sendable {
  /// From the ideal to the prediction.
  public var waterfall: SpeedupWaterfall
  /// The run of the whole workload, with what was asked for and noted.
  public var report: RunReport
  /// Indices of the operators that the waterfall is about, where it was asked for some of them; nil for all.
  public var operators: [Int]?

  /// A report.
  public init(waterfall: SpeedupWaterfall, report: RunReport, operators: [Int]? = nil) {
    self.waterfall = waterfall
    self.report = report
    self.operators = operators
  }

  /// The chosen operators, those that are alike once, in their order.
  var details: [(first: RunResult.OperatorResult, members: Int, estimate: Estimate)] {
    var order: [Int] = []
    var found: [Int: (first: RunResult.OperatorResult, members: Int)] = [:]
    for index in operators ?? [] {
      let result = report.run.operators[index]
      if found[result.estimate] == nil { order.append(result.estimate) }
      found[result.estimate, default: (result, 0)].members += 1
    }
    return order.compactMap { estimate in
      found[estimate].map { ($0.first, $0.members, report.run.estimates[estimate]) }
    }
  }

  /// One sentence on what takes the most.
  var summary: String {
    guard let step = waterfall.largestLoss else {
      return waterfall.ideal > 1
        ? "Nothing of the ideal is lost." : "No operator has a pattern that \(waterfall.machine) exploits."
    }
    return "The largest loss is to \(step.cause.title) (\(factorText(step.factor))): \(step.cause.reason)."
  }
}
