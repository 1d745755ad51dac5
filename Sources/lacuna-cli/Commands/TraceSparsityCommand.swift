import ArgumentParser
import Lacuna

extension TraceCommand {
  struct Sparsity: LeafCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows what the zeros of weights are like.",
      discussion: """
        Sparsity, N:M conformance, bank balance and blocks of every matrix of a model:
          lacuna trace sparsity model.safetensors

        Reads safetensors and their index.json, NumPy .npy, DLMC .smtx, MatrixMarket .mtx, and folders of them. Rows are \
        output features; a filter's columns are its taps, the channels fastest, and groups begin anew at every tap.
        """)

    @Argument(help: "Files or folders of tensors.", completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("Only tensors of such names; * stands for any characters.", valueName: "glob"))
    var tensor: String?

    @OptionGroup var output: FormatArguments

    @OptionGroup var console: ConsoleArguments

    func run() throws {
      let tensors = try collectingProblems(files) { (file) throws(DiagnosticList) in try TensorReader.read(file) }
        .flatMap { $0 }
      let chosen = tensors.chosen(by: tensor)
      guard !chosen.isEmpty else {
        let close = tensor.flatMap { nearest(to: $0, among: tensors.map(\.name)) }
        throw DiagnosticList(
          Diagnostic(
            .matchesNothing, "no tensor \(tensor.map { "named '\($0)' " } ?? "")has rows and columns",
            help: close.map { "did you mean '\($0)'?" }))
      }
      var rows: [TensorSparsity] = []
      for (index, tensor) in chosen.enumerated() {
        Console.progress("counting \(tensor.name), \(index + 1) of \(chosen.count)")
        rows.append(
          TensorSparsity(
            name: tensor.name, file: tensor.file, shape: tensor.shape,
            statistics: MaskStatistics(try tensor.zeros(), channels: tensor.channels)))
      }
      Console.progress("")
      let others = tensors.count { !$0.isMatrix }
      try Console.output(Report.sparsity(rows, otherTensors: others).text(as: output.format))
    }
  }
}
