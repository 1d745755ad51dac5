import ArgumentParser
import Lacuna

struct SchemaCommand: LeafCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON Schema of a file that is read or written.",
    discussion: """
      For an editor that completes and checks machine descriptions:
        lacuna schema hardware > hardware.schema.json

      A YAML file whose first line is '# yaml-language-server: $schema=hardware.schema.json' is then checked as it is \
      written. The schema of a trace is that of a line of its text.
      """)

  @Argument(help: "The kind of file.")
  var file: FileSchema

  @OptionGroup var console: ConsoleArguments

  func run() throws {
    try Console.output(try file.text())
  }
}
