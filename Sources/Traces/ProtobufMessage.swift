/// A Protocol Buffers message that is being written.
struct ProtobufMessage {
  private var writer = ByteWriter()

  /// Adds a number, also one of 0.
  mutating func add(_ field: Int, _ number: UInt64) {
    writer.varint(UInt64(field) << 3)
    writer.varint(number)
  }

  /// Adds a text.
  mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  /// Adds a message.
  mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.writer.bytes) }

  private mutating func add(_ field: Int, _ content: [UInt8]) {
    writer.varint(UInt64(field) << 3 | 2)
    writer.varint(content.count)
    writer.bytes += content
  }

  /// Appends it to a file of messages, each after its length.
  func append(to file: inout ByteWriter) {
    file.varint(writer.bytes.count)
    file.bytes += writer.bytes
  }
}
