public import Quantities

/// A processor of the S4 family: cores of sparse processing units (SPUs) for bank-balanced weights.
public struct S4Processor: Sendable {
  /// Equal chips on the card; a step's samples are spread over them.
  public var chips: Int
  /// Cores of a chip.
  public var cores: Int
  /// Sparse processing units of a core.
  public var unitsPerCore: Int
  /// Clock of everything on the chip.
  public var clock: Hertz
  /// Multiply-accumulates of one unit.
  public var dataTypes: DataTypeSupport
  /// Output channels a unit works on at once.
  public var lanes: Int
  /// Output positions a unit works on at once.
  public var columns: Int
  /// Values of a bank, the group each rate keeps its share of.
  public var bankSize: Int
  /// Rates of weight compression that the units run at.
  public var rates: [Int]
  /// Local buffer of one unit.
  public var l1Capacity: Bytes
  /// Bytes one unit reads from its local buffer in a cycle.
  public var l1Port: BytesPerCycle
  /// Bytes one unit's local buffer is filled with in a cycle, from the core's shared buffer.
  public var l1Fill: BytesPerCycle
  /// Shared buffer of one core.
  public var l2Capacity: Bytes
  /// Bytes one core's shared buffer delivers in a cycle.
  public var l2Port: BytesPerCycle
  /// Rate of a link between the cores of a chip.
  public var network: BytesPerSecond
  /// How links join them.
  public var topology: Topology
  /// The card's link to its host.
  public var hostLink: BytesPerSecond
  /// Memory of one chip.
  public var dram: DRAM
  /// Vector and special-function units of one chip.
  public var vector: VectorUnit
  /// Cycles to start an operator on all units.
  public var launch: Cycles
  /// What one chip draws whatever it does.
  public var idle: Watts
  /// The limit of one chip.
  public var cap: Watts
  /// Energy of a byte from a local buffer.
  public var l1Energy: JoulesPerByte
  /// Energy of a byte from a shared buffer.
  public var l2Energy: JoulesPerByte
}
