import Foundation
import Lacuna

extension BadInput {
  static let all: [BadInput] = files + syntax + fields + workloads + sideFiles + machines + studies

  private static func load(_ path: String, limit: Bytes = Bytes(1 << 20)) throws -> [Diagnostic] {
    try said { () throws(DiagnosticList) in
      _ = try InputFile.load(path, limit: limit)
      return []
    }
  }

  private static let files: [BadInput] = [
    BadInput(.unreadableFile, "a file that is not there") { try load($0.folder.path + "/absent.jsonl") },
    BadInput(.unreadableFile, "a slip in a file's name") {
      _ = try $0.file("resnet50.jsonl", [1])
      return try load($0.folder.path + "/resnet5O.jsonl")
    },
    BadInput(.isDirectory, "a directory") { try load($0.folder.path) },
    BadInput(.emptyFile, "an empty file") { try load(try $0.file("empty.jsonl", [])) },
    BadInput(.emptyFile, "white space", trace: " \n\n"),
    BadInput(.tooLarge, "more than the limit") {
      try load(try $0.file("large.jsonl", Array(repeating: 32, count: 2000)), limit: Bytes(1000))
    },
    BadInput(.tooLarge, "10 GB claimed by 1 kB") {
      try load(try $0.file("bomb.zst", zstandardClaiming(10_000_000_000)), limit: Bytes(1 << 30))
    },
    BadInput(.corruptCompression, "Zstandard cut short") {
      try load(
        try $0.file("cut.zst", Array((Compression.zstandard(Array(repeating: 7, count: 5000)) ?? []).dropLast(6))))
    },
    BadInput(.corruptCompression, "gzip that is none") {
      try load(try $0.file("none.gz", [0x1F, 0x8B] + Array(repeating: 0x55, count: 100)))
    },
    BadInput(.corruptTrace, "a container cut short") { _ in
      let op = Operator(name: "fc", kind: .softmax(Softmax(rows: 1, width: 1)), dataType: .fp16)
      return try said { () throws(DiagnosticList) in
        let bytes = try TraceContainer.bytes(Workload(name: "net", source: "test", operators: [op]))
        _ = try TraceContainer(bytes: Array(bytes.dropLast(4)), name: "net.ltrace")
        return []
      }
    },
    BadInput(.corruptTensor, "a header longer than its file") { _ in
      try said { () throws(DiagnosticList) in
        _ = try TensorReader.read(
          [UInt8](repeating: 0, count: 7) + [0x80] + Array("{}".utf8), name: "huge.safetensors")
        return []
      }
    },
    BadInput(.corruptTensor, "tensors that overlap") { _ in
      try said { () throws(DiagnosticList) in
        let header =
          #"{"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2,2],"data_offsets":[2,6]}}"#
        _ = try TensorReader.read(
          [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [UInt8](repeating: 1, count: 6),
          name: "overlap.safetensors")
        return []
      }
    },
    BadInput(.corruptTensor, "a column twice in a row") { _ in
      try said { () throws(DiagnosticList) in
        _ = try TensorReader.read(Array("2, 4, 3\n0 2 3\n1 1 3\n".utf8), name: "twice.smtx")
        return []
      }
    },
    BadInput(.unknownTensor, "a slip in a tensor's name") { place in
      let path = try place.file("w.smtx", Array("2, 4, 2\n0 1 2\n1 3\n".utf8))
      return try said { () throws(DiagnosticList) in
        _ = try TensorReader.read(path).named("v", in: "w.smtx")
        return []
      }
    },
    BadInput(.unknownFormat, "a text", trace: "hello, world\n", name: "notes.txt"),
    BadInput(.unknownFormat, "a foreign JSON object", trace: #"{"items": [], "count": 3}"#, name: "items.json"),
    // What the command line says when the reader of its output goes away.
    BadInput(.closedOutput, "the reader went away") { _ in
      [Diagnostic(.closedOutput, "the reader of the output went away before all of it was written")]
    },
    BadInput(.unwritableFile, "a folder that is not there") { place in
      try said { () throws(DiagnosticList) in
        try TraceWriter.write(
          Workload(name: "net", source: "test", operators: []), to: place.folder.path + "/absent/net.jsonl")
        return []
      }
    },
  ]

  /// A frame of Zstandard, 1 kB long, whose header claims `size` bytes.
  static func zstandardClaiming(_ size: UInt64) -> [UInt8] {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    let block: [UInt8] = [0x01 | UInt8((1000 << 3) & 0xFF), UInt8((1000 << 3) >> 8), 0]
    return [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x50] + bytes + block + Array(repeating: 0x20, count: 1000)
  }

  private static let syntax: [BadInput] = [
    BadInput(.invalidText, "Latin-1 in a topology") { _ in
      let header =
        "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
      let bytes = Array((header + "Conv1").utf8) + [0xE9] + Array(", 8, 8, 3, 3, 3, 16, 1,\n".utf8)
      return try said { () throws(DiagnosticList) in
        try TraceReader.read(SourceText(name: "net.csv", bytes: bytes)).warnings
      }
    },
    BadInput(.jsonSyntax, "a truncated line", operator: #"{"name":"fc1","kind":"gemm","m":10"#),
    BadInput(.jsonSyntax, "a missing comma", operator: #"{"name":"fc1" "kind":"gemm"}"#),
    BadInput(.yamlSyntax, "an open bracket", machine: "[ws, os]", "[ws, os"),
    BadInput(
      .csvSyntax, "a word for a number",
      trace: "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
        + "Conv1, 8, eight, 3, 3, 3, 16, 1,\n", name: "net.csv"),
    BadInput(
      .duplicateKey, "in JSON", operator: #"{"name":"fc1","kind":"gemm","m":1,"n":1,"k":1,"m":2,"dtype":"fp16"}"#),
    BadInput(.duplicateKey, "in YAML", machine: "engine: systolic", "engine: systolic\nname: toy"),
  ]

  private static let fields: [BadInput] = [
    BadInput(
      .unknownKey, "a slip", operator: #"{"name":"a","kind":"gemm","m":1,"n":1,"k":1,"dtype":"fp16","bacth":2}"#),
    BadInput(.unknownKey, "a stranger", machine: "engine: systolic", "engine: systolic\nflavour: mint"),
    BadInput(.missingKey, "a shape without k", operator: #"{"name":"a","kind":"gemm","m":1,"n":1,"dtype":"fp16"}"#),
    BadInput(.missingKey, "a misspelt section", machine: "buffers:", "bufers:"),
    BadInput(.missingKey, "a training method without a pattern", rules: [], training: .bdwp),
    BadInput(
      .wrongType, "a text for a size", operator: #"{"name":"a","kind":"gemm","m":"1","n":1,"k":1,"dtype":"fp16"}"#),
    BadInput(
      .wrongType, "a number without its source", machine: "{value: 32, kind: published, source: \"test\"}\n  columns",
      "32\n  columns"),
    BadInput(.unknownValue, "a kind", operator: #"{"name":"a","kind":"gem","m":1,"n":1,"k":1,"dtype":"fp16"}"#),
    BadInput(.unknownValue, "an engine", machine: "engine: systolic", "engine: sistolic"),
    BadInput(.unknownValue, "an operand", rules: ["wieghts=2:4"]),
    BadInput(
      .outOfRange, "a negative size", operator: #"{"name":"a","kind":"gemm","m":-1,"n":1,"k":1,"dtype":"fp16"}"#),
    BadInput(.outOfRange, "a size of zero", operator: #"{"name":"a","kind":"gemm","m":0,"n":1,"k":1,"dtype":"fp16"}"#),
    BadInput(
      .outOfRange, "more than 64 bits",
      operator: #"{"name":"a","kind":"gemm","m":99999999999999999999,"n":1,"k":1,"dtype":"fp16"}"#),
    BadInput(.missingUnit, "a bare clock", machine: "940 MHz", "940"),
    BadInput(.wrongUnit, "a clock in bytes", machine: "940 MHz", "940 MB"),
  ]

  private static let workloads: [BadInput] = [
    BadInput(
      .unknownSchema, "a trace of the future",
      trace: "{\"lacuna_trace\":99,\"name\":\"net\",\"source\":\"test\"}\n"
        + #"{"name":"a","kind":"gemm","m":1,"n":1,"k":1,"dtype":"fp16"}"# + "\n"),
    BadInput(.invalidPattern, "more kept than there are", rules: ["weights=5:4"]),
    BadInput(.invalidPattern, "a rate that does not divide the bank", rules: ["weights=7x"]),
    BadInput(.invalidPattern, "no pattern", rules: ["weights=sparse"]),
    BadInput(.invalidPattern, "no rule", rules: ["2:4"]),
    BadInput(.indivisiblePattern, "a rule for one operator", rules: ["fc2:weights=2:4"]),
    BadInput(
      .indivisiblePattern, "K not divisible by M",
      operator: #"{"name":"a","kind":"gemm","m":8,"n":8,"k":30,"dtype":"fp16","sparsity":{"weights":"2:4"}}"#),
    BadInput(
      .inconsistentShape, "heads that cannot share",
      operator: #"{"name":"a","kind":"attention","heads":6,"kv_heads":4,"query_length":8,"head_dim":64,"dtype":"fp16"}"#
    ),
    BadInput(
      .sizeOverflow, "an absurd product",
      operator: #"{"name":"a","kind":"gemm","m":2000000000,"n":2000000000,"k":2000000000,"dtype":"fp16"}"#),
    BadInput(
      .danglingDependency, "on itself",
      operator: #"{"name":"a","kind":"gemm","m":1,"n":1,"k":1,"dtype":"fp16","deps":[0]}"#),
    BadInput(.matchesNothing, "a slip in an operator's name", rules: ["fc3:weights=2:4"]),
    BadInput(.matchesNothing, "scores without attention", rules: ["scores=2:4"]),
    BadInput(.unknownModel, "a slip", trace: #"{"model_type": "lama", "hidden_size": 64}"#, name: "config.json"),
    BadInput(.emptyTrace, "only a header", trace: #"{"lacuna_trace":1,"name":"net","source":"test"}"#),
  ]

  private static let small = Workload(
    name: "net", source: "test",
    operators: [Operator(name: "fc1", kind: .gemm(GEMM(m: 64, n: 16, k: 64)), dataType: .fp16)])

  private static let sideFiles: [BadInput] = [
    BadInput(.inconsistentShape, "a mask of another shape") { place in
      let path = try place.file("w.smtx", Array("2, 4, 2\n0 1 2\n1 3\n".utf8))
      return try said { () throws(DiagnosticList) in
        try Study(small, sparsity: [SparsityRule(operators: "fc1", .weights, .mask(MaskReference(file: path)))])
          .warnings
      }
    },
    BadInput(.matchesNothing, "a table of densities for other layers") { place in
      let path = try place.file(
        "densities.csv", Array("layer,operand,density,structure,source\nfc2,W,0.5,2:4,guess\n".utf8))
      return try said { () throws(DiagnosticList) in
        try Study(small, files: SparsityFiles(densities: path)).warnings
      }
    },
    BadInput(.invalidPattern, "densities that contradict their structure") { _ in
      try said { () throws(DiagnosticList) in
        _ = try DensityTable.read(
          SourceText(
            name: "densities.csv",
            text: "layer,operand,density,structure\nfc1,W,0.4,2:4\nfc1,X,1.5,\nfc1,I,0.5,block 4y4\n"))
        return []
      }
    },
    BadInput(.unknownKey, "a slip in a column's name") { _ in
      try said { () throws(DiagnosticList) in
        _ = try TensorNames(SourceText(name: "names.csv", text: "operator,tesnor\nfc1,w\n"))
        return []
      }
    },
    BadInput(.outOfRange, "an effective sparsity beyond the table") { _ in
      try said { () throws(DiagnosticList) in
        _ = try ActivationSparsityTable(
          SourceText(
            name: "layer-3.csv", text: "Effective Sparsity,q,k,v,o,gate,up,down\n0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5\n")
        ).zeros(at: 0.9)
        return []
      }
    },
  ]

  private static let machines: [BadInput] = [
    BadInput(.unknownHardware, "a slip in a machine's name") { _ in
      try said { () throws(DiagnosticList) in
        _ = try Machine(named: "h20O")
        return []
      }.map { diagnostic in
        // The list grows with the catalog.
        var diagnostic = diagnostic
        diagnostic.notes = diagnostic.notes.map { $0.hasPrefix("known: ") ? "known: …" : $0 }
        return diagnostic
      }
    },
    BadInput(.unsupportedPattern, "a mask of activations", rules: ["activations=mask(weights.bin#fc1)"]),
    BadInput(.unsupportedDataType, "a type without a unit") { try simulate(on: $0.machineText, .int4) },
    BadInput(.unsupportedOperator, "a dataflow the array lacks") {
      try simulate(
        on: $0.machineText.replacing("[ws, os]", with: "[ws]", exactlyOnce: "dataflows"), .fp16, .outputStationary)
    },
    BadInput(.exceedsMemory, "a layer beyond the memory") {
      try simulate(on: $0.machineText, .fp16, size: 1 << 18)
    },
    BadInput(.inconsistentHardware, "faster than its interface", machine: "16 GB/s", "26 GB/s"),
  ]

  private static func simulate(
    on machineText: String, _ type: DataType, _ dataflow: SystolicArray.Dataflow? = nil, size: Int = 64
  ) throws -> [Diagnostic] {
    try said { () throws(DiagnosticList) in
      let machine = try MachineReader.read(SourceText(name: "machine.yaml", text: machineText))
      let op = Operator(name: "fc1", kind: .gemm(GEMM(m: size, n: 16, k: size)), dataType: type)
      _ = try Simulator.simulate(
        Workload(name: "net", source: "test", operators: [op]), on: machine,
        options: SimulationOptions(dataflow: dataflow))
      return []
    }
  }
}
