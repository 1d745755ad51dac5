/// Which elements of a matrix are kept: one bit each, shared by all copies.
///
/// Rows are output features, columns the reduction axis K. A convolution's K = R·S·C has its channels fastest, as
/// ``MatrixProblem/groupedChannels`` has it. Equal masks are equal wherever they come from.
public struct ZeroMask: Sendable {
  /// Output features.
  public let rows: Int
  /// The reduction length.
  public let columns: Int
  /// Elements that are kept.
  public let kept: Int

  private let wordsPerRow: Int
  private let words: [UInt64]
  /// Of the content: equal masks have the same in every run.
  public let digest: UInt64

  /// A mask of which every element is dropped, to be filled in and finished.
  public struct Builder: Sendable {
    /// Output features.
    public let rows: Int
    /// The reduction length.
    public let columns: Int
    fileprivate let wordsPerRow: Int
    fileprivate var words: [UInt64]

    /// Nothing is kept yet.
    public init(rows: Int, columns: Int) {
      precondition(rows > 0 && columns > 0, "a mask has rows and columns, not \(rows)×\(columns)")
      (self.rows, self.columns) = (rows, columns)
      wordsPerRow = (columns + 63) / 64
      words = [UInt64](repeating: 0, count: rows * wordsPerRow)
    }

    /// Keeps an element.
    /// - Returns: whether it was dropped until now.
    @discardableResult public mutating func keep(_ row: Int, _ column: Int) -> Bool {
      precondition(row < rows && column < columns, "(\(row), \(column)) lies in \(rows)×\(columns)")
      let (index, bit) = (row * wordsPerRow + column >> 6, UInt64(1) << UInt64(column & 63))
      defer { words[index] |= bit }
      return words[index] & bit == 0
    }

    /// The mask as it is now.
    public consuming func finish() -> ZeroMask { ZeroMask(self) }
  }

  private init(_ builder: consuming Builder) {
    (rows, columns, wordsPerRow) = (builder.rows, builder.columns, builder.wordsPerRow)
    words = builder.words
    var digest = UInt64(truncatingIfNeeded: rows) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: columns)
    var kept = 0
    for word in words {
      kept += word.nonzeroBitCount
      digest = (digest ^ word) &* 0xBF58_476D_1CE4_E5B9
      digest ^= digest >> 29
    }
    (self.kept, self.digest) = (kept, digest)
  }

  /// A mask from its rows, true where an element is kept; they are equally long.
  public init(_ rows: [[Bool]]) {
    var builder = Builder(rows: rows.count, columns: rows.first?.count ?? 0)
    for (row, elements) in rows.enumerated() {
      precondition(elements.count == builder.columns, "rows of \(builder.columns) and of \(elements.count)")
      for (column, isKept) in elements.enumerated() where isKept { builder.keep(row, column) }
    }
    self = builder.finish()
  }

  /// Whether an element is kept.
  public subscript(row: Int, column: Int) -> Bool {
    precondition(row < rows && column < columns, "(\(row), \(column)) lies in \(rows)×\(columns)")
    return words[row * wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 == 1
  }

  /// The fraction of elements that are kept.
  public var density: Double { Double(kept) / (Double(rows) * Double(columns)) }

  /// How many elements of a row are kept between two columns.
  /// - Complexity: a step for every 64 columns.
  public func kept(inRow row: Int, _ range: Range<Int>) -> Int {
    precondition(range.upperBound <= columns, "columns \(range) of \(columns)")
    guard !range.isEmpty else { return 0 }
    let start = row * wordsPerRow
    let (first, last) = (range.lowerBound >> 6, (range.upperBound - 1) >> 6)
    let head = ~UInt64(0) << UInt64(range.lowerBound & 63)
    let tail = ~UInt64(0) >> UInt64(63 - (range.upperBound - 1) & 63)
    guard first < last else { return (words[start + first] & head & tail).nonzeroBitCount }
    var count = (words[start + first] & head).nonzeroBitCount + (words[start + last] & tail).nonzeroBitCount
    for index in start + first + 1..<start + last { count += words[index].nonzeroBitCount }
    return count
  }

  /// How many groups of `size` elements along K keep each number of them: the count of groups that keep x stands at x.
  ///
  /// Groups begin anew at every multiple of `run` columns; the last one of a run may be shorter.
  /// - Parameter run: the channels of a convolution; nil for one run.
  public func groups(of size: Int, run: Int? = nil) -> GroupCounts {
    let run = run ?? columns
    precondition(size > 0 && run > 0, "groups of \(size) in runs of \(run)")
    var counts = [Int](repeating: 0, count: min(size, columns) + 1)
    for row in 0..<rows {
      for start in stride(from: 0, to: columns, by: run) {
        let end = min(start + run, columns)
        var place = start
        while place < end {
          let next = min(place + size, end)
          counts[kept(inRow: row, place..<next)] += 1
          place = next
        }
      }
    }
    return GroupCounts(size: size, counts: counts)
  }

  /// What whole blocks of `height` × `width` elements keep; those at the edges may be smaller.
  public func blocks(_ height: Int, _ width: Int) -> BlockCounts {
    precondition(height > 0 && width > 0, "blocks of \(height)×\(width)")
    var result = BlockCounts()
    var sums = [Int](repeating: 0, count: (columns + width - 1) / width)
    for top in stride(from: 0, to: rows, by: height) {
      let bottom = min(top + height, rows)
      for index in sums.indices { sums[index] = 0 }
      for row in top..<bottom {
        for index in sums.indices {
          sums[index] += kept(inRow: row, index * width..<min((index + 1) * width, columns))
        }
      }
      var kept = 0
      for (index, sum) in sums.enumerated() {
        if sum > 0 { kept += 1 }
        let area = (bottom - top) * (min((index + 1) * width, columns) - index * width)
        let density = Double(sum) / Double(area)
        result.lowestDensity = min(result.lowestDensity, density)
        result.highestDensity = max(result.highestDensity, density)
      }
      result.count += sums.count
      result.kept += kept
      result.fullestRow = max(result.fullestRow, kept)
    }
    return result
  }

  /// How many elements each row keeps.
  public var keptInRows: [Int] { (0..<rows).map { kept(inRow: $0, 0..<columns) } }

  /// How many elements each column keeps.
  public var keptInColumns: [Int] {
    var counts = [Int](repeating: 0, count: columns)
    for row in 0..<rows {
      for index in 0..<wordsPerRow {
        var word = words[row * wordsPerRow + index]
        while word != 0 {
          counts[index << 6 + word.trailingZeroBitCount] += 1
          word &= word - 1
        }
      }
    }
    return counts
  }
}

