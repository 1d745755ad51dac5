import Workloads

/// Operators that stand one after another in a trace, as columns: what the container codes as one unit.
struct OperatorBlock: Sendable {
  /// What operators of one kind in one place of a layer have in common.
  struct Record: Hashable {
    /// Which template of names.
    var template: UInt32
    /// Which signature.
    var signature: UInt32
    /// How many dependencies.
    var dependencies: UInt32
  }

  /// The most operators in a block.
  static let capacity = 1 << 16
  /// The most numbers in names, dependencies and attribute texts of a block; one operator may exceed the first two.
  static let columnCapacity = 1 << 20

  /// The index of the first operator in the trace.
  let first: Int
  /// Names without numbers; for each of its bytes `NameTemplate.slot`, an operator takes one of `numbers`.
  var templates = ByteTable()
  var signatures: [OperatorSignature] = []
  var records: [Record] = []
  /// What operator has which record.
  var recordIDs: [UInt32] = []
  /// Numbers in names, those of an operator together.
  var numbers: [UInt64] = []
  /// How far back each dependency is: 1 is the operator before.
  var distances: [UInt64] = []
  /// Fractions within patterns.
  var fractions: [Double] = []
  /// Nanoseconds, of the operators that have them.
  var starts: [Int64] = []
  /// Nanoseconds, of the operators that have them.
  var durations: [Int64] = []
  /// Texts of attributes; the first is empty and stands for none.
  var attributes = ByteTable()
  /// Which attributes each operator has; empty where none has any.
  var attributeIDs: [UInt32] = []

  /// Where building a block remembers what it has met.
  private var slots: [Int] = []
  private var recordNumbers: [Record: UInt32] = [:]
  private var signatureNumbers: [OperatorSignature: UInt32] = [:]
  private var latestRecord: [UInt32] = []
  private var template: [UInt8] = []
  private var name: [UInt8] = []

  /// The most operators that it takes.
  private let room: Int

  init(first: Int, room: Int = capacity) {
    self.first = first
    self.room = room
  }

  var count: Int { recordIDs.count }

  /// Whether the next operator belongs into the next block.
  var isFull: Bool {
    count >= room || numbers.count >= Self.columnCapacity || distances.count >= Self.columnCapacity
      || attributes.bytes.count >= Self.columnCapacity
  }

  /// Bytes of names, dependencies and attributes of all operators once each stands alone, or somewhat fewer.
  var expandedBytes: Int {
    let lengths = records.map { templates.range(Int($0.template)).count + 8 * Int($0.dependencies) }
    return recordIDs.reduce(0) { $0 + lengths[Int($1)] }
      + attributeIDs.reduce(0) { $0 + attributes.range(Int($1)).count }
  }

  mutating func append(_ op: Operator) {
    name.removeAll(keepingCapacity: true)
    name.append(contentsOf: op.name.utf8)
    let template = insert(name: name[...])
    let index = first + count
    for dependency in op.dependencies { distances.append(UInt64(bitPattern: Int64(index &- dependency))) }
    append(
      template: template, signature: signature(op, template), dependencies: op.dependencies.count,
      start: op.measured?.start?.nanoseconds, duration: op.measured?.duration?.nanoseconds,
      attributes: op.attributes.map { Array($0.utf8) })
  }

  /// Finishes an operator whose name, distances and fractions have been added.
  mutating func append(
    template: Int, signature: UInt32, dependencies: Int, start: Int64?, duration: Int64?, attributes text: [UInt8]?
  ) {
    if let start { starts.append(start) }
    if let duration { durations.append(duration) }
    if text != nil || !attributeIDs.isEmpty { append(attributes: text ?? []) }
    let record = Record(
      template: UInt32(template), signature: signature, dependencies: UInt32(dependencies))
    let latest = latestRecord[template]
    if latest < records.count, records[Int(latest)] == record { return recordIDs.append(latest) }
    let id: UInt32
    if let known = recordNumbers[record] {
      id = known
    } else {
      id = UInt32(records.count)
      records.append(record)
      recordNumbers[record] = id
    }
    latestRecord[template] = id
    recordIDs.append(id)
  }

  private mutating func append(attributes text: [UInt8]) {
    if attributeIDs.isEmpty {
      _ = attributes.insert([])
      attributeIDs = [UInt32](repeating: 0, count: count)
    }
    attributeIDs.append(UInt32(attributes.insert(text)))
  }

  /// Splits a name; its numbers go to their column.
  mutating func insert(name: ArraySlice<UInt8>) -> Int {
    template.removeAll(keepingCapacity: true)
    NameTemplate.split(name, template: &template, numbers: &numbers)
    let id = templates.insert(template)
    if id == latestRecord.count { latestRecord.append(.max) }
    return id
  }

