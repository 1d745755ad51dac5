import Workloads

/// All of an operator that operators tend to share: everything but its name, dependencies, measurements, attributes
/// and the numbers within its patterns.
struct OperatorSignature: Hashable {
  var kind: OperatorKind
  var phase: Phase
  var dataType: DataType
  var outputType: DataType
  var weightType: DataType?
  /// With zeros for fractions: those have a column of their own.
  var sparsity: OperandSparsity
  var repeats: Int
  var hasStart: Bool
  var hasDuration: Bool

  /// The signature of an operator, whose fractions are appended to `fractions`.
  init(_ op: Operator, fractions: inout [Double]) {
    kind = op.kind
    phase = op.phase
    dataType = op.dataType
    outputType = op.outputType
    weightType = op.weightType
    sparsity = op.sparsity
    repeats = op.repeats
    hasStart = op.measured?.start != nil
    hasDuration = op.measured?.duration != nil
    if sparsity != .dense {
      for operand in OperandSparsity.Operand.allCases {
        guard let fraction = sparsity[operand].fraction else { continue }
        fractions.append(fraction)
        sparsity[operand].fraction = 0
      }
    }
  }

  init(
    kind: OperatorKind, phase: Phase, dataType: DataType, outputType: DataType, weightType: DataType?,
    sparsity: OperandSparsity, repeats: Int, hasStart: Bool, hasDuration: Bool
  ) {
    self.kind = kind
    self.phase = phase
    self.dataType = dataType
    self.outputType = outputType
    self.weightType = weightType
    self.sparsity = sparsity
    self.repeats = repeats
    self.hasStart = hasStart
    self.hasDuration = hasDuration
  }

  /// Whether it is the signature of a dense operator that was not measured and has none of the rarer fields.
  func matches(_ op: Operator) -> Bool {
    kind == op.kind && phase == op.phase && dataType == op.dataType && outputType == op.outputType
      && weightType == op.weightType
      && repeats == op.repeats && hasStart == (op.measured?.start != nil)
      && hasDuration == (op.measured?.duration != nil) && sparsity == op.sparsity
  }

  /// How many fractions its patterns have.
  var fractions: Int {
    sparsity == .dense ? 0 : OperandSparsity.Operand.allCases.count { sparsity[$0].fraction != nil }
  }

  /// An operator with it and without a name.
  var blank: Operator {
    Operator(
      name: "", kind: kind, phase: phase, dataType: dataType, outputType: outputType, weightType: weightType,
      sparsity: sparsity, repeats: repeats)
  }
}

extension SparsityPattern {
  /// The fraction within the pattern, where it has one.
  var fraction: Double? {
    get {
      switch self {
      case .unstructured(let zeros), .block(_, _, let zeros): zeros
      case .tile(_, _, let fraction, _, _): fraction
      case .dense, .structured, .vectorStructured, .bank, .wrapped, .fanIn, .mask: nil
      }
    }
    set {
      guard let newValue else { return }
      switch self {
      case .unstructured: self = .unstructured(zeros: newValue)
      case .block(let rows, let columns, _): self = .block(rows: rows, columns: columns, zeros: newValue)
      case .tile(let rows, let columns, _, let n, let m):
        self = .tile(rows: rows, columns: columns, fraction: newValue, n: n, m: m)
      case .dense, .structured, .vectorStructured, .bank, .wrapped, .fanIn, .mask: break
      }
    }
  }
}

extension Duration {
  /// Whole nanoseconds; what a trace can hold.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
  }
}

// MARK: - As numbers

/// A signature as numbers.
///
/// `fixed` are the fields that every operator of the kind has, in the order below; `variable` are the parameters of
/// patterns, the columns of grouped products and the features of values that differ from those of keys, whose number the
/// fixed fields tell. Both are part of the format.
struct SignatureNumbers {
  var fixed: [UInt64] = []
  var variable: [UInt64] = []

  /// Fields that every signature has, before those of its kind.
  static let common = 9
  /// Fields of each kind, in the order of ``OperatorKind/names``.
  static let perKind = [5, 3, 16, 8, 3, 3, 2, 2, 8, 3, 2, 3]

  /// Visits the fixed fields of signatures of the given kinds in the order they are stored in, so that equal numbers come
  /// to stand together: each common field of all signatures, then for each kind each field of all that are of it.
  static func forEachField(of kinds: [Int], _ body: (_ signature: Int, _ field: Int) -> Void) {
    for field in 0..<common { for signature in kinds.indices { body(signature, field) } }
    for kind in perKind.indices {
      let members = kinds.indices.filter { kinds[$0] == kind }
      for field in common..<common + perKind[kind] { for signature in members { body(signature, field) } }
    }
  }

