import Quantities
import Workloads

/// A block in bytes. The layout stands in `Traces/ltrace.md`; names come first, so that a search for one reads only
/// them.
struct EncodedBlock: Sendable {
  /// Operators in it.
  var operators: Int
  /// All of it.
  var bytes: [UInt8]
  /// How many of the bytes it takes to know its names.
  var nameBytes: Int
}

extension OperatorBlock {
  /// The block as bytes.
  func encoded() -> EncodedBlock {
    var writer = ByteWriter()
    writer.varint(count)
    writer.varint(first)
    writeNames(to: &writer)
    let nameBytes = writer.bytes.count
    writeSignatures(to: &writer)
    writeDependencies(to: &writer)
    writeFractions(to: &writer)
    writeTimes(to: &writer)
    writeAttributes(to: &writer)
    return EncodedBlock(operators: count, bytes: writer.bytes, nameBytes: nameBytes)
  }

  /// What each part of the block takes before compression.
  var columns: [ContainerStatistics.Column] {
    func column(_ name: String, _ values: Int, _ write: (inout ByteWriter) -> Void) -> ContainerStatistics.Column {
      var writer = ByteWriter()
      write(&writer)
      return ContainerStatistics.Column(name: name, values: values, folded: Bytes(Int64(writer.bytes.count)))
    }
    return [
      column("names and order", count, writeNames),
      column("signatures", signatures.count, writeSignatures),
      column("dependencies", distances.count, writeDependencies),
      column("densities", fractions.count, writeFractions),
      column("times", starts.count + durations.count, writeTimes),
      column("attributes", attributes.count, writeAttributes),
    ]
  }

  private func writeNames(to writer: inout ByteWriter) {
    writer.varint(templates.count)
    for id in 0..<templates.count {
      writer.bytes += templates[id]
      writer.bytes.append(NameTemplate.end)
    }
    writer.varint(records.count)
    FoldedColumn.write(ranked: records.map { UInt64($0.template) }, to: &writer)
    FoldedColumn.write(ranked: records.map { UInt64($0.signature) }, to: &writer)
    FoldedColumn.write(records.map { UInt64($0.dependencies) }, to: &writer)
    FoldedColumn.write(ranked: recordIDs.map(UInt64.init), to: &writer)
    FoldedColumn.write(
      numbers, groups: numberGroups(of: numbers.count), in: [.groupedDifference, .plain, .difference], to: &writer)
  }

  private func writeSignatures(to writer: inout ByteWriter) {
    var texts = ByteTable()
    let numbers = signatures.map { SignatureNumbers($0, texts: &texts) }
    let kinds = signatures.map(\.kind.place)
    writer.varint(texts.count)
    for id in 0..<texts.count {
      writer.varint(texts[id].count)
      writer.bytes += texts[id]
    }
    writer.varint(signatures.count)
    FoldedColumn.write(kinds.map { UInt64($0) }, to: &writer)
    var fixed: [UInt64] = []
    SignatureNumbers.forEachField(of: kinds) { fixed.append(numbers[$0].fixed[$1]) }
    FoldedColumn.write(fixed, to: &writer)
    let variable = numbers.flatMap(\.variable)
    writer.varint(variable.count)
    FoldedColumn.write(variable, in: [.plain, .difference], to: &writer)
  }

  private func writeDependencies(to writer: inout ByteWriter) {
    guard !distances.isEmpty else { return }
    let plain = FoldedColumn.smallest(
      distances, groups: distanceGroups, in: [.plain, .groupedDifference, .grouped])
    // Where distances fold well, nothing else is worth a look.
    let pointers = plain.cost * 16 < Double(distances.count) ? nil : FoldedColumn.smallest(pointers, in: [.plain])
    if let pointers, pointers.cost < plain.cost {
      writer.bytes.append(DependencyForm.pointers)
      writer.bytes += pointers.bytes
    } else {
      writer.bytes.append(DependencyForm.distances)
      writer.bytes += plain.bytes
    }
  }

  private func writeFractions(to writer: inout ByteWriter) {
    guard !fractions.isEmpty else { return }
    let scaled = DecimalScale.exact(for: fractions)
    writer.bytes.append(scaled?.exponent ?? DecimalScale.none)
    FoldedColumn.write(
      scaled?.values ?? fractions.map(\.bitPattern), groups: fractionGroups,
      in: [.plain, .grouped, .groupedDifference],
      to: &writer)
  }

  private func writeTimes(to writer: inout ByteWriter) {
    func write(
      _ values: [Int64], _ groups: @autoclosure () -> FoldedColumn.Groups, _ arrangements: [FoldedColumn.Arrangement]
    ) {
      guard !values.isEmpty else { return }
      let unit = Self.commonDivisor(values)
      writer.varint(Int(unit))
      FoldedColumn.write(
        values.map { zigzag($0 / unit) }, groups: groups(), in: arrangements, to: &writer)
    }
    // Begins only ever grow; what varies is how far.
    write(starts, timeGroups(\.hasStart), [.difference])
    write(durations, timeGroups(\.hasDuration), [.plain, .grouped, .groupedDifference])
  }

  /// The largest number that divides all values; 1 for none but zeros.
  private static func commonDivisor(_ values: [Int64]) -> Int64 {
    var divisor: UInt64 = 0
    for value in values {
      var (a, b) = (divisor, value.magnitude)
      while b != 0 { (a, b) = (b, a % b) }
      divisor = a
      if divisor == 1 { break }
    }
    return Int64(exactly: max(1, divisor)) ?? 1
  }

  private func writeAttributes(to writer: inout ByteWriter) {
    writer.varint(attributeIDs.isEmpty ? 0 : attributes.count)
    guard !attributeIDs.isEmpty else { return }
    for id in 0..<attributes.count {
      writer.varint(attributes[id].count)
      writer.bytes += attributes[id]
    }
    // The first text is empty and stands for none, so that it need not be the first to appear.
    FoldedColumn.write(ranked: [0] + attributeIDs.map(UInt64.init), to: &writer)
  }
}
