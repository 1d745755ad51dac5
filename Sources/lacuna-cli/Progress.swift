import Lacuna

/// How far long work is, for people who look on: how much is done, how fast it goes and how long it will take.
///
/// On a terminal only; it is written ten times a second at most.
struct Progress {
  private let title: String
  private let noun: String
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  /// That of the thread which begins: others that tell how far they are may not have it.
  private let verbosity = Console.verbosity

  /// - Parameters:
  ///   - title: the work, for example `compressing x.jsonl`.
  ///   - noun: what is counted, for example `operators`.
  init(_ title: String, counting noun: String) {
    self.title = title
    self.noun = noun
    Console.progress(title)
  }

  /// Tells how far the work is.
  /// - Parameters:
  ///   - done: how many are done, those of earlier runs included.
  ///   - total: how many there are; nil where nobody knows.
  ///   - worked: how many this run has done; all of `done` if nil.
  mutating func show(_ done: Int, of total: Int?, worked: Int? = nil) {
    show(done, of: total, fraction: total.map { Double(done) / Double(max(1, $0)) }, worked: worked ?? done)
  }

  /// Tells how far work is whose count is not known before its end.
  /// - Parameter fraction: the part that is done; nil where nobody knows.
  mutating func show(_ done: Int, fraction: Double?) { show(done, of: nil, fraction: fraction, worked: done) }

  private mutating func show(_ done: Int, of total: Int?, fraction: Double?, worked: Int) {
    Console.$verbosity.withValue(verbosity) {
      let now = ContinuousClock.now
      guard Console.showsProgress, verbosity != .verbose else { return }
      if let shown, shown.duration(to: now) < .milliseconds(100), fraction != 1 { return }
      shown = now
      let elapsed = start.duration(to: now) / .seconds(1)
      Console.progress(Self.line(title, done, of: total, noun, fraction: fraction, worked: worked, elapsed: elapsed))
    }
  }

  /// What is told after `elapsed` seconds; a rate only when it means something.
  static func line(
    _ title: String, _ done: Int, of total: Int?, _ noun: String, fraction: Double?, worked: Int, elapsed: Double
  ) -> String {
    var parts = [
      title, "\(formatGrouped(Int64(done)))\(total.map { " of \(formatGrouped(Int64($0)))" } ?? "") \(noun)",
    ]
    if let fraction, total == nil { parts.append("\(Int(100 * fraction)) %") }
    if worked > 0, elapsed > 0.5 {
      let rate = Double(worked) / elapsed
      parts.append("\(formatSignificant(rate, digits: 3))/s")
      // What this run did is a part of what is done: earlier runs took none of its time.
      if let fraction, fraction > 0, fraction < 1, done > 0 {
        let left = elapsed * (1 - fraction) / (fraction * Double(worked) / Double(done))
        parts.append("\(Self.duration(left)) left")
      }
    }
    return parts.joined(separator: " · ")
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    return switch whole {
    case ..<60: "\(whole) s"
    case ..<3600: "\(whole / 60) min \(whole % 60) s"
    default: "\(whole / 3600) h \(whole / 60 % 60) min"
    }
  }
}
