import Diagnostics
import Hardware
import Quantities
import Workloads

struct S4Engine: Engine {
  let processor: S4Processor
  init(_ processor: S4Processor, samples: Int?) {
    self.processor = processor
  }
  var residentCapacity: Int { 0 }
  var overlapsVectorWork: Bool { false }
  func adapt(_ op: Operator) -> Adaptation { .impossible("", help: "") }
  func estimate(_ task: Task) -> Estimate { preconditionFailure("not written yet") }
}
