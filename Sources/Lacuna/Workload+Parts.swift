public import Workloads

extension Workload {
  /// Some of the operators, as a workload of their own: dependencies on operators outside are dropped.
  /// - Parameter range: indices, which must lie within the operators.
  public func part(_ range: Range<Int>) -> Workload {
    var result = self
    result.operators = operators[range].map { op in
      var op = op
      op.dependencies = op.dependencies.filter(range.contains).map { $0 - range.lowerBound }
      return op
    }
    return result
  }
}
