import Lacuna

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What libFuzzer calls with each input: it must become a trace or a diagnostic, and what becomes a trace must survive
/// a container, and Chakra.
///
/// Any format may come: they are told apart by content, as for a user. Bytes that begin like a container are read as its
/// decompressed stream, without the checksums that would keep a fuzzer out, and as a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  _ = try? TraceContainer(bytes: bytes, name: "fuzz").workload()
  guard let trace = try? TraceReader.read(SourceText(name: "fuzz", bytes: bytes)) else { return 0 }
  guard let packed = try? TraceContainer.bytes(trace.workload, threads: 1),
    let read = try? TraceContainer(bytes: packed, name: "again").workload()
  else { fatalError("a trace that was read cannot be packed") }
  precondition(read == trace.workload, "a trace comes back changed")
  let chakra = SourceText(name: "chakra", bytes: ChakraWriter.bytes(trace.workload))
  precondition((try? TraceReader.read(chakra))?.workload == trace.workload, "a trace comes back changed from Chakra")
  return 0
}

/// libFuzzer's own main function: SwiftPM gives executables one of theirs.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runFuzzer(&count, &arguments, fuzz))
