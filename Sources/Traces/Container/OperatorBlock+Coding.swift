import Diagnostics
import Documents
import Quantities
import Workloads

/// Limits that a block keeps, so that no byte of a file decides how much memory reading takes.
private enum Limit {
  /// Numbers in names, or dependencies, of all operators of a block. One operator may add this to a full column.
  static let values = 4 * OperatorBlock.columnCapacity
  static let texts = OperatorBlock.capacity
}

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

// MARK: Writing

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
    for kind in SignatureNumbers.perKind.indices {
      let members = numbers.indices.filter { kinds[$0] == kind }
      for field in 0..<SignatureNumbers.common + SignatureNumbers.perKind[kind] {
        fixed += members.map { numbers[$0].fixed[field] }
      }
    }
    let values = Set(fixed).sorted()
    writer.varint(values.count)
    var previous: UInt64 = 0
    for value in values {
      writer.varint(value &- previous)
      previous = value
    }
    let places = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, UInt64($0)) })
    FoldedColumn.write(fixed.map { places[$0] ?? 0 }, to: &writer)
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

// MARK: Dependencies

/// How dependencies are stored.
private enum DependencyForm {
  /// How far back each is.
  static let distances: UInt8 = 0
  /// Near ones as distances, far ones as steps from the far one before.
  static let pointers: UInt8 = 1
  /// The smallest distance that is far.
  static let far: UInt64 = 8
}

extension OperatorBlock {
  /// Dependencies for a pass that walks back over what an earlier one left, as a backward pass does over activations:
  /// what it uses of its own is near, and what it uses of the earlier pass is near to what it used before.
  private var pointers: [UInt64] {
    var result: [UInt64] = []
    result.reserveCapacity(distances.count)
    var far: Int64 = 0
    forEachDistance { index, distance in
      if distance < DependencyForm.far {
        result.append(distance << 1)
      } else {
        let target = index &- Int64(bitPattern: distance)
        result.append(zigzag(target &- far) << 1 | 1)
        far = target
      }
    }
    return result
  }

  private func distances(fromPointers pointers: [UInt64]) -> [UInt64] {
    var result: [UInt64] = []
    result.reserveCapacity(pointers.count)
    var far: Int64 = 0
    var next = 0
    for (place, record) in recordIDs.enumerated() {
      for _ in 0..<records[Int(record)].dependencies {
        let pointer = pointers[next]
        next += 1
        if pointer & 1 == 0 {
          result.append(pointer >> 1)
        } else {
          far = far &+ unzigzag(pointer >> 1)
          result.append(UInt64(bitPattern: Int64(first + place) &- far))
        }
      }
    }
    return result
  }

  private func forEachDistance(_ body: (Int64, UInt64) -> Void) {
    var next = 0
    for (place, record) in recordIDs.enumerated() {
      for _ in 0..<records[Int(record)].dependencies {
        body(Int64(first + place), distances[next])
        next += 1
      }
    }
  }
}

// MARK: Groups

extension OperatorBlock {
  /// The numbers of each place in each template.
  private func numberGroups(of total: Int) -> FoldedColumn.Groups {
    let slots = (0..<templates.count).map { id in templates[id].count { $0 == NameTemplate.slot } }
    return groups(of: total, slots, by: \.template)
  }

  /// The dependencies of each place in each record.
  private var distanceGroups: FoldedColumn.Groups {
    groups(of: distances.count, records.map { Int($0.dependencies) })
  }

  private var fractionGroups: FoldedColumn.Groups { groups(of: fractions.count, strides.fractions) }

  private func timeGroups(_ has: KeyPath<Strides, [Bool]>) -> FoldedColumn.Groups {
    let measured = strides[keyPath: has].map { $0 ? 1 : 0 }
    return groups(of: measured.count, measured)
  }

  /// Groups of a column of which each operator takes `sizes[i]` values, where `i` is its record or its template.
  private func groups(
    of total: Int, _ sizes: [Int], by part: KeyPath<Record, UInt32>? = nil
  ) -> FoldedColumn.Groups {
    var firsts: [UInt32] = []
    var count = 0
    for size in sizes {
      firsts.append(UInt32(count))
      count += size
    }
    let parts = part.map { part in records.map { Int($0[keyPath: part]) } }
    var ids: [UInt32] = []
    ids.reserveCapacity(total)
    for record in recordIDs {
      let owner = parts?[Int(record)] ?? Int(record)
      for place in 0..<sizes[owner] { ids.append(firsts[owner] + UInt32(place)) }
    }
    return FoldedColumn.Groups(ids: ids, count: count)
  }
}

