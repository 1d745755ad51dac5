public import Diagnostics
public import Workloads

/// A tensor of a file, of which only the zeros are ever read.
///
/// Reading them takes one bit of memory for each element, rounded up to eight bytes a row, and twice that for MatrixMarket
/// coordinates, beside a few megabytes; no mask takes more than a gibibyte.
public struct Tensor: Sendable {
  /// What its file calls it; the file's own name without endings where there is no other.
  public let name: String
  /// The file that holds it.
  public let file: String
  /// Its extents, slowest first.
  public let shape: [Int]

  enum Storage: Sendable {
    /// Elements that are read when they are asked for.
    case elements(RandomAccessInput, offset: Int, ElementFormat, isFortran: Bool)
    /// Zeros that a text told.
    case zeros(ZeroMask)
  }

  let storage: Storage
  /// The text that says its shape, and where.
  let origin: (source: SourceText, range: Range<Int>)?

  /// Whether it has rows and columns, and so can be an operator's weights.
  public var isMatrix: Bool { shape.count >= 2 && !shape.contains(0) }

  /// The channels that its columns hold for every tap of a filter; nil where columns are nothing else, or taps of a
  /// single channel.
  public var channels: Int? { shape.count > 2 && shape[1] > 1 ? shape[1] : nil }

  /// Where its file says its shape; nil where no text does.
  /// - Complexity: linear in that text.
  public var location: SourceLocation? { origin.map { $0.source.location(of: $0.range) } }

  /// Its zeros as a matrix of output features × reduction.
  ///
  /// A tensor of more than two extents is a filter: output channels, channels, then taps (O×C×R×S, as PyTorch has
  /// them). Its columns are R·S·C with the channels fastest, the order in which products take them.
  /// - Throws: `corrupt-tensor` where the file ends early, `too-large`, `inconsistent-shape` for what is no matrix.
  public func zeros() throws(DiagnosticList) -> ZeroMask {
    switch storage {
    case .zeros(let zeros): return zeros
    case .elements(let input, let offset, let format, let isFortran):
      guard isMatrix else {
        throw DiagnosticList(
          Diagnostic(
            .inconsistentShape, "'\(name)' of \(file) has the shape \(shape): it has no rows and columns", at: location)
        )
      }
      let columns = shape.dropFirst().reduce(1, *)
      try Self.checkRoom(shape[0], columns, file, at: location)
      return try read(input, offset, format, isFortran, columns)
    }
  }

  /// Refuses a mask that takes more than a gibibyte.
  static func checkRoom(
    _ rows: Int, _ columns: Int, _ file: String, at location: @autoclosure () -> SourceLocation?
  ) throws(DiagnosticList) {
    let words = rows.multipliedReportingOverflow(by: columns / 64 + 1)
    guard words.overflow || words.partialValue > 1 << 27 else { return }
    throw DiagnosticList(
      Diagnostic(
        .tooLarge, "\(file): the zeros of \(rows) × \(columns) elements take more than 1 GiB", at: location(),
        help: "cut the tensor into several"))
  }

  /// One extent: how far a step along it goes in rows and columns.
  private struct Extent {
    var size: Int
    var rowStep = 0
    var columnStep = 0
    var index = 0
  }

  private func read(
    _ input: RandomAccessInput, _ offset: Int, _ format: ElementFormat, _ isFortran: Bool, _ columns: Int
  ) throws(DiagnosticList) -> ZeroMask {
    var extents = shape.map { Extent(size: $0) }
    extents[0].rowStep = 1
    extents[1].columnStep = 1
    var step = shape[1]
    for axis in extents.indices.dropFirst(2).reversed() {
      extents[axis].columnStep = step
      step *= shape[axis]
    }
    if isFortran { extents.reverse() }

    var builder = ZeroMask.Builder(rows: shape[0], columns: columns)
    // A multiple of eight elements is a whole number of bytes.
    let chunk = 1 << 18
    let count = shape[0] * columns
    var (row, column) = (0, 0)
    let fastest = extents.count - 1
    for first in stride(from: 0, to: count, by: chunk) {
      let elements = min(chunk, count - first)
      let start = offset + first * format.bits / 8
      guard let bytes = input.bytes(at: start, count: (elements * format.bits + 7) / 8) else {
        throw DiagnosticList(
          Diagnostic(.corruptTensor, "\(file) cannot be read at byte \(start), in the elements of '\(name)'"))
      }
      for isKept in format.kept(bytes, count: elements) {
        if isKept { builder.keep(row, column) }
        row += extents[fastest].rowStep
        column += extents[fastest].columnStep
        extents[fastest].index += 1
        var axis = fastest
        while axis > 0, extents[axis].index == extents[axis].size {
          row -= extents[axis].rowStep * extents[axis].size
          column -= extents[axis].columnStep * extents[axis].size
          extents[axis].index = 0
          axis -= 1
          row += extents[axis].rowStep
          column += extents[axis].columnStep
          extents[axis].index += 1
        }
      }
    }
    return builder.finish()
  }
}
