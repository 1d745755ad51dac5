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
    var epilogue: BytesPerCycle?
    if var core = fields.section("multiprocessors") {
      multiprocessors = core.count("count")
      maximumClock = core.quantity("maximum_clock")
      minimumClock = core.quantity("minimum_clock")
      launch = core.quantity("launch")
      fill = core.quantity("pipeline_fill")
      setup = core.quantity("matrix_setup")
      sparseSetup = core.quantity("sparse_setup")
      step = core.quantity("step_overhead")
      issueEfficiency = core.number("issue_efficiency", in: 0.01...1)
      stepBytes = core.quantity("step")
      epilogue = core.quantity("epilogue_port")
      core.finish()
      if let maximumClock, let minimumClock, minimumClock > maximumClock {
        core.contradiction("the lowest clock, \(minimumClock), is above the highest, \(maximumClock)")
      }
    }
    var vectorInstructions: Double?
    if var kernels = fields.section("vector_kernels") {
      vectorInstructions = kernels.number("instructions_per_operation", in: 1...100)
      kernels.finish()
    }
    let sparseKernels = SparseKernels(reading: &fields)
    let compression = WeightCompression(reading: &fields)
    var port: BytesPerCycle?
    var multiprocessorBandwidth: BytesPerSecond?
    var sharedMemory: Bytes?
    var rowsPerPass, columnsPerPass: Int?
    var sharedEnergy: JoulesPerByte?
    if var shared = fields.section("shared_memory") {
      sharedMemory = shared.quantity("capacity")
      port = shared.quantity("port")
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
    if var l2 = fields.section("l2") {
      l2Capacity = l2.quantity("capacity")
      l2Bandwidth = l2.quantity("bandwidth")
      l2Energy = l2.quantity("energy")
      l2.finish()
    }
    let power = PowerModel(reading: &fields)
    let kernels = GEMMKernel.list(reading: &fields)

    guard let multiprocessors, let maximumClock, let minimumClock, let dataTypes, let port, let sharedMemory,
      let rowsPerPass, let columnsPerPass, let multiprocessorBandwidth, let l2Capacity, let l2Bandwidth, let dram,
      let kernels, let launch,
      let setup, let sparseSetup, let fill, let step, let issueEfficiency, let portEfficiency,
      let stepBytes, let epilogue, let vector, let vectorInstructions, let power, let sharedEnergy, let l2Energy
    else { return nil }
    self.init(
      multiprocessors: multiprocessors, maximumClock: maximumClock, minimumClock: minimumClock,
      dataTypes: dataTypes, sharedMemoryPort: port, sharedMemory: sharedMemory, rowsPerOperandPass: rowsPerPass,
      columnsPerOperandPass: columnsPerPass, multiprocessorBandwidth: multiprocessorBandwidth, l2Capacity: l2Capacity,
      l2Bandwidth: l2Bandwidth, dram: dram,
      kernels: kernels, launch: launch, matrixSetup: setup, sparseSetup: sparseSetup, pipelineFill: fill,
      stepOverhead: step,
      issueEfficiency: issueEfficiency,
      portEfficiency: portEfficiency,
      stepBytes: stepBytes, epiloguePort: epilogue, vector: vector, laneMACs: vector.operationsPerCycle,
      vectorInstructions: vectorInstructions,
      sparseKernels: sparseKernels, compression: compression,
      power: power,
      sharedMemoryEnergy: sharedEnergy, l2Energy: l2Energy)
  }
}

extension PowerModel {
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.section("power") else { return nil }
    let cap = fields.optionalQuantity("cap", as: Watts.self)
    let idle = fields.quantity("idle", as: Watts.self)
    let floor = fields.number("voltage_floor", in: 0...1)
    fields.finish()
    guard let idle, let floor else { return nil }
    if let cap, cap <= idle {
      fields.contradiction("the cap of \(cap) leaves nothing above the idle power of \(idle)")
    }
    self.init(cap: cap, idle: idle, voltageFloor: floor)
  }
}

extension GEMMKernel {
  static func list(reading parent: inout ConstantFields) -> [GEMMKernel]? {
    guard let node = parent.requiredNode("kernels") else { return nil }
    guard let elements = node.elements, !elements.isEmpty else {
      return parent.reader.mismatch(node, expected: "a list of kernels")
    }
    return elements.compactMap { GEMMKernel(reading: $0, parent.reader) }
  }

  /// Reads `{tile: [128, 256], cluster: [2, 1], per_multiprocessor: 1, split_k: yes, operands: both}`.
  init?(reading node: Node, _ reader: DocumentReader) {
    guard var fields = Fields(node, reader, what: "a kernel") else { return nil }
    func pair(_ node: Node?, _ what: String) -> (Int, Int)? {
      guard let node else { return nil }
      guard let elements = node.elements, elements.count == 2 else {
        return reader.mismatch(node, expected: "two whole numbers, along M and N")
      }
      let sizes = elements.compactMap { reader.integer($0, what, in: 1...4096) }
      return sizes.count == 2 ? (sizes[0], sizes[1]) : nil
    }
    let tile = pair(fields.requiredNode("tile"), "tile")
    let clusterNode = fields.node("cluster")
    let cluster = clusterNode == nil ? (1, 1) : pair(clusterNode, "cluster")
    let perMultiprocessor = fields.optional("per_multiprocessor", in: 1...32) ?? 1
    let splits = fields.optional("split_k", as: Bool.self) ?? false
    let kinds = [("dense", (true, false)), ("sparse", (false, true)), ("both", (true, true))]
    let operands = fields.node("operands").map { reader.choice($0, kinds, what: "a kind of operands") } ?? (true, true)
    fields.finish()
    guard let tile, let cluster, let operands else { return nil }
    self.init(
      m: tile.0, n: tile.1, cluster: Cluster(m: cluster.0, n: cluster.1),
      tilesPerMultiprocessor: perMultiprocessor, splitsReduction: splits, isForDense: operands.0,
      isForSparse: operands.1)
  }
}
