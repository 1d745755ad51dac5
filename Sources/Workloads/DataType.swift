public import Documents

/// How a tensor's elements are stored.
public enum DataType: String, CaseIterable, Hashable, Sendable {
  /// IEEE double precision.
  case fp64
  /// IEEE single precision.
  case fp32
  /// 19-bit format of NVIDIA tensor cores, stored in 32 bits.
  case tf32
  /// IEEE half precision.
  case fp16
  /// Brain floating point.
  case bf16
  /// 8-bit floating point, E4M3 or E5M2.
  case fp8
  /// 64-bit integers.
  case int64
  /// 32-bit integers.
  case int32
  /// 16-bit integers.
  case int16
  /// 8-bit integers, signed or not; also truth values.
  case int8
  /// 4-bit integers.
  case int4

  /// Bits that one element takes in memory.
  public var bits: Int {
    switch self {
    case .fp64, .int64: 64
    case .fp32, .tf32, .int32: 32
    case .fp16, .bf16, .int16: 16
    case .fp8, .int8: 8
    case .int4: 4
    }
  }

  /// Whether it holds integers.
  public var isInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .int4: true
    case .fp64, .fp32, .tf32, .fp16, .bf16, .fp8: false
    }
  }
}

extension DataType: DocumentReadable {
  /// Reads a data type's name.
  public static func read(_ node: Node, _ reader: DocumentReader) -> DataType? {
    reader.choice(node, allCases.map { ($0.rawValue, $0) }, what: "a data type")
  }
}
