import Documents
import Quantities
import Validation
import Workloads

extension CSVReport {
  /// A row for operators that are alike, in the order in which they first appear.
  static func trace(_ validation: TraceValidation) -> String {
    var table = CSVTable([
      "schema_version", "workload", "machine", "first", "kind", "shape", "phase", "data_type", "sparsity", "runs",
      "measured_s", "predicted_s", "error", "mean_error", "not_compared",
    ])
    for signature in validation.signatures {
      let op = signature.example
      table.add([
        cell(Version.reportSchema), validation.workload, validation.machine, op.name, op.kind.name,
        op.kind.shapeDescription, op.phase.rawValue, op.dataType.rawValue, op.sparsity.text, cell(signature.runs),
        cell(signature.measured.value), cell(signature.times?.predicted.value), cell(signature.times?.error),
        cell(signature.times?.meanError), signature.notCompared ?? "",
      ])
    }
    return table.text
  }
}
