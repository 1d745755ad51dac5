/// What the kernels for weights in blocks, or with zeros anywhere, are limited by beyond what all kernels are.
public struct SparseKernels: Hashable, Sendable {
  /// Cycles from asking for an index, or for values at an index, to having them.
  public var gatherLatency: Int
  /// The share of the tensor cores' peak that the warp-wide instruction (mma.sync) of such kernels reaches.
  public var warpInstructionShare: Double
  /// Thread blocks of such kernels that fit the thread slots of one SM.
  public var threadBlocks: Int
  /// Registers of one SM, where there are kernels that make compressed tiles dense on chip; nil where there are none.
  public var registers: Int?

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.optionalSection("sparse_kernels") else { return nil }
    let latency = fields.count("gather_latency")
    let share = fields.number("warp_instruction_share", in: 0.01...1)
    let blocks = fields.count("thread_blocks")
    let registers = fields.node("registers") == nil ? nil : fields.count("registers")
    fields.finish()
    guard let latency, let share, let blocks else { return nil }
    self.gatherLatency = latency
    self.warpInstructionShare = share
    self.threadBlocks = blocks
    self.registers = registers
  }
}
