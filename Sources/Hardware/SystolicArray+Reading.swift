import Diagnostics
import Documents
import Quantities
import Workloads

extension SystolicArray {
  init?(reading fields: inout ConstantFields) {
    let dataTypes = DataTypeSupport(reading: &fields)
    let dram = DRAM(reading: &fields)
    let vector = VectorUnit(reading: &fields)

    if let dataTypes, let table = fields.node("data_types") {
      for (type, rate) in dataTypes.rates.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where rate.perCycle != 1 {
        fields.report(
          .inconsistentHardware,
          "an element does one multiply-accumulate a cycle, not \(rate.perCycle) of \(type.rawValue)",
          at: (table[type.rawValue]?["macs_per_cycle"] ?? table).range,
          help: "write macs_per_cycle 1; change the array's rows, columns or clock")
      }
    }

    var rows, columns, group, interleaving: Int?
    var clock: Hertz?
    var dataflows: [Dataflow]?
    var element: SparseElement?
    var latency: Cycles?
    var beside: [Unit] = []
    if var array = fields.section("array") {
      rows = array.count("rows")
      columns = array.count("columns")
      clock = array.quantity("clock")
      dataflows = array.choices("dataflows", what: "dataflow")
      element = array.choice("sparse_element", what: "a kind of sparse element")
      group = array.count("largest_group")
      latency = array.quantity("accumulator_latency")
      interleaving = array.count("interleaving")
      beside = array.optionalChoices("beside_weight_gradients", what: "unit") ?? []
      array.finish()
      if let element, let group, element == .none, group != 1 {
        array.contradiction("elements without N:M support cannot hold groups of \(group)")
      }
    }
    var input, weight, output: Bytes?
    var bufferEnergy: JoulesPerByte?
    if var buffers = fields.section("buffers") {
      input = buffers.quantity("input")
      weight = buffers.quantity("weight")
      output = buffers.quantity("output")
      bufferEnergy = buffers.quantity("energy")
      if let rows, let columns, let group, let interleaving, let dataTypes {
        let bits = Int64(dataTypes.rates.keys.map(\.bits).max() ?? 0)
        let values = Int64(rows * (element == .group ? group : 1))
        // What each half must hold for one fold to run.
        buffers.check(
          "weight", weight, Bytes(bits: values * Int64(columns) * (bits + Int64(ceilLog2(group)))),
          "the weights of \(rows)×\(columns) elements")
        buffers.check(
          "input", input, Bytes(bits: values * Int64(interleaving) * bits), "\(interleaving) rows of a fold")
        buffers.check(
          "output", output, Bytes(bits: Int64(columns * interleaving) * max(32, bits)),
          "the sums of \(interleaving) rows")
      }
      buffers.finish()
    }
    var pruner: Pruner?
    if var section = fields.optionalSection("pruner") {
      let lanes = section.count("lanes")
      let pregenerates = section.flag("pregenerates")
      section.finish()
      if let lanes, let pregenerates { pruner = Pruner(lanes: lanes, pregenerates: pregenerates) }
    }
    var updater: Updater?
    if var section = fields.optionalSection("updater") {
      updater = section.count("lanes").map(Updater.init)
      section.finish()
    }
    var idle: Watts?
    if var power = fields.section("power") {
      idle = power.quantity("idle")
      power.finish()
    }
    guard let rows, let columns, let clock, let dataTypes, let dataflows, let element, let group, let latency,
      let interleaving, let input, let weight, let output, let bufferEnergy, let dram, let vector, let idle
    else { return nil }
    self.init(
      rows: rows, columns: columns, clock: clock, dataTypes: dataTypes, dataflows: dataflows,
      sparseElement: element, largestGroup: group, accumulatorLatency: latency, interleaving: interleaving,
      inputBuffer: input, weightBuffer: weight, outputBuffer: output, dram: dram, vector: vector, pruner: pruner,
      updater: updater, besideWeightGradients: Set(beside), idle: idle, bufferEnergy: bufferEnergy)
  }
}

extension ConstantFields {
  /// Reports a buffer of which a half does not hold a tile; the other half is filled meanwhile.
  fileprivate mutating func check(_ key: String, _ capacity: Bytes?, _ tile: Bytes, _ what: String) {
    guard let capacity, let node = node(key), capacity.count < 2 * tile.count else { return }
    report(
      .inconsistentHardware,
      "half of the \(key) buffer, \(Bytes(capacity.count / 2)), is too small for one tile: \(what) take \(tile)",
      at: (node["value"] ?? node).range, help: "give it at least \(tile * 2)")
  }
}
