import Bench
import Diagnostics
import Hardware
import Quantities
import Workloads

@testable import Simulation

/// The processors of the repository, read once.
private let chips = Result {
  try ["s4", "s10", "s30"].reduce(into: [String: S4Processor]()) { chips, name in
    if case .s4(let chip) = try Bench.machine(name).architecture { chips[name] = chip }
  }
}

/// The processor of a machine of the repository.
func chip(_ name: String) throws -> S4Processor {
  guard let chip = try chips.get()[name] else {
    throw DiagnosticList(Diagnostic(.unknownHardware, "\(name) is no S4"))
  }
  return chip
}

/// An S4 without overheads and limits: whatever a test puts back is all that counts.
func idealChip() throws -> S4Processor {
  var chip = try chip("s4")
  chip.launch = .zero
  chip.l1Port = BytesPerCycle(1e12)
  chip.l1Fill = BytesPerCycle(1e12)
  chip.l2Port = BytesPerCycle(1e12)
  chip.network = BytesPerSecond(1e24)
  chip.dram.peakBandwidth = BytesPerSecond(1e24)
  chip.dram.streamBandwidth = BytesPerSecond(1e24)
  chip.cap = Watts(1e9)
  return chip
}

extension S4Engine {
  /// The answer for an operator as the engine adapts it, with all operands off chip unless told otherwise.
  func answer(
    _ op: Operator, inputsOnChip: Bool = false, outputOnChip: Bool = false, turns: Int = 1
  ) -> Estimate {
    guard case .runs(let adapted, _) = fit(op) else { preconditionFailure("impossible") }
    return estimate(Task(adapted, inputsOnChip: inputsOnChip, outputOnChip: outputOnChip, turns: turns))
  }
}

func gemm(
  _ m: Int, _ n: Int, _ k: Int, batch: Int = 1, weights: SparsityPattern = .dense, type: DataType = .int8,
  hasWeights: Bool = true
) -> Operator {
  Operator(
    name: "gemm", kind: .gemm(GEMM(m: m, n: n, k: k, batch: batch, hasWeights: hasWeights)), dataType: type,
    sparsity: OperandSparsity(weights: weights))
}

/// Whether two numbers differ by no more than a few roundings.
func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-9) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b))
}