// MARK: Reading

extension OperatorBlock {
  /// Reads the names of a block, and nothing else.
  static func names(_ reader: inout ByteReader) throws(ContainerDamage) -> OperatorBlock {
    let count = try reader.count("operators of the block", limit: capacity)
    guard count > 0 else { throw reader.damage("operators of the block", "there are none") }
    let first = try reader.count("first operator", limit: 1 << 40)
    var block = OperatorBlock(first: first)
    let templates = try reader.count("templates", limit: count)
    for index in 0..<templates {
      let start = reader.position
      while try reader.byte("template") != NameTemplate.end {}
      let text = reader.bytes[start..<reader.position - 1]
      guard String(validating: text.lazy.filter { $0 != NameTemplate.slot }, as: UTF8.self) != nil else {
        throw ContainerDamage(offset: reader.origin + start, field: "template", reason: "it is not valid UTF-8")
      }
      guard block.templates.insert(text) == index, block.templates.count == index + 1 else {
        throw ContainerDamage(offset: reader.origin + start, field: "template", reason: "it appears twice")
      }
    }
    let records = try reader.count("records", limit: count)
    let templateOf = try FoldedColumn.read(records, "template of a record", from: &reader)
    let signatureOf = try FoldedColumn.read(records, "signature of a record", from: &reader)
    let dependencies = try FoldedColumn.read(records, "dependencies of a record", from: &reader)
    for index in 0..<records {
      guard templateOf[index] < UInt64(templates) else {
        throw reader.damage("template of a record", "number \(templateOf[index]) of \(templates)")
      }
      guard signatureOf[index] < UInt64(count), dependencies[index] <= UInt64(Limit.values) else {
        throw reader.damage(
          "records", "record \(index) has signature \(signatureOf[index]) and \(dependencies[index]) dependencies")
      }
      block.records.append(
        Record(
          template: UInt32(templateOf[index]), signature: UInt32(signatureOf[index]),
          dependencies: UInt32(dependencies[index])))
    }
    let ids = try FoldedColumn.read(count, "record of an operator", from: &reader)
    block.recordIDs.reserveCapacity(count)
    let slots = (0..<templates).map { id in block.templates[id].count { $0 == NameTemplate.slot } }
    var numbers = 0
    for id in ids {
      guard id < UInt64(records) else { throw reader.damage("record of an operator", "number \(id) of \(records)") }
      block.recordIDs.append(UInt32(id))
      numbers += slots[Int(block.records[Int(id)].template)]
      guard numbers <= Limit.values else {
        throw reader.damage("numbers in names", "there are more than \(Limit.values)")
      }
    }
    block.numbers = try FoldedColumn.read(
      numbers, groups: block.numberGroups(of: numbers), "numbers in names", from: &reader)
    return block
  }

  /// Reads a block.
  init(_ reader: inout ByteReader) throws(ContainerDamage) {
    self = try Self.names(&reader)
    try readSignatures(&reader)
    var (dependencies, fractions, starts, durations) = (0, 0, 0, 0)
    let strides = strides
    for id in recordIDs.lazy.map(Int.init) {
      dependencies += Int(records[id].dependencies)
      fractions += strides.fractions[id]
      if strides.hasStart[id] { starts += 1 }
      if strides.hasDuration[id] { durations += 1 }
      guard dependencies <= Limit.values else {
        throw reader.damage("dependencies", "there are more than \(Limit.values)")
      }
    }
    try readDependencies(dependencies, &reader)
    if fractions > 0 { self.fractions = try Self.readFractions(fractions, fractionGroups, &reader) }
    self.starts = try Self.readTimes(starts, timeGroups(\.hasStart), "start", &reader)
    self.durations = try Self.readTimes(durations, timeGroups(\.hasDuration), "duration", &reader)
    try readAttributes(&reader)
    guard reader.isAtEnd else {
      throw reader.damage("end of the block", "\(reader.end - reader.position) bytes follow it")
    }
    try check(reader)
  }

