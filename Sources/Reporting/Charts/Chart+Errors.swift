import Quantities
import RealModule
public import Validation

extension Chart {
  /// Predictions over measurements: a row a file, a dot a row of it.
  ///
  /// Dots stand at predicted / measured, from half to twice on a logarithmic axis; what lies beyond stands at the edge.
  public static func errors(_ groups: [ErrorGroup]) -> Chart {
    var files: [String] = []
    for group in groups where !files.contains(group.file) { files.append(group.file) }
    var marks = [
      Mark(
        shape: .rect(x: 1 / 1.1...1.1, y: -0.5...max(0.6, Double(files.count) - 0.5)), colour: .band)
    ]
    var means: [String] = []
    for (index, file) in files.enumerated() {
      let rows = groups.filter { $0.file == file }.flatMap(\.measurements).sorted { $0.row < $1.row }
      let pairs = rows.compactMap { $0.pair(.time) ?? $0.pairs.first }
      // Dots take turns on seven lines, so that those at one place show.
      let dots = pairs.enumerated().map { number, pair in
        Place(x: min(max(pair.ratio, 0.5), 2), y: Double(index) + Double(number % 7 - 3) * 0.11)
      }
      let mean = pairs.isEmpty ? nil : pairs.reduce(0) { $0 + $1.error.magnitude } / Double(pairs.count)
      means.append("\(file) \(percentText(mean))")
      marks.append(
        Mark(
          shape: .dots(dots), colour: .blue, label: percentText(mean),
          tip: "\(file): \(plural(pairs.count, "row")), mean error \(percentText(mean))"))
    }
    return Chart(
      name: "errors", title: "Predicted over measured, each row of each file",
      notes: ["The band is within 10 %; on the right is the mean error."],
      summary: "Mean errors: \(means.joined(separator: ", ")).",
      x: Axis(
        title: "predicted / measured time, or figure (×)", scale: .logarithmic(0.5, 2),
        marks: [0.5, 0.667, 0.8, 1, 1.25, 1.5, 2]), y: .categories(files), marks: marks, rowHeight: 40)
  }
}
