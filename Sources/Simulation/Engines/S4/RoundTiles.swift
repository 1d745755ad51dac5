import Hardware
import Quantities
import Workloads

/// The tiles of one turn of a matrix operator on a chip of sparse processing units, in ``UnitSchedule``'s rounds: passes of
/// as many groups of lanes as a unit sums up at once, each over all groups of columns.
///
/// All units of a chip take the same tile at a time, each its own part of it: time is the busiest unit's, bytes are the
/// chip's. What a tile takes of a total is the share of its lanes times that of its columns; every pass fills the units with
/// the same activations again. From off-chip memory everything comes once, activations with the first pass. Weights that fit
/// their half of the shared buffers are there when the operator begins, loaded while the one before ran; while it runs,
/// as many bytes come for the next one, evenly. More weights than that come with their pass.
///
/// The reduction is the outermost loop where a unit has room for all of its sums, or where neither operand fits the shared
/// buffers, which then hold the sums (what that moves is left out). Else, where weights stay and more
/// activations than weights come, columns are; else passes, within which the reduction comes before columns where there is
/// room for the sums of a pass.
///
/// Attention takes its columns (queries) through both products. While the special functions work on the scores of one
/// tile, the units multiply the next one's scores and the probabilities of the one before:
///
///     step j    units: scores of j, probabilities of j − 2    special functions: j − 1
///
/// Columns and passes are joined to ``mostSteps`` each; where that leaves fewer than ``fewestTiles``, tiles are cut along
/// the reduction, and results leave with the last part.
struct RoundTiles: TileSource {
  /// Stages of ``S4Engine/pipeline(_:fillIs:)``.
  static let (weights, activations, network, filling, multiplying, softmax, results) = (0, 1, 2, 3, 4, 5, 6)

  static var mostSteps: Int { 32 }
  fileprivate static var fewestTiles: Int { 128 }

  /// What one product of the operator asks of a chip, and of its busiest unit.
  struct Product {
    var passes: FoldTiles.Side
    var columns: FoldTiles.Side
    /// Parts of a tile along the reduction.
    var parts: Int
    var order: Order
    /// Whether weights come all the time.
    var isEven: Bool
    /// Ticks of the units, and of filling them.
    var multiplying, filling: Double
    /// Activations among the bytes that units are filled with.
    var activationShare: Double
    /// Bytes from and to off-chip memory.
    var weightBytes, activationBytes, resultBytes: Double
    /// What the busiest link between cores carries, in bytes and time.
    var networkBytes, networkTicks: Double
    /// Bytes that a unit is filled with.
    var filledBytes: Double
  }

  /// Loops from the outermost to the innermost.
  enum Order {
    case partsPassesColumns
    case columnsPassesParts
    case passesColumnsParts
    case passesPartsColumns
  }

  private let products: [Product]
  private let softmaxTicks: Double
  /// The most room of a tile in each buffer: arriving weights and activations, a unit's operands, results.
  private let capacities: (weights: Int64, activations: Int64, unit: Int64, results: Int64)
  private var product = 0
  private var pass = 0
  private var column = 0
  private var part = 0
  /// Work so far, and what of it tiles have got: whole ticks and bytes add up to the next whole number of the sum.
  private var ideal = InlineArray<8, Double>(repeating: 0)
  private var given = InlineArray<8, Int64>(repeating: 0)

  /// - Parameter softmax: ticks of the special functions, between the first product and the second; zero without.
  init(
    _ products: [Product], softmax: Double,
    capacities: (weights: Int64, activations: Int64, unit: Int64, results: Int64)
  ) {
    precondition(softmax == 0 || products.count == 2, "scores and probabilities, not \(products.count) products")
    self.products = products
    softmaxTicks = softmax
    self.capacities = capacities
  }

  mutating func next(_ tile: inout Tile) -> Bool {
    guard softmaxTicks > 0 ? column < products[0].columns.count + 2 : product < products.count else { return false }
    if softmaxTicks > 0 {
      let columns = products[0].columns
      for (index, lag) in [0, 2].enumerated() where columns.contains(column - lag) {
        let p = products[index]
        for pass in 0..<p.passes.count {
          for part in 0..<p.parts { add(p, pass, column - lag, part, to: &tile) }
        }
      }
      if columns.contains(column - 1) {
        tile.work[Self.softmax] = Int64((softmaxTicks * columns.share(column - 1)).rounded())
      }
      column += 1
    } else {
      add(products[product], pass, column, part, to: &tile)
      advance(products[product])
    }
    tile.room[Self.weights] = min(tile.work[Self.weights], capacities.weights)
    tile.room[Self.activations] = min(tile.work[Self.activations], capacities.activations)
    tile.room[Self.filling] = min(tile.room[Self.filling], capacities.unit)
    tile.room[Self.multiplying] = min(tile.work[Self.results], capacities.results)
    return true
  }

