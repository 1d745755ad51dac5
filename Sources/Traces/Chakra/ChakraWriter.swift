import Quantities
public import Workloads

/// Writes workloads as MLCommons Chakra traces (`.et`), for simulators of distributed training such as ASTRA-sim.
///
/// Each operator is a compute node off the host, with what such simulators read: `num_ops` (operations of all its
/// runs, two for each dense multiply-accumulate), `tensor_size` (bytes of its operands and its result, dense, each
/// counted once), `data_deps`, and `duration_micros`, rounded, where it was measured. Where no operator has dependencies
/// each waits for the one before, which is what that means. The attribute `lacuna_operator` holds the whole operator as
/// a line of JSON Lines has it, and `lacuna_trace` of the metadata the header, so that reading the trace gives the same
/// workload.
public enum ChakraWriter {
  static let headerAttribute = "lacuna_trace"
  static let operatorAttribute = "lacuna_operator"

  /// The trace. Equal workloads give equal bytes.
  public static func bytes(_ workload: Workload) -> [UInt8] {
    var file = ByteWriter()
    var metadata = ProtobufMessage()
    // The version of the schema.
    metadata.add(1, "0.0.4")
    metadata.add(2, attribute(headerAttribute, String(TraceWriter.headerLine(workload).dropLast())))
    metadata.append(to: &file)
    let isChain = workload.operators.allSatisfy(\.dependencies.isEmpty)
    for (index, op) in workload.operators.enumerated() {
      var node = ProtobufMessage()
      node.add(1, UInt64(index))
      node.add(2, op.name)
      node.add(3, ChakraNode.Kind.compute.rawValue)
      for dependency in isChain && index > 0 ? [index - 1] : op.dependencies { node.add(5, UInt64(dependency)) }
      if let start = op.measured?.start, start > .zero { node.add(6, start.microseconds) }
      if let duration = op.measured?.duration, duration > .zero { node.add(7, duration.microseconds) }
      node.add(10, attribute("is_cpu_op", ChakraAttribute.boolField, 0))
      node.add(10, attribute("num_ops", ChakraAttribute.int64Field, UInt64(op.operations)))
      node.add(10, attribute("tensor_size", ChakraAttribute.uint64Field, UInt64(op.operandBytes)))
      var text = ""
      JSONText.object(op.jsonMembers).write(to: &text)
      node.add(10, attribute(operatorAttribute, text))
      node.append(to: &file)
    }
    return file.bytes
  }

  private static func attribute(_ name: String, _ text: String) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    message.add(ChakraAttribute.stringField, text)
    return message
  }

  private static func attribute(_ name: String, _ field: Int, _ number: UInt64) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    message.add(field, number)
    return message
  }
}

extension Operator {
  /// Operations of all its runs.
  fileprivate var operations: Int {
    saturating(saturatingSum(saturating(2, denseMACs), vectorWork.operations), repeats)
  }

  /// Bytes of operands and result, dense, of one run.
  fileprivate var operandBytes: Int {
    let (read, written): (Int, Int)
    if matrixProblems.isEmpty {
      (read, written) = (vectorWork.elementsRead, vectorWork.elementsWritten)
    } else {
      read = matrixProblems.reduce(0) { saturatingSum($0, saturatingSum($1.aElements, $1.bElements)) }
      written = matrixProblems.last?.cElements ?? 0
    }
    return saturatingSum(saturating(read, dataType.bits), saturating(written, outputType.bits)) / 8
  }
}

extension Duration {
  /// Whole microseconds, at least one.
  fileprivate var microseconds: UInt64 { UInt64(max(1, (nanoseconds + 500) / 1000)) }
}
