import Diagnostics
import Traces
import Workloads

/// Files that say where operands are zero. Rules that are typed come after them and win.
public struct SparsityFiles: Sendable {
  /// Tensors whose names are those of operators: safetensors, their index, or a folder of files.
  public var weights: String?
  /// A table of operators and the tensors of their weights; see `TensorNames`.
  public var weightNames: String?
  /// A table of densities; see `DensityTable`.
  public var densities: String?
  /// Tables of activation sparsity; see `ActivationSparsityTable`.
  public var activations: [String]
  /// The effective sparsity at which they are read.
  public var effectiveSparsity: Double

  /// No files unless given.
  public init(
    weights: String? = nil, weightNames: String? = nil, densities: String? = nil, activations: [String] = [],
    effectiveSparsity: Double = 0.5
  ) {
    self.weights = weights
    self.weightNames = weightNames
    self.densities = densities
    self.activations = activations
    self.effectiveSparsity = effectiveSparsity
  }

  /// Whether there is none.
  public var isEmpty: Bool { weights == nil && densities == nil && activations.isEmpty }

  /// The words that a report repeats.
  var asked: [String] {
    (weights.map { ["weights of \($0)"] } ?? []) + (densities.map { ["densities of \($0)"] } ?? [])
      + (activations.isEmpty ? [] : ["activations at an effective sparsity of \(effectiveSparsity)"])
  }

  /// The workload with what the files say.
  func apply(to workload: Workload) throws(DiagnosticList) -> (workload: Workload, notes: [WorkloadNote]) {
    var result = workload
    var notes: [WorkloadNote] = []
    if let weights {
      let names = try weightNames.map { (path) throws(DiagnosticList) in try TensorNames(try InputFile.load(path)) }
      let binding = try TensorBinding(
        result, try TensorReader.read(weights), in: weights, names: names ?? TensorNames())
      result = binding.workload
      notes += binding.notes
    }
    var rules: [SparsityRule] = []
    if let densities { rules += try result.rules(from: try DensityTable.read(try InputFile.load(densities))) }
    if !activations.isEmpty {
      var tables: [ActivationSparsityTable] = []
      for path in activations { tables.append(try ActivationSparsityTable(try InputFile.load(path))) }
      rules += try result.rules(from: tables, effective: effectiveSparsity)
    }
    let applied = try result.applying(rules)
    return (applied.workload, notes + applied.notes)
  }
}
