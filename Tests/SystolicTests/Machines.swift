import Diagnostics
import Foundation
import Hardware
import Quantities
import Workloads

@testable import Simulation

/// The repository's root.
let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// A machine of the repository.
func machine(_ name: String) throws -> Machine {
  let url = root.appending(path: "Configs/Hardware/\(name).yaml")
  return try MachineReader.read(SourceText(name: url.lastPathComponent, bytes: Array(Data(contentsOf: url))))
}

/// The array of a machine of the repository.
func array(_ name: String) throws -> SystolicArray {
  guard case .systolic(let array) = try machine(name).architecture else {
    throw DiagnosticList(Diagnostic(.unknownHardware, "\(name) is no systolic array"))
  }
  return array
}

/// An engine without a forced dataflow unless told otherwise.
func engine(_ array: SystolicArray, _ dataflow: SystolicArray.Dataflow? = nil) throws -> SystolicEngine {
  try SystolicEngine(array, machine: "test", dataflow: dataflow)
}

extension SystolicEngine {
  /// The answer for an operator as the engine adapts it, with all operands off chip.
  func answer(_ op: Operator, inputsOnChip: Bool = false, outputOnChip: Bool = false) -> Estimate {
    guard case .runs(let adapted, _) = fit(op) else { preconditionFailure("impossible") }
    return estimate(Task(adapted, inputsOnChip: inputsOnChip, outputOnChip: outputOnChip))
  }
}

/// Random numbers from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

func gemm(
  _ m: Int, _ n: Int, _ k: Int, batch: Int = 1, weights: SparsityPattern = .dense,
  activations: SparsityPattern = .dense, phase: Phase = .inference, hasWeights: Bool = true, type: DataType = .fp16
) -> Operator {
  Operator(
    name: "gemm", kind: .gemm(GEMM(m: m, n: n, k: k, batch: batch, hasWeights: hasWeights)), phase: phase,
    dataType: type, sparsity: OperandSparsity(weights: weights, activations: activations))
}
