import Bench
import Hardware
import Quantities
import Testing
import Workloads

@testable import Simulation

@Suite("Patterns of weights beside 2:4")
struct SparsePatternTests {
  private func engine(_ name: String = "h200") throws -> TensorCoreEngine { TensorCoreEngine(try gpu(name)) }

  private func block(_ size: Int, _ zeros: Double) -> SparsityPattern {
    .block(rows: size, columns: size, zeros: zeros)
  }

  /// Every second block kept, and what a kernel does with it counted one step at a time.
  @Test(arguments: [(96, 80, 64, 16), (128, 96, 128, 32), (64, 50, 192, 32)])
  func `block-sparse kernels do what a slow model counts`(m: Int, n: Int, k: Int, size: Int) throws {
    let answer = try engine().answer(gemm(m, n, k, weights: block(size, 0.5)))
    var (macs, bytes, kept) = (0, 0, 0)
    for row in 0..<m / size {
      for start in stride(from: 0, to: n, by: size) {
        let width = min(size, n - start)
        for column in 0..<k / size where (row + column) % 2 == 0 {
          macs += size * size * size
          bytes += size * size * 2 + 4 + size * width * 2
          if start == 0 { kept += 1 }
        }
      }
    }
    #expect(answer.macs.useful + answer.macs.padded == macs)
    #expect(answer.macs.useful == m * n * k / 2)
    #expect(answer.traffic.l2Read == Bytes(Int64(bytes)))
    let metadata = 4 * (kept + m / size + 1)
    #expect(answer.traffic.metadata == Bytes(Int64(metadata)))
    #expect(answer.traffic.dramRead == Bytes(Int64(m * k + metadata + 2 * k * n)))
  }

  @Test(arguments: [16, 32, 64, 128])
  func `more blocks never take less time, and all of them about as long as dense`(_ size: Int) throws {
    let engine = try engine()
    var last = 0.0
    for zeros in [0.99, 0.95, 0.9, 0.7, 0.5, 0.3, 0.001] {
      let answer = engine.answer(gemm(4096, 4096, 4096, weights: block(size, zeros)))
      #expect(answer.elapsed.value >= last)
      last = answer.elapsed.value
    }
    let share = last / engine.answer(gemm(4096, 4096, 4096)).elapsed.value
    #expect(share > 1 && share < 40, "\(share)")
  }

  @Test func `larger blocks are faster`() throws {
    let engine = try engine()
    let times = [16, 32, 64].map {
      engine.answer(gemm(4096, 4096, 4096, weights: block($0, 0.5))).elapsed.value
    }
    #expect(times[0] > times[1] && times[1] > times[2])
  }

  @Test func `compressed rows read a slice of B for every kept value`() throws {
    let answer = try engine().answer(gemm(256, 512, 1024, weights: .unstructured(zeros: 0.75)))
    let values = 256 * 1024 / 4
    #expect(answer.macs.useful == values * 512 && answer.macs.padded == 0)
    #expect(answer.traffic.l2Read == Bytes(Int64(values * 512 * 2 + values * 16 * 6)))
    #expect(answer.traffic.metadata == Bytes(Int64(4 * (values + 257))))
    #expect(answer.elapsed > (try engine().answer(gemm(256, 512, 1024)).elapsed))
  }

  @Test func `no tile of two of four is dense, and all of them are two of four`() throws {
    let engine = try engine()
    func answer(_ fraction: Double) -> Estimate {
      engine.answer(
        gemm(4096, 4096, 4096, weights: .tile(rows: 128, columns: 128, fraction: fraction, n: 2, m: 4)))
    }
    let (none, dense) = (answer(0), engine.answer(gemm(4096, 4096, 4096)))
    let (all, sparse) = (answer(1), engine.answer(gemm(4096, 4096, 4096, weights: .twoOfFour)))
    #expect(none.elapsed == dense.elapsed && none.macs == dense.macs && none.traffic == dense.traffic)
    #expect(all.elapsed == sparse.elapsed && all.macs == sparse.macs && all.traffic == sparse.traffic)
    let half = answer(0.5)
    #expect(half.macs.useful == dense.macs.dense * 3 / 4)
    #expect(half.elapsed > sparse.elapsed)
    // Half of the values saved, less two bits each of those kept in 2:4 tiles and a bit for each tile.
    let values = Int64(4096 * 4096)
    #expect(half.traffic.metadata == Bytes(bits: values / 4 * 2 + 32 * 32))
  }

  @Test func `selecting four of four columns is two of four and a gather`() throws {
    let gpu = try gpu("h200")
    let engine = TensorCoreEngine(gpu)
    let gathered = engine.answer(gemm(4096, 4096, 4096, weights: .vectorStructured(v: 256, n: 2, m: 4)))
    let plain = engine.answer(gemm(4096, 4096, 4096, weights: .twoOfFour))
    #expect(gathered.macs == plain.macs)
    // Four indices of two bits for every four columns of a panel.
    let index = Int64(16 * 1024)
    #expect(gathered.traffic.dramRead == plain.traffic.dramRead + Bytes(index))
    #expect(gathered.traffic.metadata == plain.traffic.metadata + Bytes(index))
    #expect(gathered.elapsed >= plain.elapsed && gathered.elapsed < plain.elapsed * 1.05)
  }

