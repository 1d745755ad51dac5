import Foundation
import Testing

/// The order of the targets, read from `Package.swift`, against the imports of the sources.
@Suite struct LayeringTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Targets lowest first, as `layers` in the package's manifest lists them.
  private static let layers: [String] = {
    guard let manifest = try? String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8),
      let start = manifest.range(of: "let layers"),
      let list = manifest.range(of: "= [", range: start.upperBound..<manifest.endIndex),
      let end = manifest.range(of: "\n]\n", range: list.upperBound..<manifest.endIndex)
    else { return [] }
    // An entry is a parenthesis and, perhaps on the next line, the target's name.
    return manifest[list.upperBound..<end.lowerBound].matches(of: /\(\s*"(\w+)"\s*,/).map { String($0.output.1) }
  }()

  /// Every module a file imports, with the attributes and access levels that may stand before it.
  private static func imports(of file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      let line = line.drop { $0 == " " }
      return line.firstMatch(
        of:
          /^(?:@\w+ )*(?:public |package |internal |private )?import (?:(?:struct|enum|func|class|protocol|let|var) )?(\w+)/
      )
      .map { String($0.output.1) }
    }
  }

  private static func sources(_ folder: String) throws -> [URL] {
    let folder = root.appendingPathComponent(folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return names.filter { $0.hasSuffix(".swift") }.sorted().map { folder.appendingPathComponent($0) }
  }

  @Test func `the manifest lists the layers`() {
    #expect(Self.layers.first == "Quantities")
    #expect(Self.layers.last == "Lacuna")
    #expect(Self.layers.count >= 9)
    #expect(Set(Self.layers).count == Self.layers.count)
  }

  @Test func `every folder of Sources is a layer, a system library or the command line`() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Sources").path)
    let known = Set(Self.layers + ["CZstd", "CZlib", "lacuna-cli"])
    #expect(Set(folders).subtracting(known).isEmpty)
  }

  @Test(arguments: layers)
  func `a layer imports only what stands below it`(_ layer: String) throws {
    let position = try #require(Self.layers.firstIndex(of: layer))
    let forbidden = Set(Self.layers[position...] + ["ArgumentParser"])
    let files = try Self.sources("Sources/\(layer)")
    #expect(!files.isEmpty)
    for file in files {
      let wrong = forbidden.intersection(try Self.imports(of: file))
      #expect(wrong.isEmpty, "\(layer)/\(file.lastPathComponent) imports \(wrong.sorted())")
    }
  }

  @Test(arguments: layers + ["lacuna-cli"])
  func `no source needs Foundation`(_ target: String) throws {
    for file in try Self.sources("Sources/\(target)") {
      #expect(try !Self.imports(of: file).contains("Foundation"), "\(target)/\(file.lastPathComponent)")
    }
  }

  @Test(arguments: layers)
  func `a library neither prints nor exits`(_ layer: String) throws {
    for file in try Self.sources("Sources/\(layer)") {
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      for line in lines where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        let offends = line.contains(/(^|[^\w.])(print|exit|fatalError)\(|(^|\W)try!/)
        #expect(!offends, "\(layer)/\(file.lastPathComponent): \(line)")
      }
    }
  }

  @Test func `the command line imports only the public library`() throws {
    for file in try Self.sources("Sources/lacuna-cli") {
      let wrong = Set(Self.layers.dropLast()).intersection(try Self.imports(of: file))
      #expect(wrong.isEmpty, "\(file.lastPathComponent) imports \(wrong.sorted())")
    }
  }
}
