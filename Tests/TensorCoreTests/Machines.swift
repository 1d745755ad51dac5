import Bench
import Diagnostics
import Hardware
import Quantities
import Workloads

@testable import Simulation

/// The GPU of a machine of the repository.
func gpu(_ name: String) throws -> TensorCoreGPU {
  guard case .tensorCore(let gpu) = try Bench.machine(name).architecture else {
    throw DiagnosticList(Diagnostic(.unknownHardware, "\(name) has no tensor cores"))
  }
  return gpu
}

/// A GPU without overheads, limits and capacities: whatever a test puts back is all that counts.
func idealGPU(kernels: [GEMMKernel] = [kernel(128, 256)]) throws -> TensorCoreGPU {
  var gpu = try gpu("h200")
  gpu.kernels = kernels
  gpu.launch = .zero
  gpu.matrixSetup = .zero
  gpu.sparseSetup = .zero
  gpu.pipelineFill = .zero
  gpu.stepOverhead = .zero
  gpu.issueEfficiency = 1
  gpu.portEfficiency = 1
  gpu.multiprocessorBandwidth = BytesPerSecond(1e18)
  gpu.sharedMemoryPort = BytesPerCycle(1e12)
  gpu.epiloguePort = BytesPerCycle(1e15)
  gpu.sparseEpiloguePort = BytesPerCycle(1e15)
  gpu.fillPort = BytesPerCycle(1e15)
  gpu.overlapExponent = .infinity
  gpu.clusteredMultiprocessors = gpu.multiprocessors
  gpu.coalescing = .none
  gpu.reuseWindow = 1e12
  gpu.clockEnergy = .zero
  gpu.tileScheduler = nil
  gpu.library = .ideal
  gpu.attentionKernels.setup = .zero
  gpu.attentionKernels.fill = 0
  gpu.attentionKernels.blockFill = 0
  gpu.l2Bandwidth = BytesPerCycle(1e15)
  gpu.l2Capacity = Bytes(1 << 60)
  gpu.dram.streamBandwidth = BytesPerSecond(1e24)
  gpu.dram.peakBandwidth = BytesPerSecond(1e24)
  gpu.dram.latency = .zero
  gpu.power.cap = nil
  return gpu
}

func kernel(
  _ m: Int, _ n: Int, cluster: (Int, Int) = (1, 1), perMultiprocessor: Int = 1, splits: Int = 1
) -> GEMMKernel {
  GEMMKernel(
    m: m, n: n, cluster: GEMMKernel.Cluster(m: cluster.0, n: cluster.1), tilesPerMultiprocessor: perMultiprocessor,
    mostSplits: splits)
}

extension TensorCoreEngine {
  /// The answer for an operator as the engine adapts it, with all operands off chip unless told otherwise.
  func answer(_ op: Operator, inputsOnChip: Bool = false, outputOnChip: Bool = false) -> Estimate {
    guard case .runs(let adapted, _) = fit(op) else { preconditionFailure("impossible") }
    return estimate(Task(adapted, inputsOnChip: inputsOnChip, outputOnChip: outputOnChip))
  }

  /// What `fit` says it changed.
  func changes(_ op: Operator) -> [String] {
    guard case .runs(_, let changes) = fit(op) else { return ["impossible"] }
    return changes
  }
}

func gemm(
  _ m: Int, _ n: Int, _ k: Int, batch: Int = 1, weights: SparsityPattern = .dense, type: DataType = .fp16,
  output: DataType? = nil, hasWeights: Bool = true
) -> Operator {
  Operator(
    name: "gemm", kind: .gemm(GEMM(m: m, n: n, k: k, batch: batch, hasWeights: hasWeights)), dataType: type,
    outputType: output, sparsity: OperandSparsity(weights: weights))
}

extension SparsityPattern {
  static let twoOfFour = SparsityPattern.structured(n: 2, m: 4)
}

/// Whether two numbers differ by no more than a few roundings.
func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-9) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b))
}
