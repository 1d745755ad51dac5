import Workloads

extension GroupCounts {
  /// How many groups conform to `n` of their size, in whole percent that no part of one rounds up: so many layers of a
  /// network say the same.
  func conforming(to n: Int) -> String {
    "\(Int(100 * share(keepingAtMost: n))) % of their groups conform to \(n):\(size)"
  }
}
