import ArgumentParser
import Lacuna

struct ExplainCommand: LeafCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Shows where a pattern's speedup is lost, cause by cause.",
    discussion: """
      Why does 2:4 not make BERT twice as fast on an H200?
        lacuna explain bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4

      One kind of operator in full, and the whole as a picture:
        lacuna explain bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4 --operator linear.5
        lacuna explain bert-large.jsonl.zst --hardware h200 --sparsity weights=2:4 --format svg

      The model is run without any cause of loss, then with one more cause each time, in a fixed order: the factors \
      multiply to the predicted speedup.
      """)

  @OptionGroup var workload: WorkloadArguments

  @Option(
    help: ArgumentHelp("A machine of 'lacuna hardware list', or a description.", valueName: "name|file"),
    completion: .machine)
  var hardware: String

  @Option(
    help: ArgumentHelp("Only operators of this name; * stands for any characters.", valueName: "glob"))
  var `operator`: String?

  @Option(help: "How the result is written.")
  var format: PictureFormat = .table

  @OptionGroup var console: ConsoleArguments

  func run() throws {
    let machine = try Machine(named: hardware)
    let study = try workload.study()
    Console.progress("explaining on \(machine.name)")
    let losses = try study.losses(on: machine, operators: `operator`, options: workload.simulation)
    Console.progress("")
    let text =
      switch format {
      case .table: Report.losses(losses).text(as: .table)
      case .json: Report.losses(losses).text(as: .json)
      case .csv: Report.losses(losses).text(as: .csv)
      case .svg: WaterfallChart.text(losses)
      }
    try Console.output(text)
  }
}
