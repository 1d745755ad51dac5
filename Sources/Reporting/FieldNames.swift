import Quantities
import Simulation

// Names that JSON and CSV share.

extension Traffic {
  /// Each flow with its name in files.
  var levels: [(name: String, bytes: Bytes)] {
    [
      ("dram_read", dramRead), ("dram_written", dramWritten), ("l2_read", l2Read), ("l2_written", l2Written),
      ("l1_filled", l1Filled), ("l1_read", l1Read), ("metadata", metadata),
    ]
  }
}

extension String {
  /// The name as one snake-case word.
  var replacingHyphens: String { String(map { $0 == "-" ? "_" : $0 }) }
}
