public import Diagnostics
public import Workloads

/// Writes a trace operator by operator, in the format that the end of the path names: a container (`.ltrace`), JSON
/// Lines compressed by Zstandard (`.zst`), or JSON Lines. The file appears whole when it is finished, or not at all.
///
/// Memory stays bounded by one block of operators for each thread.
public final class TraceFileWriter {
  private enum Target {
    case container(ContainerWriter)
    case jsonLines(isCompressed: Bool)
  }

  private let file: ReplacementFile
  private let precision: TracePrecision
  private let threads: Int
  private let level = ContainerLevel()
  private var target: Target
  private var block = OperatorBlock(first: 0)
  private var waiting: [OperatorBlock] = []

  /// How many operators were written.
  public private(set) var count = 0

  /// Begins a file.
  /// - Parameters:
  ///   - path: where the file will appear.
  ///   - header: what it says of the whole trace; its operators do not count.
  ///   - precision: what is given up; JSON Lines keep what is left.
  ///   - threads: how many blocks are coded at once; the processors of the machine if nil. The bytes do not depend on it.
  /// - Throws: `unwritable-file`.
  public init(
    _ path: String, header: Workload, precision: TracePrecision = .exact, threads: Int? = nil
  ) throws(DiagnosticList) {
    let file = try ReplacementFile(path)
    self.file = file
    self.precision = precision
    self.threads = threads ?? InOrder.processors
    if path.hasSuffix(".ltrace") {
      target = .container(
        ContainerWriter(ContainerHeader(header, precision: precision), level: level) {
          (bytes) throws(DiagnosticList) in try file.write(bytes)
        })
    } else {
      target = .jsonLines(isCompressed: path.hasSuffix(".zst"))
      try write(Array(TraceWriter.headerLine(header).utf8))
    }
  }

  /// Appends an operator; its dependencies are indices in this file.
  public func append(_ op: Operator) throws(DiagnosticList) {
    block.append(precision.rounded(op))
    count += 1
    if block.isFull { try next() }
  }

  private func next() throws(DiagnosticList) {
    waiting.append(block)
    block = OperatorBlock(first: count)
    if waiting.count >= threads { try flush() }
  }

  private func flush() throws(DiagnosticList) {
    var blocks = waiting[...]
    waiting = []
    let level = level
    if case .container = target {
      try InOrder.stream(
        threads: threads, next: { () throws(DiagnosticList) in blocks.popFirst() },
        transform: { (block) throws(DiagnosticList) in try CompressedBlock(block, level: level) },
        consume: { (block) throws(DiagnosticList) in try append(block) })
    } else {
      try InOrder.stream(
        threads: threads, next: { () throws(DiagnosticList) in blocks.popFirst() },
        transform: { (block) throws(DiagnosticList) in
          var text: [UInt8] = []
          block.writeJSONLines(0..<block.count, to: &text)
          return text
        }, consume: { (text) throws(DiagnosticList) in try write(text) })
    }
  }

  /// Appends a block that is ready; only for containers.
  func append(_ block: CompressedBlock) throws(DiagnosticList) {
    guard case .container(var writer) = target else { preconditionFailure("a compressed block for JSON Lines") }
    try writer.append(block)
    target = .container(writer)
  }

  /// Appends text that is ready; only for JSON Lines.
  func write(_ text: [UInt8]) throws(DiagnosticList) {
    guard case .jsonLines(isCompressed: true) = target else { return try file.write(text) }
    try file.write(try level.frame(text))
  }

  /// Puts the file in its place.
  /// - Throws: `unwritable-file`.
  public func finish() throws(DiagnosticList) {
    if block.count > 0 { waiting.append(block) }
    try flush()
    if case .container(var writer) = target { try writer.finish() }
    try file.commit()
  }
}
