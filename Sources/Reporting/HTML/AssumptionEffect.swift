public import Hardware
import Quantities
import Simulation

/// What a result would be with another value of a constant that nobody verified.
public struct AssumptionEffect: Sendable {
  /// The constant.
  public var constant: Constant
  /// By what part of itself it was changed; nil where no other value is possible or makes sense.
  public var change: Double?
  /// By what part the time of the step changes then.
  public var time = 0.0
  /// By what part its energy changes.
  public var energy = 0.0
  /// By what part the speedup against the dense run changes.
  public var speedup = 0.0

  /// No effect yet.
  public init(constant: Constant) { self.constant = constant }

  /// The largest change of anything.
  var magnitude: Double { max(time.magnitude, energy.magnitude, speedup.magnitude) }

  /// Whether the result depends on it, as far as a report shows it.
  var matters: Bool { magnitude >= 0.0005 }
}

extension HTMLReport {
  /// The assumed constants that move a result, the one that moves it most first; then those that do not, and those that could
  /// not be varied.
  static func assumptions(_ report: RunReport, _ effects: [AssumptionEffect]) -> String {
    let name = report.run.machine
    let moving = effects.enumerated().filter(\.element.matters)
      .sorted { ($1.element.magnitude, $0.offset) < ($0.element.magnitude, $1.offset) }.map(\.element)
    var table = HTMLTable(
      "assumed constants of \(name)",
      [("constant", false), ("value", true), ("changed by", true), ("time", true), ("energy", true)]
        + (report.hasBaseline ? [("speedup", true)] : []) + [("source", false)])
    for effect in moving {
      table.add(
        [
          .words(effect.constant.path), .number(effect.constant.value, nil), changed(effect.change ?? 0),
          changed(effect.time), changed(effect.energy),
        ] + (report.hasBaseline ? [changed(effect.speedup)] : []) + [.words(effect.constant.source)])
    }
    let verb = moving.count == 1 ? "matters" : "matter"
    var html = HTMLPage.paragraph(
      effects.isEmpty
        ? "No constant of \(name) is assumed: all are measured, published or derived."
        : "\(plural(effects.count, "constant")) of \(name) \(effects.count == 1 ? "is" : "are") assumed: nobody verified "
          + "\(effects.count == 1 ? "it" : "them"). \(moving.count) of them \(verb) to this result, which changes so much when "
          + "one of them alone is changed by about a tenth:")
    html += table.html
    let still = effects.filter { $0.change != nil && !$0.matters }.map(\.constant.path)
    if !still.isEmpty { html += HTMLPage.paragraph("Without effect here: \(still.joined(separator: ", ")).") }
    let fixed = effects.filter { $0.change == nil }.map { "\($0.constant.path) \($0.constant.value)" }
    if !fixed.isEmpty { html += HTMLPage.paragraph("Assumed, and not varied: \(fixed.joined(separator: ", ")).") }
    return html
  }

  private static func changed(_ fraction: Double) -> HTMLTable.Cell {
    .number(fraction.magnitude < 0.0005 ? "–" : TableReport.signed(fraction), fraction)
  }
}
