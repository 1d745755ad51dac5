/// A Sobol sequence: points in the unit cube of which every run of 2ᵏ, from a multiple of 2ᵏ on, is spread evenly.
///
/// I. M. Sobol', "On the distribution of points in a cube and the approximate evaluation of integrals", 1967; the
/// construction is that of P. Bratley and B. L. Fox, "Algorithm 659", ACM TOMS 14 (1988):
///
///     vᵢ = mᵢ / 2ⁱ,  mᵢ = 2a₁mᵢ₋₁ ⊕ 2²a₂mᵢ₋₂ ⊕ … ⊕ 2ᵈmᵢ₋ₐ ⊕ mᵢ₋ₐ,  x(n) = ⊕ of the vᵢ whose bit i of n is set
///
/// with the coefficients a of a primitive polynomial of degree d over GF(2), a different one for each dimension. The
/// polynomials are found here, by degree and value, and left out where no numbers fit them. The odd numbers m₁…m_d below 2ᵈ are free; they are searched, in a
/// fixed pseudo-random order, so that
///
/// - Sobol's property A holds for the first `dimensions`: the first 2^dimensions points fall one into each of the
///   cubes that halving every side gives. It holds where the matrix of the first bits of the first direction numbers
///   is regular over GF(2);
/// - of the candidates that have it, the one is taken whose pairs with all earlier dimensions are the most even: the
///   quality parameter t of their first 2⁸ points, summed, is least. That is the criterion of S. Joe and F. Y. Kuo,
///   "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), for one
///   size of nets.
///
/// A seed shifts all points by one random vector, digit by digit, which keeps all of this.
struct SobolSequence: Sendable {
  /// The most dimensions: property A needs as many bits.
  static let mostDimensions = bits
  private static let bits = 32
  /// Points of the nets whose evenness is looked at.
  private static let netBits = 8
  private static let candidates = 16

  /// Direction numbers of each dimension, the first bit highest.
  let directions: [[UInt32]]
  private let shift: [UInt32]

  /// A sequence; seed 0 does not shift.
  init(dimensions: Int, seed: UInt64 = 0) {
    precondition(dimensions <= Self.mostDimensions, "\(dimensions) dimensions")
    var directions: [[UInt32]] = []
    var polynomials = PrimitivePolynomials()
    var random = SplitMix64(state: 0x50B0_15EC)
    if dimensions > 0 { directions.append((0..<Self.bits).map { 1 << (31 - $0) }) }
    var nets = directions.map(Self.netRows)
    while directions.count < dimensions {
      // Some polynomials have no numbers with property A after those that were taken; the next one does.
      let polynomial = polynomials.next()
      var best: (numbers: [UInt32], net: [UInt64], quality: Int)?
      for _ in 0..<Self.candidates {
        let numbers = Self.expanded(polynomial, &random)
        guard Self.isRegular(directions + [numbers]) else { continue }
        let net = Self.netRows(numbers)
        let quality = nets.reduce(0) { $0 + Self.quality($1, net) }
        if best.map({ quality < $0.quality }) ?? true { best = (numbers, net, quality) }
      }
      if let best {
        directions.append(best.numbers)
        nets.append(best.net)
      }
    }
    self.directions = directions
    var shifts = SplitMix64(state: seed)
    shift = directions.map { _ in seed == 0 ? 0 : UInt32(truncatingIfNeeded: shifts.next()) }
  }

  /// The coordinates of a point, each at least 0 and less than 1.
  func point(_ index: Int) -> [Double] {
    directions.indices.map { Double(bits(index, $0) ^ shift[$0]) / 4_294_967_296 }
  }

  private func bits(_ index: Int, _ dimension: Int) -> UInt32 {
    var (rest, bits, position) = (index, UInt32(0), 0)
    while rest > 0 {
      if rest & 1 == 1 { bits ^= directions[dimension][position] }
      rest >>= 1
      position += 1
    }
    return bits
  }

  /// Direction numbers of a polynomial with random odd beginnings.
  private static func expanded(_ polynomial: PrimitivePolynomials.Polynomial, _ random: inout SplitMix64) -> [UInt32] {
    let degree = polynomial.degree
    var m = (1...degree).map { i in UInt64(random.next() >> 33) % (1 << UInt64(i - 1)) * 2 + 1 }
    for i in degree..<bits {
      var next = m[i - degree] ^ (m[i - degree] << UInt64(degree))
      for k in 1..<max(1, degree) where polynomial.coefficients >> UInt64(degree - k) & 1 == 1 {
        next ^= m[i - k] << UInt64(k)
      }
      m.append(next)
    }
    return m.enumerated().map { UInt32(truncatingIfNeeded: $0.element << UInt64(31 - $0.offset)) }
  }

  /// Whether the first bits of the first direction numbers make a regular matrix.
  private static func isRegular(_ directions: [[UInt32]]) -> Bool {
    // Row j holds the first bit of the numbers of dimension j.
    let rows = directions.map { numbers in
      numbers.prefix(directions.count).enumerated().reduce(UInt64(0)) {
        $0 | UInt64($1.element >> 31) << UInt64($1.offset)
      }
    }
    return rank(rows) == rows.count
  }

  /// Row i holds bit i of the first direction numbers.
  private static func netRows(_ numbers: [UInt32]) -> [UInt64] {
    (0..<netBits).map { bit in
      (0..<netBits).reduce(UInt64(0)) { $0 | UInt64(numbers[$1] >> UInt32(31 - bit) & 1) << UInt64($1) }
    }
  }

  /// The least t for which the first 2ᵐ points of two dimensions are a (t, m, 2)-net: with m − t bits divided between
  /// them in any way, every box has its share.
  private static func quality(_ a: [UInt64], _ b: [UInt64]) -> Int {
    for t in 0..<netBits {
      let bits = netBits - t
      if (0...bits).allSatisfy({ rank(a[..<$0] + b[..<(bits - $0)]) == bits }) { return t }
    }
    return netBits
  }

  /// The rank over GF(2).
  private static func rank(_ rows: some Sequence<UInt64>) -> Int {
    var basis: [UInt64] = []
    for row in rows {
      // A vector's leading bit is in no later one of the basis.
      let rest = basis.reduce(row) { min($0, $0 ^ $1) }
      if rest != 0 { basis.append(rest) }
    }
    return basis.count
  }
}

/// Primitive polynomials over GF(2), by degree and then by value.
struct PrimitivePolynomials {
  struct Polynomial {
    var degree: Int
    /// Bit i is the coefficient of xⁱ.
    var coefficients: UInt64
  }

  private var last: UInt64 = 1

  /// The next one.
  mutating func next() -> Polynomial {
    repeat { last += 2 } while !Self.isPrimitive(last)
    return Polynomial(degree: 63 - last.leadingZeroBitCount, coefficients: last)
  }

  /// Whether x generates all 2ᵈ − 1 residues other than zero.
  private static func isPrimitive(_ polynomial: UInt64) -> Bool {
    let degree = UInt64(63 - polynomial.leadingZeroBitCount)
    var (power, order) = (UInt64(1), 0)
    repeat {
      power <<= 1
      if power >> degree & 1 == 1 { power ^= polynomial }
      order += 1
    } while power != 1 && order < 1 << degree
    return order == (1 << degree) - 1
  }
}

/// Random numbers from a state (Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix64: Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// At least 0 and less than 1.
  mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
