import Diagnostics
import Documents
import Workloads

// What writing and reading a block share.

/// How dependencies are stored.
enum DependencyForm {
  /// How far back each is.
  static let distances: UInt8 = 0
  /// Near ones as distances, far ones as steps from the far one before.
  static let pointers: UInt8 = 1
  /// The smallest distance that is far.
  static let far: UInt64 = 8
}

extension OperatorBlock {
  /// Dependencies for a pass that walks back over what an earlier one left, as a backward pass does over activations:
  /// what it uses of its own is near, and what it uses of the earlier pass is near to what it used before.
  var pointers: [UInt64] {
    var result: [UInt64] = []
    result.reserveCapacity(distances.count)
    var far: Int64 = 0
    forEachDistance { index, distance in
      if distance < DependencyForm.far {
        result.append(distance << 1)
      } else {
        let target = index &- Int64(bitPattern: distance)
        result.append(zigzag(target &- far) << 1 | 1)
        far = target
      }
    }
    return result
  }

  func distances(fromPointers pointers: [UInt64]) -> [UInt64] {
    var result: [UInt64] = []
    result.reserveCapacity(pointers.count)
    var far: Int64 = 0
    var next = 0
    for (place, record) in recordIDs.enumerated() {
      for _ in 0..<records[Int(record)].dependencies {
        let pointer = pointers[next]
        next += 1
        if pointer & 1 == 0 {
          result.append(pointer >> 1)
        } else {
          far = far &+ unzigzag(pointer >> 1)
          result.append(UInt64(bitPattern: Int64(first + place) &- far))
        }
      }
    }
    return result
  }

  private func forEachDistance(_ body: (Int64, UInt64) -> Void) {
    var next = 0
    for (place, record) in recordIDs.enumerated() {
      for _ in 0..<records[Int(record)].dependencies {
        body(Int64(first + place), distances[next])
        next += 1
      }
    }
  }
}

// MARK: Groups

extension OperatorBlock {
  /// The numbers of each place in each template.
  func numberGroups(of total: Int) -> FoldedColumn.Groups {
    let slots = (0..<templates.count).map { id in templates[id].count { $0 == NameTemplate.slot } }
    return groups(of: total, slots, by: \.template)
  }

  /// The dependencies of each place in each record.
  var distanceGroups: FoldedColumn.Groups {
    groups(of: distances.count, records.map { Int($0.dependencies) })
  }

  var fractionGroups: FoldedColumn.Groups { groups(of: fractions.count, strides.fractions) }

  func timeGroups(_ has: KeyPath<Strides, [Bool]>) -> FoldedColumn.Groups {
    let measured = strides[keyPath: has].map { $0 ? 1 : 0 }
    return groups(of: measured.count, measured)
  }

  /// Groups of a column of which each operator takes `sizes[i]` values, where `i` is its record or its template.
  private func groups(
    of total: Int, _ sizes: [Int], by part: KeyPath<Record, UInt32>? = nil
  ) -> FoldedColumn.Groups {
    var firsts: [UInt32] = []
    var count = 0
    for size in sizes {
      firsts.append(UInt32(count))
      count += size
    }
    let parts = part.map { part in records.map { Int($0[keyPath: part]) } }
    var ids: [UInt32] = []
    ids.reserveCapacity(total)
    for record in recordIDs {
      let owner = parts?[Int(record)] ?? Int(record)
      for place in 0..<sizes[owner] { ids.append(firsts[owner] + UInt32(place)) }
    }
    return FoldedColumn.Groups(ids: ids, count: count)
  }
}

extension OperatorKind {
  /// Its place in ``names``.
  var place: Int {
    switch self {
    case .gemm: 0
    case .groupedGEMM: 1
    case .convolution: 2
    case .attention: 3
    case .elementwise: 4
    case .normalization: 5
    case .softmax: 6
    case .reduction: 7
    case .pooling: 8
    case .embedding: 9
    case .update: 10
    case .pruning: 11
    }
  }
}

/// What attributes must be.
enum Attributes {
  /// Whether a text is a JSON object on one line.
  static func isObject(_ text: [UInt8]) -> Bool {
    guard text.first == UInt8(ascii: "{"), !text.contains(0x0A), !text.contains(0x0D),
      let node = try? JSONParser.parse(SourceText(name: "attributes", bytes: text)), case .mapping = node.content
    else { return false }
    return true
  }
}

/// Fractions as whole numbers of some decimal place, where that is exact.
enum DecimalScale {
  /// Says that fractions are stored as the bits of IEEE 754 doubles.
  static let none: UInt8 = 0xFF

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  static func power(_ exponent: UInt8) -> Double? { exponent < powers.count ? powers[Int(exponent)] : nil }

  /// The fewest places at which every fraction is exact.
  static func exact(for fractions: [Double]) -> (exponent: UInt8, values: [UInt64])? {
    var exponent = 0
    for fraction in fractions {
      guard fraction >= 0, fraction <= 1 else { return nil }
      while (fraction * powers[exponent]).rounded() / powers[exponent] != fraction {
        exponent += 1
        if exponent == powers.count { return nil }
      }
    }
    let power = powers[exponent]
    let values = fractions.map { UInt64(($0 * power).rounded()) }
    for (fraction, value) in zip(fractions, values) where (Double(value) / power).bitPattern != fraction.bitPattern {
      return nil
    }
    return (UInt8(exponent), values)
  }
}
