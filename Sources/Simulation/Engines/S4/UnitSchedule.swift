import Hardware
import Quantities
import Workloads

/// One turn of a matrix operator on sparse processing units: cycles of each resource and bytes moved.
///
/// - A unit takes `lanes` output channels × `columns` positions through all banks of K: a round. K goes by in chunks of
///   as many banks as there are lanes. Each lane works on a bank of its own, then all move on to the next, so that a
///   local buffer of twice as many banks as lanes serves every lane one activation vector a step without conflict:
///   a chunk of fewer banks is kept in copies. Of each bank only kept values take a step: Σ kept · lanes · columns /
///   (MACs a cycle). Where banks keep different numbers, all lanes wait for the fullest. Banks of an operand without
///   a bank pattern are as equal as they can be.
///   Banks of a mask keep what they keep: in slot t of a chunk of b banks lane l works on bank (t + l) mod b, and a slot
///   takes as many steps as the fullest of its banks keeps. Weights are stored padded to those steps, as they are
///   multiplied.
/// - Cores and units divide the product as ``SplitOverCores`` and ``unitsAlongOutputs`` say; the busiest unit of the
///   busiest core sets the time. Products of a batch go to cores whole, where there are enough of them.
/// - Rate R leaves a step count of 1/R but needs the same activations: what a unit is filled with in that time, its
///   columns of B and its share of A for every group of columns, goes through its own fill port. A unit works on as
///   many groups of lanes at once as half of its buffer has 32-bit sums for, and fills its columns again for every
///   further pass; where A does not fit the half of the shared buffer that is kept for it, every group of lanes is a
///   pass. A convolution's overlapping windows are filled once: the buffer keeps the rows of the filter.
/// - The shared buffer reads activations once for all units that take the same columns (multicast), and A once for all
///   that take the same lanes.
/// - Weights come as value and index. Padding to whole banks, lanes and columns is executed.
/// - Between the cores of a chip go weights that are broadcast, or activations and results of an output split, over the
///   links of its ``Topology``.
///
/// Left out: of several masked products (groups, batches) each is taken as their average; halos between cores that
/// share an image.
struct UnitSchedule {
  /// Whether rounds and banks divide the product without remainder and units share them evenly: a model without tiling.
  var isFluid = false
  /// Whether indices take room.
  var countsIndices = true
  /// How the cores of a chip divide the operator.
  var split = SplitOverCores.batch
  /// Units of a core that take different output channels; the others take different positions.
  var unitsAlongOutputs = 1
  var rounds = 0
  var rate = 1
  /// Cycles in which an average unit multiplies.
  var issue = 0.0
  /// Cycles in which the busiest unit multiplies.
  var busiest = 0.0
  /// Cycles in which the busiest unit reads activations from its buffer.
  var read = 0.0
  /// Cycles in which the busiest unit is filled.
  var fill = 0.0
  /// Cycles of the busiest core's shared buffer.
  var l2 = 0.0
  var executedMACs = 0.0
  var usefulMACs = 0.0
  var l1ReadBytes = 0.0
  var l1FilledBytes = 0.0
  var l2ReadBytes = 0.0
  var l2WrittenBytes = 0.0
  /// Weights with their indices, once.
  var weightBytes = 0.0
  var indexBytes = 0.0
  /// Off-chip reads of weights, by all chips.
  var weightReads = 0.0
  /// Bytes that the busiest link between a chip's cores carries.
  var networkBytes = 0.0
  /// How the busiest unit goes through the product that was added last.
  var loops = Loops()

  /// Groups of lanes, so many at once, each with all groups of columns.
  struct Loops {
    var laneGroups = 1
    var laneGroupsAtOnce = 1
    var columnGroups = 1
    /// Whether all weights fit the part of the shared buffer that is kept for them.
    var weightsStay = true
    /// Activations among the bytes that units are filled with.
    var activationShare = 1.0
    /// How often the shared buffers hand out activations, and weights, and how many units take each at once.
    var activationPasses = 1
    var weightPasses = 1.0
    var activationCopies = 1
    var weightCopies = 1
    /// Cores that have a part.
    var cores = 1
  }

