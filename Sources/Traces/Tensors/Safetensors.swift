import Diagnostics
import Documents

/// Reads the headers of safetensors files (github.com/huggingface/safetensors): eight bytes of length, a JSON object with
/// type, shape and place of every tensor, then the elements without gaps, little-endian and row by row.
///
/// The header may have 100 MB, as there. Every size and place is checked against the file before anything is read.
enum Safetensors {
  private static let largestHeader = 100_000_000
  private static let largestRank = 16

  static func tensors(_ input: RandomAccessInput) throws(DiagnosticList) -> [Tensor] {
    func corrupt(_ offset: Int, _ field: String, _ reason: String) -> DiagnosticList {
      DiagnosticList(
        Diagnostic(
          .corruptTensor, "\(input.name) at byte \(offset), \(field): \(reason)",
          help: "the file may be cut short, or no safetensors file; copy it again"))
    }
    guard let prefix = input.bytes(at: 0, count: 8) else {
      throw corrupt(0, "header length", "the file has only \(input.size) bytes")
    }
    let claimed = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard claimed <= UInt64(largestHeader) else {
      throw corrupt(0, "header length", "it is \(claimed) bytes, more than the format's \(largestHeader)")
    }
    guard let bytes = input.bytes(at: 8, count: Int(claimed)) else {
      throw corrupt(0, "header length", "it is \(claimed) bytes, but only \(input.size - 8) follow")
    }
    let header = SafetensorsHeader(input, bytes)
    return try header.read()
  }

  /// Reads an index of shards: which file of the same folder holds each tensor.
  static func shards(_ source: SourceText) throws(DiagnosticList) -> [(tensor: String, file: String, range: Range<Int>)]
  {
    let root = try JSONParser.parse(source)
    guard case .mapping(let entries) = root["weight_map"]?.content else {
      throw DiagnosticList(
        Diagnostic(
          .missingKey, "\(source.name) has no 'weight_map': it is no index of safetensors files",
          at: source.location(of: root.range)))
    }
    var shards: [(String, String, Range<Int>)] = []
    for entry in entries {
      guard let file = entry.value.text, !file.isEmpty, !file.contains("/"), !file.contains("\\"), file != ".." else {
        throw DiagnosticList(
          Diagnostic(
            .wrongType, "expected the name of a file of the same folder, found \(entry.value.typeName)",
            at: source.location(of: entry.value.range)))
      }
      shards.append((entry.key, file, entry.keyRange))
    }
    return shards
  }

  /// The header of one file while it is read.
  private struct SafetensorsHeader {
    private struct Entry {
      var name: String
      var shape: [Int]
      var format: ElementFormat
      var place: Range<Int>
      var range: Range<Int>
    }

    private let input: RandomAccessInput
    private let source: SourceText
    private let reader: DocumentReader
    private let dataSize: Int

    init(_ input: RandomAccessInput, _ header: [UInt8]) {
      self.input = input
      source = SourceText(name: input.name, bytes: header)
      reader = DocumentReader(source, sink: DiagnosticSink())
      dataSize = input.size - 8 - header.count
    }

    func read() throws(DiagnosticList) -> [Tensor] {
      var names: Set<String> = []
      var entries: [Entry] = []
      var parser = JSONParser(source)
      // One entry at a time: a header may be large.
      try parser.forEachMember { (parser, key, keyRange) throws(DiagnosticList) in
        if !names.insert(key).inserted {
          reader.report(.duplicateKey, "the tensor '\(key)' is described twice", at: keyRange)
        }
        let node = try parser.parseValue()
        if key != "__metadata__" {
          if let entry = entry(key, node) { entries.append(entry) }
        } else if case .mapping = node.content {
        } else {
          let _: Int? = reader.mismatch(node, expected: "a mapping of texts")
        }
        if reader.sink.diagnostics.count >= 100 { throw DiagnosticList(reader.sink.diagnostics) }
      }
      try parser.expectEnd()
      checkPlaces(entries)
      try reader.sink.throwIfErrors()
      let start = 8 + source.bytes.count
      return entries.map { entry in
        Tensor(
          name: entry.name, file: input.name, shape: entry.shape,
          storage: .elements(input, offset: start + entry.place.lowerBound, entry.format, isFortran: false),
          origin: (source, entry.range))
      }
    }

    private func entry(_ name: String, _ node: Node) -> Entry? {
      guard var fields = Fields(node, reader, what: "a mapping with dtype, shape and data_offsets") else { return nil }
      let type = fields.requiredNode("dtype")
      let shapeNode = fields.requiredNode("shape")
      let offsetsNode = fields.requiredNode("data_offsets")
      fields.finish()
      guard let type, let shapeNode, let offsetsNode,
        let format: ElementFormat = reader.choice(
          type, ElementFormat.safetensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, what: "a dtype"),
        let shape = sizes(shapeNode, "shape", atMost: Safetensors.largestRank),
        let offsets = sizes(offsetsNode, "data_offsets", atMost: 2)
      else { return nil }
      guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= dataSize else {
        reader.report(
          .corruptTensor,
          "'data_offsets' of '\(name)' are \(offsets), but \(dataSize) bytes of elements follow the header",
          at: offsetsNode.range, help: "they are the first byte and the one after the last")
        return nil
      }
      var count = format.bits
      for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow else {
          reader.report(
            .sizeOverflow, "'shape' of '\(name)' has more elements than can be counted", at: shapeNode.range)
          return nil
        }
        count = product
      }
      guard count.isMultiple(of: 8), count / 8 == offsets[1] - offsets[0] else {
        reader.report(
          .corruptTensor,
          "'\(name)' takes \(offsets[1] - offsets[0]) bytes by its 'data_offsets', but \(count / 8) by its 'shape'",
          at: offsetsNode.range)
        return nil
      }
      return Entry(name: name, shape: shape, format: format, place: offsets[0]..<offsets[1], range: shapeNode.range)
    }

    private func sizes(_ node: Node, _ key: String, atMost count: Int) -> [Int]? {
      guard let elements = node.elements, elements.count <= count else {
        return reader.mismatch(node, expected: "a list of up to \(count) counts for '\(key)'")
      }
      var sizes: [Int] = []
      for element in elements {
        guard let size = element.integer, size >= 0 else {
          return reader.mismatch(element, expected: "a count in '\(key)'")
        }
        sizes.append(size)
      }
      return sizes
    }

    /// Elements of tensors neither overlap nor leave gaps.
    private func checkPlaces(_ entries: [Entry]) {
      guard !reader.sink.hasErrors else { return }
      let sorted = entries.sorted {
        ($0.place.lowerBound, $0.place.upperBound) < ($1.place.lowerBound, $1.place.upperBound)
      }
      var end = 0
      var last = "the header"
      for entry in sorted where !reader.sink.hasErrors {
        if entry.place.lowerBound != end {
          reader.report(
            .corruptTensor,
            "'data_offsets' of '\(entry.name)' begin at byte \(entry.place.lowerBound), but \(last) ends at \(end): "
              + (entry.place.lowerBound < end ? "they overlap" : "the bytes between belong to nothing"), at: entry.range
          )
        }
        (end, last) = (entry.place.upperBound, "'\(entry.name)'")
      }
      if end != dataSize, !reader.sink.hasErrors {
        reader.report(
          .corruptTensor,
          "\(last) ends at byte \(end) of the \(dataSize) that follow the header: the rest belongs to nothing",
          at: 0..<1)
      }
    }
  }
}
