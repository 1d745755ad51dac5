import Hardware

/// What the name of a matrix kernel in a profile tells: its tile, its cluster and whether it splits the reduction.
///
/// Read are names of cuBLASLt's (`nvjet_sm90_hsh_128x64_64x8_1x2_h_bz_splitK_TNT`: tile, depth by stages, cluster) and
/// cuSPARSELt's (`…_tilesize128x256x64_cgasize2x1x1_…`). The former's sides may be those of the transposed product.
struct KernelName: Hashable {
  var tile: [Int]
  var cluster: [Int]
  var isSparse: Bool
  var splitsReduction: Bool

  init?(_ name: String) {
    let words = name.split(whereSeparator: { "_ ".contains($0) })
    func sizes(_ word: Substring, after prefix: String = "") -> [Int]? {
      guard word.hasPrefix(prefix) else { return nil }
      let sizes = word.dropFirst(prefix.count).split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      return sizes.count > 1 && sizes.allSatisfy { $0 != nil } ? sizes.compactMap(\.self) : nil
    }
    if let tile = words.lazy.compactMap({ sizes($0, after: "tilesize") }).first,
      let cluster = words.lazy.compactMap({ sizes($0, after: "cgasize") }).first
    {
      self.init(tile: Array(tile.prefix(2)), cluster: Array(cluster.prefix(2)), isSparse: true, splitsReduction: false)
    } else {
      let pairs = words.compactMap { sizes($0) }.filter { $0.count == 2 }
      guard name.hasPrefix("nvjet"), pairs.count >= 3 else { return nil }
      self.init(tile: pairs[0], cluster: pairs[2], isSparse: false, splitsReduction: name.contains("splitK"))
    }
  }

  private init(tile: [Int], cluster: [Int], isSparse: Bool, splitsReduction: Bool) {
    self.tile = tile
    self.cluster = cluster
    self.isSparse = isSparse
    self.splitsReduction = splitsReduction
  }
}

extension Machine {
  /// The machine with that kernel only, where its library has it.
  func running(_ name: KernelName) -> Machine {
    guard case .tensorCore(var gpu) = architecture else { return self }
    gpu.kernels = gpu.kernels.compactMap { kernel in
      let tile = [kernel.m, kernel.n]
      guard name.isSparse ? kernel.isForSparse : kernel.isForDense else { return nil }
      guard name.isSparse ? tile == name.tile : tile.sorted() == name.tile.sorted() else { return nil }
      guard !name.isSparse || [kernel.cluster.m, kernel.cluster.n] == name.cluster else { return nil }
      guard kernel.mostSplits > 1 || !name.splitsReduction else { return nil }
      var kernel = kernel
      if !name.splitsReduction { kernel.mostSplits = 1 }
      return kernel
    }
    return gpu.kernels.isEmpty ? self : Machine(name: self.name, title: title, architecture: .tensorCore(gpu))
  }
}