  private mutating func readSignatures(_ reader: inout ByteReader) throws(ContainerDamage) {
    var texts: [String] = []
    for _ in 0..<(try reader.count("texts", limit: Limit.texts)) { texts.append(try reader.text("text")) }
    let count = try reader.count("signatures", limit: records.count)
    for record in records where record.signature >= count {
      throw reader.damage("signature of a record", "number \(record.signature) of \(count)")
    }
    let kinds = try FoldedColumn.read(count, "kind", from: &reader)
    var members = [[Int]](repeating: [], count: SignatureNumbers.perKind.count)
    for (index, kind) in kinds.enumerated() {
      guard kind < UInt64(members.count) else { throw reader.damage("kind", "number \(kind) of \(members.count)") }
      members[Int(kind)].append(index)
    }
    let total = members.indices.reduce(0) {
      $0 + members[$1].count * (SignatureNumbers.common + SignatureNumbers.perKind[$1])
    }
    var values: [UInt64] = []
    var previous: UInt64 = 0
    for _ in 0..<(try reader.count("distinct sizes", limit: total)) {
      previous = previous &+ (try reader.varint("distinct sizes"))
      values.append(previous)
    }
    let fixed = try FoldedColumn.read(total, "field of a signature", from: &reader)
    var numbers = [[UInt64]](repeating: [], count: count)
    var next = 0
    for kind in members.indices {
      for _ in 0..<SignatureNumbers.common + SignatureNumbers.perKind[kind] {
        for member in members[kind] {
          guard fixed[next] < UInt64(values.count) else {
            throw reader.damage("field of a signature", "size \(fixed[next]) of \(values.count)")
          }
          numbers[member].append(values[Int(fixed[next])])
          next += 1
        }
      }
    }
    let variable = try FoldedColumn.read(
      try reader.count("variable fields", limit: Limit.values), "variable fields", from: &reader)
    var taken = 0
    for index in 0..<count {
      do throws(FieldProblem) {
        signatures.append(
          try OperatorSignature.assemble(
            kind: Int(kinds[index]), numbers[index],
            variable: { () throws(FieldProblem) in
              guard taken < variable.count else { throw FieldProblem(field: "variable fields", reason: "too few") }
              taken += 1
              return variable[taken - 1]
            },
            text: { (id) throws(FieldProblem) in
              guard id < UInt64(texts.count) else { throw FieldProblem(field: "text", reason: "number \(id)") }
              return texts[Int(id)]
            }))
      } catch {
        throw reader.damage("signature \(index), \(error.field)", error.reason)
      }
    }
  }

  private mutating func readDependencies(_ count: Int, _ reader: inout ByteReader) throws(ContainerDamage) {
    guard count > 0 else { return }
    let form = try reader.byte("form of dependencies")
    guard form <= DependencyForm.pointers else { throw reader.damage("form of dependencies", "it is \(form)") }
    distances = try FoldedColumn.read(count, groups: distanceGroups, "dependencies", from: &reader)
    if form == DependencyForm.pointers { distances = distances(fromPointers: distances) }
  }

  private static func readFractions(
    _ count: Int, _ groups: @autoclosure () -> FoldedColumn.Groups, _ reader: inout ByteReader
  ) throws(ContainerDamage) -> [Double] {
    let exponent = try reader.byte("scale of densities")
    let values = try FoldedColumn.read(count, groups: groups(), "densities", from: &reader)
    if exponent == DecimalScale.none { return values.map(Double.init(bitPattern:)) }
    guard let scale = DecimalScale.power(exponent) else {
      throw reader.damage("scale of densities", "it is \(exponent)")
    }
    return values.map { Double($0) / scale }
  }

  private static func readTimes(
    _ count: Int, _ groups: @autoclosure () -> FoldedColumn.Groups, _ field: String, _ reader: inout ByteReader
  ) throws(ContainerDamage) -> [Int64] {
    guard count > 0 else { return [] }
    let unit = try reader.varint("unit of \(field)")
    guard unit > 0, unit <= UInt64(Int64.max) else { throw reader.damage("unit of \(field)", "it is \(unit)") }
    return try FoldedColumn.read(count, groups: groups(), field, from: &reader).map {
      unzigzag($0) &* Int64(unit)
    }
  }

