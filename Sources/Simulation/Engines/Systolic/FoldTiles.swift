import Hardware
import Quantities

/// The tiles of a matrix operator on an array: its folds, or equal parts of them, in the order of the loops that
/// ``OperandTraffic`` has chosen.
///
/// A product's blocks along the outer side go by one after the other; within a block, all folds along the other side,
/// within each of which the block's own. What a fold brings along from off-chip memory follows from the passes: the
/// outer operand comes with its first fold, or with every one where it does not stay; the inner operand comes once a
/// block, or with the first block only. In weight-stationary folds the sums of a strip are added up over all folds along
/// the depth before the next fold along the columns, and leave with the last of them. Bytes are shares by the elements a
/// fold takes, rounded; so a convolution's rows count their real elements.
///
/// Folds are cut into parts where what moves or leaves would not fit half of its buffer, and where an operator would
/// have fewer than ``fewestTiles``, so that results begin to leave while a fold goes on. Loading what stays goes to the first part.
struct FoldTiles: TileSource {
  /// Stages of ``SystolicEngine/pipeline``.
  static let (filters, pruning, moving, vector, array, results) = (0, 1, 2, 3, 4, 5)

  private static var fewestTiles: Int { 128 }

  enum Part {
    case product(Product)
    /// Softmax between two products, with what it reads and writes off chip.
    case softmax(Seconds, read: Bytes, written: Bytes)
  }

  /// Full and last of the parts that a side is cut into.
  struct Side {
    var count: Int
    var full: Double
    var last: Double

    /// `size` in parts of `step`, as shares of `size`.
    init(_ size: Int, step: Int) {
      count = size.dividedRoundingUp(by: step)
      full = Double(min(step, size)) / Double(size)
      last = Double(size - (count - 1) * step) / Double(size)
    }

    func share(_ index: Int) -> Double { index == count - 1 ? last : full }
  }

  /// A product of a schedule, `count` times.
  struct Product {
    var folds: FoldedProduct
    var passes: OperandTraffic
    var count: Int
    var along, across, depth: Side
    /// Bytes of one pass over an operand, and of the results, of one of the products.
    var movingBytes, filterBytes, resultBytes: Double
    /// Cycles of the pruner for one pass over the filters of one of the products.
    var pruningCycles: Double
    /// Parts of a fold.
    var parts = 1

    init(
      _ product: ArrayProduct, _ folds: FoldedProduct, _ passes: OperandTraffic, count: Int, movingBits: Int,
      filterBits: Int, resultBits: Int, pruningCycles: Int, array: ArrayShape
    ) {
      (self.folds, self.passes, self.count) = (folds, passes, count)
      let isStationary = folds.dataflow == .weightStationary
      let holdsGroup = array.sparseElement == .group
      along = Side(product.rows, step: isStationary ? folds.strip : array.rows)
      across = Side(product.columns, step: array.columns)
      let slots = holdsGroup ? product.depth.dividedRoundingUp(by: product.group) : product.keptDepth
      depth = Side(slots, step: isStationary ? array.rows : slots)
      let each = 1 / Double(8 * count)
      movingBytes = Double(movingBits) * each
      filterBytes = Double(filterBits) * each
      resultBytes = Double(resultBits) * each
      self.pruningCycles = Double(pruningCycles) / Double(count * passes.filters)

      let foldMoving = movingBytes * along.full * depth.full
      let foldResults = resultBytes * along.full * across.full
      let foldFilters = filterBytes * across.full * depth.full
      let foldCount = along.count * across.count * depth.count * count
      parts = max(
        Int((foldMoving / Double(max(1, array.inputBuffer.count / 2))).rounded(.up)),
        Int((foldResults / Double(max(1, array.outputBuffer.count / 2))).rounded(.up)),
        isStationary ? 1 : Int((foldFilters / Double(max(1, array.weightBuffer.count / 2))).rounded(.up)),
        FoldTiles.fewestTiles.dividedRoundingUp(by: foldCount), 1)
      parts = min(parts, isStationary ? folds.strip : product.keptDepth)
    }

