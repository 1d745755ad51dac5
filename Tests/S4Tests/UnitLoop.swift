import Hardware
import Workloads

@testable import Simulation

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

/// A sparse processing unit, step by step: the slow and obvious model.
///
/// In a round it takes as many output channels as it has lanes and as many positions as it has columns through K. A
/// chunk of K has as many banks as there are lanes. In its slot t lane l works on bank (t + l) mod (banks of the chunk);
/// in a step of a slot every lane reads the activations at its next index from the local buffer, and multiplies them
/// by its value. A slot takes as many steps as its fullest lane keeps values, or as a dense bank has. Lanes and columns beyond the matrix run
/// along with zeros.
struct SparseUnit {
  let chip: S4Processor
  /// Steps, and among them such that had to read one bank of the buffer twice.
  private(set) var steps = 0
  private(set) var conflicts = 0
  private(set) var macs = 0
  private(set) var usefulMACs = 0

  /// Adds a round's products to `result`.
  mutating func round(
    _ a: BankedWeights, _ b: [[Int]], rows: Range<Int>, columns: Range<Int>, into result: inout [[Int]]
  ) {
    let count = a.banks[rows.lowerBound].count
    for chunk in stride(from: 0, to: count, by: chip.lanes) {
      let banks = min(chip.lanes, count - chunk)
      let copies = (chip.lanes + banks - 1) / banks
      precondition(banks * copies < 2 * chip.lanes + 1, "the copies fit the buffer's banks")
      for slot in 0..<banks {
        func bank(of lane: Int) -> Int { chunk + (slot + lane) % banks }
        // Dense values stream through whole banks.
        let fullest =
          !a.isIndexed ? a.bankSize : rows.map { a.banks[$0][bank(of: $0 - rows.lowerBound)].count }.max() ?? 0
        for step in 0..<fullest {
          steps += 1
          macs += chip.lanes * chip.columns
          var places: Set<Int> = []
          for row in rows {
            let lane = row - rows.lowerBound
            let values = a.banks[row][bank(of: lane)]
            guard step < values.count else { continue }
            // The copy that this lane reads; all others that read the same bank are whole turns of the ring away.
            let place = (bank(of: lane) - chunk) * copies + lane / banks
            if !places.insert(place).inserted { conflicts += 1 }
            for column in columns {
              result[row][column] += values[step].value * b[bank(of: lane) * a.bankSize + values[step].index][column]
              usefulMACs += 1
            }
          }
        }
      }
    }
  }
}

/// A product on all units of a processor of one chip: who takes what, one round after the other.
struct UnitLoop {
  private(set) var result: [[Int]]
  private(set) var rounds = 0
  /// By core and unit.
  private(set) var units: [[SparseUnit]]
  /// Bits out of shared buffers, and into local ones once every unit has its copy.
  private(set) var sharedBits = 0
  private(set) var filledBits = 0

  init(
    _ a: BankedWeights, _ b: [[Int]], on chip: S4Processor, split: SplitOverCores, along: Int, elementBits: Int
  ) {
    let (m, n) = (a.banks.count, b[0].count)
    result = [[Int]](repeating: [Int](repeating: 0, count: n), count: m)
    units = (0..<chip.cores).map { _ in (0..<chip.unitsPerCore).map { _ in SparseUnit(chip: chip) } }
    let across = chip.unitsPerCore / along
    let valueBits = elementBits + (a.isIndexed ? ceilLog2(chip.bankSize) : 0)
    for core in 0..<chip.cores {
      let rows = Self.part(core, of: m, in: split == .outputs ? chip.cores : 1, by: chip.lanes)
      let columns = Self.part(core, of: n, in: split == .outputs ? 1 : chip.cores, by: 1)
      let laneGroups = Self.groups(rows, by: chip.lanes)
      let columnGroups = Self.groups(columns, by: chip.columns)
      guard !laneGroups.isEmpty, !columnGroups.isEmpty else { continue }
      let lanesOfUnit = (laneGroups.count + along - 1) / along
      let columnsOfUnit = (columnGroups.count + across - 1) / across
      let passes = (lanesOfUnit + chip.laneGroupsInFlight - 1) / chip.laneGroupsInFlight
      for pass in 0..<passes {
        // A group of columns is cast to all units that take it, then each multiplies its groups of lanes with it.
        for (position, group) in columnGroups.enumerated() {
          let bits = b.count * group.count * elementBits
          sharedBits += bits
          for unit in 0..<along {
            let mine = laneGroups.dropFirst(unit * lanesOfUnit).prefix(lanesOfUnit)
            guard !mine.isEmpty else { continue }
            filledBits += bits
            for rows in mine.dropFirst(pass * chip.laneGroupsInFlight).prefix(chip.laneGroupsInFlight) {
              let weights = rows.reduce(0) { $0 + a.banks[$1].reduce(0) { $0 + $1.count } } * valueBits
              // Units across positions go through their columns in step and share what is read of A.
              if position < columnsOfUnit { sharedBits += weights }
              filledBits += weights
              rounds += 1
              units[core][position / columnsOfUnit * along + unit].round(
                a, b, rows: rows, columns: group, into: &result)
            }
          }
        }
      }
    }
  }

  var steps: [Int] { units.flatMap { $0.map(\.steps) } }
  var macs: Int { units.reduce(0) { $0 + $1.reduce(0) { $0 + $1.macs } } }
  var usefulMACs: Int { units.reduce(0) { $0 + $1.reduce(0) { $0 + $1.usefulMACs } } }
  var conflicts: Int { units.reduce(0) { $0 + $1.reduce(0) { $0 + $1.conflicts } } }

  /// A core's part: whole groups of `size`, as many for each core but the last.
  private static func part(_ core: Int, of length: Int, in parts: Int, by size: Int) -> Range<Int> {
    let groups = (length + size - 1) / size
    let each = (groups + parts - 1) / parts * size
    let start = parts == 1 ? 0 : core * each
    return min(start, length)..<min(start + each, length)
  }

  private static func groups(_ range: Range<Int>, by size: Int) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: size).map { $0..<min($0 + size, range.upperBound) }
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
