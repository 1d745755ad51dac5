import Documents
import Quantities

extension AreaModel {
  /// Reads the section of areas, which may be absent.
  /// - Parameter family: the name of the machine's engine: what it has of parts decides what must be told.
  init?(reading parent: inout ConstantFields, of family: String) {
    guard var fields = parent.optionalSection("area") else { return nil }
    let node: TechnologyNode? = fields.choice("node", what: "a technology node")
    let utilisation = fields.optionalNumber("utilisation", in: 0.1...1) ?? 1
    func area(_ key: String, _ kind: NodeArea.Kind, _ fields: inout ConstantFields) -> SquareMillimetres? {
      guard let known = fields.area(key), let node else { return nil }
      return known.at(node, kind)
    }
    func cells(_ key: String, _ fields: inout ConstantFields) -> SquareMillimetres? {
      area(key, .logic, &fields).map { $0 / utilisation }
    }
    let multiplier = cells("multiplier", &fields)
    let operation = cells("operation", &fields)
    let transcendental = cells("transcendental", &fields)
    let bitCell = area("bit_cell", .memory, &fields)
    // Without it bits have in them what reads them.
    let column = fields.optionalArea("column").flatMap { known in node.map { known.at($0, .memory) } } ?? .zero
    let memoryInterface = area("memory_interface", .fixed, &fields)
    let memoryController = area("memory_controller", .logic, &fields)
    let fixed = area("fixed", .fixed, &fields)
    let die = fields.optionalQuantity("die", as: SquareMillimetres.self)
    // What a family has no parts of takes nothing.
    var register, selector, cacheBit, core, registerFile: SquareMillimetres?
    (register, selector, cacheBit, core, registerFile) = (.zero, .zero, .zero, .zero, .zero)
    var enabled = (cores: 1.0, cache: 1.0, channels: 1.0)
    if family != "tensor-core" {
      register = cells("register", &fields)
      selector = cells("selector", &fields)
    }
    if family != "systolic" { core = area("core", .logic, &fields) }
    if family == "tensor-core" {
      registerFile = area("register_file", .memory, &fields)
      cacheBit = area("cache_bit", .memory, &fields)
      enabled.cores = fields.optionalNumber("enabled_cores", in: 0.1...1) ?? 1
      enabled.cache = fields.optionalNumber("enabled_cache", in: 0.1...1) ?? 1
      enabled.channels = fields.optionalNumber("enabled_channels", in: 0.1...1) ?? 1
    }
    fields.finish()
    guard let node, let multiplier, let operation, let transcendental, let bitCell, let memoryInterface,
      let memoryController,
      let fixed, let register, let selector, let cacheBit, let core, let registerFile
    else { return nil }
    self.init(
      node: node, multiplier: multiplier, register: register, selector: selector, operation: operation,
      transcendental: transcendental, bitCell: bitCell, column: column, cacheBit: cacheBit, core: core,
      registerFile: registerFile, memoryInterface: memoryInterface, memoryController: memoryController, fixed: fixed,
      enabledCores: enabled.cores, enabledCache: enabled.cache, enabledChannels: enabled.channels, die: die)
  }
}
