import Diagnostics
import Hardware
import Quantities
import Workloads

struct SystolicEngine: Engine {
  let array: SystolicArray
  init(_ array: SystolicArray, machine: String, dataflow: SystolicArray.Dataflow?) throws(DiagnosticList) {
    self.array = array
  }
  var residentCapacity: Int { 0 }
  var overlapsVectorWork: Bool { false }
  func adapt(_ op: Operator) -> Adaptation { .impossible("", help: "") }
  func estimate(_ task: Task) -> Estimate { preconditionFailure("not written yet") }
}
