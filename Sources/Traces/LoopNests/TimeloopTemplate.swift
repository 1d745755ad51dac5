import Diagnostics
import Quantities

/// Puts the texts together that a Timeloop file includes: `{{include_text('../problem_base.yaml')}}`.
///
/// Only files of the folder above the file's own, and below that, are read. A file that is not there is warned about
/// and stands for an empty mapping of its name, which is what it would define by custom.
struct TimeloopTemplate {
  /// What is included ends here, whatever the files say.
  private static let mostFiles = 64
  private static let largestFile = 1 << 20

  private let sink: DiagnosticSink
  /// The folder that nothing is read from outside of; nil for an input that is no file.
  private let root: String?
  private var open: [String] = []
  private var files = 0

  /// The text with everything included.
  /// - Parameter isFile: whether the source's name is its path, so that there is a folder to include from.
  /// - Throws: `yaml-syntax` for other expressions, and what keeps a file from being included.
  static func expand(
    _ source: SourceText, isFile: Bool, sink: DiagnosticSink
  ) throws(DiagnosticList) -> SourceText {
    guard source.bytes.firstRange(of: Array("{{".utf8)) != nil else { return source }
    let path = isFile ? InputFile.canonical(source.name) : nil
    var template = TimeloopTemplate(
      sink: sink, root: path.map { InputFile.folder(of: InputFile.folder(of: $0)) }, open: path.map { [$0] } ?? [])
    return try template.expand(source)
  }

  private init(sink: DiagnosticSink, root: String?, open: [String]) {
    self.sink = sink
    self.root = root
    self.open = open
  }

  private mutating func expand(_ source: SourceText) throws(DiagnosticList) -> SourceText {
    let text = source.bytes
    var bytes: [UInt8] = []
    var pieces: [SourceText.Piece] = []
    func add(_ part: some Collection<UInt8>, from piece: SourceText, at offset: Int) {
      guard !part.isEmpty else { return }
      pieces.append(SourceText.Piece(range: bytes.count..<bytes.count + part.count, source: piece, offset: offset))
      bytes += part
    }
    var start = 0
    while let begin = text[start...].firstRange(of: Array("{{".utf8))?.lowerBound {
      guard let end = text[begin...].firstRange(of: Array("}}".utf8))?.upperBound else {
        throw problem(.yamlSyntax, "the expression that begins here has no end", source, begin..<begin + 2)
      }
      add(text[start..<begin], from: source, at: start)
      if let included = try include(source, begin..<end) {
        add(included.bytes, from: included, at: 0)
      } else {
        add(standIn(source, begin..<end), from: source, at: begin)
      }
      start = end
    }
    add(text[start...], from: source, at: start)
    return SourceText(name: source.name, bytes: bytes, pieces: pieces)
  }

  /// The path between the quotes of `include_text('…')`.
  private func path(_ source: SourceText, _ range: Range<Int>) throws(DiagnosticList) -> String {
    let inner = String(decoding: source.bytes[range].dropFirst(2).dropLast(2), as: UTF8.self)
    let parts = inner.split(separator: #/['"]/#, omittingEmptySubsequences: false)
    let call = parts[0].filter { !$0.isWhitespace }
    guard parts.count == 3, call == "include_text(" || call == "include(", parts[2].filter({ !$0.isWhitespace }) == ")",
      !parts[1].isEmpty
    else {
      throw problem(
        .yamlSyntax, "this expression is not evaluated here", source, range,
        help: "only {{include_text('FILE')}} is; let Timeloop's front end write the file out")
    }
    return String(parts[1])
  }

  private mutating func include(_ source: SourceText, _ range: Range<Int>) throws(DiagnosticList) -> SourceText? {
    let path = try path(source, range)
    guard let root, let current = open.last else {
      throw problem(
        .unreadableFile, "'\(path)' cannot be included: this input is no file, so there is no folder to look in",
        source,
        range, help: "give the file's path")
    }
    guard !path.hasPrefix("/"), path.hasSuffix(".yaml") || path.hasSuffix(".yml") else {
      throw problem(
        .unreadableFile, "'\(path)' is not included: it must be a relative path that ends in .yaml or .yml", source,
        range)
    }
    guard let file = InputFile.canonical(InputFile.folder(of: current) + "/" + path) else {
      sink.report(
        Diagnostic(
          .unreadableFile, "'\(path)' is not there to be included, and is taken as empty",
          at: source.location(of: range), severity: .warning,
          help: "put it beside the file as it is in Timeloop's folders"))
      return nil
    }
    guard file.hasPrefix(root == "/" ? root : root + "/") else {
      throw problem(
        .unreadableFile, "'\(path)' is not included: it lies outside of the folder above this file", source, range,
        help: "copy it there")
    }
    guard !open.contains(file) else {
      throw problem(.yamlSyntax, "'\(path)' includes itself", source, range)
    }
    files += 1
    guard files <= Self.mostFiles else {
      throw problem(.tooLarge, "more than \(Self.mostFiles) files are included", source, range)
    }
    let name = source.name.contains("/") ? InputFile.folder(of: source.name) + "/" + path : path
    let raw: SourceText
    do {
      raw = try InputFile.load(file, limit: Bytes(Int64(Self.largestFile)))
    } catch {
      throw problem(
        .unreadableFile, error.diagnostics.first?.message ?? "'\(path)' cannot be read", source, range)
    }
    open.append(file)
    defer { open.removeLast() }
    return try expand(SourceText(name: name, bytes: raw.bytes))
  }

  /// `problem_base: &problem_base {}` for `problem_base.yaml`.
  private func standIn(_ source: SourceText, _ range: Range<Int>) -> [UInt8] {
    let text = String(decoding: source.bytes[range], as: UTF8.self)
    let file = text.split(separator: #/['"]/#).dropFirst().first ?? ""
    let stem = (file.split(separator: "/").last ?? "").split(separator: ".").first ?? ""
    guard !stem.isEmpty, stem.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
    else { return [] }
    return Array("\(stem): &\(stem) {}".utf8)
  }

  private func problem(
    _ code: DiagnosticCode, _ message: String, _ source: SourceText, _ range: Range<Int>, help: String? = nil
  ) -> DiagnosticList {
    DiagnosticList(Diagnostic(code, message, at: source.location(of: range), help: help))
  }
}
