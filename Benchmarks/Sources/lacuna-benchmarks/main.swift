import AllocationCounter
import Foundation
import Lacuna

// What is watched: allocations, which are the same on every machine, ratios of times taken in one run, and one time that
// is bounded several times over. Other times are printed for people. With --check the program fails when a bound is broken.

let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()
var failures = 0

/// The median time of `runs` runs after a warm-up, and the allocations of one.
@MainActor func measure(runs: Int = 25, _ body: () throws -> Void) rethrows -> (
  microseconds: Double, allocations: UInt64
) {
  try body()
  let before = allocation_count()
  try body()
  let allocations = allocation_count() - before
  var times: [Double] = []
  for _ in 0..<runs {
    let start = ContinuousClock.now
    try body()
    times.append(Double((ContinuousClock.now - start).components.attoseconds) / 1e12)
  }
  return (times.sorted()[runs / 2], allocations)
}

@MainActor func bound(_ what: String, _ value: Double, atMost limit: Double) {
  let holds = value <= limit
  if !holds { failures += 1 }
  print(
    "  \(holds ? "holds" : "FAILS"): \(what) \(formatSignificant(value, digits: 3)) ≤ \(formatSignificant(limit, digits: 3))"
  )
}

@MainActor func trace(_ name: String) throws -> Workload {
  try TraceReader.read(root.appending(path: "Traces/\(name).jsonl.zst").path()).workload
}

@MainActor func machine(_ name: String) throws -> Machine {
  try Machine(named: root.appending(path: "Configs/Hardware/\(name).yaml").path())
}

/// How often a network's operators repeat one another, simulated as they are and all distinct.
@MainActor func networks() throws {
  print("simulate a network, inside the library")
  for (name, machineName) in [
    ("resnet18", "systolic-128x128"), ("resnet50", "h200"), ("resnet50", "s4"), ("bert-large", "h200"),
    ("resnet18-train", "sat"),
  ] {
    let workload = try trace(name)
    let machine = try machine(machineName)
    let result = try Simulator.simulate(workload, on: machine)
    let (time, allocations) = try measure { _ = try Simulator.simulate(workload, on: machine) }
    print(
      "  \(name) on \(machineName): \(workload.operators.count) operators, \(result.estimates.count) distinct: "
        + "\(formatSignificant(time, digits: 3)) µs, \(allocations) allocations")
    bound("allocations an operator", Double(allocations) / Double(workload.operators.count), atMost: 10)
  }
}

/// A training step of 512 images, as BDWP makes it of the trace and with its dense baseline, as a study runs it.
@MainActor func training() throws {
  print("a training step, inside the library")
  let workload = try trace("resnet50-train")
  let sat = try machine("sat")
  let rules = [SparsityRule(.weights, .structured(n: 2, m: 8))]
  let step = try workload.trained(by: .bdwp, rules: rules).workload
  let (time, _) = try measure { _ = try Simulator.simulate(step, on: sat) }
  let (whole, _) = try measure(runs: 9) {
    _ = try Study(workload, sparsity: rules, training: .bdwp).run(on: sat)
  }
  print(
    "  resnet50-train on sat, BDWP 2:8: \(step.operators.count) operators, \(formatSignificant(time, digits: 3)) µs; "
      + "pruned and beside its dense baseline \(formatSignificant(whole, digits: 3)) µs")
  bound("milliseconds a step", time / 1000, atMost: 5)
}