  @Test func `tiles for panels are as high as a panel, and do nothing else`() throws {
    var panels = kernel(128, 64)
    (panels.isForDense, panels.isForPanels) = (false, true)
    let engine = TensorCoreEngine(try idealGPU(kernels: [kernel(128, 256), panels]))
    func answer(_ pattern: SparsityPattern) -> Estimate { engine.answer(gemm(4096, 4096, 4096, weights: pattern)) }
    #expect(answer(.vectorStructured(v: 128, n: 2, m: 8)).mapping.description.contains("128x64"))
    #expect(answer(.twoOfFour).mapping.description.contains("128x256"))
    #expect(
      engine.changes(gemm(4096, 4096, 4096, weights: .vectorStructured(v: 64, n: 2, m: 8))).first?.contains("run dense")
        == true)
  }

  /// Four of 16 columns are wanted by each panel: one panel reads a quarter of B, two a quarter of the rest more.
  @Test(arguments: [1, 2, 3, 8])
  func `panels share the rows of B that several of them select`(_ panels: Int) throws {
    var tile = kernel(128, 64)
    (tile.isForDense, tile.isForPanels) = (false, true)
    let engine = TensorCoreEngine(try idealGPU(kernels: [kernel(128, 256), tile]))
    let (m, n, k) = (128 * panels, 1024, 2048)
    let answer = engine.answer(gemm(m, n, k, weights: .vectorStructured(v: 128, n: 2, m: 16)))
    var wanted = 0.0
    for _ in 0..<panels { wanted += 0.25 * (1 - wanted) }
    // Values and their positions, four 4-bit indices for each group of a panel, and the wanted rows of B.
    let kept = Double(m * k / 8)
    let bytes = kept * 2 + kept * 2 / 8 + Double(panels * k / 16 * 4) * 4 / 8 + wanted * Double(k * n * 2)
    #expect(isClose(Double(answer.traffic.dramRead.count), bytes, 1e-6))
  }

  @Test(arguments: [(6, 8), (4, 8), (2, 6), (14, 16)])
  func `overlapping windows multiply as often as they are long`(_ n: Int, _ m: Int) throws {
    let engine = try engine()
    let op = gemm(4096, 4096, 48 * 128, weights: .structured(n: n, m: m))
    #expect(
      engine.changes(op) == ["\(n):\(m) weights run as \(m - 2):\(m) in \(m / 2 - 1) overlapping windows of 2:4"])
    let answer = engine.answer(op)
    #expect(answer.macs.useful == 4096 * 4096 * 48 * 128 / m * (m - 2) && answer.macs.padded == 0)
    let windows = engine.answer(gemm(4096, 4096, 48 * 128 * 4 / m * (m / 2 - 1), weights: .twoOfFour))
    #expect(isClose(answer.elapsed.value, windows.elapsed.value, 0.02))
  }

  @Test func `what runs is told`() throws {
    let engine = try engine()
    func told(_ pattern: SparsityPattern) -> [String] { engine.changes(gemm(1024, 1024, 1024, weights: pattern)) }
    #expect(told(block(32, 0.5)) == ["block(32x32, 0.5) weights run as a block-sparse kernel"])
    #expect(
      told(.unstructured(zeros: 0.5)) == [
        "unstructured(0.5) weights run as compressed rows (CSR) on the vector lanes"
      ])
    #expect(
      told(.vectorStructured(v: 64, n: 2, m: 8)) == ["64:2:8 weights run as 2:4 over selected columns, four of 8"])
    #expect(
      told(.vectorStructured(v: 8, n: 2, m: 8)) == ["8:2:8 weights run dense: no kernel gathers for panels of 8 rows"])
    let t4 = try self.engine("t4")
    for pattern in [block(32, 0.5), .unstructured(zeros: 0.5), .vectorStructured(v: 64, n: 2, m: 8)] {
      #expect(
        t4.changes(gemm(64, 64, 64, weights: pattern)) == [
          "\(pattern) weights run dense: there is no sparse instruction for fp16"
        ])
    }
  }

  /// Bounds on the mean absolute error over densities from 0.02 to 0.5, in percent.
  @Test(arguments: [("bsr", 16, 7.0), ("bsr", 32, 10), ("bsr", 64, 22.5), ("bsr", 128, 18), ("csr", 1, 7)])
  func `measured sparse weights are met`(_ format: String, _ size: Int, _ bound: Double) throws {
    let engine = try engine()
    var errors: [Double] = []
    for row in try Bench.measurements("h200_spmm") where row["format"] == format && row["block"] == "\(size)" {
      let density = try #require(row["density"].flatMap(Double.init))
      let time = try #require(row["us"].flatMap(Double.init)) * 1e-6
      let pattern = format == "csr" ? .unstructured(zeros: 1 - density) : block(size, 1 - density)
      errors.append((engine.answer(gemm(4096, 4096, 4096, weights: pattern)).elapsed.value / time - 1) * 100)
    }
    #expect(errors.count == 6)
    #expect(errors.map(abs).reduce(0, +) / 6 <= bound, "\(errors)")
  }
}
