import Foundation
import Lacuna
import Testing

@Suite struct PredictionTests {
  @Test func `measurements of an H200 and published figures come with the program`() throws {
    let names = Samples.paths.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent }
    #expect(
      names == [
        "a100_published", "h200_attention", "h200_attention_shapes", "h200_bdwp24_training", "h200_end_to_end",
        "h200_gemm",
        "h200_gemm_counters", "h200_kernels", "h200_layouts", "h200_memops", "h200_published",
        "h200_spmm", "h200_stacks", "h200_vectors", "rtx-3090_published", "rtx-a6000_published", "s10_published",
        "s30_published",
        "s4_published",
        "sat_published", "t4_gemm", "t4_published", "vegeta_published",
      ])
  }

  @Test(arguments: Samples.paths)
  func `every reference file keeps its own columns and rows and says something of each`(_ path: String) throws {
    let own = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline).map(String.init)
    let validated = try Samples.validated(path: path)
    let lines = CSVReport.predictions(validated).split(separator: "\n").map(String.init)
    #expect(lines.count == own.count)
    for (line, original) in zip(lines, own) { #expect(line.hasPrefix(original + ",")) }
    #expect(lines[0] == own[0] + "," + validated.addedColumns.joined(separator: ","))
    for row in PlainTable(lines.joined(separator: "\n")).rows {
      let predictions = validated.file.kind.predictedColumns.compactMap { row[$0] }
      #expect(predictions.count == validated.file.kind.predictedColumns.count)
      // Every prediction is there, or a reason why not.
      #expect(row["not_modelled"]?.isEmpty == predictions.allSatisfy { (Double($0) ?? 0) > 0 }, "\(row)")
    }
  }

  @Test(arguments: Samples.tables.indices)
  func `a table is known by its header and gets a prediction for each measured column`(_ index: Int) throws {
    let (kind, text) = Samples.tables[index]
    let validated = try Samples.validated(text)
    #expect(validated.file.kind == kind)
    let row = try #require(PlainTable(CSVReport.predictions(validated)).rows.first)
    for column in kind.measuredColumns {
      let cell = try #require(row["predicted_\(column)"])
      #expect(!cell.isEmpty, "\(column)")
    }
  }

  @Test func `columns may stand in any order, with others among them that are kept`() throws {
    let text =
      "note,us,D,S,H,B,block,density,kind\n" + #""a, ""b""",1707.78,128,8192,32,1,,1.0,sdpa"# + "\n"
    let straight = "kind,density,block,B,H,S,D,us\nsdpa,1.0,,1,32,8192,128,1707.78\n"
    let lines = CSVReport.predictions(try Samples.validated(text)).split(separator: "\n")
    #expect(lines[0] == "note,us,D,S,H,B,block,density,kind,predicted_us,predicted_W,not_modelled")
    #expect(lines[1].hasPrefix("\"a, \"\"b\"\"\",1707.78,128,8192,32,1,,1.0,sdpa,"))
    let other = CSVReport.predictions(try Samples.validated(straight)).split(separator: "\n")
    #expect(
      lines[1].split(separator: ",", omittingEmptySubsequences: false).suffix(3)
        == other[1].split(
          separator: ",", omittingEmptySubsequences: false
        ).suffix(3))
  }

  @Test func `a product is predicted as the simulator runs it by itself, from memory to memory`() throws {
    let validated = try Samples.validated(Samples.tables[0].text)
    var op = Operator(name: "a", kind: .gemm(GEMM(m: 4096, n: 4096, k: 4096)), dataType: .fp16)
    op.sparsity.weights = .structured(n: 2, m: 4)
    let workload = Workload(name: "a", source: "test", operators: [op])
    let totals = try Simulator.simulate(
      workload, on: try Samples.machine(), options: SimulationOptions(residency: .isolated)
    ).totals
    #expect(validated.predictions[0][1] == totals.elapsed.value / 1e-6)
    #expect(validated.predictions[0][3] == totals.averagePower.value)
  }

  @Test(arguments: [(1024, SimulationOptions.Residency.onChip), (1152, .isolated)])
  func `four sets of a small product's operands and results stay in half of the cache`(
    _ size: Int, _ residency: SimulationOptions.Residency
  ) throws {
    // 4 · 3 · 2 bytes · size², of 25 MiB.
    let text = Samples.tables[0].text.replacing("4096", with: "\(size)")
    let op = Operator(name: "a", kind: .gemm(GEMM(m: size, n: size, k: size)), dataType: .fp16)
    let totals = try Simulator.simulate(
      Workload(name: "a", source: "test", operators: [op]), on: try Samples.machine(),
      options: SimulationOptions(residency: residency)
    ).totals
    #expect(try Samples.validated(text).predictions[0][0] == totals.elapsed.value / 1e-6)
    // A machine without such a cache has it from memory.
    #expect(try Samples.validated(text, on: "systolic-128x128").predictions[0][0] != nil)
  }

  @Test func `attention that is repeated finds its data in the cache where half of it is enough`() throws {
    let lengths: [(Int, SimulationOptions.Residency)] = [(512, .onChip), (2048, .isolated)]
    let rows = lengths.map { "sdpa,1.0,,1,32,\($0.0),128,100\n" }.joined()
    let predictions = try Samples.validated("kind,density,block,B,H,S,D,us\n" + rows).predictions
    for ((length, residency), prediction) in zip(lengths, predictions) {
      let op = Operator(
        name: "a", kind: .attention(Attention(batch: 1, heads: 32, queryLength: length, headDimension: 128)),
        dataType: .fp16)
      let totals = try Simulator.simulate(
        Workload(name: "a", source: "test", operators: [op]), on: try Samples.machine(),
        options: SimulationOptions(residency: residency, power: .burst)
      ).totals
      #expect(prediction[0] == totals.elapsed.value / 1e-6)
    }
  }

  @Test func `8-bit products are stored in 16 bits`() throws {
    let rows = ["fp8", "int8"].map { "square,\($0),4096,4096,4096,1,20000,1500,1,1" }.joined(separator: "\n")
    let header = "layer,dtype,m,n,k,sparse24,time_ns,clock_mhz,l2_read_bytes_by_sm,dram_read_bytes\n"
    let validated = try Samples.validated(header + rows)
    for (type, prediction) in zip([DataType.fp8, .int8], validated.predictions) {
      let op = Operator(
        name: "a", kind: .gemm(GEMM(m: 4096, n: 4096, k: 4096)), dataType: type, outputType: .bf16,
        sparsity: OperandSparsity(weights: .structured(n: 2, m: 4)))
      let result = try Simulator.simulate(
        Workload(name: "a", source: "test", operators: [op]), on: try Samples.machine(),
        options: SimulationOptions(power: .burst))
      #expect(prediction[0] == result.totals.elapsed.value / 1e-9)
    }
  }

  @Test func `data that is hot comes from the cache where it fits`() throws {
    let text = "op,shape,us\nadd1,4MiB,4\nadd1_hot,4MiB,3\nadd1,64MiB,40\nadd1_hot,64MiB,40\n"
    let predictions = try Samples.validated(text).predictions.compactMap { $0[0] }
    #expect(predictions[1] < predictions[0])
    #expect(predictions[3] == predictions[2])
  }

  @Test(arguments: [("encoder", 11), ("decoder", 12)])
  func `a stack of layers takes as long as its operators`(_ kind: String, _ operators: Int) throws {
    func time(layers: Int) throws -> Double {
      let text = """
        model,kind,layers,batch,seq,hidden,ffn,heads,dense_ms,dense_w,sparse24_ms,sparse24_w
        m,\(kind),\(layers),1,2048,4096,11008,32,1,700,1,700
        """
      return try #require(try Samples.validated(text).predictions[0][0])
    }
    let (one, two, three) = (try time(layers: 1), try time(layers: 2), try time(layers: 3))
    // The first layer's input may come from elsewhere; all others are alike.
    #expect(abs((three - two) - (two - one)) < 1e-9 * three)
    // No kernel takes less than its launch, 1.2 µs.
    #expect(two - one > Double(operators) * 1.2e-3)
  }

  @Test func `what a machine runs differently is not predicted and says why`() throws {
    let validated = try Samples.validated(Samples.tables[0].text, on: "t4")
    #expect(validated.predictions[0][0] != nil)
    #expect(validated.predictions[0][1] == nil)
    #expect(validated.reasons == ["2:4 weights run dense: there is no sparse instruction for fp16"])
    let unsupported = try Samples.validated(Samples.tables[0].text.replacing("fp16", with: "int4"))
    #expect(unsupported.predictions[0].allSatisfy { $0 == nil })
    #expect(unsupported.reasons[0].contains("does not multiply int4"))
    let hot = try Samples.validated("op,shape,us\nadd1_hot,4MiB,3\n", on: "s4")
    #expect(hot.reasons == ["s4 has no cache that keeps data from run to run"])
  }

  @Test func `a cell that was not measured is predicted but not compared`() throws {
    let text = Samples.tables[0].text.replacing(",220,700,", with: ",220,,")
    let validated = try Samples.validated(text)
    #expect(validated.predictions[0][2] != nil)
    let dense = try #require(validated.groups.first)
    #expect(dense.statistics(.time) != nil && dense.statistics(.clock) != nil)
    #expect(dense.statistics(.power) == nil && dense.statistics(.energy) == nil)
  }

  @Test func `the same file gives the same bytes`() throws {
    let path = try #require(Samples.paths.first { $0.hasSuffix("h200_gemm_counters.csv") })
    let texts = try (0..<2).map { _ in CSVReport.predictions(try Samples.validated(path: path)) }
    #expect(texts[0] == texts[1])
  }
}
