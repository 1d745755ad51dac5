import Diagnostics
import Simulation
import Traces
import Workloads

/// The networks that figures may be about: traces and model descriptions that come with the program.
enum ShippedNetworks {
  private static let folders = [
    ShippedFolder("Traces", suffix: ".jsonl.zst", in: nil), ShippedFolder("Models", suffix: ".json"),
  ]

  static var names: [String] { folders.flatMap { $0.names() } }
  static func path(of name: String) -> String? { folders.lazy.compactMap { $0.path(of: name) }.first }
}

extension RowReader {
  /// What somebody published of one or more workloads. Each is a product `MxNxK`, or a network that comes with the
  /// program; several, separated by semicolons, are averaged. A speedup is over the same workload without sparsity, or
  /// over the workloads of `baseline`. A sequence of `780+69` is a request: prompts of 780 tokens, and 69 made after them one
  /// by one.
  func publishedFigure() -> ExperimentRow? {
    let figure = figure()
    let type = text("dtype").isEmpty ? nil : dataType("dtype")
    let weightType = text(optional: "weight_dtype").isEmpty ? nil : dataType("weight_dtype")
    let rules = rules()
    let training =
      text("training").isEmpty
      ? nil : choice("training", TrainingMethod.allCases.map { ($0.rawValue, $0) }, what: "a training method")
    let hasProblem =
      type == nil && !text("dtype").isEmpty || weightType == nil && !text(optional: "weight_dtype").isEmpty
      || training == nil && !text("training").isEmpty
    let ways = modes()
    let batch = optionalSize("batch")
    let sequence = sequence()
    guard let figure, let rules, let (modes, stages) = ways, !hasProblem, let batch, let sequence else { return nil }

    let names = parts("workload")
    guard !names.isEmpty else { return problem(.wrongType, "workload", "is empty; name a workload") }
    let baselines = text("baseline").isEmpty ? names : parts("baseline")
    guard baselines.count == names.count else {
      return problem(.inconsistentShape, "baseline", "must name as many workloads as 'workload', \(names.count)")
    }
    guard text("baseline").isEmpty || figure.metric == .speedup else {
      return problem(.inconsistentShape, "baseline", "means nothing to '\(figure.metric.rawValue)'; leave it empty")
    }
    var experiments: [Experiment] = []
    var used: DataType?
    func experiment(
      _ workload: Workload, decoding: Workload?, baseline: Int? = nil
    ) -> Experiment {
      Experiment(
        variant: text("weights").isEmpty ? "dense" : text("weights"), category: figure.metric.rawValue,
        operators: workload.operators,
        decoding: decoding.map { Experiment.Decoding(operators: $0.operators, steps: sequence.generated) },
        samples: workload.samples,
        residency: workload.operators.count == 1 ? .isolated : .chained, modes: modes, stages: stages,
        readings: [], baseline: baseline)
    }
    for (name, baseline) in zip(names, baselines) {
      func read(_ name: String, _ column: String, isDense: Bool) -> (Workload, decoding: Workload?)? {
        func workload(_ phase: ImportOptions.Phase, length: Int?) -> Workload? {
          self.workload(name, column, type: type, samples: batch.value, phase, length: length).flatMap {
            prepared(
              $0, isDense ? [] : rules, isDense ? training.map { _ in .dense } : training, type,
              isDense ? nil : weightType)
          }
        }
        guard let first = workload(.prefill, length: sequence.length) else { return nil }
        guard let length = sequence.length, sequence.generated > 0 else { return (first, nil) }
        guard let step = workload(.decode, length: length + sequence.generated / 2) else { return nil }
        return (first, step)
      }
      guard let (sparse, decoding) = read(name, "workload", isDense: false) else { return nil }
      used = used ?? sparse.operators.max { $0.denseMACs * $0.repeats < $1.denseMACs * $1.repeats }?.dataType
      guard figure.metric == .speedup else {
        experiments.append(experiment(sparse, decoding: decoding))
        continue
      }
      guard
        let (dense, denseDecoding) = read(
          baseline, text("baseline").isEmpty ? "workload" : "baseline", isDense: true)
      else { return nil }
      experiments.append(experiment(sparse, decoding: decoding, baseline: experiments.count + 1))
      experiments.append(experiment(dense, decoding: denseDecoding))
    }
    var words = [names.joined(separator: "; ")]
    if let size = batch.value { words.append("batch \(size)") }
    if sequence.length != nil { words.append("\(text("sequence")) tokens") }
    if let training { words.append(training.rawValue) }
    if let weightType { words.append("\(weightType.rawValue) weights") }
    words += Experiment.Mode.allCases.filter(modes.contains).map(\.rawValue)
    words += stages.map { "\($0) in one kernel" }
    return ExperimentRow(
      label: words.joined(separator: ", "), dataType: used ?? type ?? .fp16,
      experiments: experiments, figure: figure)
  }

