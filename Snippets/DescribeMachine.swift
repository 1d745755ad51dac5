// A machine of one's own: a description in a string, read and checked like a file, with all its mistakes at once.
import Lacuna

let file = "Configs/Hardware/systolic-32x32.yaml"
let template = try MachineTemplate(try InputFile.load(file))
// The same array with twice the rows. A value that no file could have is told with its place.
let rows = Node(.number("64"), range: 0..<0)
let machine = try template.read([(path: ["array", "rows"], value: rows)]).get()

let study = try Study(trace: "Traces/resnet18.jsonl.zst")
for machine in [template.machine, machine] {
  let totals = try study.run(on: machine).run.totals
  print(machine.architecture.name, totals.elapsed, totals.energy.total)
}

do {
  _ = try MachineReader.read(SourceText(name: "mine.yaml", text: "name: mine\nengine: sistolic\n"))
} catch {
  print(DiagnosticRenderer.render(error.diagnostics))
}
