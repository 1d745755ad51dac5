import Goldens
import Lacuna
import Testing

@Suite struct BadTableTests {
  private static let gemm = Samples.tables[0].text
  private static let header = gemm.prefix { $0 != "\n" }

  /// A mistake, the table that has it, and the codes it is told under.
  static let tables: [(title: String, text: String, codes: [DiagnosticCode])] = [
    ("nothing", "\n,,\n", [.emptyFile]),
    ("a header only", header + "\n", [.emptyFile]),
    ("other columns", "image,label\n1,cat\n", [.unknownFormat]),
    ("a misspelt column", gemm.replacing("dense_mhz,s", with: "dens_mhz,s"), [.missingKey]),
    ("missing columns", gemm.replacing("_w,", with: "_watts,"), [.missingKey, .missingKey]),
    ("a column twice", gemm.replacing("layer,", with: "k,"), [.missingKey, .duplicateKey]),
    (
      "predictions that are already there",
      Samples.tables[3].text.replacing("us\n", with: "us,predicted_us\n").replacing("1024,9", with: "1024,9,9"),
      [.duplicateKey]
    ),
    (
      "everything wrong in some rows",
      """
      \(header)
      square,fp12,4096,4096,4096,220,700,1400,150,700,1500
      square,fp16,4096.5,-4096,,220,700,1400,150,700,1500
      square,fp16,4096,4096,4096,fast,700,1400,-150,0,nan
      square,fp16,4096,4096,4096,220,700
      square,fp16,4096,4096,4098,220,700,1400,150,700,1500
      square,fp16,2000000000,2000000000,2000000000,220,700,1400,150,700,1500
      """,
      [
        .unknownValue, .wrongType, .outOfRange, .wrongType, .wrongType, .outOfRange, .outOfRange, .wrongType,
        .csvSyntax,
        .indivisiblePattern, .sizeOverflow,
      ]
    ),
    ("a flag that is none", Samples.tables[1].text.replacing("2048,1,", with: "2048,yes,"), [.unknownValue]),
    (
      "attention of another kind", Samples.tables[2].text.replacing("flex_block,0.5", with: "flexblock,1.5"),
      [.outOfRange, .unknownValue]
    ),
    ("blocks without a size", Samples.tables[2].text.replacing(",128,1,", with: ",,1,"), [.wrongType]),
    ("an operator nobody measured", Samples.tables[3].text.replacing("softmax", with: "sofmax"), [.unknownValue]),
    ("a shape without a unit", Samples.tables[3].text.replacing("4096x1024", with: "4096"), [.wrongType]),
    ("a format that is none", Samples.tables[4].text.replacing("bsr", with: "bcsr"), [.unknownValue]),
    ("K that 2:4 does not divide", Samples.tables[5].text.replacing("1024,", with: "1023,"), [.indivisiblePattern]),
    ("heads that do not divide", Samples.tables[6].text.replacing("4096,16,", with: "4096,15,"), [.inconsistentShape]),
    ("layers without end", Samples.tables[6].text.replacing("decoder,2", with: "decoder,2000000"), [.outOfRange]),
    (
      "sizes that overflow", Samples.tables[6].text.replacing("1,512,1024", with: "2000000000,2000000000,1024"),
      [.sizeOverflow]
    ),
    (
      "figures that say nothing",
      """
      \(Samples.tables[7].text.prefix { $0 != "\n" })
      bert-larg,,,,2:4,,,,speedup,1.5,,,published,paper
      bert-large,,128,,2:4,,,,speedup,1.5,,,published,paper
      bert-large,12,,,2:4,,,,speedup,1.5,,,published,paper
      1024x1024x1022,,,fp16,2:4,,,,speedup,1.5,,,published,paper
      1024x1024x1024,,,,2:4,,,,speedup,1.5,,,published,paper
      1024x1024x1024,8,,fp16,2:4,,,,speedup,1.5,,,published,paper
      1024x1024x1024,,,fp16,2:5:9,,,,sped-up,1.5,,,publishd,paper
      1024x1024x1024,,,fp12,2:4,bdwq,,,speedup,fast,,,published,paper
      1024x1024x1024,,,fp16,2:4,,,,speedup,1.5,1.6,1.7,published,paper
      1024x1024x1024,,,fp16,2:4,,,,speedup,,1.7,1.6,published,paper
      1024x1024x1024,,,fp16,2:4,,,,speedup,1.5,1.4,,published,paper
      1024x1024x1024,,,fp16,2:4,,,,speedup,,,,published,
      1024x1024x1024,,,fp16,2:4,,,,speedup,,,,published,paper
      1024x1024x1024,,,fp16,2:4,,64x64x64,,time_us,5,,,published,paper
      1024x1024x1024,,,fp16,conv*:weights=2:4,,,,speedup,1.5,,,published,paper
      resnet18,,,fp16,2:8,bdwp,resnet18;resnet50,,speedup,1.5,,,published,paper
      """,
      [
        .unknownValue, .inconsistentShape, .indivisiblePattern, .wrongType, .invalidPattern, .outOfRange,
        .matchesNothing,
      ]
    ),
  ]

  private static func problems(_ text: String) -> [Diagnostic] {
    do throws(DiagnosticList) {
      _ = try ReferenceFile(SourceText(name: "mine.csv", text: text))
      return []
    } catch {
      return error.diagnostics
    }
  }

  @Test(arguments: tables.indices)
  func `what is wrong with a table is told all at once`(_ index: Int) {
    let (title, text, codes) = Self.tables[index]
    let problems = Self.problems(text)
    #expect(Set(problems.map(\.code)) == Set(codes), "\(title): \(problems)")
    #expect(problems.count >= codes.count, "\(title): \(problems)")
  }

  @Test func `what is said about every bad table reads as recorded`() throws {
    let text = Self.tables.map { title, text, _ in
      "== \(title)\n\(DiagnosticRenderer.render(Self.problems(text)))\n"
    }.joined(separator: "\n")
    try Golden.check(text, "bad-tables.txt")
  }

  @Test func `bytes that are no text are told with their line`() {
    let source = SourceText(name: "mine.csv", bytes: Array("op,shape,us\nsum,1MiB,".utf8) + [0xFF, 0x0A])
    let error = #expect(throws: DiagnosticList.self) { try ReferenceFile(source) }
    #expect(error?.diagnostics.first?.code == .invalidText)
    #expect(error?.diagnostics.first?.location?.line == 2)
  }

  @Test func `a flood of problems ends`() {
    let rows = String(repeating: "square,fp12,x,x,x,x,x,x,x,x,x\n", count: 20_000)
    #expect(Self.problems(Self.header + "\n" + rows).count <= 1000)
  }

  @Test(arguments: [
    ("a,b", ["a", "b"]), (" a ,\tb", ["a", "b"]), ("\"a,b\",c", ["a,b", "c"]),
    ("\"a \"\"b\"\", c\",d", ["a \"b\", c", "d"]),
    ("5\" disk,b", ["5\" disk", "b"]), ("\"open,b", ["\"open,b"]), ("\"\",b", ["", "b"]),
    ("a,,b,", ["a", "", "b", ""]),
  ])
  func `cells are split at commas outside quotes`(_ line: String, _ cells: [String]) throws {
    let row = try #require(CSVDocument(SourceText(name: "t.csv", text: line + "\r\n")).rows.first)
    #expect(row.cells.map(\.text) == cells)
  }
}
