public import Quantities
import Workloads

/// What the parts of a machine's chip take, each at the machine's technology node.
///
///     area = Σ components × area of one
///
/// - **Logic** (multipliers, registers, selectors, vector operations, controllers, cores) is scaled between nodes by the
///   density of transistors, **memory** by the bit cell (``TechnologyNode``), **interfaces** and what is fixed not at all:
///   drivers and pads stay as large (as in LLMCompass; H. Zhang et al., ISCA 2024). Areas of multipliers, registers,
///   selectors and operations are those of cells, of which a placed block is filled to a share (`utilisation`).
/// - **Multipliers** are counted in bits: the most bits that operands of a type have together in a cycle, over 16. A unit that
///   does two 8-bit products in the time of one of 16 bits counts once.
/// - **Sparse logic**: an element that holds groups of M has a register for each value and its position, and picks one
///   moving value of M a cycle: M − 1 two-way selectors for each bit. A unit that compresses R× picks one of R.
/// - **Buffers** are bit cells and columns: 1,024 cells (256 rows, four columns to a sense amplifier) share what reads
///   them. A buffer of C bits and a port of p bits a cycle has max(C/1,024, p) of those, so that a wide port on a small
///   buffer costs more than its cells.
///   Where no column is given, bits are given with what reads them.
/// - **Caches** have tags, error correction and queues, and are given whole, by the bit.
/// - **Interfaces to memory** are counted in channels of the technology (``DRAMTechnology``), in parts of one too.
///
/// Left out: white space between blocks, clock trees, power delivery, redundancy that is not fused off, packaging.
public struct AreaModel: Hashable, Sendable {
  /// Where everything below is.
  public var node: TechnologyNode
  /// A multiplier of 16 bits and its adder.
  public var multiplier: SquareMillimetres
  /// A register's bit.
  public var register: SquareMillimetres
  /// A two-way selector for a bit.
  public var selector: SquareMillimetres
  /// A vector operation a cycle.
  public var operation: SquareMillimetres
  /// An exponential, root or division a cycle.
  public var transcendental: SquareMillimetres
  /// A bit of a buffer.
  public var bitCell: SquareMillimetres
  /// What reads and writes the 1,024 cells behind a bit of a buffer's port.
  public var column: SquareMillimetres
  /// A bit of a cache, tags and control included.
  public var cacheBit: SquareMillimetres
  /// A core or multiprocessor without what is counted by itself.
  public var core: SquareMillimetres
  /// The registers of a core, where they are memory.
  public var registerFile: SquareMillimetres
  /// Drivers and pads of a memory channel.
  public var memoryInterface: SquareMillimetres
  /// The controller of a memory channel.
  public var memoryController: SquareMillimetres
  /// All else.
  public var fixed: SquareMillimetres
  /// Shares of the cores, the cache and the memory channels on the chip that are in use.
  public var enabledCores, enabledCache, enabledChannels: Double
  /// What the maker says the chip takes; nil where it does not.
  public var die: SquareMillimetres?

  /// Cells that share a sense amplifier.
  static let cellsOfColumn = 1024.0

  /// A buffer of `bits`, of which `port` bits move in a cycle.
  func buffer(bits: Double, port: Double) -> SquareMillimetres {
    bitCell * bits + column * max(bits / Self.cellsOfColumn, port)
  }
}

/// What a machine's chip is made of.
public struct AreaBreakdown: Sendable {
  /// A kind of part.
  public struct Component: Sendable {
    /// What it is.
    public var name: Name
    /// How many of them, or how much of it.
    public var count: Double
    /// What they take together.
    public var area: SquareMillimetres
  }

  /// The kinds of parts.
  public enum Name: String, CaseIterable, Sendable {
    case multipliers, registers, selectors, cores
    case registerFiles = "register files"
    case sharedMemory = "shared memory"
    case inputBuffer = "input buffer"
    case weightBuffer = "weight buffer"
    case outputBuffer = "output buffer"
    case l1 = "local buffers"
    case l2 = "shared buffers"
    case cache
    case vector = "vector operations"
    case transcendental = "transcendentals"
    case pruner
    case updater
    case memoryInterface = "memory interface"
    case memoryController = "memory controller"
    case fixed

