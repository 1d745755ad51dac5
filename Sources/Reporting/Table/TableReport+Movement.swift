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
    text += links(movement) + memory(movement.memory)
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

  private static func links(_ movement: Movement) -> String {
    guard !movement.links.isEmpty else { return "" }
    var links = TextTable([.words("links"), .number("count"), .number("on the busiest")])
    for link in movement.links { links.add([link.name, String(link.count), bytesText(link.busiest)]) }
    return "\n" + links.text()
  }

  /// What off-chip memory's devices spend, by action.
  private static func memory(_ actions: MemoryActions?) -> String {
    guard let actions else { return "" }
    var table = TextTable([.words("off-chip memory"), .number("bytes"), .number("energy"), .number("share")])
    for (name, energy) in actions.energies {
      let bytes = ["read": actions.read, "write": actions.written][name].map(bytesText) ?? ""
      let what = name == "activate" ? "activate \(actions.activates) rows" : name
      table.add([
        what, bytes, energy.description, percentText(ratio(energy.value, actions.energy.value)),
      ])
    }
    return "\n" + table.text()
  }
}
