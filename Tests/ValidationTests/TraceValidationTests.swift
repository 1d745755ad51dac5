import Lacuna
import Testing

@Suite struct TraceValidationTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

  private static func timed(_ name: String) throws -> TraceValidation {
    let path = "\(root)/Traces/Timed/\(name).kineto.json.zst"
    return try TraceValidation(try TraceReader.read(path).workload, on: try Samples.machine())
  }

  private static func product(_ name: String, m: Int, microseconds: Int?, repeats: Int = 1) -> Operator {
    Operator(
      name: name, kind: .gemm(GEMM(m: m, n: 512, k: 1024)), dataType: .fp16, repeats: repeats,
      measured: microseconds.map { RecordedTime(duration: .microseconds($0)) })
  }

  @Test func `times, errors and sums follow from the operators`() throws {
    let machine = try Samples.machine()
    let operators = [
      Self.product("a", m: 1024, microseconds: 10), Self.product("b", m: 4096, microseconds: 20, repeats: 3),
      Self.product("c", m: 1024, microseconds: 5),
    ]
    let workload = Workload(name: "w", source: "s", operators: operators)
    var options = SimulationOptions(power: .burst)
    options.checksMemory = false
    let run = try Simulator.simulate(workload, on: machine, options: options)
    let predicted = run.operators.map { run.estimate(of: $0).elapsed.value * 1e6 }
    let validation = try TraceValidation(workload, on: machine)
    #expect(validation.signatures.map(\.runs) == [2, 3])
    let total = try #require(validation.total)
    #expect(total.runs == 5)
    func close(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 1e-9 * b.magnitude }
    #expect(close(total.measured.value, 75e-6))
    #expect(close(total.predicted.value, (predicted[0] + 3 * predicted[1] + predicted[2]) * 1e-6))
    var (relative, absolute) = (0.0, 0.0)
    for (index, (measured, runs)) in [(10.0, 1.0), (20, 3), (5, 1)].enumerated() {
      relative += runs * (predicted[index] / measured - 1).magnitude / 5
      absolute += runs * (predicted[index] - measured).magnitude / 75
    }
    #expect(close(total.meanError, relative) && close(total.timeWeightedError, absolute))
    #expect(close(total.error, total.predicted / total.measured - 1))
  }

  @Test func `operators without a measurement or a model are told, and the others compared`() throws {
    var strange = Self.product("strange", m: 64, microseconds: 7)
    strange.dataType = .int64
    strange.outputType = .int64
    var operators = [
      Self.product("a", m: 1024, microseconds: 10), strange, Self.product("b", m: 1024, microseconds: nil),
    ]
    operators[1].dependencies = [0]
    operators[2].dependencies = [1]
    let validation = try TraceValidation(
      Workload(name: "w", source: "s", operators: operators), on: try Samples.machine())
    #expect(validation.total?.runs == 1)
    #expect((validation.notCompared.value - 7e-6).magnitude < 1e-15)
    let others = validation.signatures.filter { $0.times == nil }
    #expect(others.map(\.example.name) == ["strange", "b"])
    #expect(others[0].notCompared?.contains("int64") == true, "\(others)")
    #expect(others[1].notCompared == "no kernel was measured")
  }

  @Test func `a trace without times is refused, and what nothing can run too`() throws {
    let machine = try Samples.machine()
    func codes(_ op: Operator) -> [DiagnosticCode] {
      do throws(DiagnosticList) {
        _ = try TraceValidation(Workload(name: "w", source: "s", operators: [op]), on: machine)
        return []
      } catch {
        return error.diagnostics.map(\.code)
      }
    }
    #expect(codes(Self.product("a", m: 64, microseconds: nil)) == [.emptyTrace])
    var strange = Self.product("a", m: 64, microseconds: 1)
    strange.dataType = .int64
    #expect(codes(strange) == [.unsupportedDataType])
  }

  @Test(arguments: ["bert-large", "llama2-7b-prefill", "resnet18-train", "resnet50"])
  func `kinds and what is not compared add up to all that was measured`(name: String) throws {
    let validation = try Self.timed(name)
    let all = validation.signatures.reduce(0) { $0 + $1.measured.value }
    let kinds = validation.kinds.reduce(0) { $0 + $1.times.measured.value }
    #expect((kinds + validation.notCompared.value - all).magnitude < 1e-12)
    #expect(validation.total?.runs == validation.signatures.reduce(0) { $0 + $1.runs })
  }

  /// The constants were fitted to GEMMs, attention and vector operators measured one by one; these runs nobody fitted.
  @Test(arguments: [("bert-large", 0.06), ("llama2-7b-prefill", 0.04)])
  func `products of networks that were never fitted are met`(name: String, limit: Double) throws {
    let products = try #require(try Self.timed(name).kinds.first { $0.kind == "gemm" })
    #expect(products.times.meanError < limit)
  }
}
