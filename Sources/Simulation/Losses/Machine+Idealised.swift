import Hardware
import Quantities

/// Models without some causes of lost speedup.
///
/// What a description can express is changed there: rates become ``unlimited`` times as high, times and overheads
/// zero. The engines leave out the rest themselves: tiling, metadata, and pruning and fills of arrays.
private let unlimited = 1e12

extension TensorCoreGPU {
  /// The causes that this family's model has, in order.
  static let causes: [LossCause] = [
    .operandBandwidth, .pipeline, .tiling, .softmax, .l2, .dram, .metadata, .launch, .power,
  ]

  /// The same GPU without these causes.
  func idealised(without causes: Set<LossCause>) -> TensorCoreGPU {
    var gpu = self
    if causes.contains(.operandBandwidth) { gpu.sharedMemoryPort = sharedMemoryPort * unlimited }
    if causes.contains(.pipeline) {
      gpu.stepOverhead = .zero
      gpu.pipelineFill = .zero
      gpu.issueEfficiency = 1
      gpu.epiloguePort = epiloguePort * unlimited
      gpu.sparseEpiloguePort = sparseEpiloguePort * unlimited
      gpu.overlapExponent = .infinity
    }
    if causes.contains(.softmax) { gpu.vector = vector.unlimited }
    if causes.contains(.l2) {
      gpu.l2Bandwidth = l2Bandwidth * unlimited
      gpu.fillPort = fillPort * unlimited
      gpu.vectorKernels.cacheBandwidth = vectorKernels.cacheBandwidth * unlimited
    }
    if causes.contains(.dram) {
      gpu.dram = dram.unlimited
      gpu.multiprocessorBandwidth = multiprocessorBandwidth * unlimited
    }
    if causes.contains(.launch) {
      (gpu.launch, gpu.matrixSetup, gpu.sparseSetup) = (.zero, .zero, .zero)
      gpu.tileScheduler?.clearing = .zero
      (gpu.attentionKernels.setup, gpu.vectorKernels.reductionSetup) = (.zero, .zero)
    }
    if causes.contains(.power) { gpu.power.cap = nil }
    return gpu
  }
}

extension S4Processor {
  /// The causes that this family's model has, in order.
  static let causes: [LossCause] = [.operandBandwidth, .tiling, .l2, .network, .dram, .metadata, .launch, .power]

  /// The same processor without these causes.
  func idealised(without causes: Set<LossCause>) -> S4Processor {
    var chip = self
    if causes.contains(.operandBandwidth) { (chip.l1Port, chip.l1Fill) = (l1Port * unlimited, l1Fill * unlimited) }
    if causes.contains(.l2) { chip.l2Port = l2Port * unlimited }
    if causes.contains(.network) { (chip.network, chip.hostLink) = (network * unlimited, hostLink * unlimited) }
    if causes.contains(.dram) { chip.dram = dram.unlimited }
    if causes.contains(.launch) { chip.launch = .zero }
    if causes.contains(.power) { chip.cap = cap * unlimited }
    return chip
  }
}

extension SystolicArray {
  /// The causes that this family's model has, in order.
  static let causes: [LossCause] = [.pipeline, .tiling, .pruning, .dram, .metadata]

  /// The same array without these causes.
  func idealised(without causes: Set<LossCause>) -> SystolicArray {
    var array = self
    if causes.contains(.dram) { array.dram = dram.unlimited }
    return array
  }
}

extension DRAM {
  fileprivate var unlimited: DRAM {
    var dram = self
    dram.streamBandwidth = streamBandwidth * Simulation.unlimited
    dram.latency = .zero
    return dram
  }
}

extension VectorUnit {
  fileprivate var unlimited: VectorUnit {
    var unit = self
    unit.operationsPerCycle *= Simulation.unlimited
    unit.transcendentalsPerCycle *= Simulation.unlimited
    return unit
  }
}

extension Machine {
  /// What can keep a run on this machine from its pattern's ideal, in the order of ``LossCause``.
  var causes: [LossCause] {
    let ofFamily =
      switch architecture {
      case .tensorCore: TensorCoreGPU.causes
      case .s4: S4Processor.causes
      case .systolic: SystolicArray.causes
      }
    return [.rate] + ofFamily + [.denseProducts, .vectorOperators]
  }
}
