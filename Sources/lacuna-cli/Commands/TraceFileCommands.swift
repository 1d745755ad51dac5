import ArgumentParser
import Lacuna

// What is done to trace files as files: conversion, parts, comparison, repair.

extension TraceCommand {
  /// What may be given up, and how many threads work.
  struct WritingArguments: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Round measured densities to this many decimal places. Nothing is rounded otherwise.", valueName: "digits"))
    var densityDigits: Int?

    @Option(
      help: ArgumentHelp(
        "Round begins and durations to this many nanoseconds. Nothing is rounded otherwise.", valueName: "ns"))
    var timeNanoseconds: Int?

    @Option(help: ArgumentHelp("Threads; the output does not depend on them.", valueName: "count"))
    var threads: Int?

    var precision: TracePrecision {
      TracePrecision(densityDigits: densityDigits, time: timeNanoseconds.map { .nanoseconds($0) })
    }

    func validate() throws {
      if let densityDigits, !(1...15).contains(densityDigits) {
        throw ValidationError("--density-digits is \(densityDigits); it must be from 1 to 15")
      }
      if let timeNanoseconds, !(1...1_000_000_000).contains(timeNanoseconds) {
        throw ValidationError("--time-nanoseconds is \(timeNanoseconds); it must be from 1 to 10^9")
      }
      if let threads, !(1...256).contains(threads) {
        throw ValidationError("--threads is \(threads); it must be from 1 to 256")
      }
    }
  }

  struct Compress: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a trace as a container (.ltrace), the smallest form.",
      discussion: """
        A recorded run in the form that is kept:
          lacuna trace compress recorded.json -o recorded.ltrace

        Any format that is read may be compressed; JSON Lines of any length pass through in bounded memory. Nothing is \
        lost unless --density-digits or --time-nanoseconds say so, and the file then says so as well. The file is a \
        sequence of Zstandard frames: zstd -t checks it.
        """)

    @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
    var input: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var output: String

    @OptionGroup(title: "Writing")
    var writing: WritingArguments

    @OptionGroup(title: "Model descriptions")
    var model: ModelArguments

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      if !output.hasSuffix(".ltrace") { throw ValidationError("--output must end in .ltrace") }
    }

    func run() throws {
      var progress = Progress("compressing \(input)", counting: "operators")
      let result = try TraceContainer.convert(
        input, to: output, precision: writing.precision, options: model.options, threads: writing.threads
      ) { progress.show($0, fraction: $1) }
      Console.progress("")
      Console.show(result.warnings)
      let statistics = try TraceContainer(path: output)
      try Console.output("\(result.operators) operators, \(statistics.fileSize)\n")
    }
  }

  struct Decompress: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a container as JSON Lines.",
      discussion: """
        A container as text, for other programs:
          lacuna trace decompress recorded.ltrace -o recorded.jsonl

        An output that ends in .zst is compressed again, by Zstandard alone.
        """)

    @Argument(help: "The trace in any format that is read; - for standard input.", completion: .file())
    var input: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var output: String

    @OptionGroup(title: "Writing")
    var writing: WritingArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      var progress = Progress("decompressing \(input)", counting: "operators")
      let result = try TraceContainer.convert(
        input, to: output, precision: writing.precision, threads: writing.threads
      ) { progress.show($0, fraction: $1) }
      Console.progress("")
      Console.show(result.warnings)
      try Console.output("\(result.operators) operators\n")
    }
  }

  struct Verify: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks every byte of a container, and saves what is intact of a damaged one.",
      discussion: """
        Did a copy arrive whole, and if not, what can be saved of it?
          lacuna trace verify recorded.ltrace
          lacuna trace verify recorded.ltrace --recover intact.ltrace

        Ends with status 1 if anything is damaged.
        """)

    @Argument(help: "The container.", completion: .file())
    var trace: String

    @Option(help: ArgumentHelp("Write all intact operators to this file.", valueName: "file"), completion: .file())
    var recover: String?

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      Console.progress("verifying \(trace)")
      let result = try ContainerVerification(trace, recoveringTo: recover)
      Console.progress("")
      Console.show(result.problems)
      var text = "\(result.operators) operators in \(result.blocks) block\(result.blocks == 1 ? "" : "s") are intact\n"
      for range in result.lost { text += "operators \(range.lowerBound)..<\(range.upperBound) are lost\n" }
      try Console.output(text)
      if !result.isIntact { throw ExitCode.failure }
    }
  }

  struct Slice: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes some of a trace's operators as a trace of their own.",
      discussion: """
        One layer of a model:
          lacuna trace slice llama.ltrace --name 'layer.*' -o layer.ltrace

        Of a container, only the blocks that are needed are read. Dependencies on operators that are left out are \
        dropped.
        """)

    @Argument(help: "The trace in any format that is read.", completion: .file())
    var trace: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var output: String

    @Option(help: ArgumentHelp("Only these operators, counted from 0.", valueName: "a..<b"))
    var range: OperatorRange?

    @Option(help: ArgumentHelp("Only operators whose name fits, * for anything; may be repeated.", valueName: "glob"))
    var name: [String] = []

    @OptionGroup var console: ConsoleArguments

    func validate() throws {
      if (range != nil) == !name.isEmpty { throw ValidationError("give either --range or --name") }
    }

    func run() throws {
      let container = try TraceCommand.container(trace)
      if let range = range?.indices {
        try TraceCommand.check(range, of: container.operatorCount, in: trace)
        try container.slice(range.clamped(to: 0..<container.operatorCount), to: output)
      } else {
        let indices = try container.indices(named: name)
        guard !indices.isEmpty else {
          throw DiagnosticList(
            Diagnostic(.matchesNothing, "no operator of \(trace) is named \(name.joined(separator: " or "))"))
        }
        try container.slice(indices, to: output)
      }
    }
  }

  struct Merge: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes several traces one after another into one.",
      discussion: """
        A prompt and then its answer:
          lacuna trace merge prefill.ltrace decode.ltrace -o request.ltrace
        """)

    @Argument(help: "Traces in any format that is read.", completion: .file())
    var traces: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var output: String

    @Option(help: "What the result is called; the names joined by + if not given.")
    var name: String?

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let count = try TraceMerge.merge(traces, to: output, name: name)
      try Console.output("\(count) operators\n")
    }
  }

  struct Diff: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows how two traces differ.",
      discussion: """
        What did a change of the model do?
          lacuna trace diff before.ltrace after.ltrace

        Operators belong together when their names do. Ends with status 1 if the traces differ.
        """)

    @Argument(help: "The first trace, in any format that is read.", completion: .file())
    var old: String

    @Argument(help: "The second trace.", completion: .file())
    var new: String

    @Option(help: ArgumentHelp("How many changes are shown.", valueName: "count"))
    var limit = 50

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let difference = TraceDifference(try TraceReader.read(old).workload, try TraceReader.read(new).workload)
      var text = ""
      for change in difference.changes.prefix(max(0, limit)) {
        switch change {
        case .header(let member, let old, let new): text += "~ \(member): \(old) → \(new)\n"
        case .removed(let index, let name): text += "- \(index) \(name)\n"
        case .added(let index, let name): text += "+ \(index) \(name)\n"
        case .changed(let index, _, let name, let members):
          let list = members.map { "\($0.key) \($0.old ?? "–") → \($0.new ?? "–")" }
          text += "~ \(index) \(name): \(list.joined(separator: ", "))\n"
        }
      }
      let hidden = difference.changes.count - max(0, limit)
      if hidden > 0 { text += "… \(hidden) more\n" }
      text += "\(difference.same) operators are the same, \(difference.changes.count) changes\n"
      try Console.output(text)
      if !difference.changes.isEmpty { throw ExitCode.failure }
    }
  }

  struct Stats: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows where the bytes of a container go.",
      discussion: """
        Which column takes most?
          lacuna trace stats model.ltrace
        """)

    @Argument(help: "The container.", completion: .file())
    var trace: String

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let statistics = try ContainerStatistics(try TraceContainer(path: trace))
      let bits = Double(8 * statistics.file.count) / Double(max(1, statistics.operators))
      var text = """
        operators   \(statistics.operators)
        blocks      \(statistics.blocks) in \(statistics.frames) frames
        signatures  \(statistics.signatures)
        templates   \(statistics.templates)
        stream      \(statistics.stream)
        file        \(statistics.file), \(formatSignificant(bits, digits: 3)) bits an operator

        column           values      folded

        """
      for column in statistics.columns {
        text += column.name + String(repeating: " ", count: max(1, 16 - column.name.count))
        let values = "\(column.values)"
        text += String(repeating: " ", count: max(1, 7 - values.count)) + values + "  \(column.folded)\n"
      }
      try Console.output(text)
    }
  }

  /// Opens a container; any other trace is read whole and made one.
  static func container(_ path: String) throws(DiagnosticList) -> TraceContainer {
    if let container = try? TraceContainer(path: path) { return container }
    return try TraceContainer(bytes: try TraceContainer.bytes(try TraceReader.read(path).workload), name: path)
  }

  static func check(_ range: Range<Int>, of count: Int, in trace: String) throws(DiagnosticList) {
    guard range.lowerBound > count else { return }
    throw DiagnosticList(
      Diagnostic(
        .outOfRange, "--range begins at operator \(range.lowerBound), but \(trace) has \(count)",
        help: "operators are counted from 0"))
  }
}
