public import Diagnostics
import Documents

/// Points and results as lines of JSON, for work that is divided between processes.
///
/// A stream begins with a header that names the study: `{"lacuna_points": 1, "study": FINGERPRINT, "free": […],
/// "objectives": […]}`, the last two being what there is to choose and to seek. A point is
/// `{"point": 12, "values": [32, "2:4", null]}`; with its result it has `"verdict"`, `"detail"`, `"figures"` and
/// `"objectives"` too. In place of values a point to be evaluated may give `"coordinates"`, a number from 0 to 1 for each
/// free parameter: its way from the first value to the last. Streams may follow one another in one file.
public enum PointLine {
  /// The version of the lines this build writes and reads.
  public static let version = 1

  /// The line that begins a stream.
  public static func header(_ explorer: Explorer) -> String {
    let study = explorer.study
    var text = "{\"lacuna_points\": \(version), \"study\": \"\(explorer.identity.fingerprint)\", \"free\": ["
    for (position, index) in study.space.free.enumerated() {
      let parameter = study.space.parameters[index]
      if position > 0 { text += ", " }
      text += "{\"name\": \"\(parameter.name)\", \"count\": \(parameter.count.map { "\($0)" } ?? "null")}"
    }
    text += "], \"objectives\": ["
    for (position, objective) in study.objectives.enumerated() {
      if position > 0 { text += ", " }
      text += "{\"name\": "
      text.append(jsonQuoting: objective.name)
      text += ", \"direction\": \"\(objective.isMaximised ? "maximize" : "minimize")\"}"
    }
    return text + "]}\n"
  }

  /// A point to be evaluated.
  public static func line(_ index: Int, _ values: [Value?], in study: DesignStudy) -> String {
    var text = ""
    begin(index, values, study, &text)
    return text + "}\n"
  }

  /// A point with its result.
  public static func line(_ result: PointResult, in study: DesignStudy) -> String {
    var text = ""
    begin(result.index, result.values, study, &text)
    text += ", \"verdict\": "
    text.append(jsonQuoting: result.verdict.text)
    text += ", \"detail\": "
    text.append(jsonQuoting: result.verdict.detail)
    append("figures", result.figures, &text)
    append("objectives", result.objectives, &text)
    return text + "}\n"
  }

  private static func begin(_ index: Int, _ values: [Value?], _ study: DesignStudy, _ text: inout String) {
    text += "{\"point\": \(index), \"id\": \"\(PointResult.id(values, in: study))\", \"values\": ["
    for (position, value) in values.enumerated() {
      if position > 0 { text += ", " }
      switch value {
      case .number(let number)? where number.isFinite: text += numberText(number)
      case .text(let word)?: text.append(jsonQuoting: word)
      case nil, .number?: text += "null"
      }
    }
    text += "]"
  }

  private static func append(_ name: String, _ numbers: [Double], _ text: inout String) {
    text += ", \"\(name)\": ["
    for (position, number) in numbers.enumerated() {
      if position > 0 { text += ", " }
      // What is no number (an objective that divides by zero) is null.
      text += number.isFinite ? "\(number)" : "null"
    }
    text += "]"
  }

  // MARK: Reading

