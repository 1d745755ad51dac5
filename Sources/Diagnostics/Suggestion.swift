/// The candidate closest to `word`, if it is close enough to be a slip of the keyboard.
///
/// Distance is Levenshtein's, ignoring case; a third of the word's length (at least one edit) may differ.
public func nearest<S: Sequence>(to word: String, among candidates: S) -> String? where S.Element == String {
  let limit = max(1, word.count / 3)
  return candidates.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }
    .filter { $0.1 <= limit }
    .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

private func editDistance(_ a: String, _ b: String) -> Int {
  let b = Array(b)
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
      diagonal = row[j + 1]
      row[j + 1] = next
    }
  }
  return row[b.count]
}