  private mutating func signature(_ op: Operator, _ template: Int) -> UInt32 {
    let latest = latestRecord[template]
    if latest < records.count {
      let id = records[Int(latest)].signature
      if signatures[Int(id)].matches(op), signatures[Int(id)].fractions == 0 { return id }
    }
    return insert(OperatorSignature(op, fractions: &fractions))
  }

  mutating func insert(_ signature: OperatorSignature) -> UInt32 {
    if let id = signatureNumbers[signature] { return id }
    let id = UInt32(signatures.count)
    signatures.append(signature)
    signatureNumbers[signature] = id
    return id
  }
}

extension OperatorBlock {
  /// What an operator of a record takes from each column.
  struct Strides {
    var numbers: [Int]
    var fractions: [Int]
    var hasStart: [Bool]
    var hasDuration: [Bool]
  }

  var strides: Strides {
    // A block of which only the names were read has no signatures.
    let signatures = signatures.isEmpty ? nil : signatures
    let slots = (0..<templates.count).map { id in templates[id].count { $0 == NameTemplate.slot } }
    let fractions = signatures?.map(\.fractions)
    return Strides(
      numbers: records.map { slots[Int($0.template)] },
      fractions: records.map { fractions?[Int($0.signature)] ?? 0 },
      hasStart: records.map { signatures?[Int($0.signature)].hasStart ?? false },
      hasDuration: records.map { signatures?[Int($0.signature)].hasDuration ?? false })
  }

  /// Walks over the operators of a block in order: where the current one's values begin in each column.
  struct Cursor {
    let block: OperatorBlock
    private let strides: Strides
    private(set) var index = 0
    private(set) var record: Record
    private(set) var numbers = 0
    private(set) var distances = 0
    private(set) var fractions = 0
    private(set) var starts = 0
    private(set) var durations = 0

    private let hasRareValues: Bool

    /// At the first operator of a block that has one.
    init(_ block: OperatorBlock) {
      self.block = block
      hasRareValues = !block.fractions.isEmpty || !block.starts.isEmpty || !block.durations.isEmpty
      strides = block.strides
      record = block.records[Int(block.recordIDs[0])]
    }

    var recordID: Int { Int(block.recordIDs[index]) }
    var isAtEnd: Bool { index == block.count }

    mutating func advance() {
      let id = recordID
      numbers += strides.numbers[id]
      distances += Int(record.dependencies)
      if hasRareValues {
        fractions += strides.fractions[id]
        if strides.hasStart[id] { starts += 1 }
        if strides.hasDuration[id] { durations += 1 }
      }
      index += 1
      if index < block.count { record = block.records[recordID] }
    }

    /// The measurement of the current operator.
    var measured: RecordedTime? {
      let id = recordID
      guard strides.hasStart[id] || strides.hasDuration[id] else { return nil }
      return RecordedTime(
        start: strides.hasStart[id] ? .nanoseconds(block.starts[starts]) : nil,
        duration: strides.hasDuration[id] ? .nanoseconds(block.durations[durations]) : nil)
    }

    /// The attributes of the current operator; empty for none.
    var attributes: ArraySlice<UInt8> {
      block.attributeIDs.isEmpty ? [] : block.attributes[Int(block.attributeIDs[index])]
    }

    /// Writes the current operator's name.
    func name(into name: inout [UInt8]) {
      NameTemplate.join(block.templates[Int(record.template)], block.numbers, numbers, into: &name)
    }

    /// Puts the fractions of the current operator into its patterns.
    func fill(_ sparsity: inout OperandSparsity) {
      guard strides.fractions[recordID] > 0 else { return }
      var next = fractions
      for operand in OperandSparsity.Operand.allCases where sparsity[operand].fraction != nil {
        sparsity[operand].fraction = block.fractions[next]
        next += 1
      }
    }
  }

  /// Calls `body` with each operator in order.
  func forEach<E: Error>(_ body: (Operator) throws(E) -> Void) throws(E) {
    guard count > 0 else { return }
    let blanks = signatures.map(\.blank)
    let isMeasured = !starts.isEmpty || !durations.isEmpty
    var cursor = Cursor(self)
    var name: [UInt8] = []
    while !cursor.isAtEnd {
      let record = cursor.record
      var op = blanks[Int(record.signature)]
      name.removeAll(keepingCapacity: true)
      cursor.name(into: &name)
      op.name = String(decoding: name, as: UTF8.self)
      let dependencies = Int(record.dependencies)
      if dependencies > 0 {
        let index = first + cursor.index
        op.dependencies.reserveCapacity(dependencies)
        for place in cursor.distances..<cursor.distances + dependencies {
          op.dependencies.append(index - Int(distances[place]))
        }
      }
      if !fractions.isEmpty { cursor.fill(&op.sparsity) }
      if isMeasured { op.measured = cursor.measured }
      if !attributeIDs.isEmpty, !cursor.attributes.isEmpty {
        op.attributes = String(decoding: cursor.attributes, as: UTF8.self)
      }
      try body(op)
      cursor.advance()
    }
  }
}
