import Quantities
import Simulation

extension JSONReport {
  /// Flows by operand and cause, and buffers; left out of closed forms.
  static func movement(_ movement: Movement?) -> JSONValue {
    guard let movement else { return .optionalObject(nil) }
    return .optionalObject([
      (
        "flows",
        .array(
          movement.flows.map { flow in
            .object([
              ("path", .string(flow.path.rawValue.replacingHyphens)), ("operand", .string(flow.operand.rawValue)),
              ("cause", .string(flow.cause.rawValue.replacingHyphens)), ("bytes", .integer(Int(flow.bytes.count))),
              ("arriving_bytes", .integer(Int(flow.arriving.count))),
            ])
          })
      ),
      (
        "l2_reuse",
        .object(
          Movement.Operand.allCases.map { ($0.rawValue, JSONValue.optional(movement.reuse(of: $0))) })
      ),
      (
        "links",
        .array(
          movement.links.map { link in
            .object([
              ("name", .string(link.name)), ("count", .integer(link.count)),
              ("busiest_bytes", .integer(Int(link.busiest.count))),
            ])
          })
      ),
      ("memory", memory(movement.memory)),
      (
        "buffers",
        .array(
          movement.buffers.map { buffer in
            .object([
              ("name", .string(buffer.name)), ("capacity_bytes", .integer(Int(buffer.capacity.count))),
              ("peak_bytes", .integer(Int(buffer.peak.count))),
            ])
          })
      ),
    ])
  }

  /// What off-chip memory's devices did and spent; left out where their technology has no table.
  private static func memory(_ actions: MemoryActions?) -> JSONValue {
    guard let actions else { return .optionalObject(nil) }
    return .optionalObject(
      [
        ("activates", .integer(actions.activates)), ("read_bytes", .integer(Int(actions.read.count))),
        ("written_bytes", .integer(Int(actions.written.count))),
      ] + actions.energies.map { ("\($0.name)_j", .number($0.energy.value)) })
  }
}
