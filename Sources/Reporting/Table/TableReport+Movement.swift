import Quantities
import Simulation

extension TableReport {
  /// Who moves how much between which levels and why, how often what was fetched is handed out, and how full buffers get.
  static func movement(_ movement: Movement) -> String {
    var flows = TextTable([
      .words("traffic"), .words("operand"), .words("cause"), .number("bytes"), .number("share"), .number("multicast"),
    ])
    for flow in movement.flows {
      let all = Double(movement.bytes(flow.path).count)
      flows.add([
        flow.path.rawValue, flow.operand.rawValue, flow.cause.rawValue, bytesText(flow.bytes),
        percentText(ratio(Double(flow.bytes.count), all)), factorText(flow.multicast),
      ])
    }
    let reuse = Movement.Operand.allCases.compactMap { operand in
      movement.reuse(of: operand).map { "\(operand.rawValue) \(factorText($0))" }
    }
    var text = "\n" + flows.text()
    if !reuse.isEmpty { text += "reuse in L2: \(reuse.joined(separator: ", "))\n" }
    guard !movement.buffers.isEmpty else { return text }
    var buffers = TextTable([.words("buffer"), .number("peak"), .number("capacity"), .number("share")])
    for buffer in movement.buffers {
      buffers.add([
        buffer.name, bytesText(buffer.peak), bytesText(buffer.capacity),
        percentText(ratio(Double(buffer.peak.count), Double(buffer.capacity.count))),
      ])
    }
    return text + "\n" + buffers.text()
  }
}
