import Hardware
import Quantities

/// How often the operands of a product come from off-chip memory: 1 is compulsory.
///
/// Half of each buffer holds data in use. What fits its half is read once. Else, with X bytes of moving rows, S bytes
/// of filters, x and s the halves of their buffers, the better of two loop orders is taken.
///
/// Weight-stationary, P strips of rows and F folds along the columns:
///
///     strips outermost     X·(X/P ≤ x ? 1 : F) + S·(S ≤ s ? 1 : P)
///     columns outermost    X·(X ≤ x ? 1 : F)   + S·(S/F ≤ s ? 1 : P)
///
/// Output-stationary, E folds along the rows, F along the columns, operands cut into ⌈X/x⌉ and ⌈S/s⌉ blocks of whole
/// folds:
///
///     rows outermost       X + S·(S ≤ s ? 1 : ⌈X/x⌉)      where ⌈X/x⌉ ≤ E, else X·F + S·(S ≤ s ? 1 : E)
///     columns outermost    S + X·(X ≤ x ? 1 : ⌈S/s⌉)      where ⌈S/s⌉ ≤ F, else S·E + X·(X ≤ x ? 1 : F)
///
/// Convolutions count the input's real elements, each read once a pass; windows are spread out on chip.
/// Partial sums never leave the chip: strips are cut so that they fit.
struct OperandTraffic: Hashable {
  /// Passes over the moving operand.
  var moving: Int
  /// Passes over the filters.
  var filters: Int
  /// Whether rows or strips of them are the outer loop, cut into so many blocks, within each of which all folds along the
  /// other side go by.
  var rowsAreOuter: Bool
  var blocks: Int

  init(movingBytes: Int, filterBytes: Int, folds: FoldedProduct, array: borrowing SystolicArray) {
    let movingHalf = max(1, Int(array.inputBuffer.count / 2))
    let filterHalf = max(1, Int(array.weightBuffer.count / 2))
    let movingFits = movingBytes <= movingHalf
    let filtersFit = filterBytes <= filterHalf
    let outer: OperandTraffic
    let inner: OperandTraffic
    switch folds.dataflow {
    case .weightStationary:
      outer = OperandTraffic(
        moving: movingBytes <= movingHalf * folds.strips ? 1 : folds.across, filters: filtersFit ? 1 : folds.strips,
        rowsAreOuter: true, blocks: folds.strips)
      inner = OperandTraffic(
        moving: movingFits ? 1 : folds.across, filters: filterBytes <= filterHalf * folds.across ? 1 : folds.strips,
        rowsAreOuter: false, blocks: folds.across)
    case .outputStationary:
      let movingBlocks = movingBytes.dividedRoundingUp(by: movingHalf)
      let filterBlocks = filterBytes.dividedRoundingUp(by: filterHalf)
      outer = OperandTraffic(
        moving: movingBlocks <= folds.along ? 1 : folds.across,
        filters: filtersFit ? 1 : min(movingBlocks, folds.along), rowsAreOuter: true,
        blocks: min(max(1, movingBlocks), folds.along))
      inner = OperandTraffic(
        moving: movingFits ? 1 : min(filterBlocks, folds.across),
        filters: filterBlocks <= folds.across ? 1 : folds.along, rowsAreOuter: false,
        blocks: min(max(1, filterBlocks), folds.across))
    }
    func total(_ passes: OperandTraffic) -> Double {
      Double(passes.moving) * Double(movingBytes) + Double(passes.filters) * Double(filterBytes)
    }
    self = total(inner) < total(outer) ? inner : outer
  }

  /// The passes of a tile that stays (``SystolicEngine/searched(_:_:_:from:)``).
  init(_ tile: ArrayTile, _ operands: ArrayOperands, folds: FoldedProduct, array: borrowing SystolicArray) {
    let strips =
      folds.dataflow == .weightStationary ? folds.strips : operands.product.rows.dividedRoundingUp(by: tile.rows)
    let blocks = folds.across.dividedRoundingUp(by: tile.columns.dividedRoundingUp(by: array.columns))
    let filtersFit = Int64(operands.filterBytes) <= array.weightBuffer.count / 2
    let movingFits = Int64(operands.movingBytes) <= array.inputBuffer.count / 2
    self =
      tile.rowsAreOuter
      ? OperandTraffic(moving: 1, filters: filtersFit ? 1 : strips, rowsAreOuter: true, blocks: strips)
      : OperandTraffic(moving: movingFits ? 1 : blocks, filters: 1, rowsAreOuter: false, blocks: blocks)
  }

  private init(moving: Int, filters: Int, rowsAreOuter: Bool, blocks: Int) {
    self.moving = moving
    self.filters = filters
    self.rowsAreOuter = rowsAreOuter
    self.blocks = blocks
  }
}