  init(_ signature: OperatorSignature, texts: inout ByteTable) {
    func add(_ values: [Int]) { fixed += values.map { UInt64(bitPattern: Int64($0)) } }
    add([
      Self.place(signature.phase), Self.place(signature.dataType),
      signature.outputType == signature.dataType ? 0 : 1 + Self.place(signature.outputType),
      (signature.hasStart ? 1 : 0) + (signature.hasDuration ? 2 : 0), signature.repeats,
    ])
    for operand in OperandSparsity.Operand.allCases {
      let (form, parameters) = Self.numbers(signature.sparsity[operand], &texts)
      fixed.append(form)
      variable += parameters
    }
    add([signature.weightType.map { 1 + Self.place($0) } ?? 0])
    switch signature.kind {
    case .gemm(let g): add([g.m, g.n, g.k, g.batch, g.hasWeights ? 1 : 0])
    case .groupedGEMM(let g):
      add([g.m, g.k, g.columns.count])
      variable += g.columns.map { UInt64(bitPattern: Int64($0)) }
    case .convolution(let c):
      add([
        c.batch, c.inputChannels, c.outputChannels, c.input.height, c.input.width, c.kernel.height, c.kernel.width,
        c.stride.height, c.stride.width, c.padding.top, c.padding.bottom, c.padding.left, c.padding.right,
        c.dilation.height, c.dilation.width, c.groups,
      ])
    case .attention(let a):
      add([
        a.batch, a.heads, a.keyValueHeads, a.queryLength, a.keyLength, a.headDimension,
        (a.isCausal ? 1 : 0) + (a.isLatent ? 2 : 0) + (a.valueDimension == a.headDimension ? 0 : 4),
        a.window.map { $0 + 1 } ?? 0,
      ])
      if a.valueDimension != a.headDimension { variable.append(UInt64(bitPattern: Int64(a.valueDimension))) }
    case .elementwise(let e): add([Self.place(e.function), e.elements, e.inputs])
    case .normalization(let n): add([Self.place(n.function), n.rows, n.width])
    case .softmax(let s): add([s.rows, s.width])
    case .reduction(let r): add([r.outputs, r.width])
    case .pooling(let p):
      add([
        p.batch, p.channels, p.input.height, p.input.width, p.output.height, p.output.width, p.kernel.height,
        p.kernel.width,
      ])
    case .embedding(let e): add([e.rows, e.width, e.vocabulary])
    case .update(let u): add([u.parameters, Self.place(u.optimizer)])
    case .pruning(let p): add([p.elements, p.n, p.m])
    }
  }

  static func place<T: CaseIterable & Equatable>(_ value: T) -> Int where T.AllCases == [T] {
    T.allCases.firstIndex(of: value) ?? 0
  }

  private static func numbers(_ pattern: SparsityPattern, _ texts: inout ByteTable) -> (UInt64, [UInt64]) {
    func all(_ values: Int...) -> [UInt64] { values.map { UInt64(bitPattern: Int64($0)) } }
    switch pattern {
    case .dense: return (0, [])
    case .structured(let n, let m): return (1, all(n, m))
    case .vectorStructured(let v, let n, let m): return (2, all(v, n, m))
    case .unstructured: return (3, [])
    case .block(let rows, let columns, _): return (4, all(rows, columns))
    case .bank(let size, let rate): return (5, all(size, rate))
    case .tile(let rows, let columns, _, let n, let m): return (6, all(rows, columns, n, m))
    case .fanIn(let kept): return (7, all(kept))
    case .wrapped(let block, let n, let m): return (9, all(block, n, m))
    case .mask(let mask):
      return (8, all(texts.insert(Array(mask.file.utf8)), texts.insert(Array(mask.tensor.utf8))))
    }
  }

}

