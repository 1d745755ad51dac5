import Documents
public import Quantities
public import Workloads

/// Where a GPU's kernel library falls short of the hardware, as measured.
///
/// These are not the machine: newer libraries may close them, and a simulation may leave them out.
public struct KernelLibrary: Hashable, Sendable {
  /// Products that run on older kernels.
  public var gaps: [LibraryGap]

  /// A library that gets all out of the hardware.
  public static let ideal = KernelLibrary(gaps: [])

  /// What products of a type and width fall short of; nil where they do not.
  public func gap(for type: DataType, isSparse: Bool, columns: Int) -> LibraryGap? {
    gaps.first { $0.dataType == type && $0.isSparse == isSparse && columns <= $0.columns ?? .max }
  }
}

/// Products that the library runs on kernels below what the hardware allows. What is nil is as the hardware has it.
public struct LibraryGap: Hashable, Sendable {
  /// The type of their operands.
  public var dataType: DataType
  /// Whether it is the 2:4 products or the dense ones.
  public var isSparse: Bool
  /// The widest products it holds for; nil for all.
  public var columns: Int?
  /// Multiply-accumulates of an SM in a cycle.
  public var macsPerCycle: Double?
  /// Energy of a multiply-accumulate.
  public var macEnergy: Joules?
  /// Off-chip bandwidth.
  public var streamBandwidth: BytesPerSecond?
  /// Bits of a result's element.
  public var outputBits: Int?
}

extension KernelLibrary {
  /// Reads a section that may be absent.
  init?(reading parent: inout ConstantFields) {
    guard var fields = parent.optionalSection("library") else {
      self = .ideal
      return
    }
    let sections = fields.sections()
    let gaps = sections.compactMap { LibraryGap(reading: $0.section) }
    guard gaps.count == sections.count else { return nil }
    self.init(gaps: gaps)
  }
}

extension LibraryGap {
  fileprivate init?(reading section: ConstantFields) {
    var fields = section
    let type = fields.plain("data_type", as: DataType.self)
    let isSparse = fields.plain("sparse", as: Bool.self)
    columns = fields.optionalCount("columns")
    macsPerCycle = fields.optionalNumber("macs_per_cycle", in: 1...1e6)
    macEnergy = fields.optionalQuantity("mac_energy")
    streamBandwidth = fields.optionalQuantity("stream_bandwidth")
    outputBits = fields.optionalCount("output_bits")
    fields.finish()
    guard let type, let isSparse else { return nil }
    dataType = type
    self.isSparse = isSparse
  }
}
