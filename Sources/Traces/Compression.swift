import CZlib
import CZstd
import Diagnostics
import Quantities

/// Zstandard and gzip.
public enum Compression {
  /// The largest window a Zstandard frame may ask for: 2²⁷ bytes, what `zstd -d` accepts by default.
  private static let windowLog: Int32 = 27
  private static let chunkSize = 1 << 18

  /// Decompresses `bytes` if they begin like Zstandard or gzip data, and returns them as they are otherwise.
  /// - Parameter limit: the most bytes the result may have.
  /// - Throws: `too-large` or `corrupt-compression`.
  static func expand(_ bytes: [UInt8], name: String, limit: Int) throws(DiagnosticList) -> [UInt8] {
    let isSkippable = bytes.count >= 4 && bytes[0] & 0xF0 == 0x50 && bytes[1...3].elementsEqual([0x2A, 0x4D, 0x18])
    if isSkippable || bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      return try expandZstandard(bytes, name: name, limit: limit)
    }
    if bytes.starts(with: [0x1F, 0x8B]) { return try expandGzip(bytes, name: name, limit: limit) }
    return bytes
  }

  /// One Zstandard frame with checksum and content size.
  /// - Parameter level: 1, fastest, to 19, smallest.
  /// - Returns: the frame, or nil if the library cannot allocate its working memory.
  public static func zstandard(_ bytes: [UInt8], level: Int32 = 19) -> [UInt8]? {
    guard let context = unsafe ZSTD_createCCtx() else { return nil }
    defer { unsafe ZSTD_freeCCtx(context) }
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = unsafe output.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
      }
    }
    guard ZSTD_isError(count) == 0 else { return nil }
    return Array(output[..<count])
  }

  private static func expandZstandard(
    _ bytes: [UInt8], name: String, limit: Int
  ) throws(DiagnosticList) -> [UInt8] {
    guard let stream = unsafe ZSTD_createDStream() else {
      throw DiagnosticList(Diagnostic(.tooLarge, "no memory to decompress \(name)"))
    }
    defer { unsafe ZSTD_freeDStream(stream) }
    unsafe ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, windowLog)
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    var position = 0
    var isBetweenFrames = true
    while true {
      if isBetweenFrames {
        if position == bytes.count { return result }
        // A claim beyond the limit is refused before any work; the two largest values mean unknown and invalid.
        let claim = unsafe bytes.withUnsafeBytes { source in
          unsafe ZSTD_getFrameContentSize(source.baseAddress.map { unsafe $0 + position }, source.count - position)
        }
        if claim < UInt64.max - 1, claim > UInt64(limit - result.count) {
          let total = claim.addingReportingOverflow(UInt64(result.count)).partialValue
          throw tooLarge(name, "claims to hold", Int(clamping: total), limit: limit)
        }
      }
      let start = position
      let (status, produced) = unsafe chunk.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { source in
          var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
          var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let status = unsafe ZSTD_decompressStream(stream, &output, &input)
          position = unsafe input.pos
          return unsafe (status, output.pos)
        }
      }
      if ZSTD_isError(status) != 0 {
        guard ZSTD_getErrorCode(status) != ZSTD_error_frameParameter_windowTooLarge else {
          throw DiagnosticList(
            Diagnostic(
              .tooLarge, "\(name) needs a window of more than the \(Bytes(1 << windowLog)) allowed",
              help: "compress it again without --long or --ultra"))
        }
        throw corrupt(name, position, unsafe String(cString: ZSTD_getErrorName(status)))
      }
      guard result.count + produced <= limit else {
        throw tooLarge(name, "decompresses to at least", result.count + produced, limit: limit)
      }
      result += chunk[..<produced]
      isBetweenFrames = status == 0
      if !isBetweenFrames, position == bytes.count, produced < chunk.count, position == start || produced == 0 {
        throw corrupt(name, position, "the data ends in the middle of a frame")
      }
    }
  }

  private static func expandGzip(_ bytes: [UInt8], name: String, limit: Int) throws(DiagnosticList) -> [UInt8] {
    var stream = unsafe z_stream()
    // 15 bits of window, and 16 for a gzip header.
    guard unsafe inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DiagnosticList(Diagnostic(.tooLarge, "no memory to decompress \(name)"))
    }
    defer { unsafe _ = inflateEnd(&stream) }
    var source = bytes
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    var position = 0
    while true {
      let (status, consumed, produced) = unsafe chunk.withUnsafeMutableBufferPointer { target in
        unsafe source.withUnsafeMutableBufferPointer { input in
          let available = min(input.count - position, Int(UInt32.max))
          unsafe stream.next_in = input.baseAddress.map { unsafe $0 + position }
          unsafe stream.avail_in = UInt32(available)
          unsafe stream.next_out = target.baseAddress
          unsafe stream.avail_out = UInt32(target.count)
          let status = unsafe inflate(&stream, Z_NO_FLUSH)
          return unsafe (status, available - Int(stream.avail_in), target.count - Int(stream.avail_out))
        }
      }
      position += consumed
      guard result.count + produced <= limit else {
        throw tooLarge(name, "decompresses to at least", result.count + produced, limit: limit)
      }
      result += chunk[..<produced]
      switch status {
      case Z_OK: continue
      case Z_STREAM_END:
        // Further members may follow; padding with zeros is common on tapes and harmless.
        if bytes[position...].allSatisfy({ $0 == 0 }) { return result }
        unsafe inflateReset(&stream)
      case Z_BUF_ERROR: throw corrupt(name, position, "the data ends in the middle of a member")
      default: throw corrupt(name, position, "the data does not decompress")
      }
    }
  }

  private static func corrupt(_ name: String, _ offset: Int, _ reason: String) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .corruptCompression, "\(name) is damaged near byte \(offset): \(reason)",
        help: "copy or download the file again"))
  }

  static func tooLarge(_ name: String, _ verb: String, _ size: Int, limit: Int) -> DiagnosticList {
    DiagnosticList(
      Diagnostic(
        .tooLarge, "\(name) \(verb) \(Bytes(Int64(size))), more than the limit of \(Bytes(Int64(limit)))"))
  }
}