extension OperatorSignature {
  /// Puts a signature together.
  /// - Parameters:
  ///   - kind: the place of its kind in ``OperatorKind/names``.
  ///   - numbers: its fixed fields.
  ///   - variable: gives the next variable field.
  ///   - text: gives a text of the block by its number.
  /// - Throws: the name of the field that no signature can have, and why.
  static func assemble(
    kind: Int, _ numbers: [UInt64], variable: () throws(FieldProblem) -> UInt64,
    text: (UInt64) throws(FieldProblem) -> String
  ) throws(FieldProblem) -> OperatorSignature {
    func size(_ index: Int) throws(FieldProblem) -> Int { try integer(numbers[index]) }
    func integer(_ value: UInt64) throws(FieldProblem) -> Int {
      let value = Int(Int64(bitPattern: value))
      guard abs(value) <= 1 << 60 else { throw FieldProblem(field: "a size", reason: "it is \(value)") }
      return value
    }
    func choice<T: CaseIterable>(_ index: Int, _ field: String) throws(FieldProblem) -> T where T.AllCases == [T] {
      guard numbers[index] < UInt64(T.allCases.count) else {
        throw FieldProblem(field: field, reason: "number \(numbers[index]) of \(T.allCases.count)")
      }
      return T.allCases[Int(numbers[index])]
    }
    func pattern(_ form: UInt64) throws(FieldProblem) -> SparsityPattern {
      func next() throws(FieldProblem) -> Int { try integer(try variable()) }
      let pattern: SparsityPattern
      switch form {
      case 0: return .dense
      case 1: pattern = .structured(n: try next(), m: try next())
      case 2: pattern = .vectorStructured(v: try next(), n: try next(), m: try next())
      case 3: pattern = .unstructured(zeros: 0)
      case 4: pattern = .block(rows: try next(), columns: try next(), zeros: 0)
      case 5: pattern = .bank(size: try next(), rate: try next())
      case 6:
        pattern = .tile(rows: try next(), columns: try next(), fraction: 0, n: try next(), m: try next())
      case 7: pattern = .fanIn(try next())
      case 8: return .mask(MaskReference(file: try text(try variable()), tensor: try text(try variable())))
      case 9: pattern = .wrapped(block: try next(), n: try next(), m: try next())
      default: throw FieldProblem(field: "a pattern", reason: "form \(form) is unknown")
      }
      do throws(SparsityPatternError) { _ = try SparsityPattern(parsing: pattern.description) } catch {
        throw FieldProblem(field: "a pattern", reason: error.message)
      }
      return pattern
    }
    let phase: Phase = try choice(0, "phase")
    let dataType: DataType = try choice(1, "dtype")
    let types = DataType.allCases
    for (place, field) in [(2, "out_dtype"), (8, "weight_dtype")] where numbers[place] > UInt64(types.count) {
      throw FieldProblem(field: field, reason: "number \(numbers[place]) of \(types.count + 1)")
    }
    guard numbers[3] < 4 else { throw FieldProblem(field: "what is measured", reason: "it is \(numbers[3])") }
    let sparsity = OperandSparsity(
      weights: try pattern(numbers[5]), activations: try pattern(numbers[6]), scores: try pattern(numbers[7]))
    let f = SignatureNumbers.common
    let body: OperatorKind
    switch kind {
    case 0:
      body = .gemm(
        GEMM(
          m: try size(f), n: try size(f + 1), k: try size(f + 2), batch: try size(f + 3),
          hasWeights: numbers[f + 4] != 0))
    case 1:
      var columns: [Int] = []
      for _ in 0..<(try size(f + 2)) { columns.append(try integer(try variable())) }
      body = .groupedGEMM(GroupedGEMM(m: try size(f), k: try size(f + 1), columns: columns))
    case 2:
      body = .convolution(
        Convolution(
          batch: try size(f), inputChannels: try size(f + 1), outputChannels: try size(f + 2),
          input: Extent(try size(f + 3), try size(f + 4)), kernel: Extent(try size(f + 5), try size(f + 6)),
          stride: Extent(try size(f + 7), try size(f + 8)),
          padding: Padding(
            top: try size(f + 9), bottom: try size(f + 10), left: try size(f + 11), right: try size(f + 12)),
          dilation: Extent(try size(f + 13), try size(f + 14)), groups: try size(f + 15)))
    case 3:
      let window = try size(f + 7)
      let flags = numbers[f + 6]
      guard flags < 8 else { throw FieldProblem(field: "causal", reason: "it is \(flags)") }
      body = .attention(
        Attention(
          batch: try size(f), heads: try size(f + 1), keyValueHeads: try size(f + 2), queryLength: try size(f + 3),
          keyLength: try size(f + 4), headDimension: try size(f + 5),
          valueDimension: flags & 4 == 0 ? nil : try integer(try variable()), isLatent: flags & 2 != 0,
          isCausal: flags & 1 != 0,
          window: window == 0 ? nil : window - 1))
    case 4:
      body = .elementwise(
        Elementwise(try choice(f, "function"), elements: try size(f + 1), inputs: try size(f + 2)))
    case 5:
      body = .normalization(
        Normalization(try choice(f, "function"), rows: try size(f + 1), width: try size(f + 2)))
    case 6: body = .softmax(Softmax(rows: try size(f), width: try size(f + 1)))
    case 7: body = .reduction(Reduction(outputs: try size(f), width: try size(f + 1)))
    case 8:
      body = .pooling(
        Pooling(
          batch: try size(f), channels: try size(f + 1), input: Extent(try size(f + 2), try size(f + 3)),
          output: Extent(try size(f + 4), try size(f + 5)), kernel: Extent(try size(f + 6), try size(f + 7))))
    case 9:
      body = .embedding(Embedding(rows: try size(f), width: try size(f + 1), vocabulary: try size(f + 2)))
    case 10:
      body = .update(WeightUpdate(parameters: try size(f), optimizer: try choice(f + 1, "optimizer")))
    default: body = .pruning(Pruning(elements: try size(f), n: try size(f + 1), m: try size(f + 2)))
    }
    let signature = OperatorSignature(
      kind: body, phase: phase, dataType: dataType,
      outputType: numbers[2] == 0 ? dataType : types[Int(numbers[2]) - 1],
      weightType: numbers[8] == 0 ? nil : types[Int(numbers[8]) - 1], sparsity: sparsity,
      repeats: try integer(numbers[4]), hasStart: numbers[3] & 1 != 0, hasDuration: numbers[3] & 2 != 0)
    if let problem = signature.blank.shapeProblems().first {
      throw FieldProblem(field: problem.key, reason: problem.message)
    }
    return signature
  }
}

/// Why a field of a signature cannot be.
struct FieldProblem: Error {
  var field: String
  var reason: String
}
