import Diagnostics
import Documents
import Workloads

/// Reads a StableHLO program in MLIR's text form: `main`, with the functions it calls put in their place.
///
/// - `dot_general`, `dot` and `convolution` are exact. Which operand holds weights is not written down: it is the one that
///   is an argument or a constant, moved but not computed; the right one if both are and no dimension is a batch.
/// - Functions of each element, reductions, windows, gathers and what moves data are vector operators. Reshapes and
///   broadcasts are read where they are used and move nothing.
/// - Left out, and said: `while` and other control flow, since nothing says how often it runs; transposed and
///   three-dimensional convolutions; collectives, sorts, custom calls.
struct StableHLOImporter {
  /// Inlining ends here: a short program can call itself together to any size.
  private static let mostStatements = 1 << 20
  private static let mostCalls = 64

  /// What is known of a value.
  private struct Value {
    var producers: [Int] = []
    /// An argument of the program, moved but not computed.
    var isArgument = false
    /// Known before the program runs.
    var isConstant = false
  }

  private let module: StableHLOModule
  private let source: SourceText
  private let sink: DiagnosticSink
  private var operators: [Operator] = []
  private var skipped: [Workload.Skipped] = []
  private var statements = 0

  /// Reads a program. What cannot be read goes to the sink or to what was skipped.
  static func read(_ source: SourceText, sink: DiagnosticSink) throws(DiagnosticList) -> Workload {
    try source.checkEncoding()
    let module = try StableHLOModule(source)
    var importer = StableHLOImporter(module: module, source: source, sink: sink)
    if let main = module.functions.first(where: { $0.name == "main" }) ?? module.functions.first {
      var values = Dictionary(main.parameters.map { ($0, Value(isArgument: true)) }) { first, _ in first }
      _ = try importer.run(main, &values, path: "", depth: 0)
    }
    return Workload(
      name: TraceReader.stem(source.name), source: "StableHLO program \(source.name)", operators: importer.operators,
      skipped: importer.skipped)
  }

  private init(module: StableHLOModule, source: SourceText, sink: DiagnosticSink) {
    self.module = module
    self.source = source
    self.sink = sink
  }

  private struct Unreadable: Error {
    var reason: String
    /// Whether multiply-accumulates are lost.
    var isMatrix = false
  }

  // MARK: Functions

  /// Runs through a function, and returns what it returns.
  private mutating func run(
    _ function: StableHLOModule.Function, _ values: inout [String: Value], path: String, depth: Int
  ) throws(DiagnosticList) -> Value {
    for statement in function.statements {
      statements += 1
      guard statements <= Self.mostStatements, depth <= Self.mostCalls else {
        throw DiagnosticList(
          Diagnostic(
            .tooLarge,
            "the calls of the program nest more than \(Self.mostCalls) deep, or into more than \(Self.mostStatements) "
              + "operations", at: source.location(of: statement.offset..<statement.offset + 1)))
      }
      let operands = statement.operands.map { values[$0] ?? Value() }
      if statement.operation == "return" || statement.operation == "func.return"
        || statement.operation == "stablehlo.return"
      {
        return Self.joined(operands)
      }
      values[statement.result] = try step(statement, operands, path: path, depth: depth)
      try TraceReader.stopIfHopeless(sink)
    }
    return Value()
  }

  private static func joined(_ operands: [Value]) -> Value {
    Value(
      producers: Set(operands.flatMap(\.producers)).sorted(), isArgument: false,
      isConstant: operands.allSatisfy(\.isConstant))
  }

