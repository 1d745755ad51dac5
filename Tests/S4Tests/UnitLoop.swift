import Hardware
import Workloads

/// Weights with, of every bank along K, some kept as values with their places in the bank.
struct BankedWeights {
  struct Kept {
    var value: Int
    /// Its place in the bank.
    var index: Int
  }

  let depth: Int
  let bankSize: Int
  /// By row and bank.
  let banks: [[[Kept]]]
  /// Whether values are stored with their places.
  let isIndexed: Bool

  /// Keeps what `mask` marks.
  init(_ matrix: [[Int]], bankSize: Int, isIndexed: Bool, keeping mask: [[Bool]]) {
    depth = matrix[0].count
    self.bankSize = bankSize
    self.isIndexed = isIndexed
    banks = zip(matrix, mask).map { row, mask in
      stride(from: 0, to: row.count, by: bankSize).map { start in
        (start..<min(start + bankSize, row.count)).filter { mask[$0] }.map { Kept(value: row[$0], index: $0 - start) }
      }
    }
  }

  var masked: [[Int]] {
    banks.map { row in
      var values = [Int](repeating: 0, count: depth)
      for (bank, kept) in row.enumerated() {
        for kept in kept { values[bank * bankSize + kept.index] = kept.value }
      }
      return values
    }
  }

  var kept: Int { banks.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }
}

/// A product on sparse processing units, round by round and step by step: the slow and obvious model.
///
/// In a round a unit takes as many output channels as it has lanes and as many positions as it has columns through all
/// banks of K. A bank's activations come from the local buffer once; then each step multiplies one kept value of every
/// lane, its index picking the activation, so that a bank takes as many steps as its fullest lane keeps values. Lanes
/// and columns beyond the matrix run along with zeros.
struct UnitLoop {
  let chip: S4Processor
  let elementBits: Int
  private(set) var result: [[Int]]
  private(set) var rounds = 0
  private(set) var steps = 0
  /// Multiply-accumulates issued, and those of them on values that exist.
  private(set) var macs = 0
  private(set) var usefulMACs = 0
  /// Bits through the local port, padding included.
  private(set) var localBits = 0
  /// Bits out of the shared buffer, and into local buffers once every unit has its copy.
  private(set) var sharedBits = 0
  private(set) var filledBits = 0

  init(_ a: BankedWeights, _ b: [[Int]], on chip: S4Processor, elementBits: Int) {
    self.chip = chip
    self.elementBits = elementBits
    let n = b[0].count
    result = [[Int]](repeating: [Int](repeating: 0, count: n), count: a.banks.count)
    let groups = Array(stride(from: 0, to: a.banks.count, by: chip.lanes))
    // As many units of a core as there are lane groups take the same positions and share their activations.
    let sharing = min(chip.unitsPerCore, groups.count)
    for column in stride(from: 0, to: n, by: chip.columns) {
      let columns = column..<min(column + chip.columns, n)
      for (index, row) in groups.enumerated() {
        let activations = b.count * columns.count * elementBits
        if index % sharing == 0 { sharedBits += activations }
        filledBits += activations
        round(a, b, rows: row..<min(row + chip.lanes, a.banks.count), columns: columns)
      }
    }
  }

  private var indexBits: Int { ceilLog2(chip.bankSize) }

  private mutating func round(_ a: BankedWeights, _ b: [[Int]], rows: Range<Int>, columns: Range<Int>) {
    rounds += 1
    for bank in a.banks[rows.lowerBound].indices {
      let fullest = rows.map { a.banks[$0][bank].count }.max() ?? 0
      // Dense weights stream through whole banks.
      let slots = a.isIndexed ? fullest : min(chip.bankSize, a.depth)
      let weightBits = elementBits + (a.isIndexed ? indexBits : 0)
      localBits += min(chip.bankSize, a.depth) * chip.columns * elementBits
      for step in 0..<slots {
        steps += 1
        localBits += chip.lanes * weightBits
        macs += chip.lanes * chip.columns
        for row in rows where step < a.banks[row][bank].count {
          let kept = a.banks[row][bank][step]
          for column in columns {
            result[row][column] += kept.value * b[bank * a.bankSize + kept.index][column]
            usefulMACs += 1
          }
        }
      }
      let stored = rows.reduce(0) { $0 + a.banks[$1][bank].count } * weightBits
      sharedBits += stored
      filledBits += stored
    }
  }
}

func product(_ a: [[Int]], _ b: [[Int]]) -> [[Int]] {
  a.map { row in
    b[0].indices.map { column in row.indices.reduce(0) { $0 + row[$1] * b[$1][column] } }
  }
}

func randomMatrix(_ rows: Int, _ columns: Int, _ generator: inout some RandomNumberGenerator) -> [[Int]] {
  (0..<rows).map { _ in (0..<columns).map { _ in Int.random(in: -9...9, using: &generator) } }
}
