import Hardware
import Quantities
import Workloads

/// A matrix operator spread over sparse processing units: cycles of each resource and bytes moved.
///
/// - A unit takes `lanes` output channels × `columns` positions through all banks of K: a round. Of each bank it
///   multiplies the kept values only, one step each: kept · lanes · columns / (MACs a cycle).
/// - A bank's activations pass the unit's local port once, whatever is kept of its weights: at rate R the port must
///   deliver R times as fast, and a bank takes the longer of the two.
/// - Rounds are spread over all units of all cores; the last ones leave units without work.
/// - Units of a core that work on the same positions share one multicast of the activations from the core's buffer.
/// - Weights come as value and index from off-chip memory, once for every pass over the samples whose activations fit
///   the shared buffers together, and cross the network to all cores.
///
/// Left out: bank conflicts of the index-driven fetch, the ring's hops, host transfers.
struct UnitSchedule {
  /// Whether rounds and banks divide the product without remainder and units share them evenly: a model without tiling.
  var isFluid = false
  /// Whether indices take room.
  var countsIndices = true
  var rounds = 0
  var rate = 1
  /// Cycles in which an average unit multiplies.
  var issue = 0.0
  /// Cycles in which it waits for activations at its local port.
  var feed = 0.0
  /// Cycles in which it has no round while others do.
  var imbalance = 0.0
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

  var core: Double { issue + feed + imbalance }

  mutating func add(
    _ problem: MatrixProblem, pattern: SparsityPattern, rate macs: MACRate, elementBytes: Double,
    outputBytes: Double, on chip: S4Processor
  ) {
    let units = Double(chip.chips * chip.cores * chip.unitsPerCore)
    let keptFraction = pattern.keptFraction(alongReduction: problem.k) ?? 1
    let bank = Double(min(chip.bankSize, problem.k))
    let banks = isFluid ? Double(problem.k) / bank : Double((problem.k + chip.bankSize - 1) / chip.bankSize)
    let kept = isFluid ? bank * keptFraction : chip.keptPerBank(pattern, of: problem)
    let isSparse = pattern != .dense

    let laneGroups = (problem.m + chip.lanes - 1) / chip.lanes
    let columnGroups = (problem.n + chip.columns - 1) / chip.columns
    let count = laneGroups * columnGroups * problem.count
    rounds += count
    let work =
      isFluid ? Double(problem.m * problem.n * problem.count) / Double(chip.lanes * chip.columns) : Double(count)

    let indexBits = isSparse && countsIndices ? Double(ceilLog2(chip.bankSize)) : 0
    let weightElement = elementBytes + indexBits / 8
    let bankIssue = kept * Double(chip.lanes * chip.columns) / macs.perCycle
    let bankRead = (bank * Double(chip.columns) * elementBytes + kept * Double(chip.lanes) * weightElement)
    let bankCycles = max(bankIssue, bankRead / chip.l1Port.value)
    let roundCycles = banks * bankCycles
    issue += work * banks * bankIssue / units
    feed += work * banks * (bankCycles - bankIssue) / units
    imbalance += isFluid ? 0 : ((work / units).rounded(.up) - work / units) * roundCycles
    executedMACs += work * banks * kept * Double(chip.lanes * chip.columns)

    usefulMACs += Double(problem.denseMACs) * keptFraction
    l1ReadBytes += work * banks * bankRead

    // Weights are stored at the rate's size, padding of uneven banks included.
    let stored = isSparse ? kept / bank : 1
    let weights = Double(problem.aElements) * stored * elementBytes
    let indices = Double(problem.aElements) * stored * indexBits / 8
    weightBytes += problem.hasWeights ? weights + indices : 0
    indexBytes += indices

    // Each core's buffer hands a round's weights to a unit, and its activations to all units that share them.
    let sharing = Double(min(chip.unitsPerCore, laneGroups))
    let activationPasses = (Double(laneGroups) / sharing).rounded(.up)
    let activations = Double(problem.bElements) * elementBytes * activationPasses
    let weightPasses = Double(columnGroups)
    let weightReads = (weights + indices) * weightPasses
    l2ReadBytes += activations + weightReads
    // Every group of lanes fills its own copy, also where the last pass has fewer of them.
    l1FilledBytes += Double(problem.bElements) * elementBytes * Double(laneGroups) + weightReads
    let results = Double(problem.cElements) * outputBytes
    l2WrittenBytes += results
    l2 += (activations + weightReads + results) / Double(chip.chips * chip.cores) / chip.l2Port.value
  }
}

extension S4Processor {
  /// Values of a bank that a unit multiplies: the pattern's share at one of the chip's rates, or, where banks are
  /// uneven, the fullest of the lanes that work in step.
  func keptPerBank(_ pattern: SparsityPattern, of problem: MatrixProblem) -> Double {
    let bank = min(bankSize, problem.k)
    switch pattern {
    case .dense: return Double(bank)
    case .unstructured(let zeros):
      let population = problem.m * problem.k
      let kept = Int((Double(population) * (1 - zeros)).rounded())
      let fullest = OrderStatistics.expectedMaximum(
        groups: min(lanes, problem.m), size: bank, kept: kept, population: population)
      // A tiny operand's share may round to nothing.
      return max(fullest, Double(bank) * (1 - zeros))
    default:
      let fraction = pattern.keptFraction(alongReduction: problem.k) ?? 1
      return max(1, Double(bank) * fraction)
    }
  }

  /// The fastest of the chip's rates that keeps at least `kept` of a bank.
  func rate(keeping kept: Int) -> Int {
    rates.last { bankSize / $0 >= kept } ?? 1
  }
}
