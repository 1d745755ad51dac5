import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

/// A cache line by line: an address belongs to the set that a hash gives it, and takes the place of the least recently
/// used of its lines. Slow, and nothing but that.
private struct LineCache {
  private var sets: [[Int]]
  private let ways: Int
  private(set) var misses = 0

  init(lines: Int, ways: Int) {
    self.ways = ways
    sets = Array(repeating: [], count: lines / ways)
  }

  /// A 64-bit finaliser, which spreads neighbours over all sets.
  private func set(of line: Int) -> Int {
    var hash = UInt64(line) &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((hash ^ (hash >> 31)) % UInt64(sets.count))
  }

  mutating func ask(for line: Int) {
    let set = set(of: line)
    if let place = sets[set].firstIndex(of: line) {
      sets[set].remove(at: place)
    } else {
      misses += 1
      if sets[set].count == ways { sets[set].removeFirst() }
    }
    sets[set].append(line)
  }
}

@Suite("The level-two cache as tiles see it")
struct CacheTests {
  @Test(arguments: [4, 8, 16], [0.3, 0.7, 0.9, 1.0, 1.1, 1.4, 2.0])
  func `what is left of a tile is what hashed sets of lines leave`(ways: Int, distance: Double) {
    let lines = 1 << 15
    var cache = LineCache(lines: lines, ways: ways)
    let own = 1 << 11
    for line in 0..<own { cache.ask(for: line) }
    let others = Int(distance * Double(lines))
    for line in 0..<others { cache.ask(for: own + line) }
    let before = cache.misses
    // From the last on: what is missing then takes the place of nothing that is still to be asked for.
    for line in (0..<own).reversed() { cache.ask(for: line) }
    let found = 1 - Double(cache.misses - before) / Double(own)
    // Half of a tile's own lines lie between two askings of one, too.
    let expected = TileCache(capacity: Double(lines), ways: ways).hits(after: Double(others + own / 2))
    #expect(abs(found - expected) < 0.06, "\(found), not \(expected)")
  }

  @Test func `at no distance everything is found, half at the capacity, nothing far away`() {
    let cache = TileCache(capacity: 1e6)
    #expect(cache.hits(after: 0) == 1)
    #expect(abs(cache.hits(after: 1e6) - 0.5) < 0.05)
    #expect(cache.hits(after: 1e7) == 0)
    var last = 1.0
    for distance in stride(from: 0, to: 3e6, by: 1e5) {
      #expect(cache.hits(after: distance) <= last)
      last = cache.hits(after: distance)
    }
  }

  private static func work(_ m: Int, _ n: Int, _ k: Int, inputsOnChip: Bool = false) -> MatrixWork {
    let product = Operator(name: "", kind: .gemm(GEMM(m: m, n: n, k: k)), dataType: .fp16)
    return MatrixWork(
      problems: product.matrixProblems, rate: MACRate(perCycle: 1024, energy: .zero), elementBytes: 2, outputBytes: 2,
      isSparse: false, metadataBits: 0, inputsOnChip: inputsOnChip, outputOnChip: false)
  }

  private static func gpu(capacity: Int) throws -> TensorCoreGPU {
    var gpu = try idealGPU(kernels: [kernel(64, 64)])
    (gpu.multiprocessors, gpu.clusteredMultiprocessors) = (12, 12)
    gpu.reuseWindow = 2
    gpu.l2Capacity = Bytes(Int64(capacity))
    return gpu
  }

  @Test(arguments: [1 << 17, 3 << 16, 1 << 18, 1 << 19, 1 << 20, 1 << 24])
  func `a product reads what its blocks miss line by line`(capacity: Int) throws {
    let (m, n, k) = (1024, 768, 512)
    let gpu = try Self.gpu(capacity: capacity)
    let work = Self.work(m, n, k)
    let schedule = KernelSchedule(work, kernel: kernel(64, 64), splits: 1, gpu: gpu)
    let reads = schedule.cachedReads(work, gpu: gpu)
    #expect(reads.turns.count == schedule.waves)
    #expect(abs(reads.turns.reduce(0, +) - reads.total) < 1)

    // The same order, block by block: waves of twelve in bands of three rows, along the reduction together, in lines of
    // 128 bytes.
    let (across, along, line) = (m / 64, n / 64, 128)
    var cache = LineCache(lines: capacity / line, ways: 16)
    var blocks: [(Int, Int)] = []
    for band in stride(from: 0, to: across, by: 3) {
      for column in 0..<along { for row in band..<min(across, band + 3) { blocks.append((row, column)) } }
    }
    for first in stride(from: 0, to: blocks.count, by: 12) {
      let wave = blocks[first..<min(first + 12, blocks.count)]
      for step in 0..<k * 2 / line {
        for row in Set(wave.flatMap { [$0.0] }).sorted() {
          for lane in 0..<64 { cache.ask(for: (row * 64 + lane) * (k * 2 / line) + step) }
        }
        for column in Set(wave.map(\.1)).sorted() {
          for lane in 0..<64 { cache.ask(for: 1 << 30 + (column * 64 + lane) * (k * 2 / line) + step) }
        }
      }
    }
    let expected = Double(cache.misses * line)
    // Rows that every wave of a band asks for are taken as others' bytes each time: it never reads less.
    #expect(reads.total > 0.97 * expected && reads.total < 1.25 * expected, "\(reads.total), not \(expected)")
  }

  @Test func `what fits is read once, and from the cache where it is there`() throws {
    let gpu = try Self.gpu(capacity: 1 << 40)
    for inputsOnChip in [false, true] {
      let work = Self.work(1000, 700, 512, inputsOnChip: inputsOnChip)
      let schedule = KernelSchedule(work, kernel: kernel(64, 64), splits: 1, gpu: gpu)
      let reads = schedule.cachedReads(work, gpu: gpu)
      #expect(abs(reads.products[0].a - 1000 * 512 * 2) < 1)
      #expect(abs(reads.products[0].b - (inputsOnChip ? 0 : 700 * 512 * 2)) < 1)
    }
  }

  @Test func `a larger cache never reads more`() throws {
    var last = Double.infinity
    for shift in 14..<26 {
      let gpu = try Self.gpu(capacity: 1 << shift)
      let work = Self.work(1024, 768, 512)
      let reads = KernelSchedule(work, kernel: kernel(64, 64), splits: 1, gpu: gpu).cachedReads(work, gpu: gpu)
      #expect(reads.total <= last)
      last = reads.total
    }
  }
}
