public import Diagnostics
import Workloads

/// Reads tensors whose zeros are wanted: safetensors and their sharded index, NumPy arrays, `.smtx` and MatrixMarket.
///
/// Binary files are read in parts, texts whole (and decompressed where they are compressed, up to 1 GiB).
public enum TensorReader {
  /// What the endings of files stand for.
  enum Format: String, CaseIterable {
    case safetensors
    case numpy = "npy"
    case smtx
    case matrixMarket = "mtx"
    case index = "json"

    static func named(_ path: String) -> Format? {
      var parts = path.split(separator: "/").last?.split(separator: ".").map(String.init) ?? []
      if let last = parts.last, ["zst", "gz"].contains(last) { parts.removeLast() }
      return parts.count > 1 ? parts.last.flatMap { Format(rawValue: $0) } : nil
    }
  }

  /// The tensors of a file, or of all such files of a folder: those of files with one tensor are called as the file.
  /// - Throws: `unreadable-file`, `unknown-format`, and every problem of the headers.
  public static func read(_ path: String) throws(DiagnosticList) -> [Tensor] {
    let folder = path.hasSuffix("/") ? path : path + "/"
    // A path that has names below it is a folder.
    let names = InputFile.names(inFolder: path).filter { !$0.hasPrefix(".") }
    guard !names.isEmpty else { return try file(path) }
    let files = names.filter { Format.named($0) != nil && Format.named($0) != .index }
    guard !files.isEmpty else {
      throw DiagnosticList(
        Diagnostic(
          .unknownFormat, "\(path) holds no file of tensors",
          help: "it needs files that end in .safetensors, .npy, .smtx or .mtx"))
    }
    var tensors: [Tensor] = []
    var problems: [Diagnostic] = []
    for name in files {
      do throws(DiagnosticList) { tensors += try file(folder + name) } catch { problems += error.diagnostics }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return tensors
  }

  private static func file(_ path: String) throws(DiagnosticList) -> [Tensor] {
    let input = try RandomAccessInput(path: path)
    let format = try detect(input)
    switch format {
    case .safetensors: return try Safetensors.tensors(input)
    case .numpy: return [try NumpyArray.tensor(input)]
    case .smtx, .matrixMarket, .index:
      let source = try InputFile.load(path)
      guard format == .index else { return try text(source, format) }
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      return try sharded(source) { (name) throws(DiagnosticList) in
        try Safetensors.tensors(try RandomAccessInput(path: folder + name))
      }
    }
  }

  /// The tensors of a file that is in memory; an index has none, for its shards are files.
  public static func read(_ bytes: [UInt8], name: String) throws(DiagnosticList) -> [Tensor] {
    let input = RandomAccessInput(bytes: bytes, name: name)
    let format = try detect(input)
    switch format {
    case .safetensors: return try Safetensors.tensors(input)
    case .numpy: return [try NumpyArray.tensor(input)]
    case .smtx, .matrixMarket: return try text(SourceText(name: name, bytes: bytes), format)
    case .index:
      _ = try Safetensors.shards(SourceText(name: name, bytes: bytes))
      return []
    }
  }

  private static func text(_ source: SourceText, _ format: Format) throws(DiagnosticList) -> [Tensor] {
    [format == .smtx ? try MatrixText.smtx(source) : try MatrixText.matrixMarket(source)]
  }

  private static func sharded(
    _ source: SourceText, open: (String) throws(DiagnosticList) -> [Tensor]
  ) throws(DiagnosticList) -> [Tensor] {
    let shards = try Safetensors.shards(source)
    var files: [String: [String: Tensor]] = [:]
    var tensors: [Tensor] = []
    for shard in shards {
      if files[shard.file] == nil {
        files[shard.file] = Dictionary(
          uniqueKeysWithValues: try open(shard.file).map { ($0.name, $0) })
      }
      guard let tensor = files[shard.file]?[shard.tensor] else {
        throw DiagnosticList(
          Diagnostic(
            .unknownTensor, "'\(shard.file)' holds no tensor '\(shard.tensor)'",
            at: source.location(of: shard.range), help: "the index and its files are of different models"))
      }
      tensors.append(tensor)
    }
    return tensors
  }

  /// By the file's name, or where that says nothing by its first bytes.
  private static func detect(_ input: RandomAccessInput) throws(DiagnosticList) -> Format {
    let start = input.bytes(at: 0, count: min(64, input.size)) ?? []
    guard !start.isEmpty else { throw DiagnosticList(Diagnostic(.emptyFile, "\(input.name) is empty")) }
    if let format = Format.named(input.name) { return format }
    if start.starts(with: NumpyArray.magic) { return .numpy }
    if start.starts(with: MatrixText.banner.utf8) { return .matrixMarket }
    let brace = UInt8(ascii: "{")
    if start.count > 8, start[8] == brace, start[0] != brace || start[4..<8].allSatisfy({ $0 == 0 }) {
      return .safetensors
    }
    if start[0] == brace { return .index }
    if (0x30...0x39).contains(start[0]) { return .smtx }
    throw DiagnosticList(
      Diagnostic(
        .unknownFormat, "\(input.name) is no file of tensors that is read here",
        notes: ["read: safetensors and their index.json, NumPy .npy, .smtx, MatrixMarket .mtx"]))
  }

  /// A file's name without folders and endings.
  static func stem(_ path: String) -> String {
    var parts = (path.split(separator: "/").last ?? "tensor").split(separator: ".", omittingEmptySubsequences: false)
    while parts.count > 1, let last = parts.last, ["zst", "gz", "npy", "smtx", "mtx"].contains(last) {
      parts.removeLast()
    }
    return parts.joined(separator: ".")
  }
}

extension [Tensor] {
  /// Those that have rows and columns and names that fit a glob; all names without one.
  public func chosen(by glob: String?) -> [Tensor] {
    filter { tensor in tensor.isMatrix && (glob.map { tensor.name.fits(glob: $0) } ?? true) }
  }

  /// The tensor of a name; an empty name is the only one there is.
  /// - Throws: `unknown-tensor`, with the nearest name.
  public func named(_ name: String, in file: String) throws(DiagnosticList) -> Tensor {
    if name.isEmpty, count == 1 { return self[0] }
    if let tensor = first(where: { $0.name == name }) { return tensor }
    let names = map(\.name)
    throw DiagnosticList(
      Diagnostic(
        .unknownTensor,
        name.isEmpty ? "\(file) holds \(count) tensors, and none is named" : "\(file) holds no tensor '\(name)'",
        notes: ["it holds \(names.prefix(5).joined(separator: ", "))" + (count > 5 ? ", …" : "")],
        help: nearest(to: name, among: names).map { "did you mean '\($0)'?" }
          ?? "name one after '#'; lacuna trace sparsity \(file) lists them"))
  }
}
