import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

/// Inputs that are broken on purpose: whatever happens, it must be a diagnostic.
@Suite struct HostileInputTests {
  private static let samples: [(name: String, text: String)] = [
    (
      "jsonl",
      """
      {"lacuna_trace":1,"name":"n\\u00e9","source":"s","skipped":[{"reason":"r","count":1,"examples":["e"]}]}
      {"name":"a","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"sparsity":{"weights":"2:4"}}
      {"name":"b","kind":"convolution","dtype":"int8","in_channels":3,"out_channels":8,"height":9,"width":9,"kernel":[3,3],"deps":[0]}
      """
    ),
    (
      "config",
      """
      {"model_type": "llama", "hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 3, "tie": null,
       "num_attention_heads": 4, "vocab_size": 100, "torch_dtype": "bfloat16", "theta": 1e4, "flag": true}
      """
    ),
    (
      "csv",
      """
      Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
      a, 8, 8, 3, 3, 4, 16, 1,
      """
    ),
    ("trace", fixture), ("trace", kineto),
  ]

  private static var kineto: String {
    var trace = KinetoFixture()
    trace.call("aten::relu", id: 1, at: 10.5, [([2, 4], "float")])
    trace.kernel("k", at: 12, for: 3, #""External id":1"#)
    return trace.text
  }

  private static var fixture: String {
    var trace = PyTorchFixture()
    let x = PyTorchFixture.Tensor(shape: [2, 4, 8], storage: 1)
    trace.call(
      "aten::linear", [.tensor(x), .tensor(PyTorchFixture.Tensor(shape: [6, 8], storage: 2)), .none],
      [PyTorchFixture.Tensor(shape: [2, 4, 6], storage: 3)], signature: PyTorchFixture.linearSignature)
    return trace.text
  }

  /// Reads bytes; a problem is fine, and must come with a message.
  private func survive(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
    do throws(DiagnosticList) {
      let trace = try TraceReader.read(SourceText(name: "hostile", bytes: bytes))
      #expect(!trace.workload.operators.isEmpty, "\(what())")
      for operation in trace.workload.operators { #expect(operation.shapeProblems().isEmpty, "\(what())") }
    } catch {
      #expect(error.hasErrors && error.diagnostics.allSatisfy { !$0.message.isEmpty }, "\(what())")
    }
  }

  @Test(arguments: samples.indices) func `a file cut at any byte is a located error or a shorter trace`(sample: Int) {
    let bytes = Array(Self.samples[sample].text.utf8)
    for length in 0..<bytes.count { survive(Array(bytes[..<length]), "cut at \(length)") }
  }

  @Test(arguments: samples.indices) func `a JSON file that ends too early is never read`(sample: Int) {
    let (name, text) = Self.samples[sample]
    guard name == "config" || name == "trace" else { return }
    let bytes = Array(text.utf8)
    for length in 1..<bytes.count {
      let found = problems(Array(bytes[..<length]))
      #expect(found.allSatisfy { $0.code == .jsonSyntax && $0.location != nil }, "cut at \(length)")
    }
  }

  @Test(arguments: samples.indices, 0..<8 as Range<UInt64>)
  func `damaged bytes never crash a reader`(sample: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = Array(Self.samples[sample].text.utf8)
    for round in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: damaged.indices, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged[position] = UInt8.random(in: 0 ... .max, using: &generator)
        case 1: damaged.remove(at: position)
        case 2: damaged.insert(contentsOf: Array("99999999999999999999".utf8), at: position)
        default: damaged[position] = Array("{}[],:\"-0e.".utf8).randomElement(using: &generator) ?? 0
        }
      }
      survive(damaged, "seed \(seed), round \(round)")
    }
  }

  @Test(arguments: ["[", "{\"a\":", "{\"lacuna_trace\":1,\"skipped\":["]) func `deep nesting is refused`(open: String) {
    let found = problems("{\"x\":" + String(repeating: open, count: 100_000))
    #expect(found.map(\.code) == [.jsonSyntax])
    #expect(found[0].message.contains("128"))
  }

  @Test func `text that is not UTF-8 is located`() {
    let header = Array("{\"lacuna_trace\":1}\n{\"name\":\"".utf8)
    let found = problems(header + [0xFF, 0xFE] + Array("\",\"kind\":\"gemm\"}".utf8))
    #expect(found.map(\.code) == [.jsonSyntax])
    #expect(found[0].location?.line == 2 && found[0].location?.column == 10)
    let table = Array("Layer,M,N,K\nfc".utf8) + [0xC3, 0x28] + Array(",1,2,3\n".utf8)
    #expect(problems(table).map { $0.location?.line } == [2])
  }

  @Test(arguments: ["", " \n\t ", "\u{FEFF}"]) func `nothing is an empty file`(text: String) {
    #expect(problems(text).map(\.code) == [.emptyFile])
  }

  @Test(arguments: ["hello", "[1,2,3]", "a,b,c\n1,2,3", "{}", #"{"a":1}"#, "\u{0}\u{1}\u{2}"])
  func `anything else is an unknown format that lists the known ones`(text: String) {
    let found = problems(text)
    #expect(found.map(\.code) == [.unknownFormat])
    #expect(found[0].notes.count == TraceFormat.allCases.count)
  }

  @Test func `a key that appears twice is refused in every JSON format`() {
    #expect(
      problems("{\"lacuna_trace\":1,\"name\":\"a\",\"name\":\"b\"}").contains { $0.code == .duplicateKey })
    #expect(problems(#"{"model_type":"llama","vocab_size":1,"vocab_size":2}"#).map(\.code) == [.duplicateKey])
    #expect(problems(#"{"schema":"1.0.1","nodes":[],"nodes":[]}"#).map(\.code) == [.duplicateKey])
  }

  @Test(.timeLimit(.minutes(1))) func `a flood of problems ends in time`() {
    let many = 20_000
    let nodes = problems("{\"schema\":\"1.0.1\",\"nodes\":[" + String(repeating: "7,", count: many) + "7]}")
    #expect(nodes.count == 500)
    let columns = problems("Layer,M,N,K" + String(repeating: ",x", count: many) + "\n")
    #expect(columns.count == 51 && columns.last?.code == .emptyTrace)
    let rows = problems("Layer,M,N,K\n" + String(repeating: "a,b,c,d\n", count: many))
    #expect((500..<510).contains(rows.count))
    let keys = (0..<3000).map { "\"k\($0)\":0" }.joined(separator: ",")
    let unknown = problems("{\"lacuna_trace\":1,\"skipped\":[{\(keys)}]}")
    #expect(unknown.count < 1100 && unknown.contains { $0.code == .unknownKey })
  }

  @Test func `operators that are each countable but not together are refused`() {
    let line = #"{"name":"a","kind":"gemm","dtype":"fp16","m":131072,"n":131072,"k":524288}"# + "\n"
    let found = problems("{\"lacuna_trace\":1}\n" + String(repeating: line, count: 1500))
    #expect(found.map(\.code) == [.sizeOverflow])
  }

  @Test func `nodes that are their own ancestors are read once`() throws {
    let relu = { (id: Int, parent: Int) in
      """
      {"name": "aten::relu", "id": \(id), "parent": \(parent), "inputs": [[1, 2, 0, 8, 2, "cuda:0"]],
       "input_shapes": [[8]], "input_types": ["Tensor(c10::Half)"], "outputs": [], "output_shapes": [], "output_types": []}
      """
    }
    let text = "{\"schema\":\"1.0.1\",\"nodes\":[\(relu(5, 6)),\(relu(6, 5)),\(relu(7, 7)),\(relu(7, 7))]}"
    #expect(try !read(text).workload.operators.isEmpty)
  }
}