  private mutating func step(
    _ statement: StableHLOModule.Statement, _ operands: [Value], path: String, depth: Int
  ) throws(DiagnosticList) -> Value {
    let name = statement.operation.split(separator: ".").last.map(String.init) ?? statement.operation
    if name == "call" {
      guard let callee = statement.body.split(separator: "@").dropFirst().first?.prefix(while: { $0 != "(" }),
        let function = module.functions.first(where: { $0.name == callee })
      else {
        skip("call", Unreadable(reason: "calls a function that is not in the program", isMatrix: true), statement)
        return Self.joined(operands)
      }
      var values = Dictionary(zip(function.parameters, operands)) { first, _ in first }
      return try run(function, &values, path: path + function.name + ".", depth: depth + 1)
    }
    let all = Self.joined(operands)
    if ["constant", "iota"].contains(name) { return Value(isConstant: true) }
    if Self.free.contains(name) {
      skip(name, Unreadable(reason: "moves no data"), nil)
      return Value(
        producers: all.producers, isArgument: operands.first?.isArgument ?? false, isConstant: all.isConstant)
    }
    if ["cond", "reducer", "do"].contains(name) { return checkRegion(name, statement) }
    if !operands.isEmpty, all.isConstant {
      skip(name, Unreadable(reason: "is known before the program runs"), nil)
      return all
    }
    do throws(Unreadable) {
      let kind = try kind(name, statement, operands)
      let input = statement.inputTypes.first ?? statement.outputTypes.first
      guard let input, let type = Self.dataType(input.element),
        let output = statement.outputTypes.first.map({ Self.dataType($0.element) ?? type })
      else { throw Unreadable(reason: "its type is not known", isMatrix: kind.isMatrix) }
      let op = Operator(
        name: "\(path)\(name).\(statement.result)", kind: kind, dataType: type, outputType: output,
        dependencies: all.producers)
      let problems = op.shapeProblems()
      guard problems.isEmpty else {
        for problem in problems {
          sink.report(
            Diagnostic(
              problem.code, problem.message, at: source.location(of: statement.offset..<statement.offset + 1),
              help: problem.help))
        }
        return all
      }
      operators.append(op)
      // A transposed or widened argument is the same parameter.
      let isMoved = ["transpose", "convert", "slice"].contains(name) && operands.first?.isArgument == true
      return Value(producers: [operators.count - 1], isArgument: isMoved)
    } catch {
      skip(name, error, statement)
      return all
    }
  }

  /// A region of control flow is left out; matrix work in it is worth a warning.
  private mutating func checkRegion(_ name: String, _ statement: StableHLOModule.Statement) -> Value {
    guard name != "reducer" else { return Value() }
    let isMatrix = statement.body.contains("dot_general") || statement.body.contains("convolution")
    skip("while", Unreadable(reason: "runs nobody knows how often", isMatrix: isMatrix), statement)
    return Value()
  }

  private mutating func skip(_ name: String, _ problem: Unreadable, _ statement: StableHLOModule.Statement?) {
    let position = skipped.firstIndex { $0.reason == problem.reason } ?? skipped.count
    if position == skipped.count {
      skipped.append(Workload.Skipped(reason: problem.reason, count: 0, examples: []))
    }
    skipped[position].count += 1
    if skipped[position].examples.count < 8, !skipped[position].examples.contains(name) {
      skipped[position].examples.append(name)
    }
    guard problem.isMatrix, let statement, sink.diagnostics.count < 1000 else { return }
    sink.report(
      Diagnostic(
        .unsupportedOperator, "'\(name)' \(problem.reason): its multiply-accumulates are missing",
        at: source.location(of: statement.offset..<statement.offset + 1), severity: .warning))
  }

  // MARK: Operations

  /// What is read where it is used.
  private static let free: Set<String> = [
    "reshape", "broadcast_in_dim", "broadcast", "dynamic_broadcast_in_dim", "bitcast_convert", "optimization_barrier",
    "get_tuple_element", "tuple", "create_token", "after_all", "get_dimension_size",
  ]

  private static let elementwise: [String: Elementwise.Function] = [
    "add": .add, "subtract": .add, "multiply": .multiply, "divide": .multiply, "remainder": .multiply,
    "negate": .multiply, "abs": .relu, "sign": .relu, "maximum": .relu, "minimum": .relu, "clamp": .relu,
    "compare": .relu, "and": .relu, "or": .relu, "xor": .relu, "not": .relu, "floor": .relu, "ceil": .relu,
    "round_nearest_even": .relu, "round_nearest_afz": .relu, "is_finite": .relu, "shift_left": .relu,
    "shift_right_logical": .relu, "shift_right_arithmetic": .relu, "popcnt": .relu,
    "exponential": .exp, "exponential_minus_one": .exp, "log": .exp, "log_plus_one": .exp, "sine": .exp,
    "cosine": .exp, "tan": .exp, "atan2": .exp, "power": .sqrt, "sqrt": .sqrt, "rsqrt": .sqrt, "cbrt": .sqrt,
    "tanh": .tanh, "logistic": .sigmoid, "erf": .gelu, "erfc": .gelu, "erf_inv": .gelu,
    "select": .copy, "concatenate": .copy, "slice": .copy, "dynamic_slice": .copy, "pad": .copy, "reverse": .copy,
    "copy": .copy, "transpose": .transpose, "convert": .cast, "reduce_precision": .cast,
  ]

  private static func dataType(_ element: String) -> DataType? {
    switch element {
    case "f64": .fp64
    case "f32": .fp32
    case "f16": .fp16
    case "bf16": .bf16
    case "i64", "ui64", "si64": .int64
    case "i32", "ui32", "si32": .int32
    case "i16", "ui16", "si16": .int16
    case "i8", "ui8", "si8", "i1": .int8
    case "i4", "ui4", "si4", "i2", "ui2": .int4
    default: element.hasPrefix("f8") ? .fp8 : nil
    }
  }

