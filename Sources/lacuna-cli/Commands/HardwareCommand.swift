import ArgumentParser
import Lacuna

struct HardwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract: "Lists, shows and checks machine descriptions.",
    discussion: """
      Which machines are there, and where do the numbers of one come from?
        lacuna hardware list
        lacuna hardware show h200

      What takes the room on its chip?
        lacuna hardware area h200
      """,
    subcommands: [List.self, Show.self, Area.self, Check.self])

  struct List: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the machines that come with lacuna.",
      discussion: """
        As a table for a script:
          lacuna hardware list --format csv
        """)

    @OptionGroup var output: FormatArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let machines = try collectingProblems(try MachineCatalog.names()) { (name) throws(DiagnosticList) in
        try Machine(named: name)
      }
      try Console.output(Report.machines(machines).text(as: output.format))
    }
  }

  struct Show: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows every number of a machine with its source.",
      discussion: """
        What is only assumed about an H200?
          lacuna hardware show h200 | grep assumed
        """)

    @OptionGroup var told: MachineArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      try Console.output(Report.machine(try told.machine()).text(as: told.output.format))
    }
  }

  struct Area: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows what the parts of a machine's chip take.",
      discussion: """
        How much of SAT's silicon multiplies?
          lacuna hardware area sat
        """)

    @OptionGroup var told: MachineArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let machine = try told.machine()
      guard let breakdown = machine.areaBreakdown else {
        throw DiagnosticList(
          Diagnostic(
            .missingKey, "\(machine.name) does not say what its parts take",
            help: "add a section 'area' to its description; that of another machine shows how"))
      }
      try Console.output(Report.area(machine, breakdown).text(as: told.output.format))
    }
  }

  struct Check: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reads descriptions and tells everything that is wrong with them.",
      discussion: """
        Before a new machine is used:
          lacuna hardware check my-machine.yaml
        """)

    @Argument(help: ArgumentHelp("Machine descriptions in YAML.", valueName: "file"), completion: .file())
    var files: [String]

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let lines = try collectingProblems(files) { (file) throws(DiagnosticList) in
        let machine = try MachineReader.read(try InputFile.load(file))
        return "\(file): \(machine.name) is valid, with \(machine.constants.count) constants\n"
      }
      try Console.output(lines.joined())
    }
  }
}

/// A machine that something is told of, and how.
struct MachineArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A machine of the list, or a description.", valueName: "name|file"), completion: .machine)
  var name: String

  @OptionGroup var output: FormatArguments

  /// Reads it.
  func machine() throws(DiagnosticList) -> Machine { try Machine(named: name) }
}
