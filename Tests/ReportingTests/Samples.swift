import Lacuna

@testable import Hardware
@testable import Simulation

/// Results made by hand, so that reports are tested apart from any engine.
enum Samples {
  /// An answer whose parts add up: `microseconds` long, with `macs` dense multiply-accumulates.
  static func estimate(
    microseconds: Double, bound: Bound, macs: Int = 0, useful: Int? = nil, isPowerCapped: Bool = false, mapping: Mapping
  ) -> Estimate {
    let elapsed = Seconds(microseconds * 1e-6)
    var stalled = TimeByBound()
    stalled[bound] = elapsed * 0.25
    let isMatrix = macs > 0
    return Estimate(
      elapsed: elapsed, cycles: Cycles(Int64(microseconds * 1500)), clock: Hertz(1.5e9), bound: bound,
      matrix: isMatrix ? UnitTime(busy: elapsed * 0.75, stalled: stalled) : UnitTime(busy: .zero, of: elapsed),
      vector: isMatrix ? UnitTime(busy: .zero, of: elapsed) : UnitTime(busy: elapsed),
      memory: UnitTime(busy: elapsed * 0.5, of: elapsed),
      macs: MACCount(dense: macs, useful: useful ?? macs, padded: macs / 64),
      traffic: Traffic(
        dramRead: Bytes(Int64(microseconds * 1e6)), dramWritten: Bytes(250_000), l2Read: Bytes(4_000_000),
        l2Written: Bytes(300_000), l1Filled: Bytes(8_000_000), l1Read: Bytes(64_000_000),
        metadata: Bytes(useful == nil ? 0 : 65_536)),
      energy: EnergyBreakdown(
        mac: Joules(Double(useful ?? macs) * 0.5e-12), vector: isMatrix ? .zero : Joules(2e-6), l1: Joules(3e-6),
        l2: Joules(2e-6), dram: Joules(microseconds * 20e-6), idle: Joules(microseconds * 80e-6)),
      isPowerCapped: isPowerCapped, mapping: mapping)
  }

  static func entry(
    _ name: String, _ kind: String, _ shape: String, phase: Phase = .inference, sparsity: OperandSparsity = .dense,
    repeats: Int = 1, estimate: Int, microseconds: Double
  ) -> RunResult.OperatorResult {
    RunResult.OperatorResult(
      name: name, kind: kind, shape: shape, phase: phase, sparsity: sparsity, repeats: repeats, estimate: estimate,
      exposed: Seconds(microseconds * 1e-6))
  }

  /// Two layers of an encoder: four kinds of operators, twice each, one of them with an awkward name.
  static func encoder(on machine: String, sparse: Bool, scale: Double = 1) -> RunResult {
    let kernel = GEMMKernel(
      m: 128, n: 256, cluster: .init(m: 2, n: 1), tilesPerMultiprocessor: 1, mostSplits: 1)
    let weights = sparse ? OperandSparsity(weights: .structured(n: 2, m: 4)) : .dense
    let gemm = (sparse ? 30.0 : 50.0) * scale
    let macs = 4_294_967_296
    let estimates = [
      estimate(
        microseconds: gemm, bound: sparse ? .localMemory : .issue, macs: macs, useful: sparse ? macs / 2 : nil,
        isPowerCapped: !sparse, mapping: .kernel(kernel, splits: 1, tiles: 256, waves: 2)),
      estimate(microseconds: 20 * scale, bound: .issue, macs: macs / 16, mapping: .fusedAttention),
      estimate(microseconds: 6 * scale, bound: .dram, mapping: .vector),
      estimate(microseconds: 2.5 * scale, bound: .launch, mapping: .vector),
    ]
    let operators = (0..<2).flatMap { layer in
      [
        entry(
          "encoder.\(layer).fc1", "gemm", "4096×1024×1024", sparsity: weights, estimate: 0, microseconds: gemm),
        entry("encoder.\(layer).attention", "attention", "8·16h 128×128×64", estimate: 1, microseconds: 20 * scale),
        entry(
          "encoder.\(layer).a name, \"quoted\" and far too long for a table of any sensible width", "elementwise",
          "gelu 4194304", repeats: 3, estimate: 2, microseconds: 6 * scale),
        entry("encoder.\(layer).norm", "normalization", "layer 1024×1024", estimate: 3, microseconds: 2.5 * scale),
      ]
    }
    let notes =
      sparse
      ? [
        RunResult.Note(
          message: "fp32 is multiplied as tf32", count: 2, examples: ["encoder.0.attention", "encoder.1.attention"])
      ] : []
    return RunResult(
      workload: "tiny-encoder", machine: machine, samples: 8, operators: operators, estimates: estimates, notes: notes)
  }

