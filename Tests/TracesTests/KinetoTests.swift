import Diagnostics
import Documents
import Testing
import Traces
import Workloads

@Suite struct KinetoTests {
  static let recorded = ["bert-large", "llama2-7b-prefill", "resnet18-train", "resnet50"]

  private static func timed(_ name: String) throws -> Workload {
    try TraceReader.read("\(repository)/Traces/Timed/\(name).kineto.json.zst").workload
  }

  @Test(arguments: recorded) func `a timed trace holds the operators of the execution trace of the same step`(
    name: String
  ) throws {
    let timed = try Self.timed(name)
    let recorded = try TraceReader.read("\(repository)/Traces/\(name).jsonl.zst").workload
    #expect(timed.operators.count == recorded.operators.count)
    #expect(timed.denseMACs == recorded.denseMACs)
    #expect(timed.samples == recorded.samples)
    for (timed, recorded) in zip(timed.operators, recorded.operators) {
      // It does not say which tensor is whose.
      var (timed, recorded) = (timed, recorded)
      #expect(timed.dependencies.isEmpty)
      (timed.measured, recorded.dependencies) = (nil, [])
      #expect(timed == recorded)
    }
  }

  /// Kernels of these runs follow one another on one stream, so that their times add up.
  @Test(arguments: recorded) func `every microsecond on the device belongs to an operator or is told`(
    name: String
  ) throws {
    let path = "\(repository)/Traces/Timed/\(name).kineto.json.zst"
    let events = try #require(try JSONParser.parse(try InputFile.load(path))["traceEvents"]?.elements)
    let kernels = events.filter { ["kernel", "gpu_memcpy", "gpu_memset"].contains($0["cat"]?.text) }
    let total = kernels.reduce(0.0) { $0 + ($1["dur"]?.double ?? 0) }
    let workload = try Self.timed(name)
    let assigned = workload.operators.reduce(Duration.zero) { $0 + ($1.measured?.duration ?? .zero) }
    let strays = workload.skipped.filter { $0.reason.contains("on the device") }
    #expect(
      strays.map(\.reason) == (name == "llama2-7b-prefill" ? ["2.15 µs on the device by calls that were skipped"] : []))
    #expect(((assigned / .microseconds(1)) + (strays.isEmpty ? 0 : 2.145) - total).magnitude < 0.001, "\(total)")
    #expect(workload.operators.allSatisfy { $0.measured?.duration != nil && $0.measured?.start != nil })
  }

  @Test func `times survive JSON Lines and the container`() throws {
    let workload = try Self.timed("resnet18-train")
    let text = TraceWriter.jsonLines(workload)
    #expect(try TraceReader.read(SourceText(name: "again", bytes: text)).workload == workload)
    let packed = try TraceContainer.bytes(workload, threads: 1)
    #expect(try TraceContainer(bytes: packed, name: "again").workload() == workload)
  }

  private static let linear = [(shape: [4, 8], type: "c10::Half"), (shape: [16, 8], type: "c10::Half")]

  @Test func `a kernel belongs to the operator around the call with its id, or with that of its launch`() throws {
    var trace = KinetoFixture()
    trace.call("aten::linear", id: 1, at: 100, for: 50, Self.linear)
    trace.call("aten::addmm", id: 2, at: 110, for: 20)
    trace.call("aten::relu", id: 3, at: 160, [([4, 16], "c10::Half")])
    trace.kernel("gemm", at: 300, for: 7.5, #""External id":2"#)
    trace.kernel("relu", at: 310.25, for: 2, #""correlation":9"#)
    trace.event(
      #"{"ph":"X","cat":"cuda_runtime","name":"launch","pid":1,"tid":1,"ts":1,"dur":1,"args":{"External id":3,"correlation":9}}"#
    )
    let imported = try read(trace.text, name: "net.kineto.json")
    #expect(imported.format == .kineto && imported.workload.name == "net")
    let operators = imported.workload.operators
    #expect(operators.map(\.name) == ["linear.0", "relu.0"])
    #expect(operators[0].kind == .gemm(GEMM(m: 16, n: 4, k: 8)))
    #expect(operators[0].measured == RecordedTime(start: .zero, duration: .nanoseconds(7500)))
    #expect(operators[1].measured == RecordedTime(start: .nanoseconds(10_250), duration: .microseconds(2)))
  }

  @Test func `kernels beside each other count once, and gaps not at all`() throws {
    var trace = KinetoFixture()
    trace.call("aten::linear", id: 1, at: 0, for: 50, Self.linear)
    for (start, duration) in [(10.0, 5.0), (12, 6), (13, 1), (30, 2)] {
      trace.kernel("k", at: start, for: duration, #""External id":1"#)
    }
    #expect(try read(trace.text).workload.operators[0].measured?.duration == .microseconds(8 + 2))
  }

  @Test func `time that belongs to no operator is told with its reason`() throws {
    var trace = KinetoFixture()
    trace.call("aten::linear", id: 1, at: 0, for: 50, Self.linear)
    trace.call("aten::arange", id: 2, at: 60)
    trace.kernel("arange_kernel", at: 70, for: 3, #""External id":2"#)
    trace.kernel("stray_kernel", at: 80, for: 4, #""External id":99"#)
    let workload = try read(trace.text).workload
    #expect(workload.operators.count == 1 && workload.operators[0].measured == nil)
    let told = workload.skipped.filter { $0.reason.contains("device") }
    #expect(
      told.map(\.reason) == ["3.00 µs on the device by calls that were skipped", "4.00 µs on the device by no call"])
    #expect(told.map(\.examples) == [["aten::arange"], ["stray_kernel"]])
  }

  private func convolutionBackward(_ kernels: [(String, Double)], batch: Int = 2) throws -> Workload {
    var trace = KinetoFixture()
    let half = "c10::Half"
    trace.call(
      "aten::convolution_backward", id: 1, at: 0, for: 90,
      [
        ([batch, 8, 4, 4], half), ([2, 4, 4, 4], half), ([8, 4, 1, 1], half), ([], "ScalarList"), ([], "ScalarList"),
        ([], "ScalarList"), ([], "ScalarList"), ([], "Scalar"), ([], "ScalarList"), ([], "Scalar"), ([], "ScalarList"),
      ],
      concrete: ["", "", "", "[0]", "[1, 1]", "[0, 0]", "[1, 1]", "False", "[0, 0]", "1", "[True, True, False]"])
    for (index, (name, duration)) in kernels.enumerated() {
      trace.kernel(name, at: Double(100 + 20 * index), for: duration, #""External id":1"#)
    }
    return try read(trace.text).workload
  }

  @Test(
    arguments: [
      ([("nchwToNhwc", 1), ("x_dgrad_y", 4), ("nhwcToNchw", 2), ("nchwToNhwc", 8), ("x_wgrad_y", 16)], [7, 24]),
      ([("offsets", 1), ("gemm", 4), ("nchwToNhwc", 2), ("computeWgradOffsets", 8), ("gemm", 16)], [5, 26]),
      ([("dgrad", 4), ("gemm", 16), ("reduce", 1)], [4, 17]),
    ] as [([(String, Double)], [Int])])
  func `kernels of both gradients are told apart by their names`(kernels: [(String, Double)], times: [Int]) throws {
    let workload = try convolutionBackward(kernels)
    #expect(workload.operators.map(\.phase) == [.backwardData, .backwardWeight])
    #expect(workload.operators.map { $0.measured?.duration } == times.map { .microseconds($0) })
  }

  @Test func `a gradient of no samples does not make a workload of none`() throws {
    #expect(try convolutionBackward([]).samples == 2)
    #expect(try convolutionBackward([], batch: 0).samples == nil)
  }

  @Test(arguments: [["gemm", "gemm"], ["wgrad", "dgrad"], ["dgrad"]])
  func `kernels of both gradients that cannot be told apart are nobody's`(names: [String]) throws {
    let workload = try convolutionBackward(names.map { ($0, 2) })
    #expect(workload.operators.allSatisfy { $0.measured == nil })
    #expect(
      workload.skipped.last?.reason == "\(2 * names.count).00 µs on the device by calls that are several operators")
  }

  /// Elements that go into a vector operator tell its result, which the trace does not hold.
  @Test(arguments: [
    ("mean", [[2, 6, 8]], ["", "[-1]", "True", ""], OperatorKind.reduction(Reduction(outputs: 12, width: 8))),
    ("sum", [[2, 6, 8]], [""], .reduction(Reduction(outputs: 1, width: 96))),
    ("add", [[4, 1, 8], [3, 1]], [], .elementwise(Elementwise(.add, elements: 96, inputs: 1))),
    ("repeat", [[2, 3]], ["", "[4, 1, 2]"], .elementwise(Elementwise(.copy, elements: 48))),
    (
      "max_pool2d", [[1, 4, 6, 6]], ["", "[3, 3]", "[2, 2]", "[0, 0]", "[1, 1]", "True"],
      .pooling(
        Pooling(batch: 1, channels: 4, input: Extent(6, 6), output: Extent(3, 3), kernel: Extent(3, 3)))
    ),
    (
      "avg_pool2d", [[1, 4, 7, 6]], ["", "[3, 3]", "[2, 2]", "[1, 1]", "False"],
      .pooling(
        Pooling(batch: 1, channels: 4, input: Extent(7, 6), output: Extent(4, 3), kernel: Extent(3, 3)))
    ),
  ])
  func `what a call returns follows from its operands`(
    name: String, shapes: [[Int]], concrete: [String], kind: OperatorKind
  ) throws {
    var trace = KinetoFixture()
    let rest = max(0, concrete.count - shapes.count)
    trace.call(
      "aten::\(name)", id: 1, at: 0,
      shapes.map { ($0, "float") } + (0..<rest).map { _ in ([], "Scalar") }, concrete: concrete)
    #expect(try read(trace.text).workload.operators.map(\.kind) == [kind])
  }

  @Test(arguments: [
    (#""ts":NaN,"dur":1"#, DiagnosticCode.jsonSyntax, "expected a JSON value"),
    (#""ts":"NaN","dur":1"#, .wrongType, "expected microseconds"), (#""ts":1,"dur":-3"#, .outOfRange, "'dur' is -3"),
    (#""ts":1e300,"dur":1"#, .outOfRange, "'ts' is 1e300"), (#""ts":1"#, .missingKey, "'dur' is missing"),
    (#""ts":99999999999999999999,"dur":1"#, .outOfRange, "'ts' is 99999999999999999999"),
  ])
  func `a time that cannot be is a located error`(times: String, code: DiagnosticCode, message: String) {
    let found = problems(
      #"{"traceEvents":[{"ph":"X","cat":"kernel","name":"k",\#(times)}]}"#, name: "bad.json")
    #expect(found.first?.code == code)
    #expect(found.first?.message.contains(message) == true, "\(found)")
    #expect(found.first?.location?.line == 1)
  }

  @Test func `calls without shapes say how to record them`() {
    let text = #"{"traceEvents":[{"ph":"X","cat":"cpu_op","name":"aten::mm","ts":1,"dur":1,"args":{"External id":1}}]}"#
    let found = problems(text)
    #expect(found.map(\.code) == [.emptyTrace])
    #expect(found[0].help?.contains("record_shapes=True") == true)
  }

  @Test func `ids that several calls share are told, and the first one counts`() throws {
    var trace = KinetoFixture()
    trace.call("aten::linear", id: 1, at: 0, Self.linear)
    trace.call("aten::linear", id: 1, at: 20, Self.linear)
    trace.kernel("gemm", at: 50, for: 2, #""External id":1"#)
    let imported = try read(trace.text)
    #expect(imported.warnings.map(\.code) == [.duplicateKey])
    #expect(imported.warnings[0].message.contains("External id' 1") && imported.warnings[0].location?.line == 5)
    #expect(imported.workload.operators.map { $0.measured?.duration } == [.microseconds(2), nil])
  }

  @Test func `a name that is not UTF-8 is located`() {
    let bytes = Array(#"{"traceEvents":[{"ph":"X","cat":"cpu_op","name":""#.utf8) + [0xFF] + Array(#""}]}"#.utf8)
    #expect(problems(bytes).map(\.code) == [.jsonSyntax])
  }
}
