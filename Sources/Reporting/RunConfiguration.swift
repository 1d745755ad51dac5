public import Documents

/// What a result depends on beside the program: its inputs with their content, and every option, those that were not
/// given included. The same configuration and version give the same bytes.
public struct RunConfiguration: Hashable, Sendable {
  /// A file that was read.
  public struct Input: Hashable, Sendable {
    /// What it is to the run: `trace`, `machine`, or the option that names it.
    public var role: String
    /// The file without its folders.
    public var name: String
    /// The SHA-256 of its content; nil where it was made in memory, or is read in parts only, as files of weights are.
    public var sha256: String?

    /// An input.
    public init(role: String, name: String, sha256: String? = nil) {
      self.role = role
      self.name = name.split(separator: "/").last.map(String.init) ?? name
      self.sha256 = sha256
    }

    /// An input that was read whole.
    public init(role: String, _ digest: InputDigest) {
      self.init(role: role, name: digest.name, sha256: digest.sha256)
    }
  }

  /// An option of the command line.
  public struct Option: Hashable, Sendable {
    /// Its name there, without dashes.
    public var name: String
    /// What it is.
    public var value: Value

    /// An option.
    public init(_ name: String, _ value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// What an option may be.
  public enum Value: Hashable, Sendable {
    /// Words; nil where it was not given and means nothing then.
    case words(String?)
    /// One of several words, one of which is what it is unless told otherwise.
    case choice(String, default: String)
    /// Any number of words, each with the option's name before it.
    case list([String])
    /// There or not.
    case flag(Bool)
  }

  /// What was read.
  public var inputs: [Input]
  /// How it was run.
  public var options: [Option]

  /// A configuration.
  public init(inputs: [Input] = [], options: [Option] = []) {
    self.inputs = inputs
    self.options = options
  }

  /// The command that repeats the run, with files without their folders; nil where nothing was read from a trace.
  public var command: String? {
    guard let trace = inputs.first(where: { $0.role == "trace" && $0.sha256 != nil }) else { return nil }
    var words = ["lacuna", "simulate", trace.name]
    for option in options {
      switch option.value {
      case .words(let value): if let value { words += ["--\(option.name)", value] }
      case .choice(let value, let usual): if value != usual { words += ["--\(option.name)", value] }
      case .list(let values): for value in values { words += ["--\(option.name)", value] }
      case .flag(let isSet): if isSet { words.append("--\(option.name)") }
      }
    }
    return words.map(Self.quoted).joined(separator: " ")
  }

  /// The word as a shell takes it for one.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        || "-_./=:,".unicodeScalars.contains(scalar)
    }
    return isPlain && !word.isEmpty
      ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

extension JSONReport {
  static func configuration(_ configuration: RunConfiguration) -> JSONValue {
    .object([
      ("command", .optionalString(configuration.command)),
      (
        "inputs",
        .array(
          configuration.inputs.map {
            .object([
              ("role", .string($0.role)), ("name", .string($0.name)),
              ("sha256", .optionalString($0.sha256)),
            ])
          })
      ),
      (
        "options",
        .object(
          configuration.options.map { option in
            let value: JSONValue =
              switch option.value {
              case .words(let value): .optionalString(value)
              case .choice(let value, _): .string(value)
              case .list(let values): .strings(values)
              case .flag(let isSet): .bool(isSet)
              }
            return (option.name.replacingHyphens, value)
          })
      ),
    ])
  }
}
