#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Codes a column: numbers of one meaning, one or more an operator.
///
/// Three steps, each undone in the opposite order when reading:
/// 1. *Arrange.* Optionally the values of one group (a name's number, an operand of one kind of operator) are brought
///    together, and each value is replaced by its difference to the one before it in its group. Layer numbers become
///    ones, and what is the same in every layer becomes zeros.
/// 2. *Fold.* What repeats earlier values at some distance is not stored again but copied: a loop over layers or
///    tokens is its first iteration and one copy. An iteration that differs in one value ends the copy, gives the
///    value and resumes it at the same distance. A short column stays as it is: what compresses the container later
///    needs fewer bytes for its values than for copies of them.
/// 3. *Store* the values that are left, as varints or, where they are noise, as planes of equal bytes.
///
/// The layout in bytes stands in `Traces/ltrace.md`.
enum FoldedColumn {
  /// How values are arranged before they are folded.
  struct Arrangement: Hashable {
    var isGrouped = false
    var isDifference = false
    static let plain = Arrangement()
    static let difference = Arrangement(isDifference: true)
    static let grouped = Arrangement(isGrouped: true)
    static let groupedDifference = Arrangement(isGrouped: true, isDifference: true)
  }

  private enum Form {
    static let ranked: UInt8 = 1 << 4
    static let difference: UInt8 = 1 << 5
    static let grouped: UInt8 = 1 << 6
    static let planes: UInt8 = 0x0F
  }

  /// Which group each value belongs to.
  struct Groups {
    var ids: [UInt32]
    var count: Int

    /// The places of the values, those of one group after another, in their order within each.
    fileprivate var order: [Int] {
      var next = [Int](repeating: 0, count: count + 1)
      for id in ids { next[Int(id) + 1] += 1 }
      for group in 0..<count { next[group + 1] += next[group] }
      var order = [Int](repeating: 0, count: ids.count)
      for (place, id) in ids.enumerated() {
        order[next[Int(id)]] = place
        next[Int(id)] += 1
      }
      return order
    }
  }

  // MARK: Writing

  /// Appends the values in the smallest of the given arrangements.
  static func write(
    _ values: [UInt64], groups: @autoclosure () -> Groups? = nil, in arrangements: [Arrangement] = [.plain],
    to writer: inout ByteWriter
  ) {
    guard !values.isEmpty else { return }
    writer.bytes += smallest(values, groups: groups(), in: arrangements).bytes
  }

  /// The bytes of the smallest of the given arrangements, and what they take at least when they are compressed.
  static func smallest(
    _ values: [UInt64], groups: @autoclosure () -> Groups? = nil, in arrangements: [Arrangement]
  ) -> (cost: Double, bytes: [UInt8]) {
    let groups = arrangements.contains(where: \.isGrouped) ? groups() : nil
    let order = groups?.order
    var best = (cost: Double.infinity, bytes: [UInt8]())
    for arrangement in arrangements {
      let bytes = fold(
        arrange(values, groups, order, arrangement), isRanked: false,
        flags: (arrangement.isDifference ? Form.difference : 0) | (arrangement.isGrouped ? Form.grouped : 0))
      // Below this, no arrangement is worth the time to look for a better one.
      if bytes.count <= 8 { return (0, bytes) }
      let cost = entropy(bytes[...])
      if cost < best.cost { best = (cost, bytes) }
    }
    return best
  }

  /// Appends numbers that count up when they first appear, as those of a dictionary do: what is new is a zero.
  static func write(ranked values: [UInt64], to writer: inout ByteWriter) {
    guard !values.isEmpty else { return }
    writer.bytes += fold(values, isRanked: true, flags: Form.ranked)
  }