/// Points of a study, beside a simulation of the same network by itself.
@MainActor func exploration() throws {
  print("a study of ResNet-50, one core")
  for (name, parameters, limits) in [
    (
      "systolic-128x128",
      "rows: {path: array.rows, from: 8, to: 256}, columns: {path: array.columns, from: 8, to: 256}",
      (ratio: 0.25, allocations: 150.0)
    ),
    ("s4", "buffer: {path: l2.capacity, from: 4 MiB, to: 32 MiB}", (ratio: 0.3, allocations: 350.0)),
    ("h200", "cap: {path: power.cap, from: 400 W, to: 1000 W}", (ratio: 0.9, allocations: 700.0)),
  ] {
    let study = try DesignStudy(
      SourceText(
        name: root.appending(path: "study.yaml").path(),
        text: """
          lacuna_study: 1
          name: benchmark
          machine: \(root.appending(path: "Configs/Hardware/\(name).yaml").path())
          workloads: [{trace: \(root.appending(path: "Traces/resnet50.jsonl.zst").path()), data_type: \(
            name == "s4" ? "int8" : "fp16")}]
          parameters: {\(parameters)}
          objectives: [time, energy]
          sampler: {kind: sobol, points: 1000}
          """))
    let explorer = Explorer(study, program: "benchmark", threads: 1)
    guard let all = Explorer.Shard(1, of: 1) else { continue }
    func run() throws -> Double { try processorTime(runs: 1) { try explorer.run(all) { _ in } } / 1000 }
    _ = try run()
    let before = allocation_count()
    try explorer.run(all) { _ in }
    let allocations = Double(allocation_count() - before) / 1000
    let workload = try trace("resnet50").changed(by: WorkloadChanges(dataType: name == "s4" ? .int8 : .fp16)).workload
    let machine = try machine(name)
    // Side by side, so that what else runs on the machine slows both.
    var (point, alone) = (Double.infinity, Double.infinity)
    for _ in 0..<5 {
      point = min(point, try run())
      alone = min(
        alone, try processorTime(runs: 1) { for _ in 0..<50 { _ = try Simulator.simulate(workload, on: machine) } } / 50
      )
    }
    print(
      "  \(name): \(formatSignificant(1e6 / point, digits: 3)) points/s, \(formatSignificant(allocations, digits: 3)) "
        + "allocations a point; by itself \(formatSignificant(1e6 / alone, digits: 3))/s")
    bound("time of a point over that of a simulation", point / alone, atMost: limits.ratio)
    bound("allocations a point", allocations, atMost: limits.allocations)
  }
}

/// A trace that repeats one layer costs little more than the layer.
@MainActor func repetition() throws {
  print("identical operators simulate once")
  let one = Operator(name: "fc", kind: .gemm(GEMM(m: 4096, n: 512, k: 4096)), dataType: .fp16)
  let machine = try machine("h200")
  func workload(_ count: Int, distinct: Bool) -> Workload {
    Workload(
      name: "stack", source: "benchmark",
      operators: (0..<count).map { index in
        var op = one
        op.name = "fc.\(index)"
        if distinct { op.kind = .gemm(GEMM(m: 4096, n: 512 + index, k: 4096)) }
        return op
      })
  }
  let same = workload(1000, distinct: false)
  let different = workload(1000, distinct: true)
  let (fast, _) = try measure { _ = try Simulator.simulate(same, on: machine) }
  let (slow, _) = try measure(runs: 9) { _ = try Simulator.simulate(different, on: machine) }
  print(
    "  1000 equal GEMMs: \(formatSignificant(fast, digits: 3)) µs; 1000 different ones: "
      + "\(formatSignificant(slow, digits: 3)) µs")
  bound("equal over different", fast / slow, atMost: 0.25)
}

/// Reading a trace costs in proportion to its operators.
@MainActor func reading() throws {
  print("read a trace")
  for name in ["resnet18", "bert-large"] {
    let path = root.appending(path: "Traces/\(name).jsonl.zst").path()
    let count = try trace(name).operators.count
    let (time, allocations) = try measure { _ = try TraceReader.read(path) }
    print(
      "  \(name): \(count) operators, \(formatSignificant(time, digits: 3)) µs, \(allocations) allocations")
    bound("allocations an operator", Double(allocations) / Double(count), atMost: 60)
  }
}

