import Quantities
import Validation
import Workloads

extension JSONReport {
  static func trace(_ validation: TraceValidation) -> [(String, JSONValue)] {
    [
      ("workload", .string(validation.workload)), ("source", .string(validation.source)),
      ("machine", .string(validation.machine)),
      ("total", validation.total.map { .object(times($0)) } ?? .null),
      ("not_compared_s", .number(validation.notCompared.value)),
      (
        "by_kind",
        .array(validation.kinds.map { kind, sums in .object([("kind", .string(kind))] + times(sums)) })
      ),
      ("operators", .array(validation.signatures.map { .object(signature($0)) })),
      ("skipped", skipped(validation.skipped)),
    ]
  }

  private static func signature(_ signature: TraceValidation.Signature) -> [(String, JSONValue)] {
    let op = signature.example
    return [
      ("first", .string(op.name)), ("kind", .string(op.kind.name)), ("shape", .string(op.kind.shapeDescription)),
      ("phase", .string(op.phase.rawValue)), ("data_type", .string(op.dataType.rawValue)),
      ("sparsity", .string(op.sparsity.text)), ("runs", .integer(signature.runs)),
      ("measured_s", .number(signature.measured.value)),
      ("predicted_s", .optional(signature.times?.predicted.value)), ("error", .optional(signature.times?.error)),
      ("mean_error", .optional(signature.times?.meanError)),
      ("not_compared", signature.notCompared.map(JSONValue.string) ?? .null),
    ]
  }

  private static func times(_ times: TraceValidation.Times) -> [(String, JSONValue)] {
    [
      ("runs", .integer(times.runs)), ("measured_s", .number(times.measured.value)),
      ("predicted_s", .number(times.predicted.value)), ("error", .number(times.error)),
      ("mean_error", .number(times.meanError)), ("time_weighted_error", .number(times.timeWeightedError)),
    ]
  }
}
