import ArgumentParser
import Lacuna

// What a shell offers for words that only the program knows: it asks the program itself, so machines that came since
// the script was made are among them.

extension CompletionKind {
  /// Machines by name, and descriptions in the working folder.
  static let machine = custom { _, _, _ in machineNames }

  /// Machines with commas between them.
  static let machines = custom { _, _, word in
    let done = word.lastIndex(of: ",").map { word[...$0] } ?? ""
    return machineNames.map { done + $0 }
  }

  /// Patterns for the operands that the core machines exploit; more are written by hand.
  static let rule = list([
    "weights=2:4", "weights=2:8", "weights=4x", "weights=8x", "weights=16x", "weights=32x",
    "weights=unstructured(0.9)", "weights=tile(128x128, 0.5, 2:4)", "weights=block(32x32, 0.9)",
    "activations=unstructured(0.5)",
  ])

  private static var machineNames: [String] {
    let shipped = (try? MachineCatalog.names()) ?? []
    return shipped + InputFile.names(inFolder: ".").filter { $0.hasSuffix(".yaml") }
  }
}
