import Hardware
import Quantities
import Workloads

extension SystolicEngine {
  /// The fastest mapping of an operator of one kind of product: what the engine takes by itself, or a dataflow, a number
  /// of values that an element holds, a tile and an order of loops that are faster; of equally fast ones that with the
  /// fewest off-chip bytes.
  ///
  /// A **tile** is r rows by c columns of the result over the full depth: r whole turns of the interleaving in
  /// weight-stationary folds, whole heights of the array in output-stationary ones, or all rows; c whole widths of the
  /// array. With R rows, C columns, X bytes of rows and S of filters, P = ⌈R/r⌉, Q = ⌈C/c⌉, and x, s, o the halves of
  /// the buffers that are in use while the others are filled,
  ///
  ///     rows outermost       X + S·(S ≤ s ? 1 : P)    where X·r/R ≤ x: a tile's rows stay while all filters go by
  ///     columns outermost    S + X·(X ≤ x ? 1 : Q)    where also S·c/C ≤ s: a tile's filters stay while all rows go by
  ///
  /// and the sums of r rows and a width of the array fit o wherever the depth takes several folds. Cycles are those of
  /// ``FoldedProduct`` with strips of r rows.
  ///
  /// **What is not looked at cannot be better**, which `MappingSearchTests` holds against all tiles there are:
  ///
  /// 1. Of one dataflow, number of held values and order, the largest r and the largest c that fit are at least as good
  ///    as all others. They limit each other nowhere. P falls with r, Q with c, and bytes with both. All strips but the
  ///    last have whole turns, so that the cycles of all rows together do not depend on r; what a fold costs beside them
  ///    is paid P times, pruning on the way in once a pass over the filters. Time and energy grow with cycles, bytes and
  ///    passes. With rows outermost c has no part in it.
  /// 2. A dataflow and a number of held values are left out where max(cycles with the fewest strips, operands and results
  ///    once over the bandwidth of streams) is more than the best time so far. None of their times is less: by 1 no tile
  ///    has fewer cycles, every operand off chip moves at least once, and with t₀ and the first filters f, time is
  ///    t₀ + f + max(cycles, …, bytes − f) ≥ max(cycles, bytes).
  ///
  /// It is each operator's own time that is never more. A network's may be: a unit can hide less behind a faster product.
  ///
  /// Left out: attention, whose products share the chip; parts of the depth as a tile, whose sums would leave the chip;
  /// tiles of several operators chosen together, so that results stay on chip for the next.
  func searched(_ task: Task, from start: Schedule) -> Schedule {
    let op = task.op
    guard let problem = task.problems.first, task.problems.count == 1 else { return start }
    if case .attention = op.kind { return start }
    let operands = operands(of: problem, op)
    let compulsory = compulsoryBytes(operands, problem, task) / array.dram.streamBandwidth
    var best = start
    for dataflow in dataflows {
      for held in heldValues(operands, dataflow)
      where max(compulsory, fewestCycles(operands, problem, op, dataflow, held: held)) <= best.elapsed {
        for rowsAreOuter in [true, false] {
          guard let tile = largestTile(operands, op, dataflow, held: held, rowsAreOuter: rowsAreOuter) else { continue }
          let other = schedule(task, dataflow: dataflow, tile: tile)
          if other.isBetter(than: best) { best = other }
        }
      }
    }
    return best
  }

  /// The numbers of dense values that an element may hold; 1 where it holds pruned ones.
  func heldValues(_ operands: ArrayOperands, _ dataflow: SystolicArray.Dataflow) -> [Int] {
    guard !operands.isPruned, array.sparseElement == .group, dataflow == .weightStationary else { return [1] }
    return Array(sequence(first: 1) { $0 * 2 <= array.largestGroup ? $0 * 2 : nil })
  }

  /// Rows that a tile is a multiple of, unless it has them all.
  func rowStep(_ dataflow: SystolicArray.Dataflow) -> Int {
    dataflow == .weightStationary ? array.interleaving : array.rows
  }