  static func report(on machine: String, scale: Double = 1) -> RunReport {
    RunReport(
      comparison: Comparison(
        run: encoder(on: machine, sparse: true, scale: scale),
        dense: encoder(on: machine, sparse: false, scale: scale)),
      machine: self.machine(machine), asked: ["weights=2:4"],
      notes: [WorkloadNote](),
      skipped: [
        Workload.Skipped(reason: "moves no data", count: 12, examples: ["aten::view", "aten::expand"]),
        Workload.Skipped(reason: "reads a value back to the host", count: 1, examples: ["aten::item"]),
      ])
  }

  /// A waterfall in which a cause takes much, one hardly anything, one nothing, and one gives.
  static func losses(operators: [Int]?, subject: String = "tiny-encoder") -> LossReport {
    let factors: [(LossCause, Double)] = [
      (.rate, 1), (.operandBandwidth, 0.75), (.tiling, 0.9), (.l2, 0.9985), (.metadata, 1), (.power, 1.1),
      (.vectorOperators, 0.8),
    ]
    var speedup = 2.0
    let steps = factors.map { cause, factor in
      speedup *= factor
      return SpeedupWaterfall.Step(cause: cause, factor: factor, speedup: speedup)
    }
    return LossReport(
      waterfall: SpeedupWaterfall(subject: subject, machine: "h200", ideal: 2, steps: steps),
      report: report(on: "h200"), operators: operators)
  }

  /// A training step with an operator that its dense baseline does not have.
  static var training: RunReport {
    let kernel = Mapping.folds(.weightStationary, along: 4, across: 8)
    func run(_ sparse: Bool) -> RunResult {
      let time = sparse ? 40.0 : 100.0
      var operators = [
        entry("conv1", "convolution", "64×56×56→64 3×3/1", phase: .forward, estimate: 0, microseconds: time),
        entry(
          "conv1.backward_data", "convolution", "64×56×56→64 3×3/1", phase: .backwardData, estimate: 1,
          microseconds: time),
        entry(
          "conv1.backward_weight", "convolution", "64×56×56→64 3×3/1", phase: .backwardWeight, estimate: 2,
          microseconds: 100),
      ]
      var estimates = [time, time, 100].map {
        estimate(microseconds: $0, bound: .issue, macs: 115_605_504, useful: sparse ? 28_901_376 : nil, mapping: kernel)
      }
      if sparse {
        operators.append(
          entry("conv1.prune_forward", "pruning", "2:8 of 36864", phase: .update, estimate: 3, microseconds: 1))
        estimates.append(estimate(microseconds: 1, bound: .decode, mapping: .pruner))
      }
      return RunResult(
        workload: "step", machine: "sat", samples: nil, operators: operators, estimates: estimates, notes: [])
    }
    return RunReport(
      comparison: Comparison(run: run(true), dense: run(false)),
      machine: machine("sat"), asked: ["weights=2:8", "training bdwp"])
  }

  /// A short dense phase, a long pruned one.
  static var schedule: ScheduleReport {
    let dense = RunReport(
      comparison: Comparison(run: training.comparison.dense, dense: training.comparison.dense),
      machine: training.machine, asked: ["training dense"])
    return ScheduleReport(phases: [
      ScheduleReport.Phase(pattern: .dense, steps: 1000, step: dense),
      ScheduleReport.Phase(pattern: .structured(n: 2, m: 8), steps: 3_000_000_000_000, step: training),
    ])
  }

