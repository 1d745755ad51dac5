import Hardware
import Quantities

/// A matrix product as an array sees it: `rows` vectors of length `depth` move past `columns` filters, of which the
/// pattern keeps `kept` values of every `group` along the depth. `kept` = `group` is dense; elements that hold groups
/// then hold as many values.
struct ArrayProduct: Hashable {
  var rows: Int
  var columns: Int
  var depth: Int
  var kept = 1
  var group = 1

  /// Values one filter keeps.
  var keptDepth: Int { (depth * kept).dividedRoundingUp(by: group) }
}

/// What of an array products fold onto: plain numbers, which cost nothing to pass on.
struct ArrayShape {
  var rows: Int
  var columns: Int
  var sparseElement: SystolicArray.SparseElement
  var accumulatorLatency: Cycles
  var interleaving: Int
  var inputBuffer: Bytes
  var weightBuffer: Bytes
  var outputBuffer: Bytes

  init(_ array: SystolicArray) {
    (rows, columns, sparseElement) = (array.rows, array.columns, array.sparseElement)
    (accumulatorLatency, interleaving) = (array.accumulatorLatency, array.interleaving)
    (inputBuffer, weightBuffer, outputBuffer) = (array.inputBuffer, array.weightBuffer, array.outputBuffer)
  }
}

/// The cycles, element slots and buffer accesses of one product on an array: closed forms, exact for the array
/// described here.
///
/// An array of H rows and W columns, one multiply-accumulate an element and cycle, operands skewed by one cycle a
/// hop. A product of R rows, C columns and depth K, n of m kept (dense: n = m):
///
/// **Weight-stationary.** Rows of the array lie along K, columns along C. A fold loads its weights through the top
/// row, then lets R rows pass and ends when the last one leaves the last element:
///
///     folds = strips · ⌈depth slots / H⌉ · ⌈C / W⌉      cycles a fold = v·H + T_ws(rows of the strip) + H + W − 2
///
/// Elements that hold one value take K' = ⌈K·n/m⌉ slots and v = 1; elements that hold a group take ⌈K/m⌉ slots and
/// v = n cycles a row and n registers to load. Sums go down the columns and are collected below them, so the rows are
/// cut into strips whose sums fit the output buffer (one strip where K takes a single fold), or into shorter ones, so
/// that a strip's rows can stay in their buffer while all folds take them. With v = 1 and one strip this is
/// R + 2H + W − 2, SCALE-Sim's weight-stationary fold.
///
/// **Output-stationary.** Rows of the array lie along R. Both operands stream, compacted to K':
///
///     folds = ⌈R / H⌉ · ⌈C / W⌉      cycles a fold = T_os(K') + H + W − 2
///
/// **Accumulator.** A sum can be added to again after L cycles; an element takes turns on d independent sums. A
/// dependent step (one addition to each of the d sums) therefore takes max(d, L) = d + (L − d)⁺ cycles. In
/// weight-stationary folds the n products of a row are dependent and the rows are the independent sums; in
/// output-stationary folds K' products are dependent and the element keeps d partial sums of its output:
///
///     T_ws(r) = ⌊r/d⌋·t(d) + t(r mod d),  t(s) = (n − 1)·max(s, L) + s, t(0) = 0
///     T_os(k) = ⌊(k − 1)/d⌋·max(d, L) + (k − 1) mod d + 1
///
/// which are n·r and k where d ≥ L divides r.
///
/// SCALE-Sim's "Total Cycles" counts from zero: it is ``cycles`` − 1.
///
/// Left out: the shift that moves finished outputs of an output-stationary fold out behind the next fold; the
/// L − 1 cycles of the very last sum; adding up the d partial sums; hops of the moving sum longer than one cycle.
struct FoldedProduct: Hashable {
  var dataflow: SystolicArray.Dataflow
  /// Folds along the depth, over each of which the sums of a part are added up; 1 in output-stationary folds.
  var depthFolds: Int { dataflow == .weightStationary ? along / strips : 1 }

  /// Folds along the depth and over strips (weight-stationary), or along the rows (output-stationary).
  var along: Int
  /// Folds along the columns.
  var across: Int
  /// Parts the rows are cut into, each with all its folds; 1 in output-stationary folds.
  var strips: Int
  /// Rows of a whole part.
  var strip: Int
  /// Cycles of one fold over a whole part, over the last one, and among them those that load what stays.
  var foldCycles: Int
  var lastFoldCycles: Int
  var loadCycles: Int
  /// All cycles.
  var cycles: Int
  /// Cycles in which elements, part-filled folds included, could multiply.
  var slotCycles: Int
  /// Multiply-accumulates on kept values.
  var useful: Int
  /// Values read from the buffer of moving rows.
  var movingReads: Int
  /// Values read from the buffer of filters.
  var filterReads: Int
  /// Results and partial sums written to the output buffer.
  var outputWrites: Int
  /// Partial sums read back to be added to.
  var outputReads: Int

