import Diagnostics
public import Foundation
public import Hardware

/// Files of the repository that tests of engines share.
public enum Bench {
  /// The repository's root.
  public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A machine of the repository.
  /// - Throws: everything wrong with its description.
  public static func machine(_ name: String) throws -> Machine {
    let url = root.appending(path: "Configs/Hardware/\(name).yaml")
    return try MachineReader.read(SourceText(name: url.lastPathComponent, bytes: Array(Data(contentsOf: url))))
  }

  /// A table of measurements: one dictionary a line, by the names in the first.
  /// - Throws: what keeps the file from being read.
  public static func measurements(_ name: String) throws -> [[String: String]] {
    let text = try String(contentsOf: root.appending(path: "Configs/Reference/\(name).csv"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(lines[0].map(String.init), line.map(String.init)))
    }
  }
}

/// Random numbers from a seed (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  /// A generator that always gives the same numbers for the same seed.
  public init(seed: Int) { state = UInt64(seed) }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