  /// An array with one constant of each certainty; reports look at its constants only.
  static func machine(_ name: String) -> Machine {
    let array = SystolicArray(
      rows: 32, columns: 32, clock: Hertz(940e6), dataTypes: DataTypeSupport(rates: [:]),
      dataflows: [.weightStationary], sparseElement: .group, largestGroup: 8, accumulatorLatency: Cycles(8),
      interleaving: 8, inputBuffer: Bytes(1 << 17), weightBuffer: Bytes(1 << 17), outputBuffer: Bytes(1 << 17),
      dram: DRAM(
        technology: "DDR4", peakBandwidth: BytesPerSecond(19.2e9), streamBandwidth: BytesPerSecond(16e9),
        capacity: Bytes(1 << 34), latency: Seconds(60e-9), energy: JoulesPerByte(20e-12)),
      vector: VectorUnit(operationsPerCycle: 32, transcendentalsPerCycle: 8, energy: Joules(2e-12)),
      idle: Watts(1), bufferEnergy: JoulesPerByte(1e-12))
    return Machine(
      name: name, title: "A machine for tests", architecture: .systolic(array),
      constants: [
        Constant(path: "array.rows", value: "32", certainty: .published, source: "the paper, table 2"),
        Constant(path: "array.clock", value: "940 MHz", certainty: .measured, source: "a counter, \"cycles\""),
        Constant(path: "array.interleaving", value: "8", certainty: .derived, source: "the adder's latency"),
        Constant(
          path: "dram.energy", value: "20 pJ/bit", certainty: .assumed,
          source: "typical of its technology; no measurement of this part of the machine has been published anywhere"),
      ])
  }

  static var trace: Workload {
    let sparse = OperandSparsity(weights: .structured(n: 2, m: 4))
    return Workload(
      name: "tiny", source: "written by hand", samples: 8,
      operators: [
        Operator(
          name: "fc1", kind: .gemm(GEMM(m: 4096, n: 1024, k: 1024)), dataType: .fp16, sparsity: sparse, repeats: 24),
        Operator(name: "gelu", kind: .elementwise(Elementwise(.gelu, elements: 4_194_304)), dataType: .fp16),
        Operator(name: "fc2", kind: .gemm(GEMM(m: 1024, n: 1024, k: 4096)), dataType: .bf16, sparsity: sparse),
        Operator(
          name: "fc2.gradient", kind: .gemm(GEMM(m: 4096, n: 1024, k: 1024)), phase: .backwardData, dataType: .fp16),
      ],
      skipped: [Workload.Skipped(reason: "moves no data", count: 2, examples: [])])
  }
}

extension Samples {
  /// Twelve layers of which some are pruned, one way or another, as a container.
  static let layers: TraceReport = {
    var operators: [Operator] = []
    for layer in 0..<12 {
      let name = "encoder.\(layer)"
      let input = operators.indices.last.map { [$0] } ?? []
      operators += [
        Operator(
          name: "\(name).norm", kind: .normalization(Normalization(.layer, rows: 512, width: 256)), dataType: .fp16,
          dependencies: input),
        Operator(
          name: "\(name).fc1", kind: .gemm(GEMM(m: 1024, n: 512, k: 256)), dataType: .fp16,
          sparsity: OperandSparsity(weights: layer < 8 ? .structured(n: 2, m: 4) : .dense)),
        Operator(
          name: "\(name).fc2", kind: .gemm(GEMM(m: 256, n: 512, k: 1024)), dataType: .fp16,
          sparsity: OperandSparsity(weights: .unstructured(zeros: 0.9), activations: .unstructured(zeros: 0.5))),
        Operator(
          name: "\(name).attention",
          kind: .attention(Attention(batch: 4, heads: 8, queryLength: 128, headDimension: 32)),
          dataType: .fp16),
      ]
    }
    operators.append(
      Operator(
        name: "head", kind: .gemm(GEMM(m: 1000, n: 4, k: 256)), dataType: .fp16, outputType: .fp32,
        sparsity: OperandSparsity(weights: .mask(MaskReference(file: "head.npy", tensor: "w"))), repeats: 3))
    return TraceReport(
      Workload(
        name: "layers", source: "written for a test", samples: 4, operators: operators,
        skipped: [Workload.Skipped(reason: "moves no data", count: 9, examples: ["view", "reshape"])]),
      format: "Lacuna trace container",
      storage: TraceReport.Storage(file: Bytes(431), text: Bytes(9_210), blocks: 1))
  }()
}
