/// The stable names of everything a user can be told. Each has a test of its text.
///
/// The first paragraph of a case says what it means, the second how it is mended; the page of diagnostics is made of them.
public enum DiagnosticCode: String, CaseIterable, Sendable {
  // Files.
  /// The file does not exist or may not be read.
  ///
  /// Check the path, and whether the file may be read; the nearest name in its folder is suggested.
  case unreadableFile = "unreadable-file"
  /// A directory stands where a file is needed.
  ///
  /// Name a file in it.
  case isDirectory = "is-directory"
  /// There is nothing in the file.
  ///
  /// Check what wrote the file or feeds the pipe.
  case emptyFile = "empty-file"
  /// The content, or what it claims to be, exceeds a limit.
  ///
  /// Check that it is the file that was meant; a trace of that size is read as a container (`.ltrace`).
  case tooLarge = "too-large"
  /// Compressed data that does not decompress.
  ///
  /// Copy or make the file again: it was cut off or changed on its way.
  case corruptCompression = "corrupt-compression"
  /// A trace container whose bytes are not those that were written.
  ///
  /// Copy the file again, or save what is intact with `lacuna trace verify FILE --recover OTHER`.
  case corruptTrace = "corrupt-trace"
  /// A file of tensors whose header contradicts itself or the bytes that follow.
  ///
  /// Write the file again with the program it comes from.
  case corruptTensor = "corrupt-tensor"
  /// No tensor of that name.
  ///
  /// Take one of the names that are listed, or say with `--weight-names` which tensor is whose.
  case unknownTensor = "unknown-tensor"
  /// Neither name nor content tells what format this is.
  ///
  /// Convert it to a format that `lacuna trace import --help` and the README name.
  case unknownFormat = "unknown-format"
  /// The reader of the output went away.
  ///
  /// Let the program behind the pipe read to the end; a pager that is left early is no harm.
  case closedOutput = "closed-output"
  /// The output cannot be written.
  ///
  /// Check that the folder is there, may be written to and has room.
  case unwritableFile = "unwritable-file"

  // Syntax.
  /// Text that is not UTF-8.
  ///
  /// Save the file as UTF-8, or look whether it is the file that was meant.
  case invalidText = "invalid-text"
  /// Not JSON.
  ///
  /// Mend the place that is marked; a file that ends there was cut off.
  case jsonSyntax = "json-syntax"
  /// Not YAML.
  ///
  /// Mend the place that is marked; indent with spaces, and quote what has colons or braces.
  case yamlSyntax = "yaml-syntax"
  /// Not the CSV table that is expected.
  ///
  /// Give the table the columns that are named, and every row as many cells.
  case csvSyntax = "csv-syntax"
  /// A key appears twice in one mapping.
  ///
  /// Keep one of the two.
  case duplicateKey = "duplicate-key"

  // Fields.
  /// A key nobody reads.
  ///
  /// Correct its spelling, or take it out; the keys that are known here are listed.
  case unknownKey = "unknown-key"
  /// A key that is needed and absent.
  ///
  /// Add it.
  case missingKey = "missing-key"
  /// A value of another type.
  ///
  /// Write what is expected there.
  case wrongType = "wrong-type"
  /// A word outside a closed set.
  ///
  /// Take one of the words that are listed.
  case unknownValue = "unknown-value"
  /// A number outside its range.
  ///
  /// Choose a number within the range that is named.
  case outOfRange = "out-of-range"
  /// A bare number where a unit is needed.
  ///
  /// Write the unit behind the number, such as `1.98 GHz`.
  case missingUnit = "missing-unit"
  /// A unit of something else.
  ///
  /// Take one of the units that are listed.
  case wrongUnit = "wrong-unit"

  // Workloads.
  /// A schema version this build does not know.
  ///
  /// Use a newer lacuna; what it does not know is left out until then.
  case unknownSchema = "unknown-schema"
  /// A sparsity pattern that cannot exist.
  ///
  /// Write a pattern of the grammar that is shown, such as `2:4`, `16x` or `unstructured(0.7)`.
  case invalidPattern = "invalid-pattern"
  /// A reduction length its pattern does not divide.
  ///
  /// Leave the operator dense, pad its reduction, or take a group that divides it.
  case indivisiblePattern = "indivisible-pattern"
  /// Sizes that contradict each other.
  ///
  /// Correct the size that is marked.
  case inconsistentShape = "inconsistent-shape"
  /// A product of sizes beyond what is counted exactly.
  ///
  /// Check the sizes: no machine runs a product of that many multiply-accumulates.
  case sizeOverflow = "size-overflow"
  /// A dependency on an operator that is not there, or comes later.
  ///
  /// Dependencies are indices of earlier lines; the first operator is 0.
  case danglingDependency = "dangling-dependency"
  /// A rule that matches no operator.
  ///
  /// Correct the name; `lacuna trace cat` lists the operators. `*` stands for any characters.
  case matchesNothing = "matches-nothing"
  /// A model architecture the importer does not know.
  ///
  /// Describe the model as a trace, or export it as ONNX.
  case unknownModel = "unknown-model"
  /// A trace without any operator to simulate.
  ///
  /// Check the file: everything in it was left out, for the reasons given.
  case emptyTrace = "empty-trace"

  // Machines.
  /// No machine of that name.
  ///
  /// Take a name of `lacuna hardware list`, or the path of a description.
  case unknownHardware = "unknown-hardware"
  /// A pattern the machine cannot exploit.
  ///
  /// Take a pattern that the machine exploits; where it can only run dense, a note says so instead.
  case unsupportedPattern = "unsupported-pattern"
  /// A data type the machine has no unit for.
  ///
  /// Convert with `--data-type`, or add the type or a substitute to the description.
  case unsupportedDataType = "unsupported-data-type"
  /// An operator or option the machine cannot run.
  ///
  /// Leave the operator or the option out, or take another machine.
  case unsupportedOperator = "unsupported-operator"
  /// A model larger than the machine's memory.
  ///
  /// Take a smaller model, batch or data type, or a machine with more memory.
  case exceedsMemory = "exceeds-memory"
  /// Values that are each valid but contradict each other.
  ///
  /// Change one of the values that are named.
  case inconsistentHardware = "inconsistent-hardware"

  // Studies.
  /// A range or list of values without any.
  ///
  /// Give at least one value, the smaller end first.
  case emptyRange = "empty-range"
  /// A formula that cannot be read.
  ///
  /// Mend the place that is marked; names are parameters and figures of the study.
  case invalidExpression = "invalid-expression"
  /// Constraints that no point of the space can meet.
  ///
  /// Widen a range, or leave one of the constraints out.
  case contradictoryConstraints = "contradictory-constraints"
  /// A file of results that is none, or that another process holds.
  ///
  /// Name another file, or add `--resume`; wait for the process that holds it.
  case unusableStore = "unusable-store"
  /// Results of another study, or of this one before it or the program changed.
  ///
  /// Name another file for the new results, or go back to the study that the old ones are of.
  case changedStudy = "changed-study"
  /// Results that lack points of their study.
  ///
  /// Run the shards that are missing, and merge again.
  case missingPoints = "missing-points"
}
