import Diagnostics
import Documents

/// The tables of measurements that can be held against the simulator. A table's header says which it is.
public enum ReferenceKind: String, CaseIterable, Sendable {
  /// Products, dense and 2:4 side by side, with power and clock.
  case gemm
  /// Products, a kernel a row, with hardware counters.
  case gemmCounters = "gemm-counters"
  /// Fused attention, also causal and block-sparse.
  case attention
  /// Element-wise operators, reductions, normalizations.
  case memory
  /// Block-sparse and unstructured weights times a dense matrix.
  case sparseWeights = "sparse-weights"
  /// The products of a feed-forward layer's training step, dense and 2:4, and the compression of its weights.
  case training
  /// Whole stacks of layers, dense and with 2:4 weights.
  case stack
  /// What others published of a machine, a figure a row.
  case published

  /// The columns that say what ran.
  public var shapeColumns: [String] {
    switch self {
    case .gemm: ["layer", "dtype", "m", "n", "k"]
    case .gemmCounters: ["layer", "dtype", "m", "n", "k", "sparse24"]
    case .attention: ["kind", "density", "block", "B", "H", "S", "D"]
    case .memory: ["op", "shape"]
    case .sparseWeights: ["format", "block", "density", "M", "N", "K"]
    case .training: ["d", "ffn", "tokens"]
    case .stack: ["model", "kind", "layers", "batch", "seq", "hidden", "ffn", "heads"]
    case .published:
      [
        "workload", "batch", "sequence", "dtype", "weights", "training", "baseline", "metric", "low", "high",
        "certainty", "source",
      ]
    }
  }

  /// The columns that say what was read. Each is predicted, in a column of its name after `predicted_`.
  public var measuredColumns: [String] { columns.map(\.name) }

  /// All columns a file of this kind must have.
  public var neededColumns: [String] { shapeColumns + measuredColumns.filter { !optionalColumns.contains($0) } }

  /// The measured columns that a file may lack.
  var optionalColumns: [String] { self == .memory || self == .attention ? ["W"] : [] }

  /// A measured column, what it means (nil where each row says so itself), and its unit in the metric's base unit.
  typealias Column = (name: String, metric: Metric?, scale: Double)

  var columns: [Column] {
    switch self {
    case .gemm:
      [
        ("dense_us", .time, 1e-6), ("sparse24_us", .time, 1e-6), ("dense_w", .power, 1), ("sparse24_w", .power, 1),
        ("dense_mhz", .clock, 1e6), ("sparse24_mhz", .clock, 1e6),
      ]
    case .gemmCounters:
      [
        ("time_ns", .time, 1e-9), ("clock_mhz", .clock, 1e6), ("l2_read_bytes_by_sm", .l2Read, 1),
        ("dram_read_bytes", .dramRead, 1),
      ]
    case .sparseWeights: [("us", .time, 1e-6)]
    case .attention, .memory: [("us", .time, 1e-6), ("W", .power, 1)]
    case .training:
      ["ff_dense_us", "ff_sparse24_us", "bp_dense_us", "bp_sparse24_us", "wu_dense_us", "compress_us"].map {
        ($0, .time, 1e-6)
      }
    case .stack:
      [
        ("dense_ms", .time, 1e-3), ("sparse24_ms", .time, 1e-3), ("dense_w", .power, 1), ("sparse24_w", .power, 1),
      ]
    case .published: [("value", nil, 1)]
    }
  }

  /// What its columns are called in output.
  static let prefix = "predicted_"
  /// The column that says why cells of a row are empty.
  static let reasonColumn = "not_modelled"
}

extension ReferenceKind {
  /// The kind whose columns the header has; where some are missing, the kind it has most of.
  /// - Returns: nil, after a report, for a header that lacks columns.
  static func detect(_ header: CSVDocument.Row, _ reader: DocumentReader) -> ReferenceKind? {
    let names = header.cells.map(\.text)
    func part(_ kind: ReferenceKind) -> Double {
      let needed = kind.neededColumns
      return Double(needed.count { names.contains($0) }) / Double(needed.count)
    }
    // A later kind must have more to win.
    guard let best = allCases.max(by: { (part($0), $1.rank) < (part($1), $0.rank) }), part(best) >= 0.5 else {
      reader.report(
        .unknownFormat, "the columns are not those of any measurements that can be compared", at: header.range,
        notes: allCases.map { "\($0.rawValue): \($0.neededColumns.joined(separator: ", "))" },
        help: "name the columns as one of these does, in any order; further columns are kept")
      return nil
    }
    let strangers = names.filter { !best.neededColumns.contains($0) && !best.optionalColumns.contains($0) }
    var isComplete = true
    for column in best.neededColumns where !names.contains(column) {
      isComplete = false
      let close = nearest(to: column, among: strangers.filter { !$0.isEmpty })
      let place = close.flatMap { name in header.cells.first { $0.text == name } }?.range
      reader.report(
        .missingKey, "the column '\(column)' is missing", at: place ?? header.range,
        notes: ["measurements of the kind '\(best.rawValue)' need: \(best.neededColumns.joined(separator: ", "))"],
        help: close.map { "is '\($0)' meant to be '\(column)'?" } ?? "add it; a measurement may be left empty")
    }
    return isComplete ? best : nil
  }

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
