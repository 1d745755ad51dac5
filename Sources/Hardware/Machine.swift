public import Documents
public import Quantities
public import Workloads

/// A validated machine description.
public struct Machine: Sendable {
  /// The name it is asked for by, for example `h200`.
  public var name: String
  /// What a person calls it.
  public var title: String
  /// The family it belongs to, with that family's parameters.
  public var architecture: Architecture
  /// What its parts take on the chip; nil where its description does not say.
  public var area: AreaModel?
  /// Every number of the description with its source.
  public var constants: [Constant]
  /// The same machine with other answers to what nobody has published.
  public var variants: [MachineVariant]
  /// The description it was read from; nil for one that was made otherwise.
  public var input: InputDigest?

  /// A machine.
  public init(
    name: String, title: String, architecture: Architecture, area: AreaModel? = nil, constants: [Constant] = [],
    variants: [MachineVariant] = []
  ) {
    self.name = name
    self.title = title
    self.architecture = architecture
    self.area = area
    self.constants = constants
    self.variants = variants
  }
}

/// The families of machines; each has its engine.
public enum Architecture: Sendable {
  /// A GPU with (sparse) tensor cores.
  case tensorCore(TensorCoreGPU)
  /// A processor of bank-balanced sparse units.
  case s4(S4Processor)
  /// A systolic array, plain or of N:M elements.
  case systolic(SystolicArray)

  /// The family's name in descriptions.
  public var name: String {
    switch self {
    case .tensorCore: "tensor-core"
    case .s4: "s4"
    case .systolic: "systolic"
    }
  }

  /// Its off-chip memory, or that of one of its chips.
  public var dram: DRAM {
    switch self {
    case .tensorCore(let gpu): gpu.dram
    case .s4(let processor): processor.dram
    case .systolic(let array): array.dram
    }
  }
}

/// Off-chip memory.
public struct DRAM: Hashable, Sendable {
  /// What it is made of, for example `HBM3e`.
  public var technology: String
  /// The interface's rate.
  public var peakBandwidth: BytesPerSecond
  /// The rate that long streams reach.
  public var streamBandwidth: BytesPerSecond
  /// How much it holds.
  public var capacity: Bytes
  /// From a request to its first data.
  public var latency: Seconds
  /// Energy to move a byte from it to the chip.
  public var energy: JoulesPerByte
  /// Energy to move a byte from the chip to it.
  public var writeEnergy: JoulesPerByte

  /// A memory.
  public init(
    technology: String, peakBandwidth: BytesPerSecond, streamBandwidth: BytesPerSecond, capacity: Bytes,
    latency: Seconds, energy: JoulesPerByte, writeEnergy: JoulesPerByte? = nil
  ) {
    self.technology = technology
    self.peakBandwidth = peakBandwidth
    self.streamBandwidth = streamBandwidth
    self.capacity = capacity
    self.latency = latency
    self.energy = energy
    self.writeEnergy = writeEnergy ?? energy
  }

  /// Energy to read and to write as many bytes.
  package func energy(read: Double, written: Double) -> Joules {
    Joules(read * energy.value + written * writeEnergy.value)
  }
}

/// What a machine computes vector operators with.
public struct VectorUnit: Hashable, Sendable {
  /// Additions, multiplications and comparisons of the whole machine in a cycle.
  public var operationsPerCycle: Double
  /// Exponentials, roots and divisions of the whole machine in a cycle.
  public var transcendentalsPerCycle: Double
  /// Energy of an operation.
  public var energy: Joules

  /// A unit.
  public init(operationsPerCycle: Double, transcendentalsPerCycle: Double, energy: Joules) {
    self.operationsPerCycle = operationsPerCycle
    self.transcendentalsPerCycle = transcendentalsPerCycle
    self.energy = energy
  }
}

/// Rates and energies of multiply-accumulates of one data type.
public struct MACRate: Hashable, Sendable {
  /// Multiply-accumulates a cycle, of one unit (streaming multiprocessor, sparse processing unit, element).
  public var perCycle: Double
  /// Dense-equivalent multiply-accumulates a cycle with the machine's sparse instruction; nil without one.
  public var sparsePerCycle: Double?
  /// Energy of a multiply-accumulate really done, at the highest voltage.
  public var energy: Joules

  /// A rate.
  public init(perCycle: Double, sparsePerCycle: Double? = nil, energy: Joules) {
    self.perCycle = perCycle
    self.sparsePerCycle = sparsePerCycle
    self.energy = energy
  }
}

/// The data types a machine multiplies, and what stands in for those it does not.
public struct DataTypeSupport: Hashable, Sendable {
  /// Rates by type.
  public var rates: [DataType: MACRate]
  /// The type that is used instead, by the type asked for.
  public var substitutes: [DataType: DataType]

  /// Support for the given types.
  public init(rates: [DataType: MACRate], substitutes: [DataType: DataType] = [:]) {
    self.rates = rates
    self.substitutes = substitutes
  }

  /// The type an operand of `type` is multiplied in, and its rate; nil where the machine has neither it nor a
  /// substitute.
  public func resolve(_ type: DataType) -> (type: DataType, rate: MACRate)? {
    if let rate = rates[type] { return (type, rate) }
    guard let substitute = substitutes[type], let rate = rates[substitute] else { return nil }
    return (substitute, rate)
  }
}