  private static func arrange(
    _ values: [UInt64], _ groups: Groups?, _ order: [Int]?, _ arrangement: Arrangement
  ) -> [UInt64] {
    var result = values
    let ids: [UInt32]?
    if arrangement.isGrouped, let groups, let order {
      result = order.map { values[$0] }
      ids = arrangement.isDifference ? order.map { groups.ids[$0] } : nil
    } else {
      ids = nil
    }
    guard arrangement.isDifference else { return result }
    var previous: UInt64 = .max
    var group: UInt32?
    for index in result.indices {
      if let ids, ids[index] != group {
        group = ids[index]
        previous = .max
      }
      let value = result[index]
      result[index] = zigzag(Int64(bitPattern: value &- previous))
      previous = value
    }
    return result
  }

  /// The shortest copies worth a command, at the distance of the copy before and at another one.
  private static let shortest = (again: 5, new: 8)
  /// The most values that are not folded.
  private static let mostUnfolded = 64

  private static func fold(_ values: [UInt64], isRanked: Bool, flags: UInt8) -> [UInt8] {
    var commands = ByteWriter()
    var literals: [UInt64] = []
    var rank: UInt64 = 0
    // The most recent place of each hash of four values.
    let bits = min(16, max(6, UInt64.bitWidth - (values.count - 1).leadingZeroBitCount))
    var places = [Int32](repeating: -1, count: 1 << bits)
    func hash(_ index: Int) -> Int {
      var mix = values[index] &* 0x9E37_79B9_7F4A_7C15
      mix = (mix ^ (mix >> 29) ^ values[index + 1]) &* 0xBF58_476D_1CE4_E5B9
      mix = (mix ^ (mix >> 31) ^ values[index + 2]) &* 0x94D0_49BB_1331_11EB
      mix = (mix ^ (mix >> 30) ^ values[index + 3]) &* 0x9E37_79B9_7F4A_7C15
      return Int(mix >> UInt64(UInt64.bitWidth - bits))
    }
    func length(at index: Int, distance: Int) -> Int {
      var end = index
      while end < values.count, values[end] == values[end - distance] { end += 1 }
      return end - index
    }
    // Without a first copy there is none to resume.
    let folds = values.count > mostUnfolded
    var distance = 0
    var index = 0
    var start = 0
    while index < values.count {
      var (found, at) = (0, 0)
      if distance > 0, values[index] == values[index - distance] {
        let again = length(at: index, distance: distance)
        if again >= shortest.again || index + again == values.count { (found, at) = (again, distance) }
      }
      if folds, index + 4 <= values.count {
        let slot = hash(index)
        if places[slot] >= 0 {
          let other = index - Int(places[slot])
          let new = other == distance ? 0 : length(at: index, distance: other)
          if new >= shortest.new, new > found + (found > 0 ? 2 : 0) { (found, at) = (new, other) }
        }
        places[slot] = Int32(index)
      }
      guard found > 0 else {
        if isRanked {
          literals.append(values[index] == rank ? 0 : rank - values[index])
          if values[index] == rank { rank += 1 }
        } else {
          literals.append(values[index])
        }
        index += 1
        continue
      }
      commands.varint(index - start)
      commands.varint(found)
      commands.varint(at == distance ? 0 : at)
      distance = at
      for place in index + 1..<max(index + 1, min(index + found, values.count - 3)) {
        places[hash(place)] = Int32(place)
      }
      index += found
      start = index
    }
    if start < index { commands.varint(index - start) }
    return store(literals, after: commands.bytes, flags: flags)
  }

  private static func store(_ literals: [UInt64], after commands: [UInt8], flags: UInt8) -> [UInt8] {
    let widest = literals.reduce(0, |)
    var varints = ByteWriter()
    for literal in literals { varints.varint(literal) }
    let width = (UInt64.bitWidth - widest.leadingZeroBitCount + 7) / 8
    if literals.count >= 64, width > 1 {
      var planes: [UInt8] = []
      planes.reserveCapacity(literals.count * width)
      for plane in 0..<width {
        for literal in literals { planes.append(UInt8(truncatingIfNeeded: literal >> (8 * UInt64(plane)))) }
      }
      let cost = (0..<width).reduce(0.0) {
        $0 + entropy(planes[$1 * literals.count..<($1 + 1) * literals.count])
      }
      if cost < entropy(varints.bytes[...]) { return [flags | UInt8(width)] + commands + planes }
    }
    return [flags] + commands + varints.bytes
  }