  private static func elements(_ type: StableHLOModule.TensorType?) -> Int? {
    type?.shape.map { saturating($0) }.flatMap { $0 > 0 ? $0 : nil }
  }

  private func kind(
    _ name: String, _ statement: StableHLOModule.Statement, _ operands: [Value]
  ) throws(Unreadable) -> OperatorKind {
    let unknown = Unreadable(reason: "its shape is not known")
    switch name {
    case "dot_general", "dot": return try product(name, statement, operands)
    case "convolution": return try convolution(statement)
    case "reduce":
      guard let all = Self.elements(statement.inputTypes.first),
        let outputs = Self.elements(statement.outputTypes.first)
      else { throw unknown }
      return .reduction(Reduction(outputs: outputs, width: max(1, all / outputs)))
    case "reduce_window": return try pooling(statement)
    case "gather":
      guard let table = Self.elements(statement.inputTypes.first),
        let result = Self.elements(statement.outputTypes.first)
      else { throw unknown }
      let width = saturating(statement.integers("slice_sizes") ?? [1])
      guard width > 0, result % width == 0 else { throw unknown }
      return .embedding(Embedding(rows: result / width, width: width, vocabulary: max(1, table / width)))
    case "scatter", "dynamic_update_slice":
      // What is written is as large as the update, the last operand's tensor or the second one.
      let update = name == "scatter" ? statement.inputTypes.last : statement.inputTypes.dropFirst().first
      guard let elements = Self.elements(update) else { throw unknown }
      return .elementwise(Elementwise(name == "scatter" ? .add : .copy, elements: elements))
    default: break
    }
    guard let function = Self.elementwise[name] else {
      throw Unreadable(
        reason: "is an operation that is not read", isMatrix: ["triangular_solve", "cholesky"].contains(name))
    }
    guard let elements = Self.elements(statement.outputTypes.first) else { throw unknown }
    // Constants that are broadcast do not count as operands.
    let inputs = operands.count { !$0.isConstant }
    let isMove = [.copy, .transpose, .cast].contains(function) && name != "select"
    return .elementwise(Elementwise(function, elements: elements, inputs: isMove ? 1 : max(1, inputs)))
  }

  private func product(
    _ name: String, _ statement: StableHLOModule.Statement, _ operands: [Value]
  ) throws(Unreadable) -> OperatorKind {
    let unknown = Unreadable(reason: "its shape is not known", isMatrix: true)
    guard statement.inputTypes.count == 2, let left = statement.inputTypes[0].shape,
      let right = statement.inputTypes[1].shape, let output = Self.elements(statement.outputTypes.first)
    else { throw unknown }
    var contracting = ([max(0, left.count - 1)], [0])
    var batching: ([Int], [Int]) = ([], [])
    if name == "dot_general" {
      contracting =
        statement.pair("contracting_dims")
        ?? (
          statement.integers("lhs_contracting_dimensions") ?? [], statement.integers("rhs_contracting_dimensions") ?? []
        )
      batching =
        statement.pair("batching_dims")
        ?? (statement.integers("lhs_batching_dimensions") ?? [], statement.integers("rhs_batching_dimensions") ?? [])
    }
    func sizes(_ shape: [Int], _ dimensions: [Int]) -> [Int]? {
      dimensions.allSatisfy(shape.indices.contains) ? dimensions.map { shape[$0] } : nil
    }
    func free(_ shape: [Int], _ taken: [Int]) -> Int {
      saturating(shape.indices.filter { !taken.contains($0) }.map { shape[$0] })
    }
    guard let reduction = sizes(left, contracting.0), reduction == sizes(right, contracting.1),
      let batch = sizes(left, batching.0), batch == sizes(right, batching.1)
    else { throw unknown }
    let rows = free(left, contracting.0 + batching.0)
    let columns = free(right, contracting.1 + batching.1)
    guard saturating(saturating(batch), rows, columns) == output else {
      throw Unreadable(reason: "its result has another size than its operands make", isMatrix: true)
    }
    let isParameter = operands.map { $0.isArgument || $0.isConstant }
    let (isLeft, isRight) = (isParameter.first ?? false, isParameter.dropFirst().first ?? false)
    let hasWeights = isLeft != isRight || (isLeft && isRight && batch.isEmpty)
    let (m, n) = isLeft && !isRight ? (rows, columns) : (columns, rows)
    return .gemm(GEMM(m: m, n: n, k: saturating(reduction), batch: saturating(batch), hasWeights: hasWeights))
  }

