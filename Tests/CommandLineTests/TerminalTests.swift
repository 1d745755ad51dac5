import Foundation
import Lacuna
import Testing

@testable import lacuna_cli

#if canImport(Glibc)
  import Glibc

  /// A terminal that no one sits at.
  private struct PseudoTerminal: ~Copyable {
    private let controller: Int32
    let device: FileHandle

    init(columns: Int) throws {
      controller = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
      // The requests of ioctl_tty(2) that Swift does not see: TIOCSPTLCK unlocks, TIOCGPTN tells the number.
      var (lock, number) = (Int32(0), UInt32(0))
      guard controller >= 0, unsafe ioctl(controller, 0x4004_5431, &lock) == 0,
        unsafe ioctl(controller, 0x8004_5430, &number) == 0,
        let device = FileHandle(forUpdatingAtPath: "/dev/pts/\(number)")
      else { throw CocoaError(.fileReadUnknown) }
      self.device = device
      var size = winsize(ws_row: 40, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
      #expect(unsafe ioctl(controller, UInt(TIOCSWINSZ), &size) == 0)
    }

    deinit { close(controller) }

    /// Runs the program with this as its standard output and error.
    /// - Returns: what it wrote, without carriage returns of line ends.
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments = arguments
      process.currentDirectoryURL = Tool.root
      process.environment = ProcessInfo.processInfo.environment.filter { !["COLUMNS", "NO_COLOR"].contains($0.key) }
        .merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = device
      process.standardError = device
      try process.run()
      try device.close()
      // Reading fails once the last writer is gone.
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(controller, $0.baseAddress, $0.count) }
        guard count > 0 else { break }
        bytes += buffer[..<count]
      }
      process.waitUntilExit()
      return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    }
  }

  @Suite struct TerminalTests {
    private static let commands = [
      ["simulate", "Traces/bert-large.jsonl.zst", "--hardware", "h200", "--sparsity", "weights=2:4"],
      [
        "simulate", "Traces/resnet18-train.jsonl.zst", "--hardware", "sat", "--training", "bdwp", "--sparsity",
        "weights=2:8",
      ],
      ["explain", "Traces/bert-large.jsonl.zst", "--hardware", "h200", "--sparsity", "weights=2:4"],
      ["compare", "Traces/resnet50.jsonl.zst", "--hardware", "s4,t4,h200"], ["hardware", "list"],
      ["hardware", "show", "s4"], ["trace", "info", "Traces/resnet50.jsonl.zst"],
    ]

    /// What is left of terminal output when no line is written twice.
    private static func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { line in
        line.components(separatedBy: "\r\u{1B}[K").last ?? ""
      }
    }

    @Test(arguments: commands, [66, 80, 120, 160])
    func `tables fit the terminal`(_ command: [String], _ columns: Int) throws {
      let terminal = try PseudoTerminal(columns: columns)
      let lines = Self.lines(try terminal.run(command))
      #expect(lines.count > 2)
      for line in lines { #expect(line.count <= columns, "\(line)") }
    }

    @Test func `COLUMNS goes before the terminal's own width`() throws {
      let terminal = try PseudoTerminal(columns: 160)
      let lines = Self.lines(try terminal.run(Self.commands[0], environment: ["COLUMNS": "70"]))
      #expect(lines.allSatisfy { $0.count <= 70 })
    }

    @Test func `a pipe gets the same lines whatever the terminal`() throws {
      let outputs = try ["40", "200"].map { try Tool.run(Self.commands[0], environment: ["COLUMNS": $0]).output }
      #expect(outputs[0] == outputs[1])
    }

    @Test func `problems are in colour on a terminal, unless NO_COLOR is set`() throws {
      let coloured = try PseudoTerminal(columns: 80)
      #expect(try coloured.run(["trace", "info", "absent.jsonl"]).contains("\u{1B}[1;31merror:"))
      let plain = try PseudoTerminal(columns: 80)
      let text = try plain.run(["trace", "info", "absent.jsonl"], environment: ["NO_COLOR": "1"])
      #expect(text.contains("error:") && !text.contains("\u{1B}[1"))
    }

    @Test func `long work tells how far it is, on a terminal only`() throws {
      let folder = try Folder()
      let store = folder.url.appending(path: "results.sqlite").path
      let terminal = try PseudoTerminal(columns: 80)
      let text = try terminal.run(["explore", "Configs/Studies/s4-memory.yaml", "-o", store])
      #expect(text.contains("216 of 216 points"))
      // It takes itself away.
      #expect(text.hasSuffix("\u{1B}[K"))
      let piped = try Tool.run(["explore", "Configs/Studies/s4-memory.yaml", "-o", store, "--resume"])
      #expect(piped.errors.isEmpty && piped.output.isEmpty)
      let quiet = try PseudoTerminal(columns: 80)
      #expect(try quiet.run(["explore", "Configs/Studies/s4-memory.yaml", "-o", store, "--resume", "-q"]).isEmpty)
    }
  }
