import Quantities
public import Validation

/// Reports for pages of documentation.
public enum MarkdownReport {
  /// How far the simulator is from measurements and published figures: a page with every group.
  /// - Parameter plot: the path of the picture that ``Chart/errors(_:)`` draws of the same groups.
  public static func validation(_ groups: [ErrorGroup], plot: String) -> String {
    var files: [String] = []
    for group in groups where !files.contains(group.file) { files.append(group.file) }
    let sections = files.map { file in (file, groups.filter { $0.file == file }) }
    var text = """
      # Validation

      <!-- Written by `lacuna validate --format markdown`; a test holds it to that. -->

      The simulator beside every measurement and published figure in `Configs/Reference`, whose `README.md` says how they were
      taken. An error is |predicted / measured − 1|; where sources of a figure spread, the distance to the nearer end of what
      they span. Bias is the geometric mean of predicted / measured: above one, the simulator is too high.

      ![Predicted over measured, by what was measured](\(plot))

      | file | machine | compared | mean error | worst | not modelled |
      |---|---|--:|--:|--:|--:|

      """
    for (file, members) in sections {
      let errors = members.flatMap(\.measurements).compactMap(\.headline)
      let missing = members.reduce(0) { sum, group in sum + group.notModelled.reduce(0) { $0 + $1.count } }
      text += row([
        "[\(file)](#\(file))", members[0].machine, "\(errors.count)", percentText(mean(errors)), worst(errors),
        missing == 0 ? "" : "\(missing)",
      ])
    }
    for (file, members) in sections {
      text += "\n## \(file)\n\nOn `\(members[0].machine)`.\n\n"
      text += members.contains(where: \.isPublished) ? figures(members) : errors(members)
      for group in members {
        for (reason, count) in group.notModelled {
          text += "\nNot modelled: \(count) of `\(group.name)`: \(escaped(reason)).\n"
        }
      }
    }
    return text
  }

  private static func errors(_ groups: [ErrorGroup]) -> String {
    var text = """
      | type | weights | class | metric | compared | mean error | bias | worst | in line |
      |---|---|---|---|--:|--:|--:|--:|---|

      """
    for group in groups {
      for (index, entry) in group.metrics.enumerated() {
        let head = index == 0 ? [group.dataType, group.variant, group.category] : ["", "", ""]
        let (metric, errors) = entry
        text += row(
          head + [
            metric.rawValue, "\(errors.count)", percentText(errors.meanError), factorText(errors.bias),
            TableReport.signed(errors.worstError), "\(errors.worst.line): \(errors.worst.label)",
          ])
      }
    }
    return text
  }

  private static func figures(_ groups: [ErrorGroup]) -> String {
    var text = """
      | workload | type | weights | metric | published | predicted | error | certainty | source |
      |---|---|---|---|--:|--:|--:|---|---|

      """
    for measurement in groups.flatMap(\.measurements).sorted(by: { $0.row < $1.row }) {
      guard let figure = measurement.figure, let pair = measurement.pairs.first else { continue }
      text += row([
        measurement.label, measurement.dataType, measurement.variant, figure.metric.rawValue,
        TableReport.published(figure), TableReport.number(pair.predicted / figure.metric.scale),
        TableReport.errorText(pair), figure.certainty.rawValue, figure.source,
      ])
    }
    return text
  }

  private static func mean(_ errors: [Double]) -> Double? {
    errors.isEmpty ? nil : errors.reduce(0) { $0 + $1.magnitude } / Double(errors.count)
  }

  private static func worst(_ errors: [Double]) -> String {
    errors.max { $0.magnitude < $1.magnitude }.map(TableReport.signed) ?? "–"
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
  }

  /// The text without what ends a cell, marks up or begins a tag; links stay.
  private static func escaped(_ text: String) -> String {
    let special: [Character: String] = ["|": "\\|", "*": "\\*", "_": "\\_", "<": "&lt;"]
    guard !text.hasPrefix("[") else { return text }
    return text.printable.map { special[$0] ?? String($0) }.joined()
  }
}

extension Measurement {
  /// The error of the metric that a row is first about: its time, or the figure that was published.
  var headline: Double? { (pair(.time) ?? pairs.first)?.error }
}
