import Documents

/// A node of a Chakra trace (`et_def.proto` of MLCommons; field numbers stand beside the members).
struct ChakraNode {
  /// Numbers of `NodeType`.
  enum Kind: UInt64 {
    case invalid, metadata, memoryLoad, memoryStore, compute, send, receive, collective
  }

  /// The operands or results of a call, each a list as Python prints it.
  struct Operands {
    var values: Node?
    var shapes: Node?
    var types: Node?
  }

  /// 1
  var id = 0
  /// 2
  var name = ""
  /// 3
  var kind = Kind.invalid
  /// 4
  var controlDependencies: [Int] = []
  /// 5
  var dataDependencies: [Int] = []
  /// 6, in microseconds
  var start: Int?
  /// 7, in microseconds
  var duration: Int?
  /// 8
  var inputs = Operands()
  /// 9
  var outputs = Operands()
  /// 10, those that tell anything here
  var texts: [String: String] = [:]
  /// 10
  var numbers: [String: Int] = [:]
  /// Where it stands in the file.
  var offset: Int

  /// What ran on the host rather than on a device.
  var isOnHost: Bool { numbers["is_cpu_op"].map { $0 != 0 } ?? false }

  /// Reads a `Node`. Problems name the field.
  init(_ reader: ProtobufReader) throws(ProtobufProblem) {
    offset = reader.position
    var reader = reader
    while let (at, field, value) = try reader.nextField() {
      switch (field, value) {
      case (1, .number(let number)): id = try Self.integer(number, "id", at)
      case (2, .bytes(let range)): name = try reader.text(range, "name")
      case (3, .number(let number)):
        guard let known = Kind(rawValue: number) else {
          throw ProtobufProblem(offset: at, reason: "'type' is \(number), but types go from 0 to 7")
        }
        kind = known
      case (4, let value): controlDependencies += try Self.ids(value, reader, "ctrl_deps", at)
      case (5, let value): dataDependencies += try Self.ids(value, reader, "data_deps", at)
      case (6, .number(let number)): start = try Self.microseconds(number, "start_time_micros", at, exponent: 52)
      case (7, .number(let number)): duration = try Self.microseconds(number, "duration_micros", at, exponent: 50)
      case (8, .bytes(let range)): inputs = try Self.operands(ProtobufReader(reader.bytes, range), "inputs")
      case (9, .bytes(let range)): outputs = try Self.operands(ProtobufReader(reader.bytes, range), "outputs")
      case (10, .bytes(let range)):
        let (name, value) = try ChakraAttribute.read(ProtobufReader(reader.bytes, range))
        switch value {
        case .text(let text): texts[name] = text
        case .number(let number): numbers[name] = number
        case nil: break
        }
      case (1...10, _): throw ProtobufProblem(offset: at, reason: "field \(field) of a node has another type")
      default: break
      }
    }
  }

  private static func integer(_ number: UInt64, _ field: String, _ offset: Int) throws(ProtobufProblem) -> Int {
    guard let value = Int(exactly: number) else {
      throw ProtobufProblem(offset: offset, reason: "'\(field)' is \(number), which is beyond 2^63")
    }
    return value
  }

  private static func microseconds(
    _ number: UInt64, _ field: String, _ offset: Int, exponent: Int
  ) throws(ProtobufProblem) -> Int {
    guard number < 1 << exponent else {
      throw ProtobufProblem(
        offset: offset, reason: "'\(field)' is \(number); it must be below 2^\(exponent) microseconds")
    }
    return Int(number)
  }

  /// A repeated number, packed or not.
  private static func ids(
    _ value: ProtobufReader.Value, _ reader: ProtobufReader, _ field: String, _ offset: Int
  ) throws(ProtobufProblem) -> [Int] {
    switch value {
    case .number(let number): return [try integer(number, field, offset)]
    case .bytes(let range):
      var packed = ProtobufReader(reader.bytes, range)
      var result: [Int] = []
      while !packed.isAtEnd {
        let at = packed.position
        result.append(try integer(try packed.varint(), field, at))
      }
      return result
    }
  }

  /// Reads an `IOInfo`: 1 values, 2 shapes, 3 types.
  private static func operands(_ reader: ProtobufReader, _ name: String) throws(ProtobufProblem) -> Operands {
    var reader = reader
    var operands = Operands()
    while let (_, field, value) = try reader.nextField() {
      guard (1...3).contains(field), case .bytes(let range) = value, !range.isEmpty else { continue }
      let part = ["values", "shapes", "types"][field - 1]
      let node: Node
      do throws(PythonLiteralParser.Problem) { node = try PythonLiteralParser.parse(reader.bytes, range) } catch {
        throw ProtobufProblem(offset: error.offset, reason: "'\(name).\(part)': \(error.reason)")
      }
      switch field {
      case 1: operands.values = node
      case 2: operands.shapes = node
      default: operands.types = node
      }
    }
    return operands
  }
}

/// The values of an `AttributeProto` that are read: its name is field 1, its value one of the fields 3 to 32.
enum ChakraAttribute {
  case text(String)
  case number(Int)

  /// Numbers of the fields of values.
  static let (uint64Field, int64Field, boolField, stringField) = (13, 9, 27, 29)

  static func read(_ reader: ProtobufReader) throws(ProtobufProblem) -> (name: String, value: ChakraAttribute?) {
    var reader = reader
    var name = ""
    var result: ChakraAttribute?
    while let (_, field, value) = try reader.nextField() {
      switch (field, value) {
      case (1, .bytes(let range)): name = try reader.text(range, "attr.name")
      case (stringField, .bytes(let range)): result = .text(try reader.text(range, "attr.string_val"))
      case (7, .number(let number)), (int64Field, .number(let number)), (11, .number(let number)),
        (uint64Field, .number(let number)), (boolField, .number(let number)):
        result = .number(Int(truncatingIfNeeded: number))
      default: break
      }
    }
    return (name, result)
  }
}

extension ProtobufReader {
  /// The next field, with where it begins; nil at the end of the message.
  mutating func nextField() throws(ProtobufProblem) -> (offset: Int, field: Int, value: Value)? {
    let start = position
    return try next().map { (start, $0.field, $0.value) }
  }

  /// The text in a part of the bytes.
  func text(_ range: Range<Int>, _ field: String) throws(ProtobufProblem) -> String {
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw ProtobufProblem(offset: range.lowerBound, reason: "'\(field)' is not UTF-8")
    }
    return text
  }
}
