public import Quantities

/// What the kernels for everything that is not a product are limited by beyond memory and lanes.
public struct VectorKernels: Hashable, Sendable {
  /// Threads that one SM holds at work.
  public var residentThreads: Int
  /// Instructions issued for each operation, conversions and bounds with it.
  public var instructionsPerOperation: Double
  /// Instructions issued for each element loaded or stored, addresses with it.
  public var instructionsPerAccess: Double
  /// Issue slots of the vector lanes that widening one stored value takes; nil where no kernel does.
  public var dequantisationOperations: Double?
  /// Bytes of the level-two cache's that loads and stores move in a cycle of the highest clock.
  public var cacheBandwidth: BytesPerCycle
  /// What a reduction of everything to one result needs beyond its launch: thread blocks hand their parts to the last.
  public var reductionSetup: Seconds
  /// Normalization of rows by mean and deviation.
  public var layerNormalization: RowKernel
  /// Normalization of rows by their root mean square.
  public var rmsNormalization: RowKernel
  /// Softmax, from the kernel of the shortest rows to that of the longest, which takes rows of any length.
  public var softmax: [RowKernel]

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("vector_kernels") else { return nil }
    let threads = fields.count("resident_threads")
    let instructions = fields.number("instructions_per_operation", in: 1...100)
    let accesses = fields.number("instructions_per_access", in: 0...100)
    dequantisationOperations = fields.optionalNumber("operations_per_dequantisation", in: 0.1...100)
    let bandwidth = fields.quantity("cache_bandwidth", as: BytesPerCycle.self)
    let setup = fields.optionalQuantity("reduction_setup", as: Seconds.self) ?? .zero
    let layer = fields.section("layer_normalization").flatMap { RowKernel(reading: $0) }
    let rms = fields.section("rms_normalization").flatMap { RowKernel(reading: $0) }
    let softmax = RowKernel.list(reading: &fields, "softmax")
    fields.finish()
    guard let threads, let instructions, let accesses, let bandwidth, let layer, let rms, let softmax else {
      return nil
    }
    residentThreads = threads
    self.instructionsPerOperation = instructions
    self.instructionsPerAccess = accesses
    self.cacheBandwidth = bandwidth
    self.reductionSetup = setup
    self.layerNormalization = layer
    self.rmsNormalization = rms
    self.softmax = softmax
  }
}

/// A kernel that gives each row of a matrix to some threads.
public struct RowKernel: Hashable, Sendable {
  /// Elements of the longest row it takes; nil where it takes any.
  public var widestRow: Int?
  /// Threads of the shortest row's group.
  public var threads: Int
  /// Elements of a row that one thread takes before its group grows, up to 1024 threads; nil where it does not grow.
  public var elementsPerThread: Int?
  /// Cycles before the first row's first result.
  public var latency: Int
  /// Cycles that each element of the first row adds.
  public var latencyPerElement: Double
  /// Cycles of a row that nothing hides but other rows: barriers between its parts.
  public var rowLatency: Int
  /// Cycles of a row that its own loads hide behind, without its elements.
  public var streamLatency: Int
  /// The same for each element.
  public var streamLatencyPerElement: Double
  /// Instructions for each element.
  public var instructionsPerElement: Double
  /// Instructions of each thread beside those for its elements.
  public var instructionsPerThread: Double
  /// Whether rows that the first-level cache cannot hold are read again after their statistics.
  public var readsTwice: Bool

  init?(reading section: consuming ConstantFields) {
    var fields = section
    widestRow = fields.optionalCount("widest_row")
    let threads = fields.count("threads")
    elementsPerThread = fields.optionalCount("elements_per_thread")
    latency = fields.optionalCount("latency") ?? 0
    latencyPerElement = fields.optionalNumber("latency_per_element", in: 0...1000) ?? 0
    rowLatency = fields.optionalCount("row_latency") ?? 0
    streamLatency = fields.optionalCount("stream_latency") ?? 0
    streamLatencyPerElement = fields.optionalNumber("stream_latency_per_element", in: 0...1000) ?? 0
    let instructions = fields.number("instructions_per_element", in: 1...1000)
    instructionsPerThread = fields.optionalNumber("instructions_per_thread", in: 0...10_000) ?? 0
    readsTwice = fields.optionalPlain("reads_twice") ?? false
    fields.finish()
    guard let threads, let instructions else { return nil }
    self.threads = threads
    instructionsPerElement = instructions
  }

  /// A list from the kernel of the shortest rows to one of any.
  static func list(reading parent: inout ConstantFields, _ key: String) -> [RowKernel]? {
    guard let sections = parent.sections(key) else { return nil }
    let kernels = sections.compactMap { RowKernel(reading: $0) }
    guard kernels.count == sections.count else { return nil }
    let widest = kernels.map { $0.widestRow ?? .max }
    guard widest.last == .max, zip(widest, widest.dropFirst()).allSatisfy({ $0 < $1 }) else {
      parent.contradiction(
        "'\(key)' must list its kernels by growing 'widest_row', and the last must have none",
        help: "each kernel takes the rows that are too long for those before it")
      return nil
    }
    return kernels
  }
}

/// What fused attention is limited by beyond its products and exponentials.
public struct AttentionKernels: Hashable, Sendable {
  /// What it needs beyond its launch.
  public var setup: Seconds
  /// Cycles of a tile of queries before its first and after its last step.
  public var fill: Int
  /// The same for kernels with block masks.
  public var blockFill: Int
  /// Vector instructions for each score beside its exponential in kernels with block masks.
  public var blockInstructionsPerScore: Double
  /// Vector instructions for each score that cost energy, its exponential with them.
  public var instructionsPerScore: Double
  /// Energy of a multiply-accumulate over that of one in a product of random operands.
  public var activity: Double
  /// Queries of a head that a thread block takes, tile by tile; nil for one tile.
  public var queriesPerBlock: Int?

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("attention_kernels") else { return nil }
    let setup = fields.quantity("setup", as: Seconds.self)
    let fill = fields.count("fill")
    let blockFill = fields.count("block_fill")
    let blockInstructions = fields.number("block_instructions_per_score", in: 0...1000)
    let instructions = fields.number("instructions_per_score", in: 0...1000)
    let activity = fields.number("activity", in: 0...1)
    queriesPerBlock = fields.optionalCount("queries_per_block")
    fields.finish()
    guard let setup, let fill, let blockFill, let blockInstructions, let instructions, let activity else { return nil }
    self.setup = setup
    self.fill = fill
    self.blockFill = blockFill
    blockInstructionsPerScore = blockInstructions
    instructionsPerScore = instructions
    self.activity = activity
  }
}
