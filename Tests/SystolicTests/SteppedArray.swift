/// A systolic array cycle by cycle and element by element, on real numbers: what the closed forms are held to.
///
/// Slow and plain on purpose. Values sit in registers, move one element a cycle, and are multiplied where they meet;
/// cycles, multiply-accumulates and buffer accesses are counted as they happen.
struct SteppedArray {
  var height: Int
  var width: Int
  /// Cycles until a sum can be added to again.
  var latency: Int
  /// Independent sums an element takes turns on.
  var interleaving: Int
  /// Whether an element holds a group of M and works through its N kept values, or holds one kept value.
  var holdsGroups: Bool

  /// What one run did.
  struct Outcome {
    /// One row for each moving row, one column for each filter.
    var result: [[Int]]
    var cycles = 0
    var macs = 0
    /// Multiplications that elements had the chance to do, padding included.
    var slots = 0
    var movingReads = 0
    var filterReads = 0
    var outputWrites = 0
    var outputReads = 0
  }

  /// A kept value and its position within its group.
  struct Kept {
    var value: Int
    var position: Int
  }

  /// Filters pruned to n of m, compact: every filter keeps exactly n values of each group. The last group may be
  /// part-filled where all values are kept.
  struct Filters {
    var n: Int
    var m: Int
    var depth: Int
    var columns: [[Kept]]

    var keptDepth: Int { depth / m * n + depth % m }
    var groups: Int { (depth + m - 1) / m }

    /// The masked filters, zeros included.
    var expanded: [[Int]] {
      columns.map { column in
        var values = [Int](repeating: 0, count: depth)
        for (index, kept) in column.enumerated() { values[index / n * m + kept.position] = kept.value }
        return values
      }
    }
  }

  // MARK: Weight-stationary

  /// What passes through the elements of an array row: one row's group of moving values, to be multiplied with the
  /// held value `slot`.
  private struct Pass {
    var row: Int
    var slot: Int
    var values: [Int]
  }

  /// A sum on its way down.
  private struct MovingSum {
    var row: Int
    var value: Int
  }

  /// - Parameters:
  ///   - sumRows: rows whose sums are collected at a time, where they take several folds.
  ///   - keptRows: rows that stay in their buffer for all folds; nil streams them all past each.
  func weightStationary(_ moving: [[Int]], _ filters: Filters, sumRows: Int, keptRows: Int?) -> Outcome {
    var outcome = Outcome(
      result: moving.map { _ in [Int](repeating: 0, count: filters.columns.count) })
    let depthSlots = holdsGroups ? filters.groups : filters.keptDepth
    let depthFolds = (depthSlots + height - 1) / height
    let columnFolds = (filters.columns.count + width - 1) / width
    let strip = min(moving.count, depthFolds == 1 ? moving.count : sumRows, keptRows ?? moving.count)
    var first = 0
    while first < moving.count {
      let rows = first..<min(first + strip, moving.count)
      for columnFold in 0..<columnFolds {
        for depthFold in 0..<depthFolds {
          let held = load(filters, columnFold, depthFold, &outcome)
          stream(moving, rows, held, filters, columnFold, depthFold, &outcome)
        }
      }
      first = rows.upperBound
    }
    return outcome
  }

  /// Values an element holds.
  private func registers(_ filters: Filters) -> Int { holdsGroups ? filters.n : 1 }

  /// Shifts a fold's values in through the top row, one a column and cycle.
  private func load(
    _ filters: Filters, _ columnFold: Int, _ depthFold: Int, _ outcome: inout Outcome
  ) -> [[Kept?]] {
    let count = registers(filters)
    var chains = [[Kept?]](repeating: [Kept?](repeating: nil, count: count * height), count: width)
    for cycle in 0..<count * height {
      // What enters first ends lowest.
      let place = count * height - 1 - cycle
      for j in 0..<width {
        var entering: Kept?
        let column = columnFold * width + j
        let index = depthFold * height * count + place
        if column < filters.columns.count, index < filters.keptDepth {
          entering = filters.columns[column][index]
          outcome.filterReads += 1
        }
        chains[j].removeLast()
        chains[j].insert(entering, at: 0)
      }
      outcome.cycles += 1
    }
    return chains
  }

