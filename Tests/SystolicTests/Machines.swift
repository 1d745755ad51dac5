import Bench
import Diagnostics
import Hardware
import Quantities
import Workloads

@testable import Simulation

/// The array of a machine of the repository.
func array(_ name: String) throws -> SystolicArray {
  guard case .systolic(let array) = try Bench.machine(name).architecture else {
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

func gemm(
  _ m: Int, _ n: Int, _ k: Int, batch: Int = 1, weights: SparsityPattern = .dense,
  activations: SparsityPattern = .dense, phase: Phase = .inference, hasWeights: Bool = true, type: DataType = .fp16
) -> Operator {
  Operator(
    name: "gemm", kind: .gemm(GEMM(m: m, n: n, k: k, batch: batch, hasWeights: hasWeights)), phase: phase,
    dataType: type, sparsity: OperandSparsity(weights: weights, activations: activations))
}