  /// The bytes that an ideal coder of independent bytes needs, at least.
  private static func entropy(_ bytes: ArraySlice<UInt8>) -> Double {
    var counts = [Int](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    let total = Double(bytes.count)
    var bits = 0.0
    for count in counts where count > 0 { bits -= Double(count) * log2(Double(count) / total) }
    return bits / 8
  }

  // MARK: Reading

  /// Takes a column of `count` values.
  static func read(
    _ count: Int, groups: @autoclosure () -> Groups? = nil, _ field: String, from reader: inout ByteReader
  ) throws(ContainerDamage) -> [UInt64] {
    guard count > 0 else { return [] }
    let form = try reader.byte(field)
    guard form & 0x80 == 0, form & Form.planes <= 8 else { throw reader.damage(field, "its form \(form) is unknown") }
    var values = try unfold(count, form, field, from: &reader)
    let groups = form & Form.grouped != 0 ? groups() : nil
    guard form & Form.grouped == 0 || groups != nil else { throw reader.damage(field, "it has no groups") }
    let order = groups?.order
    if form & Form.difference != 0 {
      var previous: UInt64 = .max
      var group: UInt32?
      for index in values.indices {
        if let groups, let order, groups.ids[order[index]] != group {
          group = groups.ids[order[index]]
          previous = .max
        }
        previous = previous &+ UInt64(bitPattern: unzigzag(values[index]))
        values[index] = previous
      }
    }
    guard let order else { return values }
    var result = values
    for (index, place) in order.enumerated() { result[place] = values[index] }
    return result
  }

  private static func unfold(
    _ count: Int, _ form: UInt8, _ field: String, from reader: inout ByteReader
  ) throws(ContainerDamage) -> [UInt64] {
    // The commands are walked twice: what they leave over stands behind them.
    var commands = reader
    var (left, stored, last) = (count, 0, 0)
    while left > 0 {
      let run = try reader.count(field, limit: left)
      (left, stored) = (left - run, stored + run)
      guard left > 0 else { break }
      let copied = try reader.count(field, limit: left)
      let distance = try reader.count(field, limit: count - left)
      if distance > 0 { last = distance }
      guard last > 0, copied > 0 else { throw reader.damage(field, "a copy of \(copied) values at distance \(last)") }
      left -= copied
    }
    let width = Int(form & Form.planes)
    let planes = width > 0 ? try reader.skip(stored * width, field).lowerBound : 0
    var values: [UInt64] = []
    values.reserveCapacity(count)
    var (rank, taken) = (UInt64(0), 0)
    last = 0
    while values.count < count {
      let run = try commands.count(field, limit: count)
      for _ in 0..<run {
        var value: UInt64 = 0
        if width > 0 {
          for plane in 0..<width {
            value |= UInt64(reader.bytes[planes + plane * stored + taken]) << (8 * UInt64(plane))
          }
          taken += 1
        } else {
          value = try reader.varint(field)
        }
        if form & Form.ranked != 0 {
          guard value <= rank else { throw reader.damage(field, "entry \(value) before any of \(rank)") }
          if value == 0 {
            value = rank
            rank += 1
          } else {
            value = rank - value
          }
        }
        values.append(value)
      }
      guard values.count < count else { break }
      let copied = try commands.count(field, limit: count)
      let distance = try commands.count(field, limit: count)
      if distance > 0 { last = distance }
      for _ in 0..<copied { values.append(values[values.count - last]) }
    }
    return values
  }
}