/// A decoder that answers token by token: names, dependencies and attention lengths as a recording would have them.
@MainActor func decodeTrace(operators: Int) -> Workload {
  let layer: [(name: String, kind: (Int) -> OperatorKind, reach: [Int])] = [
    ("norm1", { _ in .normalization(Normalization(.rms, rows: 1, width: 4096)) }, [1]),
    ("q_proj", { _ in .gemm(GEMM(m: 4096, n: 1, k: 4096)) }, [1]),
    ("k_proj", { _ in .gemm(GEMM(m: 1024, n: 1, k: 4096)) }, [2]),
    ("v_proj", { _ in .gemm(GEMM(m: 1024, n: 1, k: 4096)) }, [3]),
    (
      "attention",
      {
        .attention(Attention(batch: 1, heads: 32, keyValueHeads: 8, queryLength: 1, keyLength: $0, headDimension: 128))
      },
      [3, 2, 1]
    ),
    ("o_proj", { _ in .gemm(GEMM(m: 4096, n: 1, k: 4096)) }, [1]),
    ("add1", { _ in .elementwise(Elementwise(.add, elements: 4096, inputs: 2)) }, [1, 7]),
    ("gate_proj", { _ in .gemm(GEMM(m: 14336, n: 1, k: 4096)) }, [1]),
    ("up_proj", { _ in .gemm(GEMM(m: 14336, n: 1, k: 4096)) }, [2]),
    ("mul", { _ in .elementwise(Elementwise(.multiply, elements: 14336, inputs: 2)) }, [1, 2]),
    ("down_proj", { _ in .gemm(GEMM(m: 4096, n: 1, k: 14336)) }, [1]),
    ("add2", { _ in .elementwise(Elementwise(.add, elements: 4096, inputs: 2)) }, [1, 5]),
  ]
  var result: [Operator] = []
  result.reserveCapacity(operators)
  var token = 0
  while result.count < operators {
    for index in 0..<32 {
      for part in layer {
        result.append(
          Operator(
            name: "layers.\(index).\(part.name)", kind: part.kind(512 + token), dataType: .fp16,
            dependencies: part.reach.map { result.count - $0 }.filter { $0 >= 0 }))
      }
    }
    token += 1
  }
  return Workload(name: "decode", source: "benchmark", operators: result)
}

/// Microseconds of a processor that `body` takes, the least of `runs` runs: what others do on the machine counts little.
@MainActor func processorTime(runs: Int = 5, _ body: () throws -> Void) rethrows -> Double {
  var best = Double.infinity
  for _ in 0..<runs {
    let start = clock()
    try body()
    best = min(best, Double(clock() - start) * 1e6 / Double(CLOCKS_PER_SEC))
  }
  return best
}

/// The native container, on one core, between operators in memory and bytes in memory.
@MainActor func container() throws {
  print("trace container, one core")
  let workload = decodeTrace(operators: 1_000_000)
  let count = Double(workload.operators.count)
  let bytes = try TraceContainer.bytes(workload, threads: 1)
  let encode = try processorTime { _ = try TraceContainer.bytes(workload, threads: 1) }
  let reader = try TraceContainer(bytes: bytes, name: "decode")
  var operators = 0
  let decode = try processorTime {
    try reader.forEach(in: 0..<reader.operatorCount) { (op) throws(DiagnosticList) in operators &+= op.repeats }
  }
  let columns = try processorTime { try reader.forEachName { _ in } }
  let before = allocation_count()
  try reader.forEach(in: 0..<reader.operatorCount) { (op) throws(DiagnosticList) in operators &+= op.repeats }
  let allocations = allocation_count() - before
  print(
    "  \(bytes.count) bytes; encode \(formatSignificant(count / encode, digits: 3)) M operators/s, decode "
      + "\(formatSignificant(count / decode, digits: 3)) M operators/s, names only "
      + "\(formatSignificant(count / columns, digits: 3)) M/s")
  bound("bytes an operator", Double(bytes.count) / count, atMost: 0.1)
  bound("allocations an operator when decoding", Double(allocations) / count, atMost: 3)
}