  private func convolution(_ statement: StableHLOModule.Statement) throws(Unreadable) -> OperatorKind {
    guard let dimensions = statement.convolutionDimensions, statement.inputTypes.count == 2,
      let input = statement.inputTypes[0].shape, let kernel = statement.inputTypes[1].shape,
      let output = statement.outputTypes.first?.shape, dimensions.input.count == input.count,
      dimensions.kernel.count == kernel.count, dimensions.output.count == output.count
    else { throw Unreadable(reason: "its shape is not known", isMatrix: true) }
    let axes = dimensions.input.filter { Int($0) != nil }.sorted()
    guard (1...2).contains(axes.count) else {
      throw Unreadable(reason: "is a convolution over \(axes.count) axes; one or two are read", isMatrix: true)
    }
    func size(_ shape: [Int], _ names: [String], _ name: String) -> Int? {
      names.firstIndex(of: name).map { shape[$0] }
    }
    func extent(_ shape: [Int], _ names: [String]) -> Extent? {
      let sizes = axes.compactMap { size(shape, names, $0) }
      guard sizes.count == axes.count, sizes.allSatisfy({ (1...1 << 31).contains($0) }) else { return nil }
      return sizes.count == 2 ? Extent(sizes[0], sizes[1]) : Extent(1, sizes[0])
    }
    func pair(_ values: [Int]?) -> Extent? {
      guard var values else { return Extent(1, 1) }
      if values.count == 1, axes.count == 2 { values.append(values[0]) }
      guard values.count == axes.count, values.allSatisfy({ (1...1 << 20).contains($0) }) else { return nil }
      return values.count == 2 ? Extent(values[0], values[1]) : Extent(1, values[0])
    }
    guard pair(statement.integers("lhs_dilate", "lhs_dilation")) == Extent(1, 1) else {
      throw Unreadable(reason: "is a transposed convolution, which is not read", isMatrix: true)
    }
    guard statement.integers("batch_group_count") ?? [1] == [1] else {
      throw Unreadable(reason: "is a convolution over groups of the batch, which is not read", isMatrix: true)
    }
    var pads = statement.integers("pad", "padding") ?? Array(repeating: 0, count: 2 * axes.count)
    if pads.count == 1 { pads = Array(repeating: pads[0], count: 2 * axes.count) }
    guard pads.count == 2 * axes.count, pads.allSatisfy({ (0...1 << 20).contains($0) }) else {
      throw Unreadable(reason: "is a convolution whose padding takes away, which is not read", isMatrix: true)
    }
    if axes.count == 1 { pads = [0, 0] + pads }
    guard let batch = size(input, dimensions.input, "b"), let channels = size(input, dimensions.input, "f"),
      let filters = size(kernel, dimensions.kernel, "o"), let area = extent(input, dimensions.input),
      let taps = extent(kernel, dimensions.kernel), let result = extent(output, dimensions.output),
      let stride = pair(statement.integers("stride", "window_strides")),
      let dilation = pair(statement.integers("rhs_dilate", "rhs_dilation")),
      let groups = (statement.integers("feature_group_count") ?? [1]).first, groups > 0,
      size(kernel, dimensions.kernel, "i").map({ saturating($0, groups) }) == channels
    else { throw Unreadable(reason: "its shape is not known", isMatrix: true) }
    let layer = Convolution(
      batch: batch, inputChannels: channels, outputChannels: filters, input: area, kernel: taps, stride: stride,
      padding: Padding(top: pads[0], bottom: pads[1], left: pads[2], right: pads[3]), dilation: dilation,
      groups: groups)
    guard layer.output == result else {
      throw Unreadable(reason: "its result has another size than its operands make", isMatrix: true)
    }
    return .convolution(layer)
  }

  private func pooling(_ statement: StableHLOModule.Statement) throws(Unreadable) -> OperatorKind {
    guard let input = statement.inputTypes.first?.shape, let output = statement.outputTypes.first?.shape,
      let window = statement.integers("window_dimensions"), window.count == input.count, output.count == input.count,
      (input + output + window).allSatisfy({ (1...1 << 31).contains($0) })
    else { throw Unreadable(reason: "its shape is not known") }
    let axes = window.indices.filter { window[$0] > 1 || input[$0] != output[$0] }
    guard axes.count <= 2 else { throw Unreadable(reason: "is a window over \(axes.count) axes; up to two are read") }
    func extent(_ shape: [Int]) -> Extent {
      let sizes = Array(repeating: 1, count: 2 - axes.count) + axes.map { shape[$0] }
      return Extent(sizes[0], sizes[1])
    }
    let planes = saturating(input.indices.filter { !axes.contains($0) }.map { input[$0] })
    return .pooling(
      Pooling(batch: 1, channels: planes, input: extent(input), output: extent(output), kernel: extent(window)))
  }
}