    fileprivate var isStationary: Bool { folds.dataflow == .weightStationary }
    fileprivate var outer: Side { passes.rowsAreOuter ? along : across }
    fileprivate var inner: Side { passes.rowsAreOuter ? across : along }
    fileprivate var outerPasses: Int { passes.rowsAreOuter ? passes.moving : passes.filters }
    fileprivate var innerPasses: Int { passes.rowsAreOuter ? passes.filters : passes.moving }
    /// The first fold of a block along the outer side.
    fileprivate func begin(ofBlock block: Int) -> Int { block * outer.count / passes.blocks }
    fileprivate var tilesPerFold: Int { depth.count * parts }
    fileprivate var tilesPerBlock: Int { outer.count / passes.blocks * inner.count * tilesPerFold }
    fileprivate var tiles: Int { outer.count * inner.count * tilesPerFold }
    fileprivate var hasEqualBlocks: Bool { outer.count.isMultiple(of: passes.blocks) }
  }

  private let parts: [Part]
  private let ticksPerCycle: Double
  private let capacities: (moving: Int64, filters: Int64, results: Int64)

  // Where it is: part, product of its count, block, fold along the inner and along the outer side, fold along the
  // depth, part of the fold.
  private var part = 0
  private var product = 0
  private var block = 0
  private var inner = 0
  private var outer = 0
  private var level = 0
  private var piece = 0
  /// Tiles so far, and those of them before the current part, product and block.
  private var index = 0
  private var partBegin = 0
  private var productBegin = 0
  private var blockBegin = 0

  init(_ parts: [Part], on array: SystolicArray) {
    self.parts = parts
    ticksPerCycle = 1e15 / array.clock.value
    capacities = (array.inputBuffer.count / 2, array.weightBuffer.count / 2, array.outputBuffer.count / 2)
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard part < parts.count else { return false }
    switch parts[part] {
    case .softmax(let time, let read, let written):
      tile.work[Self.moving] = read.count
      tile.room[Self.moving] = min(read.count, capacities.moving)
      tile.work[Self.vector] = Ticks(time).count
      tile.work[Self.results] = written.count
      tile.room[Self.array] = min(written.count, capacities.results)
      index += 1
      nextPart()
    case .product(let p):
      fill(&tile, p)
      index += 1
      advance(p)
    }
    return true
  }

  private func fill(_ tile: inout Tile, _ p: Product) {
    let (a, f) = p.passes.rowsAreOuter ? (outer, inner) : (inner, outer)
    let (along, across, depth) = (p.along.share(a), p.across.share(f), p.depth.share(level))
    let loadsOuter = p.outerPasses > 1 || inner == 0
    let loadsInner = outer == p.begin(ofBlock: block) && (p.innerPasses > 1 || block == 0)
    let (loadsMoving, loadsFilters) = p.passes.rowsAreOuter ? (loadsOuter, loadsInner) : (loadsInner, loadsOuter)
    let parts = Double(p.parts)

    if loadsMoving {
      let bytes = Int64((p.movingBytes * along * depth / parts).rounded())
      tile.work[Self.moving] = bytes
      tile.room[Self.moving] = min(bytes, capacities.moving)
    }
    if loadsFilters, !p.isStationary || piece == 0 {
      let share = across * depth / (p.isStationary ? 1 : parts)
      let bytes = Int64((p.filterBytes * share).rounded())
      tile.work[Self.filters] = bytes
      tile.room[Self.filters] = min(bytes, capacities.filters)
      tile.work[Self.pruning] = Int64((p.pruningCycles * share * ticksPerCycle).rounded())
    }
    let isLastPiece = piece == p.parts - 1
    if level == p.depth.count - 1, p.isStationary || isLastPiece {
      let bytes = Int64((p.resultBytes * along * across / (p.isStationary ? parts : 1)).rounded())
      tile.work[Self.results] = bytes
      tile.room[Self.array] = min(bytes, capacities.results)
    }
    let fold = a == p.along.count - 1 ? p.folds.lastFoldCycles : p.folds.foldCycles
    let body = fold - p.folds.loadCycles
    var cycles = body / p.parts
    if isLastPiece { cycles += body % p.parts }
    if piece == 0 { cycles += p.folds.loadCycles }
    tile.work[Self.array] = Int64((Double(cycles) * ticksPerCycle).rounded())
  }