  var core: Double { max(busiest, read, fill) }
  /// Cycles in which the busiest unit waits for its buffer.
  var feed: Double { core - busiest }
  /// Cycles in which an average unit waits for the busiest one.
  var imbalance: Double { busiest - issue }

  mutating func add(
    _ problem: MatrixProblem, pattern: SparsityPattern, steps: RoundSteps, rate macs: MACRate, elementBytes: Double,
    outputBytes: Double, on chip: S4Processor
  ) {
    let share = CoreShare(problem, split, on: chip)
    let keptFraction = pattern.keptFraction(alongReduction: problem.k) ?? 1
    let isSparse = pattern != .dense
    let kept = isFluid ? Double(problem.k) * keptFraction : steps.mean
    let indexBits = isSparse && countsIndices ? Double(ceilLog2(chip.bankSize)) : 0
    let tile = Double(chip.lanes * chip.columns)
    let units = Double(chip.chips * chip.cores * chip.unitsPerCore)

    // Rounds: in all, and of the busiest unit.
    let (along, across) = (unitsAlongOutputs, chip.unitsPerCore / unitsAlongOutputs)
    let laneGroups = quotient(share.rows, chip.lanes)
    let columnGroups = quotient(share.columns, chip.columns)
    let lanesOfUnit = quotient(laneGroups, along)
    let count = quotient(problem.m, chip.lanes) * share.columnGroups(by: chip.columns)
    rounds += count
    let work =
      isFluid ? Double(problem.m * problem.n * problem.count) / tile : Double(count)
    let roundsOfUnit =
      isFluid ? work / units : Double(lanesOfUnit * quotient(share.products * columnGroups, across))
    // The busiest unit may have lanes that keep more than the average.
    let excess = isFluid ? 1 : steps.excess(of: lanesOfUnit, along: along, ofCore: laneGroups)
    let roundIssue = kept * tile / macs.perCycle
    let roundRead = kept * tile * elementBytes / chip.l1Port.value
    issue += work * roundIssue / units
    busiest += roundsOfUnit * roundIssue * excess
    read += roundsOfUnit * roundRead * excess
    executedMACs += work * kept * tile
    usefulMACs += Double(problem.denseMACs) * keptFraction
    l1ReadBytes += work * kept * tile * elementBytes

    // What is stored of A, padding to whole banks of indexed values included; what of it and of B a core handles.
    let storedDepth = isFluid ? kept : steps.stored
    let values = Double(problem.aElements) * (isSparse ? storedDepth / Double(problem.k) : 1)
    let indices = values * indexBits / 8
    let stored = values * elementBytes + indices
    indexBytes += indices
    let storedOfCore = stored * share.ofRows * share.ofProducts
    let b = Double(problem.bElements) * elementBytes * share.ofColumns * share.ofProducts
    let fitsBuffer = storedOfCore <= Double(chip.l2Capacity.count) / 2
    let passes = fitsBuffer ? quotient(lanesOfUnit, chip.laneGroupsInFlight) : lanesOfUnit
    let columnPasses = Double(quotient(columnGroups, across))
    // Units that share a read: those along outputs take the same columns, those across positions the same lanes.
    let (unitsAlong, unitsAcross) = (quotient(laneGroups, lanesOfUnit), min(across, columnGroups))

    let cores = Double(share.cores)
    let bReads = b * Double(passes)
    let aReads = storedOfCore * columnPasses
    let results = Double(problem.cElements) * outputBytes
    // The busiest unit's share of the columns and of the lanes.
    let columnShare = Double(quotient(share.products * columnGroups, across)) / Double(share.products * columnGroups)
    let laneShare = Double(lanesOfUnit) / Double(laneGroups)
    fill += (bReads * columnShare + aReads * laneShare) / chip.l1Fill.value
    l2ReadBytes += (bReads + aReads) * cores
    l1FilledBytes += cores * (bReads * Double(unitsAlong) + aReads * Double(unitsAcross))
    l2WrittenBytes += results
    l2 += (bReads + aReads + results / Double(chip.chips * chip.cores)) / chip.l2Port.value

    loops = Loops(
      laneGroups: lanesOfUnit, laneGroupsAtOnce: fitsBuffer ? chip.laneGroupsInFlight : 1,
      columnGroups: quotient(share.products * columnGroups, across), weightsStay: fitsBuffer,
      activationShare: bReads / max(1, bReads + aReads), activationPasses: passes, weightPasses: columnPasses,
      activationCopies: unitsAlong, weightCopies: unitsAcross, cores: share.cores)

    guard problem.hasWeights else { return }
    weightBytes += stored
    weightReads += stored * Double(chip.chips * (split == .batch ? chip.cores : 1))
    switch split {
    case .batch: break
    // Every core casts the weights that its part of the memory holds.
    case .broadcast: networkBytes += chip.topology.gatherLoad(among: chip.cores) * stored
    // Every core gets the others' activations, and hands out its share of the results.
    case .outputs:
      let activations = chip.topology.gatherLoad(among: chip.cores) * Double(problem.bElements) * elementBytes
      networkBytes += (activations + chip.topology.exchangeLoad(among: chip.cores) * results) / Double(chip.chips)
    }
  }
}

