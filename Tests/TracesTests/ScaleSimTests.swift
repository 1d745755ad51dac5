import Diagnostics
import Testing
import Traces
import Workloads

@Suite struct ScaleSimTests {
  let header =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"

  private func convolution(_ row: String) throws -> Convolution {
    guard case .convolution(let convolution) = try read(header + "\n" + row).workload.operators[0].kind else {
      throw DiagnosticList([])
    }
    return convolution
  }

  @Test(arguments: zip([5, 6, 7, 224, 3], [3, 3, 3, 11, 3])) func `the output is that of SCALE-Sim for every stride`(
    input: Int, filter: Int
  ) throws {
    for stride in 1...5 {
      let layer = try convolution("c,\(input),\(input + 1),\(filter),\(filter),4,8,\(stride),")
      // ⌈(ifmap − filter + stride) / stride⌉
      let height = (input - filter + stride + stride - 1) / stride
      let width = (input + 1 - filter + stride + stride - 1) / stride
      #expect(layer.output == Extent(height, width), "stride \(stride)")
      #expect(layer.padding.top == 0 && layer.padding.left == 0)
    }
  }

  @Test func `marks, spaces, blank rows and trailing commas change nothing`() throws {
    let plain = try read(header + "\na,8,8,3,3,4,16,1,\nb,6,6,1,1,16,4,2,\n").workload
    let messy = try read(
      "\u{FEFF}" + header + "\u{A0} ,\r\n,,,,,,,,\r\n a\t,\u{A0}8, 8 ,3,3,4,16,1,\r\n\r\n  \nb,6,6,1,1,16,4,2"
    ).workload
    #expect(plain.operators == messy.operators)
    #expect(plain.operators.map(\.name) == ["a", "b"])
    #expect(plain.operators.allSatisfy { $0.dataType == .int8 })
  }

  @Test func `a product's rows and filters swap places`() throws {
    let operation = try read("Layer, M, N, K, Sparsity,\nfc, 3, 5, 16, 2:4,\n").workload.operators[0]
    #expect(operation.kind == .gemm(GEMM(m: 5, n: 3, k: 16)))
    #expect(operation.sparsity == OperandSparsity(weights: .structured(n: 2, m: 4)))
  }

  @Test func `a name with DP is depthwise`() throws {
    let layer = try convolution("Conv2DP,9,9,3,3,32,1,1,")
    #expect((layer.groups, layer.inputChannels, layer.outputChannels) == (32, 32, 32))
  }

  @Test func `a batch column multiplies`() throws {
    let workload = try read(header + " Batch Size,\nc,8,8,3,3,4,16,1,5,").workload
    guard case .convolution(let layer) = workload.operators[0].kind else {
      Issue.record("not a convolution")
      return
    }
    #expect(layer.batch == 5)
  }

  @Test func `every bad cell is reported where it stands`() {
    let found = problems(
      header + " Sparsity, Colour,\n" + "a,8,8,3,x,4,16,0,,\n" + "b,8,8,3,3,4,16\n" + "c,8,8,9,9,4,16,1,,\n"
        + "d,8,8,3,3,3,16,1,2:4,\n" + "e,8,8,3,3,4,16,1,5:4,\n" + "f,8,8,3,3,4,16,1,16x,\n"
        + ",8,8,3,3,4,16,1,,\n" + "h,8,-8,3.5,,99999999999999999999,16,1,,\n")
    let places = found.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0) \($0.code.rawValue)" }
    #expect(
      places == [
        "1:110 csv-syntax", "2:9 csv-syntax", "2:16 out-of-range", "3:15 csv-syntax", "4:1 inconsistent-shape",
        "5:18 indivisible-pattern", "6:18 invalid-pattern", "7:18 csv-syntax", "8:1 csv-syntax",
        "9:5 out-of-range", "9:8 csv-syntax", "9:12 csv-syntax", "9:13 csv-syntax",
      ])
    #expect(found[0].severity == .warning)
    // A group that channels do not fill is read as its density.
    #expect(found.filter { $0.code != .indivisiblePattern }.dropFirst().allSatisfy { $0.severity == .error })
  }

  @Test func `a ratio that does not divide the channels is read as its density`() throws {
    let trace = try read(header + " Sparsity,\nd,8,8,3,3,3,16,1,1:4,\n")
    #expect(trace.workload.operators[0].sparsity.weights == .unstructured(zeros: 0.75))
    #expect(trace.warnings.map(\.code) == [.indivisiblePattern])
  }

  @Test func `a header in another order is refused`() {
    let found = problems("Layer name, IFMAP Width, IFMAP Height, Filter Height\nc,1,1,1")
    #expect(found.first?.code == .csvSyntax)
    #expect(found.first?.message.contains("ifmap height") == true)
  }
}