    /// What they are counted in.
    public var unit: String {
      switch self {
      case .multipliers: "of 16 bits"
      case .registers, .selectors: "bits"
      case .cores, .registerFiles: "cores"
      case .sharedMemory, .inputBuffer, .weightBuffer, .outputBuffer, .l1, .l2, .cache: "bytes"
      case .vector, .transcendental: "a cycle"
      case .pruner, .updater: "lanes"
      case .memoryInterface, .memoryController: "channels"
      case .fixed: ""
      }
    }
  }

  /// The technology node.
  public var node: TechnologyNode
  /// The parts that there are.
  public var components: [Component]
  /// All of it.
  public var total: SquareMillimetres
  /// What the maker says a chip takes; nil where it does not.
  public var die: SquareMillimetres?
}

extension Machine {
  /// What the machine's chips are made of; nil without areas in its description.
  public var areaBreakdown: AreaBreakdown? {
    guard let area else { return nil }
    var components: [AreaBreakdown.Component] = []
    forEachComponent(area) { name, count, area in
      if count > 0 { components.append(AreaBreakdown.Component(name: name, count: count, area: area)) }
    }
    return AreaBreakdown(node: area.node, components: components, total: totalArea ?? .zero, die: area.die)
  }

  /// The area of all chips together; nil without areas in the description.
  public var totalArea: SquareMillimetres? {
    guard let area else { return nil }
    var total = SquareMillimetres.zero
    forEachComponent(area) { _, _, area in total = total + area }
    return total
  }

  private func forEachComponent(
    _ model: AreaModel, _ body: (AreaBreakdown.Name, _ count: Double, SquareMillimetres) -> Void
  ) {
    switch architecture {
    case .systolic(let array): array.forEachComponent(model, body)
    case .s4(let processor): processor.forEachComponent(model, body)
    case .tensorCore(let gpu): gpu.forEachComponent(model, body)
    }
  }
}

extension SystolicArray {
  fileprivate func forEachComponent(
    _ model: AreaModel, _ body: (AreaBreakdown.Name, Double, SquareMillimetres) -> Void
  ) {
    let elements = Double(rows * columns)
    let bits = Double(dataTypes.widest)
    let group = sparseElement == .none ? 1 : Double(largestGroup)
    // A group element keeps all values of a group, one that holds a value only picks from a group.
    let held = sparseElement == .group ? group : 1
    let position = group > 1 ? Double(ceilLog2(largestGroup)) : 0
    let sums = Double(interleaving) * 32
    body(.multipliers, dataTypes.multipliers * elements, model.multiplier * (dataTypes.multipliers * elements))
    let registers = elements * (held * (bits + position) + group * bits + sums)
    body(.registers, registers, model.register * registers)
    let selectors = elements * (group - 1) * bits
    body(.selectors, selectors, model.selector * selectors)
    func buffer(_ name: AreaBreakdown.Name, _ capacity: Bytes, port: Double) {
      body(name, Double(capacity.count), model.buffer(bits: 8 * Double(capacity.count), port: port))
    }
    // Ports are as wide as the array's edges ask.
    buffer(.inputBuffer, inputBuffer, port: Double(rows) * group * bits)
    buffer(.weightBuffer, weightBuffer, port: Double(columns) * (bits + position))
    buffer(.outputBuffer, outputBuffer, port: Double(columns) * 32)
    vector.forEachComponent(model, 1, body)
    if let pruner {
      // A lane keeps a group and its positions, and compares once a cycle.
      let lane = model.register * (group * (bits + position)) + model.operation
      body(.pruner, Double(pruner.lanes), lane * Double(pruner.lanes))
    }
    if let updater {
      // Momentum and weight: two multiply-accumulates, four operations.
      body(.updater, Double(updater.lanes), model.operation * (4 * Double(updater.lanes)))
    }
    dram.forEachComponent(model, 1, body)
    body(.fixed, 1, model.fixed)
  }
}