/// Tile by tile: how fast, and how far from the closed forms on every trace.
@MainActor func events() throws {
  print("tile by tile, one core")
  let options = SimulationOptions(fidelity: .event)
  // 417 M and 204 M cycles a second on a busy machine: what is bound must not depend on its neighbours.
  for (technology, limit) in [("an interface", 1.0), ("HBM2e", 2.0)] {
    var machine = try machine("systolic-128x128")
    guard case .systolic(var array) = machine.architecture else { continue }
    array.dram.technology = technology
    machine.architecture = .systolic(array)
    let workload = try trace("resnet18")
    let cycles = try Double(Simulator.simulate(workload, on: machine, options: options).totals.cycles.count)
    let time = try processorTime(runs: 15) { _ = try Simulator.simulate(workload, on: machine, options: options) }
    print(
      "  resnet18 on systolic-128x128 with \(technology): \(formatSignificant(cycles / time, digits: 3)) M cycles/s")
    bound("seconds for 200 M cycles", 200 * time / cycles, atMost: limit)
  }
  let folder = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Traces").path())
  let names = folder.filter { $0.hasSuffix(".jsonl.zst") }.map { String($0.dropLast(10)) }.sorted()
  let machines = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Configs/Hardware").path())
  let machineNames = machines.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  var worst = (difference: 0.0, run: "")
  for name in names {
    for rules in [[], [SparsityRule(.weights, .structured(n: 2, m: 4))]] {
      let workload = try Study(try trace(name), sparsity: rules).workload
      for machineName in machineNames {
        let machine = try machine(machineName)
        let analytic = try Simulator.simulate(workload, on: machine).totals.elapsed
        let difference = try Simulator.simulate(workload, on: machine, options: options).totals.elapsed / analytic - 1
        guard difference.magnitude > worst.difference.magnitude else { continue }
        worst = (difference, "\(name)\(rules.isEmpty ? "" : " 2:4") on \(machineName)")
      }
    }
  }
  print("  farthest from the closed forms: \(worst.run), \(formatSignificant(100 * worst.difference, digits: 3)) %")
  bound("difference of a network", worst.difference.magnitude, atMost: 0.05)
}

/// The program as a user starts it, when it has been built.
@MainActor func process() throws {
  let binary = root.appending(path: ".build/release/lacuna")
  guard FileManager.default.isExecutableFile(atPath: binary.path()) else {
    print("whole process: build it first with swift build -c release")
    return
  }
  print("whole process: ResNet-18 on the 128×128 array")
  var times: [Double] = []
  var usage = rusage()
  let arguments = [
    binary.path(), "simulate", root.appending(path: "Traces/resnet18.jsonl.zst").path(), "--hardware",
    root.appending(path: "Configs/Hardware/systolic-128x128.yaml").path(), "--format", "json",
  ]
  for _ in 0..<15 {
    var arguments = arguments.map { strdup($0) } + [nil]
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0)
    var child: pid_t = 0
    var status: Int32 = 0
    let start = ContinuousClock.now
    guard posix_spawn(&child, binary.path(), &files, nil, &arguments, environ) == 0,
      wait4(child, &status, 0, &usage) == child, status == 0
    else { fatalError("\(binary.path()) did not run") }
    times.append(Double((ContinuousClock.now - start).components.attoseconds) / 1e15)
  }
  let megabytes = Double(usage.ru_maxrss) / 1024
  print(
    "  median \(formatSignificant(times.sorted()[7], digits: 3)) ms, largest \(formatSignificant(megabytes, digits: 3)) MiB"
  )
  bound("resident MiB", megabytes, atMost: 64)
}

// First, while this process is small: what a child reports as its largest memory includes what it was started from.
try process()
try networks()
try training()
try exploration()
try repetition()
try events()
try reading()
try container()
if CommandLine.arguments.contains("--check"), failures > 0 { exit(1) }
