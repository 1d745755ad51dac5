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

/// Reads the masks that rules and traces name, each file once. Paths are those of the working folder.
struct MaskResolver {
  private var files: [String: [Tensor]] = [:]

  /// The rules with the zeros of their masks.
  mutating func resolve(_ rules: [SparsityRule]) throws(DiagnosticList) -> [SparsityRule] {
    var rules = rules
    var problems: [Diagnostic] = []
    for index in rules.indices {
      guard case .mask(let mask) = rules[index].pattern, mask.zeros == nil, rules[index].operand == .weights else {
        continue
      }
      do throws(DiagnosticList) {
        let tensor = try tensor(of: mask)
        rules[index].pattern = try Self.pattern(tensor, mask)
        rules[index].location = tensor.location
      } catch {
        problems += error.diagnostics
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return rules
  }

  /// The workload with the zeros of the masks that its trace names.
  mutating func resolve(_ workload: Workload) throws(DiagnosticList) -> Workload {
    var result = workload
    var problems: [Diagnostic] = []
    for index in result.operators.indices {
      guard case .mask(let mask) = result.operators[index].sparsity.weights, mask.zeros == nil else { continue }
      do throws(DiagnosticList) {
        let tensor = try tensor(of: mask)
        result.operators[index].sparsity.weights = try Self.pattern(tensor, mask)
        if let problem = result.operators[index].shapeProblems().first {
          throw DiagnosticList(
            Diagnostic(
              problem.code, "'\(result.operators[index].name)': \(problem.message)", at: tensor.location,
              help: problem.help))
        }
      } catch {
        problems += error.diagnostics
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    return result
  }

  private mutating func tensor(of mask: MaskReference) throws(DiagnosticList) -> Tensor {
    let tensors: [Tensor]
    if let known = files[mask.file] { tensors = known } else { tensors = try TensorReader.read(mask.file) }
    files[mask.file] = tensors
    return try tensors.named(mask.tensor, in: mask.file)
  }

  private static func pattern(_ tensor: Tensor, _ mask: MaskReference) throws(DiagnosticList) -> SparsityPattern {
    let zeros = try tensor.zeros()
    return zeros.density == 1 ? .dense : .mask(MaskReference(file: mask.file, tensor: mask.tensor, zeros: zeros))
  }
}
