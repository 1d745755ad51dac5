import ArgumentParser
import Lacuna

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// A reader that goes away is told as a diagnostic, not by the signal.
_ = signal(SIGPIPE, SIG_IGN)
_ = Console.start
do {
  var command = try LacunaCommand.parseAsRoot()
  try Console.$verbosity.withValue((command as? any LeafCommand)?.console.verbosity) {
    try TableWidth.$current.withValue(Console.tableWidth) { try command.run() }
  }
} catch {
  exit(Console.report(error))
}