/// Steps of the rounds of each group of lanes.
struct RoundSteps {
  /// Of each group of lanes; nil where all take the mean.
  private let groups: [Double]?
  /// On average over the groups.
  let mean: Double
  /// Values that a row is stored with, on average.
  let stored: Double

  /// The same steps for every group.
  init(_ steps: Double) { (groups, mean, stored) = (nil, steps, steps) }

  /// Steps of each group, and how many rows it has.
  init(_ groups: [(steps: Double, rows: Int)]) {
    self.groups = groups.map(\.steps)
    mean = groups.reduce(0) { $0 + $1.steps } / Double(groups.count)
    stored = groups.reduce(0) { $0 + $1.steps * Double($1.rows) } / Double(groups.reduce(0) { $0 + $1.rows })
  }

  /// What the busiest unit's steps are of those of `count` average groups: each core takes `core` groups, the last one
  /// what is left, and its `along` units share them evenly, one after the other.
  func excess(of count: Int, along: Int, ofCore core: Int) -> Double {
    guard let groups, mean > 0 else { return 1 }
    var busiest = 0.0
    for first in stride(from: 0, to: groups.count, by: core) {
      let last = min(first + core, groups.count)
      let each = quotient(last - first, along)
      for start in stride(from: first, to: last, by: each) {
        busiest = max(busiest, groups[start..<min(start + each, last)].reduce(0, +))
      }
    }
    return busiest / (mean * Double(count))
  }
}

extension UnitSchedule {
  /// The schedule of `turns` turns, one after the other.
  func repeated(_ turns: Int) -> UnitSchedule {
    guard turns > 1 else { return self }
    var s = self
    let factor = Double(turns)
    s.rounds *= turns
    s.issue *= factor
    s.busiest *= factor
    s.read *= factor
    s.fill *= factor
    s.l2 *= factor
    s.executedMACs *= factor
    s.usefulMACs *= factor
    s.l1ReadBytes *= factor
    s.l1FilledBytes *= factor
    s.l2ReadBytes *= factor
    s.l2WrittenBytes *= factor
    s.weightBytes *= factor
    s.indexBytes *= factor
    s.weightReads *= factor
    s.networkBytes *= factor
    return s
  }
}

extension MatrixProblem {
  /// The product of one of equal turns over a step's samples: products of a batch where samples are those, and
  /// positions otherwise.
  func turn(of turns: Int, _ kind: OperatorKind) -> MatrixProblem {
    guard turns > 1 else { return self }
    var part = self
    let isBatch =
      switch kind {
      case .attention: true
      case .gemm: count > 1
      default: false
      }
    func share(_ elements: Int) -> Int { quotient(elements, turns) }
    if isBatch, count >= turns {
      part.count = share(count)
      part.aElements = share(aElements)
    } else {
      part.n = share(n)
    }
    part.bElements = share(bElements)
    part.cElements = share(cElements)
    return part
  }
}

