import Documents
import Quantities
public import Workloads

/// What the zeros of one tensor are like.
public struct TensorSparsity: Sendable {
  /// The tensor.
  public var name: String
  /// Its file.
  public var file: String
  /// Its extents as stored.
  public var shape: [Int]
  /// What was counted.
  public var statistics: MaskStatistics

  /// A tensor.
  public init(name: String, file: String, shape: [Int], statistics: MaskStatistics) {
    self.name = name
    self.file = file
    self.shape = shape
    self.statistics = statistics
  }

  var shapeText: String { shape.map(String.init).joined(separator: "×") }

  /// The share of groups that conform to an N:M.
  func share(_ n: Int, _ m: Int) -> Double? { statistics.conforming.first { ($0.n, $0.m) == (n, m) }?.share }

  var tightestText: String { statistics.tightest.map { "\($0.n):\($0.m)" } ?? "none" }
}

extension TableReport {
  /// One tensor in full, or a row for each of several.
  static func sparsity(_ tensors: [TensorSparsity], _ others: Int) -> String {
    let left = others == 0 ? "" : "\n\(plural(others, "tensor")) without rows and columns left out\n"
    if tensors.count == 1 { return details(tensors[0]) + left }
    var table = TextTable([
      .words("tensor", cut: .middle), .words("shape"), .number("sparsity"), .number("2:4"), .number("4:8"),
      .words("all N:M"), .number("bank 64"), .number("blocks 16"), .number("blocks 64"), .number("row std"),
      .number("empty rows"),
    ])
    for tensor in tensors {
      let s = tensor.statistics
      table.add([
        tensor.name, tensor.shapeText, percentText(s.sparsity), percentText(tensor.share(2, 4)),
        percentText(tensor.share(4, 8)), tensor.tightestText,
        factorText(s.banks.first { $0.size == 64 }?.imbalance),
        percentText(s.blocks.first { $0.size == 16 }?.counts.density),
        percentText(s.blocks.first { $0.size == 64 }?.counts.density),
        percentText(s.inRows.mean > 0 ? s.inRows.deviation / s.inRows.mean : nil),
        "\(s.inRows.empty)",
      ])
    }
    let all = tensors.reduce((kept: 0, elements: 0)) {
      ($0.kept + $1.statistics.kept, $0.elements + $1.statistics.rows * $1.statistics.columns)
    }
    return table.text() + "\n\(plural(tensors.count, "tensor")), \(countText(all.elements)) elements, "
      + "\(percentText(1 - Double(all.kept) / Double(max(1, all.elements)))) of them zero\n"
      + wrapped(
        "2:4 and 4:8: groups that conform; all N:M: the tightest that every group conforms to; bank 64: the fullest over "
          + "the mean; blocks: those that are not empty; row std: of the mean.") + left
  }

  private static func details(_ tensor: TensorSparsity) -> String {
    let s = tensor.statistics
    var text = heading([tensor.name, tensor.shapeText, "\(s.rows) output features × \(s.columns)"])
    text += "\(formatGrouped(Int64(s.kept))) kept, sparsity \(percentText(s.sparsity))\n\n"
    var spread = TextTable([
      .words("kept in each"), .number("mean"), .number("std"), .number("least"), .number("most"), .number("empty"),
    ])
    for (name, value) in [("row", s.inRows), ("column", s.inColumns)] {
      spread.add([
        name, formatFixed(value.mean, decimals: 2), formatFixed(value.deviation, decimals: 2), "\(value.least)",
        "\(value.most)", "\(value.empty)",
      ])
    }
    text += spread.text() + "\n"
    var ratios = TextTable([.words("N:M"), .number("groups that conform")])
    for ratio in s.conforming { ratios.add(["\(ratio.n):\(ratio.m)", percentText(ratio.share)]) }
    ratios.add(["tightest for all", tensor.tightestText])
    text += ratios.text() + "\n"
    var banks = TextTable([.words("banks of"), .number("mean"), .number("most"), .number("max/mean")])
    for bank in s.banks {
      banks.add([
        "\(bank.size)", formatFixed(bank.mean, decimals: 2), "\(bank.fullest)", factorText(bank.imbalance),
      ])
    }
    text += banks.text() + "\n"
    var blocks = TextTable([
      .words("blocks"), .number("count"), .number("not empty"), .number("least dense"), .number("densest"),
    ])
    for block in s.blocks {
      blocks.add([
        "\(block.size)×\(block.size)", "\(block.counts.count)", percentText(block.counts.density),
        percentText(block.counts.lowestDensity), percentText(block.counts.highestDensity),
      ])
    }
    return text + blocks.text()
  }
}

