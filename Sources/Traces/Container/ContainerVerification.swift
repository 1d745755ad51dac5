public import Diagnostics
import Workloads

/// What of a container file is intact.
public struct ContainerVerification: Sendable {
  /// What is damaged, in the order of the file.
  public private(set) var problems: [Diagnostic] = []
  /// Operators whose block is intact.
  public private(set) var intact: [Range<Int>] = []
  /// Operators that are missing between or after them, as far as that is known.
  public private(set) var lost: [Range<Int>] = []
  /// Blocks that are intact.
  public var blocks: Int { intact.count }
  /// Operators that are intact.
  public var operators: Int { intact.reduce(0) { $0 + $1.count } }
  /// Whether nothing is damaged.
  public var isIntact: Bool { problems.isEmpty }

  /// Reads all of a file: every frame with its checksum, every block with all that is checked when it is used.
  /// - Parameters:
  ///   - path: the file. Where its seek table is damaged or missing, frames are searched for.
  ///   - recovery: a file to write all intact operators to; dependencies on lost ones are dropped.
  /// - Throws: `unreadable-file`, `unwritable-file`, and `corrupt-trace` if nothing in the file is a trace.
  public init(_ path: String, recoveringTo recovery: String? = nil) throws(DiagnosticList) {
    var scan = ContainerScan(path)
    let frames = try scan.frames(&problems)
    var writer: TraceFileWriter?
    var walk = SectionWalk()
    var kept = 0
    var moved: [(range: Range<Int>, to: Int)] = []
    var header: ContainerHeader?
    for frame in frames {
      guard let content = scan.content(frame) else {
        report(
          "frame \(frame.index), bytes \(frame.range.lowerBound)..<\(frame.range.upperBound) of the file, does not decompress with its checksum",
          path)
        walk.interrupt()
        continue
      }
      do throws(ContainerDamage) {
        try walk.append(try ContainerFormat.unpacked(content))
        while let (tag, payload) = try walk.next() {
          switch tag {
          case ContainerFormat.header:
            var reader = ByteReader(payload)
            header = try ContainerHeader(&reader)
          case ContainerFormat.block:
            var reader = ByteReader(payload)
            let block = try OperatorBlock(&reader)
            guard intact.last.map({ $0.upperBound <= block.first }) ?? true else {
              throw ContainerDamage(offset: 0, field: "first operator", reason: "block \(block.first) comes too late")
            }
            intact.append(block.first..<block.first + block.count)
            guard let recovery else { continue }
            if writer == nil {
              let header = header?.workload ?? Workload(name: TraceReader.stem(path), source: path, operators: [])
              do throws(DiagnosticList) { writer = try TraceFileWriter(recovery, header: header) } catch {
                throw ContainerDamage(offset: 0, field: "recovery", reason: error.diagnostics[0].message)
              }
            }
            moved.append((block.first..<block.first + block.count, kept))
            kept += block.count
            // Dependencies are mostly near.
            func place(_ index: Int) -> Int? {
              moved.last { $0.range.contains(index) }.map { index - $0.range.lowerBound + $0.to }
            }
            var problem: DiagnosticList?
            block.forEach { op in
              do throws(DiagnosticList) { try writer?.append(op.renumbered(place)) } catch { problem = error }
            }
            if let problem {
              throw ContainerDamage(offset: 0, field: "recovery", reason: problem.diagnostics[0].message)
            }
          default: continue
          }
        }
      } catch {
        report(
          "frame \(frame.index), bytes \(frame.range.lowerBound)..<\(frame.range.upperBound) of the file: \(error.field): \(error.reason)",
          path)
        walk.interrupt()
      }
    }
    if walk.isWithinSection { report("the last section is not whole", path) }
    guard header != nil || !intact.isEmpty else {
      throw DiagnosticList(Diagnostic(.corruptTrace, "nothing in \(path) is a trace container"))
    }
    if header == nil { report("the header is lost", path) }
    if !walk.hasIndex { report("the index is lost", path) }
    var next = 0
    for range in intact {
      if range.lowerBound > next { lost.append(next..<range.lowerBound) }
      next = range.upperBound
    }
    if let total = walk.operators, total > next { lost.append(next..<total) }
    try writer?.finish()
  }

