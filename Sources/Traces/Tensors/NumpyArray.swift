import Diagnostics

/// Reads the headers of NumPy's `.npy` files, versions 1 to 3: truth values, integers, floating-point and complex
/// numbers of either byte order, in C or in Fortran order.
struct NumpyArray {
  private static let largestHeader = 1 << 20

  static let magic = [0x93] + Array("NUMPY".utf8)

  static func tensor(_ input: RandomAccessInput) throws(DiagnosticList) -> Tensor {
    func corrupt(_ offset: Int, _ field: String, _ reason: String) -> DiagnosticList {
      DiagnosticList(
        Diagnostic(.corruptTensor, "\(input.name) at byte \(offset), \(field): \(reason)", help: "save the array again")
      )
    }
    guard let prologue = input.bytes(at: 0, count: 10), prologue.starts(with: magic) else {
      throw corrupt(0, "magic", "the file does not begin as a NumPy array")
    }
    let version = prologue[6]
    guard (1...3).contains(version) else { throw corrupt(6, "version", "it is \(version); 1, 2 and 3 are read") }
    let start = version == 1 ? 10 : 12
    guard let length = input.bytes(at: 8, count: start - 8) else { throw corrupt(8, "header length", "the file ends") }
    let claimed = length.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard claimed <= largestHeader, let header = input.bytes(at: start, count: claimed) else {
      throw corrupt(8, "header length", "it is \(claimed) bytes, but only \(max(0, input.size - start)) follow")
    }
    let source = SourceText(name: input.name, bytes: header)
    var parser = NumpyHeader(source)
    let fields = try parser.read()
    let format = try element(fields.type, source, at: fields.typeRange)
    var count = format.bits / 8
    for size in fields.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else {
        throw DiagnosticList(
          Diagnostic(
            .sizeOverflow, "'shape' has more elements than can be counted", at: source.location(of: fields.shapeRange)))
      }
      count = product
    }
    let rest = input.size - start - claimed
    guard rest == count else {
      throw DiagnosticList(
        Diagnostic(
          .corruptTensor, "\(fields.type) elements of 'shape' take \(count) bytes, but \(rest) follow the header",
          at: source.location(of: fields.shapeRange)))
    }
    return Tensor(
      name: TensorReader.stem(input.name), file: input.name, shape: fields.shape,
      storage: .elements(input, offset: start + claimed, format, isFortran: fields.isFortran),
      origin: (source, fields.shapeRange))
  }

  /// The format of a type such as `<f4`: byte order, kind, bytes.
  private static func element(
    _ type: String, _ source: SourceText, at range: Range<Int>
  ) throws(DiagnosticList) -> ElementFormat {
    let bytes = Array(type.utf8)
    let sizes: [UInt8: [Int]] = [
      UInt8(ascii: "b"): [1], UInt8(ascii: "i"): [1, 2, 4, 8], UInt8(ascii: "u"): [1, 2, 4, 8],
      UInt8(ascii: "f"): [2, 4, 8], UInt8(ascii: "c"): [8, 16],
    ]
    guard bytes.count >= 3, [UInt8]("<>|=".utf8).contains(bytes[0]),
      let size = Int(String(decoding: bytes[2...], as: UTF8.self)), sizes[bytes[1]]?.contains(size) == true
    else {
      throw DiagnosticList(
        Diagnostic(
          .unsupportedDataType, "elements of type '\(type)' are not read", at: source.location(of: range),
          help: "save truth values, integers or floating-point numbers, for example (w != 0)"))
    }
    let isComplex = bytes[1] == UInt8(ascii: "c")
    let format: ElementFormat =
      isComplex ? .complex(bytes: size) : bytes[1] == UInt8(ascii: "f") ? .signed(bytes: size) : .integer(bytes: size)
    return bytes[0] == UInt8(ascii: ">") ? format.swapped(parts: isComplex ? 2 : 1) : format
  }
}

/// The header of an array: a Python dictionary of three known keys.
private struct NumpyHeader {
  struct Fields {
    var type = ""
    var typeRange = 0..<1
    var isFortran = false
    var shape: [Int] = []
    var shapeRange = 0..<1
  }

  private let source: SourceText
  private var position = 0

  init(_ source: SourceText) { self.source = source }

  mutating func read() throws(DiagnosticList) -> Fields {
    var fields = Fields()
    var seen: Set<String> = []
    try expect("{")
    while next != UInt8(ascii: "}") {
      let start = position
      let key = try text()
      guard ["descr", "fortran_order", "shape"].contains(key) else {
        throw failure(.unknownKey, "the key '\(key)' is not part of the format", start..<position)
      }
      guard seen.insert(key).inserted else {
        throw failure(.duplicateKey, "the key '\(key)' appears twice", start..<position)
      }
      try expect(":")
      skipSpace()
      let value = position
      switch key {
      case "descr":
        guard next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") else {
          throw failure(
            .unsupportedDataType, "'descr' is no plain type: arrays of records are not read", value..<value + 1)
        }
        fields.type = try text()
        fields.typeRange = value..<position
      case "fortran_order": fields.isFortran = try truth()
      default:
        fields.shape = try sizes()
        fields.shapeRange = value..<position
      }
      if next == UInt8(ascii: ",") { position += 1 }
    }
    for key in ["descr", "fortran_order", "shape"] where !seen.contains(key) {
      throw failure(.missingKey, "the key '\(key)' is missing", 0..<1)
    }
    position += 1
    guard next == nil else { throw failure(.corruptTensor, "text after the header's end", position..<position + 1) }
    return fields
  }

  private var next: UInt8? {
    mutating get {
      skipSpace()
      return position < source.bytes.count ? source.bytes[position] : nil
    }
  }

  private mutating func skipSpace() {
    while position < source.bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(source.bytes[position]) { position += 1 }
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(DiagnosticList) {
    guard next == UInt8(ascii: character) else {
      throw failure(.corruptTensor, "expected '\(character)' here", position..<position + 1)
    }
    position += 1
  }

  private mutating func text() throws(DiagnosticList) -> String {
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw failure(.corruptTensor, "expected a quoted text here", position..<position + 1)
    }
    let start = position + 1
    guard let end = source.bytes[start...].firstIndex(of: quote),
      let text = String(validating: source.bytes[start..<end], as: UTF8.self)
    else { throw failure(.corruptTensor, "the text does not end, or is not valid UTF-8", position..<position + 1) }
    position = end + 1
    return text
  }

  private mutating func truth() throws(DiagnosticList) -> Bool {
    for (word, value) in [("True", true), ("False", false)]
    where source.bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw failure(.wrongType, "expected True or False here", position..<position + 1)
  }

  private mutating func sizes() throws(DiagnosticList) -> [Int] {
    try expect("(")
    var sizes: [Int] = []
    while let byte = next, byte != UInt8(ascii: ")") {
      let start = position
      while position < source.bytes.count, (0x30...0x39).contains(source.bytes[position]) { position += 1 }
      guard let size = Int(String(decoding: source.bytes[start..<position], as: UTF8.self)), sizes.count < 32 else {
        throw failure(.wrongType, "expected a count in 'shape'", start..<start + 1)
      }
      sizes.append(size)
      guard next == UInt8(ascii: ",") else { break }
      position += 1
    }
    try expect(")")
    return sizes
  }

  private func failure(_ code: DiagnosticCode, _ message: String, _ range: Range<Int>) -> DiagnosticList {
    DiagnosticList(Diagnostic(code, message, at: source.location(of: range)))
  }
}
