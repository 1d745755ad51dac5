/// Where the frames of a file begin, compressed and decompressed: the seek table of Zstandard's seekable format 0.1.0
/// (`contrib/seekable_format` of its repository), which is a skippable frame at the file's end.
struct SeekTable: Sendable {
  struct Frame: Hashable, Sendable {
    var compressed: Int
    var decompressed: Int
  }

  var frames: [Frame] = []

  private static let skippable: UInt32 = 0x184D_2A5E
  private static let magic: UInt32 = 0x8F92_EAB1
  /// Bytes of a skippable frame's header, and of the table's footer.
  private static let headerSize = 8
  static let footerSize = 9

  /// The frame with the table. It has no checksums of its own: every frame carries one.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: UInt32) { unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes += $0 } }
    append(Self.skippable)
    append(UInt32(8 * frames.count + Self.footerSize))
    for frame in frames {
      append(UInt32(frame.compressed))
      append(UInt32(frame.decompressed))
    }
    append(UInt32(frames.count))
    bytes.append(0)
    append(Self.magic)
    return bytes
  }

  init(frames: [Frame] = []) { self.frames = frames }

  /// How many bytes at a file's end are its table; nil if it has none.
  /// - Parameter footer: the last ``footerSize`` bytes of the file.
  static func size(footer: [UInt8]) -> Int? {
    guard footer.count == footerSize, read(footer, 5) == magic else { return nil }
    let entry = footer[4] & 0x80 != 0 ? 12 : 8
    return headerSize + Int(read(footer, 0)) * entry + footerSize
  }

  /// Reads the table's frame; nil if it is none, or speaks of more than the `fileSize` bytes of the file.
  init?(_ bytes: [UInt8], fileSize: Int) {
    guard bytes.count >= Self.headerSize + Self.footerSize, Self.read(bytes, 0) == Self.skippable,
      Int(Self.read(bytes, 4)) == bytes.count - Self.headerSize
    else { return nil }
    let footer = Array(bytes.suffix(Self.footerSize))
    guard Self.size(footer: footer) == bytes.count else { return nil }
    let entry = footer[4] & 0x80 != 0 ? 12 : 8
    var total = 0
    for index in 0..<Int(Self.read(footer, 0)) {
      let start = Self.headerSize + index * entry
      let frame = Frame(compressed: Int(Self.read(bytes, start)), decompressed: Int(Self.read(bytes, start + 4)))
      total += frame.compressed
      frames.append(frame)
    }
    guard total == fileSize - bytes.count, !frames.isEmpty else { return nil }
  }

  private static func read(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
  }
}
