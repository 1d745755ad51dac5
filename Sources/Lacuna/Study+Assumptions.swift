public import Diagnostics
import Documents
public import Hardware
import Quantities
public import Reporting
public import Simulation

extension Study {
  /// How far a result on a machine rests on what nobody verified: each assumed constant is made a tenth larger by itself, or a
  /// tenth smaller where the description does not allow that, and the run repeated.
  ///
  /// Constants that are no numbers, and those that no other value is allowed for, are left as they are and said to be.
  /// - Complexity: two runs for each assumed constant.
  /// - Throws: every operator or option that the machine cannot run.
  public func assumptionEffects(
    on template: MachineTemplate, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> [AssumptionEffect] {
    let usual = try run(on: template.machine, options: options).comparison
    return template.machine.constants.filter { $0.certainty == .assumed }.map { constant in
      var effect = AssumptionEffect(constant: constant)
      for change in [0.1, -0.1] {
        guard let value = template.value(at: constant.path)?.scaled(by: 1 + change),
          case .success(let machine) = template.read([(constant.path.split(separator: ".").map(String.init), value)]),
          let other = try? run(on: machine, options: options).comparison
        else { continue }
        effect.change = change
        effect.time = other.run.totals.elapsed / usual.run.totals.elapsed - 1
        effect.energy = other.run.totals.energy.total / usual.run.totals.energy.total - 1
        effect.speedup = other.speedup / usual.speedup - 1
        break
      }
      return effect
    }
  }
}

extension MachineTemplate {
  /// The description of a machine of the catalog, or of a file.
  /// - Parameter name: as ``Machine/init(named:)`` takes it.
  /// - Throws: `unknown-hardware`, or all problems of the description.
  public init(named name: String) throws(DiagnosticList) { try self.init(try Machine.source(named: name)) }
}

extension Node {
  /// The number, with its unit if it has one, times a factor; whole numbers become the next one farther away. Nil for what
  /// is no number.
  fileprivate func scaled(by factor: Double) -> Node? {
    func whole(_ value: Double) -> Double { (value * factor).rounded(factor > 1 ? .up : .down) }
    switch content {
    case .number(let text):
      guard let value = Double(text) else { return nil }
      return Node(.number(integer.map { "\(Int(whole(Double($0))))" } ?? "\(value * factor)"), range: range)
    case .string(let text):
      guard let (value, base) = UnitTable.read(text) else { return nil }
      let isCounted = base == "B" || base == "cycles"
      return Node(.string("\(isCounted ? whole(value) : value * factor) \(base)"), range: range)
    default: return nil
    }
  }
}
