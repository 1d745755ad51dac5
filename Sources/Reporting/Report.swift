public import Hardware
public import Validation

/// Something to tell, which can be told as a table, as JSON or as CSV.
public enum Report: Sendable {
  /// One run, operator by operator.
  case run(RunReport, operators: OperatorLimit = .first(15))
  /// The same workload on several machines.
  case comparison([RunReport])
  /// A training run of several phases.
  case schedule(ScheduleReport)
  /// Machines, a line each.
  case machines([Machine])
  /// One machine with all its constants.
  case machine(Machine)
  /// Workloads on machines at one sparsity after the other.
  case sweep(SweepReport)
  /// What the chip of a machine is made of.
  case area(Machine, AreaBreakdown)
  /// What a trace holds.
  case trace(TraceReport)
  /// What the zeros of tensors are like; beside them, how many tensors of the files have no rows and columns.
  case sparsity([TensorSparsity], otherTensors: Int)
  /// How far the simulator is from measurements, a line a group.
  case validation([ErrorGroup])
  /// How far the simulator is from a trace that was timed, operator by operator.
  case traceValidation(TraceValidation, operators: OperatorLimit = .first(15))
  /// Where a speedup is lost.
  case losses(LossReport)

  /// How many kinds of operators a table lists.
  public enum OperatorLimit: Hashable, Sendable {
    /// The slowest.
    case first(Int)
    /// All of them.
    case all
  }

  /// The ways to tell it.
  public enum Format: String, CaseIterable, Sendable {
    /// For people.
    case table
    /// For scripts, everything.
    case json
    /// For spreadsheets and data frames: one table.
    case csv
  }

  /// The report as text that ends in a newline. Equal reports give equal text.
  public func text(as format: Format) -> String {
    switch format {
    case .table: TableReport.text(self)
    case .json: JSONReport.text(self)
    case .csv: CSVReport.text(self)
    }
  }
}
