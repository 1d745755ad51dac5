import Quantities

extension Chart {
  /// Throughput over sparsity, a line a series.
  ///
  /// The values stand at equal distances, rates on a logarithmic scale, so that a doubling is as high everywhere and
  /// saturation is a line that bends.
  public static func sweep(_ sweep: SweepReport) -> Chart {
    let rates = sweep.series.flatMap(\.rates)
    let ends = sweep.series.map { "\($0.name): \($0.rates.map(rateText).joined(separator: ", "))" }
    var marks: [Mark] = []
    for (index, series) in sweep.series.enumerated() {
      let colour = Colour.at(index)
      let places = series.rates.enumerated().map { Place(x: Double($0), y: $1) }
      marks.append(
        Mark(
          shape: .line(places, isDashed: index >= Colour.grey.rawValue), colour: colour, group: series.name,
          label: factorText(series.gain)))
    }
    for (index, series) in sweep.series.enumerated() {
      marks += series.rates.enumerated().map { point, rate in
        Mark(
          shape: .point(Place(x: Double(point), y: rate), radius: 4.5), colour: Colour.at(index), group: series.name,
          tip: "\(series.name), \(sweep.values[point]): \(rateText(rate)) samples/s")
      }
    }
    return Chart(
      name: "sweep", title: "Throughput over the sparsity of weights",
      notes: ["At the right end, how many times the first rate the last one is."],
      summary: "Samples a second at \(sweep.values.joined(separator: ", ")). \(ends.joined(separator: "; ")).",
      x: .categories(sweep.values, title: "sparsity of weights"),
      y: .logarithmic("samples/s", from: (rates.min() ?? 1) / 1.15, to: (rates.max() ?? 1) * 1.15), marks: marks)
  }
}