  private func stream(
    _ moving: [[Int]], _ rows: Range<Int>, _ held: [[Kept?]], _ filters: Filters, _ columnFold: Int,
    _ depthFold: Int, _ outcome: inout Outcome
  ) {
    let count = registers(filters)
    var order = WeightOrder(rows: rows, slots: count, interleaving: interleaving, latency: latency)
    var passes = [[Pass?]](repeating: [Pass?](repeating: nil, count: width), count: height)
    var sums = [[MovingSum?]](repeating: [MovingSum?](repeating: nil, count: width), count: height)
    var local = [[[Int: (sum: Int, last: Int)]]](
      repeating: [[Int: (sum: Int, last: Int)]](repeating: [:], count: width), count: height)
    // The groups in the registers at the left edge, by row of the array and moving row.
    var edge = [[Int: [Int]]](repeating: [:], count: height)
    var cycle = 0
    while true {
      var nextPasses = passes
      var nextSums = [[MovingSum?]](repeating: [MovingSum?](repeating: nil, count: width), count: height)
      for i in 0..<height {
        for j in (1..<max(1, width)).reversed() { nextPasses[i][j] = passes[i][j - 1] }
        let arriving = i == 0 ? order.next(at: cycle) : passes[i - 1][0].map { ($0.row, $0.slot) }
        nextPasses[i][0] = arriving.map { row, slot in
          if slot == 0 {
            edge[i][row] = group(moving[row], i, depthFold, filters, &outcome)
          }
          return Pass(row: row, slot: slot, values: edge[i][row] ?? [])
        }
      }
      guard !order.isDone || nextPasses.contains(where: { $0.contains { $0 != nil } }) else { return }
      for i in 0..<height {
        for j in 0..<width {
          guard let pass = nextPasses[i][j] else { continue }
          outcome.slots += 1
          var mine = local[i][j][pass.row] ?? (0, cycle - latency)
          precondition(cycle - mine.last >= latency, "a sum was added to before it was ready")
          mine.last = cycle
          if let kept = held[j][i * count + pass.slot] {
            mine.sum += kept.value * pass.values[kept.position]
            outcome.macs += 1
          }
          local[i][j][pass.row] = mine
          guard pass.slot == count - 1 else { continue }
          var sum = mine.sum
          if i > 0 {
            guard let above = sums[i - 1][j], above.row == pass.row else { preconditionFailure("sums out of step") }
            sum += above.value
          }
          nextSums[i][j] = MovingSum(row: pass.row, value: sum)
          let column = columnFold * width + j
          if i == height - 1, column < filters.columns.count {
            if depthFold > 0 { outcome.outputReads += 1 }
            outcome.result[pass.row][column] += sum
            outcome.outputWrites += 1
          }
        }
      }
      passes = nextPasses
      sums = nextSums
      cycle += 1
      outcome.cycles += 1
    }
  }

  /// The moving values that row `i` of the array picks from. Neighbouring rows that hold values of one group share
  /// its read.
  private func group(
    _ row: [Int], _ i: Int, _ depthFold: Int, _ filters: Filters, _ outcome: inout Outcome
  ) -> [Int] {
    let slot = depthFold * height + i
    let group = holdsGroups ? slot : slot / filters.n
    guard group * filters.m < filters.depth else { return [] }
    let values = group * filters.m..<min((group + 1) * filters.m, filters.depth)
    if holdsGroups || i == 0 || (slot - 1) / filters.n != group { outcome.movingReads += values.count }
    return Array(row[values])
  }

  // MARK: Output-stationary

  func outputStationary(_ moving: [[Int]], _ filters: Filters) -> Outcome {
    var outcome = Outcome(
      result: moving.map { _ in [Int](repeating: 0, count: filters.columns.count) })
    for columnFold in 0..<(filters.columns.count + width - 1) / width {
      for rowFold in 0..<(moving.count + height - 1) / height {
        outputFold(moving, filters, rowFold * height, columnFold * width, &outcome)
      }
    }
    return outcome
  }

