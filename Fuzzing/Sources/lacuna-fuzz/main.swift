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
  readTensors(bytes)
  readTables(SourceText(name: "fuzz-layer-3.csv", bytes: bytes))
  guard let trace = try? TraceReader.read(SourceText(name: "fuzz", bytes: bytes)) else { return 0 }
  guard let packed = try? TraceContainer.bytes(trace.workload, threads: 1),
    let read = try? TraceContainer(bytes: packed, name: "again").workload()
  else { fatalError("a trace that was read cannot be packed") }
  precondition(read == trace.workload, "a trace comes back changed")
  let chakra = SourceText(name: "chakra", bytes: ChakraWriter.bytes(trace.workload))
  precondition((try? TraceReader.read(chakra))?.workload == trace.workload, "a trace comes back changed from Chakra")
  return 0
}

/// Files of weights: every tensor's zeros are counted.
private func readTensors(_ bytes: [UInt8]) {
  guard let tensors = try? TensorReader.read(bytes, name: "fuzz") else { return }
  for tensor in tensors where tensor.isMatrix {
    guard let zeros = try? tensor.zeros() else { continue }
    precondition(zeros.rows == tensor.shape[0], "a mask has its tensor's rows")
    let statistics = MaskStatistics(zeros, channels: tensor.channels)
    precondition(statistics.inRows.most <= zeros.columns && statistics.kept == zeros.kept, "counts fit the mask")
  }
  _ = try? TensorBinding(network(), tensors, in: "fuzz")
}

/// Tables beside a trace: what is read is given to a network.
private func readTables(_ source: SourceText) {
  let network = network()
  if let rows = try? DensityTable.read(source), let rules = try? network.rules(from: rows) {
    _ = try? network.applying(rules)
  }
  if let names = try? TensorNames(source) { _ = try? TensorBinding(network, [], in: "fuzz", names: names) }
  if let table = try? ActivationSparsityTable(source), let rules = try? network.rules(from: [table], effective: 0.5) {
    _ = try? network.applying(rules)
  }
}

/// A small network, some of whose operators have the names of the corpus.
private func network() -> Workload {
  Workload(
    name: "net", source: "fuzz",
    operators: ["fc1", "layers.3.q_proj", "layer.up_proj"].enumerated().map { index, name in
      Operator(
        name: name, kind: .gemm(GEMM(m: 2, n: 4, k: 4)), dataType: .fp16, dependencies: index == 0 ? [] : [index - 1])
    })
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
