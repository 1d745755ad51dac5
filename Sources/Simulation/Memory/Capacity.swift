import Diagnostics
import Hardware
import Quantities
import Workloads

/// What a step must have in off-chip memory: weights as their patterns store them, tables of embeddings, keys and values
/// of earlier steps, and an optimizer's master weights and states.
///
/// Weights of a repeated operator are a copy for each repeat, as layers are. Each of several chips has all weights, and
/// the keys and values of its share of the samples. Left out: activations, which depend on what an allocator reuses, and
/// the gradients.
struct StoredModel {
  /// What every chip has.
  private var bytes = Bytes.zero
  /// The same without patterns.
  private var denseBytes = Bytes.zero
  /// Keys and values of earlier steps, of all samples.
  private var cachedBytes = Bytes.zero

  init(_ operators: [Operator]) {
    for op in operators where op.phase == .inference || op.phase == .forward || op.phase == .update {
      if case .attention = op.kind {
        cachedBytes += Footprint(op).cached * Int64(op.repeats)
        continue
      }
      var dense = op
      dense.sparsity = .dense
      bytes += Self.bytes(of: op)
      denseBytes += Self.bytes(of: dense)
    }
  }

  private static func bytes(of op: Operator) -> Bytes {
    switch op.kind {
    case .embedding(let embedding): return Bytes(bits: Int64(embedding.vocabulary * embedding.width * op.dataType.bits))
    case .update(let update): return Bytes(Int64(update.parameters * 4 * (1 + update.optimizer.states)))
    default:
      guard op.kind.isMatrix, op.weightElements > 0 else { return .zero }
      let footprint = Footprint(op)
      return (footprint.a + footprint.aMetadata) * Int64(op.repeats)
    }
  }

  /// Refuses what does not fit, with what would.
  func check(fits machine: Machine) throws(DiagnosticList) {
    let capacity = machine.dram.capacity
    let cached = Bytes(Int64((Double(cachedBytes.count) / Double(machine.chips)).rounded(.up)))
    let (needed, dense) = (bytes + cached, denseBytes + cached)
    guard needed > capacity else { return }
    let excess = Double(needed.count) / Double(capacity.count)
    let times = formatSignificant((excess * 100).rounded(.up) / 100, digits: 3)
    throw DiagnosticList(
      Diagnostic(
        .exceedsMemory,
        "\(machine.name) has \(capacity) of memory for a model of \(needed)"
          + (needed < dense ? ", \(dense) without its patterns" : ""),
        help: "weights that take \(times)× less would fit: prune more of them, or use a smaller type"))
  }
}

extension Machine {
  fileprivate var chips: Int {
    guard case .s4(let processor) = architecture else { return 1 }
    return processor.chips
  }

  /// Off-chip memory, of each chip where there are several.
  var dram: DRAM {
    switch architecture {
    case .tensorCore(let gpu): gpu.dram
    case .s4(let chip): chip.dram
    case .systolic(let array): array.dram
    }
  }
}