  private mutating func readAttributes(_ reader: inout ByteReader) throws(ContainerDamage) {
    let texts = try reader.count("attributes", limit: count + 1)
    guard texts > 0 else { return }
    for index in 0..<texts {
      let range = try reader.skip(
        try reader.count("length of attributes", limit: reader.end - reader.position), "attributes")
      let text = Array(reader.bytes[range])
      func damage(_ reason: String) -> ContainerDamage {
        ContainerDamage(offset: reader.origin + range.lowerBound, field: "attributes", reason: reason)
      }
      guard attributes.insert(text) == index else { throw damage("a text appears twice") }
      if index == 0 {
        guard text.isEmpty else { throw damage("the first text is not empty") }
        continue
      }
      guard Attributes.isObject(text) else { throw damage("they are no JSON object on one line") }
    }
    let ids = try FoldedColumn.read(count + 1, "attributes of an operator", from: &reader)
    for id in ids where id >= UInt64(texts) {
      throw reader.damage("attributes of an operator", "number \(id) of \(texts)")
    }
    attributeIDs = ids.dropFirst().map { UInt32($0) }
  }

  /// Refuses dependencies that are not earlier operators, and densities that are none.
  private func check(_ reader: ByteReader) throws(ContainerDamage) {
    var cursor = Cursor(self)
    while !cursor.isAtEnd {
      let index = first + cursor.index
      for distance in distances[cursor.distances..<cursor.distances + Int(cursor.record.dependencies)]
      where distance == 0 || distance > UInt64(index) {
        let target = index &- Int(Int64(bitPattern: distance))
        throw ContainerDamage(
          offset: reader.origin + reader.end, field: "dependencies",
          reason: "operator \(index) depends on operator \(target), which does not come before it")
      }
      if !fractions.isEmpty {
        var sparsity = signatures[Int(cursor.record.signature)].sparsity
        cursor.fill(&sparsity)
        for operand in OperandSparsity.Operand.allCases {
          guard let fraction = sparsity[operand].fraction else { continue }
          var isTile = false
          if case .tile = sparsity[operand] { isTile = true }
          guard fraction >= 0, fraction < 1 || (isTile && fraction == 1) else {
            throw ContainerDamage(
              offset: reader.origin + reader.end, field: "densities",
              reason: "\(fraction) is no fraction for the \(operand.rawValue) of operator \(index)")
          }
        }
      }
      cursor.advance()
    }
  }
}

extension OperatorKind {
  /// Its place in ``names``.
  fileprivate var place: Int {
    switch self {
    case .gemm: 0
    case .groupedGEMM: 1
    case .convolution: 2
    case .attention: 3
    case .elementwise: 4
    case .normalization: 5
    case .softmax: 6
    case .reduction: 7
    case .pooling: 8
    case .embedding: 9
    case .update: 10
    case .pruning: 11
    }
  }
}

/// What attributes must be.
enum Attributes {
  /// Whether a text is a JSON object on one line.
  static func isObject(_ text: [UInt8]) -> Bool {
    guard text.first == UInt8(ascii: "{"), !text.contains(0x0A), !text.contains(0x0D),
      let node = try? JSONParser.parse(SourceText(name: "attributes", bytes: text)), case .mapping = node.content
    else { return false }
    return true
  }
}

/// Fractions as whole numbers of some decimal place, where that is exact.
enum DecimalScale {
  /// Says that fractions are stored as the bits of IEEE 754 doubles.
  static let none: UInt8 = 0xFF

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  static func power(_ exponent: UInt8) -> Double? { exponent < powers.count ? powers[Int(exponent)] : nil }

  /// The fewest places at which every fraction is exact.
  static func exact(for fractions: [Double]) -> (exponent: UInt8, values: [UInt64])? {
    var exponent = 0
    for fraction in fractions {
      guard fraction >= 0, fraction <= 1 else { return nil }
      while (fraction * powers[exponent]).rounded() / powers[exponent] != fraction {
        exponent += 1
        if exponent == powers.count { return nil }
      }
    }
    let power = powers[exponent]
    let values = fractions.map { UInt64(($0 * power).rounded()) }
    for (fraction, value) in zip(fractions, values) where (Double(value) / power).bitPattern != fraction.bitPattern {
      return nil
    }
    return (UInt8(exponent), values)
  }
}
