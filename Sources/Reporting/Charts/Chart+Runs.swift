import Hardware
import Quantities
import RealModule
import Simulation
import Workloads

extension Chart {
  /// The charts of one run, in the order of a report; without those that would show nothing.
  public static func charts(of report: RunReport) -> [Chart] {
    [time([report]), energy([report]), roofline(report), traffic(report), power(report), clock(report)]
      .compactMap { $0 }
  }

  /// The charts of several runs side by side.
  public static func charts(of reports: [RunReport]) -> [Chart] { [time(reports), energy(reports)] }

  /// Time by what bounds it: of the step, of the dense step and of each kind of operator, or of each of several runs.
  static func time(_ reports: [RunReport]) -> Chart {
    stacked(
      reports, name: "time", title: "Time by kind of operator and by what limits it", axis: "time",
      units: TimeDimension.units, total: { $0.elapsed.value }, text: { Seconds($0).description }
    ) { totals in
      Bound.allCases.map { (name: $0.name, colour: $0.colour, value: totals.byBound[$0].value) }
    }
  }

  /// Energy by component, of the same rows.
  static func energy(_ reports: [RunReport]) -> Chart {
    stacked(
      reports, name: "energy", title: "Energy by kind of operator and by component", axis: "energy",
      units: EnergyDimension.units, total: { $0.energy.total.value }, text: { Joules($0).description }
    ) { totals in
      zip(totals.energy.components, [Colour.blue, .green, .brown, .purple, .teal, .orange, .grey]).map {
        (name: $0.name, colour: $1, value: $0.energy.value)
      }
    }
  }

  /// Rows of bars whose parts add up to what the row is of.
  private static func stacked(
    _ reports: [RunReport], name: String, title: String, axis: String, units: [Unit], total: (RunTotals) -> Double,
    text: (Double) -> String, parts: (RunTotals) -> [(name: String, colour: Colour, value: Double)]
  ) -> Chart {
    struct Row {
      var name: String
      var totals: RunTotals
      var dense: RunTotals?
    }
    var rows: [Row] = []
    var notes: [String] = []
    if let report = reports.first, reports.count == 1 {
      let whole = report.comparison.dense.totals
      rows.append(Row(name: "whole step", totals: report.run.totals))
      let showsDense = report.hasBaseline && isBeside(total(whole), total(report.run.totals))
      if report.hasBaseline {
        notes = [showsDense ? besideNote : "The dense run, \(text(total(whole))), lies beyond this chart."]
      }
      if showsDense { rows.append(Row(name: "whole step, dense", totals: whole)) }
      let dense = report.comparison.dense.totalsByKind
      rows += report.run.kinds.filter { total($0.totals) > 0 }.map { kind, totals in
        Row(name: kind, totals: totals, dense: showsDense ? dense.first { $0.kind == kind }?.totals : nil)
      }
    } else {
      rows = reports.map { Row(name: $0.label(among: reports), totals: $0.run.totals) }
    }
    let sums = rows.first.map { parts($0.totals) } ?? []
    // The largest part of the first row is the first of every row.
    let order = sums.indices.sorted { (sums[$1].value, $0) < (sums[$0].value, $1) }
    let whole = rows.map { total($0.totals) }.max() ?? 0
    let longest = (rows.map { total($0.totals) } + rows.compactMap { $0.dense.map(total) }).max() ?? 0
    var marks: [Mark] = []
    for (index, row) in rows.enumerated() {
      let parts = parts(row.totals)
      let sum = total(row.totals)
      var end = 0.0
      for position in order where parts[position].value > 0 {
        let part = parts[position]
        let share = percentText(ratio(part.value, sum))
        marks.append(
          Mark(
            shape: bar(index, from: end, to: end + part.value), colour: part.colour, group: part.name,
            tip: "\(row.name), \(part.name): \(text(part.value)), \(share) of \(text(sum))"))
        end += part.value
      }
      if !marks.isEmpty, end > 0 { marks[marks.count - 1].label = text(sum) }
      if let dense = row.dense.map(total), dense > 0 {
        marks.append(
          Mark(
            shape: bar(index, from: dense, to: dense, height: 0.86), colour: .ink, group: "dense",
            tip: "\(row.name), dense: \(text(dense)), \(factorText(ratio(dense, sum))) of this run's"))
      }
    }
    return Chart(
      name: name, title: title,
      notes: notes,
      summary: rows.map { "\($0.name) \(text(total($0.totals)))" }.joined(separator: ", ") + ".",
      x: .linear(axis, units: units, to: longest > 0 ? longest : whole), y: .categories(rows.map(\.name)), marks: marks)
  }

