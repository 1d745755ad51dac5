import Diagnostics
public import Documents
public import Quantities

/// A class of silicon processes, and how small it makes logic and memory.
///
/// Logic: transistors a square millimetre, from S. M. Khan and A. Mann, "AI Chips: What They Are and Why They Matter",
/// CSET 2020, which the area model of LLMCompass (H. Zhang et al., ISCA 2024) takes too; 8 nm is WikiChip's figure for
/// Samsung's 8LPP. Memory: the high-density six-transistor bit cells that foundries published: TSMC at IEDM 2008 (40 nm)
/// and 2010 (28 nm), Y.-H. Chen et al., JSSC 50.1 (2015) (16 nm, of which 12 nm is a variant), J. Chang et al., ISSCC
/// 2017 (7 nm) and 2020 (5 nm); T. Song et al., ISSCC 2016, for Samsung's 10 and 8 nm. The bit cells of 40, 28 and 8 nm
/// were not looked up again; no machine that comes with the program rests on the first two.
///
/// "4N" and "N4" are of the class of 5 nm.
public enum TechnologyNode: String, CaseIterable, Hashable, Sendable {
  case nm40 = "40 nm"
  case nm28 = "28 nm"
  case nm16 = "16 nm"
  case nm12 = "12 nm"
  case nm8 = "8 nm"
  case nm7 = "7 nm"
  case nm5 = "5 nm"

  /// Millions of transistors of logic on a square millimetre.
  public var logicDensity: Double {
    switch self {
    case .nm40: 7.7
    case .nm28: 15.3
    case .nm16, .nm12: 28.9
    case .nm8: 61.2
    case .nm7: 96.3
    case .nm5: 138.2
    }
  }

  /// A bit of static memory, without what reads it.
  public var bitCell: SquareMillimetres {
    let squareMicrometres =
      switch self {
      case .nm40: 0.242
      case .nm28: 0.127
      case .nm16, .nm12: 0.070
      case .nm8: 0.040
      case .nm7: 0.027
      case .nm5: 0.021
      }
    return SquareMillimetres(squareMicrometres * 1e-6)
  }
}

/// An area and the node it is known at, such as `5.98 µm² at 40 nm`.
public struct NodeArea: Hashable, Sendable, DocumentReadable {
  /// The area there.
  public var area: SquareMillimetres
  /// Where.
  public var node: TechnologyNode

  /// How an area changes from node to node.
  public enum Kind: Sendable {
    /// With the density of transistors.
    case logic
    /// With the bit cell.
    case memory
    /// Not at all: drivers, pads and analogue circuits.
    case fixed
  }

  /// An area.
  public init(_ area: SquareMillimetres, at node: TechnologyNode) {
    self.area = area
    self.node = node
  }

  /// The area at another node.
  public func at(_ other: TechnologyNode, _ kind: Kind) -> SquareMillimetres {
    switch kind {
    case .logic: area * (node.logicDensity / other.logicDensity)
    case .memory: area * (other.bitCell / node.bitCell)
    case .fixed: area
    }
  }

  /// Reads an area, ` at ` and a node.
  public static func read(_ node: Node, _ reader: DocumentReader) -> NodeArea? {
    let expected = "an area and its node, such as 5.98 µm² at 40 nm"
    guard let text = node.text, let split = text.firstRange(of: " at ") else {
      let nodes = TechnologyNode.allCases.map(\.rawValue)
      return reader.mismatch(
        node, expected: expected, .scalar(expected),
        help: "add ' at ' and the technology node: \(nodes.joined(separator: ", "))")
    }
    let area: SquareMillimetres? = reader.measured(
      Node(.string(String(text[..<split.lowerBound])), range: node.range))
    let place = reader.choice(
      Node(.string(String(text[split.upperBound...])), range: node.range),
      TechnologyNode.allCases.map { ($0.rawValue, $0) }, what: "a technology node")
    guard let area, let place else { return nil }
    guard area > .zero else {
      reader.report(.outOfRange, "an area of \(area); it must be more than zero", at: node.range)
      return nil
    }
    return NodeArea(area, at: place)
  }
}
