public import Diagnostics

/// What a study has found so far. Equal stores give equal summaries.
public struct StudySummary: Sendable {
  /// The study's name.
  public let name: String
  /// What it asks.
  public let title: String
  /// What the columns of points are.
  public let columns: ResultColumns
  /// Points with a result.
  public private(set) var points = 0
  /// Points that meet all constraints.
  public private(set) var feasible = 0
  /// Why others do not, the most frequent reason first.
  public private(set) var reasons: [(reason: String, count: Int)] = []
  /// Feasible points that no other beats, by the first objective.
  public private(set) var front: [StoredResults.Point] = []
  /// The part of the box between the best and the worst of each objective that the front beats, after that many points.
  public private(set) var hypervolume: [(points: Int, fraction: Double)] = []
  /// How much of an objective's variance each parameter explains by itself.
  public private(set) var effects: [MainEffects] = []
  /// Some feasible points, evenly spread over the sequence: what a chart shows behind the front.
  public private(set) var samples: [StoredResults.Point] = []

  /// The most feasible points that are kept for a chart.
  public static let mostSamples = 1000

  /// Summarises a store.
  /// - Complexity: two passes over the points; memory for the front and the samples.
  public init(_ store: StoredResults) throws(DiagnosticList) {
    name = store.part("name") ?? store.path
    title = store.part("title") ?? ""
    columns = store.columns
    let goals = store.columns.goals.count
    let parameters = store.columns.columns.indices.filter { store.columns.columns[$0].role == .parameter }

    // First what the axes of everything else are.
    var counts: [String: Int] = [:]
    var least = [Double](repeating: .infinity, count: goals)
    var most = [Double](repeating: -.infinity, count: goals)
    var groups = parameters.map { _ in ValueGroups() }
    try store.forEachPoint { point in
      points += 1
      guard let costs = store.costs(of: point) else {
        counts[point.verdict.isFeasible ? "objective: not a number" : point.verdict.text, default: 0] += 1
        return
      }
      feasible += 1
      for goal in 0..<goals {
        least[goal] = min(least[goal], costs[goal])
        most[goal] = max(most[goal], costs[goal])
      }
      for (position, column) in parameters.enumerated() { groups[position].note(point.cells[column]) }
    }
    reasons = counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }

    var front = ParetoFront<StoredResults.Point>()
    var sums = (0..<goals).map { _ in groups.map(MainEffects.Sums.init) }
    var seen = 0
    var nextMark = 1
    let step = max(1, (feasible + Self.mostSamples - 1) / Self.mostSamples)
    func volume() -> Double {
      let points = front.members().map { member in
        (0..<goals).map { goal in
          most[goal] > least[goal] ? (member.costs[goal] - least[goal]) / (most[goal] - least[goal]) : 0
        }
      }
      return Hypervolume.of(points, reference: [Double](repeating: 1, count: goals))
    }
    var marks: [(Int, Double)] = []
    var rank = 0
    try store.forEachPoint { point in
      seen += 1
      if let costs = store.costs(of: point) {
        if rank % step == 0 { samples.append(point) }
        rank += 1
        front.add(point, costs: costs)
        for goal in 0..<goals {
          for (position, column) in parameters.enumerated() {
            sums[goal][position].add(store.columns.goals[goal].cost(costs[goal]), at: point.cells[column])
          }
        }
      }
      if seen == nextMark || seen == points {
        marks.append((seen, volume()))
        nextMark *= 2
      }
    }
    hypervolume = marks
    self.front = front.members().sorted {
      ($0.costs.first ?? 0, $0.point.index) < ($1.costs.first ?? 0, $1.point.index)
    }.map(\.point)
    effects = store.columns.goals.enumerated().map { goal, name in
      MainEffects(
        goal: name.name,
        parts: zip(parameters, sums[goal]).map { (store.columns.columns[$0].name, $1.explained) })
    }
  }
}

/// How much of an objective's variance over the feasible points each parameter explains by itself: the variance of the
/// objective's mean at each value of the parameter, over its variance (the first-order index of a variance analysis).
/// Points that a search has chosen are not an even sample; indices are those of the points that were looked at.
public struct MainEffects: Sendable {
  /// The objective.
  public let goal: String
  /// Each parameter's part, from 0 to 1; nil where nothing varies.
  public let parts: [(parameter: String, fraction: Double?)]

  /// Sums for one parameter and objective.
  struct Sums {
    private let groups: ValueGroups
    private var count: [Double]
    private var sum: [Double]
    private var squares = 0.0

    init(_ groups: ValueGroups) {
      self.groups = groups
      count = [Double](repeating: 0, count: groups.count)
      sum = count
    }

    mutating func add(_ value: Double, at parameter: Value?) {
      let group = groups.index(of: parameter)
      count[group] += 1
      sum[group] += value
      squares += value * value
    }

    var explained: Double? {
      let total = count.reduce(0, +)
      let mean = sum.reduce(0, +) / total
      let variance = squares / total - mean * mean
      guard groups.count > 1, variance > 1e-12 * squares / total else { return nil }
      let between = zip(count, sum).reduce(0.0) { $1.0 > 0 ? $0 + $1.0 * ($1.1 / $1.0) * ($1.1 / $1.0) : $0 } / total
      return min(1, max(0, (between - mean * mean) / variance))
    }
  }
}

/// The values of a parameter in groups: each for itself up to 64 of them, 16 equal parts of the range of numbers beyond.
struct ValueGroups {
  private static let mostValues = 64
  private static let parts = 16
  private var values: [Value?: Int] = [:]
  private var low = Double.infinity
  private var high = -Double.infinity

  mutating func note(_ value: Value?) {
    if values.count <= Self.mostValues, values[value] == nil { values[value] = values.count }
    if case .number(let number)? = value {
      low = min(low, number)
      high = max(high, number)
    }
  }

  private var isRange: Bool { values.count > Self.mostValues && low < high }

  var count: Int { isRange ? Self.parts + 1 : values.count + 1 }

  func index(of value: Value?) -> Int {
    guard isRange else { return values[value] ?? values.count }
    guard case .number(let number)? = value else { return Self.parts }
    return min(Self.parts - 1, Int((number - low) / (high - low) * Double(Self.parts)))
  }
}
