import RealModule

/// Counts of kept values in groups of an unstructured operand, where a unit waits for the fullest of several groups.
public enum OrderStatistics {
  /// The expected maximum of `groups` hypergeometric counts: each group holds `size` of `population` elements, of
  /// which `kept` are not zero.
  ///
  /// E[max] = Σ_{x≥0} (1 − F(x)^groups), with groups taken as independent, which they are up to O(size/population).
  /// - Complexity: O(size).
  public static func expectedMaximum(groups: Int, size: Int, kept: Int, population: Int) -> Double {
    precondition(groups > 0 && size > 0 && kept >= 0 && kept <= population && size <= population)
    var cumulative = 0.0
    var expected = 0.0
    for count in 0..<size {
      cumulative += probability(of: count, size: size, kept: kept, population: population)
      let below = Double.pow(min(1, cumulative), Double(groups))
      expected += 1 - below
    }
    return max(0, expected)
  }

  /// The hypergeometric probability of `count` kept elements in a group.
  public static func probability(of count: Int, size: Int, kept: Int, population: Int) -> Double {
    guard count <= kept, size - count <= population - kept else { return 0 }
    return Double.exp(
      logBinomial(kept, count) + logBinomial(population - kept, size - count) - logBinomial(population, size))
  }

  private static func logBinomial(_ n: Int, _ k: Int) -> Double {
    Double.logGamma(Double(n) + 1) - Double.logGamma(Double(k) + 1) - Double.logGamma(Double(n - k) + 1)
  }
}