  /// Whether a dense run fits a chart of a run without making everything else small.
  private static func isBeside(_ dense: Double, _ run: Double) -> Bool { dense <= 3 * run }
  private static let besideNote = "The line across a bar is the dense run."

  /// Products in the plane of what they compute for each byte that leaves or enters the chip, and how fast; nil without
  /// products. Operations are two for each multiply-accumulate on kept values, so that one roof holds for every pattern.
  static func roofline(_ report: RunReport) -> Chart? {
    struct Product {
      var group: OperatorGroup
      var estimate: Estimate
      var intensity: Double?
      var rate: Double
    }
    let run = report.run
    let products = report.comparison.groups.compactMap { group -> Product? in
      let estimate = run.estimates[group.first.estimate]
      let operations = 2 * Double(estimate.macs.useful)
      guard operations > 0, estimate.elapsed > .zero else { return nil }
      let bytes = Double(estimate.traffic.dram.count)
      return Product(
        group: group, estimate: estimate, intensity: bytes > 0 ? operations / bytes : nil,
        rate: operations / estimate.elapsed.value)
    }
    guard !products.isEmpty else { return nil }
    let bandwidth = report.machine.memoryBandwidth
    var peaks: [(name: String, rate: Double)] = []
    for type in products.compactMap(\.group.first.dataType) where !peaks.contains(where: { $0.name == type.rawValue }) {
      if let peak = report.machine.peakRate(of: type) { peaks.append((type.rawValue, 2 * peak.value)) }
    }
    let ridges = peaks.map { $0.rate / bandwidth.value }
    let finite = products.compactMap(\.intensity)
    let low = (finite + ridges).min().map { $0 / 3 } ?? 1
    let high = ((finite + ridges).max() ?? 1) * 4
    let slowest = products.map(\.rate).min() ?? 1
    let fastest = (products.map(\.rate) + peaks.map(\.rate)).max() ?? 1
    var marks = peaks.enumerated().map { index, peak in
      let ridge = peak.rate / bandwidth.value
      let start = max(low, slowest / 2 / bandwidth.value)
      return Mark(
        shape: .line(
          [Place(x: start, y: start * bandwidth.value), Place(x: ridge, y: peak.rate), Place(x: high, y: peak.rate)],
          isDashed: index > 0), colour: .grey, label: peak.name,
        tip:
          "peak of \(peak.name): \(operationsRate(peak.rate)), reached from \(formatSignificant(ridge, digits: 3)) operations/B"
      )
    }
    let kinds = run.kinds.map(\.kind)
    let total = run.totals.elapsed.value
    for product in products.sorted(by: { $0.group.exposed > $1.group.exposed }) {
      let share = ratio(product.group.exposed.value, total) ?? 0
      let roof = product.group.first.dataType.flatMap { report.machine.peakRate(of: $0) }.map { peak in
        min(2 * peak.value, product.intensity.map { $0 * bandwidth.value } ?? .infinity)
      }
      let part = roof.map { ", \(percentText(product.rate / $0)) of its roof" } ?? ""
      let density =
        product.intensity.map { "\(formatSignificant($0, digits: 3)) operations/B" } ?? "no off-chip traffic"
      let more = product.group.members > 1 ? " +\(product.group.members - 1)" : ""
      marks.append(
        Mark(
          shape: .point(Place(x: product.intensity ?? high, y: product.rate), radius: 3.5 + 10 * share.squareRoot()),
          colour: Colour.at(kinds.firstIndex(of: product.group.first.kind) ?? 0), group: product.group.first.kind,
          tip:
            "\(product.group.first.name)\(more), \(product.group.first.shape): \(operationsRate(product.rate))\(part), "
            + "\(density), \(percentText(share)) of the time, bound by \(product.estimate.bound.name)"))
    }
    let technology = report.machine.memoryTechnology
    let beside = finite.count < products.count ? " Products without off-chip traffic stand at the right edge." : ""
    return Chart(
      name: "roofline", title: "Roofline of off-chip memory",
      notes: [
        "Roofs: \(bandwidth) of \(technology)"
          + peaks.map { ", \(operationsRate($0.rate)) in \($0.name)" }.joined()
          + ". Operations are two a MAC on kept values; circles grow with their share of the time.\(beside)"
      ],
      summary: "\(plural(products.count, "kind")) of product under \(bandwidth) of \(technology)"
        + peaks.map { " and \(operationsRate($0.rate)) in \($0.name)" }.joined() + ".",
      x: .logarithmic("operations for each off-chip byte", from: low, to: high),
      y: .logarithmic("operations/s", from: slowest / 2, to: fastest * 1.5), marks: marks)
  }