  private mutating func report(_ message: String, _ path: String) {
    problems.append(Diagnostic(.corruptTrace, "\(path): \(message)"))
  }
}

/// The frames of a file, found by its seek table or else by looking for them.
private struct ContainerScan {
  struct Frame {
    var index: Int
    var range: Range<Int>
    var size: Int?
  }

  private let path: String
  private var file: ContainerFile?
  private var bytes: [UInt8] = []

  init(_ path: String) { self.path = path }

  mutating func frames(_ problems: inout [Diagnostic]) throws(DiagnosticList) -> [Frame] {
    do throws(DiagnosticList) {
      let file = try ContainerFile(path: path)
      self.file = file
      var offset = 0
      return file.frames.enumerated().map { index, frame in
        defer { offset += frame.compressed }
        return Frame(index: index, range: offset..<offset + frame.compressed, size: frame.decompressed)
      }
    } catch {
      guard error.diagnostics.allSatisfy({ $0.code == .corruptTrace }) else { throw error }
      problems += error.diagnostics
    }
    bytes = try InputFile.raw(path)
    var frames: [Frame] = []
    var offset = 0
    while offset + 4 <= bytes.count {
      // Skippable frames hold nothing of the trace.
      let isFrame = bytes[offset...].starts(with: [0x28, 0xB5, 0x2F, 0xFD])
      if isFrame, let length = Compression.frameLength(bytes, at: offset) {
        frames.append(Frame(index: frames.count, range: offset..<offset + length))
        offset += length
      } else {
        offset += 1
      }
    }
    return frames
  }

  func content(_ frame: Frame) -> [UInt8]? {
    if let file { return try? file.frame(frame.index) }
    let part = Array(bytes[frame.range])
    guard let size = Compression.contentSize(part), size <= ContainerFormat.largestSection + 64 else { return nil }
    return Compression.frame(part, size: size)
  }
}

/// Puts sections together from the contents of frames.
private struct SectionWalk {
  private var stream: [UInt8] = []
  private(set) var hasIndex = false
  /// Operators of the whole trace, as the index counts them.
  private(set) var operators: Int?
  private var isAfterDamage = false

  var isWithinSection: Bool { !stream.isEmpty }

  /// Gives up the section that was begun.
  mutating func interrupt() {
    stream = []
    isAfterDamage = true
  }

  mutating func append(_ content: [UInt8]) throws(ContainerDamage) {
    if stream.isEmpty, ContainerFormat.looksLikeContainer(content) {
      stream = Array(content.dropFirst(ContainerFormat.prologue.count))
    } else {
      // After damage, what does not begin with a section is the rest of one whose beginning is lost.
      if stream.isEmpty, isAfterDamage, let tag = content.first, tag != ContainerFormat.block,
        tag != ContainerFormat.index
      {
        return
      }
      stream += content
    }
    isAfterDamage = false
  }

  /// The next whole section.
  mutating func next() throws(ContainerDamage) -> (tag: UInt8, payload: [UInt8])? {
    guard stream.count >= 2 else { return nil }
    var reader = ByteReader(stream)
    let tag = try reader.byte("tag of a section")
    let length = try reader.count("length of a section", limit: ContainerFormat.largestSection)
    guard reader.position + length <= stream.count else { return nil }
    let payload = Array(stream[reader.position..<reader.position + length])
    stream.removeFirst(reader.position + length)
    if tag == ContainerFormat.index {
      hasIndex = true
      var body = ByteReader(payload)
      if !payload.isEmpty {
        operators = try BlockEntry.readIndex(&body, streamSize: 1 << 48).last?.operators.upperBound
      }
    }
    return (tag, payload)
  }
}
