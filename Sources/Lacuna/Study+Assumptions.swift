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
  /// Whole numbers change by one at least. Constants that are no numbers, and those that no such value is allowed for, are left
  /// as they are and said to be.
  /// - Complexity: two runs for each assumed constant.
  /// - Throws: every operator or option that the machine cannot run.
  public func assumptionEffects(
    on template: MachineTemplate, options: SimulationOptions = SimulationOptions()
  ) throws(DiagnosticList) -> [AssumptionEffect] {
    let usual = try run(on: template.machine, options: options).comparison
    return template.machine.constants.filter { $0.certainty == .assumed }.map { constant in
      var effect = AssumptionEffect(constant: constant)
      for change in [0.1, -0.1] {
        guard let (value, actual) = template.value(at: constant.path)?.scaled(by: 1 + change),
          case .success(let machine) = template.read([(constant.path.split(separator: ".").map(String.init), value)]),
          let other = try? run(on: machine, options: options).comparison
        else { continue }
        effect.change = actual
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
  /// The number, with its unit if it has one, times a factor, and by what part of itself it changed. A whole number becomes the
  /// next one farther away. Nil for what is no number, and for numbers so small that the next one is far away.
  fileprivate func scaled(by factor: Double) -> (node: Node, change: Double)? {
    func changed(_ value: Double, isWhole: Bool, _ content: (Double) -> Content) -> (node: Node, change: Double)? {
      let other = isWhole ? (value * factor).rounded(factor > 1 ? .up : .down) : value * factor
      let change = other / value - 1
      return change.magnitude <= 0.5 ? (Node(content(other), range: range), change) : nil
    }
    switch content {
    case .number(let text):
      guard let value = Double(text) else { return nil }
      let isWhole = integer != nil
      return changed(value, isWhole: isWhole) { .number(isWhole ? "\(Int($0))" : "\($0)") }
    case .string(let text):
      guard let (value, base) = UnitTable.read(text) else { return nil }
      return changed(value, isWhole: base == "B" || base == "cycles") { .string("\($0) \(base)") }
    default: return nil
    }
  }
}
