/// The stable names of everything a user can be told. Each has a test of its text.
public enum DiagnosticCode: String, CaseIterable, Sendable {
  // Files.
  /// The file does not exist or may not be read.
  case unreadableFile = "unreadable-file"
  /// A directory stands where a file is needed.
  case isDirectory = "is-directory"
  /// There is nothing in the file.
  case emptyFile = "empty-file"
  /// The content, or what it claims to be, exceeds a limit.
  case tooLarge = "too-large"
  /// Compressed data that does not decompress.
  case corruptCompression = "corrupt-compression"
  /// A trace container whose bytes are not those that were written.
  case corruptTrace = "corrupt-trace"
  /// A file of tensors whose header contradicts itself or the bytes that follow.
  case corruptTensor = "corrupt-tensor"
  /// No tensor of that name.
  case unknownTensor = "unknown-tensor"
  /// Neither name nor content tells what format this is.
  case unknownFormat = "unknown-format"
  /// The reader of the output went away.
  case closedOutput = "closed-output"
  /// The output cannot be written.
  case unwritableFile = "unwritable-file"

  // Syntax.
  /// Not JSON.
  case jsonSyntax = "json-syntax"
  /// Not YAML.
  case yamlSyntax = "yaml-syntax"
  /// Not the CSV table that is expected.
  case csvSyntax = "csv-syntax"
  /// A key appears twice in one mapping.
  case duplicateKey = "duplicate-key"

  // Fields.
  /// A key nobody reads.
  case unknownKey = "unknown-key"
  /// A key that is needed and absent.
  case missingKey = "missing-key"
  /// A value of another type.
  case wrongType = "wrong-type"
  /// A word outside a closed set.
  case unknownValue = "unknown-value"
  /// A number outside its range.
  case outOfRange = "out-of-range"
  /// A bare number where a unit is needed.
  case missingUnit = "missing-unit"
  /// A unit of something else.
  case wrongUnit = "wrong-unit"

  // Workloads.
  /// A schema version this build does not know.
  case unknownSchema = "unknown-schema"
  /// A sparsity pattern that cannot exist.
  case invalidPattern = "invalid-pattern"
  /// A reduction length its pattern does not divide.
  case indivisiblePattern = "indivisible-pattern"
  /// Sizes that contradict each other.
  case inconsistentShape = "inconsistent-shape"
  /// A product of sizes beyond what is counted exactly.
  case sizeOverflow = "size-overflow"
  /// A dependency on an operator that is not there, or comes later.
  case danglingDependency = "dangling-dependency"
  /// A rule that matches no operator.
  case matchesNothing = "matches-nothing"
  /// A model architecture the importer does not know.
  case unknownModel = "unknown-model"
  /// A trace without any operator to simulate.
  case emptyTrace = "empty-trace"

  // Machines.
  /// No machine of that name.
  case unknownHardware = "unknown-hardware"
  /// A pattern the machine cannot exploit.
  case unsupportedPattern = "unsupported-pattern"
  /// A data type the machine has no unit for.
  case unsupportedDataType = "unsupported-data-type"
  /// An operator or option the machine cannot run.
  case unsupportedOperator = "unsupported-operator"
  /// A model larger than the machine's memory.
  case exceedsMemory = "exceeds-memory"
  /// Values that are each valid but contradict each other.
  case inconsistentHardware = "inconsistent-hardware"

  // Studies.
  /// A range or list of values without any.
  case emptyRange = "empty-range"
  /// A formula that cannot be read.
  case invalidExpression = "invalid-expression"
  /// Constraints that no point of the space can meet.
  case contradictoryConstraints = "contradictory-constraints"
  /// A file of results that is none, or that another process holds.
  case unusableStore = "unusable-store"
  /// Results of another study, or of this one before it or the program changed.
  case changedStudy = "changed-study"
  /// Results that lack points of their study.
  case missingPoints = "missing-points"
}
