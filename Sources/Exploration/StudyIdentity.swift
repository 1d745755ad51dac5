import Diagnostics
import Hardware
import Traces
import Workloads

/// What results depend on: results of one identity may stand together.
public struct StudyIdentity: Sendable, Equatable {
  /// Each with its name: the study and the machine as they are written, the fingerprint of each trace, the program's
  /// version.
  let parts: [(part: String, content: String)]

  /// The identity of a study.
  /// - Parameter program: the version of the program that gives the results.
  public init(_ study: DesignStudy, program: String) {
    var parts = [
      ("study", String(decoding: study.source.bytes, as: UTF8.self)),
      ("machine", String(decoding: study.template.source.bytes, as: UTF8.self)), ("program", program),
      ("name", study.name), ("title", study.title),
    ]
    for workload in study.workloads {
      parts.append(("trace \(workload.name)", Fingerprint.of(TraceWriter.jsonLines(workload.trace))))
      let masks = workload.masks
      guard !masks.isEmpty else { continue }
      parts.append(
        (
          "masks \(workload.name)",
          Fingerprint.of(masks.map { String($0.digest, radix: 16) }.joined(separator: " ").utf8)
        ))
    }
    self.parts = parts
  }

  /// Both are of the same parts.
  public static func == (a: StudyIdentity, b: StudyIdentity) -> Bool {
    a.parts.map(\.part) == b.parts.map(\.part) && a.parts.map(\.content) == b.parts.map(\.content)
  }

  /// One short text for all of it.
  public var fingerprint: String {
    var fingerprint = Fingerprint()
    for (part, content) in parts {
      fingerprint.add(part.utf8)
      fingerprint.add([0])
      fingerprint.add(content.utf8)
      fingerprint.add([0])
    }
    return fingerprint.text
  }
}

extension PointResult {
  /// The fingerprint of a point's values: the same in every run of the study.
  func id(in study: DesignStudy) -> String { Self.id(values, in: study) }

  static func id(_ values: [Value?], in study: DesignStudy) -> String {
    var fingerprint = Fingerprint()
    for (parameter, value) in zip(study.space.parameters, values) {
      fingerprint.add(parameter.name.utf8)
      fingerprint.add([UInt8(ascii: "=")])
      fingerprint.add((value?.description ?? "").utf8)
      fingerprint.add([0])
    }
    return fingerprint.text
  }
}