  /// - Parameters:
  ///   - outputCapacity: sums that the output buffer can collect at a time.
  ///   - rowLimit: rows of a strip at most; nil cuts them for the sums only.
  init(
    _ product: ArrayProduct, on array: ArrayShape, dataflow: SystolicArray.Dataflow, outputCapacity: Int,
    rowLimit: Int? = nil
  ) {
    let height = array.rows
    let width = array.columns
    let sums = Accumulator(latency: Int(array.accumulatorLatency.count), interleaving: array.interleaving)
    let holdsGroup = array.sparseElement == .group
    let groups = product.depth.dividedRoundingUp(by: product.group)
    let keptDepth = product.keptDepth
    let across = product.columns.dividedRoundingUp(by: width)

    self.dataflow = dataflow
    self.across = across
    useful = product.rows * product.columns * keptDepth
    switch dataflow {
    case .weightStationary:
      let values = holdsGroup ? product.kept : 1
      let depthFolds = (holdsGroup ? groups : keptDepth).dividedRoundingUp(by: height)
      var strip = product.rows
      if depthFolds > 1 { strip = min(strip, Self.wholeTurns(outputCapacity / width, array)) }
      if let rowLimit { strip = min(strip, Self.wholeTurns(rowLimit, array)) }
      let (whole, rest) = product.rows.quotientAndRemainder(dividingBy: strip)
      strips = whole + (rest > 0 ? 1 : 0)
      let overhead = values * height + height + width - 2
      self.strip = strip
      loadCycles = values * height
      foldCycles = overhead + sums.cycles(rows: strip, products: values)
      lastFoldCycles = rest > 0 ? overhead + sums.cycles(rows: rest, products: values) : foldCycles
      cycles = depthFolds * across * ((strips - 1) * foldCycles + lastFoldCycles)
      along = depthFolds * strips
      slotCycles = depthFolds * across * values * product.rows
      var depthRead = product.depth
      if !holdsGroup, product.kept > 1 {
        // A group cut by a fold's edge moves past both folds.
        let period = product.kept / greatestCommonDivisor(product.kept, height)
        depthRead += ((depthFolds - 1) - (depthFolds - 1) / period) * product.group
      }
      movingReads = product.rows * depthRead * across
      filterReads = keptDepth * product.columns * strips
      outputWrites = product.rows * product.columns * depthFolds
      outputReads = product.rows * product.columns * (depthFolds - 1)
    case .outputStationary:
      along = product.rows.dividedRoundingUp(by: height)
      (strips, strip, loadCycles) = (1, product.rows, 0)
      foldCycles = sums.cycles(products: keptDepth) + height + width - 2
      lastFoldCycles = foldCycles
      cycles = along * across * foldCycles
      slotCycles = along * across * keptDepth
      movingReads = product.rows * product.depth * across
      filterReads = keptDepth * product.columns * along
      outputWrites = product.rows * product.columns
      outputReads = 0
    }
  }

  /// `rows`, at least one, in whole turns of the interleaving where one fits.
  private static func wholeTurns(_ rows: Int, _ array: ArrayShape) -> Int {
    let rows = max(1, rows)
    return rows < array.interleaving ? rows : rows - rows % array.interleaving
  }
}

/// An adder that takes `latency` cycles until a sum can be added to again, shared by `interleaving` sums in turn.
struct Accumulator {
  var latency: Int
  var interleaving: Int

  /// Cycles to give each of `rows` sums `products` additions, `interleaving` rows at a time.
  func cycles(rows: Int, products: Int) -> Int {
    let (whole, rest) = rows.quotientAndRemainder(dividingBy: interleaving)
    func turn(_ sums: Int) -> Int { sums == 0 ? 0 : (products - 1) * max(sums, latency) + sums }
    return whole * turn(interleaving) + turn(rest)
  }

  /// Cycles to add `products` to one result that is kept as `interleaving` partial sums.
  func cycles(products: Int) -> Int {
    let (whole, rest) = (products - 1).quotientAndRemainder(dividingBy: interleaving)
    return whole * max(interleaving, latency) + rest + 1
  }
}

extension Int {
  /// The quotient rounded up, of counts.
  func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  b == 0 ? a : greatestCommonDivisor(b, a % b)
}
