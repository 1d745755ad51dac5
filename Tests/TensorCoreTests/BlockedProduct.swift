import Hardware
import Quantities
import Workloads

/// A of a product: all values, or of every four consecutive ones the two of largest magnitude with their positions.
struct WeightMatrix {
  let rows: Int
  let depth: Int
  /// Values kept of a row, and the row's reduction index of each.
  let values: [[Int]]
  let positions: [[Int]]
  let isCompressed: Bool

  init(dense: [[Int]]) {
    rows = dense.count
    depth = dense[0].count
    values = dense
    positions = dense.map { Array($0.indices) }
    isCompressed = false
  }

  /// Keeps two of four; `matrix` must have whole groups.
  init(compressing matrix: [[Int]]) {
    rows = matrix.count
    depth = matrix[0].count
    positions = matrix.map { row in
      stride(from: 0, to: row.count, by: 4).flatMap { start in
        (start..<start + 4).sorted { (abs(row[$1]), $0) < (abs(row[$0]), $1) }.prefix(2).sorted()
      }
    }
    values = zip(matrix, positions).map { row, kept in kept.map { row[$0] } }
    isCompressed = true
  }

  /// The matrix with zeros in place of what was dropped.
  var masked: [[Int]] {
    zip(values, positions).map { values, positions in
      var row = [Int](repeating: 0, count: depth)
      for (value, position) in zip(values, positions) { row[position] = value }
      return row
    }
  }
}

/// A matrix kernel run block by block on real values, counting what it does: the slow and obvious model.
///
/// Every thread block takes a tile of C, or a part of its reduction, through the steps of K. It loads its rows of A and
/// columns of B into shared memory (from the level-two cache, unless a block of its cluster loads the same), feeds the
/// tensor cores from there in passes, and multiplies all of the tile, with zeros where the operands end.
struct BlockedProduct {
  struct Counts: Equatable {
    /// Multiply-accumulates issued, and those of them on values that exist.
    var macs = 0
    var usefulMACs = 0
    var blocks = 0
    /// Bits moved.
    var filled = 0
    var l2Read = 0
    var l2Written = 0
    var operandRead = 0

    static func += (a: inout Counts, b: Counts) {
      a.macs += b.macs
      a.usefulMACs += b.usefulMACs
      a.blocks += b.blocks
      a.filled += b.filled
      a.l2Read += b.l2Read
      a.l2Written += b.l2Written
      a.operandRead += b.operandRead
    }
  }

  let gpu: TensorCoreGPU
  let kernel: GEMMKernel
  let splits: Int
  let elementBits: Int
  let outputBits: Int
  private(set) var counts = Counts()
  private(set) var result: [[Int]] = []

  init(_ a: WeightMatrix, _ b: [[Int]], on gpu: TensorCoreGPU, kernel: GEMMKernel, splits: Int, types: (Int, Int)) {
    self.gpu = gpu
    self.kernel = kernel
    self.splits = splits
    (elementBits, outputBits) = types
    let n = b[0].count
    result = [[Int]](repeating: [Int](repeating: 0, count: n), count: a.rows)
    for part in 0..<splits {
      for i in stride(from: 0, to: a.rows, by: kernel.m) {
        for j in stride(from: 0, to: n, by: kernel.n) { run(a, b, row: i, column: j, part: part) }
      }
    }
    // A split reduction leaves its parts in single precision, which are read again and added up.
    if splits > 1 {
      let partials = splits * a.rows * n * 32
      counts.l2Written += partials
      counts.l2Read += partials
      counts.filled += partials
    }
    counts.l2Written += a.rows * n * outputBits
  }

