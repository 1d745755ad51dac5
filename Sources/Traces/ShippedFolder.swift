import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Files of one kind that come with the program, such as machine descriptions.
///
/// They are looked for as `Configs/KIND/NAME`, or `KIND/NAME` where they have a folder of their own, in the working
/// folder, then beside the executable and in every folder above it (a build in a checkout), then as
/// `share/lacuna/KIND/NAME` there (an installation).
public struct ShippedFolder: Sendable {
  /// The folder's name, for example `Hardware`.
  public let kind: String
  /// What the names of its files end in, for example `.yaml`.
  public let suffix: String
  /// Where a checkout has them.
  private let place: String

  /// A kind of files.
  /// - Parameter parent: the folder of a checkout that theirs is in; nil for its top.
  public init(_ kind: String, suffix: String, in parent: String? = "Configs") {
    self.kind = kind
    self.suffix = suffix
    place = parent.map { "\($0)/\(kind)" } ?? kind
  }

  /// The names of all files without their suffix, sorted.
  public func names() -> [String] { Set(folders.flatMap(names(inFolder:))).sorted() }

  /// The path of the first file called `name`.
  public func path(of name: String) -> String? {
    folders.first { names(inFolder: $0).contains(name) }.map { "\($0)/\(name)\(suffix)" }
  }

  private func names(inFolder folder: String) -> [String] {
    InputFile.names(inFolder: folder).compactMap { $0.hasSuffix(suffix) ? String($0.dropLast(suffix.count)) : nil }
  }

  private var folders: [String] {
    var folders = [place]
    var folder = FilePath(Self.executable).removingLastComponent()
    while !folder.isEmpty, folder.lastComponent != nil {
      folders.append(folder.appending(place).string)
      folders.append(folder.appending("share/lacuna/\(kind)").string)
      folder = folder.removingLastComponent()
    }
    return folders
  }

  /// Where the running program really is; symbolic links are followed where the system tells.
  private static var executable: String {
    #if os(Linux)
      var buffer = [CChar](repeating: 0, count: 4096)
      let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
      if count > 0, count < buffer.count {
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    #endif
    return CommandLine.arguments.first ?? ""
  }
}
