import Hardware
import Quantities
import Workloads

extension KernelSchedule {
  /// What a kernel of dense or 2:4 operands moves, by operand and cause.
  ///
  /// Tiles ask the level-two cache for an operand again, except for what clusters share and coalescers join; what waves have
  /// in common and the cache has lost comes again from off-chip memory. What panels read beside (``add(_:_:_:gpu:)``) is told as
  /// metadata.
  /// - Parameter estimate: its answer, with whose traffic flows add up.
  func movement(
    _ work: MatrixWork, _ reads: CachedReads, of estimate: Estimate, gpu: TensorCoreGPU
  ) -> Movement {
    var sum = Movement()
    let positions = work.isSparse ? 0.5 * work.metadataBits / (8 * work.elementBytes) / work.compression : 0
    var left = (l2: Double(estimate.traffic.l2Read.count), dram: Double(estimate.traffic.dramRead.count))
    for (problem, read) in zip(work.problems, reads.products) {
      let bytes = operandBytes(of: problem, work, gpu: gpu)
      let values: Movement.Operand = problem.hasWeights ? .weights : .activations
      func add(_ path: Movement.Path, ofA: (once: Double, again: Double), ofB: (once: Double, again: Double)) {
        for (operand, share) in [(values, 1 - positions), (.metadata, positions)] {
          sum.add(path, operand, .compulsory, ofA.once * share, multicast: path == .l2Read ? bytes.castOfA : 1)
          sum.add(path, operand, .reread, ofA.again * share, multicast: path == .l2Read ? bytes.castOfA : 1)
        }
        sum.add(path, .activations, .compulsory, ofB.once, multicast: path == .l2Read ? bytes.castOfB : 1)
        sum.add(path, .activations, .reread, ofB.again, multicast: path == .l2Read ? bytes.castOfB : 1)
      }
      // What is on chip comes from there at first.
      let onceOfA = work.inputsOnChip && !problem.hasWeights ? 0 : min(bytes.a, read.a)
      let onceOfB = work.inputsOnChip ? 0 : min(bytes.b, read.b)
      add(.dramRead, ofA: (onceOfA, read.a - onceOfA), ofB: (onceOfB, read.b - onceOfB))
      let (a, b) = (min(bytes.a, bytes.l2OfA), min(bytes.b, bytes.l2OfB))
      add(.l2Read, ofA: (a, bytes.l2OfA - a), ofB: (b, bytes.l2OfB - b))
      sum.add(.l2Read, .outputs, .spill, bytes.partials)
      sum.add(.l2Written, .outputs, .spill, bytes.partials)
      sum.add(.l2Written, .outputs, .compulsory, bytes.results)
      left.l2 -= bytes.l2OfA + bytes.l2OfB + bytes.partials
      left.dram -= read.a + read.b
    }
    sum.add(.dramWritten, .outputs, .compulsory, Double(estimate.traffic.dramWritten.count))
    sum.add(.l2Read, .metadata, .compulsory, max(0, left.l2))
    sum.add(.dramRead, .metadata, .compulsory, max(0, left.dram))
    return sum
  }
}

extension OperandBytes {
  fileprivate var castOfA: Double { l2OfA > 0 ? filledOfA / l2OfA : 1 }
  fileprivate var castOfB: Double { l2OfB > 0 ? filledOfB / l2OfB : 1 }
}

extension Movement {
  /// What a kernel that skips zeros moves: each operand once, and what it reads beyond that of activations, whose
  /// rows every kept block or value asks for.
  init(skipping traffic: Traffic, _ footprint: Footprint, inputsOnChip: Bool) {
    self.init()
    for (path, all) in [(Path.dramRead, traffic.dramRead), (.l2Read, traffic.l2Read)] {
      var rest = Double(all.count)
      func take(_ operand: Operand, _ bytes: Bytes) {
        let part = min(rest, Double(bytes.count))
        rest -= part
        add(path, operand, .compulsory, part, multicast: path == .l2Read ? traffic.multicast : 1)
      }
      take(footprint.aIsWeights ? .weights : .activations, footprint.a)
      take(.metadata, footprint.aMetadata)
      if path == .l2Read || !inputsOnChip { take(.activations, footprint.b) }
      add(path, .activations, .reread, rest, multicast: path == .l2Read ? traffic.multicast : 1)
    }
    add(.l2Written, .outputs, .compulsory, Double(traffic.l2Written.count))
    add(.dramWritten, .outputs, .compulsory, Double(traffic.dramWritten.count))
  }
}
