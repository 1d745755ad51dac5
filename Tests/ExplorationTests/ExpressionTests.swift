import Testing

@testable import Exploration

@Suite struct ExpressionTests {
  private static let names = ["rows", "pattern", "absent", "net.time"]
  private static let values: [Value?] = [.number(32), .text("2:4"), nil, .number(0.5)]

  @Test(arguments: [
    ("1 + 2 * 3", 7.0), ("(1 + 2) * 3", 9), ("-rows / 4 - 1", -9), ("2 ms", 0.002), ("1 MiB / 1 KiB", 1024),
    ("18.3 GB/s", 18.3e9), ("7 % 4", 3), ("max(1, rows, 3)", 32), ("min(4, 2)", 2), ("ceil(rows / 5)", 7),
    ("floor(rows / 5) + round(0.6) + abs(-1) + sqrt(16) + log2(8) + pow(2, 5)", 47), ("rows == 32", 1),
    ("rows != 32", 0), ("pattern == '2:4'", 1), ("pattern == \"dense\"", 0), ("rows > 16 and rows < 64", 1),
    ("rows < 16 or rows >= 32", 1), ("not rows == 32", 0), ("not (rows < 1 or rows > 64)", 1),
    ("if(pattern == '2:4', rows, 0)", 32), ("net.time * 2", 1), ("1e3 + 1e-3", 1000.001), ("true + true", 2),
    ("2 - 1 - 1", 0), ("8 / 2 / 2", 2), ("not not rows > 1", 1),
  ])
  func `an expression has the value of its formula`(_ text: String, _ value: Double) throws {
    let expression = try ExpressionParser.parse(text, names: Self.names)
    #expect(expression.number(Self.values) == value)
  }

  @Test(arguments: ["absent", "absent + 1", "pattern * 2", "0 / 0"])
  func `what has no number is none, and no condition holds for it`(_ text: String) throws {
    let expression = try ExpressionParser.parse(text, names: Self.names)
    #expect(expression.number(Self.values).isNaN)
    #expect(!expression.holds(Self.values))
    #expect(!(try ExpressionParser.parse("\(text) < 1", names: Self.names)).holds(Self.values))
  }

  @Test(arguments: [
    ("rows +", 6), ("(rows", 5), ("row", 0), ("rows rows", 5), ("2 * nowhere", 4), ("'open", 0), ("min()", 4),
    ("pow(1)", 0), ("tan(1)", 0), ("rows = 3", 6), ("", 0), ("1..2", 0), ("& 1", 0),
  ])
  func `what is wrong is told where it is`(_ text: String, _ position: Int) throws {
    let error = try #require(throws: ExpressionError.self) { try ExpressionParser.parse(text, names: Self.names) }
    #expect(error.range.lowerBound == position, "\(error)")
  }

  @Test func `parentheses nest only so deep`() {
    let text = String(repeating: "(", count: 100_000)
    #expect(throws: ExpressionError.self) { try ExpressionParser.parse(text, names: []) }
  }

  @Test func `bounds hold what an expression gives`() throws {
    var random = SplitMix64(state: 7)
    let texts = [
      "a + b", "a - b", "a * b", "a / (b + 3)", "max(a, b) - min(a, b)", "floor(a) + ceil(b) + round(a)", "-a",
      "a < b", "a <= b", "a > b", "a >= b", "a == b", "a != b", "not a < b", "a < 0 or b < 0", "a < 0 and b < 0",
      "if(a < b, a, b)", "a % 2", "abs(a)",
    ]
    for text in texts {
      let expression = try ExpressionParser.parse(text, names: ["a", "b"])
      for _ in 0..<200 {
        func range() -> Interval {
          let ends = [random.unit() * 4 - 2, random.unit() * 4 - 2].sorted()
          return Interval(low: ends[0], high: ends[1])
        }
        let (a, b) = (range(), range())
        let bounds = Interval.of(expression, [a, b])
        for _ in 0..<10 {
          let x = a.low + (a.high - a.low) * random.unit()
          let y = b.low + (b.high - b.low) * random.unit()
          let value = expression.number([.number(x), .number(y)])
          #expect(bounds.low <= value && value <= bounds.high, "\(text) is \(value) at \(x), \(y): \(bounds)")
        }
      }
    }
  }
}
