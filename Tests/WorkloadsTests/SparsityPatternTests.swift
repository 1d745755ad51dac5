import Diagnostics
import Documents
import Testing
import Workloads

@Suite struct SparsityPatternTests {
  static let forms: [(text: String, pattern: SparsityPattern)] = [
    ("dense", .dense),
    ("2:4", .structured(n: 2, m: 4)),
    ("1:1", .structured(n: 1, m: 1)),
    ("8:1024", .structured(n: 8, m: 1024)),
    ("64:2:8", .vectorStructured(v: 64, n: 2, m: 8)),
    ("1:4:4", .vectorStructured(v: 1, n: 4, m: 4)),
    ("unstructured(0.7)", .unstructured(zeros: 0.7)),
    ("unstructured(0.0)", .unstructured(zeros: 0)),
    ("unstructured(1e-05)", .unstructured(zeros: 1e-5)),
    ("block(32x16, 0.95)", .block(rows: 32, columns: 16, zeros: 0.95)),
    ("16x", .bank(size: 64, rate: 16)),
    ("1x", .bank(size: 64, rate: 1)),
    ("64x", .bank(size: 64, rate: 64)),
    ("bank(32, 8x)", .bank(size: 32, rate: 8)),
    ("tile(128x64, 0.4, 2:4)", .tile(rows: 128, columns: 64, fraction: 0.4, n: 2, m: 4)),
    ("tile(1x1, 1.0, 4:4)", .tile(rows: 1, columns: 1, fraction: 1, n: 4, m: 4)),
    ("fan-in(7)", .fanIn(7)), ("wrapped(128, 2:4)", .wrapped(block: 128, n: 2, m: 4)),
    ("mask(weights.bin#encoder.0.fc1)", .mask(MaskReference(file: "weights.bin", tensor: "encoder.0.fc1"))),
    ("mask(a#b#c)", .mask(MaskReference(file: "a", tensor: "b#c"))),
  ]

  @Test(arguments: forms)
  func `every form prints as it is read`(text: String, pattern: SparsityPattern) throws {
    #expect(try SparsityPattern(parsing: text) == pattern)
    #expect(pattern.description == text)
  }

  @Test(arguments: [
    (" 2:4 ", "2:4"), ("bank( 32 ,8x )", "bank(32, 8x)"), ("bank(64, 16x)", "16x"),
    ("block (8x8,0.5)", "block(8x8, 0.5)"),
    ("unstructured(0)", "unstructured(0.0)"), ("tile(8x8,0,1:2)", "tile(8x8, 0.0, 1:2)"),
  ])
  func `spaces and the long form of a bank make no difference`(written: String, canonical: String) throws {
    #expect(try SparsityPattern(parsing: written).description == canonical)
  }

  @Test(arguments: [
    "", " ", "sparse", "Dense", "2", "x", "2:", ":4", "2:4:", "1:2:3:4", "a:b", "2.0:4", "2:4 weights",
    "99999999999999999999:4",
    "0x", "-2x", "1.5x", "16X", "unstructured", "unstructured()", "unstructured(0.1, 0.2)", "unstructured(0.7",
    "block(0.5)", "block(8x8)", "bank(64)", "bank(0, 2x)", "bank(-64, 2x)", "bank(64, 2)", "bank(64, 0x)",
    "bank(a, 2x)",
    "tile(8x8, 0.5)", "tile(8x8, 0.5, dense)", "tile(8x8, 0.5, 16x)", "tile(8x8, 0.5, 1:2:4)", "fan-in(0)",
    "fan-in(-1)", "wrapped(0, 2:4)", "wrapped(128)", "wrapped(128, 16x)",
    "fan-in(x)", "fan-in()", "mask(#tensor)", "mask(file#)", "mask()",
  ])
  func `what is no pattern is told so, with the grammar`(text: String) {
    let error = #expect(throws: SparsityPatternError.self) { try SparsityPattern(parsing: text) }
    #expect(error?.message.hasSuffix("is not a sparsity pattern") == true)
    #expect(error?.help == "write \(SparsityPattern.grammar)")
  }

  @Test(arguments: [
    ("5:4", "'5:4' cannot exist: of 4 elements, 5 cannot be kept"),
    ("0:4", "'0:4' cannot exist: of 4 elements, 0 cannot be kept"),
    ("-1:4", "'-1:4' cannot exist: of 4 elements, -1 cannot be kept"),
    ("0:0", "'0:0' cannot exist: of 0 elements, 0 cannot be kept"),
    ("2:2048", "'2:2048' has groups of 2048"),
    ("64:9:8", "'64:9:8' cannot exist: of 8 elements, 9 cannot be kept"),
    ("64:5:8", "'64:5:8' cannot exist: V:N:M selects four of M columns and keeps N of those four"),
    ("64:2:3", "'64:2:3' cannot exist: V:N:M selects four of M columns and keeps N of those four"),
    ("0:2:8", "'0:2:8' cannot exist: V:N:M selects four of M columns and keeps N of those four"),
    ("7x", "'7x' cannot exist: a bank of 64 cannot keep exactly 64/7 values"),
    ("128x", "'128x' cannot exist: a bank of 64 cannot keep exactly 64/128 values"),
    ("bank(48, 32x)", "'bank(48, 32x)' cannot exist: a bank of 48 cannot keep exactly 48/32 values"),
    ("bank(9223372036854775807, 1x)", "'bank(9223372036854775807, 1x)' has banks of 9223372036854775807"),
    ("unstructured(1)", "'1' is not a fraction of zeros"),
    ("unstructured(-0.1)", "'-0.1' is not a fraction of zeros"),
    ("unstructured(nan)", "'nan' is not a fraction of zeros"),
    ("unstructured(70%)", "'70%' is not a fraction of zeros"),
    ("block(8x8, 1.5)", "'1.5' is not a fraction of zeros"),
    ("block(8, 0.5)", "'8' is not an extent"),
    ("block(8x0, 0.5)", "'8x0' is not an extent"),
    ("block(8x8x8, 0.5)", "'8x8x8' is not an extent"),
    ("tile(ax8, 0.5, 2:4)", "'ax8' is not an extent"),
    ("tile(8x8, 1.1, 2:4)", "'1.1' is not a fraction of tiles"),
    ("tile(8x8, half, 2:4)", "'half' is not a fraction of tiles"),
    ("tile(8x8, 0.5, 5:4)", "'5:4' cannot exist: of 4 elements, 5 cannot be kept"),
  ])
  func `a pattern that cannot exist is refused with its numbers`(text: String, message: String) {
    let error = #expect(throws: SparsityPatternError.self) { try SparsityPattern(parsing: text) }
    #expect(error?.message == message)
    #expect(error?.help.isEmpty == false)
  }

