import CZlib
import CZstd
import Diagnostics
import Quantities

/// Decompresses Zstandard and gzip data while they arrive, and passes on what is neither.
///
/// Memory stays bounded by a chunk of input, one of output and the decoder's window.
@safe final class Decompressor {
  /// Gives the next bytes of the input, none at its end.
  typealias Source = () throws(DiagnosticList) -> [UInt8]

  @unsafe private enum Decoder {
    case plain
    case zstandard(OpaquePointer)
    case gzip(UnsafeMutablePointer<z_stream>)
  }

  private static let chunkSize = 1 << 18
  /// The longest header of a Zstandard frame.
  private static let longestHeader = 18

  private let name: String
  private let limit: Int
  private let source: Source
  private var decoder: Decoder?
  private var input: [UInt8] = []
  private var position = 0
  /// Bytes of input before `input`.
  private var consumed = 0
  private var produced = 0
  private var isBetweenFrames = true
  private var mayHoldMore = false
  private var chunk = [UInt8](repeating: 0, count: 0)

  /// A decompressor of what `source` gives.
  /// - Parameter limit: the most bytes the result may have.
  init(name: String, limit: Int = .max, source: @escaping Source) {
    self.name = name
    self.limit = limit
    self.source = source
  }

  deinit {
    switch unsafe decoder {
    case .zstandard(let stream): unsafe ZSTD_freeDStream(stream)
    case .gzip(let stream):
      unsafe inflateEnd(stream)
      unsafe stream.deallocate()
    case .plain, nil: break
    }
  }

  /// How many bytes of the input were read.
  var consumedBytes: Int { consumed + position }

  /// Whether the input is not compressed; known after the first ``next()``.
  var isPlain: Bool {
    if case .plain = unsafe decoder { return true }
    return false
  }

  /// The next decompressed bytes, none at the end.
  /// - Throws: `too-large`, `corrupt-compression` and what the source throws.
  func next() throws(DiagnosticList) -> [UInt8] {
    if unsafe decoder == nil { try begin() }
    switch unsafe decoder {
    case .zstandard(let stream): return try unsafe nextZstandard(stream)
    case .gzip(let stream): return try unsafe nextGzip(stream)
    case .plain, nil:
      if position == input.count { try refill() }
      defer { position = input.count }
      return position == 0 ? input : Array(input[position...])
    }
  }

