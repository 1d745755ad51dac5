import Quantities

extension Chart {
  /// The chart as a specification for Vega-Lite 5, data included, which notebooks and the Vega editor draw.
  ///
  /// Neighbouring marks of one shape are a layer; numbers are in the axes' units.
  public var vegaLite: String {
    var layers: [(shape: LayerShape, rows: [JSONValue])] = []
    for (index, mark) in marks.enumerated() {
      let shape = LayerShape(mark.shape, y)
      if layers.last?.shape != shape { layers.append((shape, [])) }
      layers[layers.count - 1].rows += rows(mark, index, shape)
    }
    let isTall = y.names.map { JSONValue.object([("step", .integer($0.isEmpty ? 20 : 24))]) } ?? .integer(340)
    return JSONValue.object([
      ("$schema", .string("https://vega.github.io/schema/vega-lite/v5.json")),
      (
        "title",
        .object([
          ("text", .string(title)), ("subtitle", .array(notes.flatMap { $0.lines(of: 90) }.map(JSONValue.string))),
        ])
      ),
      ("description", .string(summary)), ("width", .integer(560)), ("height", isTall),
      (
        "layer",
        .array(
          layers.map { shape, rows in
            .object([
              ("data", .object([("values", .array(rows))])), ("mark", shape.mark),
              ("encoding", .object(encoding(shape))),
            ])
          })
      ),
    ]).text
  }

  /// What a layer's marks are.
  private enum LayerShape: Equatable {
    /// Along a category, ``Shape/rect(x:y:)`` without and with width; between numbers; across all categories.
    case tick, bar, block, band
    case point
    case line(isDashed: Bool)
    case dots

    init(_ shape: Shape, _ y: Axis) {
      switch shape {
      case .rect(let horizontal, let vertical):
        if let names = y.names {
          self =
            vertical.upperBound - vertical.lowerBound > 1 && names.count > 1
            ? .band : horizontal.lowerBound == horizontal.upperBound ? .tick : .bar
        } else {
          self = .block
        }
      case .point: self = .point
      case .line(_, let isDashed): self = .line(isDashed: isDashed)
      case .dots: self = .dots
      }
    }

    var mark: JSONValue {
      switch self {
      case .tick: .object([("type", .string("tick")), ("thickness", .integer(2))])
      case .bar: .object([("type", .string("bar"))])
      case .block, .band: .object([("type", .string("rect"))])
      case .point: .object([("type", .string("point")), ("filled", .bool(true)), ("opacity", .number(0.8))])
      case .line(let isDashed):
        .object([("type", .string("line"))] + (isDashed ? [("strokeDash", .array([.integer(6), .integer(4)]))] : []))
      case .dots: .object([("type", .string("circle")), ("size", .integer(14)), ("opacity", .number(0.45))])
      }
    }
  }

  private func rows(_ mark: Mark, _ index: Int, _ shape: LayerShape) -> [JSONValue] {
    let shared: [(String, JSONValue)] =
      [("group", .string(group(mark)))] + (mark.tip.map { [("tip", .string($0))] } ?? [])
    func row(_ place: Place, _ more: [(String, JSONValue)] = []) -> JSONValue {
      .object([("x", self.place(place.x, x)), ("y", self.place(place.y, y))] + more + shared)
    }
    switch mark.shape {
    case .rect(let horizontal, let vertical):
      let ends = [("x", place(horizontal.lowerBound, x)), ("x2", place(horizontal.upperBound, x))]
      switch shape {
      case .band: return [.object(ends + shared)]
      case .block:
        return [.object(ends + [("y", place(vertical.lowerBound, y)), ("y2", place(vertical.upperBound, y))] + shared)]
      default: return [.object(ends + [("y", place((vertical.lowerBound + vertical.upperBound) / 2, y))] + shared)]
      }
    case .point(let place, let radius): return [row(place, [("size", .number(4 * radius * radius))])]
    case .line(let places, _):
      return places.enumerated().map { row($1, [("line", .integer(index)), ("order", .integer($0))]) }
    case .dots(let places): return places.map { row($0) }
    }
  }

  private func place(_ value: Double, _ axis: Axis) -> JSONValue {
    if let names = axis.names { return .string(names[min(names.count - 1, max(0, Int(value.rounded())))]) }
    return .number(value / (axis.unit?.scale ?? 1))
  }

  /// Colours that mean nothing have a group of their own that the legend does not list.
  private func group(_ mark: Mark) -> String { mark.group ?? " \(mark.colour)" }

  private func encoding(_ shape: LayerShape) -> [(String, JSONValue)] {
    var members: [(String, JSONValue)] = [("x", channel("x", x))]
    switch shape {
    case .bar: members += [("x2", field("x2")), ("y", channel("y", y))]
    case .band: members.append(("x2", field("x2")))
    case .block: members += [("x2", field("x2")), ("y", channel("y", y)), ("y2", field("y2"))]
    case .tick, .dots: members.append(("y", channel("y", y)))
    case .point:
      members += [
        ("y", channel("y", y)),
        (
          "size",
          .object([("field", .string("size")), ("type", .string("quantitative")), ("scale", .null), ("legend", .null)])
        ),
      ]
    case .line:
      members += [
        ("y", channel("y", y)), ("detail", .object([("field", .string("line")), ("type", .string("nominal"))])),
        ("order", .object([("field", .string("order")), ("type", .string("quantitative"))])),
      ]
    }
    return members + [
      ("color", colour), ("tooltip", .object([("field", .string("tip")), ("type", .string("nominal"))])),
    ]
  }

  private func field(_ name: String) -> JSONValue { .object([("field", .string(name))]) }

  private func channel(_ name: String, _ axis: Axis) -> JSONValue {
    if let names = axis.names {
      return .object([
        ("field", .string(name)), ("type", .string("nominal")), ("sort", .null),
        ("scale", .object([("domain", .array(names.map(JSONValue.string)))])),
        ("axis", .object([("title", axis.title.isEmpty ? .null : .string(axis.title))])),
      ])
    }
    let unit = axis.unit?.scale ?? 1
    let scale: [(String, JSONValue)]
    var format = "~g"
    switch axis.scale {
    case .linear(let low, let high):
      scale = [("domain", .array([.number(low / unit), .number(high / unit)])), ("zero", .bool(false))]
    case .logarithmic(let low, let high):
      format = "~s"
      scale = [("type", .string("log")), ("domain", .array([.number(low / unit), .number(high / unit)]))]
    case .categories: scale = []
    }
    return .object([
      ("field", .string(name)), ("type", .string("quantitative")), ("scale", .object(scale + [("clamp", .bool(true))])),
      (
        "axis",
        .object([
          ("title", .string(axis.heading)), ("values", .array(axis.marks.map { .number($0 / unit) })),
          ("format", .string(format)),
        ])
      ),
    ])
  }

  private var colour: JSONValue {
    var groups: [(name: String, hex: String)] = []
    for mark in marks {
      let name = group(mark)
      if !groups.contains(where: { $0.name == name }) { groups.append((name, mark.colour.hex.light)) }
    }
    let entries = legend.map(\.words)
    return .object([
      ("field", .string("group")), ("type", .string("nominal")), ("title", .null),
      (
        "scale",
        .object([
          ("domain", .array(groups.map { .string($0.name) })), ("range", .array(groups.map { .string($0.hex) })),
        ])
      ),
      ("legend", entries.count > 1 ? .object([("values", .array(entries.map(JSONValue.string)))]) : .null),
    ])
  }
}
