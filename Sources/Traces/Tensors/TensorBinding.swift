public import Diagnostics
public import Workloads

/// Operators of a workload bound to tensors by name, so that they have the real zeros of their weights.
///
/// A table of names comes first. Without a row there, an operator takes the tensor of its own name, then that name with
/// `.weight`, then the one whose name is the same but for case, separators (`.`, `/`, `_`, `-`), a leading `model`,
/// `module` or `transformer`, and a trailing `weight` or `kernel`, where there is just one.
public struct TensorBinding: Sendable {
  /// The workload with the zeros.
  public private(set) var workload: Workload
  /// What was bound, what was not, and which tensors nobody took.
  public private(set) var notes: [WorkloadNote] = []

  /// Binds and reads every tensor that an operator takes.
  /// - Throws: `matches-nothing` where nothing is bound; for tensors of another shape than their operator's weights, and
  ///   names that no file has, all at once and each at its place; what reading them throws.
  public init(
    _ workload: Workload, _ tensors: [Tensor], in file: String, names: TensorNames = TensorNames()
  ) throws(DiagnosticList) {
    self.workload = workload
    let matrices = tensors.filter(\.isMatrix)
    let exact = Dictionary(matrices.map { ($0.name, $0) }) { first, _ in first }
    let alike = Dictionary(grouping: matrices) { Self.canonical($0.name) }
    var problems: [Diagnostic] = []
    var (bound, dense, unbound) = ([String](), [String](), [String]())
    var used: Set<String> = []
    for index in workload.operators.indices {
      var op = workload.operators[index]
      guard op.phase == .inference || op.phase == .forward, op.weightElements > 0, op.kind.isMatrix else { continue }
      let tensor: Tensor
      if let (name, row) = names.tensor(for: op.name) {
        guard let named = exact[name] else {
          problems.append(
            Diagnostic(
              .unknownTensor, "\(file) holds no tensor '\(name)' for '\(op.name)'", at: row.location,
              help: nearest(to: name, among: exact.keys.sorted()).map { "did you mean '\($0)'?" }))
          continue
        }
        tensor = named
      } else if let named = exact[op.name] ?? exact[op.name + ".weight"] {
        tensor = named
      } else if let near = alike[Self.canonical(op.name)], near.count == 1 {
        tensor = near[0]
      } else {
        unbound.append(op.name)
        continue
      }
      used.insert(tensor.name)
      do throws(DiagnosticList) {
        // Sizes are compared before anything is read.
        if let shape = op.maskShape,
          tensor.shape[0] != shape.rows || tensor.shape.dropFirst().reduce(1, *) != shape.columns
        {
          throw DiagnosticList(
            Diagnostic(
              .inconsistentShape,
              "'\(tensor.name)' is \(tensor.shape.map(String.init).joined(separator: "×")), but the weights of "
                + "'\(op.name)' are \(shape.rows)×\(shape.columns): output features × reduction", at: tensor.location,
              help: tensor.shape == [shape.columns, shape.rows]
                ? "store it transposed" : "name another tensor for it with --weight-names"))
        }
        let zeros = try tensor.zeros()
        op.sparsity.weights =
          zeros.density == 1 ? .dense : .mask(MaskReference(file: tensor.file, tensor: tensor.name, zeros: zeros))
        if let problem = op.shapeProblems().first {
          throw DiagnosticList(
            Diagnostic(problem.code, "'\(op.name)': \(problem.message)", at: tensor.location, help: problem.help))
        }
        if op.sparsity.weights == .dense { dense.append(op.name) } else { bound.append(op.name) }
        self.workload.operators[index] = op
      } catch {
        problems += error.diagnostics
      }
    }
    guard problems.isEmpty else { throw DiagnosticList(problems) }
    guard !bound.isEmpty || !dense.isEmpty else {
      throw DiagnosticList(
        Diagnostic(
          .matchesNothing, "no operator of '\(workload.name)' is named as a tensor of \(file)",
          notes: [
            "operators are \(unbound.prefix(3).joined(separator: ", ")), …",
            "tensors are \(matrices.prefix(3).map(\.name).joined(separator: ", ")), …",
          ], help: "say with --weight-names which tensor is whose"))
    }
    let idle = matrices.map(\.name).filter { !used.contains($0) }
    for (message, names) in [
      ("weights have the zeros of their tensor in \(file)", bound),
      ("weights stay dense: their tensor in \(file) has no zeros", dense),
      ("weights stay as they were: no tensor of \(file) is named for them", unbound),
      ("no operator takes these tensors of \(file)", idle),
    ] where !names.isEmpty {
      notes.append(WorkloadNote(message: message, operators: names))
    }
  }

  private static func canonical(_ name: String) -> String {
    var parts = name.lowercased().split { "./_-".contains($0) }
    while let first = parts.first, parts.count > 1, ["model", "module", "transformer"].contains(first) {
      parts.removeFirst()
    }
    if let last = parts.last, parts.count > 1, ["weight", "kernel"].contains(last) { parts.removeLast() }
    return parts.joined(separator: ".")
  }
}