  private mutating func run(_ a: WeightMatrix, _ b: [[Int]], row: Int, column: Int, part: Int) {
    counts.blocks += 1
    let step = max(16, Int(gpu.stepBytes.count) * 8 / elementBits)
    let length = (a.depth + splits - 1) / splits
    let range = min(a.depth, part * length)..<min(a.depth, (part + 1) * length)
    let rows = row..<min(row + kernel.m, a.rows)
    let columns = column..<min(column + kernel.n, b[0].count)
    // The blocks of a cluster that hold the same rows lie along N, those with the same columns along M.
    let loadsA = column / kernel.n % kernel.cluster.n == 0
    let loadsB = row / kernel.m % kernel.cluster.m == 0
    // A block whose part is the shorter one waits for the others: all parts take as many steps.
    for index in 0..<(length + step - 1) / step {
      let start = range.lowerBound + index * step
      let slice = min(start, range.upperBound)..<min(start + step, range.upperBound)
      load(a, rows, slice, columns, loadsA: loadsA, loadsB: loadsB)
      feed(step, a)
      multiply(a, b, rows, columns, slice, step)
    }
  }

  /// Into shared memory: what is there, no padding.
  private mutating func load(
    _ a: WeightMatrix, _ rows: Range<Int>, _ slice: Range<Int>, _ columns: Range<Int>, loadsA: Bool, loadsB: Bool
  ) {
    var bitsOfA = 0
    for row in rows {
      // Two bits tell a kept value's place among its four.
      let kept = a.positions[row].count { slice.contains($0) }
      bitsOfA += kept * (elementBits + (a.isCompressed ? 2 : 0))
    }
    let bitsOfB = slice.count * columns.count * elementBits
    counts.filled += bitsOfA + bitsOfB
    counts.l2Read += (loadsA ? bitsOfA : 0) + (loadsB ? bitsOfB : 0)
  }

  /// Out of shared memory: the whole tile's slices, once for every pass of the other side. The tensor cores take the
  /// sides as they are, or transposed where A is dense and has too few rows for a pass.
  private mutating func feed(_ step: Int, _ a: WeightMatrix) {
    let (rows, columns) = sides(a)
    for _ in stride(from: 0, to: rows, by: gpu.rowsPerOperandPass) {
      counts.operandRead += columns * step * elementBits
    }
    for _ in stride(from: 0, to: columns, by: gpu.columnsPerOperandPass) {
      counts.operandRead += rows * (a.isCompressed ? step / 2 * (elementBits + 2) : step * elementBits)
    }
  }

  private func sides(_ a: WeightMatrix) -> (rows: Int, columns: Int) {
    let pass = gpu.rowsPerOperandPass
    let isTransposed = !a.isCompressed && kernel.m < pass && kernel.n >= pass
    return isTransposed ? (kernel.n, kernel.m) : (kernel.m, kernel.n)
  }

  private mutating func multiply(
    _ a: WeightMatrix, _ b: [[Int]], _ rows: Range<Int>, _ columns: Range<Int>, _ slice: Range<Int>, _ step: Int
  ) {
    // Slots of one row in this step: kept values only for the sparse instruction.
    for row in rows {
      for (value, position) in zip(a.values[row], a.positions[row]) where slice.contains(position) {
        for column in columns {
          result[row][column] += value * b[position][column]
          counts.usefulMACs += 1
        }
      }
    }
    let (tall, wide) = sides(a)
    for _ in stride(from: 0, to: tall, by: gpu.rowsPerOperandPass) {
      counts.macs += gpu.rowsPerOperandPass * wide * (a.isCompressed ? step / 2 : step)
    }
  }
}

/// The product as it is defined.
func product(_ a: [[Int]], _ b: [[Int]]) -> [[Int]] {
  a.map { row in
    b[0].indices.map { column in row.indices.reduce(0) { $0 + row[$1] * b[$1][column] } }
  }
}

func randomMatrix(_ rows: Int, _ columns: Int, _ generator: inout some RandomNumberGenerator) -> [[Int]] {
  (0..<rows).map { _ in (0..<columns).map { _ in Int.random(in: -9...9, using: &generator) } }
}
