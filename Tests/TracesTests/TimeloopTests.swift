import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

@Suite struct TimeloopTests {
  /// A convolution with Timeloop's names, in either spelling.
  private func layer(_ instance: String, separator: String = "_") -> String {
    """
    problem:
      version: 0.4
      instance: {\(instance)}
      shape:
        name: layer
        dimensions: [C, M, R, S, N, P, Q, G]
        coefficients:
        - {name: Wstride, default: 1}
        - {name: Hstride, default: 1}
        - {name: Wdilation, default: 1}
        - {name: Hdilation, default: 1}
        data\(separator)spaces:
        - name: Weights
          projection: [[[G]], [[C]], [[M]], [[R]], [[S]]]
        - name: Inputs
          projection: [[[N]], [[G]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]
        - name: Outputs
          projection: [[[N]], [[G]], [[M]], [[Q]], [[P]]]
          read\(separator)write: true
    """
  }

  private let product = """
    problem:
      instance: {M: 8, N: 12, K: 64, densities: {DENSITIES}}
      shape:
        name: gemm
        dimensions: [M, N, K]
        data_spaces:
        - {name: A, projection: [[[M]], [[K]]]}
        - {name: B, projection: [[[N]], [[K]]]}
        - {name: Z, projection: [[[M]], [[N]]], read_write: true}
    """