  /// How it was compiled and asked for; a file may lack the column.
  private func modes() -> (modes: Set<Experiment.Mode>, stages: [FusedStage])? {
    guard positions["mode"] != nil else { return ([], []) }
    var modes: Set<Experiment.Mode> = []
    var stages: [FusedStage] = []
    for word in parts("mode") {
      if let stage = FusedStage(parsing: word) {
        stages.append(stage)
      } else if let mode = Experiment.Mode(rawValue: word) {
        modes.insert(mode)
      } else {
        let known = Experiment.Mode.allCases.map(\.rawValue)
        return problem(
          .unknownValue, "mode", "is not a way to run a network",
          notes: ["known: \(known.joined(separator: ", ")), and stages as first..last"],
          help: nearest(to: word, among: known).map { "did you mean '\($0)'?" })
      }
    }
    return (modes, stages)
  }

  private func parts(_ column: String) -> [String] {
    text(column).split(separator: ";").map { part in
      String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// The figure itself.
  private func figure() -> PublishedFigure? {
    let metric = choice("metric", PublishedFigure.Unit.allCases.map { ($0.rawValue, $0) }, what: "a metric")
    let certainty = choice(
      "certainty", PublishedFigure.Certainty.allCases.map { ($0.rawValue, $0) }, what: "a certainty")
    let (value, low, high) = (measured("value"), measured("low"), measured("high"))
    let overhead = positions["overhead_us"] == nil ? nil : measured("overhead_us")
    if text("source").isEmpty { return problem(.wrongType, "source", "is empty; say where the figure was read") }
    guard let metric, let certainty else { return nil }
    // A cell that is no number was told already.
    for (column, number) in [("value", value), ("low", low), ("high", high), ("overhead_us", overhead)]
    where number == nil && positions[column] != nil && !text(column).isEmpty { return nil }
    guard (low == nil) == (high == nil) else {
      return problem(.wrongType, low == nil ? "low" : "high", "is empty; a spread has two ends")
    }
    var spread: ClosedRange<Double>?
    if let low, let high {
      guard low <= high else { return problem(.outOfRange, "low", "is above 'high', \(text("high"))") }
      spread = low...high
    }
    guard let middle = value ?? spread.map({ ($0.lowerBound * $0.upperBound).squareRoot() }) else {
      return problem(.wrongType, "value", "is empty; give a figure, or the ends of its spread")
    }
    guard spread?.contains(middle) ?? true else {
      return problem(.outOfRange, "value", "is not from 'low', \(text("low")), to 'high', \(text("high"))")
    }
    return PublishedFigure(
      metric: metric, value: middle, spread: spread, overhead: (overhead ?? 0) * 1e-6, certainty: certainty,
      source: text("source"))
  }

  /// A whole number or nothing; nil after a report.
  private func optionalSize(_ column: String) -> (value: Int?, Void)? {
    guard !text(column).isEmpty else { return (nil, ()) }
    return size(column).map { ($0, ()) }
  }

  /// Tokens of a sample, and tokens made after them; nil after a report.
  private func sequence() -> (length: Int?, generated: Int)? {
    let sizes = text("sequence").split(separator: "+", omittingEmptySubsequences: false).map { Int($0) }
    guard sizes.count == 2 else { return optionalSize("sequence").map { ($0.value, 0) } }
    guard let length = sizes[0], let generated = sizes[1], length > 0, generated > 0,
      length + generated <= Self.largestSize
    else {
      return problem(
        .wrongType, "sequence", "is neither tokens nor tokens of a prompt and tokens made after it: 780+69")
    }
    return (length, generated)
  }

  /// Patterns as the command line writes them, separated by semicolons; a bare one is that of all weights.
  private func rules() -> [SparsityRule]? {
    var rules: [SparsityRule] = []
    for part in parts("weights") where part != "dense" {
      do throws(DiagnosticList) {
        rules.append(try SparsityRule(parsing: part.contains("=") ? part : "weights=\(part)"))
      } catch {
        relay(error, "weights")
        return nil
      }
    }
    return rules
  }

  private func workload(
    _ name: String, _ column: String, type: DataType?, samples: Int?, _ phase: ImportOptions.Phase, length: Int?
  ) -> Workload? {
    let sides = name.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    if sides.count == 3, let m = sides[0], let n = sides[1], let k = sides[2] {
      guard sides.allSatisfy({ (1...Self.largestSize).contains($0 ?? 0) }) else {
        return problem(.outOfRange, column, "must have sides from 1 to \(Self.largestSize)")
      }
      guard samples == nil, length == nil else {
        return problem(.inconsistentShape, samples == nil ? "sequence" : "batch", "changes nothing: N is the columns")
      }
      guard let type else { return problem(.wrongType, "dtype", "is empty; a product needs a data type") }
      guard
        let operators = checked([.product(name, GEMM(m: m, n: n, k: k), type)], columns: ["name": column])
      else { return nil }
      return Workload(name: name, source: "a published figure", operators: operators)
    }
    guard let path = ShippedNetworks.path(of: name) else {
      let names = ShippedNetworks.names
      return problem(
        .unknownValue, column,
        "\(text(column) == name ? "" : "'\(name)' ")is neither a product MxNxK nor a network that comes with the program",
        notes: ["networks: \(names.joined(separator: ", "))"],
        help: nearest(to: name, among: names).map { "did you mean '\($0)'?" })
    }
    var options = ImportOptions()
    if let samples { options.batch = samples }
    if let length, phase == .prefill { options.sequenceLength = length }
    if phase == .decode { (options.phase, options.contextLength) = (phase, length) }
    do throws(DiagnosticList) {
      let read = try TraceReader.read(path, options: options)
      guard read.format != .huggingFaceConfig else { return read.workload }
      guard length == nil else {
        return problem(.inconsistentShape, "sequence", "changes nothing: '\(name)' is a trace, whose lengths are fixed")
      }
      guard let samples else { return read.workload }
      let workload = try read.workload.withSamples(samples)
      return checked(workload.operators, columns: ["n": "batch", "name": "batch"]) == nil ? nil : workload
    } catch {
      relay(error, column)
      return nil
    }
  }

  /// The workload as it was run.
  private func prepared(
    _ workload: Workload, _ rules: [SparsityRule], _ training: TrainingMethod?, _ type: DataType?,
    _ weightType: DataType?
  ) -> Workload? {
    let typed = type.map(workload.converting(to:)) ?? workload
    let workload = weightType.map(typed.storingWeights(as:)) ?? typed
    do throws(DiagnosticList) {
      guard let training else {
        let applied = try workload.applying(rules)
        let isPruned = applied.workload.operators.contains { $0.sparsity != .dense }
        if !isPruned, let note = applied.notes.first {
          return problem(.indivisiblePattern, "weights", note.message)
        }
        return applied.workload
      }
      return try workload.trained(by: training, rules: rules).workload
    } catch {
      relay(error, "weights")
      return nil
    }
  }
}
