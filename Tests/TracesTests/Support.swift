import Diagnostics
import Testing
import Traces
import Workloads

/// What a text reads as.
func read(
  _ text: String, name: String = "test", options: ImportOptions = ImportOptions()
) throws(DiagnosticList) -> ImportedTrace {
  try TraceReader.read(SourceText(name: name, text: text), options: options)
}

/// The problems that keep a text from being read.
func problems(
  _ text: String, name: String = "test", options: ImportOptions = ImportOptions(),
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) -> [Diagnostic] {
  problems(Array(text.utf8), name: name, options: options, sourceLocation: sourceLocation)
}

/// The problems that keep bytes from being read.
func problems(
  _ bytes: [UInt8], name: String = "test", options: ImportOptions = ImportOptions(),
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) -> [Diagnostic] {
  do throws(DiagnosticList) {
    _ = try TraceReader.read(SourceText(name: name, bytes: bytes), options: options)
    Issue.record("this was read without a problem", sourceLocation: sourceLocation)
    return []
  } catch {
    #expect(error.hasErrors, sourceLocation: sourceLocation)
    return error.diagnostics
  }
}

/// A folder that is gone when the test is over.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let path = try TemporaryFolder.create()
  defer { TemporaryFolder.remove(path) }
  try body(path)
}

/// The repository's root.
let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