  private mutating func add(_ p: Product, _ pass: Int, _ column: Int, _ part: Int, to tile: inout Tile) {
    let (lanes, columns) = (p.passes.share(pass), p.columns.share(column))
    let each = 1 / Double(p.parts)
    let share = lanes * columns * each
    func add(_ stage: Int, _ amount: Double) {
      ideal[stage] += amount
      let next = Int64((ideal[stage] - 1e-6).rounded(.up))
      tile.work[stage] += next - given[stage]
      given[stage] = next
    }
    let weights = p.isEven ? share : column == 0 ? lanes * each : 0
    let filled =
      p.activationShare * columns / Double(p.passes.count) * each + (1 - p.activationShare) * share
    add(Self.weights, p.weightBytes * weights)
    if pass == 0 { add(Self.activations, p.activationBytes * columns * each) }
    add(Self.network, p.networkTicks * share)
    add(Self.filling, p.filling * filled)
    tile.room[Self.filling] += Int64((p.filledBytes * filled).rounded())
    add(Self.multiplying, p.multiplying * share)
    if part == p.parts - 1 { add(Self.results, p.resultBytes * lanes * columns) }
  }

  private mutating func advance(_ p: Product) {
    /// Steps a loop; true where it is over.
    func step(_ index: inout Int, of count: Int) -> Bool {
      index = index + 1 == count ? 0 : index + 1
      return index == 0
    }
    let isOver =
      switch p.order {
      case .partsPassesColumns:
        step(&column, of: p.columns.count) && step(&pass, of: p.passes.count) && step(&part, of: p.parts)
      case .columnsPassesParts:
        step(&part, of: p.parts) && step(&pass, of: p.passes.count) && step(&column, of: p.columns.count)
      case .passesColumnsParts:
        step(&part, of: p.parts) && step(&column, of: p.columns.count) && step(&pass, of: p.passes.count)
      case .passesPartsColumns:
        step(&column, of: p.columns.count) && step(&part, of: p.parts) && step(&pass, of: p.passes.count)
      }
    if isOver { product += 1 }
  }

  var regularity: Regularity { .none }
  mutating func skip(_ count: Int) { preconditionFailure("\(count) tiles to skip, of none that repeat") }
}

extension FoldTiles.Side {
  fileprivate func contains(_ index: Int) -> Bool { index >= 0 && index < count }
}

extension RoundTiles.Product {
  /// - Parameters:
  ///   - s: a schedule of this product alone.
  ///   - isBatch: whether each product of several brings its own weights.
  ///   - activationBytes: from off-chip memory to all chips; so are results to it.
  ///   - resultElements: of all chips.
  init(
    _ s: UnitSchedule, isBatch: Bool, activationBytes: Double, resultBytes: Double, resultElements: Double,
    on chip: S4Processor, clock: Double
  ) {
    let loops = s.loops
    func side(_ groups: Int, steps: Int) -> FoldTiles.Side {
      FoldTiles.Side(groups, step: groups.dividedRoundingUp(by: min(steps, RoundTiles.mostSteps)))
    }
    // Passes share the lanes evenly.
    passes = side(loops.laneGroups, steps: loops.laneGroups.dividedRoundingUp(by: loops.laneGroupsAtOnce))
    columns = side(loops.columnGroups, steps: loops.columnGroups)
    let sums = loops.columnGroups * loops.laneGroups
    // Operands of which neither stays go by once, in parts that do; sums that a unit has no room for wait in the shared
    // buffers.
    let shared = Double(chip.l2Capacity.count) * Double(chip.cores * chip.chips)
    let mustGoBy = !loops.weightsStay && activationBytes > shared / 4 && resultElements * 4 <= shared / 4
    let fewest = mustGoBy ? ((s.weightReads + activationBytes) / (shared / 4)).rounded(.up) : 1
    parts = max(Int(fewest), RoundTiles.fewestTiles.dividedRoundingUp(by: passes.count * columns.count))
    order =
      mustGoBy || sums <= chip.laneGroupsInFlight
      ? .partsPassesColumns
      : loops.weightsStay && activationBytes > s.weightReads
        ? .columnsPassesParts
        : sums.dividedRoundingUp(by: passes.count) <= chip.laneGroupsInFlight
          ? .passesPartsColumns : .passesColumnsParts
    isEven = isBatch || s.weightReads / Double(chip.chips) <= Double(chip.l2Capacity.count) / 2 * Double(chip.cores)
    let ticks = 1e15 / clock
    multiplying = max(s.busiest, s.read) * ticks
    filling = max(s.fill, s.l2) * ticks
    filledBytes = s.fill * chip.l1Fill.value
    activationShare = loops.activationShare
    let chips = Double(chip.chips)
    (weightBytes, self.activationBytes, self.resultBytes) = (
      s.weightReads / chips, activationBytes / chips, resultBytes / chips
    )
    networkBytes = s.networkBytes
    networkTicks = s.networkBytes / chip.network.value * 1e15
  }
}