extension S4Processor {
  fileprivate func forEachComponent(
    _ model: AreaModel, _ body: (AreaBreakdown.Name, Double, SquareMillimetres) -> Void
  ) {
    let cards = Double(chips)
    let units = cards * Double(cores * unitsPerCore)
    let multipliers = dataTypes.multipliers * units
    body(.multipliers, multipliers, model.multiplier * multipliers)
    // The sums of all lanes and positions.
    let registers = Double(lanes * columns) * 32 * units
    body(.registers, registers, model.register * registers)
    let selectors = multipliers * 16 * Double((rates.last ?? 1) - 1)
    body(.selectors, selectors, model.selector * selectors)
    body(.cores, units, model.core * units)
    body(
      .l1, Double(l1Capacity.count) * units,
      model.buffer(bits: 8 * Double(l1Capacity.count), port: 8 * (l1Port.value + l1Fill.value)) * units)
    let shared = cards * Double(cores)
    body(
      .l2, Double(l2Capacity.count) * shared,
      model.buffer(bits: 8 * Double(l2Capacity.count), port: 8 * l2Port.value) * shared)
    vector.forEachComponent(model, cards, body)
    dram.forEachComponent(model, cards, body)
    body(.fixed, cards, model.fixed * cards)
  }
}

extension TensorCoreGPU {
  fileprivate func forEachComponent(
    _ model: AreaModel, _ body: (AreaBreakdown.Name, Double, SquareMillimetres) -> Void
  ) {
    let cores = Double(multiprocessors) / model.enabledCores
    body(.cores, cores, model.core * cores)
    body(.registerFiles, cores, model.registerFile * cores)
    let multipliers = dataTypes.multipliers * cores
    body(.multipliers, multipliers, model.multiplier * multipliers)
    body(
      .sharedMemory, Double(sharedMemory.count) * cores,
      model.buffer(bits: 8 * Double(sharedMemory.count), port: 8 * sharedMemoryPort.value) * cores)
    vector.forEachComponent(model, cores, body)
    let cache = Double(l2Capacity.count) / model.enabledCache
    body(.cache, cache, model.cacheBit * (8 * cache))
    dram.forEachComponent(model, 1 / model.enabledChannels, body)
    body(.fixed, 1, model.fixed)
  }
}

extension VectorUnit {
  fileprivate func forEachComponent(
    _ model: AreaModel, _ times: Double, _ body: (AreaBreakdown.Name, Double, SquareMillimetres) -> Void
  ) {
    let (operations, transcendentals) = (operationsPerCycle * times, transcendentalsPerCycle * times)
    body(.vector, operations, model.operation * operations)
    body(.transcendental, transcendentals, model.transcendental * transcendentals)
  }
}

extension DRAM {
  fileprivate func forEachComponent(
    _ model: AreaModel, _ times: Double, _ body: (AreaBreakdown.Name, Double, SquareMillimetres) -> Void
  ) {
    // Descriptions with areas name a technology.
    let channel = DRAMTechnology.named(technology)?.channelBandwidth ?? peakBandwidth
    let channels = peakBandwidth / channel * times
    body(.memoryInterface, channels, model.memoryInterface * channels)
    body(.memoryController, channels, model.memoryController * channels)
  }
}

extension DataTypeSupport {
  /// Bits of the widest type.
  fileprivate var widest: Int { rates.keys.map(\.bits).max() ?? 0 }

  /// Multipliers of 16 bits that do what the machine does in a cycle.
  fileprivate var multipliers: Double {
    (rates.lazy.map { $0.value.perCycle * Double($0.key.bits) }.max() ?? 0) / 16
  }
}
