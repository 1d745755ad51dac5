import Workloads

/// Loops around one multiply-accumulate of two tensors into a third, O += W·I: how design-space tools describe a layer.
///
/// What a loop is follows from the tensors that it indexes: all three, a group (or an independent product); W and O, an
/// output feature; I and O, a column; W and I, the reduction. An index of I that adds up a loop of O and one of W is the
/// window of a convolution. Its input is as large as the windows reach: ((P − 1)·stride + (R − 1)·dilation + 1).
struct LoopNest {
  /// A loop times a factor.
  struct Term: Hashable {
    var loop: String
    var factor = 1
  }

  /// An index of a tensor: a sum of terms.
  typealias Index = [Term]

  /// How often each loop runs.
  var sizes: [String: Int]
  /// The indices of W.
  var weights: [Index]
  /// The indices of I.
  var inputs: [Index]
  /// The indices of O.
  var outputs: [Index]
  /// Whether W is a parameter.
  var hasWeights = true
  /// Zeros around the input, before and after, for each index that is a window.
  var padding: [Index: (before: Int, after: Int)] = [:]

  /// Why a nest is no operator that is known here.
  struct Unreadable: Error { var reason: String }

  /// A convolution's window along one axis.
  struct Window {
    var positions = 1
    var stride = 1
    var taps = 1
    var dilation = 1
    var padding = (before: 0, after: 0)

    /// Elements of the input it reaches, padding left out.
    var input: Int {
      saturating(positions - 1, stride).addingSaturated(saturating(taps - 1, dilation)) + 1 - padding.before
        - padding.after
    }
  }

  /// The windows of I, those of one position and one tap left out, and the product of the other loops by what they are.
  struct Roles {
    var groups = 1
    var outputFeatures = 1
    var columns = 1
    var reduction = 1
    var windows: [Window] = []
  }

  /// A product, or a convolution where windows overlap, skip inputs or are two-dimensional.
  func kind() throws(Unreadable) -> OperatorKind {
    let roles = try roles()
    let isLine = roles.windows.allSatisfy { $0.taps == 1 && $0.stride == 1 && $0.padding == (0, 0) }
    if isLine, roles.windows.count < 2 {
      return .gemm(
        GEMM(
          m: roles.outputFeatures, n: saturating(roles.columns, roles.windows.first?.positions ?? 1),
          k: roles.reduction, batch: roles.groups, hasWeights: hasWeights))
    }
    guard roles.windows.count <= 2 else {
      throw Unreadable(reason: "it is a convolution over \(roles.windows.count) axes, and only two are known here")
    }
    let width = roles.windows[roles.windows.count - 1]
    let height = roles.windows.count == 2 ? roles.windows[0] : Window()
    return .convolution(
      Convolution(
        batch: roles.columns, inputChannels: saturating(roles.groups, roles.reduction),
        outputChannels: saturating(roles.groups, roles.outputFeatures), input: Extent(height.input, width.input),
        kernel: Extent(height.taps, width.taps), stride: Extent(height.stride, width.stride),
        padding: Padding(
          top: height.padding.before, bottom: height.padding.after, left: width.padding.before,
          right: width.padding.after), dilation: Extent(height.dilation, width.dilation), groups: roles.groups))
  }

  /// What each loop is.
  func roles() throws(Unreadable) -> Roles {
    for (name, indices) in [("weights", weights), ("outputs", outputs)] {
      guard indices.allSatisfy({ $0.count == 1 }) else {
        throw Unreadable(reason: "an index of its \(name) is a sum of loops")
      }
    }
    let weightLoops = Set(weights.joined().map(\.loop))
    let outputLoops = Set(outputs.joined().map(\.loop))
    var roles = Roles()
    var inWindows: Set<String> = []
    for index in inputs where index.count > 1 || index.contains(where: { $0.factor > 1 }) {
      guard index.count <= 2 else {
        throw Unreadable(reason: "an index of its inputs is a sum of \(index.count) loops")
      }
      let positions = index.filter { outputLoops.contains($0.loop) && !weightLoops.contains($0.loop) }
      let taps = index.filter { weightLoops.contains($0.loop) && !outputLoops.contains($0.loop) }
      guard positions.count <= 1, taps.count <= 1, positions.count + taps.count == index.count else {
        throw Unreadable(
          reason: "'\(index.map(\.loop).joined(separator: "' + '"))' is no window: "
            + "one loop of the outputs and one of the weights make one")
      }
      inWindows.formUnion(index.map(\.loop))
      let window = Window(
        positions: positions.first.map { sizes[$0.loop] ?? 1 } ?? 1, stride: positions.first?.factor ?? 1,
        taps: taps.first.map { sizes[$0.loop] ?? 1 } ?? 1, dilation: taps.first?.factor ?? 1,
        padding: padding[index] ?? (0, 0))
      if window.positions > 1 || window.taps > 1 { roles.windows.append(window) }
    }
    let inputLoops = Set(inputs.joined().map(\.loop))
    for (loop, size) in sizes.sorted(by: { $0.key < $1.key }) where !inWindows.contains(loop) {
      switch (weightLoops.contains(loop), inputLoops.contains(loop), outputLoops.contains(loop)) {
      case (true, true, true): roles.groups = saturating(roles.groups, size)
      case (true, false, true): roles.outputFeatures = saturating(roles.outputFeatures, size)
      case (false, true, true): roles.columns = saturating(roles.columns, size)
      case (true, true, false): roles.reduction = saturating(roles.reduction, size)
      default:
        if size > 1 {
          throw Unreadable(
            reason: "the loop '\(loop)' of \(size) steps is none of a product: it indexes one tensor or none")
        }
      }
    }
    return roles
  }
}

extension Int {
  /// The sum, or the largest number where it does not fit.
  fileprivate func addingSaturated(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max - 1 : Swift.min(sum, .max - 1)
  }
}
