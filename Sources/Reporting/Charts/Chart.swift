/// A picture as a value: two axes, marks on them, and words. ``svg(width:)`` and ``vegaLite`` draw the same one.
public struct Chart: Sendable {
  /// The word it is asked for by, and what a file of it is called.
  public var name: String
  /// What it shows.
  public var title: String
  /// What there is to say beside it.
  public var notes: [String] = []
  /// All of it in words, for those who do not see it.
  public var summary: String
  var x: Axis
  var y: Axis
  var marks: [Mark] = []
  /// The height of a category.
  var rowHeight = 27.0

  /// Something that stands at numbers of both axes. On an axis of categories the number is an index, and a half to either
  /// side of it belongs to the category.
  struct Mark {
    var shape: Shape
    var colour: Colour
    /// What its colour means, for the legend; nil leaves it out there.
    var group: String?
    /// Words beside it.
    var label: String?
    /// What it is, with its numbers; nil for what is only a background.
    var tip: String?
  }

  enum Shape {
    /// A rectangle; without width it is a line across.
    case rect(x: ClosedRange<Double>, y: ClosedRange<Double>)
    case point(Place, radius: Double)
    case line([Place], isDashed: Bool)
    /// Many small points that share everything else.
    case dots([Place])
  }

  struct Place: Hashable {
    var x: Double
    var y: Double
  }

  /// Each colour that marks have means something, the same in every chart where it can.
  enum Colour: Int, CaseIterable {
    case blue, orange, green, purple, ochre, pink, teal, red, grey, brown, navy, olive, ink, band

    /// On white and on near-black; all but the band differ from it by 3:1 and more.
    var hex: (light: String, dark: String) {
      switch self {
      case .blue: ("#0969da", "#4493f8")
      case .orange: ("#bc4c00", "#f0883e")
      case .green: ("#1a7f37", "#3fb950")
      case .purple: ("#8250df", "#ab7df8")
      case .ochre: ("#9a6700", "#d29922")
      case .pink: ("#bf3989", "#db61a2")
      case .teal: ("#1b7c83", "#39c5cf")
      case .red: ("#cf222e", "#ff7b72")
      case .grey: ("#818b98", "#656c76")
      case .brown: ("#704d2e", "#c69f7a")
      case .navy: ("#0a3069", "#a5d6ff")
      case .olive: ("#5c6f00", "#b1c44a")
      case .ink: ("#1f2328", "#f0f6fc")
      case .band: ("#ddf4ff", "#121d2f")
      }
    }

    /// A colour for the thing at `index` of a list.
    static func at(_ index: Int) -> Colour { Colour(rawValue: index % Colour.grey.rawValue) ?? .grey }
  }

  /// The meanings of colours, each once, in the order of the marks.
  var legend: [(colour: Colour, words: String)] {
    var legend: [(colour: Colour, words: String)] = []
    for mark in marks {
      guard let words = mark.group, !legend.contains(where: { $0.words == words }) else { continue }
      legend.append((mark.colour, words))
    }
    return legend
  }
}

extension Chart {
  /// A bar of a row, a bit less high than it.
  static func bar(_ row: Int, from: Double = 0, to: Double, height: Double = 0.62) -> Shape {
    .rect(
      x: min(from, to)...max(from, to), y: Double(row) - height / 2...Double(row) + height / 2)
  }
}
