import Testing

@testable import Exploration

@Suite struct SobolTests {
  private static let full = SobolSequence(dimensions: SobolSequence.mostDimensions)

  @Test(arguments: [0, 1, 2, 5, 17, 31], [1, 4, 9])
  func `each coordinate of the first 2ᵏ points takes every multiple of 2⁻ᵏ once`(_ dimension: Int, _ k: Int) {
    let places = (0..<1 << k).map { Int(Self.full.point($0)[dimension] * Double(1 << k)) }
    #expect(Set(places).count == 1 << k)
    // And so do the 2ᵏ points from any multiple of 2ᵏ on.
    let later = (3 << k..<4 << k).map { Int(Self.full.point($0)[dimension] * Double(1 << k)) }
    #expect(Set(later).count == 1 << k)
  }

  @Test(arguments: 1...12)
  func `property A: halving every side gives cubes with one point each`(_ dimensions: Int) {
    let sequence = SobolSequence(dimensions: dimensions)
    let cubes = (0..<1 << dimensions).map { index in
      sequence.point(index).reduce(0) { $0 * 2 + ($1 >= 0.5 ? 1 : 0) }
    }
    #expect(Set(cubes).count == 1 << dimensions)
  }

  @Test func `the first two dimensions make nets without a fault`() {
    let (m, points) = (8, (0..<256).map { Self.full.point($0) })
    for share in 0...m {
      let boxes = points.map { point in
        Int(point[0] * Double(1 << share)) << (m - share) + Int(point[1] * Double(1 << (m - share)))
      }
      #expect(Set(boxes).count == 256, "boxes of 2^-\(share) by 2^-\(m - share)")
    }
  }

  @Test func `a seed shifts the points and keeps their evenness`() {
    let shifted = SobolSequence(dimensions: 6, seed: 42)
    #expect(shifted.point(0) != SobolSequence(dimensions: 6).point(0))
    let cubes = (0..<64).map { shifted.point($0).reduce(0) { $0 * 2 + ($1 >= 0.5 ? 1 : 0) } }
    #expect(Set(cubes).count == 64)
  }

  @Test func `an integral converges faster than with random points`() {
    // ∫ Π (1 + (xᵢ − 1/2)/i) = 1.
    func error(_ points: [[Double]]) -> Double {
      let sum = points.reduce(0.0) { total, point in
        total + point.enumerated().reduce(1.0) { $0 * (1 + ($1.element - 0.5) / Double($1.offset + 1)) }
      }
      return (sum / Double(points.count) - 1).magnitude
    }
    let sequence = SobolSequence(dimensions: 8, seed: 3)
    var random = SplitMix64(state: 3)
    let even = error((0..<4096).map(sequence.point))
    let rough = error((0..<4096).map { _ in (0..<8).map { _ in random.unit() } })
    #expect(even < 1e-3)
    #expect(even < rough)
  }

  @Test func `polynomials are the primitive ones, by degree`() {
    // Their number of degree d is φ(2ᵈ − 1)/d: 1, 1, 2, 2, 6, 6, 18.
    var polynomials = PrimitivePolynomials()
    let found = (0..<36).map { _ in polynomials.next() }
    let counts = (1...7).map { degree in found.count { $0.degree == degree } }
    #expect(counts == [1, 1, 2, 2, 6, 6, 18])
    // x + 1, x² + x + 1, x³ + x + 1, x³ + x² + 1.
    #expect(found.prefix(4).map(\.coefficients) == [0b11, 0b111, 0b1011, 0b1101])
  }
}
