/// Where a byte of a channel lies. Bursts that follow each other go to the bank groups in turn, then along the columns:
/// a stripe is one row in all groups. What follows a stripe is the policy's choice.
struct AddressMapping: Hashable {
  /// What follows a stripe.
  enum Policy: CaseIterable {
    /// The next bank: rows open in the shadow of the stripe before. Banks are rotated row by row, so that streams at
    /// equal distances do not meet in one bank.
    case bankInterleaved
    /// The next row of the same bank: every stripe waits for its bank.
    case rowInterleaved
  }

  var policy = Policy.bankInterleaved
  let groups, banksPerGroup, ranks, burstsPerRow: Int

  init(_ timing: DRAMTiming, policy: Policy = .bankInterleaved) {
    self.policy = policy
    (groups, banksPerGroup, ranks) = (timing.groups, timing.banksPerGroup, timing.ranks)
    burstsPerRow = timing.burstsPerRow
  }

  /// Bursts of a stripe.
  var stripe: Int { groups * burstsPerRow }

  /// The bursts from `burst` on that lie in one stripe, `count` at most.
  func segment(at burst: Int, count: Int, isWrite: Bool) -> DRAMSegment {
    let (index, column) = burst.quotientAndRemainder(dividingBy: stripe)
    let rank: Int
    let bank: Int
    let row: Int
    switch policy {
    case .bankInterleaved:
      let (upper, turn) = index.quotientAndRemainder(dividingBy: banksPerGroup)
      (row, rank) = upper.quotientAndRemainder(dividingBy: ranks)
      bank = (turn + row) % banksPerGroup
    case .rowInterleaved: (rank, bank, row) = (0, 0, index)
    }
    return DRAMSegment(
      rank: rank, bank: bank, row: row, group: column % groups, bursts: min(count, stripe - column), isWrite: isWrite)
  }
}

/// Bursts of one stripe that follow each other.
struct DRAMSegment: Hashable {
  var rank: Int
  /// The bank within its group, the same in all groups.
  var bank: Int
  var row: Int
  /// The group of the first burst; the others follow in turn.
  var group: Int
  var bursts: Int
  var isWrite: Bool
}
