import Foundation
import Testing

@testable import Lacuna

/// Parts of pages that are made from elsewhere, so that each text has one place. They stand between
/// `<!-- WHAT ARGUMENTS -->` and `<!-- end -->`:
///
/// - `quote FILE TEXT`: the doc comment above the first line of a source file that has the text in it,
/// - `cases FILE ENUM`: the doc comments of an enumeration's cases,
/// - `errors FILE …`: the lines of these measurements in the validation page's summary,
/// - `snippet NAME`: a program of `Snippets`,
/// - `technologies`, `actions`, `hardware`, `study`, `trace`, `diagnostics`: tables of what the library has.
enum MadeParts {
  static func remade(_ page: String) throws -> String {
    var lines: [String] = []
    var isMade = false
    for line in page.components(separatedBy: "\n") {
      if isMade {
        isMade = line != "<!-- end -->"
        if !isMade { lines.append(line) }
        continue
      }
      lines.append(line)
      guard let match = line.wholeMatch(of: /<!-- (\w+)((?: .+)?) -->/), line != "<!-- end -->",
        let made = try made(String(match.1), match.2.split(separator: " ").map(String.init))
      else { continue }
      lines += [""] + made + [""]
      isMade = true
    }
    #expect(!isMade, "a made part has no end")
    return lines.joined(separator: "\n")
  }

  /// The lines of a part; nil for a comment that asks for none.
  private static func made(_ what: String, _ arguments: [String]) throws -> [String]? {
    switch what {
    case "quote": try quote(arguments[0], arguments.dropFirst().joined(separator: " "))
    case "cases": try cases(arguments[0], arguments[1])
    case "errors": try errors(arguments)
    case "snippet": ["```swift"] + (try source("Snippets/\(arguments[0]).swift")).dropLast() + ["```"]
    case "technologies": technologies()
    case "actions": actions()
    case "hardware": hardware()
    case "study": keys(DesignStudy.schema().root, KeyDescriptions.study)
    case "trace": trace()
    case "diagnostics": try diagnostics()
    default: nil
    }
  }

  // MARK: Comments

  private static func source(_ path: String) throws -> [String] {
    try String(contentsOf: Tool.root.appending(path: path), encoding: .utf8).components(separatedBy: "\n")
  }

