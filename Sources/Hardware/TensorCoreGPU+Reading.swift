import Documents
import Quantities

extension TensorCoreGPU {
  init?(reading fields: inout ConstantFields) {
    let dataTypes = DataTypeSupport(reading: &fields)
    let dram = DRAM(reading: &fields)
    let vector = VectorUnit(reading: &fields)

    var multiprocessors: Int?
    var maximumClock, minimumClock: Hertz?
    var launch, setup, sparseSetup: Seconds?
    var fill, step: Cycles?
    var issueEfficiency, portEfficiency: Double?
    var stepBytes: Bytes?
    var epilogue, sparseEpilogue: BytesPerCycle?
    var clusteredMultiprocessors: Int?
    var overlap: Double?
    var clockEnergy: Joules?
    if var core = fields.section("multiprocessors") {
      multiprocessors = core.count("count")
      maximumClock = core.quantity("maximum_clock")
      minimumClock = core.quantity("minimum_clock")
      launch = core.quantity("launch")
      clusteredMultiprocessors = core.optionalCount("clustered_count") ?? multiprocessors
      overlap = core.optionalNumber("overlap_exponent", in: 1...100) ?? .infinity
      clockEnergy = core.optionalQuantity("clock_energy") ?? .zero
      fill = core.optionalQuantity("pipeline_fill") ?? .zero
      setup = core.quantity("matrix_setup")
      sparseSetup = core.quantity("sparse_setup")
      step = core.optionalQuantity("step_overhead") ?? .zero
      issueEfficiency = core.number("issue_efficiency", in: 0.01...1)
      stepBytes = core.quantity("step")
      epilogue = core.quantity("epilogue_port")
      sparseEpilogue = core.optionalQuantity("sparse_epilogue_port") ?? epilogue
      core.finish()
      if let maximumClock, let minimumClock, minimumClock > maximumClock {
        core.contradiction("the lowest clock, \(minimumClock), is above the highest, \(maximumClock)")
      }
    }
    let vectorKernels = VectorKernels(reading: &fields)
    let attentionKernels = AttentionKernels(reading: &fields)
    let library = KernelLibrary(reading: &fields)
    let tileScheduler = TileScheduler(reading: &fields)
    let sparseKernels = SparseKernels(reading: &fields)
    let compression = WeightCompression(reading: &fields)
    var port: BytesPerCycle?
    var fillPort: BytesPerCycle?
    var multiprocessorBandwidth: BytesPerSecond?
    var sharedMemory: Bytes?
    var rowsPerPass, columnsPerPass: Int?
    var sharedEnergy: JoulesPerByte?
    if var shared = fields.section("shared_memory") {
      sharedMemory = shared.quantity("capacity")
      port = shared.quantity("port")
      fillPort = shared.quantity("fill_port")
      multiprocessorBandwidth = shared.quantity("off_chip_bandwidth")
      portEfficiency = shared.number("port_efficiency", in: 0.01...1)
      rowsPerPass = shared.count("rows_per_operand_pass")
      columnsPerPass = shared.count("columns_per_operand_pass")
      sharedEnergy = shared.quantity("energy")
      shared.finish()
    }
    var l2Capacity: Bytes?
    var l2Bandwidth: BytesPerCycle?
    var l2Energy: JoulesPerByte?
    var reuseWindow: Double?
    var coalescing: ReadCoalescing?
    if var l2 = fields.section("l2") {
      l2Capacity = l2.quantity("capacity")
      l2Bandwidth = l2.quantity("bandwidth")
      l2Energy = l2.quantity("energy")
      reuseWindow = l2.number("reuse_window", in: 0.01...10)
      coalescing = ReadCoalescing(reading: &l2)
      l2.finish()
    }
    let power = PowerModel(reading: &fields)
    let kernels = GEMMKernel.list(reading: &fields)

    guard let multiprocessors, let maximumClock, let minimumClock, let dataTypes, let port, let sharedMemory,
      let rowsPerPass, let columnsPerPass, let fillPort, let multiprocessorBandwidth, let l2Capacity, let l2Bandwidth,
      let dram, let reuseWindow,
      let coalescing, let kernels, let clusteredMultiprocessors, let overlap, let clockEnergy, let launch, let setup,
      let sparseSetup, let fill, let step, let issueEfficiency, let portEfficiency,
      let stepBytes, let epilogue, let sparseEpilogue, let vector, let vectorKernels, let attentionKernels, let library,
      let power,
      let sharedEnergy, let l2Energy
    else { return nil }
    self.init(
      multiprocessors: multiprocessors, maximumClock: maximumClock, minimumClock: minimumClock,
      dataTypes: dataTypes, sharedMemoryPort: port, sharedMemory: sharedMemory, rowsPerOperandPass: rowsPerPass,
      columnsPerOperandPass: columnsPerPass, fillPort: fillPort, multiprocessorBandwidth: multiprocessorBandwidth,
      l2Capacity: l2Capacity, l2Bandwidth: l2Bandwidth,
      coalescing: coalescing, reuseWindow: reuseWindow, dram: dram, kernels: kernels,
      clusteredMultiprocessors: clusteredMultiprocessors, overlapExponent: overlap, launch: launch, matrixSetup: setup,
      sparseSetup: sparseSetup, tileScheduler: tileScheduler, pipelineFill: fill,
      stepOverhead: step,
      issueEfficiency: issueEfficiency,
      portEfficiency: portEfficiency,
      stepBytes: stepBytes, epiloguePort: epilogue, sparseEpiloguePort: sparseEpilogue, vector: vector,
      laneMACs: vector.operationsPerCycle, vectorKernels: vectorKernels, attentionKernels: attentionKernels,
      library: library,
      sparseKernels: sparseKernels, compression: compression,
      power: power,
      sharedMemoryEnergy: sharedEnergy, l2Energy: l2Energy, clockEnergy: clockEnergy)
  }
}

