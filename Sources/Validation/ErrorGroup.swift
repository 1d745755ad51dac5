public import Diagnostics
import RealModule
import Workloads

/// How far predictions are from measurements of one metric.
public struct ErrorStatistics: Sendable {
  /// How many pairs there are.
  public var count: Int
  /// The mean of |predicted / measured − 1|; where sources spread, of the distance to what they span.
  public var meanError: Double
  /// The geometric mean of predicted / measured.
  public var bias: Double
  /// The error of the largest magnitude, with its sign.
  public var worstError: Double
  /// What it belongs to.
  public var worst: Measurement

  /// The statistics of a metric over measurements, or nil where none has a pair of it.
  public init?(_ metric: Metric, _ measurements: [Measurement]) {
    var (sum, logarithms, count) = (0.0, 0.0, 0)
    var worst: (error: Double, measurement: Measurement)?
    for measurement in measurements {
      guard let pair = measurement.pair(metric) else { continue }
      let error = pair.error
      sum += error.magnitude
      logarithms += Double.log(pair.ratio)
      count += 1
      if error.magnitude > worst?.error.magnitude ?? -1 { worst = (error, measurement) }
    }
    guard let worst else { return nil }
    self.count = count
    meanError = sum / Double(count)
    bias = Double.exp(logarithms / Double(count))
    worstError = worst.error
    self.worst = worst.measurement
  }
}

/// Measurements that are judged together.
public struct ErrorGroup: Sendable {
  /// The file they come from.
  public let file: String
  /// The machine that was simulated.
  public let machine: String
  /// The operands' type.
  public let dataType: String
  /// How weights or scores were stored.
  public let variant: String
  /// Which operators or shapes.
  public let category: String
  /// All of them.
  public let measurements: [Measurement]

  /// The words a group is chosen by, for example `h200_gemm/fp16/2:4/decode`.
  public var name: String { "\(file)/\(dataType)/\(variant)/\(category)" }

  /// Whether its rows are figures that somebody published, each of which is told by itself.
  public var isPublished: Bool { measurements.contains { $0.figure != nil } }

  /// The errors of a metric, or nil where it was not measured or not predicted.
  public func statistics(_ metric: Metric) -> ErrorStatistics? { ErrorStatistics(metric, measurements) }

  /// Why measurements were not predicted, with how many, in the order of the file.
  public var notModelled: [(reason: String, count: Int)] {
    var reasons: [(reason: String, count: Int)] = []
    for reason in measurements.compactMap(\.notModelled) {
      if let index = reasons.firstIndex(where: { $0.reason == reason }) {
        reasons[index].count += 1
      } else {
        reasons.append((reason, 1))
      }
    }
    return reasons
  }

  /// Upper limits of predicted / measured of the histogram's bars; the last bar has none.
  public static let histogramLimits = [0.8, 0.9, 0.95, 1.05, 1.1, 1.25]

  /// How many times are predicted within each bar's limits.
  public var histogram: [Int] {
    var counts = [Int](repeating: 0, count: Self.histogramLimits.count + 1)
    for ratio in measurements.compactMap({ $0.pair(.time)?.ratio }) {
      counts[Self.histogramLimits.firstIndex { ratio < $0 } ?? Self.histogramLimits.count] += 1
    }
    return counts
  }
}

extension ValidatedFile {
  /// The measurements by data type, variant and category, in the order in which data types are declared and the others
  /// first appear in the file.
  public var groups: [ErrorGroup] {
    func order(_ key: (Measurement) -> String) -> [String] {
      var seen: [String] = []
      for measurement in measurements where !seen.contains(key(measurement)) { seen.append(key(measurement)) }
      return seen
    }
    let types = DataType.allCases.map(\.rawValue)
    let (variants, categories) = (order(\.variant), order(\.category))
    var groups: [ErrorGroup] = []
    for type in types {
      for variant in variants {
        for category in categories {
          let members = measurements.filter {
            $0.dataType == type && $0.variant == variant && $0.category == category
          }
          guard !members.isEmpty else { continue }
          groups.append(
            ErrorGroup(
              file: file.name, machine: machine, dataType: type, variant: variant, category: category,
              measurements: members))
        }
      }
    }
    return groups
  }
}

extension [ErrorGroup] {
  /// The groups whose names fit a glob, in which `*` stands for any characters; one without a slash is also held
  /// against the names of files and machines.
  /// - Throws: `matches-nothing` where none does.
  public func matching(_ glob: String) throws(DiagnosticList) -> [ErrorGroup] {
    let isWord = !glob.contains("/")
    let chosen = filter { group in
      group.name.fits(glob: glob)
        || isWord && (group.file.fits(glob: glob) || group.machine.fits(glob: glob))
    }
    guard chosen.isEmpty else { return chosen }
    let names = map(\.name)
    throw DiagnosticList(
      Diagnostic(
        .matchesNothing, "no group is called '\(glob)'",
        notes: ["groups: \(names.prefix(12).joined(separator: ", "))" + (names.count > 12 ? ", …" : "")],
        help: nearest(to: glob, among: names).map { "did you mean '\($0)'?" }
          ?? "write FILE/TYPE/WEIGHTS/CLASS, a file or a machine; * stands for any characters, as in '*/fp16/2:4/*'"))
  }
}