  private static func operationsRate(_ rate: Double) -> String {
    rate.magnitude < 9e18 ? countText(Int(rate), unit: "OPS") : "\(rate) OPS"
  }

  /// Bytes that move between levels.
  static func traffic(_ report: RunReport) -> Chart? {
    func flows(_ result: RunResult) -> [(name: String, colour: Colour, bytes: Bytes)] {
      let traffic = result.totals.traffic
      return [
        ("off-chip memory, read", .orange, traffic.dramRead),
        ("off-chip memory, written", .orange, traffic.dramWritten),
        ("L2 or shared buffer, read", .teal, traffic.l2Read),
        ("L2 or shared buffer, written", .teal, traffic.l2Written),
        ("L1 or local buffers, filled", .purple, traffic.l1Filled),
        ("L1 or local buffers, read", .purple, traffic.l1Read),
        ("metadata, among those", .grey, traffic.metadata),
      ]
    }
    let dense = flows(report.comparison.dense)
    let rows = zip(flows(report.run), dense).filter { $0.bytes > .zero || $1.bytes > .zero }
    guard !rows.isEmpty else { return nil }
    let (most, mostDense) = (rows.map(\.0.bytes).max() ?? .zero, rows.map(\.1.bytes).max() ?? .zero)
    let showsDense = report.hasBaseline && isBeside(Double(mostDense.count), Double(most.count))
    var marks: [Mark] = []
    for (index, (flow, dense)) in rows.enumerated() {
      marks.append(
        Mark(
          shape: bar(index, to: Double(flow.bytes.count)), colour: flow.colour, label: bytesText(flow.bytes),
          tip: "\(flow.name): \(bytesText(flow.bytes))"
            + (report.hasBaseline ? ", dense \(bytesText(dense.bytes))" : "")))
      guard showsDense else { continue }
      marks.append(
        Mark(
          shape: bar(index, from: Double(dense.bytes.count), to: Double(dense.bytes.count), height: 0.86), colour: .ink,
          tip: "\(flow.name), dense: \(bytesText(dense.bytes))"))
    }
    let longest = showsDense ? max(most, mostDense) : most
    return Chart(
      name: "traffic", title: "Bytes moved at each level",
      notes: showsDense ? [besideNote] : [],
      summary: rows.map { "\($0.0.name) \(bytesText($0.0.bytes))" }.joined(separator: ", ") + ".",
      x: .linear("bytes", units: ByteDimension.units, to: Double(longest.count)), y: .categories(rows.map(\.0.name)),
      marks: marks)
  }

  /// Power over the step, a block for each stretch of it; its area is the energy.
  static func power(_ report: RunReport) -> Chart? {
    let stretches = report.run.stretches
    let totals = report.run.totals
    guard totals.energy.total > .zero, let last = stretches.last else { return nil }
    let powers = stretches.map { ($0.energy / ($0.end - $0.begin)).value }
    var marks = stretches.map { stretch in
      let power = stretch.energy / (stretch.end - stretch.begin)
      return Mark(
        shape: .rect(x: stretch.begin.value...stretch.end.value, y: 0...power.value),
        colour: stretch.isCapped ? .red : .blue, group: stretch.isCapped ? "under the power cap" : "power",
        tip: "\(stretch.name): \(power) at \(stretch.begin)")
    }
    var limit: [String] = []
    if let cap = report.machine.powerCap {
      limit = ["limit \(cap)" + (powers.contains { $0 > cap.value * 1.001 } ? ", which holds for the mean" : "")]
      marks.append(
        Mark(
          shape: .line([Place(x: 0, y: cap.value), Place(x: last.end.value, y: cap.value)], isDashed: true),
          colour: .orange,
          group: "limit"))
    }
    return Chart(
      name: "power", title: "Power over the step",
      notes: [(["\(totals.averagePower) on average"] + limit).joined(separator: ", ") + "."],
      summary: "\(totals.averagePower) on average over \(totals.elapsed).",
      x: .linear("time in the step", units: TimeDimension.units, to: last.end.value),
      y: .linear("power", units: PowerDimension.units, to: (powers + [report.machine.powerCap?.value ?? 0]).max() ?? 1),
      marks: marks)
  }