/// The busiest core's part of a product.
private struct CoreShare {
  var products: Int
  var rows: Int
  var columns: Int
  /// Cores that have a part, over all chips.
  var cores: Int
  /// Fractions of the whole.
  var ofProducts: Double
  var ofRows: Double
  var ofColumns: Double
  private let problem: MatrixProblem
  private let parts: Int

  init(_ problem: MatrixProblem, _ split: SplitOverCores, on chip: borrowing S4Processor) {
    self.problem = problem
    let positionParts = chip.chips * (split == .outputs ? 1 : chip.cores)
    parts = max(1, positionParts / problem.count)
    products = quotient(problem.count, positionParts)
    columns = quotient(problem.n, parts)
    let groups = quotient(problem.m, chip.lanes)
    let groupsOfCore = split == .outputs ? quotient(groups, chip.cores) : groups
    rows = min(problem.m, groupsOfCore * chip.lanes)
    let busy = min(positionParts, quotient(problem.count, products) * quotient(problem.n, columns))
    cores = busy * (split == .outputs ? quotient(groups, groupsOfCore) : 1)
    ofProducts = Double(products) / Double(problem.count)
    ofRows = Double(rows) / Double(problem.m)
    ofColumns = Double(columns) / Double(problem.n)
  }

  /// Groups of columns of all cores, for each group of lanes.
  func columnGroups(by size: Int) -> Int {
    let (full, rest) = problem.n.quotientAndRemainder(dividingBy: columns)
    return problem.count * (full * quotient(columns, size) + quotient(rest, size))
  }
}

/// ⌈a / b⌉.
private func quotient(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }

extension S4Processor {
  /// Groups of lanes that a unit can sum up at once: half of its buffer holds their 32-bit sums.
  var laneGroupsInFlight: Int { max(1, Int(l1Capacity.count) / 2 / (lanes * columns * 4)) }

  /// The steps of a product's rounds.
  func stepsPerRound(_ pattern: SparsityPattern, of problem: MatrixProblem) -> RoundSteps {
    guard let zeros = pattern.zeros else { return RoundSteps(keptPerRound(pattern, of: problem)) }
    let banks = quotient(problem.k, bankSize)
    let size = quotient(problem.k, banks)
    let products = zeros.rows / problem.m
    var groups: [(steps: Double, rows: Int)] = []
    var counts = [Int](repeating: 0, count: lanes * banks)
    for first in stride(from: 0, to: problem.m, by: lanes) {
      let rows = min(lanes, problem.m - first)
      var steps = 0
      for product in 0..<products {
        for lane in 0..<rows {
          let row = product * problem.m + first + lane
          for bank in 0..<banks {
            counts[lane * banks + bank] = zeros.kept(inRow: row, bank * size..<min((bank + 1) * size, problem.k))
          }
        }
        for chunk in stride(from: 0, to: banks, by: lanes) {
          let slots = min(lanes, banks - chunk)
          for slot in 0..<slots {
            steps += (0..<rows).reduce(0) { max($0, counts[$1 * banks + chunk + (slot + $1) % slots]) }
          }
        }
      }
      groups.append((Double(steps) / Double(products), rows))
    }
    return RoundSteps(groups)
  }

  /// Steps of a round: the values that a unit multiplies of all banks of K, padding to whole banks included. Of uneven
  /// banks it is the expected count of the fullest of the lanes that work in step.
  private func keptPerRound(_ pattern: SparsityPattern, of problem: MatrixProblem) -> Double {
    let banks = quotient(problem.k, bankSize)
    // Without a bank pattern, banks are equal parts.
    let size = quotient(problem.k, banks)
    let fraction = pattern.keptFraction(alongReduction: problem.k) ?? 1
    switch pattern {
    case .dense: return Double(banks * size)
    case .unstructured:
      let population = problem.m * problem.k
      let expected = OrderStatistics.expectedMaximum(
        groups: min(lanes, problem.m), size: size, kept: Int((Double(population) * fraction).rounded()),
        population: population)
      // A tiny operand's share may round to nothing.
      return Double(banks) * max(expected, Double(size) * fraction)
    default: return Double(banks) * max(1, Double(bankSize) * fraction)
    }
  }
}
