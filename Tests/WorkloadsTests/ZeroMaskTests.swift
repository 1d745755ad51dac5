import Diagnostics
import SeededRandom
import Testing
import Workloads

@Suite("Masks of real zeros")
struct ZeroMaskTests {
  private static func random(_ seed: UInt64) -> [[Bool]] {
    var generator = SeededGenerator(seed: seed)
    let (rows, columns) = (Int.random(in: 1...40, using: &generator), Int.random(in: 1...200, using: &generator))
    let density = Double.random(in: 0...1, using: &generator)
    return (0..<rows).map { _ in (0..<columns).map { _ in Double.random(in: 0..<1, using: &generator) < density } }
  }

  @Test func `counts of ranges, rows and columns are those of the elements`() {
    for seed in UInt64(1)...100 {
      let elements = Self.random(seed)
      let mask = ZeroMask(elements)
      var generator = SeededGenerator(seed: seed)
      #expect(mask.kept == elements.joined().count { $0 }, "seed \(seed)")
      #expect(mask.keptInRows == elements.map { $0.count { $0 } }, "seed \(seed)")
      #expect(
        mask.keptInColumns == elements[0].indices.map { column in elements.count { $0[column] } }, "seed \(seed)")
      for row in elements.indices {
        let start = Int.random(in: 0...elements[0].count, using: &generator)
        let end = Int.random(in: start...elements[0].count, using: &generator)
        #expect(mask.kept(inRow: row, start..<end) == elements[row][start..<end].count { $0 }, "seed \(seed)")
        for column in elements[0].indices { #expect(mask[row, column] == elements[row][column]) }
      }
    }
  }