#endif

@Suite struct ProgressTests {
  @Test(arguments: [
    (50, 50, 0.4, "work · 50 of 200 points"), (50, 50, 2, "work · 50 of 200 points · 25.0/s · 6 s left"),
    // 30 of the 50 were there before: ten a second, and 150 to go.
    (50, 20, 2, "work · 50 of 200 points · 10.0/s · 15 s left"), (200, 200, 100, "work · 200 of 200 points · 2.00/s"),
  ])
  func `the time left follows from the rate of this run`(done: Int, worked: Int, elapsed: Double, line: String) {
    let told = lacuna_cli.Progress.line(
      "work", done, of: 200, "points", fraction: Double(done) / 200, worked: worked, elapsed: elapsed)
    #expect(told == line)
  }
}

@Suite struct VerbosityTests {
  private static let command = ["trace", "info", "Traces/resnet18.jsonl.zst", "--batch", "8", "--format", "csv"]

  @Test func `quiet leaves out warnings and keeps errors`() throws {
    let normal = try Tool.run(Self.command)
    #expect(normal.errors.hasPrefix("warning:"))
    let quiet = try Tool.run(Self.command + ["--quiet"])
    #expect(quiet.errors.isEmpty && quiet.output == normal.output)
    #expect(try Tool.run(["trace", "info", "absent.jsonl", "-q"]).errors.hasPrefix("error:"))
  }

  @Test func `verbose tells each step with its time, and the same result`() throws {
    let verbose = try Tool.run(Self.command + ["-v"])
    #expect(verbose.errors.contains(/^\[\d+\.\d{3} s\] reading Traces\/resnet18\.jsonl\.zst\n/))
    #expect(verbose.output == (try Tool.run(Self.command).output))
  }

  @Test func `quiet and verbose exclude each other`() throws {
    #expect(try Tool.run(Self.command + ["-q", "-v"]).status == 2)
  }
}

@Suite struct CompletionTests {
  @Test(arguments: ["bash", "zsh", "fish"])
  func `there are completions for a shell`(_ shell: String) throws {
    let script = try Tool.run(["--generate-completion-script", shell])
    #expect(script.status == 0)
    for word in ["simulate", "sparsity", "sustained", "weights=2:4", "pareto"] { #expect(script.output.contains(word)) }
  }

  @Test(arguments: [
    (["simul"], ["simulate"]), (["simulate", "x", "--hardware", "h2"], ["h200"]),
    (["compare", "x", "--hardware", "s4,rtx-a"], ["s4,rtx-a6000"]),
    (["simulate", "x", "--sparsity", "weights=16"], ["weights=16x"]),
    (["hardware", "check", "Configs/Hardware/t"], ["Configs/Hardware/t4.yaml"]),
    (["explore", "pa"], ["pareto"]), (["simulate", "x", "--data-type", "bf"], ["bf16"]),
  ])
  func `bash completes commands, machines, patterns and files`(_ words: [String], _ expected: [String]) throws {
    let folder = try Folder()
    let script = try folder.file("lacuna.bash", try Tool.run(["--generate-completion-script", "bash"]).output)
    let line = (["lacuna"] + words).joined(separator: " ")
    let code = """
      source \(script.path)
      COMP_WORDS=(\(line)); COMP_CWORD=\(words.count); COMP_LINE='\(line)'; COMP_POINT=\(line.count); COMP_TYPE=9
      _lacuna lacuna '\(words.last ?? "")' '\(words.dropLast().last ?? "lacuna")'
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let file = try folder.file("try.bash", code)
    let (status, text) = try Shell.run("bash \(file.path)", in: Tool.root)
    #expect(status == 0)
    let offered = text.split(separator: "\n").map { $0.filter { $0 != " " && $0 != "\\" } }
    #expect(offered == expected, "\(text)")
  }
}
