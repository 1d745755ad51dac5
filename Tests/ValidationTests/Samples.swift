import Foundation
import Lacuna
import Testing

/// What the tests share.
enum Samples {
  static let paths = (try? ReferenceCatalog.paths()) ?? []

  static func machine(_ name: String = "h200") throws -> Machine { try MachineCatalog.find(name) }

  /// A table in memory with predictions.
  static func validated(_ text: String, name: String = "h200_mine.csv", on machine: String = "h200") throws
    -> ValidatedFile
  {
    Validator.validate(try ReferenceFile(SourceText(name: name, text: text)), on: try Self.machine(machine))
  }

  /// A file of the catalog with predictions.
  static func validated(
    path: String, fidelity: SimulationOptions.Fidelity = .analytic
  ) throws -> ValidatedFile {
    let file = try ReferenceFile(path: path)
    return Validator.validate(file, on: try machine(file.machineName), fidelity: fidelity)
  }

  /// A small table of each kind.
  static let tables: [(kind: ReferenceKind, text: String)] = [
    (
      .gemm,
      """
      layer,dtype,m,n,k,dense_us,dense_w,dense_mhz,sparse24_us,sparse24_w,sparse24_mhz
      square,fp16,4096,4096,4096,220,700,1400,150,700,1500
      """
    ),
    (
      .gemmCounters,
      """
      layer,dtype,m,n,k,sparse24,time_ns,clock_mhz,l2_read_bytes_by_sm,dram_read_bytes
      square,fp8,2048,2048,2048,1,26176,1671,84348416,16798720
      """
    ),
    (
      .attention,
      """
      kind,density,block,B,H,S,D,us
      flex_block,0.5,128,1,32,8192,128,1400
      """
    ),
    (
      .memory,
      """
      op,shape,us
      softmax,4096x1024,9
      """
    ),
    (
      .sparseWeights,
      """
      format,block,density,M,N,K,us
      bsr,64,0.5,4096,4096,4096,280
      """
    ),
    (
      .training,
      """
      d,ffn,tokens,ff_dense_us,ff_sparse24_us,bp_dense_us,bp_sparse24_us,wu_dense_us,compress_us
      1024,4096,4096,52,41,47,33,48,421
      """
    ),
    (
      .stack,
      """
      model,kind,layers,batch,seq,hidden,ffn,heads,dense_ms,dense_w,sparse24_ms,sparse24_w
      tiny,decoder,2,1,512,1024,4096,16,0.5,600,0.4,600
      """
    ),
    (
      .published,
      """
      workload,batch,sequence,dtype,weights,training,baseline,overhead_us,metric,value,low,high,certainty,source
      bert-large,16,,int8,2:4,,,,throughput_per_s,3000,2000,4000,secondary,"somebody, 2025"
      """
    ),
  ]
}

/// A table of plain cells by column, read without the library.
struct PlainTable {
  var rows: [[String: String]]

  init(_ text: String) {
    let lines = text.split(separator: "\n").map(Self.cells)
    rows = lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  private static func cells(_ line: Substring) -> [String] {
    var cells = [""]
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        cells.append("")
      } else {
        cells[cells.count - 1].append(character)
      }
    }
    return cells
  }
}