  @Test(arguments: [
    "dense()", "dense(2)", "unstructured(0.7,)", "bank(64,,16x)", "fan-in(,7)", "16x()", "2:4()", "mask(a#b,)",
  ])
  func `an argument too many or an empty one is refused`(text: String) {
    #expect(throws: SparsityPatternError.self) { try SparsityPattern(parsing: text) }
  }

  @Test(arguments: [
    ("a: 2:4", SparsityPattern.structured(n: 2, m: 4)), ("a: 1:10", .structured(n: 1, m: 10)),
    ("a: 64:2:8", .vectorStructured(v: 64, n: 2, m: 8)), ("a: '2:4'", .structured(n: 2, m: 4)),
    ("a: 16x", .bank(size: 64, rate: 16)), ("a: unstructured(0.7)", .unstructured(zeros: 0.7)),
    // Base 60 would read these as 90 and as 3723.
    ("a: 1:30", .structured(n: 1, m: 30)), ("a: 1:2:3", nil),
  ])
  func `YAML does not turn a ratio into a number of base 60`(text: String, expected: SparsityPattern?) throws {
    let source = SourceText(name: "a.yaml", text: text)
    let sink = DiagnosticSink()
    let node = try #require(try YAMLParser.parse(source)["a"])
    #expect(SparsityPattern.read(node, DocumentReader(source, sink: sink)) == expected)
    #expect(sink.diagnostics.map(\.code) == (expected == nil ? [.invalidPattern] : []))
  }

  @Test func `a pattern in a document is located, and other values are no patterns`() throws {
    let source = SourceText(name: "a.yaml", text: "a: 2:4\nb: 5:4\nc: [2, 4]\n")
    let sink = DiagnosticSink()
    let reader = DocumentReader(source, sink: sink)
    let root = try YAMLParser.parse(source)
    for key in ["a", "b", "c"] { _ = SparsityPattern.read(try #require(root[key]), reader) }
    #expect(sink.diagnostics.map(\.code) == [.invalidPattern, .wrongType])
    #expect(sink.diagnostics.map { $0.location?.line } == [2, 3])
    #expect(sink.diagnostics.map { $0.location?.column } == [4, 4])
  }

  @Test(arguments: [
    (SparsityPattern.dense, 1.0), (.structured(n: 2, m: 4), 0.5), (.structured(n: 2, m: 16), 0.125),
    (.vectorStructured(v: 64, n: 2, m: 8), 0.25), (.unstructured(zeros: 0.75), 0.25),
    (.block(rows: 8, columns: 8, zeros: 0.5), 0.5), (.bank(size: 64, rate: 16), 0.0625),
    (.tile(rows: 8, columns: 8, fraction: 0.5, n: 2, m: 4), 0.75),
    (.tile(rows: 8, columns: 8, fraction: 0, n: 2, m: 4), 1), (.fanIn(25), 0.25), (.fanIn(1000), 1),
  ])
  func `the kept fraction is that of the pattern`(pattern: SparsityPattern, fraction: Double) {
    #expect(pattern.keptFraction(alongReduction: 100) == fraction)
  }

  @Test func `only the file knows what a mask keeps`() {
    #expect(SparsityPattern.mask(MaskReference(file: "a", tensor: "b")).keptFraction(alongReduction: 64) == nil)
  }

  @Test(arguments: [2, 3, 4, 5, 8, 16, 17, 64, 1024])
  func `metadata tells every position of a group apart, in as few bits as do`(m: Int) {
    for pattern in [
      SparsityPattern.structured(n: 1, m: m), .bank(size: m, rate: 1),
      .tile(rows: 8, columns: 8, fraction: 0.5, n: 1, m: m),
    ] {
      #expect(1 << pattern.metadataBitsPerValue >= m)
      #expect(1 << (pattern.metadataBitsPerValue - 1) < m)
      #expect(pattern.group == m)
    }
  }

  @Test(arguments: [
    SparsityPattern.dense, .unstructured(zeros: 0.5), .block(rows: 8, columns: 8, zeros: 0.5), .fanIn(4),
    .mask(MaskReference(file: "a", tensor: "b")),
  ])
  func `patterns without groups have no fixed metadata and fit any length`(pattern: SparsityPattern) {
    #expect(pattern.metadataBitsPerValue == 0)
    #expect(pattern.group == nil)
  }

  @Test(arguments: 0...70)
  func `the logarithm rounded up is the bits that count`(count: Int) {
    var bits = 0
    while 1 << bits < count { bits += 1 }
    #expect(ceilLog2(count) == bits)
  }
}
