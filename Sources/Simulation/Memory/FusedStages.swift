import Diagnostics
import Workloads

/// Operators, one after the other in a trace, that a deployment runs as one kernel.
public struct FusedStage: Hashable, Sendable {
  /// The name of the first one.
  public var first: String
  /// The name of the last one.
  public var last: String

  /// A stage.
  public init(first: String, last: String) {
    self.first = first
    self.last = last
  }
}

extension FusedStage: CustomStringConvertible {
  /// Reads `first..last`; nil where it is not written so.
  public init?(parsing text: String) {
    guard let dots = text.firstRange(of: ".."), dots.lowerBound > text.startIndex, dots.upperBound < text.endIndex
    else { return nil }
    self.init(first: String(text[..<dots.lowerBound]), last: String(text[dots.upperBound...]))
  }

  /// As it is read.
  public var description: String { "\(first)..\(last)" }
}

/// What becomes of the operators of fused stages.
///
/// A result that only operators of its stage use never leaves the chip, and they find it there; an element-wise function in
/// the epilogue of one of the stage's products has its other operand at hand where the stage makes it.
///
/// Left out: rows that neighbouring tiles compute twice, whether the stage's tiles fit on chip, launches within it, and
/// operands from outside that several of its operators read, which each reads for itself.
struct FusedStages {
  private let insides: [Inside]

  /// What an operator finds and leaves on chip.
  struct Inside {
    var inputs = false
    var output = false
  }

  subscript(index: Int) -> Inside { insides.isEmpty ? Inside() : insides[index] }

  /// - Throws: `matches-nothing` for names that no operator has, and for stages that end before they begin.
  init(_ operators: [Operator], _ fusion: Fusion, _ stages: [FusedStage]) throws(DiagnosticList) {
    guard !stages.isEmpty else {
      insides = []
      return
    }
    let places = try Self.places(of: stages, in: operators)
    let producers = Dependencies(operators).producers
    var consumers = [[Int]](repeating: [], count: operators.count)
    for (index, own) in producers.enumerated() { for producer in own { consumers[producer].append(index) } }
    var escapes = [Bool](repeating: true, count: operators.count)
    for index in operators.indices.reversed() {
      // A result with one consumer that joins a product is the product's own.
      let isJoined = consumers[index].count == 1
      escapes[index] =
        places[index] == nil || consumers[index].isEmpty
        || consumers[index].contains { consumer in
          places[consumer] != places[index] || isJoined && fusion.parts[consumer] != .alone && escapes[consumer]
        }
    }
    insides = operators.indices.map { index in
      Inside(
        inputs: places[index] != nil && !producers[index].isEmpty
          && producers[index].allSatisfy { places[$0] == places[index] },
        output: !escapes[index])
    }
  }

  /// The stage of each operator; the first of those that have it.
  private static func places(
    of stages: [FusedStage], in operators: [Operator]
  ) throws(DiagnosticList) -> [Int?] {
    var problems: [Diagnostic] = []
    func index(of name: String, in stage: FusedStage) -> Int? {
      if let index = operators.firstIndex(where: { $0.name == name }) { return index }
      let similar = nearest(to: name, among: operators.map(\.name))
      problems.append(
        Diagnostic(
          .matchesNothing, "no operator is named '\(name)', as the stage '\(stage)' has it",
          help: similar.map { "did you mean '\($0)'?" } ?? "name the first and the last operator of the stage"))
      return nil
    }
    var places = [Int?](repeating: nil, count: operators.count)
    for (place, stage) in stages.enumerated() {
      guard let first = index(of: stage.first, in: stage), let last = index(of: stage.last, in: stage) else { continue }
      guard first <= last else {
        problems.append(
          Diagnostic(
            .matchesNothing, "the stage '\(stage)' ends before it begins", help: "use '\(stage.last)..\(stage.first)'"))
        continue
      }
      for index in first...last where places[index] == nil { places[index] = place }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return places
  }
}
