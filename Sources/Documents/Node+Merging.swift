extension Node {
  /// The node with its merge keys taken apart, at every depth.
  ///
  /// `<<` adds the entries of a mapping, or of each of a list of mappings, whose keys are not there yet (YAML 1.1's merge
  /// key). `<<<`, Timeloop's, also merges mappings that have the same key. A value that is no mapping stays as it is
  /// under its key, for the reader to find.
  public func merged() -> Node {
    switch content {
    case .null, .bool, .number, .string, .undetermined: self
    case .sequence(let elements): Node(.sequence(elements.map { $0.merged() }), range: range)
    case .mapping(let entries): Node(.mapping(Self.merged(entries)), range: range)
    }
  }

  private static func merged(_ entries: [Entry]) -> [Entry] {
    var result: [Entry] = []
    var bases: [(entries: [Entry], isDeep: Bool)] = []
    for var entry in entries {
      entry.value = entry.value.merged()
      let values = entry.value.elements ?? [entry.value]
      let parts = values.compactMap { value -> [Entry]? in
        if case .mapping(let entries) = value.content { entries } else { nil }
      }
      if ["<<", "<<<"].contains(entry.key), parts.count == values.count {
        bases += parts.map { ($0, entry.key == "<<<") }
      } else {
        result.append(entry)
      }
    }
    for base in bases { result.add(base.entries, isDeep: base.isDeep) }
    return result
  }
}

extension [Node.Entry] {
  /// Adds the entries whose keys are not there yet.
  fileprivate mutating func add(_ base: [Node.Entry], isDeep: Bool) {
    for entry in base {
      guard let place = firstIndex(where: { $0.key == entry.key }) else {
        append(entry)
        continue
      }
      guard isDeep, case .mapping(var own) = self[place].value.content, case .mapping(let others) = entry.value.content
      else { continue }
      own.add(others, isDeep: true)
      self[place].value.content = .mapping(own)
    }
  }
}
