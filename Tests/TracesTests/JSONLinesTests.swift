import Diagnostics
import Documents
import Testing
import Traces
import Workloads

@Suite struct JSONLinesTests {
  let header = #"{"lacuna_trace":1,"name":"n","source":"s"}"#
  let gemm = #"{"name":"a","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16}"#

  @Test func `defaults fill what a line leaves out`() throws {
    let lines = [
      header, gemm, "",
      #"{"name":"c","kind":"convolution","dtype":"int8","in_channels":3,"out_channels":8,"height":9,"width":9,"kernel":3}"#,
      #"{"name":"t","kind":"attention","dtype":"bf16","heads":4,"query_length":7,"head_dim":16,"deps":[0]}"#,
    ]
    let workload = try read(lines.joined(separator: "\r\n")).workload
    #expect(
      workload.operators == [
        Operator(name: "a", kind: .gemm(GEMM(m: 4, n: 8, k: 16)), dataType: .fp16),
        Operator(
          name: "c",
          kind: .convolution(
            Convolution(inputChannels: 3, outputChannels: 8, input: Extent(9, 9), kernel: Extent(3, 3))),
          dataType: .int8),
        Operator(
          name: "t", kind: .attention(Attention(batch: 1, heads: 4, queryLength: 7, headDimension: 16)),
          dataType: .bf16, dependencies: [0]),
      ])
  }

  @Test func `a byte order mark and a header without names are fine`() throws {
    let trace = try read("\u{FEFF}{\"lacuna_trace\":1}\n" + gemm, name: "folder/net.v2.jsonl.zst")
    #expect(trace.workload.name == "net.v2")
    #expect(trace.workload.operators.count == 1)
  }

  @Test func `all problems of a file are reported at once, each in its place`() {
    let found = problems(
      [
        header,
        #"{"name":"a","kind":"gem","dtype":"fp16","m":4,"n":8,"k":16}"#,
        #"{"name":"b","kind":"gemm","dtype":"fp17","m":4,"n":8,"k":16}"#,
        #"{"name":"c","kind":"gemm","dtype":"fp16","m":0,"n":-3,"k":16}"#,
        #"{"name":"d","kind":"gemm","dtype":"fp16","m":4,"n":8}"#,
        #"{"name":"e","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"bach":2}"#,
        #"{"name":"f","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":18,"sparsity":{"weights":"2:4"}}"#,
        #"{"name":"g","kind":"gemm","dtype":"fp16","m":4,"n":8,"k":16,"deps":[6,-1]}"#,
        #"{"name":"h","kind":"gemm","dtype":"fp16","m":4,"m":8,"n":8,"k":16}"#,
        #"{"name":"i","kind":"gemm","dtype":"fp16","m":"4","n":8.5,"k":99999999999999999999}"#,
        #"{"name":"j","kind":"gemm","dtype":"fp16","m":9000000000000000000,"n":9000000000000000000,"k":9}"#,
        #"{"name":"k","kind":"gemm""#,
      ].joined(separator: "\n"))
    let places = found.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0) \($0.code.rawValue)" }
    #expect(
      places == [
        "2:20 unknown-value", "3:35 unknown-value", "4:46 out-of-range", "4:52 out-of-range", "5:1 missing-key",
        "6:61 unknown-key", "7:72 indivisible-pattern", "8:69 dangling-dependency", "8:71 dangling-dependency",
        "9:48 duplicate-key", "10:46 wrong-type", "10:54 wrong-type", "10:62 out-of-range", "11:9 size-overflow",
        "12:26 json-syntax",
      ])
    #expect(found[0].help == "did you mean 'gemm'?")
    #expect(found[5].help == "did you mean 'batch'?")
    #expect(found[6].message.contains("groups of 4") && found[6].message.contains("18"))
  }

  @Test func `an operator that depends on itself or on a later one dangles`() {
    let line = #"{"name":"a","kind":"softmax","dtype":"fp16","rows":4,"width":8,"deps":[0]}"#
    let found = problems(header + "\n" + line)
    #expect(found.map(\.code) == [.danglingDependency])
    #expect(found[0].location?.column == 72)
  }

  @Test func `operators without a header say which line is missing`() {
    let found = problems(gemm + "\n" + gemm)
    #expect(found.map(\.code) == [.missingKey])
    #expect(found[0].help?.contains("lacuna_trace") == true)
  }

  @Test func `a header alone is an empty trace`() {
    #expect(problems(header).map(\.code) == [.emptyTrace])
  }

  @Test func `a newer version is read with a warning, its new keys ignored`() throws {
    let trace = try read(
      #"{"lacuna_trace":2,"name":"n","colour":"red"}"# + "\n"
        + #"{"name":"a","kind":"softmax","dtype":"fp16","rows":4,"width":8,"future":1}"#)
    #expect(trace.warnings.map(\.code) == [.unknownSchema])
    #expect(trace.warnings[0].message.contains("2") && trace.warnings[0].message.contains("1"))
    #expect(trace.workload.operators.count == 1)
  }

  @Test(arguments: [
    (#""padding":2"#, Padding(vertical: 2, horizontal: 2)),
    (#""padding":[1,2]"#, Padding(vertical: 1, horizontal: 2)),
    (#""padding":[1,2,3,4]"#, Padding(top: 1, bottom: 2, left: 3, right: 4)),
  ]) func `padding is one, two or four numbers`(text: String, padding: Padding) throws {
    let line =
      #"{"name":"c","kind":"convolution","dtype":"fp16","in_channels":3,"out_channels":8,"height":9,"width":9,"kernel":[1,3],"#
    let workload = try read(header + "\n" + line + text + "}").workload
    guard case .convolution(let convolution) = workload.operators[0].kind else {
      Issue.record("not a convolution")
      return
    }
    #expect(convolution.padding == padding)
    #expect(convolution.kernel == Extent(1, 3))
  }

  @Test func `a filter larger than its input points at the filter`() {
    let line =
      #"{"name":"c","kind":"convolution","dtype":"fp16","in_channels":3,"out_channels":8,"height":2,"width":2,"kernel":3}"#
    let found = problems(header + "\n" + line)
    #expect(found.map(\.code) == [.inconsistentShape])
    #expect(found[0].location?.line == 2)
    #expect(found[0].location?.column == 112)
  }

  @Test func `the schema has the keys that the reader asks for`() throws {
    let bytes = try TemporaryFolder.bytes(repository + "/Configs/Schemas/trace.schema.json")
    let schema = try JSONParser.parse(SourceText(name: "trace.schema.json", bytes: bytes))
    for kind in OperatorKind.names {
      let definition = try #require(schema["$defs"]?[kind])
      guard case .mapping(let properties)? = definition["properties"]?.content else {
        Issue.record("no properties of \(kind)")
        continue
      }
      // The reader lists what it knows when it meets a key it does not.
      let line = #"{"name":"a","kind":"\#(kind)","dtype":"fp16","a-key-that-nobody-knows":1}"#
      let note = problems(header + "\n" + line).last { $0.code == .unknownKey }?.notes.first
      let known = try #require(note?.split(separator: ": ").last?.split(separator: ", ").map(String.init))
      #expect(known == properties.map(\.key).sorted(), "\(kind)")
      let missing = problems(header + "\n" + line).filter { $0.code == .missingKey }.map {
        String($0.message.split(separator: "'")[1])
      }
      let required = definition["required"]?.elements?.compactMap(\.text) ?? []
      #expect(["name", "kind", "dtype"] + missing == required, "\(kind)")
    }
  }
}