  /// The doc comment that ends above a line.
  private static func comment(above end: Int, in lines: [String]) -> [String] {
    let trimmed = lines[..<end].map { $0.drop { $0 == " " } }
    let comment = trimmed.reversed().drop { $0.isEmpty || $0.hasPrefix("@") || $0 == "init(" }.prefix {
      $0.hasPrefix("///")
    }
    return comment.reversed().map { line in
      // Symbols of inner modules have no page of their own.
      let text = String(line.dropFirst(3)).replacing(/``([^`]+)``/) { "`\($0.1.split(separator: "/").last ?? "")`" }
      return text.hasPrefix(" ") ? String(text.dropFirst()) : text
    }
  }

  private static func quote(_ path: String, _ text: String) throws -> [String] {
    let lines = try source(path)
    let line = try #require(lines.firstIndex { $0.contains(text) }, "\(path) has no '\(text)'")
    // Parameters and errors are for programmers, who have them at the symbol.
    let comment = comment(above: line, in: lines).prefix {
      $0.prefixMatch(of: /- (Parameter|Returns|Throws|Complexity)/) == nil
    }
    #expect(!comment.isEmpty, "nothing stands above '\(text)' in \(path)")
    return Array(comment)
  }

  /// The cases of an enumeration with their comments.
  private static func documentedCases(_ path: String, _ name: String) throws -> [(name: String, comment: [String])] {
    let lines = try source(path)
    let start = try #require(lines.firstIndex { $0.contains("enum \(name)") })
    let end = lines[start...].firstIndex(of: "}") ?? lines.endIndex
    return lines[start..<end].indices.compactMap { index in
      guard let match = lines[index].firstMatch(of: /^  case (\w+)(?: = "([^"]+)")?/) else { return nil }
      return (String(match.2 ?? match.1), comment(above: index, in: lines))
    }
  }

  private static func cases(_ path: String, _ name: String) throws -> [String] {
    try ["| | |", "|---|---|"]
      + documentedCases(path, name).map { "| `\($0.name)` | \($0.comment.joined(separator: " ")) |" }
  }

  // MARK: Tables

  private static func errors(_ files: [String]) throws -> [String] {
    let page = try source("Sources/Lacuna/Lacuna.docc/Validation.md")
    let rows = try files.map { file in
      try #require(page.first { $0.hasPrefix("| [\(file)]") }, "the validation page has no \(file)")
        .replacing("](#", with: "](Validation.md#")
    }
    return ["| file | machine | compared | mean error | worst | not modelled |", "|---|---|--:|--:|--:|--:|"] + rows
  }

  private static func technologies() -> [String] {
    ["| technology | a channel | peak | how well known | source |", "|---|---|--:|---|---|"]
      + DRAMTechnology.all.map {
        "| \($0.name) | \($0.width) pins, \($0.bankGroups) × \($0.banksPerGroup) banks | \($0.channelBandwidth) | "
          + "\($0.certainty.rawValue) | \($0.source) |"
      }
  }

  private static func actions() -> [String] {
    func picojoules(_ value: Double) -> String { formatSignificant(value * 1e12, digits: 3) }
    let table = DRAMTechnology.all.map { technology in
      let e = technology.energies
      let row = e.activate.value / Double(technology.row.count)
      let cells = [
        technology.name, "\(e.activate)", picojoules(e.read.value / 8), picojoules(e.write.value / 8),
        picojoules((e.read.value + row) / 8), "\(e.refresh)", "\(e.background)", e.certainty.rawValue, e.source,
      ]
      return "| " + cells.joined(separator: " | ") + " |"
    }
    return [
      "| technology | a row | read, pJ/bit | write, pJ/bit | reading streams, pJ/bit | refresh | background "
        + "| how well known | source |",
      "|---|--:|--:|--:|--:|--:|--:|---|---|",
    ] + table
  }

  private static func hardware() -> [String] {
    MachineReader.schema().variants.flatMap { variant in
      ["### \(variant.word)", ""] + keys(variant.shape, KeyDescriptions.hardware) + [""]
    }.dropLast()
  }

  private static func trace() -> [String] {
    let (header, operators) = TraceReader.schema()
    let shared = operators.variants[0].shape.keys.filter { key in
      operators.variants.allSatisfy { $0.shape.keys.contains(key) }
    }
    return keys(header.root, KeyDescriptions.traceHeader) + ["", "## Keys of every operator", ""]
      + keys(operators.variants[0].shape, KeyDescriptions.traceOperator) { shared.contains($0) }
      + operators.variants.flatMap { variant in
        ["", "## \(variant.word)", ""]
          + keys(variant.shape, KeyDescriptions.traceOperator) { !shared.contains($0) }
      }
  }

  /// A table of a mapping's keys and those within them.
  private static func keys(
    _ shape: SchemaRecorder.Shape, _ texts: [String: String], where isIncluded: (String) -> Bool = { _ in true }
  ) -> [String] {
    ["| key | value | needed | |", "|---|---|---|---|"]
      + rows(shape, texts, []).filter { isIncluded(String($0.path.prefix { $0 != "." })) }.map(\.line)
  }

  private static func rows(
    _ shape: SchemaRecorder.Shape, _ texts: [String: String], _ path: [String]
  ) -> [(path: String, line: String)] {
    shape.keys.flatMap { key -> [(path: String, line: String)] in
      guard let child = shape.children[key] else { return [] }
      return row(child, key, isNeeded: shape.isRequired(key), texts, path)
    } + (shape.children["*"].map { row($0, "*", isNeeded: false, texts, path) } ?? [])
  }

  private static func row(
    _ shape: SchemaRecorder.Shape, _ key: String, isNeeded: Bool, _ texts: [String: String], _ path: [String]
  ) -> [(path: String, line: String)] {
    let place = path + [key]
    let name = place.joined(separator: ".")
    let text = SchemaRecorder.Shape.description(of: place, in: texts)?.text ?? ""
    let isConstant = shape.keys == ["value", "kind", "source"]
    let value = isConstant ? shape.children["value"] : shape
    let words = value.map { $0.keys.isEmpty ? $0.summary : "" } ?? ""
    let line = "| `\(name)` | \(isConstant ? "constant: " : "")\(words) | \(isNeeded ? "yes" : "") | \(text) |"
    guard !isConstant else { return [(name, line)] }
    let below = rows(shape, texts, place)
    let element = shape.children["[]"].map { rows($0, texts, place + ["[]"]) } ?? []
    return [(name, line)] + below + element
  }

  private static func diagnostics() throws -> [String] {
    let texts = try source("Tests/DiagnosticsTests/Fixtures/Goldens/diagnostics.txt")
    return try documentedCases("Sources/Diagnostics/DiagnosticCode.swift", "DiagnosticCode").flatMap { code in
      let parts = code.comment.split(separator: "", omittingEmptySubsequences: true).map { $0.joined(separator: " ") }
      #expect(parts.count == 2, "\(code.name) does not say what it means and how it is mended")
      let start = try #require(texts.firstIndex { $0.hasPrefix("== \(code.name): ") }, "no test tells \(code.name)")
      let example = texts[(start + 1)...].prefix { !$0.hasPrefix("== ") }.map {
        $0.replacingOccurrences(of: "FOLDER/", with: "")
      }
      let trimmed = example.reversed().drop(while: \.isEmpty).reversed()
      return ["## \(code.name)", ""] + [parts.joined(separator: " "), "", "```"] + trimmed + ["```", ""]
    }.dropLast()
  }
}