  private mutating func advance(_ p: Product) {
    piece += 1
    guard piece == p.parts else { return }
    piece = 0
    level += 1
    guard level == p.depth.count else { return }
    level = 0
    outer += 1
    guard outer == p.begin(ofBlock: block + 1) else { return }
    outer = p.begin(ofBlock: block)
    inner += 1
    guard inner == p.inner.count else { return }
    inner = 0
    block += 1
    (outer, blockBegin) = (p.begin(ofBlock: block), index)
    guard block == p.passes.blocks else { return }
    (block, outer) = (0, 0)
    (product, productBegin) = (product + 1, index)
    if product == p.count { nextPart() }
  }

  private mutating func nextPart() {
    (part, product, block, inner, outer, level, piece) = (part + 1, 0, 0, 0, 0, 0, 0)
    (partBegin, productBegin, blockBegin) = (index, index, index)
  }

  // MARK: What repeats

  /// The loop whose turns repeat: the outermost one with enough of them.
  private enum Loop { case product, block, inner, piece }

  private static var fewestTurns: Int { 8 }
  private static var longestPeriod: Int { 1024 }

  private func loop(_ p: Product) -> Loop? {
    if p.count >= Self.fewestTurns, p.tiles <= Self.longestPeriod { return .product }
    if p.passes.blocks >= Self.fewestTurns, p.hasEqualBlocks, p.tilesPerBlock <= Self.longestPeriod { return .block }
    if p.inner.count >= Self.fewestTurns, p.hasEqualBlocks, p.tilesPerBlock / p.inner.count <= Self.longestPeriod {
      return .inner
    }
    return p.parts >= Self.fewestTurns ? .piece : nil
  }

  var regularity: Regularity {
    guard part < parts.count, case .product(let p) = parts[part], let loop = loop(p) else { return .none }
    switch loop {
    case .product:
      return Regularity(period: p.tiles, since: partBegin + p.tiles, until: partBegin + p.tiles * p.count)
    case .block:
      let first = p.innerPasses > 1 ? 1 : 2
      return Regularity(
        period: p.tilesPerBlock, since: productBegin + first * p.tilesPerBlock,
        until: productBegin + (p.passes.blocks - 1) * p.tilesPerBlock)
    case .inner:
      let turn = p.tilesPerBlock / p.inner.count
      let first = p.outerPasses > 1 ? 1 : 2
      return Regularity(
        period: turn, since: blockBegin + first * turn, until: blockBegin + (p.inner.count - 1) * turn)
    case .piece:
      // Loading and the rest of the cycles are the first's and the last's.
      let begin = index - piece
      return Regularity(period: 1, since: begin + 2, until: begin + p.parts - 1)
    }
  }

  mutating func skip(_ count: Int) {
    guard part < parts.count, case .product(let p) = parts[part], let loop = loop(p) else {
      preconditionFailure("\(count) tiles to skip, of none that repeat")
    }
    index += count
    switch loop {
    case .product:
      product += count / p.tiles
      (productBegin, blockBegin) = (productBegin + count, blockBegin + count)
      if product == p.count { nextPart() }
    case .block:
      let blocks = count / p.tilesPerBlock
      outer += p.begin(ofBlock: block + blocks) - p.begin(ofBlock: block)
      block += blocks
      blockBegin += count
    case .inner: inner += count / (p.tilesPerBlock / p.inner.count)
    case .piece: piece += count
    }
  }
}
