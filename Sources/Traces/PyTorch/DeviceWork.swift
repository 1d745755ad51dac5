import Quantities
import Workloads

/// A kernel, copy or fill that a device ran for a call.
struct DeviceWork {
  /// The call's place among those of the importer; nil where the trace does not tell.
  var call: Int?
  /// The kernel.
  var name: String
  /// Begin in nanoseconds, from 0 to 2^62; nil where the trace has only how long it took.
  var start: Int?
  /// Nanoseconds, from 0 to 2^60.
  var duration: Int

  /// Nanoseconds in which any of them ran: kernels beside each other count once, gaps between them not at all.
  fileprivate static func busy(_ work: [DeviceWork]) -> Int {
    var (sum, end) = (0, Int.min)
    for piece in work {
      guard let start = piece.start else {
        sum = saturatingSum(sum, piece.duration)
        continue
      }
      sum = saturatingSum(sum, max(0, start + piece.duration - max(start, end)))
      end = max(end, start + piece.duration)
    }
    return sum
  }

  /// The latest begin and the longest time that a trace holds, in nanoseconds.
  fileprivate static let limit = 1 << 60
}

extension Workload {
  /// The workload with the time that a device spent on each operator; what belongs to none is told among what was
  /// skipped.
  /// - Parameters:
  ///   - work: where it has no begins, in order of time. Begins are told from that of the first.
  ///   - calls: what became of the calls that it was for.
  func measured(_ work: [DeviceWork], of calls: PyTorchImporter) -> Workload {
    var result = self
    let origin = work.compactMap(\.start).min() ?? 0
    var strays = Strays()
    var pieces: [Int: [DeviceWork]] = [:]
    for (_, piece) in work.enumerated().sorted(by: { ($0.1.start ?? 0, $0.0) < ($1.1.start ?? 0, $1.0) }) {
      guard let call = piece.call else {
        strays.add("by no call", piece.duration, piece.name)
        continue
      }
      guard let range = calls.operators(around: call) else {
        strays.add("by calls that were skipped", piece.duration, calls.nodes[call].name)
        continue
      }
      pieces[range.lowerBound, default: []].append(piece)
    }
    for (first, work) in pieces.sorted(by: { $0.key < $1.key }) {
      // All work of the call that began this operator, and those that came of the same call.
      guard let call = work[0].call, let range = calls.operators(around: call) else { continue }
      guard let parts = range.count == 1 ? [work[...]] : work.gradients, parts.count == range.count else {
        strays.add("by calls that are several operators", DeviceWork.busy(work), operators[first].name)
        continue
      }
      for (index, part) in zip(range, parts) {
        // What is less than the clock of the trace tells was not measured.
        let busy = DeviceWork.busy(Array(part))
        guard busy > 0 else { continue }
        let start = part.first?.start.map { min($0 - origin, DeviceWork.limit) }
        result.operators[index].measured = RecordedTime(
          start: start.map { .nanoseconds($0) }, duration: .nanoseconds(min(busy, DeviceWork.limit)))
      }
    }
    result.skipped += strays.parts
    return result
  }
}

extension [DeviceWork] {
  /// The kernels of a convolution's backward pass by gradient, of the data and of the weights, which come in that order;
  /// nil where their names do not tell. Changes of the layout before a product and after it belong to it.
  fileprivate var gradients: [ArraySlice<DeviceWork>]? {
    let isWeight = map { $0.name.contains("wgrad") || $0.name.contains("Wgrad") }
    var cut: Int
    if let last = lastIndex(where: { $0.name.contains("dgrad") }) {
      cut = last + 1
      while cut < count, self[cut].name.contains("nhwcToNchw") { cut += 1 }
    } else if let first = isWeight.firstIndex(of: true) {
      cut = first
      while cut > 0, self[cut - 1].name.contains("nchwToNhwc") { cut -= 1 }
    } else {
      return nil
    }
    guard 0 < cut, cut < count, !isWeight[..<cut].contains(true) else { return nil }
    return [self[..<cut], self[cut...]]
  }
}

/// Time of a device that no operator accounts for.
private struct Strays {
  private var reasons: [(reason: String, count: Int, nanoseconds: Int, examples: [String])] = []

  mutating func add(_ reason: String, _ nanoseconds: Int, _ example: String) {
    let index = reasons.firstIndex { $0.reason == reason } ?? reasons.count
    if index == reasons.count { reasons.append((reason, 0, 0, [])) }
    reasons[index].count += 1
    reasons[index].nanoseconds = saturatingSum(reasons[index].nanoseconds, nanoseconds)
    // The names of templates go on for lines.
    let name = String(example.prefix(60))
    if reasons[index].examples.count < 8, !reasons[index].examples.contains(name) {
      reasons[index].examples.append(name)
    }
  }

  var parts: [Workload.Skipped] {
    reasons.map {
      Workload.Skipped(
        reason: "\(Seconds(Double($0.nanoseconds) * 1e-9)) on the device \($0.reason)", count: $0.count,
        examples: $0.examples)
    }
  }
}