  /// Reads streams of points of a study line by line and hands over each point, with its result where it has one.
  /// - Throws: `changed-study` for points of another study; what is wrong with a line, located.
  public static func forEachPoint(
    in source: SourceText, of explorer: Explorer,
    _ body: (Int, [Value?], PointResult?) throws(DiagnosticList) -> Void
  ) throws(DiagnosticList) {
    let study = explorer.study
    let fingerprint = explorer.identity.fingerprint
    var (start, number, hasHeader) = (0, 0, false)
    while start < source.bytes.count {
      let end = source.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? source.bytes.count
      let line = SourceText(name: source.name, bytes: Array(source.bytes[start..<end]), precedingLines: number)
      start = end + 1
      number += 1
      guard line.bytes.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) else { continue }
      let node = try JSONParser.parse(line)
      let sink = DiagnosticSink()
      let reader = DocumentReader(line, sink: sink)
      if node["lacuna_points"] != nil {
        try checkHeader(node, line, fingerprint)
        hasHeader = true
        continue
      }
      guard hasHeader else {
        throw DiagnosticList(
          Diagnostic(
            .unknownFormat, "\(source.name) does not begin with the line that names its study",
            help: "give what 'lacuna explore plan' or 'lacuna explore run --shard' wrote"))
      }
      let point = point(node, reader, study)
      try sink.throwIfErrors()
      if let point { try body(point.0, point.1, point.2) }
    }
  }

  private static func checkHeader(_ node: Node, _ line: SourceText, _ fingerprint: String) throws(DiagnosticList) {
    guard node["lacuna_points"]?.integer == version else {
      throw DiagnosticList(
        Diagnostic(
          .unknownSchema,
          "the points have version \(node["lacuna_points"]?.typeName ?? "none"); this build reads \(version)",
          at: line.location(of: node.range)))
    }
    guard node["study"]?.text == fingerprint else {
      throw DiagnosticList(
        Diagnostic(
          .changedStudy,
          "these points are of another study, or of this one before it, its machine, its traces or the program changed",
          at: line.location(of: node.range), notes: ["results of different studies or programs are never mixed"],
          help: "plan and run them again"))
    }
  }

  private static func point(
    _ node: Node, _ reader: DocumentReader, _ study: DesignStudy
  ) -> (Int, [Value?], PointResult?)? {
    guard var fields = Fields(node, reader, what: "a point") else { return nil }
    let index = fields.required("point", in: 0...Int.max)
    let id = fields.optional("id", as: String.self)
    let coordinates = fields.node("coordinates").map { numbers($0, reader) }
    let list = coordinates == nil ? fields.requiredNode("values") : nil
    let verdictNode = fields.node("verdict")
    let detail = fields.optional("detail", as: String.self) ?? ""
    let figures = fields.node("figures").map { numbers($0, reader) }
    let objectives = fields.node("objectives").map { numbers($0, reader) }
    fields.finish()
    guard let index else { return nil }
    if let coordinates {
      guard coordinates.count == study.space.free.count, coordinates.allSatisfy({ (0...1).contains($0) }) else {
        return reader.mismatch(node, expected: "\(study.space.free.count) coordinates from 0 to 1")
      }
      return (index, study.space.values(at: coordinates), nil)
    }
    guard let list else { return nil }
    guard let elements = list.elements, elements.count == study.space.parameters.count else {
      return reader.mismatch(list, expected: "a list of \(study.space.parameters.count) values")
    }
    let values = elements.map(value)
    if let id, id != PointResult.id(values, in: study) {
      reader.report(
        .changedStudy, "point \(index) was written with other values: its id is not theirs", at: node.range,
        help: "plan and run the points again")
      return nil
    }
    guard let verdictNode, let text = String.read(verdictNode, reader) else { return (index, values, nil) }
    guard let verdict = Verdict(text, detail: detail) else {
      reader.report(.unknownValue, "'\(text)' is no verdict", at: verdictNode.range)
      return nil
    }
    let known = [0, study.figureNames.count]
    guard let figures, let objectives, known.contains(figures.count),
      objectives.count == (figures.isEmpty ? 0 : study.objectives.count)
    else {
      return reader.mismatch(node, expected: "a point with \(study.figureNames.count) figures, or none")
    }
    return (
      index, values,
      PointResult(index: index, values: values, verdict: verdict, figures: figures, objectives: objectives)
    )
  }

  private static func value(_ node: Node) -> Value? {
    switch node.content {
    case .number(let text): Double(text).map(Value.number)
    case .string(let text): .text(text)
    default: nil
    }
  }

  private static func numbers(_ node: Node, _ reader: DocumentReader) -> [Double] {
    guard let elements = node.elements else { return reader.mismatch(node, expected: "a list of numbers") ?? [] }
    return elements.map { $0.double ?? .nan }
  }
}

extension Explorer {
  /// Puts the results of parts together, in any order and however often each is given.
  /// - Parameters:
  ///   - sources: what the parts wrote.
  ///   - store: where the results go.
  /// - Throws: `changed-study` for results of something else, and `missing-points` where a part lacks; nothing is
  ///   written then.
  public func merge(_ sources: [SourceText], into makeStore: () throws(DiagnosticList) -> ResultStore)
    throws(DiagnosticList)
  {
    let sequence = try sequence()
    var results: [Int: PointResult] = [:]
    for source in sources {
      try PointLine.forEachPoint(in: source, of: self) { (index, values, result) throws(DiagnosticList) in
        guard let result else {
          throw DiagnosticList(
            Diagnostic(
              .missingPoints, "\(source.name) holds point \(index) without a result",
              help: "run the points of a plan first: lacuna explore run STUDY --points FILE"))
        }
        if let other = results[index], other.verdict != result.verdict || other.values != result.values {
          throw DiagnosticList(
            Diagnostic(.changedStudy, "\(source.name) has another result of point \(index) than a file before it"))
        }
        results[index] = result
      }
    }
    var missing: (first: Int, count: Int)?
    for index in 0..<sequence.count where results[index] == nil {
      guard sequence.values(at: index) != nil else { continue }
      missing = (missing?.first ?? index, (missing?.count ?? 0) + 1)
    }
    if let missing {
      throw DiagnosticList(
        Diagnostic(
          .missingPoints,
          "\(missing.count) of \(sequence.count) points have no result, the first of them \(missing.first)",
          help: "run the parts that are missing and merge again"))
    }
    let store = try makeStore()
    let indices = results.keys.sorted()
    var first = 0
    while first < indices.count {
      let next = min(first + 4096, indices.count)
      try store.add(indices[first..<next].compactMap { results[$0] })
      first = next
    }
    try store.close()
  }
}
