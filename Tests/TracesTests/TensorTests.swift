import Diagnostics
import SeededRandom
import Testing
import Traces
import Workloads

/// A safetensors file put together by hand.
struct SafetensorsFixture {
  /// A tensor: type, shape, bytes.
  var tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])] = []

  var bytes: [UInt8] {
    var offset = 0
    let entries = tensors.map { tensor in
      defer { offset += tensor.bytes.count }
      return "\"\(tensor.name)\":{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),"
        + "\"data_offsets\":[\(offset),\(offset + tensor.bytes.count)]}"
    }
    return Self.file(
      "{\"__metadata__\":{\"format\":\"pt\"},\(entries.joined(separator: ","))}", tensors.flatMap(\.bytes))
  }

  /// A header as it is, and what follows.
  static func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + data
  }
}

/// An array file put together by hand.
func npy(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
  let length = header.utf8.count
  let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + data
}

private func little<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
  values.flatMap { value in (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}

private func zeros(_ bytes: [UInt8], name: String = "test") throws(DiagnosticList) -> ZeroMask {
  try TensorReader.read(bytes, name: name)[0].zeros()
}

/// The rows of a mask as they are kept, `x` and `.`.
private func picture(_ mask: ZeroMask) -> [String] {
  (0..<mask.rows).map { row in (0..<mask.columns).map { mask[row, $0] ? "x" : "." }.joined() }
}

@Suite("Files of tensors")
struct TensorTests {
  /// Two zeros where there are two, another value, and NaN or the largest value: 2×2.
  @Test(arguments: [
    ("BOOL", [0, 0, 1, 1]), ("U8", [0, 0, 1, 255]), ("I8", [0, 0, 1, 0x80]), ("F8_E5M2", [0, 0x80, 1, 0x7F]),
    ("F8_E4M3", [0, 0x80, 1, 0xFF]), ("F8_E5M2FNUZ", [0, 0, 0x80, 1]), ("F8_E4M3FNUZ", [0, 0, 0x80, 1]),
    ("F4", [0x80, 0x91]), ("I16", little([0, 0, 1, Int16.min])), ("U16", little([0, 0, 256, UInt16(0x8000)])),
    ("F16", little([0, 0x8000, 1, UInt16(0x7E00)])), ("BF16", little([0, 0x8000, 1, UInt16(0x7FC0)])),
    ("I32", little([0, 0, 1, Int32.min])), ("U32", little([0, 0, 1, UInt32(0x8000_0000)])),
    ("F32", little([0, 0x8000_0000, 1, UInt32(0x7FC0_0000)])), ("I64", little([0, 0, 1, Int64.min])),
    ("U64", little([0, 0, 1 << 40, UInt64(1) << 63])),
    ("F64", little([0, 1 << 63, 1, UInt64(0x7FF8) << 48])),
    ("C64", little([0, 0x8000_0000, 0x8000_0000, 0, 0, 1, 1, UInt32(0x8000_0000)])),
  ])
  func `of every type both zeros are zero and nothing else is`(_ type: String, _ bytes: [UInt8]) throws {
    let file = SafetensorsFixture(tensors: [("w", type, [2, 2], bytes)])
    #expect(try picture(zeros(file.bytes)) == ["..", "xx"])
  }

  @Test func `six-bit elements are packed, and exponents are never zero`() throws {
    // 0, −0, 1, 31 in six bits each: 000000 100000 000001 011111 from the lowest bit up.
    let packed = 0 | 0x20 << 6 | 1 << 12 | 31 << 18
    let bytes = (0..<3).map { UInt8(truncatingIfNeeded: packed >> (8 * $0)) }
    for type in ["F6_E2M3", "F6_E3M2"] {
      #expect(
        try picture(zeros(SafetensorsFixture(tensors: [("w", type, [2, 2], bytes)]).bytes)) == ["..", "xx"])
    }
    #expect(
      try picture(zeros(SafetensorsFixture(tensors: [("w", "F8_E8M0", [1, 2], [0, 1])]).bytes)) == ["xx"])
  }

  /// O×C×R×S with one element kept: columns are taps, then channels.
  @Test func `a filter's columns have the channels fastest`() throws {
    let (o, c, r, s) = (2, 3, 2, 2)
    for kept in 0..<o * c * r * s {
      var bytes = [UInt8](repeating: 0, count: o * c * r * s)
      bytes[kept] = 1
      let (tap, channel, row) = (kept % (r * s), kept / (r * s) % c, kept / (r * s * c))
      let file = SafetensorsFixture(tensors: [("w", "U8", [o, c, r, s], bytes)])
      let mask = try zeros(file.bytes)
      #expect(mask.kept == 1 && mask[row, tap * c + channel])
      #expect(try TensorReader.read(file.bytes, name: "w")[0].channels == 3)
      // The same array in Fortran order, where the first index runs fastest.
      var fortran = [UInt8](repeating: 0, count: bytes.count)
      fortran[row + o * (channel + c * (tap / s + r * (tap % s)))] = 1
      let array = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2, 2), }\n", fortran)
      #expect(try zeros(array) == mask)
    }
  }

  @Test(arguments: [1, 2, 3]) func `arrays of all versions, types and byte orders are read`(_ version: UInt8) throws {
    func array(_ type: String, _ bytes: [UInt8], _ isFortran: Bool = false) throws -> [String] {
      let header = "{'descr': '\(type)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': (2, 2), }\n"
      return try picture(zeros(npy(header, bytes, version: version)))
    }
    #expect(try array("|b1", [0, 1, 1, 0]) == [".x", "x."])
    #expect(try array("|b1", [0, 1, 0, 0], true) == ["..", "x."])
    #expect(try array("<f2", little([0, 0x8000, 1, UInt16(0x7E00)])) == ["..", "xx"])
    #expect(try array(">f4", little([0, 0x80, 0x81, UInt32(1)])) == ["..", "xx"])
    #expect(try array("<i8", little([0, 0, 1, Int64.min])) == ["..", "xx"])
    #expect(try array(">i2", little([0, 0, UInt16(0x8000).byteSwapped, 1])) == ["..", "xx"])
    #expect(try array("<f8", little([0, 1 << 63, 1, UInt64(1) << 52])) == ["..", "xx"])
    #expect(try array(">c8", little([0, 0x80, 0x80, 0, 0, 1, 1, UInt32(0)])) == ["..", "xx"])
    #expect(try array("<c16", little([0, 1 << 63, 0, 0, 0, 1, 1, UInt64(0)])) == ["..", "xx"])
  }

  @Test func `sparse matrices are read from rows of columns`() throws {
    let text = "3, 5, 4\n0 2 2 4\n0 4 1 3 \n"
    #expect(try picture(zeros(Array(text.utf8), name: "w.smtx")) == ["x...x", ".....", ".x.x."])
    let tensor = try TensorReader.read(Array(text.utf8), name: "some/folder/w.smtx")[0]
    #expect(tensor.name == "w" && tensor.shape == [3, 5] && tensor.isMatrix)
  }

  @Test(arguments: [
    ("%%MatrixMarket matrix coordinate real general\n% a\n%\n2 3 3\n1 1 0.5\n2 3 -1e-3\n1 2 0\n", ["x..", "..x"]),
    ("%%MatrixMarket matrix coordinate integer general\n2 3 1\n2 1 7\n", ["...", "x.."]),
    ("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n1 1\n3 1\n", ["x.x", "...", "x.."]),
    ("%%MatrixMarket matrix array real general\n2 2\n1\n0\n-0.0\nnan\n", ["x.", ".x"]),
    ("%%matrixmarket MATRIX array integer symmetric\n2 2\n0\n3\n0\n", [".x", "x."]),
  ])
  func `MatrixMarket files are read`(_ text: String, _ rows: [String]) throws {
    #expect(try picture(zeros(Array(text.utf8), name: "w.mtx")) == rows)
  }

  @Test func `shards and folders give their tensors by name`() throws {
    try withTemporaryFolder { folder in
      for (file, name) in [("a.safetensors", "x.weight"), ("b.safetensors", "y.weight")] {
        try TemporaryFolder.write(
          SafetensorsFixture(tensors: [(name, "U8", [1, 2], [1, 0])]).bytes, folder + "/" + file)
      }
      let index = #"{"metadata":{"total_size":4},"weight_map":{"x.weight":"a.safetensors","y.weight":"b.safetensors"}}"#
      try TemporaryFolder.write(Array(index.utf8), folder + "/model.safetensors.index.json")
      let tensors = try TensorReader.read(folder + "/model.safetensors.index.json")
      #expect(tensors.map(\.name) == ["x.weight", "y.weight"])
      #expect(try tensors.allSatisfy { try picture($0.zeros()) == ["x."] })
      try TemporaryFolder.write(Array("1, 2, 1\n0 1\n1\n".utf8), folder + "/z.smtx")
      #expect(try TensorReader.read(folder).map(\.name) == ["x.weight", "y.weight", "z"])
      let wrong = #"{"weight_map":{"z.weight":"a.safetensors"}}"#
      try TemporaryFolder.write(Array(wrong.utf8), folder + "/wrong.index.json")
      #expect(codes { try TensorReader.read(folder + "/wrong.index.json") } == [.unknownTensor])
    }
  }

  private func codes<T>(_ body: () throws -> T) -> [DiagnosticCode] {
    do {
      _ = try body()
      return []
    } catch { return (error as? DiagnosticList)?.diagnostics.map(\.code) ?? [] }
  }

  /// One problem each: what the file is called, its bytes, the code, and a word of the message.
  private static let hostile: [(name: String, bytes: [UInt8], code: DiagnosticCode, word: String)] = {
    func header(_ text: String, _ data: Int = 8) -> [UInt8] {
      SafetensorsFixture.file(text, [UInt8](repeating: 1, count: data))
    }
    func entry(_ name: String, _ type: String = "U8", _ shape: String = "[2,2]", _ offsets: String = "[0,4]") -> String
    {
      "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }
    let invalid = SafetensorsFixture.file("{\"a", []).dropLast(0) + [0xFF, 0xFE] + Array("\":1}".utf8)
    var invalidHeader = Array(invalid)
    invalidHeader[0] = UInt8(invalidHeader.count - 8)
    let good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n"
    return [
      ("length 2^63.safetensors", [0, 0, 0, 0, 0, 0, 0, 0x80, 0x7B], .corruptTensor, "9223372036854775808"),
      ("short.safetensors", [1, 2, 3], .corruptTensor, "3 bytes"),
      ("truncated.safetensors", [200, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D], .corruptTensor, "only 2 follow"),
      ("utf8.safetensors", invalidHeader, .jsonSyntax, "UTF-8"),
      (
        "overlap.safetensors", header("{\(entry("a")),\(entry("b", "U8", "[2,2]", "[2,6]"))}", 6), .corruptTensor,
        "overlap"
      ),
      (
        "gap.safetensors", header("{\(entry("a")),\(entry("b", "U8", "[2,1]", "[6,8]"))}"), .corruptTensor,
        "belong to nothing"
      ),
      ("tail.safetensors", header("{\(entry("a"))}"), .corruptTensor, "rest belongs to nothing"),
      ("beyond.safetensors", header("{\(entry("a", "U8", "[3,3]", "[0,9]"))}"), .corruptTensor, "data_offsets"),
      ("backward.safetensors", header("{\(entry("a", "U8", "[2,2]", "[8,4]"))}"), .corruptTensor, "data_offsets"),
      (
        "overflow.safetensors", header("{\(entry("a", "F32", "[4294967296,4294967296,4294967296]", "[0,8]"))}"),
        .sizeOverflow, "shape"
      ),
      ("shape.safetensors", header("{\(entry("a", "F32", "[2,2]", "[0,8]"))}"), .corruptTensor, "16 by its 'shape'"),
      ("bits.safetensors", header("{\(entry("a", "F4", "[3,1]", "[0,1]"))}", 1), .corruptTensor, "shape"),
      ("nan.safetensors", header("{\(entry("a", "U8", "[NaN]"))}"), .jsonSyntax, "JSON"),
      ("negative.safetensors", header("{\(entry("a", "U8", "[-2,-2]"))}"), .wrongType, "shape"),
      ("fraction.safetensors", header("{\(entry("a", "U8", "[2.5,2]"))}"), .wrongType, "shape"),
      ("twice.safetensors", header("{\(entry("a")),\(entry("a", "U8", "[2,2]", "[4,8]"))}"), .duplicateKey, "'a'"),
      ("type.safetensors", header("{\(entry("a", "F33"))}"), .unknownValue, "F33"),
      ("missing.safetensors", header("{\"a\":{\"dtype\":\"U8\",\"shape\":[2,2]}}"), .missingKey, "data_offsets"),
      ("list.safetensors", header("[]"), .jsonSyntax, "object"),
      ("more.safetensors", header("{} {}"), .jsonSyntax, "after the end"),
      ("index.json", Array(#"{"weight_map":{"a":"../../etc/passwd"}}"#.utf8), .wrongType, "same folder"),
      ("index.json", Array(#"{"weights":{}}"#.utf8), .missingKey, "weight_map"),
      ("magic.npy", Array("\u{93}NUMPX______".utf8), .corruptTensor, "magic"),
      ("version.npy", npy(good, [1, 1, 1, 1], version: 9), .corruptTensor, "version"),
      ("length.npy", npy(good, []).prefix(8) + [0xFF, 0xFF, 0x7B], .corruptTensor, "65535"),
      ("short.npy", npy(good, [1, 1, 1]), .corruptTensor, "4 bytes, but 3"),
      ("long.npy", npy(good, [1, 1, 1, 1, 1]), .corruptTensor, "4 bytes, but 5"),
      ("object.npy", npy(good.replacing("|u1", with: "|O"), []), .unsupportedDataType, "|O"),
      (
        "record.npy", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", []), .unsupportedDataType,
        "records"
      ),
      ("key.npy", npy("{'descr': '|u1', 'order': False, 'shape': (1,)}", []), .unknownKey, "order"),
      ("twice.npy", npy("{'descr': '|u1', 'descr': '|u1'}", []), .duplicateKey, "descr"),
      ("missing.npy", npy("{'descr': '|u1', 'fortran_order': False}", []), .missingKey, "shape"),
      (
        "overflow.npy", npy(good.replacing("(2, 2)", with: "(4294967296, 4294967296, 4)"), []), .sizeOverflow, "shape"
      ),
      ("utf8.npy", npy("{'d", []).dropLast(0) + [0xFF], .corruptTensor, ""),
      ("truth.npy", npy(good.replacing("False", with: "Maybe"), []), .wrongType, "True or False"),
      ("huge.smtx", Array("4000000000, 4000000000, 0\n0\n".utf8), .tooLarge, "1 GiB"),
      ("wide.smtx", Array("1, 1000000000, 0\n0 0\n".utf8), .tooLarge, "bytes can mean"),
      ("overflow.smtx", Array("99999999999999999999, 4, 0\n".utf8), .corruptTensor, "no count"),
      ("empty rows.smtx", Array("0, 4, 0\n0\n".utf8), .outOfRange, "rows"),
      ("falling.smtx", Array("2, 4, 2\n0 2 1\n0 1\n".utf8), .outOfRange, "a row's end"),
      ("sum.smtx", Array("2, 4, 3\n0 1 2\n0 1 2\n".utf8), .corruptTensor, "but 3 are kept"),
      ("column.smtx", Array("2, 4, 2\n0 1 2\n0 4\n".utf8), .outOfRange, "column"),
      ("repeated.smtx", Array("2, 4, 2\n0 2 2\n1 1\n".utf8), .corruptTensor, "twice in row 0"),
      ("cut.smtx", Array("2, 4, 2\n0 1 2\n0".utf8), .corruptTensor, "ends"),
      ("more.smtx", Array("2, 4, 2\n0 1 2\n0 1 2".utf8), .corruptTensor, "after the last"),
      ("banner.mtx", Array("%%MatrixMarket vector\n".utf8), .corruptTensor, "first line"),
      ("complex.mtx", Array("%%MatrixMarket matrix array complex general\n1 1\n1 1\n".utf8), .unknownValue, "complex"),
      ("skew.mtx", Array("%%MatrixMarket matrix coordinate real skew-symmetric\n1 1 0\n".utf8), .unknownValue, "skew"),
      ("square.mtx", Array("%%MatrixMarket matrix coordinate real symmetric\n1 2 0\n".utf8), .corruptTensor, "1 × 2"),
      (
        "upper.mtx", Array("%%MatrixMarket matrix coordinate pattern symmetric\n2 2 1\n1 2\n".utf8), .outOfRange,
        "column"
      ),
      ("zero.mtx", Array("%%MatrixMarket matrix coordinate pattern general\n2 2 1\n0 1\n".utf8), .outOfRange, "row"),
      (
        "twice.mtx", Array("%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n1 1\n".utf8), .corruptTensor,
        "twice"
      ),
      (
        "value.mtx", Array("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 x\n".utf8), .corruptTensor,
        "no number"
      ),
      ("empty.npy", [], .emptyFile, "empty"),
      ("unknown", Array("hello".utf8), .unknownFormat, "no file of tensors"),
    ]
  }()

  @Test(arguments: hostile.indices) func `a file that lies is told where and what`(_ index: Int) throws {
    let (name, bytes, code, word) = Self.hostile[index]
    let error = #expect(throws: DiagnosticList.self, "\(name)") {
      for tensor in try TensorReader.read(bytes, name: name) { _ = try tensor.zeros() }
    }
    let first = try #require(error?.diagnostics.first, "\(name)")
    #expect(first.code == code, "\(name): \(first.message)")
    #expect(first.message.contains(word), "\(name): \(first.message)")
    #expect(first.location != nil || first.message.contains(name), "\(name): \(first.message)")
  }

  @Test func `whatever is changed in a file, it is read or refused`() throws {
    let files: [(String, [UInt8])] = [
      (
        "w.safetensors",
        SafetensorsFixture(tensors: [
          ("a", "F16", [2, 3, 1, 2], little((0..<12).map { UInt16($0) })), ("b", "F4", [2], [1]),
        ]).bytes
      ),
      (
        "w.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", little((0..<6).map { UInt32($0) }))
      ),
      ("w.smtx", Array("3, 5, 4\n0 2 2 4\n0 4 1 3 \n".utf8)),
      ("w.mtx", Array("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n1 1 2\n3 1 0\n".utf8)),
    ]
    func survive(_ bytes: [UInt8], _ name: String) {
      do throws(DiagnosticList) {
        for tensor in try TensorReader.read(bytes, name: name) where tensor.isMatrix {
          _ = MaskStatistics(try tensor.zeros(), channels: tensor.channels)
        }
      } catch { #expect(error.hasErrors && error.diagnostics.allSatisfy { !$0.message.isEmpty }) }
    }
    var generator = SeededGenerator(seed: 11)
    for (name, bytes) in files {
      for length in bytes.indices { survive(Array(bytes[..<length]), name) }
      for _ in 0..<2000 {
        var changed = bytes
        for _ in 0...Int.random(in: 0...2, using: &generator) {
          changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        survive(changed, name)
      }
    }
  }
}
