import Documents
import Quantities
import Workloads

extension S4Processor {
  init?(reading fields: inout ConstantFields) {
    let dataTypes = DataTypeSupport(reading: &fields)
    let dram = DRAM(reading: &fields)
    let vector = VectorUnit(reading: &fields)

    var chips, cores, units: Int?
    var clock: Hertz?
    var network, hostLink: BytesPerSecond?
    var topology: Topology?
    var launch: Cycles?
    if var chip = fields.section("chip") {
      chips = chip.count("count")
      cores = chip.count("cores")
      units = chip.count("units_per_core")
      clock = chip.quantity("clock")
      network = chip.quantity("network")
      topology = chip.choice("topology", what: "a topology")
      hostLink = chip.quantity("host_link")
      launch = chip.quantity("launch")
      chip.finish()
      if let cores, let topology, !topology.joins(cores) {
        chip.contradiction("a \(topology.rawValue) joins a power of two, not \(cores) cores")
      }
    }
    var lanes, columns, bank: Int?
    var rates: [Int]?
    if var unit = fields.section("unit") {
      lanes = unit.count("lanes")
      columns = unit.count("columns")
      bank = unit.count("bank")
      rates = unit.counts("rates")
      unit.finish()
      if let bank, let rates, let odd = rates.first(where: { bank % $0 != 0 }) {
        unit.contradiction("a bank of \(bank) cannot keep exactly 1/\(odd) of its values")
      }
      if let lanes, let columns, let dataTypes {
        for (type, rate) in dataTypes.rates.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where rate.perCycle > Double(lanes * columns) {
          unit.contradiction(
            "\(lanes) lanes × \(columns) columns do at most \(lanes * columns) MACs a cycle, but \(type.rawValue) "
              + "is said to do \(formatSignificant(rate.perCycle, digits: 4))")
        }
      }
    }
    var l1, l2: (capacity: Bytes, port: BytesPerCycle, energy: JoulesPerByte)?
    var l1Fill: BytesPerCycle?
    for (key, isLocal) in [("l1", true), ("l2", false)] {
      guard var level = fields.section(key) else { continue }
      let capacity = level.quantity("capacity", as: Bytes.self)
      let port = level.quantity("port", as: BytesPerCycle.self)
      let energy = level.quantity("energy", as: JoulesPerByte.self)
      if isLocal { l1Fill = level.quantity("fill") }
      level.finish()
      guard let capacity, let port, let energy else { continue }
      if isLocal { l1 = (capacity, port, energy) } else { l2 = (capacity, port, energy) }
    }
    var cap, idle: Watts?
    if var power = fields.section("power") {
      cap = power.quantity("cap")
      idle = power.quantity("idle")
      power.finish()
      if let cap, let idle, cap <= idle {
        power.contradiction("the cap of \(cap) leaves nothing above the idle power of \(idle)")
      }
    }
    guard let chips, let cores, let units, let clock, let network, let topology, let hostLink, let launch, let lanes,
      let columns,
      let bank,
      let rates, let l1, let l1Fill, let l2, let cap, let idle, let dataTypes, let dram, let vector
    else { return nil }
    self.init(
      chips: chips, cores: cores, unitsPerCore: units, clock: clock, dataTypes: dataTypes, lanes: lanes,
      columns: columns, bankSize: bank, rates: rates.sorted(), l1Capacity: l1.capacity, l1Port: l1.port,
      l1Fill: l1Fill, l2Capacity: l2.capacity, l2Port: l2.port, network: network, topology: topology,
      hostLink: hostLink, dram: dram,
      vector: vector, launch: launch,
      idle: idle, cap: cap, l1Energy: l1.energy, l2Energy: l2.energy)
  }
}
