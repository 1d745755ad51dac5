import Documents
public import Simulation

/// A run as the report files of SCALE-Sim v3, so that both can be laid side by side: a row for each matrix operator of the
/// trace, in its order, that of one of its repeats. The files can be had of runs on systolic arrays.
///
/// - Words are values. Total cycles count from zero, as SCALE-Sim's do: one less than the array takes, and what it waits.
/// - Overall utilization counts the multiply-accumulates of a dense run, so that it passes 100 % where zeros are skipped.
/// - Positions of kept values are words of 32 bits: ⌈log2 M⌉ bits a value.
/// - Left empty, since nothing here says them: when accesses start and stop, bandwidths of off-chip memory while it is
///   busy, the mapping efficiency and compute utilization, whose averages are SCALE-Sim's own.
public enum ScaleSimReport {
  /// The files' names and contents; nil for a run without a systolic array.
  /// - Parameter run: a run; operators that are no products are left out.
  public static func files(_ run: RunResult) -> [(name: String, text: String)]? {
    let layers = run.operators.compactMap { result -> Layer? in
      let estimate = run.estimate(of: result)
      return estimate.array.map { Layer(activity: $0, dense: estimate.macs.dense) }
    }
    guard !layers.isEmpty else { return nil }
    return [
      ("COMPUTE_REPORT.csv", table(compute, layers)), ("BANDWIDTH_REPORT.csv", table(bandwidth, layers)),
      ("DETAILED_ACCESS_REPORT.csv", table(accesses, layers)), ("SPARSE_REPORT.csv", table(sparse, layers)),
    ]
  }

  private struct Layer: Sendable {
    var activity: ArrayActivity
    var dense: Int

    var totalCycles: Int { activity.cycles - 1 + activity.stallCycles }
    var positionWords: Double { Double(activity.storedFilterValues * activity.positionBits) / 32 }

    func rate(_ words: Double) -> String { cell(words / Double(totalCycles)) }
  }

  private typealias Column = (title: String, cell: @Sendable (Layer) -> String)

  private static func table(_ columns: [Column], _ layers: [Layer]) -> String {
    var text = (["LayerID"] + columns.map(\.title)).map { $0 + "," }.joined(separator: " ") + "\n"
    if columns.last?.title == sparse.last?.title { text = text.dropLast() + " \n" }
    for (index, layer) in layers.enumerated() {
      text += (["\(index)"] + columns.map { $0.cell(layer) }).map { $0 + "," }.joined(separator: " ") + "\n"
    }
    return text
  }

  private static let unknown: @Sendable (Layer) -> String = { _ in "" }

  private static let compute: [Column] = [
    ("Total Cycles (incl. prefetch)", { cell($0.totalCycles + $0.activity.prefetchCycles) }),
    ("Total Cycles", { cell($0.totalCycles) }), ("Stall Cycles", { cell($0.activity.stallCycles) }),
    ("Overall Util %", { cell(100 * Double($0.dense) / Double($0.totalCycles * $0.activity.elements)) }),
    ("Mapping Efficiency %", unknown), ("Compute Util %", unknown),
  ]

  private static let bandwidth: [Column] = [
    ("Avg IFMAP SRAM BW", { $0.rate(Double($0.activity.inputReads)) }),
    ("Avg FILTER SRAM BW", { $0.rate(Double($0.activity.filterReads)) }),
    ("Avg FILTER Metadata SRAM BW", { $0.rate($0.positionWords) }),
    ("Avg OFMAP SRAM BW", { $0.rate(Double($0.activity.outputWrites)) }), ("Avg IFMAP DRAM BW", unknown),
    ("Avg FILTER DRAM BW", unknown), ("Avg OFMAP DRAM BW", unknown),
  ]

  private static let accesses: [Column] = [
    ("SRAM IFMAP Start Cycle", unknown), ("SRAM IFMAP Stop Cycle", unknown),
    ("SRAM IFMAP Reads", { cell($0.activity.inputReads) }), ("SRAM Filter Start Cycle", unknown),
    ("SRAM Filter Stop Cycle", unknown), ("SRAM Filter Reads", { cell($0.activity.filterReads) }),
    ("SRAM OFMAP Start Cycle", unknown), ("SRAM OFMAP Stop Cycle", unknown),
    ("SRAM OFMAP Writes", { cell($0.activity.outputWrites) }), ("DRAM IFMAP Start Cycle", unknown),
    ("DRAM IFMAP Stop Cycle", unknown), ("DRAM IFMAP Reads", { cell($0.activity.offChipInputReads) }),
    ("DRAM Filter Start Cycle", unknown), ("DRAM Filter Stop Cycle", unknown),
    ("DRAM Filter Reads", { cell($0.activity.offChipFilterReads) }), ("DRAM OFMAP Start Cycle", unknown),
    ("DRAM OFMAP Stop Cycle", unknown), ("DRAM OFMAP Writes", { cell($0.activity.offChipOutputWrites) }),
  ]

  private static let sparse: [Column] = [
    ("Sparsity Representation", { $0.activity.positionBits == 0 ? "dense" : "ellpack_block" }),
    ("Original Filter Storage", { cell($0.activity.filterValues) }),
    (
      "New Storage (Filter+Metadata)",
      { cell(Double($0.activity.storedFilterValues) + $0.positionWords) }
    ), ("Filter Metadata Storage", { cell($0.positionWords) }),
    ("Avg FILTER Metadata SRAM BW", { $0.rate($0.positionWords) }),
  ]
}
