import Quantities

/// Pieces that all pictures are made of.
enum SVG {
  static func number(_ value: Double) -> String { formatFixed(value, decimals: 1) }

  static func text(_ text: String, at x: Double, _ y: Double, anchor: String, isSoft: Bool = false) -> String {
    let role = isSoft ? " class=\"soft\"" : ""
    return "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(role)>\(escaped(text))</text>\n"
  }

  /// The text as XML may hold it.
  static func escaped(_ text: String) -> String {
    text.printable.map { character in
      switch character {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      default: String(character)
      }
    }.joined()
  }
}
