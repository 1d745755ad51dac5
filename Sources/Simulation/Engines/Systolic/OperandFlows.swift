/// Bits that a product on an array moves, for ``Movement``.
struct OperandFlows {
  var moving, filters: Movement.Operand
  /// One pass over each operand, positions of kept values among the filters'.
  var movingBits, filterBits, metadataBits: Int
  var passes: OperandTraffic
  var readsMoving, readsFilters: Bool
  /// Results that leave the chip.
  var written: Int
  // Between buffers and array: what is read, and what arrives of it.
  var movingRead, movingFilled, filtersRead, filtersFilled: Int
  /// Positions among the bits of a stored value.
  var positions: Double
  /// Partial sums that come back to be added to, and leave again.
  var sumsRead, sumsWritten: Int
  var results: Int
}

extension Movement {
  /// Adds a product. Buffers hand out again what a fold needs that another one had.
  mutating func add(_ flows: OperandFlows) {
    func bytes(_ bits: Int) -> Double { Double((bits + 7) / 8) }
    if flows.readsMoving {
      let once = bytes(flows.movingBits)
      add(.dramRead, flows.moving, once: once, of: once * Double(flows.passes.moving))
    }
    if flows.readsFilters {
      let once = bytes(flows.filterBits)
      let positions = Double(flows.metadataBits) / Double(max(1, flows.filterBits))
      let all = once * Double(flows.passes.filters)
      add(.dramRead, flows.filters, once: once * (1 - positions), of: all * (1 - positions))
      add(.dramRead, .metadata, once: once * positions, of: all * positions)
    }
    add(.dramWritten, .outputs, .compulsory, bytes(flows.written))
    func multicast(_ filled: Int, _ read: Int) -> Double { read > 0 ? Double(filled) / Double(read) : 1 }
    let filled = multicast(flows.movingFilled, flows.movingRead)
    add(.l2Read, flows.moving, once: bytes(flows.movingBits), of: bytes(flows.movingRead), multicast: filled)
    let copies = multicast(flows.filtersFilled, flows.filtersRead)
    let (once, all) = (bytes(flows.filterBits), bytes(flows.filtersRead))
    add(
      .l2Read, flows.filters, once: once * (1 - flows.positions), of: all * (1 - flows.positions), multicast: copies)
    add(.l2Read, .metadata, once: once * flows.positions, of: all * flows.positions, multicast: copies)
    // Sums are added to at the array's edge.
    add(.l2Read, .outputs, .spill, bytes(flows.sumsRead), multicast: 0)
    add(.l2Written, .outputs, .spill, bytes(flows.sumsWritten))
    add(.l2Written, .outputs, .compulsory, bytes(flows.results))
  }
}