  /// The clock over the step; nil where it is one and the same.
  static func clock(_ report: RunReport) -> Chart? {
    let stretches = report.run.stretches.filter { $0.clock != nil }
    let clocks = stretches.compactMap { $0.clock?.value }
    guard let least = clocks.min(), let most = clocks.max(), most > least * 1.001, let last = stretches.last else {
      return nil
    }
    return Chart(
      name: "clock", title: "Clock over the step", notes: ["From \(Hertz(least)) to \(Hertz(most))."],
      summary: "From \(Hertz(least)) to \(Hertz(most)).",
      x: .linear("time in the step", units: TimeDimension.units, to: last.end.value),
      y: .linear("clock", units: FrequencyDimension.units, to: most),
      marks: stretches.map { stretch in
        Mark(
          shape: .rect(x: stretch.begin.value...stretch.end.value, y: 0...(stretch.clock?.value ?? 0)),
          colour: stretch.isCapped ? .red : .blue, group: stretch.isCapped ? "under the power cap" : "clock",
          tip: "\(stretch.name): \(stretch.clock ?? .zero) at \(stretch.begin)")
      })
  }
}

extension Bound {
  /// Memories have the colour that energy and traffic give them.
  var colour: Chart.Colour {
    switch self {
    case .issue: .blue
    case .localMemory: .purple
    case .l2: .teal
    case .network: .olive
    case .dram: .orange
    case .decode: .pink
    case .imbalance: .ochre
    case .fill: .brown
    case .vector: .green
    case .launch: .red
    case .power: .navy
    case .host: .grey
    }
  }
}

/// A part of a step long enough to be seen.
struct Stretch {
  var begin: Seconds
  var end: Seconds
  var energy: Joules
  /// The mean clock over its time; nil where only the host works.
  var clock: Hertz?
  /// Whether a power limit slowed most of it down.
  var isCapped: Bool
  /// Its first operator, and how many follow.
  var name: String
}

extension RunResult {
  /// The most stretches of a step.
  static var mostStretches: Int { 300 }

  /// The step in its order, operators that take too little of it together with their neighbours. Energies add up to the
  /// step's: what hides altogether spends its energy with what stands before it.
  var stretches: [Stretch] {
    let shortest = totals.elapsed / Double(Self.mostStretches)
    var stretches: [Stretch] = []
    var begin = Seconds.zero
    var (part, clocked, cycles, first, count) = (RunTotals(), 0.0, 0.0, "", 0)
    for (index, result) in operators.enumerated() {
      let estimate = estimates[result.estimate]
      if count == 0, result.exposed == .zero, !stretches.isEmpty {
        var hidden = RunTotals()
        hidden.add(result, estimate)
        stretches[stretches.count - 1].energy = stretches[stretches.count - 1].energy + hidden.energy.total
        continue
      }
      part.add(result, estimate)
      let exposed = result.exposed.value * Double(result.repeats)
      // The host's link has no clock.
      if estimate.clock > Hertz(1) {
        clocked += exposed
        cycles += exposed * estimate.clock.value
      }
      if count == 0 { first = result.name }
      count += 1
      let isLast = index == operators.count - 1
      guard part.elapsed > .zero, part.elapsed >= shortest || isLast else { continue }
      stretches.append(
        Stretch(
          begin: begin, end: begin + part.elapsed, energy: part.energy.total,
          clock: clocked > 0 ? Hertz(cycles / clocked) : nil, isCapped: part.powerCapped.value > part.elapsed.value / 2,
          name: count > 1 ? "\(first) +\(count - 1)" : first))
      begin = begin + part.elapsed
      (part, clocked, cycles, count) = (RunTotals(), 0, 0, 0)
    }
    return stretches
  }

  /// Sums by kind, the one with the most time first.
  var kinds: [(kind: String, totals: RunTotals)] {
    totalsByKind.enumerated().sorted { a, b in
      (b.element.totals.elapsed, a.offset) < (a.element.totals.elapsed, b.offset)
    }.map(\.element)
  }
}

extension RunReport {
  /// Whether there is anything to compare with the dense baseline: a pattern or a training method, or what they changed.
  var hasBaseline: Bool {
    comparison.speedup != 1 || comparison.energyGain != 1
      || asked.contains { $0.contains("=") || $0.hasPrefix("training") }
  }

  /// What tells it from the others: the machine, and where that is not enough the workload.
  func label(among reports: [RunReport]) -> String {
    reports.contains { $0.run.workload != run.workload } ? "\(run.workload) on \(run.machine)" : run.machine
  }
}
