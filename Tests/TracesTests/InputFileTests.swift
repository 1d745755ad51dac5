import CZlib
import Diagnostics
import Quantities
import Testing
import Traces
import Workloads

@Suite struct InputFileTests {
  let text = Array(String(repeating: "one line of a trace\n", count: 500).utf8)

  /// Writes `bytes` to a file and loads it.
  private func load(_ bytes: [UInt8], limit: Bytes = Bytes(1 << 30)) throws -> [UInt8] {
    var loaded: [UInt8] = []
    try withTemporaryFolder { folder in
      try TemporaryFolder.write(bytes, folder + "/input")
      loaded = try InputFile.load(folder + "/input", limit: limit).bytes
    }
    return loaded
  }

  private func failure(_ bytes: [UInt8], limit: Bytes = Bytes(1 << 30)) -> Diagnostic? {
    do {
      _ = try load(bytes, limit: limit)
      return nil
    } catch {
      return (error as? DiagnosticList)?.diagnostics.first
    }
  }

  @Test func `a trace is found without its endings where only one file has its name`() throws {
    try withTemporaryFolder { folder in
      let trace = Array(
        #"{"lacuna_trace":1}"#.utf8 + [10] + #"{"name":"fc","kind":"gemm","dtype":"fp16","m":8,"n":8,"k":8}"#.utf8)
      try TemporaryFolder.write(trace, folder + "/net.jsonl")
      try TemporaryFolder.write(trace, folder + "/net-train.jsonl")
      #expect(try TraceReader.read(folder + "/net").workload.operators.count == 1)
      try TemporaryFolder.write(trace, folder + "/net.json")
      let error = #expect(throws: DiagnosticList.self) { try TraceReader.read(folder + "/net") }
      #expect(error?.diagnostics.map(\.code) == [.unreadableFile])
    }
  }

  private func zstandard(_ bytes: [UInt8]) throws -> [UInt8] { try #require(Compression.zstandard(bytes)) }

  private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = unsafe z_stream()
    unsafe deflateInit2_(
      &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1000)
    let count = unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = source.baseAddress
        unsafe stream.avail_in = UInt32(source.count)
        unsafe stream.next_out = target.baseAddress
        unsafe stream.avail_out = UInt32(target.count)
        unsafe deflate(&stream, Z_FINISH)
        return unsafe target.count - Int(stream.avail_out)
      }
    }
    unsafe deflateEnd(&stream)
    return Array(output[..<count])
  }

  @Test func `plain, Zstandard and gzip files load as the same bytes`() throws {
    #expect(try load(text) == text)
    #expect(try load(zstandard(text)) == text)
    #expect(try load(gzip(text)) == text)
  }

  @Test func `concatenated frames and skippable frames load as one text`() throws {
    let skippable: [UInt8] = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
    #expect(try load(skippable + zstandard(text) + skippable + zstandard(text)) == text + text)
    #expect(try load(gzip(text) + gzip(text) + [0, 0, 0]) == text + text)
  }

  @Test func `a small file that claims ten gigabytes is refused with both numbers`() throws {
    // A frame header with an 8-byte content size of 10^10 in a single segment, then a made-up block.
    let size = unsafe withUnsafeBytes(of: UInt64(10_000_000_000).littleEndian) { bytes in unsafe Array(bytes) }
    let file: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xE0] + size + [UInt8](repeating: 1, count: 1000)
    let problem = try #require(failure(file))
    #expect(problem.code == .tooLarge)
    #expect(problem.message.contains("10.0 GB") && problem.message.contains("1 GiB"))
  }

  @Test(arguments: [false, true]) func `a file that grows beyond the limit is stopped`(isGzip: Bool) throws {
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    let compressed = isGzip ? gzip(zeros) : try zstandard(zeros)
    #expect(compressed.count < 10_000)
    let problem = try #require(failure(compressed, limit: Bytes(1 << 20)))
    #expect(problem.code == .tooLarge)
    #expect(problem.message.contains("1 MiB"))
    #expect(failure(zeros, limit: Bytes(1 << 20))?.code == .tooLarge)
  }

  @Test(arguments: [false, true]) func `a compressed file cut anywhere is corrupt, never half read`(
    isGzip: Bool
  ) throws {
    let compressed = isGzip ? gzip(text) : try zstandard(text)
    for length in 4..<compressed.count {
      let problem = try #require(failure(Array(compressed[..<length])), "cut at \(length)")
      #expect(problem.code == .corruptCompression, "cut at \(length)")
    }
  }

  @Test func `no flipped bit of a Zstandard file changes its text unnoticed`() throws {
    let compressed = try zstandard(text)
    for position in compressed.indices {
      var damaged = compressed
      damaged[position] ^= 1 << (position % 8)
      // Some bits mean nothing; damage in the magic number leaves a file of another kind.
      guard position >= 4, failure(damaged) == nil else { continue }
      #expect(try load(damaged) == text, "byte \(position)")
    }
  }

  @Test func `a missing file suggests its neighbour`() throws {
    try withTemporaryFolder { folder in
      try TemporaryFolder.write(text, folder + "/resnet50.jsonl")
      let error = #expect(throws: DiagnosticList.self) { try InputFile.load(folder + "/resnet5.jsonl") }
      let problem = try #require(error?.diagnostics.first)
      #expect(problem.code == .unreadableFile)
      #expect(problem.message.contains("No such file"))
      #expect(problem.help == "did you mean '\(folder)/resnet50.jsonl'?")
    }
  }

  @Test func `a directory and an empty file say what they are`() throws {
    try withTemporaryFolder { folder in
      let error = #expect(throws: DiagnosticList.self) { try InputFile.load(folder) }
      #expect(error?.diagnostics.first?.code == .isDirectory)
    }
    #expect(failure([])?.code == .emptyFile)
  }
}
