import Hardware
import Quantities
import Workloads

/// What a product's operands read of off-chip memory through the level-two cache.
struct CachedReads {
  /// Of A and of B, for each product.
  var products: [(a: Double, b: Double)] = []
  /// Of all, turn by turn.
  var turns: [Double] = []

  var total: Double { products.reduce(0) { $0 + $1.a + $1.b } }
}

extension KernelSchedule {
  /// Goes through the thread blocks in their order, wave by wave, over a ``TileCache``.
  ///
  /// Blocks go by in bands of rows, as many as make a wave's block of tiles as nearly square as it can be, column by column
  /// within a band. The blocks of a wave go along the reduction together, so each panel of rows of A or of columns of B that they touch
  /// is read once a wave, and finds in the cache what of it the panels since its last wave have left there.
  /// The bytes at which half of it is gone are those of the closed form, `reuseWindow / 2` of the capacity: the
  /// rest is held by results. Equal products go by one after the other and share nothing.
  ///
  /// What a wave asks for again counts as other bytes again, so that distances are the most that they can be.
  ///
  /// Left out: waves whose blocks drift apart; the two halves of the cache; results that are read or written again.
  func cachedReads(_ work: MatrixWork, gpu: TensorCoreGPU) -> CachedReads {
    var reads = CachedReads()
    let wave = kernel.multiprocessors(of: gpu) * kernel.tilesPerMultiprocessor
    for problem in work.problems {
      let across = problem.m.dividedRoundingUp(by: kernel.m)
      let along = problem.n.dividedRoundingUp(by: kernel.n)
      // One of equal products.
      let each = 1 / Double(problem.count)
      let a = Double(problem.aElements) * work.elementBytes * work.compression * each
      let b = Double(problem.bElements) * work.elementBytes * each
      var rows = Panels(
        count: across, size: kernel.m, of: problem.m, bytes: a, areThere: work.inputsOnChip && !problem.hasWeights)
      var columns = Panels(count: along, size: kernel.n, of: problem.n, bytes: b, areThere: work.inputsOnChip)
      var cache = TileCache(capacity: gpu.reuseWindow / 2 * Double(gpu.l2Capacity.count))

      let square = Int((Double(wave * kernel.n) / Double(kernel.m)).squareRoot().rounded())
      let width = min(along, wave.dividedRoundingUp(by: min(max(1, square), across)))
      let height = min(across, wave.dividedRoundingUp(by: width))
      var turns: [Double] = []
      var (band, place) = (0, 0)
      while band < across {
        let begin = cache.position
        var (left, missed, touched) = (wave, 0.0, 0.0)
        func ask(_ panels: inout Panels, _ index: Int) {
          let answer = panels.touch(index, in: turns.count, at: begin, cache)
          missed += answer.missed
          touched += answer.touched
        }
        while left > 0, band < across {
          let high = min(height, across - band)
          let taken = min(left, high * along - place)
          for tile in place..<place + min(taken, high) { ask(&rows, band + tile % high) }
          for column in place / high...(place + taken - 1) / high { ask(&columns, column) }
          left -= taken
          place += taken
          if place == high * along { (band, place) = (band + high, 0) }
        }
        cache.pass(touched)
        turns.append(missed)
      }
      let count = Double(problem.count)
      reads.products.append((rows.read * count, columns.read * count))
      for _ in 0..<min(problem.count, Self.mostTurns) {
        reads.turns += turns.map { $0 * count / Double(min(problem.count, Self.mostTurns)) }
      }
    }
    return reads
  }

  /// Turns of equal products that are told one by one.
  private static var mostTurns: Int { 64 }
}

/// Rows or columns of an operand that tiles share.
private struct Panels {
  private(set) var read = 0.0
  private let bytes: (full: Double, last: Double)
  private let areThere: Bool
  /// Where the cache was when a panel was last asked for, and the wave of that; negative for never.
  private var position: [Double]
  private var wave: [Int]

  /// - Parameter areThere: whether they are in the cache from the start.
  init(count: Int, size: Int, of length: Int, bytes: Double, areThere: Bool) {
    let each = bytes / Double(length)
    self.bytes = (each * Double(min(size, length)), each * Double(length - (count - 1) * size))
    self.areThere = areThere
    position = [Double](repeating: -1, count: count)
    wave = [Int](repeating: -1, count: count)
  }

  mutating func touch(_ index: Int, in wave: Int, at begin: Double, _ cache: TileCache) -> (
    missed: Double, touched: Double
  ) {
    guard self.wave[index] != wave else { return (0, 0) }
    let size = index == position.count - 1 ? bytes.last : bytes.full
    let last = position[index]
    let missed = last < 0 ? (areThere ? 0 : size) : size * (1 - cache.hits(after: begin - last))
    (position[index], self.wave[index]) = (begin, wave)
    read += missed
    return (missed, size)
  }
}