  private func outputFold(
    _ moving: [[Int]], _ filters: Filters, _ firstRow: Int, _ firstColumn: Int, _ outcome: inout Outcome
  ) {
    let depth = filters.keptDepth
    // Which of the K' products entered the corner, by cycle.
    var entered: [Int?] = []
    var lastAddition = [Int](repeating: -latency, count: interleaving)
    var down = [[(index: Int, kept: Kept?)?]](repeating: Array(repeating: nil, count: width), count: height)
    var right = [[(index: Int, group: [Int])?]](repeating: Array(repeating: nil, count: width), count: height)
    var partial = [[[Int]]](
      repeating: [[Int]](repeating: [Int](repeating: 0, count: interleaving), count: width), count: height)
    var edge = [[Int]](repeating: [], count: height)
    var next = 0
    while true {
      let cycle = entered.count
      if next < depth, lastAddition[next % interleaving] + latency <= cycle {
        entered.append(next)
        lastAddition[next % interleaving] = cycle
        next += 1
      } else {
        entered.append(nil)
      }
      for i in (0..<height).reversed() {
        for j in (0..<width).reversed() {
          if i > 0 {
            down[i][j] = down[i - 1][j]
          } else {
            let column = firstColumn + j
            down[i][j] = (cycle >= j ? entered[cycle - j] : nil).map { index in
              guard column < filters.columns.count else { return (index, nil) }
              outcome.filterReads += 1
              return (index, filters.columns[column][index])
            }
          }
          if j > 0 {
            right[i][j] = right[i][j - 1]
          } else {
            let row = firstRow + i
            right[i][j] = (cycle >= i ? entered[cycle - i] : nil).map { index in
              guard row < moving.count else { return (index, []) }
              if index % filters.n == 0 {
                let group = index / filters.n
                edge[i] = Array(moving[row][group * filters.m..<min((group + 1) * filters.m, filters.depth)])
                outcome.movingReads += edge[i].count
              }
              return (index, edge[i])
            }
          }
        }
      }
      var isMoving = next < depth
      for i in 0..<height {
        for j in 0..<width {
          guard let weight = down[i][j], let values = right[i][j] else {
            precondition(down[i][j] == nil && right[i][j] == nil, "operands out of step")
            continue
          }
          precondition(weight.index == values.index, "operands out of step")
          isMoving = true
          outcome.slots += 1
          if let kept = weight.kept, !values.group.isEmpty {
            partial[i][j][weight.index % interleaving] += kept.value * values.group[kept.position]
            outcome.macs += 1
          }
          let (row, column) = (firstRow + i, firstColumn + j)
          if weight.index == depth - 1, row < moving.count, column < filters.columns.count {
            outcome.result[row][column] = partial[i][j].reduce(0, +)
            outcome.outputWrites += 1
          }
        }
      }
      guard isMoving else { return }
      outcome.cycles += 1
    }
  }
}

/// The order in which a weight-stationary fold takes rows and held values: blocks of as many rows as are
/// interleaved, in each block all rows with the first held value, then all with the second, and so on.
private struct WeightOrder {
  private var pending: [(row: Int, slot: Int)] = []
  private var lastAddition: [Int: Int] = [:]
  private var position = 0
  private let latency: Int

  init(rows: Range<Int>, slots: Int, interleaving: Int, latency: Int) {
    self.latency = latency
    var first = rows.lowerBound
    while first < rows.upperBound {
      let block = first..<min(first + interleaving, rows.upperBound)
      for slot in 0..<slots {
        for row in block { pending.append((row, slot)) }
      }
      first = block.upperBound
    }
  }

  var isDone: Bool { position == pending.count }

  mutating func next(at cycle: Int) -> (row: Int, slot: Int)? {
    guard !isDone else { return nil }
    let candidate = pending[position]
    if let last = lastAddition[candidate.row], last + latency > cycle { return nil }
    lastAddition[candidate.row] = cycle
    position += 1
    return candidate
  }
}
