import Diagnostics
import Workloads

/// Limits that a block keeps, so that no byte of a file decides how much memory reading takes.
private enum Limit {
  /// Numbers in names, or dependencies, of all operators of a block. One operator may add this to a full column.
  static let values = 4 * OperatorBlock.columnCapacity
  static let texts = OperatorBlock.capacity
}

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
    let fields = SignatureNumbers.perKind
    if let kind = kinds.first(where: { $0 >= UInt64(fields.count) }) {
      throw reader.damage("kind", "number \(kind) of \(fields.count)")
    }
    let total = kinds.reduce(0) { $0 + SignatureNumbers.common + fields[Int($1)] }
    let fixed = try FoldedColumn.read(total, "field of a signature", from: &reader)
    var numbers = [[UInt64]](repeating: [], count: count)
    var next = 0
    SignatureNumbers.forEachField(of: kinds.map { Int($0) }) { signature, _ in
      numbers[signature].append(fixed[next])
      next += 1
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