  private func begin() throws(DiagnosticList) {
    try gather(4)
    let isSkippable = input.count >= 4 && input[0] & 0xF0 == 0x50 && input[1...3].elementsEqual([0x2A, 0x4D, 0x18])
    if isSkippable || input.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      guard let stream = unsafe ZSTD_createDStream() else { throw noMemory }
      unsafe ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Compression.windowLog)
      unsafe decoder = .zstandard(stream)
    } else if input.starts(with: [0x1F, 0x8B]) {
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: z_stream())
      // 15 bits of window, and 16 for a gzip header.
      guard unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        unsafe stream.deallocate()
        throw noMemory
      }
      unsafe decoder = .gzip(stream)
    } else {
      unsafe decoder = .plain
      return
    }
    chunk = [UInt8](repeating: 0, count: Self.chunkSize)
  }

  private var noMemory: DiagnosticList {
    DiagnosticList(Diagnostic(.tooLarge, "no memory to decompress \(name)"))
  }

  /// Replaces input that has been used up.
  private func refill() throws(DiagnosticList) {
    consumed += input.count
    input = try source()
    position = 0
  }

  /// Tries to have `count` bytes of input at hand.
  private func gather(_ count: Int) throws(DiagnosticList) {
    while input.count - position < count {
      let more = try source()
      if more.isEmpty { return }
      consumed += position
      input = input[position...] + more
      position = 0
    }
  }

  private func nextZstandard(_ stream: OpaquePointer) throws(DiagnosticList) -> [UInt8] {
    while true {
      if position == input.count, !mayHoldMore {
        try refill()
        if input.isEmpty {
          guard isBetweenFrames else {
            throw Compression.corrupt(name, consumed, "the data ends in the middle of a frame")
          }
          return []
        }
      }
      if isBetweenFrames { try checkClaim() }
      let (status, count) = unsafe chunk.withUnsafeMutableBytes { target in
        unsafe input.withUnsafeBytes { source in
          var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
          var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let status = unsafe ZSTD_decompressStream(stream, &to, &from)
          position = unsafe from.pos
          return unsafe (status, to.pos)
        }
      }
      if ZSTD_isError(status) != 0 {
        guard ZSTD_getErrorCode(status) != ZSTD_error_frameParameter_windowTooLarge else {
          throw DiagnosticList(
            Diagnostic(
              .tooLarge, "\(name) needs a window of more than the \(Bytes(1 << Compression.windowLog)) allowed",
              help: "compress it again without --long or --ultra"))
        }
        throw Compression.corrupt(name, consumed + position, unsafe String(cString: ZSTD_getErrorName(status)))
      }
      isBetweenFrames = status == 0
      mayHoldMore = count == chunk.count && !isBetweenFrames
      try account(for: count)
      if count > 0 { return Array(chunk[..<count]) }
    }
  }

  /// Refuses a frame that claims more than is allowed, before any work.
  private func checkClaim() throws(DiagnosticList) {
    try gather(Self.longestHeader)
    // The two largest values mean unknown and invalid.
    let claim = unsafe input.withUnsafeBytes { source in
      unsafe ZSTD_getFrameContentSize(source.baseAddress.map { unsafe $0 + position }, source.count - position)
    }
    guard claim < UInt64.max - 1, claim > UInt64(limit - produced) else { return }
    let total = claim.addingReportingOverflow(UInt64(produced)).partialValue
    throw Compression.tooLarge(name, "claims to hold", Int(clamping: total), limit: limit)
  }

  private func account(for count: Int) throws(DiagnosticList) {
    produced += count
    guard produced <= limit else {
      throw Compression.tooLarge(name, "decompresses to at least", produced, limit: limit)
    }
  }

  private func nextGzip(_ stream: UnsafeMutablePointer<z_stream>) throws(DiagnosticList) -> [UInt8] {
    while true {
      if position == input.count, !mayHoldMore {
        try refill()
        if input.isEmpty {
          guard isBetweenFrames else {
            throw Compression.corrupt(name, consumed, "the data ends in the middle of a member")
          }
          return []
        }
      }
      if isBetweenFrames, consumed + position > 0 {
        // Padding with zeros is common on tapes and harmless; anything else must be a further member.
        if input[position] == 0 {
          guard let other = input[position...].firstIndex(where: { $0 != 0 }) else {
            position = input.count
            continue
          }
          throw Compression.corrupt(name, consumed + other, "the data does not decompress")
        }
        unsafe inflateReset(stream)
      }
      let start = position
      let (status, count) = unsafe chunk.withUnsafeMutableBufferPointer { target in
        unsafe input.withUnsafeMutableBufferPointer { source in
          let available = min(source.count - start, Int(UInt32.max))
          unsafe stream.pointee.next_in = source.baseAddress.map { unsafe $0 + start }
          unsafe stream.pointee.avail_in = UInt32(available)
          unsafe stream.pointee.next_out = target.baseAddress
          unsafe stream.pointee.avail_out = UInt32(target.count)
          let status = unsafe inflate(stream, Z_NO_FLUSH)
          position = unsafe start + available - Int(stream.pointee.avail_in)
          return unsafe (status, target.count - Int(stream.pointee.avail_out))
        }
      }
      switch status {
      case Z_OK, Z_BUF_ERROR: isBetweenFrames = false
      case Z_STREAM_END: isBetweenFrames = true
      default: throw Compression.corrupt(name, consumed + position, "the data does not decompress")
      }
      mayHoldMore = count == chunk.count && !isBetweenFrames
      try account(for: count)
      if count > 0 { return Array(chunk[..<count]) }
    }
  }
}
