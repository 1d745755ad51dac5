import CZstd
import Diagnostics
import Quantities

/// Zstandard and gzip.
public enum Compression {
  /// The largest window a Zstandard frame may ask for: 2²⁷ bytes, what `zstd -d` accepts by default.
  static let windowLog: Int32 = 27

  /// Decompresses `bytes` if they begin like Zstandard or gzip data, and returns them as they are otherwise.
  /// - Parameter limit: the most bytes the result may have.
  /// - Throws: `too-large` or `corrupt-compression`.
  static func expand(_ bytes: [UInt8], name: String, limit: Int) throws(DiagnosticList) -> [UInt8] {
    var isWhole = false
    let stream = Decompressor(name: name, limit: limit) { () throws(DiagnosticList) in
      defer { isWhole = true }
      return isWhole ? [] : bytes
    }
    var result = try stream.next()
    if stream.isPlain { return result }
    while true {
      let part = try stream.next()
      if part.isEmpty { return result }
      result += part
    }
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

  /// Decompresses one whole Zstandard frame.
  /// - Parameter size: how many bytes it must hold.
  /// - Returns: nil if it is damaged or holds another number of bytes.
  static func frame(_ bytes: [UInt8], size: Int) -> [UInt8]? {
    // No frame expands beyond what its blocks can: 128 KiB for each 3 bytes or more.
    guard size <= (bytes.count / 3 + 1) << 17 else { return nil }
    var output = [UInt8](repeating: 0, count: size)
    let count = unsafe output.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_decompress(target.baseAddress, target.count, source.baseAddress, source.count)
      }
    }
    return ZSTD_isError(count) == 0 && count == size ? output : nil
  }

  /// Bytes of the frame that begins at `offset`, a skippable one included; nil if none is whole there.
  static func frameLength(_ bytes: [UInt8], at offset: Int) -> Int? {
    let length = unsafe bytes.withUnsafeBytes { source in
      unsafe ZSTD_findFrameCompressedSize(source.baseAddress.map { unsafe $0 + offset }, source.count - offset)
    }
    return ZSTD_isError(length) == 0 && length > 0 ? length : nil
  }

  /// What the frame at the start of `bytes` says it holds; nil where it does not say.
  static func contentSize(_ bytes: [UInt8]) -> Int? {
    let claim = unsafe bytes.withUnsafeBytes { source in
      unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
    }
    return claim < UInt64.max - 1 ? Int(exactly: claim) : nil
  }

  static func corrupt(_ name: String, _ offset: Int, _ reason: String) -> DiagnosticList {
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