extension ZeroMask: Hashable {
  /// Whether both keep the same elements.
  public static func == (a: ZeroMask, b: ZeroMask) -> Bool {
    (a.rows, a.columns, a.digest) == (b.rows, b.columns, b.digest) && a.words == b.words
  }

  /// Feeds a digest of the content.
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// Groups of elements along K by what they keep.
public struct GroupCounts: Hashable, Sendable {
  /// Elements of a group.
  public var size: Int
  /// Groups that keep as many elements as the index says.
  public var counts: [Int]

  /// All groups.
  public var total: Int { counts.reduce(0, +) }
  /// The most that any of them keeps.
  public var fullest: Int { counts.lastIndex { $0 > 0 } ?? 0 }
  /// What they keep on average.
  public var mean: Double {
    Double(counts.enumerated().reduce(0) { $0 + $1.offset * $1.element }) / Double(max(1, total))
  }
  /// The fullest over the mean: 1 where all keep the same; nil where nothing is kept.
  public var imbalance: Double? { mean > 0 ? Double(fullest) / mean : nil }

  /// The fraction of groups that keep at most `n`.
  public func share(keepingAtMost n: Int) -> Double {
    Double(counts.prefix(n + 1).reduce(0, +)) / Double(max(1, total))
  }
}

/// Blocks of a mask by what they keep.
public struct BlockCounts: Hashable, Sendable {
  /// All blocks.
  public var count = 0
  /// Blocks that keep at least one element.
  public var kept = 0
  /// The most such blocks in any row of blocks.
  public var fullestRow = 0
  /// The smallest share of its elements that a block keeps.
  public var lowestDensity = 1.0
  /// The largest.
  public var highestDensity = 0.0

  /// The fraction of blocks that keep anything.
  public var density: Double { Double(kept) / Double(max(1, count)) }
}

/// The zeros of a real tensor: where they are to be found and, once that was read, which they are.
///
/// Two that were read are equal where their zeros are.
public struct MaskReference: Sendable {
  /// The file.
  public let file: String
  /// Its tensor; empty for the only one.
  public let tensor: String
  /// The zeros, nil until they are read.
  public let zeros: ZeroMask?

  /// A reference, not read unless its zeros are given.
  public init(file: String, tensor: String = "", zeros: ZeroMask? = nil) {
    (self.file, self.tensor, self.zeros) = (file, tensor, zeros)
  }
}

extension MaskReference: Hashable {
  /// Whether both have the same zeros, or are the same reference that nobody has read.
  public static func == (a: MaskReference, b: MaskReference) -> Bool {
    if let a = a.zeros, let b = b.zeros { return a == b }
    return a.zeros == nil && b.zeros == nil && (a.file, a.tensor) == (b.file, b.tensor)
  }

  /// Feeds what equality compares.
  public func hash(into hasher: inout Hasher) {
    guard let zeros else { return hasher.combine([file, tensor]) }
    hasher.combine(zeros)
  }
}

extension SparsityPattern {
  /// The zeros of a mask that was read.
  public var zeros: ZeroMask? {
    if case .mask(let reference) = self { reference.zeros } else { nil }
  }
}