  @Test(arguments: ["_", "-"]) func `a convolution is as large as its windows reach, in both spellings`(
    separator: String
  ) throws {
    let text = layer(
      "C: 6, M: 8, R: 3, S: 5, N: 2, P: 10, Q: 7, G: 2, WStride: 2, Hdilation: 3", separator: separator)
    let op = try read(text).workload.operators[0]
    #expect(
      op.kind
        == .convolution(
          Convolution(
            batch: 2, inputChannels: 12, outputChannels: 16, input: Extent(9 * 2 + 3, 6 + 4 * 3 + 1),
            kernel: Extent(3, 5), stride: Extent(2, 1), dilation: Extent(1, 3), groups: 2)))
    #expect(op.denseMACs == 6 * 8 * 3 * 5 * 2 * 10 * 7 * 2)
  }

  /// Whatever the sizes, the loops run as often as the operator multiplies.
  @Test func `multiply-accumulates are the product of all loops`() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<50 {
      let loops = ["C", "M", "R", "S", "N", "P", "Q", "G"].map { ($0, Int.random(in: 1...6, using: &random)) }
      let strides =
        "Wstride: \(Int.random(in: 1...3, using: &random)), Hdilation: \(Int.random(in: 1...3, using: &random))"
      let text = layer(loops.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + ", " + strides)
      #expect(try read(text).workload.denseMACs == loops.reduce(1) { $0 * $1.1 }, "\(loops) \(strides)")
    }
  }

  @Test(arguments: [
    ("A: 0.25", OperandSparsity(weights: .unstructured(zeros: 0.75))),
    ("B: {density: 0.3, distribution: hypergeometric}", OperandSparsity(activations: .unstructured(zeros: 0.7))),
    ("A: {density: 0.5, distribution: fixed-structured}", OperandSparsity(weights: .structured(n: 2, m: 4))),
    ("A: {density: 0.375, distribution: fixed_structured}", OperandSparsity(weights: .structured(n: 3, m: 8))),
    ("A: {density: 0.3, distribution: fixed_structured}", OperandSparsity(weights: .unstructured(zeros: 0.7))),
    ("A: {density: 0.5, distribution: banded, band_width: 2}", OperandSparsity(weights: .unstructured(zeros: 0.5))),
    ("A: 1.0, Z: 0.5", OperandSparsity.dense),
  ]) func `densities become the patterns that say the same`(densities: String, expected: OperandSparsity) throws {
    let trace = try read(product.replacing("DENSITIES", with: densities))
    #expect(trace.workload.operators[0].kind == .gemm(GEMM(m: 8, n: 12, k: 64)))
    #expect(trace.workload.operators[0].sparsity == expected)
    // What a pattern does not say is warned about, where it stands.
    let isExact = densities == "A: 0.25" || densities.contains("hypergeometric")
    #expect(trace.warnings.map(\.code) == (isExact ? [] : [.unsupportedPattern]))
    #expect(trace.warnings.allSatisfy { $0.location?.line == 2 })
  }

  @Test func `a shape may be Timeloop's own, or have no windows`() throws {
    let named = "problem: {shape: cnn-layer, C: 4, M: 8, R: 3, S: 3, P: 5, Q: 5}"
    #expect(try read(named).workload.denseMACs == 4 * 8 * 9 * 25)
    let eyeriss = "problem:\n  instance: {C: 4, M: 8, R: 3, S: 3, E: 5, F: 5, N: 2}\n"
    #expect(try read(eyeriss).workload.denseMACs == 2 * 4 * 8 * 9 * 25)
    let connected = "problem:\n  instance: {C: 40, M: 8, P: 6}\n"
    #expect(try read(connected).workload.operators[0].kind == .gemm(GEMM(m: 8, n: 6, k: 40)))
  }

  @Test func `what is around a problem is skipped and said`() throws {
    let text = "architecture: {version: 0.4}\nmapper: {}\n" + layer("C: 4, M: 4")
    #expect(
      try read(text).workload.skipped == [
        Workload.Skipped(reason: "what describes no problem", count: 2, examples: ["architecture", "mapper"])
      ])
  }

  // MARK: Includes

  private static let base = """
    problem_base: &problem_base
      version: 0.4
      shape:
        name: layer
        dimensions: [C, M, P]
        data_spaces:
        - {name: Weights, projection: [[[C]], [[M]]]}
        - {name: Inputs, projection: [[[C]], [[P]]]}
        - {name: Outputs, projection: [[[M]], [[P]]], read_write: true}
      instance: {C: 2, M: 3, P: 5}

    """

  private func write(_ files: [String: String], in folder: String) throws {
    for (name, text) in files { try OutputFile.write(Array(text.utf8), to: folder + "/" + name) }
  }

  @Test func `texts are included and merged, the file's own sizes winning`() throws {
    try withTemporaryFolder { folder in
      try OutputFile.makeFolder(folder + "/net")
      try write(
        [
          "base.yaml": Self.base,
          "net/0.yaml": "{{include_text('../base.yaml')}}\nproblem:\n  <<<: *problem_base\n  instance: {M: 7}\n",
          "net/1.yaml": "{{ include_text(\"../base.yaml\") }}\nproblem:\n  <<: *problem_base\n  instance: {M: 7}\n",
        ], in: folder)
      #expect(try TraceReader.read(folder + "/net/0.yaml").workload.denseMACs == 2 * 7 * 5)
      // YAML's own merge key takes a key as a whole.
      #expect(try TraceReader.read(folder + "/net/1.yaml").workload.denseMACs == 7)
    }
  }

  @Test func `a problem within an included file is told with its place there`() throws {
    try withTemporaryFolder { folder in
      try write(
        [
          "base.yaml": Self.base.replacing("P: 5}", with: "P: 0}"),
          "0.yaml": "# one\n{{include_text('base.yaml')}}\nproblem:\n  <<<: *problem_base\n",
        ], in: folder)
      let found = fileProblems(at: folder + "/0.yaml")
      #expect(found.map(\.code) == [.outOfRange])
      #expect(found.first?.location?.file == folder + "/base.yaml")
      #expect(found.first?.location?.line == 10 && found.first?.location?.column == 29)
    }
  }

  @Test func `a file that is not there leaves the usual names`() throws {
    try withTemporaryFolder { folder in
      try write(
        [
          "0.yaml":
            "{{include_text('../problem_base.yaml')}}\nproblem:\n  <<<: *problem_base\n  instance: {C: 3, M: 4}\n"
        ],
        in: folder)
      let trace = try TraceReader.read(folder + "/0.yaml")
      #expect(trace.workload.denseMACs == 12)
      #expect(trace.warnings.map(\.code) == [.unreadableFile])
      #expect(trace.warnings[0].location?.line == 1)
    }
  }

  @Test(arguments: [
    ("{{include_text('a.yaml')}}", DiagnosticCode.yamlSyntax),
    ("{{include_text('b.yaml')}}", .yamlSyntax),
    ("{{include_text('/etc/hosts.yaml')}}", .unreadableFile),
    ("{{include_text('secret.txt')}}", .unreadableFile),
    ("{{include_text('../../outside.yaml')}}", .unreadableFile),
    ("{{include_text('link.yaml')}}", .unreadableFile),
    ("{{include_text('folder.yaml')}}", .unreadableFile),
    ("{{ 3 * 4 }}", .yamlSyntax), ("{{include_text('a.yaml'", .yamlSyntax),
  ]) func `an include ends where it must`(include: String, code: DiagnosticCode) throws {
    try withTemporaryFolder { folder in
      for name in ["/one", "/one/two", "/one/two/folder.yaml"] { try OutputFile.makeFolder(folder + name) }
      let problem = "\nproblem:\n  instance: {C: 3}\n"
      try write(
        [
          "outside.yaml": "secret: 1\n", "one/two/secret.txt": "secret: 1\n", "one/two/a.yaml": include + problem,
          "one/two/b.yaml": "{{include_text('a.yaml')}}\n",
        ], in: folder)
      try TemporaryFolder.link(folder + "/outside.yaml", at: folder + "/one/two/link.yaml")
      let found = fileProblems(at: folder + "/one/two/a.yaml")
      #expect(found.map(\.code) == [code])
      #expect(found.first?.location != nil)
      #expect(found.first?.location?.lineText.contains("secret: 1") == false)
    }
  }

  @Test func `an input that is no file includes nothing`() {
    let found = problems("{{include_text('a.yaml')}}\nproblem:\n  instance: {C: 3}\n", name: "-")
    #expect(found.map(\.code) == [.unreadableFile])
  }

  @Test(arguments: [
    ("C: 4294967296", DiagnosticCode.outOfRange), ("C: 99999999999999999999", .outOfRange), ("C: 0", .outOfRange),
    ("C: -3", .outOfRange), ("C: many", .wrongType), ("X: 4", .unknownKey), ("C: 3, C: 4", .duplicateKey),
    ("C: 2147483648, M: 2147483648", .sizeOverflow), ("Wstride: 2147483648", .outOfRange),
    ("densities: {Weights: 0}", .outOfRange), ("densities: {Wights: 0.5}", .unknownKey),
  ]) func `hostile instances are told where they stand`(instance: String, code: DiagnosticCode) {
    let found = problems(layer(instance)).filter { $0.severity == .error }
    #expect(found.map(\.code) == [code])
    #expect(found.first?.location?.line == 3)
  }

  @Test func `nests that are no product are refused with the reason`() {
    let three = product.replacing("densities: {DENSITIES}", with: "").replacing(
      "    - {name: B,", with: "    - {name: X, projection: [[[N]]]}\n    - {name: B,")
    #expect(problems(three).map(\.code) == [.unsupportedOperator])
    let sum = product.replacing("densities: {DENSITIES}", with: "").replacing("[[[M]], [[N]]]", with: "[[[M], [N]]]")
    #expect(problems(sum).map(\.code) == [.unsupportedOperator])
    let unknown = product.replacing("densities: {DENSITIES}", with: "").replacing(
      "[[[N]], [[K]]]", with: "[[[N]], [[L]]]")
    #expect(problems(unknown).map(\.code) == [.unknownValue])
  }

  /// Aliases of aliases stand for more nodes than memory holds.
  @Test func `aliases cannot grow without end`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(problems(text + "problem: *a12\n").map(\.code) == [.tooLarge])
    #expect(!problems("problem: " + String(repeating: "[", count: 100_000)).isEmpty)
    #expect(!problems("problem: " + String(repeating: "{a: ", count: 5000)).isEmpty)
    #expect(problems(Array("problem: \"".utf8) + [0xFF, 0xFE]).map(\.code) == [.invalidText])
  }

  private func fileProblems(at path: String) -> [Diagnostic] {
    do throws(DiagnosticList) {
      _ = try TraceReader.read(path)
      Issue.record("this was read without a problem")
      return []
    } catch {
      return error.diagnostics
    }
  }
}
