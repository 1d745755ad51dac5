/// The candidate closest to `word`, if it is close enough to be a slip of the keyboard.
///
/// An edit inserts, deletes or replaces a character, or swaps two neighbours; case is ignored. A third of the word's
/// length (at least one edit) may differ.
public func nearest<S: Sequence>(to word: String, among candidates: S) -> String? where S.Element == String {
  let limit = max(1, word.count / 3)
  return candidates.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }
    .filter { $0.1 <= limit }
    .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
