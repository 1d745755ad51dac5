import Foundation
import Lacuna
import Testing

@Suite struct SimulationCommandTests {
  private static let machines = (try? MachineCatalog.names()) ?? []
  private static let trace = "Traces/resnet18.jsonl.zst"

  @Test func `the catalog has the machines of all families`() throws {
    let outcome = try Tool.run(["hardware", "list", "--format", "csv"])
    #expect(outcome.status == 0)
    for name in ["h200", "s4", "sat"] { #expect(outcome.output.contains("\n1,\(name),"), "\(outcome.output)") }
  }

  @Test(arguments: machines)
  func `every machine of the catalog shows its constants and passes its check`(_ machine: String) throws {
    let shown = try Tool.run(["hardware", "show", machine, "--format", "json"])
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(try json(shown)["constants"]?.elements?.isEmpty == false)
    let checked = try Tool.run(["hardware", "check", "Configs/Hardware/\(machine).yaml"])
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test(arguments: machines)
  func `a run without patterns is its own baseline`(_ machine: String) throws {
    let outcome = try Tool.run(["simulate", Self.trace, "--hardware", machine, "--format", "json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let root = try json(outcome)
    #expect(root["speedup"]?.double == 1)
    #expect(root["energy_gain"]?.double == 1)
    #expect(root["machine"]?.text == machine)
    #expect((root["totals"]?["elapsed_s"]?.double ?? 0) > 0)
  }

  @Test(arguments: machines)
  func `the operators of a report add up to its totals`(_ machine: String) throws {
    let arguments = ["simulate", Self.trace, "--hardware", machine, "--sparsity", "weights=2:4", "--format", "json"]
    let root = try json(try Tool.run(arguments))
    let operators = try #require(root["operators"]?.elements)
    let totals = try #require(root["totals"])
    let elapsed = try #require(totals["elapsed_s"]?.double)
    let sum = operators.reduce(0) { $0 + ($1["exposed_s"]?.double ?? .nan) }
    #expect((sum - elapsed).magnitude <= 1e-9 * elapsed)
    guard case .mapping(let bounds) = totals["elapsed_by_bound"]?.content else {
      Issue.record("no time by bound")
      return
    }
    let byBound = bounds.reduce(0) { $0 + ($1.value.double ?? .nan) }
    #expect((byBound - elapsed).magnitude <= 1e-9 * elapsed)
    guard case .mapping(let parts) = totals["energy"]?.content else {
      Issue.record("no energy by component")
      return
    }
    let energy = try #require(totals["energy"]?["total_j"]?.double)
    let components = parts.filter { $0.key != "total_j" }.reduce(0) { $0 + ($1.value.double ?? .nan) }
    #expect((components - energy).magnitude <= 1e-9 * energy)
  }

  @Test(arguments: ["sat", "s4", "h200"])
  func `tile by tile is said so, and causes of loss are refused`(machine: String) throws {
    let told = try Tool.run(["simulate", Self.trace, "--hardware", machine, "--fidelity", "event"])
    #expect(told.status == 0, "\(told.errors)")
    #expect(told.output.hasPrefix("resnet18 · \(machine) · event fidelity"))
    let refused = try Tool.run([
      "explain", Self.trace, "--hardware", machine, "--sparsity", "weights=2:4", "--fidelity", "event",
    ])
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.errors.contains("causes of loss are taken out of the closed forms"))
    let idle = try Tool.run(["simulate", Self.trace, "--hardware", "sat", "--timeline", "out.json"])
    #expect(idle.status == 2 && idle.errors.contains("--timeline needs --fidelity event"))
  }

  @Test func `the same command gives the same bytes`() throws {
    let arguments = ["simulate", Self.trace, "--hardware", "sat", "--training", "bdwp", "--sparsity", "weights=2:8"]
    for format in Report.Format.allCases {
      let command = arguments + ["--format", format.rawValue]
      let first = try Tool.run(command)
      #expect(first.status == 0, "\(first.errors)")
      #expect(try Tool.run(command).output == first.output)
    }
  }

  @Test func `a training method beats its dense step and adds its pruning passes`() throws {
    let outcome = try Tool.run([
      "simulate", Self.trace, "--hardware", "sat", "--training", "bdwp", "--sparsity", "weights=2:8", "--format",
      "json",
    ])
    let root = try json(outcome)
    #expect((root["speedup"]?.double ?? 0) > 1)
    #expect(root["operators"]?.elements?.contains { $0["kind"]?.text == "pruning" } == true)
  }

  @Test func `compare has a row for each machine, against the first`() throws {
    let outcome = try Tool.run([
      "compare", Self.trace, "--hardware", "s4,t4", "--hardware", "Configs/Hardware/h200.yaml", "--sparsity",
      "weights=16x", "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let root = try json(outcome)
    #expect(root["runs"]?.elements?.compactMap { $0["machine"]?.text } == ["s4", "t4", "h200"])
    #expect(root["runs"]?.elements?.first?["speedup_over_reference"]?.double == 1)
    #expect(root["reference"]?.text == "s4")
  }

  @Test func `a sweep has every machine at every rate, and only what exploits a pattern gets faster`() throws {
    let outcome = try Tool.run([
      "compare", "Traces/resnet50", Self.trace, "--hardware", "s4,t4", "--data-type", "int8", "--fuse", "--sweep",
      "sparsity=1x..32x", "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let root = try json(outcome)
    #expect(root["values"]?.elements?.compactMap(\.text) == ["1x", "2x", "4x", "8x", "16x", "32x"])
    let series = root["series"]?.elements ?? []
    #expect(series.compactMap { $0["machine"]?.text } == ["s4", "t4", "s4", "t4"])
    for line in series {
      let rates = line["runs"]?.elements?.compactMap { $0["throughput_samples_per_s"]?.double } ?? []
      #expect(rates.count == 6 && rates == rates.sorted())
      #expect((rates.first == rates.last) == (line["machine"]?.text == "t4"))
    }
  }

  @Test(arguments: [
    ("sparsity=1x..32x", ["1x", "2x", "4x", "8x", "16x", "32x"]), ("sparsity=2x..9x", ["2x", "4x", "8x"]),
    ("sparsity=dense,2:4,unstructured(0.5)", ["dense", "2:4", "unstructured(0.5)"]),
    ("sparsity=block(32x32, 0.5),16x", ["block(32x32, 0.5)", "16x"]),
  ])
  func `a sweep lists its values`(_ text: String, _ values: [String]) throws {
    let outcome = try Tool.run([
      "compare", Self.trace, "--hardware", "h200", "--sweep", text, "--format", "csv",
    ])
    #expect(outcome.status == 0)
    #expect(outcome.output.split(separator: "\n").count == values.count + 1, "\(outcome.errors)")
  }

  @Test(arguments: [
    ["--sweep", "sparsity"], ["--sweep", "density=1x..2x"], ["--sweep", "sparsity=4x..2x"],
    ["--sweep", "sparsity=a..b"],
    ["--sweep", "sparsity=1x..2x", "--format", "svg", "--chart", "time"], ["--sweep", "sparsity=1x..2x", "-"],
  ])
  func `a sweep that means nothing exits 2`(_ options: [String]) throws {
    let outcome = try Tool.run(["compare", Self.trace, "--hardware", "s4"] + options)
    #expect(outcome.status == 2 && outcome.output.isEmpty && !outcome.errors.isEmpty)
  }

  @Test(arguments: [("all", 0), ("3", 1), ("0", 1)])
  func `the table lists as many kinds of operators as asked for`(_ limit: String, _ summaries: Int) throws {
    let outcome = try Tool.run(["simulate", Self.trace, "--hardware", "h200", "--operators", limit])
    #expect(outcome.output.split(separator: "\n").count { $0.hasPrefix("… ") } == summaries)
  }

  @Test func `a wide table fits 120 columns on every machine`() throws {
    for machine in Self.machines {
      let outcome = try Tool.run(["simulate", Self.trace, "--hardware", machine, "--training", "dense"])
      for line in outcome.output.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    }
  }

  @Test(arguments: [
    (["--sparsity", "weights=5:4"], "invalid-pattern"), (["--sparsity", "wieghts=2:4"], "unknown-value"),
    (["--sparsity", "nothing.*:weights=2:4"], "matches-nothing"), (["--training", "bdwp"], "missing-key"),
    (["--training", "bdwp", "--sparsity", "weights=16x"], "invalid-pattern"),
    (["--sparsity", "weights=mask(a#b)"], "unreadable-file"),
    (["--sparsity", "activations=mask(a#b)"], "unsupported-pattern"),
  ])
  func `a bad option exits 2 with its code and prints nothing`(_ options: [String], _ code: String) throws {
    let outcome = try Tool.run(["simulate", Self.trace, "--hardware", "sat"] + options)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("[\(code)]"), "\(outcome.errors)")
  }
}