  /// Whether a tile's operands fit the halves of their buffers, and its sums theirs.
  func fits(
    _ tile: ArrayTile, _ operands: ArrayOperands, _ op: Operator, _ dataflow: SystolicArray.Dataflow
  ) -> Bool {
    let rows = min(tile.rows, operands.product.rows)
    let columns = min(tile.columns, operands.product.columns)
    let input = Int(array.inputBuffer.count / 2)
    guard operands.movingBytes * rows <= input * operands.product.rows else { return false }
    if !tile.rowsAreOuter {
      let weight = Int(array.weightBuffer.count / 2)
      guard operands.filterBytes * columns <= weight * operands.product.columns else { return false }
    }
    guard dataflow == .weightStationary, depthFolds(operands, held: tile.held) > 1 else { return true }
    return rows * array.columns <= outputCapacity(op.dataType)
  }

  private func largestTile(
    _ operands: ArrayOperands, _ op: Operator, _ dataflow: SystolicArray.Dataflow, held: Int, rowsAreOuter: Bool
  ) -> ArrayTile? {
    let product = operands.product
    var rows = Int(array.inputBuffer.count / 2) * product.rows / max(1, operands.movingBytes)
    if dataflow == .weightStationary, depthFolds(operands, held: held) > 1 {
      rows = min(rows, outputCapacity(op.dataType) / array.columns)
    }
    rows = rows >= product.rows ? product.rows : rows - rows % rowStep(dataflow)
    // With rows outermost filters go by a fold at a time.
    var folds = 1
    if !rowsAreOuter {
      let columns = Int(array.weightBuffer.count / 2) * product.columns / max(1, operands.filterBytes)
      let all = product.columns.dividedRoundingUp(by: array.columns)
      folds = columns >= product.columns ? all : columns / array.columns
    }
    guard rows > 0, folds > 0 else { return nil }
    return ArrayTile(rows: rows, columns: folds * array.columns, rowsAreOuter: rowsAreOuter, held: held)
  }

  private func depthFolds(_ operands: ArrayOperands, held: Int) -> Int {
    let product = operands.product
    let group = held > 1 ? held : product.group
    let slots =
      array.sparseElement == .group ? product.depth.dividedRoundingUp(by: group) : product.keptDepth
    return slots.dividedRoundingUp(by: array.rows)
  }

  /// Operands and results that are off chip, once.
  private func compulsoryBytes(
    _ operands: ArrayOperands, _ problem: MatrixProblem, _ task: Task
  ) -> Bytes {
    let placement = Placement(problem, task)
    let moved = operands.isTransposed ? placement.transposed : placement
    let read = (moved.readsMoving ? operands.movingBits : 0) + (moved.readsFilters ? operands.filterBits : 0)
    return Bytes(bits: Int64(read + (moved.writesResult ? problem.cElements * task.op.outputType.bits : 0)))
  }

  /// The time of the array with as few strips as sums allow. A model that leaves causes out counts other cycles.
  private func fewestCycles(
    _ operands: ArrayOperands, _ problem: MatrixProblem, _ op: Operator, _ dataflow: SystolicArray.Dataflow, held: Int
  ) -> Seconds {
    guard ignored.isEmpty else { return .zero }
    var product = operands.product
    if held > 1 { (product.kept, product.group) = (held, held) }
    let folds = FoldedProduct(
      product, on: shape, dataflow: dataflow, outputCapacity: outputCapacity(op.dataType))
    return Seconds(Double(folds.cycles * problem.count) / array.clock.value)
  }
}

extension Schedule {
  /// Whether it is faster, or as fast with fewer off-chip bytes.
  func isBetter(than other: Schedule) -> Bool {
    elapsed != other.elapsed ? elapsed < other.elapsed : traffic.dram < other.traffic.dram
  }
}