extension PowerModel {
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("power") else { return nil }
    let cap = fields.optionalQuantity("cap", as: Watts.self)
    let idle = fields.quantity("idle", as: Watts.self)
    let floor = fields.number("voltage_floor", in: 0...1)
    let settling = fields.optionalNumber("settling", in: 0.5...1.5) ?? 1
    let denseSettling = fields.optionalNumber("dense_settling", in: 0.5...1.5) ?? settling
    let mixedSettling = fields.optionalNumber("mixed_settling", in: 0.5...1.5) ?? settling
    let burst = fields.optionalNumber("burst", in: 1...3) ?? 1
    let window = fields.optionalQuantity("window", as: Seconds.self) ?? Seconds(0.01)
    fields.finish()
    guard let idle, let floor else { return nil }
    if let cap, cap <= idle {
      fields.contradiction("the cap of \(cap) leaves nothing above the idle power of \(idle)")
    }
    self.init(
      cap: cap, idle: idle, voltageFloor: floor, settling: settling, denseSettling: denseSettling,
      mixedSettling: mixedSettling, burst: burst, window: window)
  }
}

extension ReadCoalescing {
  /// Reads a section that may be absent: every read counts then.
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.optionalSection("coalescing") else {
      self = .none
      return
    }
    let denseFirst = fields.number("dense_first", in: 0...1)
    let denseSteady = fields.number("dense_steady", in: 0...1)
    let sparseFirst = fields.number("sparse_first", in: 0...1)
    let sparseSteady = fields.number("sparse_steady", in: 0...1)
    let decay = fields.number("decay", in: 0...0.99)
    fields.finish()
    guard let denseFirst, let denseSteady, let sparseFirst, let sparseSteady, let decay else { return nil }
    self.init(
      denseFirst: denseFirst, denseSteady: denseSteady, sparseFirst: sparseFirst, sparseSteady: sparseSteady,
      decay: decay)
  }
}

extension GEMMKernel {
  static func list(reading parent: inout ConstantFields) -> [GEMMKernel]? {
    parent.list("kernels", of: "kernels") { GEMMKernel(reading: $0, $1) }
  }

  /// Reads `{tile: [128, 256], cluster: [2, 1], per_multiprocessor: 1, split_k: 3, operands: both}`.
  init?(reading node: Node, _ reader: DocumentReader) {
    guard var fields = Fields(node, reader, what: "a kernel") else { return nil }
    func pair(_ node: Node?, _ what: String) -> (Int, Int)? {
      guard let node else { return nil }
      guard let elements = node.elements, elements.count == 2 else {
        return reader.mismatch(
          node, expected: "two whole numbers, along M and N", .list(.integer(1...4096), counts: [2]))
      }
      let sizes = elements.compactMap { reader.integer($0, what, in: 1...4096) }
      return sizes.count == 2 ? (sizes[0], sizes[1]) : nil
    }
    let tile = pair(fields.requiredNode("tile"), "tile")
    let clusterNode = fields.node("cluster")
    let cluster = clusterNode == nil ? (1, 1) : pair(clusterNode, "cluster")
    let perMultiprocessor = fields.optional("per_multiprocessor", in: 1...32) ?? 1
    let splits = fields.optional("split_k", in: 1...32) ?? 1
    let bits = fields.optional("element_bits", in: 8...32)
    let kinds = [
      ("dense", (true, false, false)), ("sparse", (false, true, false)), ("both", (true, true, false)),
      ("panels", (false, true, true)),
    ]
    let operands =
      fields.node("operands").map { reader.choice($0, kinds, what: "a kind of operands") } ?? (true, true, false)
    fields.finish()
    guard let tile, let cluster, let operands else { return nil }
    self.init(
      m: tile.0, n: tile.1, cluster: Cluster(m: cluster.0, n: cluster.1),
      tilesPerMultiprocessor: perMultiprocessor, mostSplits: splits, isForDense: operands.0,
      isForSparse: operands.1, isForPanels: operands.2, elementBits: bits)
  }
}
