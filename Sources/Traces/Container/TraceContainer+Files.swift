public import Diagnostics
import Documents
import Quantities
import Workloads

extension TraceContainer {
  /// Whether a file begins and ends like a container.
  public static func isContainer(_ path: String) -> Bool {
    path != "-" && (try? TraceContainer(path: path)) != nil
  }

  /// Converts a trace in any format that is read. JSON Lines and containers pass through in bounded memory, on several
  /// threads; the bytes that come out do not depend on how many.
  /// - Parameters:
  ///   - input: a path, or `-` for standard input.
  ///   - output: a path; its end names the format, as ``TraceFileWriter`` has it.
  ///   - progress: told now and then how many operators were converted, and the part of the input that was read where
  ///     its size is known.
  /// - Returns: how many operators were converted, and problems that did not keep them from being read.
  /// - Throws: everything reading and writing throw. The file at `output` is then as it was.
  @discardableResult
  public static func convert(
    _ input: String, to output: String, precision: TracePrecision = .exact, options: ImportOptions = ImportOptions(),
    threads: Int? = nil, progress: (_ operators: Int, _ fraction: Double?) -> Void = { _, _ in }
  ) throws(DiagnosticList) -> (operators: Int, warnings: [Diagnostic]) {
    let threads = threads ?? InOrder.processors
    let sink = DiagnosticSink()
    func warnOfOptions(_ format: TraceFormat) {
      options.reportUnused(besides: [], "the input is a \(format.title), whose sizes are fixed", sink)
    }
    if let container = try? TraceContainer(path: input) {
      warnOfOptions(.container)
      let writer = try TraceFileWriter(output, header: container.header, precision: precision, threads: threads)
      if output.hasSuffix(".ltrace") || precision != .exact {
        var count = 0
        try container.forEach(in: 0..<container.operatorCount) { (op) throws(DiagnosticList) in
          try writer.append(op)
          count += 1
          if count % 65536 == 0 { progress(count, Double(count) / Double(container.operatorCount)) }
        }
      } else {
        var isHeader = true
        try container.writeJSONLines(0..<container.operatorCount, threads: threads) { (text) throws(DiagnosticList) in
          if !isHeader { try writer.write(text) }
          isHeader = false
        }
      }
      try writer.finish()
      return (container.operatorCount, sink.warnings)
    }
    let stream = try InputFile.stream(input)
    let size = InputFile.size(input).map { Double(max(1, $0.count)) }
    var start = try stream.next()
    guard JSONLinesStream.looksLikeHeader(start) else {
      // Standard input can only be read once.
      let trace =
        input == "-"
        ? try TraceReader.read(SourceText(name: input, bytes: try stream.rest(after: start)), options: options)
        : try TraceReader.read(input, options: options)
      let writer = try TraceFileWriter(output, header: trace.workload, precision: precision, threads: threads)
      for op in trace.workload.operators { try writer.append(op) }
      try writer.finish()
      return (trace.workload.operators.count, trace.warnings)
    }
    warnOfOptions(.jsonLines)
    let lines = try JSONLinesStream(name: input, sink: sink) { () throws(DiagnosticList) in
      defer { start = [] }
      return start.isEmpty ? try stream.next() : start
    }
    let writer = try TraceFileWriter(output, header: lines.header, precision: precision, threads: threads)
    var count = 0
    let isNewer = lines.isNewer
    let level = ContainerLevel()
    let isContainer = output.hasSuffix(".ltrace")
    try InOrder.stream(
      threads: threads, next: { () throws(DiagnosticList) in try lines.next() },
      transform: { (chunk) throws(DiagnosticList) -> [ReadyBlock] in
        var ready: [ReadyBlock] = []
        for block in try JSONLinesStream.blocks(chunk, name: input, isNewer: isNewer) {
          let block = block.rounded(to: precision)
          if isContainer {
            ready.append(.container(try CompressedBlock(block, level: level)))
          } else {
            var text: [UInt8] = []
            block.writeJSONLines(0..<block.count, to: &text)
            ready.append(.text(text, operators: block.count))
          }
        }
        return ready
      },
      consume: { (blocks) throws(DiagnosticList) in
        for block in blocks {
          switch block {
          case .container(let block):
            count += block.operators
            try writer.append(block)
          case .text(let text, let operators):
            count += operators
            try writer.write(text)
          }
        }
        progress(count, size.map { min(1, Double(stream.consumedBytes) / $0) })
      })
    guard count > 0 else { throw DiagnosticList(Diagnostic(.emptyTrace, "\(input) holds no operator to simulate")) }
    try writer.finish()
    return (count, sink.warnings)
  }

