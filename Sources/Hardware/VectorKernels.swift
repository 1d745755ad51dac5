public import Quantities

/// What the kernels for everything that is not a product are limited by beyond memory and lanes.
public struct VectorKernels: Hashable, Sendable {
  /// Threads that one SM holds at work.
  public var residentThreads: Int
  /// Instructions issued for each operation and each element moved: conversions, addresses, loads and stores with it.
  public var instructionsPerOperation: Double
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
  /// Softmax of rows that a warp holds in its registers.
  public var narrowSoftmax: RowKernel
  /// Softmax of longer rows.
  public var wideSoftmax: RowKernel
  /// Elements of the longest row that a warp holds.
  public var narrowestWideRow: Int

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("vector_kernels") else { return nil }
    let threads = fields.count("resident_threads")
    let instructions = fields.number("instructions_per_operation", in: 1...100)
    dequantisationOperations = fields.optionalNumber("operations_per_dequantisation", in: 0.1...100)
    let bandwidth = fields.quantity("cache_bandwidth", as: BytesPerCycle.self)
    let setup = fields.optionalQuantity("reduction_setup", as: Seconds.self) ?? .zero
    let layer = RowKernel(reading: &fields, "layer_normalization")
    let rms = RowKernel(reading: &fields, "rms_normalization")
    let narrow = RowKernel(reading: &fields, "narrow_softmax")
    let wide = RowKernel(reading: &fields, "wide_softmax")
    let widest = fields.count("warp_row")
    fields.finish()
    guard let threads, let instructions, let bandwidth, let layer, let rms, let narrow, let wide, let widest else {
      return nil
    }
    residentThreads = threads
    self.instructionsPerOperation = instructions
    self.cacheBandwidth = bandwidth
    self.reductionSetup = setup
    self.layerNormalization = layer
    self.rmsNormalization = rms
    self.narrowSoftmax = narrow
    self.wideSoftmax = wide
    self.narrowestWideRow = widest + 1
  }
}

/// A kernel that gives each row of a matrix to some threads.
public struct RowKernel: Hashable, Sendable {
  /// Threads of the shortest row's group.
  public var threads: Int
  /// Elements of a row that one thread takes before its group grows, up to 1024 threads; nil where it does not grow.
  public var elementsPerThread: Int?
  /// Cycles before the first row's first result.
  public var latency: Int
  /// Cycles of a row that nothing hides but other rows: barriers between its parts.
  public var rowLatency: Int
  /// Cycles of a row that its own loads hide behind, without its elements.
  public var streamLatency: Int
  /// The same for each element beyond what the row latency covers.
  public var elementLatency: Double
  /// Elements that the row latency covers.
  public var coveredElements: Int
  /// Instructions for each element.
  public var instructionsPerElement: Double
  /// Whether rows that the first-level cache cannot hold are read again after their statistics.
  public var readsTwice: Bool

  init?(reading parent: inout ConstantFields, _ key: String) {
    guard var fields = parent.section(key) else { return nil }
    let threads = fields.count("threads")
    elementsPerThread = fields.optionalCount("elements_per_thread")
    latency = fields.optionalCount("latency") ?? 0
    rowLatency = fields.optionalCount("row_latency") ?? 0
    streamLatency = fields.optionalCount("stream_latency") ?? 0
    elementLatency = fields.optionalNumber("element_latency", in: 0...1000) ?? 0
    coveredElements = fields.optionalCount("covered_elements") ?? 0
    let instructions = fields.number("instructions_per_element", in: 1...1000)
    readsTwice = fields.optionalPlain("reads_twice") ?? false
    fields.finish()
    guard let threads, let instructions else { return nil }
    self.threads = threads
    instructionsPerElement = instructions
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

  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("attention_kernels") else { return nil }
    let setup = fields.quantity("setup", as: Seconds.self)
    let fill = fields.count("fill")
    let blockFill = fields.count("block_fill")
    let instructions = fields.number("block_instructions_per_score", in: 0...1000)
    fields.finish()
    guard let setup, let fill, let blockFill, let instructions else { return nil }
    self.setup = setup
    self.fill = fill
    self.blockFill = blockFill
    blockInstructionsPerScore = instructions
  }
}
