import Foundation
import SeededRandom
import Testing

@testable import Traces

@Suite("Mixed sections of small containers")
struct ContextMixingTests {
  private static func random(_ count: Int, below limit: UInt8, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0..<limit, using: &generator) }
  }

  @Test(arguments: [0, 1, 2, 3, 100, 4096, ContextMixing.mostBytes], [UInt8(2), 20, 255])
  func `what was coded comes back`(count: Int, limit: UInt8) throws {
    let bytes = Self.random(count, below: limit, seed: UInt64(count))
    let coded = ContextMixing.encoded(bytes)
    #expect(ContextMixing.decoded(coded[...], count: count) == bytes)
    // What random bytes hold, and at most an eighth and a few bytes more for what the model tries in vain.
    let held = Double(count) * log2(Double(limit)) / 8
    #expect(Double(coded.count) <= 1.125 * held + 16)
  }

  @Test func `what recurs costs next to nothing`() {
    let once = ContextMixing.encoded(Self.random(500, below: 255, seed: 7)).count
    let bytes = Self.random(500, below: 255, seed: 7)
    #expect(ContextMixing.encoded(bytes + bytes + bytes + bytes).count < once + once / 4)
  }

  @Test func `texts of the primer cost next to nothing`() {
    let text = Array("layers.1.self_attn.q_proj aten::transpose scaled_dot_product_attention".utf8)
    #expect(ContextMixing.encoded(text).count < text.count / 3)
  }

  @Test func `coded bytes that are cut, or that go on, are refused`() {
    let bytes = Self.random(200, below: 255, seed: 3)
    let coded = ContextMixing.encoded(bytes)
    #expect(ContextMixing.decoded(coded.dropLast(8), count: 200) != bytes)
    #expect(ContextMixing.decoded([], count: 200) == nil)
    #expect(ContextMixing.decoded((coded + Array(repeating: 9, count: 8))[...], count: 200) == nil)
    #expect(ContextMixing.decoded(coded[...], count: ContextMixing.mostBytes + 1) == nil)
  }

  /// The example of `Traces/ltrace.md`, so that the model is what the page says on every machine.
  @Test func `the example of the specification`() {
    let hex = ContextMixing.encoded(Array("aten::transpose".utf8)).map { String($0, radix: 16, uppercase: true) }
    #expect(hex.joined(separator: " ") == "FC 1C 2F")
  }
}