  @Test func `groups and blocks keep what a walk over them counts`() {
    for seed in UInt64(1)...60 {
      let elements = Self.random(seed)
      let mask = ZeroMask(elements)
      for (size, run) in [(4, elements[0].count), (4, 6), (16, 50), (64, 64), (3, 7)] {
        var counts: [Int: Int] = [:]
        for row in elements {
          for start in stride(from: 0, to: row.count, by: run) {
            let part = Array(row[start..<min(start + run, row.count)])
            for group in stride(from: 0, to: part.count, by: size) {
              counts[part[group..<min(group + size, part.count)].count { $0 }, default: 0] += 1
            }
          }
        }
        let groups = mask.groups(of: size, run: run)
        #expect(
          Dictionary(uniqueKeysWithValues: groups.counts.enumerated().filter { $0.1 > 0 }.map { ($0, $1) }) == counts)
        #expect(groups.total == counts.values.reduce(0, +) && groups.fullest == counts.keys.max())
        let conforming = counts.filter { $0.key <= 2 }.values.reduce(0, +)
        #expect(groups.share(keepingAtMost: 2) == Double(conforming) / Double(groups.total))
      }
      for (height, width) in [(4, 8), (16, 16), (1, 5), (64, 300)] {
        var (count, kept, fullest, densities) = (0, 0, 0, [Double]())
        for top in stride(from: 0, to: elements.count, by: height) {
          var inRow = 0
          for left in stride(from: 0, to: elements[0].count, by: width) {
            let block = elements[top..<min(top + height, elements.count)].flatMap {
              $0[left..<min(left + width, $0.count)]
            }
            densities.append(Double(block.count { $0 }) / Double(block.count))
            count += 1
            if block.contains(true) { inRow += 1 }
          }
          kept += inRow
          fullest = max(fullest, inRow)
        }
        let blocks = mask.blocks(height, width)
        #expect((blocks.count, blocks.kept, blocks.fullestRow) == (count, kept, fullest), "seed \(seed)")
        #expect(blocks.lowestDensity == densities.min() && blocks.highestDensity == densities.max(), "seed \(seed)")
      }
    }
  }

  @Test func `masks are equal by content, and references by what was read`() {
    let elements = Self.random(5)
    var other = elements
    other[0][0].toggle()
    let (a, b, c) = (ZeroMask(elements), ZeroMask(elements), ZeroMask(other))
    #expect(a == b && a != c && Set([a, b, c]).count == 2)
    let read = MaskReference(file: "x", tensor: "w", zeros: a)
    #expect(read == MaskReference(file: "y", zeros: b))
    #expect(read != MaskReference(file: "x", tensor: "w", zeros: c) && read != MaskReference(file: "x", tensor: "w"))
    #expect(SparsityPattern.mask(read).keptFraction(alongReduction: 1) == a.density)
  }

  @Test func `statistics tell a pattern that was built in`() throws {
    // 2:8 in every group, always the same places: the tightest is 1:4 as one of each four is kept.
    let mask = ZeroMask((0..<64).map { _ in (0..<128).map { $0 % 8 == 1 || $0 % 8 == 6 } })
    let statistics = MaskStatistics(mask)
    #expect(statistics.sparsity == 0.75)
    #expect(try #require(statistics.tightest) == (1, 4))
    #expect(statistics.conforming.allSatisfy { ($0.share == 1) == (4 * $0.n >= $0.m) })
    #expect(statistics.banks.allSatisfy { $0.imbalance == 1 && $0.mean == Double($0.size) / 4 })
    #expect(statistics.blocks.allSatisfy { $0.counts.density == 1 && $0.counts.lowestDensity == 0.25 })
    #expect(statistics.inRows.mean == 32 && statistics.inRows.deviation == 0 && statistics.inRows.empty == 0)
    #expect(statistics.inColumns.mean == 16 && statistics.inColumns.deviation == 768.0.squareRoot())
    #expect(statistics.inColumns.empty == 96)
  }

  private func product(_ name: String, m: Int, k: Int) -> Operator {
    Operator(name: name, kind: .gemm(GEMM(m: m, n: 8, k: k)), dataType: .fp16)
  }

  @Test func `a mask goes to the operators of its shape, and says what the others have`() throws {
    let mask = SparsityPattern.mask(
      MaskReference(file: "w.npy", zeros: ZeroMask((0..<4).map { row in (0..<8).map { $0 != row } })))
    let workload = Workload(
      name: "net", source: "test", operators: [product("fits", m: 4, k: 8), product("other", m: 8, k: 4)])
    let (result, notes) = try workload.applying([SparsityRule(.weights, mask)])
    #expect(result.operators.map { $0.sparsity.weights == mask } == [true, false])
    #expect(notes.map(\.operators) == [["other"]])
    let error = #expect(throws: DiagnosticList.self) {
      try workload.applying([SparsityRule(operators: "other", .weights, mask)])
    }
    #expect(error?.diagnostics.first?.code == .inconsistentShape)
    #expect(error?.diagnostics.first?.message.contains("4×8") == true)
    #expect(error?.diagnostics.first?.message.contains("8×4") == true)
    #expect(error?.diagnostics.first?.help == "store it transposed")
    let none = #expect(throws: DiagnosticList.self) {
      try workload.applying([SparsityRule(operators: "oth*", .weights, mask)])
    }
    #expect(none?.diagnostics.map(\.code) == [.inconsistentShape])
    let empty = SparsityPattern.mask(
      MaskReference(file: "w.npy", zeros: ZeroMask((0..<4).map { _ in (0..<8).map { _ in false } })))
    let nothing = #expect(throws: DiagnosticList.self) {
      try workload.applying([SparsityRule(operators: "fits", .weights, empty)])
    }
    #expect(nothing?.diagnostics.map(\.code) == [.invalidPattern])
  }

  @Test(arguments: [
    ("a.b.c", "*.*", ["a", "b.c"]), ("layer3.conv1", "layer*.conv*", ["3", "1"]), ("x", "x", []), ("x", "*", ["x"]),
    ("abab", "*ab", ["ab"]), ("ab", "ab**", ["", ""]),
  ])
  func `a glob tells what its stars stand for`(_ text: String, _ glob: String, _ parts: [String]) {
    #expect(text.parts(fitting: glob)?.map(String.init) == parts)
  }
}
