import Diagnostics
import Hardware
import Quantities
import Workloads

struct TensorCoreEngine: Engine {
  let gpu: TensorCoreGPU
  init(_ gpu: TensorCoreGPU) {
    self.gpu = gpu
  }
  var residentCapacity: Int { 0 }
  var overlapsVectorWork: Bool { false }
  func adapt(_ op: Operator) -> Adaptation { .impossible("", help: "") }
  func estimate(_ task: Task) -> Estimate { preconditionFailure("not written yet") }
}