  /// Some operators as a trace of their own: dependencies on operators that are left out are dropped.
  /// - Parameters:
  ///   - indices: in ascending order.
  /// - Throws: `corrupt-trace`, and what writing throws.
  public func slice(_ indices: [Int], to output: String, threads: Int? = nil) throws(DiagnosticList) {
    guard let first = indices.first, let last = indices.last else {
      return try slice(0..<0, to: output, threads: threads, place: { _ in nil })
    }
    try slice(first..<last + 1, to: output, threads: threads, place: indices.position(of:))
  }

  /// A range of operators as a trace of their own: dependencies on operators outside are dropped.
  /// - Throws: `corrupt-trace`, and what writing throws.
  public func slice(_ range: Range<Int>, to output: String, threads: Int? = nil) throws(DiagnosticList) {
    try slice(range, to: output, threads: threads) { range.contains($0) ? $0 - range.lowerBound : nil }
  }

  private func slice(
    _ range: Range<Int>, to output: String, threads: Int?, place: (Int) -> Int?
  ) throws(DiagnosticList) {
    let writer = try TraceFileWriter(output, header: header, precision: precision, threads: threads)
    var index = range.lowerBound
    try forEach(in: range) { (op) throws(DiagnosticList) in
      defer { index += 1 }
      if place(index) != nil { try writer.append(op.renumbered(place)) }
    }
    try writer.finish()
  }
}

/// What a thread has made of lines.
private enum ReadyBlock: Sendable {
  case container(CompressedBlock)
  case text([UInt8], operators: Int)
}

extension OperatorBlock {
  func rounded(to precision: TracePrecision) -> OperatorBlock {
    guard precision != .exact else { return self }
    var result = OperatorBlock(first: first)
    forEach { result.append(precision.rounded($0)) }
    return result
  }
}

extension Operator {
  /// The operator with its dependencies where `place` says they are now; those that are nowhere are dropped.
  func renumbered(_ place: (Int) -> Int?) -> Operator {
    guard !dependencies.isEmpty else { return self }
    var result = self
    result.dependencies = dependencies.compactMap(place)
    return result
  }
}

extension [Int] {
  /// Where a number stands in an ascending list.
  func position(of value: Int) -> Int? {
    var range = startIndex..<endIndex
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      if self[middle] == value { return middle }
      range = self[middle] < value ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }
}

extension JSONLinesStream {
  /// Whether the first bytes of a file are the header of JSON Lines.
  static func looksLikeHeader(_ start: [UInt8]) -> Bool {
    let bytes = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start[...]
    let line = bytes.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }.prefix { $0 != 0x0A }
    guard let node = try? JSONParser.parse(SourceText(name: "", bytes: Array(line))) else { return false }
    return node["lacuna_trace"] != nil
  }
}

extension Decompressor {
  /// Everything from `start` on.
  func rest(after start: [UInt8]) throws(DiagnosticList) -> [UInt8] {
    var bytes = start
    while true {
      let more = try next()
      if more.isEmpty { return bytes }
      bytes += more
      guard bytes.count <= 1 << 30 else {
        throw Compression.tooLarge("standard input", "holds at least", bytes.count, limit: 1 << 30)
      }
    }
  }
}