extension JSONReport {
  static func sparsity(_ tensor: TensorSparsity) -> [(String, JSONValue)] {
    let s = tensor.statistics
    func spread(_ value: MaskStatistics.Spread) -> JSONValue {
      .object([
        ("mean", .number(value.mean)), ("std", .number(value.deviation)), ("min", .integer(value.least)),
        ("max", .integer(value.most)), ("empty", .integer(value.empty)),
      ])
    }
    return [
      ("name", .string(tensor.name)), ("file", .string(tensor.file)),
      ("shape", .array(tensor.shape.map(JSONValue.integer))), ("rows", .integer(s.rows)),
      ("columns", .integer(s.columns)), ("nonzeros", .integer(s.kept)), ("sparsity", .number(s.sparsity)),
      ("nonzeros_per_row", spread(s.inRows)), ("nonzeros_per_column", spread(s.inColumns)),
      ("tightest_n_m", s.tightest.map { .string("\($0.n):\($0.m)") } ?? .null),
      (
        "conforming",
        .array(s.conforming.map { .object([("pattern", .string("\($0.n):\($0.m)")), ("groups", .number($0.share))]) })
      ),
      (
        "banks",
        .array(
          s.banks.map {
            .object([
              ("size", .integer($0.size)), ("mean", .number($0.mean)), ("max", .integer($0.fullest)),
              ("max_over_mean", .optional($0.imbalance)),
            ])
          })
      ),
      (
        "blocks",
        .array(
          s.blocks.map {
            .object([
              ("size", .integer($0.size)), ("count", .integer($0.counts.count)), ("kept", .integer($0.counts.kept)),
              ("fullest_row", .integer($0.counts.fullestRow)), ("min_density", .number($0.counts.lowestDensity)),
              ("max_density", .number($0.counts.highestDensity)),
            ])
          })
      ),
    ]
  }
}

extension CSVReport {
  /// A row for each tensor.
  static func sparsity(_ tensors: [TensorSparsity]) -> String {
    let (ratios, banks, blocks) = (MaskStatistics.commonRatios, MaskStatistics.bankSizes, MaskStatistics.blockSizes)
    var table = CSVTable(
      [
        "schema_version", "file", "tensor", "shape", "rows", "columns", "nonzeros", "sparsity", "row_mean", "row_std",
        "row_min", "row_max", "empty_rows", "column_mean", "column_std", "column_min", "column_max", "empty_columns",
        "tightest_n_m",
      ] + ratios.map { "groups_\($0.0)_of_\($0.1)" } + banks.flatMap { ["bank_\($0)_mean", "bank_\($0)_max"] }
        + blocks.flatMap {
          ["block_\($0)_count", "block_\($0)_kept", "block_\($0)_min_density", "block_\($0)_max_density"]
        })
    func spread(_ value: MaskStatistics.Spread) -> [String] {
      [cell(value.mean), cell(value.deviation), cell(value.least), cell(value.most), cell(value.empty)]
    }
    for tensor in tensors {
      let s = tensor.statistics
      let first = [
        cell(Version.reportSchema), tensor.file, tensor.name, tensor.shape.map(String.init).joined(separator: "x"),
        cell(s.rows), cell(s.columns), cell(s.kept), cell(s.sparsity),
      ]
      table.add(
        first + spread(s.inRows) + spread(s.inColumns) + [s.tightest.map { "\($0.n):\($0.m)" } ?? ""]
          + s.conforming.map { cell($0.share) } + s.banks.flatMap { [cell($0.mean), cell($0.fullest)] }
          + s.blocks.flatMap {
            [
              cell($0.counts.count), cell($0.counts.kept), cell($0.counts.lowestDensity),
              cell($0.counts.highestDensity),
            ]
          })
    }
    return table.text
  }
}
