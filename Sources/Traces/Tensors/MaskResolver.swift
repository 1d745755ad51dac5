public import Diagnostics
public import Workloads

/// Reads the masks that rules and traces name, each file once.
public struct MaskResolver {
  /// Where relative paths begin; empty for the working folder.
  private let folder: String
  private var files: [String: [Tensor]] = [:]

  /// Has read none yet.
  /// - Parameter folder: where relative paths begin, with a slash at its end; the working folder if empty.
  public init(folder: String = "") { self.folder = folder }

  /// The rules with the zeros of their masks.
  /// - Throws: what is wrong with the files.
  public mutating func resolve(_ rules: [SparsityRule]) throws(DiagnosticList) -> [SparsityRule] {
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
  /// - Throws: what is wrong with the files, and masks that do not fit their operators.
  public mutating func resolve(_ workload: Workload) throws(DiagnosticList) -> Workload {
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
    let path = mask.file.hasPrefix("/") ? mask.file : folder + mask.file
    if let known = files[path] { tensors = known } else { tensors = try TensorReader.read(path) }
    files[path] = tensors
    return try tensors.named(mask.tensor, in: path)
  }

  private static func pattern(_ tensor: Tensor, _ mask: MaskReference) throws(DiagnosticList) -> SparsityPattern {
    let zeros = try tensor.zeros()
    return zeros.density == 1 ? .dense : .mask(MaskReference(file: mask.file, tensor: mask.tensor, zeros: zeros))
  }
}
