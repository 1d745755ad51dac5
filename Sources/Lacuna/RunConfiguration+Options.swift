import Diagnostics
import Documents
import Hardware
import Reporting
import Simulation
import Traces

extension SparsityFiles {
  /// The files. Those with tensors are read in parts, as far as a workload names them, and have no hash.
  var inputs: [RunConfiguration.Input] {
    get throws(DiagnosticList) {
      var inputs = weights.map { [RunConfiguration.Input(role: "weights", name: $0)] } ?? []
      let tables = [("weight-names", weightNames), ("densities", densities)] + activations.map { ("activations", $0) }
      for case (let role, let path?) in tables {
        inputs.append(RunConfiguration.Input(role: role, InputDigest(try InputFile.load(path))))
      }
      return inputs
    }
  }

  /// As the command line has them.
  var options: [RunConfiguration.Option] {
    func name(_ path: String) -> String { RunConfiguration.Input(role: "", name: path).name }
    return [
      .init("weights", .words(weights.map(name))), .init("weight-names", .words(weightNames.map(name))),
      .init("densities", .words(densities.map(name))), .init("activations", .list(activations.map(name))),
      .init("effective-sparsity", .choice("\(effectiveSparsity)", default: "\(SparsityFiles().effectiveSparsity)")),
    ]
  }
}

extension Machine {
  /// What it is asked for by: the catalog's machines by name, others by their file.
  var asked: String {
    guard let file = input?.name, file != name + ".yaml" else { return name }
    return file
  }
}

extension ImportOptions {
  /// As the command line has them.
  var asked: [RunConfiguration.Option] {
    [
      .init("phase", .words(phase?.rawValue)), .init("sequence", .words(sequenceLength.map(String.init))),
      .init("context", .words(contextLength.map(String.init))), .init("batch", .words(batch.map(String.init))),
    ]
  }
}

extension SimulationOptions {
  /// As the command line has them.
  var asked: [RunConfiguration.Option] {
    let usual = SimulationOptions()
    return [
      .init("dataflow", .words(dataflow?.rawValue)),
      .init("mapping", .choice(mapping.rawValue, default: usual.mapping.rawValue)),
      .init("power", .choice(power.rawValue, default: usual.power.rawValue)),
      .init("ideal-library", .flag(library == .ideal)),
      .init("fidelity", .choice(fidelity.rawValue, default: usual.fidelity.rawValue)),
      .init("fuse", .flag(fusesEpilogues)), .init("fuse-stage", .list(fusedStages.map(\.description))),
      .init("one-request", .flag(isOneRequestAtATime)),
    ]
  }
}
