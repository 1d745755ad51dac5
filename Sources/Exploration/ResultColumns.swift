/// The table of a study's results: what its columns are called and what they hold.
public struct ResultColumns: Sendable, Equatable {
  /// Columns that every table has: the point's index, its id, its verdict and what there is to say of that.
  static let fixed = ["point", "id", "verdict", "detail"]

  /// A column.
  public struct Column: Sendable, Equatable {
    /// What it is called.
    public let name: String
    /// What it holds.
    public let role: Role
  }

  /// What a column holds.
  public enum Role: String, Sendable {
    case parameter, figure, objective
  }

  /// Something that is made small or large.
  public struct Goal: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// The column it is in.
    public let column: String
    /// Whether more is better.
    public let isMaximised: Bool

    /// The value as something to be made small.
    public func cost(_ value: Double) -> Double { isMaximised ? -value : value }
  }

  /// Parameters, figures and objectives that are neither, in the order of the study.
  public let columns: [Column]
  /// What is sought.
  public let goals: [Goal]

  init(columns: [Column], goals: [Goal]) {
    self.columns = columns
    self.goals = goals
  }

  /// The columns of a study's results. Figures have their unit in the name.
  init(_ study: DesignStudy) {
    var columns = study.space.parameters.map { Column(name: $0.name, role: .parameter) }
    columns += study.figureNames.map { Column(name: Self.column($0), role: .figure) }
    var goals: [Goal] = []
    for objective in study.objectives {
      let name: String
      if case .name(let index) = objective.expression.root {
        name = columns[index].name
      } else {
        var own = String(objective.name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
        while (Self.fixed + columns.map(\.name)).contains(own) { own += "_" }
        columns.append(Column(name: own, role: .objective))
        name = own
      }
      goals.append(Goal(name: objective.name, column: name, isMaximised: objective.isMaximised))
    }
    self.init(columns: columns, goals: goals)
  }

  /// The column of a figure.
  static func column(_ figure: String) -> String {
    let unit =
      switch figure.split(separator: ".").last {
      case "time": "_seconds"
      case "energy": "_joules"
      case "power": "_watts"
      case "edp": "_joule_seconds"
      case "area": "_mm2"
      default: ""
      }
    return String(figure.map { $0 == "." ? "_" : $0 }) + unit
  }

  /// A result's values in the order of the columns; nil for what a point does not have.
  func cells(_ result: PointResult, of study: DesignStudy) -> [Value?] {
    var cells = result.values
    cells.reserveCapacity(columns.count)
    if result.figures.isEmpty {
      cells += [Value?](repeating: nil, count: columns.count - cells.count)
      return cells
    }
    for figure in result.figures { cells.append(.number(figure)) }
    for (objective, value) in zip(study.objectives, result.objectives) {
      if case .name = objective.expression.root { continue }
      cells.append(.number(value))
    }
    return cells
  }
}
