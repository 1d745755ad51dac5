import Quantities
import Simulation

extension Chart {
  /// Where a speedup is lost: bars hang from the speedup before a cause to the one after it.
  public static func waterfall(_ losses: LossReport) -> Chart {
    let waterfall = losses.waterfall
    var marks = [
      Mark(
        shape: bar(0, to: waterfall.ideal), colour: .blue, label: factorText(waterfall.ideal),
        tip: "ideal of the pattern: \(factorText(waterfall.ideal))")
    ]
    var before = waterfall.ideal
    for (index, step) in waterfall.steps.enumerated() {
      let factor = "×\(formatFixed(step.factor, decimals: 3))"
      marks.append(
        Mark(
          shape: bar(index + 1, from: before, to: step.speedup),
          colour: (step.factor - 1).magnitude < 0.0005 ? .grey : step.factor < 1 ? .orange : .green, label: factor,
          tip: "\(step.cause.title): \(factor), from \(factorText(before)) to \(factorText(step.speedup))"))
      before = step.speedup
    }
    let predicted = waterfall.predicted
    marks.append(
      Mark(
        shape: bar(marks.count, to: predicted), colour: .blue, label: factorText(predicted),
        tip: "predicted: \(factorText(predicted))"))
    let subject = losses.operators == nil ? losses.report.run.workload : waterfall.subject
    let factors = waterfall.steps.map { "\($0.cause.title) \(formatFixed($0.factor, decimals: 3))" }
    return Chart(
      name: "waterfall",
      title: "Where the speedup is lost: "
        + ([subject, waterfall.machine] + losses.report.asked).joined(separator: " · "),
      notes: [losses.summary],
      summary:
        "Ideal \(factorText(waterfall.ideal)), predicted \(factorText(predicted)). Factors: "
        + "\(factors.joined(separator: ", ")).",
      x: .linear(
        "speedup over the dense run (×)", to: ([waterfall.ideal] + waterfall.steps.map(\.speedup)).max() ?? 1),
      y: .categories(["ideal of the pattern"] + waterfall.steps.map(\.cause.title) + ["predicted"]), marks: marks)
  }
}
