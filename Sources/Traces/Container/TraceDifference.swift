public import Workloads

/// How two traces differ, operator by operator.
public struct TraceDifference: Hashable, Sendable {
  /// One operator, or one line of the header.
  public enum Change: Hashable, Sendable {
    /// A member of the header has another value.
    case header(member: String, old: String, new: String)
    /// An operator that only the first trace has.
    case removed(index: Int, name: String)
    /// An operator that only the second trace has.
    case added(index: Int, name: String)
    /// An operator that both have, with members that differ.
    case changed(oldIndex: Int, newIndex: Int, name: String, members: [Member])
  }

  /// A member of an operator's line that differs.
  public struct Member: Hashable, Sendable {
    /// Its key in JSON Lines.
    public var key: String
    /// Its JSON in the first trace; nil where it has its default.
    public var old: String?
    /// Its JSON in the second trace; nil where it has its default.
    public var new: String?

    /// A member with other JSON than before.
    public init(key: String, old: String?, new: String?) {
      self.key = key
      self.old = old
      self.new = new
    }
  }

  /// All changes in the order of the traces.
  public private(set) var changes: [Change] = []
  /// Operators that are the same in both, dependencies apart from those that only moved.
  public private(set) var same = 0

  /// Compares two traces. Operators belong together when their names do; where names repeat, in their order.
  public init(_ old: Workload, _ new: Workload) {
    compare("name", old.name, new.name)
    compare("source", old.source, new.source)
    compare("samples", old.samples.map(String.init) ?? "none", new.samples.map(String.init) ?? "none")
    compare("attributes", old.attributes ?? "none", new.attributes ?? "none")
    var waiting: [String: [Int]] = [:]
    for (index, op) in new.operators.enumerated().reversed() { waiting[op.name, default: []].append(index) }
    var partner = [Int?](repeating: nil, count: old.operators.count)
    var isPaired = [Bool](repeating: false, count: new.operators.count)
    for (index, op) in old.operators.enumerated() {
      guard let other = waiting[op.name]?.popLast() else { continue }
      partner[index] = other
      isPaired[other] = true
    }
    for (index, op) in old.operators.enumerated() {
      guard let other = partner[index] else {
        changes.append(.removed(index: index, name: op.name))
        continue
      }
      // A dependency that moved with its operator is the same.
      var moved = op
      moved.dependencies = op.dependencies.map { partner[$0] ?? -1 - $0 }
      if moved == new.operators[other] {
        same += 1
      } else {
        changes.append(
          .changed(
            oldIndex: index, newIndex: other, name: op.name, members: Self.members(moved, new.operators[other])))
      }
    }
    for (index, op) in new.operators.enumerated() where !isPaired[index] {
      changes.append(.added(index: index, name: op.name))
    }
  }

  private mutating func compare(_ member: String, _ old: String, _ new: String) {
    if old != new { changes.append(.header(member: member, old: old, new: new)) }
  }

  private static func members(_ old: Operator, _ new: Operator) -> [Member] {
    func written(_ op: Operator) -> [(key: String, text: String)] {
      op.jsonMembers.map { key, value in
        var text = ""
        value.write(to: &text)
        return (key, text)
      }
    }
    let (before, after) = (written(old), written(new))
    var members = before.compactMap { member -> Member? in
      let other = after.first { $0.key == member.key }?.text
      return other == member.text ? nil : Member(key: member.key, old: member.text, new: other)
    }
    members += after.filter { member in !before.contains { $0.key == member.key } }
      .map { Member(key: $0.key, old: nil, new: $0.text) }
    return members
  }
}
